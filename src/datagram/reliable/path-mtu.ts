/**
 * How large a datagram the path takes, found by trying: datagram packetization layer path MTU discovery (RFC 8899). It
 * begins with what every path takes, tries larger ones with data in them, and keeps what was acknowledged. ICMP is not
 * needed, which many networks drop.
 */

/** BASE_PLPMTU of RFC 8899 section 5.1.2, as a UDP payload. */
export const BASE_SIZE = 1200;
/** 32 KiB of data: beyond that larger datagrams gain nothing, and fill the buffers of what is in between. */
export const MAX_SIZE = 32_800;
/** UDP payloads of usual MTUs: 9000 with IPv6, FDDI's 4352, 1500 with IPv4 and IPv6, PPPoE's 1492, tunnels'. */
const USUAL = [8952, 4304, 1472, 1452, 1444, 1372];
/** MAX_PROBES of RFC 8899. */
const MAX_PROBES = 3;
/**
 * A path on which large datagrams vanish is tried again after this time, in milliseconds; after twice that when they do
 * so again, up to PMTU_RAISE_TIMER.
 */
const RAISE_FIRST_MS = 5000;
const RAISE_MAX_MS = 600_000;

export class PathMtu {
  #size = BASE_SIZE;
  #candidates: number[];
  #lost = 0;
  #pending = false;
  #quietUntil = 0;
  #raise = RAISE_FIRST_MS;

  /** @param limit the largest UDP payload that the own link takes */
  constructor(limit: number) {
    const top = Math.min(limit, MAX_SIZE);
    this.#candidates = [top, ...USUAL.filter((size) => size < top)].filter((size) => size > BASE_SIZE);
  }

  /** Bytes of UDP payload that are known to pass. */
  get size(): number {
    return this.#size;
  }

  /** A size to try now, or undefined. */
  probe(now: number): number | undefined {
    return this.#pending || now < this.#quietUntil ? undefined : this.#candidates[0];
  }

  /** A datagram of the size to try has left. */
  sent(): void {
    this.#pending = true;
  }

  /** It has arrived. */
  acked(size: number): void {
    this.#pending = false;
    this.#lost = 0;
    if (size <= this.#size) return;
    this.#size = size;
    // The largest was tried first: what is left is smaller.
    this.#candidates = this.#candidates.filter((other) => other > size);
  }

  /** It has not; or this machine has refused it at once, which needs no second try. */
  missed(refused = false): void {
    this.#pending = false;
    if (++this.#lost < MAX_PROBES && !refused) return;
    this.#lost = 0;
    this.#candidates.shift();
  }

  /** Nothing comes back any more: whether it was larger than what every path takes, which it is no longer. */
  blackHole(now: number): boolean {
    this.#pending = false;
    if (this.#size === BASE_SIZE) return false;
    this.#candidates = [this.#size, ...this.#candidates.filter((other) => other < this.#size)];
    this.#size = BASE_SIZE;
    this.#quietUntil = now + this.#raise;
    this.#raise = Math.min(RAISE_MAX_MS, this.#raise * 2);
    return true;
  }
}
