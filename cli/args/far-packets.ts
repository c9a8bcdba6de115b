/** The limit of far-rate.ts for packets that become known one by one: those of a capture, or of records. */
import { UsageError } from '../../src/errors.js';
import type { Pace } from '../../src/raw/send/pace.js';
import type { IPAddress } from '../../src/sockaddr/ip.js';
import { type AttachedNetworks, attachedNetworks } from '../../src/socket/attached.js';
import { checkFarRate, FAR_RATE_MAX } from './far-rate.js';

const SECOND_MS = 1000;
/** Addresses that are remembered, so that they are not looked up for each packet. */
const REMEMBERED = 4096;

export class FarPackets {
  readonly #networks: AttachedNetworks;
  readonly #flag: string;
  readonly #perSecond: number;
  /** When the last packets to elsewhere were due, a ring. */
  readonly #due = new Float64Array(FAR_RATE_MAX).fill(Number.NEGATIVE_INFINITY);
  #next = 0;
  #near = new Set<string>();
  #last: IPAddress | undefined;

  /**
   * @param pace of the packets: one that is too fast for any to go far is refused at the first that does; left out where
   *   only their number in a second counts
   */
  constructor(pace?: Pace, networks: AttachedNetworks = attachedNetworks()) {
    this.#networks = networks;
    this.#flag = pace?.kind === 'topspeed' ? '--topspeed' : '--rate';
    this.#perSecond =
      pace?.kind === 'topspeed' ? Number.POSITIVE_INFINITY : pace?.kind === 'packets' ? pace.perSecond : 0;
  }

  /**
   * Asks about the next packet.
   *
   * @param destination undefined for a frame without an IP header, which no router hands on
   * @param dueMs when it is due; it was not asked about a later one before
   * @param number of the packet, for the error
   * @throws UsageError where it would be too fast for where it goes
   */
  check(destination: IPAddress | undefined, dueMs: number, number: number): void {
    if (destination === undefined || destination === this.#last || this.#isNear(destination)) return;
    checkFarRate({ flag: this.#flag, perSecond: this.#perSecond, yes: false }, [destination], this.#networks);
    if (dueMs - (this.#due[this.#next] as number) < SECOND_MS) {
      throw new UsageError(
        `packet ${number}: more than ${FAR_RATE_MAX} packets a second, and ${destination} is on no network of this machine`,
        'add --yes if you may load the networks in between, or go slower with --rate',
      );
    }
    this.#due[this.#next] = dueMs;
    this.#next = (this.#next + 1) % FAR_RATE_MAX;
  }

  #isNear(destination: IPAddress): boolean {
    const { key } = destination;
    if (!this.#near.has(key)) {
      if (!this.#networks.has(destination)) return false;
      if (this.#near.size === REMEMBERED) this.#near = new Set();
      this.#near.add(key);
    }
    this.#last = destination;
    return true;
  }
}
