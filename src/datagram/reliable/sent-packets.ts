/**
 * What a sender remembers of the packets that it has sent, by their numbers: a ring, from the oldest that may still be
 * told of to the newest.
 */

export const PacketState = { none: 0, inFlight: 1, acknowledged: 2, lost: 3 } as const;

/** Packets that are remembered; no more than that are on their way. */
export const SENT_MAX = 1 << 15;
/** So far behind the largest acknowledged number a lost packet is still remembered, in case that it was only late. */
const LOST_KEPT = 1 << 13;

export class SentPackets {
  readonly #state = new Uint8Array(SENT_MAX);
  readonly #offset = new Float64Array(SENT_MAX);
  readonly #length = new Uint32Array(SENT_MAX);
  readonly #size = new Uint32Array(SENT_MAX);
  readonly #sentAt = new Float64Array(SENT_MAX);
  readonly #delivered = new Float64Array(SENT_MAX);
  readonly #deliveredAt = new Float64Array(SENT_MAX);
  #first = 0;
  #next = 0;
  /** Bytes and packets on their way. */
  inFlight = 0;
  count = 0;

  /** The oldest number that is remembered. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next packet gets. */
  get next(): number {
    return this.#next;
  }

  get full(): boolean {
    return this.#next - this.#first >= SENT_MAX;
  }

  /**
   * @param length bytes of data in it
   * @param size bytes of the datagram
   * @param delivered bytes that had been delivered by then, and when that was last told
   */
  add(offset: number, length: number, size: number, now: number, delivered: number, deliveredAt: number): void {
    const i = this.#next % SENT_MAX;
    this.#state[i] = PacketState.inFlight;
    this.#offset[i] = offset;
    this.#length[i] = length;
    this.#size[i] = size;
    this.#sentAt[i] = now;
    this.#delivered[i] = delivered;
    this.#deliveredAt[i] = deliveredAt;
    this.inFlight += size;
    this.count++;
    this.#next++;
  }

  state(number: number): number {
    return number < this.#first || number >= this.#next ? PacketState.none : (this.#state[number % SENT_MAX] as number);
  }

  offset(number: number): number {
    return this.#offset[number % SENT_MAX] as number;
  }

  length(number: number): number {
    return this.#length[number % SENT_MAX] as number;
  }

  size(number: number): number {
    return this.#size[number % SENT_MAX] as number;
  }

  sentAt(number: number): number {
    return this.#sentAt[number % SENT_MAX] as number;
  }

  delivered(number: number): number {
    return this.#delivered[number % SENT_MAX] as number;
  }

  deliveredAt(number: number): number {
    return this.#deliveredAt[number % SENT_MAX] as number;
  }

  /** Takes a packet off its way: it is acknowledged or lost. */
  settle(number: number, state: number): void {
    const i = number % SENT_MAX;
    if (this.#state[i] === PacketState.inFlight) {
      this.inFlight -= this.#size[i] as number;
      this.count--;
    }
    this.#state[i] = state;
  }

  /** Forgets what nobody will tell of any more: what is acknowledged, and lost ones far behind `largest`. */
  forget(largest: number): void {
    while (this.#first < this.#next) {
      const state = this.#state[this.#first % SENT_MAX];
      if (state === PacketState.inFlight) return;
      if (state === PacketState.lost && this.#first > largest - LOST_KEPT) return;
      this.#first++;
    }
  }

  /** Forgets all; the numbers go on. */
  clear(): void {
    this.#first = this.#next;
    this.inFlight = 0;
    this.count = 0;
  }
}
