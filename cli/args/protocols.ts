/** The protocols of `raw sniff --protocol`: names of protocols(5), or numbers, in the families that they are of. */
import { ipProtocol } from '../../capture/reading.js';
import { clip, UsageError } from '../../src/errors.js';
import type { IPFamily } from '../../src/sockaddr/ip.js';

/** A protocol of IP in one family. */
export interface FamilyProtocol {
  readonly family: IPFamily;
  readonly protocol: number;
}

export const ICMP: FamilyProtocol = { family: 'ipv4', protocol: 1 };
export const ICMPV6: FamilyProtocol = { family: 'ipv6', protocol: 58 };

/** Names that are of one family; those of protocols(5) are of both. */
const NAMES: Readonly<Record<string, readonly FamilyProtocol[]>> = {
  icmp: [ICMP],
  icmp6: [ICMPV6],
  icmpv6: [ICMPV6],
  'ipv6-icmp': [ICMPV6],
  igmp: [{ family: 'ipv4', protocol: 2 }],
};

const EXPECTED = 'icmp, icmp6, igmp, tcp, udp or another name of protocols(5), or a number from 1 to 255';

/**
 * Each protocol once, in the order of the words.
 *
 * @param family of which alone; a word that has none of it is an error
 * @throws UsageError
 */
export function readProtocols(words: readonly string[], family: IPFamily | undefined): FamilyProtocol[] {
  const found = new Map<string, FamilyProtocol>();
  for (const word of words) {
    const fitting = readProtocol(word).filter((one) => family === undefined || one.family === family);
    if (fitting.length === 0) {
      const [flag, other] = family === 'ipv4' ? ['-4', 'IPv6'] : ['-6', 'IPv4'];
      throw new UsageError(`--protocol ${clip(word)} and ${flag}: that is a protocol of ${other}`, `leave out ${flag}`);
    }
    for (const one of fitting) found.set(`${one.family} ${one.protocol}`, one);
  }
  return [...found.values()];
}

function readProtocol(text: string): readonly FamilyProtocol[] {
  const name = text.toLowerCase();
  if (name === 'any' || name === 'all') {
    const what = `--protocol ${name}: a raw socket is of one protocol (raw(7))`;
    throw new UsageError(what, 'name them, or see the packets of all with: sockctl capture');
  }
  if (Object.hasOwn(NAMES, name)) return NAMES[name] ?? [];
  const number = /^\d{1,9}$/.test(name) ? Number(name) : ipProtocol(name);
  if (number === undefined) throw new UsageError(`--protocol: '${clip(text)}' is not ${EXPECTED}`);
  if (number === 0 || number > 255) {
    // Of 0, socket(2) makes another protocol; beyond 255 there are none on the wire (IPPROTO_MPTCP).
    throw new UsageError(`--protocol ${clip(text)}: raw sockets have no protocol ${number}`, 'it is 1 to 255');
  }
  return [
    { family: 'ipv4', protocol: number },
    { family: 'ipv6', protocol: number },
  ];
}
