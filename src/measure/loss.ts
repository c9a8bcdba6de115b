/**
 * Which of a numbered stream's datagrams arrived: lost, duplicated, reordered. A window of bits remembers the last
 * numbers, so memory is constant whatever the stream does.
 */

export interface LossCounts {
  /** Different datagrams that arrived. */
  readonly received: number;
  /** Numbers that did not arrive, up to the highest seen or the announced total. */
  readonly lost: number;
  /** Arrived again. */
  readonly duplicated: number;
  /** Arrived after a higher number (RFC 4737 section 3.3); received, not lost. */
  readonly reordered: number;
  /** Arrived behind the window, where a first arrival can't be told from a duplicate; neither lost nor reordered. */
  readonly late: number;
}

/**
 * By how much the reordered ones were out of order: the extent of RFC 4737 section 4.2.1, datagrams that arrived from
 * the first one with a higher number on. Duplicates do not count as arrivals.
 */
export interface ReorderExtent {
  readonly max: number;
  /** Null where nothing was reordered. */
  readonly mean: number | null;
}

/** Numbers behind the highest that are told apart, unless asked for otherwise: 32 KiB of bits. */
export const LOSS_WINDOW = 2 ** 18;
/** The widest window that can be asked for. */
export const LOSS_WINDOW_MAX = 2 ** 24;

/** Jumps over missing numbers that are remembered for the extent at most. */
const JUMPS_MAX = 4096;

export class LossTracker {
  readonly #window: number;
  readonly #seen: Uint8Array;
  #highest = -1;
  #received = 0;
  #duplicated = 0;
  #reordered = 0;
  #late = 0;
  #total: number | undefined;
  #extentMax = 0;
  #extentSum = 0;
  #jumps: Jumps | undefined;

  /** @param window numbers behind the highest that are told apart; rounded up to a power of two, 8 at least */
  constructor(window: number = LOSS_WINDOW) {
    this.#window = 2 ** Math.max(3, Math.ceil(Math.log2(Math.min(window, LOSS_WINDOW_MAX))));
    this.#seen = new Uint8Array(this.#window / 8);
  }

  /** @param sequence counts from 0 */
  add(sequence: number): 'new' | 'reordered' | 'duplicate' | 'late' {
    if (sequence > this.#highest) {
      if (sequence !== this.#highest + 1) {
        this.#jumps ??= new Jumps();
        this.#jumps.add(this.#highest + 1, this.#received);
      }
      this.#advance(sequence);
      this.#received++;
      return 'new';
    }
    if (sequence <= this.#highest - this.#window) {
      this.#late++;
      return 'late';
    }
    if (this.#marked(sequence)) {
      this.#duplicated++;
      return 'duplicate';
    }
    this.#mark(sequence);
    const extent = this.#received - (this.#jumps?.arrivalAfter(sequence) ?? this.#received);
    if (extent > this.#extentMax) this.#extentMax = extent;
    this.#extentSum += extent;
    this.#received++;
    this.#reordered++;
    return 'reordered';
  }

  /** Announces how many datagrams the sender has sent in all. */
  end(total: number): void {
    this.#total = total;
  }

  counts(): LossCounts {
    const expected = Math.max(this.#highest + 1, this.#total ?? 0);
    return {
      received: this.#received,
      lost: Math.max(0, expected - this.#received - this.#late),
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      late: this.#late,
    };
  }

  extent(): ReorderExtent {
    return { max: this.#extentMax, mean: this.#reordered === 0 ? null : this.#extentSum / this.#reordered };
  }

  /** Moves the window up to `sequence`, whose bit is set and the skipped ones' cleared. */
  #advance(sequence: number): void {
    const skipped = sequence - this.#highest - 1;
    if (skipped >= this.#window) this.#seen.fill(0);
    else for (let i = 1; i <= skipped; i++) this.#clear(this.#highest + i);
    this.#highest = sequence;
    this.#mark(sequence);
  }

  // The conversion to 32 bits is modulo 2^32, and the window a power of two below that.
  #marked(sequence: number): boolean {
    const bit = sequence & (this.#window - 1);
    return ((this.#seen[bit >> 3] as number) & (1 << (bit & 7))) !== 0;
  }

  #mark(sequence: number): void {
    const bit = sequence & (this.#window - 1);
    this.#seen[bit >> 3] = (this.#seen[bit >> 3] as number) | (1 << (bit & 7));
  }

  #clear(sequence: number): void {
    const bit = sequence & (this.#window - 1);
    this.#seen[bit >> 3] = (this.#seen[bit >> 3] as number) & ~(1 << (bit & 7));
  }
}

/**
 * Where the numbers jumped, and at which arrival: the first arrival with a higher number than a missing one is the one
 * that jumped over it. A ring of the last jumps; for what is missing since before them, the oldest one kept stands in,
 * so that the extent is too small rather than too large.
 */
class Jumps {
  /** First missing number of each jump, and the arrivals before it. */
  #first = new Float64Array(64);
  #arrival = new Float64Array(64);
  #begin = 0;
  #count = 0;

  add(first: number, arrival: number): void {
    if (this.#count === this.#first.length && this.#count < JUMPS_MAX) this.#grow();
    const at = (this.#begin + this.#count) & (this.#first.length - 1);
    this.#first[at] = first;
    this.#arrival[at] = arrival;
    if (this.#count < this.#first.length) this.#count++;
    else this.#begin = (this.#begin + 1) & (this.#first.length - 1);
  }

  /** Arrivals before the first one with a higher number than `sequence`. */
  arrivalAfter(sequence: number): number {
    let low = 0;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#first[this.#slot(middle)] as number) <= sequence) low = middle;
      else high = middle - 1;
    }
    return this.#arrival[this.#slot(low)] as number;
  }

  #slot(i: number): number {
    return (this.#begin + i) & (this.#first.length - 1);
  }

  #grow(): void {
    const grow = (old: Float64Array<ArrayBuffer>) => {
      const larger = new Float64Array(old.length * 2);
      larger.set(old.subarray(this.#begin));
      larger.set(old.subarray(0, this.#begin), old.length - this.#begin);
      return larger;
    };
    this.#first = grow(this.#first);
    this.#arrival = grow(this.#arrival);
    this.#begin = 0;
  }
}
