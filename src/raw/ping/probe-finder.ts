/**
 * Which probe an answer is about. An answer with all of a token (token.ts) names its probe and proves it. Others, of small
 * payloads, of timestamp requests and in errors that quote little, are to the probe with their sequence to the host that
 * they come from, or that the quoted packet was going to; what there is of the token must be right then.
 */
import type { IPAddress } from '../../sockaddr/ip.js';
import type { PingHost } from './host.js';
import type { PingOrder } from './order.js';
import type { ProbeRing } from './probe-ring.js';
import type { ProbeWriter } from './probe-writer.js';

/** Groups that are looked through for a reply that does not name its probe. */
const GROUPS_MAX = 16;

export class ProbeFinder {
  readonly #order: PingOrder;
  readonly #writer: ProbeWriter;
  /** Hosts by their step, as long as something is known of them. */
  readonly #hosts = new Map<number, PingHost>();
  readonly #groups: PingHost[] = [];

  constructor(order: PingOrder, writer: ProbeWriter) {
    this.#order = order;
    this.#writer = writer;
  }

  add(host: PingHost): void {
    this.#hosts.set(host.step, host);
    if (host.group && this.#groups.length < GROUPS_MAX) this.#groups.push(host);
  }

  forget(host: PingHost): void {
    this.#hosts.delete(host.step);
  }

  /**
   * The probe that an answer is about; -1 for none of this run, or none that is remembered.
   *
   * @param address who has answered, or where the quoted probe was going
   * @param bytes the payload, or what is quoted of it, begins at `start`
   */
  find(ring: ProbeRing<PingHost>, address: IPAddress, sequence: number, bytes: Uint8Array, start: number): number {
    const named = this.#writer.readNumber(bytes, start, bytes.length);
    if (named >= 0) {
      const known = ring.has(named) && ((ring.sequence[ring.at(named)] as number) & 0xffff) === sequence;
      return known ? named : -1;
    }
    // Where nothing proves it, an answer that has no byte of a token must come from where it should.
    const only = this.#order.size === 1 && bytes.length > start ? 0 : undefined;
    const step = this.#order.stepOf(address) ?? only;
    const host = step === undefined ? undefined : this.#hosts.get(step);
    const candidates = host === undefined ? this.#groups : [host];
    for (const candidate of candidates) {
      const number = this.#probeOf(ring, candidate, sequence);
      if (number >= 0 && this.#writer.resembles(bytes, start, bytes.length, number)) return number;
    }
    return -1;
  }

  /** The last probe to a host with these 16 bits of the sequence; -1 for none that is remembered. */
  #probeOf(ring: ProbeRing<PingHost>, host: PingHost, sequence: number): number {
    return ring.find(host.last, host.sends - ((host.sends - sequence) & 0xffff));
  }
}
