/** Many packets a second to somebody else's network need a word more than a flag: `--yes`. */
import { UsageError } from '../../src/errors.js';
import type { IPAddress } from '../../src/sockaddr/ip.js';
import { IPPrefix } from '../../src/sockaddr/prefix.js';
import { type AttachedNetworks, attachedNetworks } from '../../src/socket/attached.js';

/** Packets a second that nobody is asked about. */
export const FAR_RATE_MAX = 1000;

export interface FarRate {
  /** The flag that makes it fast, as it is to be named. */
  readonly flag: string;
  /** Packets a second; Infinity for as fast as it goes. */
  readonly perSecond: number;
  readonly yes: boolean | undefined;
}

/**
 * @param destinations where they go; a block stands for all of its addresses
 * @param known the networks, where somebody has looked already
 * @throws UsageError for more than {@link FAR_RATE_MAX} packets a second to what is neither this machine's nor on a
 * network that it is attached to, unless `yes` is said
 */
export function checkFarRate(
  { flag, perSecond, yes }: FarRate,
  destinations: Iterable<IPAddress | IPPrefix>,
  known?: AttachedNetworks,
): void {
  if (perSecond <= FAR_RATE_MAX || yes === true) return;
  const networks = known ?? attachedNetworks();
  for (const one of destinations) {
    if (one instanceof IPPrefix ? networks.hasAll(one) : networks.has(one)) continue;
    throw new UsageError(
      `${flag}: ${one.toString()} is on no network of this machine, and this is more than ${FAR_RATE_MAX} packets a second`,
      `add --yes if you may load the networks in between, or ${flag === '--pmtu-search' ? 'ask fewer hosts at once' : 'go slower with --rate'}`,
    );
  }
}
