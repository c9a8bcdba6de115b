/**
 * What is remembered of the probes, in columns: a ring that the number of a probe is the place in. It holds what is in
 * flight, and what had its outcome so recently that a duplicate or a late reply may still come.
 */

export const ProbeState = {
  /** Nothing is known of it, or nothing any more. */
  none: 0,
  waiting: 1,
  answered: 2,
  timedOut: 3,
  failed: 4,
  answeredLate: 5,
  /** Of a group: answered, and others may still do so. */
  collecting: 6,
} as const;

/** Places at first, and at most: that many probes can be in flight. */
const CAPACITY = 1024;
const CAPACITY_MAX = 2 ** 18;
/** The root of the 2^16 probes that an answer without a name may be about: that many steps it takes, twice, to find it. */
const STRIDE = 256;

export class ProbeRing<Host> {
  /** The number that the next probe gets. */
  next = 0;
  /** Columns; a probe's place is {@link at} its number. */
  state = new Uint8Array(CAPACITY);
  /** The host's own sequence. */
  sequence = new Float64Array(CAPACITY);
  /** When it was sent: by the wall clock, in milliseconds since the run's base, and by the monotonic one. */
  sentWall = new Float64Array(CAPACITY);
  sentAt = new Float64Array(CAPACITY);
  /** The number of the same host's probe before, -1 for none. */
  before = new Float64Array(CAPACITY);
  /** The number of the same host's last probe before whose sequence is a multiple of {@link STRIDE}, -1 for none. */
  stride = new Float64Array(CAPACITY);
  /** Of timestamp requests: what they say. */
  originate = new Float64Array(CAPACITY);
  hosts: (Host | undefined)[] = new Array(CAPACITY).fill(undefined);
  readonly #max: number;
  #mask = CAPACITY - 1;

  /** @param max places at most; rounded up to a power of two */
  constructor(max = CAPACITY_MAX) {
    this.#max = 2 ** Math.ceil(Math.log2(Math.max(max, CAPACITY)));
  }

  at(number: number): number {
    // The conversion to 32 bits is modulo 2^32, and the mask is below that.
    return number & this.#mask;
  }

  /** Whether anything is known of the probe. */
  has(number: number): boolean {
    return number >= 0 && number < this.next && number >= this.next - this.#mask - 1;
  }

  /**
   * Takes down which probe of its host a claimed one is.
   *
   * @param last the number of the host's probe before, -1 for none; its sequence is one less
   */
  chain(number: number, sequence: number, last: number): void {
    const place = this.at(number);
    this.sequence[place] = sequence;
    this.before[place] = last;
    const marks = (sequence - 1) % STRIDE === 0;
    this.stride[place] = marks || !this.has(last) ? last : (this.stride[this.at(last)] as number);
  }

  /** The number of the host's probe with this sequence, from its last one on; -1 for none that is remembered. */
  find(last: number, sequence: number): number {
    let number = last;
    while (this.has(number)) {
      const place = this.at(number);
      const here = this.sequence[place] as number;
      if (here <= sequence) return here === sequence ? number : -1;
      const far = here - 1 - ((here - 1) % STRIDE);
      number = (far >= sequence ? this.stride : this.before)[place] as number;
    }
    return -1;
  }

  /** Whether the probe is waited for, or answers of others to it are. */
  isOpen(number: number): boolean {
    return this.has(number) && this.#isOpenAt(number & this.#mask);
  }

  #isOpenAt(place: number): boolean {
    const state = this.state[place];
    return state === ProbeState.waiting || state === ProbeState.collecting;
  }

  /**
   * Makes room for one more: over one that has been forgotten, in a larger ring, and where that has no end over one that
   * has its outcome.
   *
   * @param forgetBefore of the monotonic clock: what was sent earlier, and has its outcome, is not needed any more
   * @returns false where all places are those of probes that are waited for
   */
  makeRoom(forgetBefore: number): boolean {
    if (this.next <= this.#mask) return true;
    const place = this.next & this.#mask;
    const open = this.#isOpenAt(place);
    if (!open && (this.sentAt[place] as number) < forgetBefore) return true;
    if (this.#mask + 1 >= this.#max) return !open;
    this.#grow();
    return true;
  }

  /** Whether the ring can't grow, and the place of the next probe is that of one that is waited for. */
  get isCrammed(): boolean {
    return this.#mask + 1 >= this.#max && this.next > this.#mask && this.#isOpenAt(this.next & this.#mask);
  }

  #grow(): void {
    const before = this.#mask + 1;
    const mask = before * 2 - 1;
    const first = Math.max(0, this.next - before);
    const move = <Column extends { [place: number]: unknown }>(column: Column, into: Column): Column => {
      for (let n = first; n < this.next; n++) into[n & mask] = column[n & this.#mask] as Column[number];
      return into;
    };
    this.state = move(this.state, new Uint8Array(before * 2));
    this.sequence = move(this.sequence, new Float64Array(before * 2));
    this.sentWall = move(this.sentWall, new Float64Array(before * 2));
    this.sentAt = move(this.sentAt, new Float64Array(before * 2));
    this.before = move(this.before, new Float64Array(before * 2));
    this.stride = move(this.stride, new Float64Array(before * 2));
    this.originate = move(this.originate, new Float64Array(before * 2));
    this.hosts = move(this.hosts, new Array(before * 2).fill(undefined));
    this.#mask = mask;
  }
}
