/** The limit of far-rate.ts for packets that become known one by one: those of a capture, or of records. */
import { UsageError } from '../../src/errors.js';
import type { Pace } from '../../src/raw/send/pace.js';
import type { IPAddress } from '../../src/sockaddr/ip.js';
import { type AttachedNetworks, attachedNetworks } from '../../src/socket/attached.js';
import { checkFarRate, FAR_RATE_MAX, type FarRate } from './far-rate.js';

const SECOND_MS = 1000;
/** Addresses that are remembered, so that they are not looked up for each packet. */
const REMEMBERED = 4096;

export class FarPackets {
  readonly #networks: AttachedNetworks;
  readonly #pace: Pace | undefined;
  /** When the last packets to elsewhere were due, a ring. */
  readonly #due = new Float64Array(FAR_RATE_MAX).fill(Number.NEGATIVE_INFINITY);
  #next = 0;
  #asked = false;
  #near = new Set<string>();
  #last: readonly IPAddress[] | undefined;

  /**
   * @param pace of the packets: one that is too fast for any to go far is refused at the first that does; left out where
   *   only their number in a second counts
   */
  constructor(pace?: Pace, networks: AttachedNetworks = attachedNetworks()) {
    this.#networks = networks;
    this.#pace = pace;
  }

  /**
   * Asks about the next packet.
   *
   * @param destinations everywhere it goes; none for a frame without an IP header, which no router hands on
   * @param length in bytes
   * @param dueMs when it is due; it was not asked about a later one before
   * @param number of the packet, for the error
   * @throws UsageError where it would be too fast for where it goes
   */
  check(destinations: readonly IPAddress[], length: number, dueMs: number, number: number): void {
    if (destinations === this.#last) return;
    const far = destinations.find((destination) => !this.#isNear(destination));
    if (far === undefined) {
      this.#last = destinations;
      return;
    }
    // A rate in bits is one of packets of the first one's size.
    if (!this.#asked && this.#pace !== undefined) {
      checkFarRate(farRate(this.#pace, length), [far], this.#networks);
      this.#asked = true;
    }
    if (dueMs - (this.#due[this.#next] as number) < SECOND_MS) {
      throw new UsageError(
        `packet ${number}: more than ${FAR_RATE_MAX} packets a second, and ${far} is on no network of this machine`,
        'add --yes if you may load the networks in between, or go slower with --rate',
      );
    }
    this.#due[this.#next] = dueMs;
    this.#next = (this.#next + 1) % FAR_RATE_MAX;
  }

  #isNear(destination: IPAddress): boolean {
    const { key } = destination;
    if (this.#near.has(key)) return true;
    if (!this.#networks.has(destination)) return false;
    if (this.#near.size === REMEMBERED) this.#near = new Set();
    this.#near.add(key);
    return true;
  }
}

/**
 * How many packets a second a pace is, and the flag that makes it so; 0 for that of a capture, which says so packet by packet.
 *
 * @param length of the packets, in bytes
 */
export function farRate(pace: Pace, length: number): FarRate {
  switch (pace.kind) {
    case 'topspeed':
      return { flag: '--topspeed', perSecond: Number.POSITIVE_INFINITY, yes: false };
    case 'packets':
      return { flag: '--rate', perSecond: pace.perSecond, yes: false };
    case 'bits':
      return { flag: `--rate, packets of ${length} bytes`, perSecond: pace.perSecond / (8 * length), yes: false };
    case 'capture':
      return { flag: '--speed', perSecond: 0, yes: false };
  }
}
