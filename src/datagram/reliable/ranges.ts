/** A set of numbers as ranges `[start, end)` in ascending order: what has arrived, what is lost, what is acknowledged. */

export class RangeSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** How many ranges there are. */
  get count(): number {
    return this.#starts.length;
  }

  /** Start of range `i`, counted from the lowest. */
  start(i: number): number {
    return this.#starts[i] as number;
  }

  end(i: number): number {
    return this.#ends[i] as number;
  }

  /** Adds `[start, end)` and returns how much of it was not in the set. */
  add(start: number, end: number): number {
    if (end <= start) return 0;
    const last = this.#starts.length - 1;
    // What arrives in order lengthens the last range.
    if (last < 0 || start > this.end(last)) {
      this.#starts.push(start);
      this.#ends.push(end);
      return end - start;
    }
    if (start === this.end(last)) {
      this.#ends[last] = end;
      return end - start;
    }
    // The ranges that overlap or touch: from the first whose end is not below the start.
    const from = this.#firstEndingAt(start);
    let to = from;
    let covered = 0;
    let low = start;
    let high = end;
    while (to < this.#starts.length && this.start(to) <= end) {
      const overlapStart = Math.max(start, this.start(to));
      const overlapEnd = Math.min(end, this.end(to));
      if (overlapEnd > overlapStart) covered += overlapEnd - overlapStart;
      low = Math.min(low, this.start(to));
      high = Math.max(high, this.end(to));
      to++;
    }
    this.#starts.splice(from, to - from, low);
    this.#ends.splice(from, to - from, high);
    return end - start - covered;
  }

  /** Takes `[start, end)` out. */
  remove(start: number, end: number): void {
    if (end <= start) return;
    let i = this.#firstEndingAt(start + 1);
    while (i < this.#starts.length && this.start(i) < end) {
      const low = this.start(i);
      const high = this.end(i);
      if (low < start && high > end) {
        this.#ends[i] = start;
        this.#starts.splice(i + 1, 0, end);
        this.#ends.splice(i + 1, 0, high);
        return;
      }
      if (low < start) this.#ends[i++] = start;
      else if (high > end) {
        this.#starts[i] = end;
        return;
      } else {
        this.#starts.splice(i, 1);
        this.#ends.splice(i, 1);
      }
    }
  }

  /** Whether all of `[start, end)` is in the set. */
  covers(start: number, end: number): boolean {
    if (end <= start) return true;
    const i = this.#firstEndingAt(start + 1);
    return i < this.#starts.length && this.start(i) <= start && this.end(i) >= end;
  }

  /** Where the range that holds `at` ends; `at` itself where none does. */
  endFrom(at: number): number {
    const i = this.#firstEndingAt(at + 1);
    return i < this.#starts.length && this.start(i) <= at ? this.end(i) : at;
  }

  /** Where the first range that begins after `at` begins; Infinity where none does. */
  nextStart(at: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start(middle) <= at) low = middle + 1;
      else high = middle;
    }
    return this.#starts[low] ?? Number.POSITIVE_INFINITY;
  }

  /** The lowest numbers, `most` of them at most and of one range, taken out; undefined where the set is empty. */
  takeLowest(most: number): { readonly start: number; readonly end: number } | undefined {
    const start = this.#starts[0];
    if (start === undefined) return undefined;
    const end = Math.min(this.end(0), start + most);
    this.remove(start, end);
    return { start, end };
  }

  /** Forgets the lowest ranges until `most` are left. */
  trim(most: number): void {
    const excess = this.#starts.length - most;
    if (excess <= 0) return;
    this.#starts.splice(0, excess);
    this.#ends.splice(0, excess);
  }

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
  }

  /** The first range whose end is `at` or more. */
  #firstEndingAt(at: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end(middle) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
