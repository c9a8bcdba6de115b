/**
 * Which of a numbered stream's datagrams arrived: lost, duplicated, reordered. A window of bits remembers the last
 * 65,536 numbers, so memory is constant whatever the stream does.
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

const WINDOW = 65_536;

export class LossTracker {
  readonly #seen = new Uint8Array(WINDOW / 8);
  #highest = -1;
  #received = 0;
  #duplicated = 0;
  #reordered = 0;
  #late = 0;
  #total: number | undefined;

  /** @param sequence counts from 0 */
  add(sequence: number): 'new' | 'reordered' | 'duplicate' | 'late' {
    if (sequence > this.#highest) {
      this.#advance(sequence);
      this.#received++;
      return 'new';
    }
    if (sequence <= this.#highest - WINDOW) {
      this.#late++;
      return 'late';
    }
    if (this.#marked(sequence)) {
      this.#duplicated++;
      return 'duplicate';
    }
    this.#mark(sequence);
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

  /** Moves the window up to `sequence`, whose bit is set and the skipped ones' cleared. */
  #advance(sequence: number): void {
    if (sequence - this.#highest >= WINDOW) this.#seen.fill(0);
    else for (let skipped = this.#highest + 1; skipped < sequence; skipped++) this.#clear(skipped);
    this.#highest = sequence;
    this.#mark(sequence);
  }

  #marked(sequence: number): boolean {
    const bit = sequence % WINDOW;
    return ((this.#seen[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }

  #mark(sequence: number): void {
    const bit = sequence % WINDOW;
    this.#seen[bit >> 3] = (this.#seen[bit >> 3] ?? 0) | (1 << (bit & 7));
  }

  #clear(sequence: number): void {
    const bit = sequence % WINDOW;
    this.#seen[bit >> 3] = (this.#seen[bit >> 3] ?? 0) & ~(1 << (bit & 7));
  }
}
