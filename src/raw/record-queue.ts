/** Records from callbacks to an async iterator, in order, with an end or an error after the last. */

/** Records that may wait for a consumer; what comes beyond is dropped and counted. */
const LIMIT = 1 << 16;

/** What records take of memory, and how much of it they may take together. */
export interface QueueBudget<Item> {
  readonly bytes: number;
  readonly sizeOf: (item: Item) => number;
}

export class RecordQueue<Item> implements AsyncIterable<Item> {
  readonly #budget: QueueBudget<Item> | undefined;
  #items: Item[] = [];
  #bytes = 0;
  #ended = false;
  #error: unknown;
  #wake: (() => void) | undefined;
  /** Who waits for the consumer. */
  #taken: (() => void)[] = [];
  /** Records that no consumer took in time. */
  dropped = 0;

  /** @param budget a bound beside that of the number of records */
  constructor(budget?: QueueBudget<Item>) {
    this.#budget = budget;
  }

  /** Whether the next record would be dropped. */
  get full(): boolean {
    return this.#items.length >= LIMIT || (this.#budget !== undefined && this.#bytes >= this.#budget.bytes);
  }

  /** Settles when the consumer has taken what waits, or nobody will any more. */
  drained(): Promise<void> {
    if (this.#items.length === 0 || this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#taken.push(resolve);
    });
  }

  #tellTaken(): void {
    const waiting = this.#taken;
    this.#taken = [];
    for (const resolve of waiting) resolve();
  }

  push(item: Item): void {
    if (this.#ended) return;
    if (this.full) this.dropped++;
    else this.add(item);
  }

  /** Takes a record however many wait already; for those who look whether it is {@link full}. */
  add(item: Item): void {
    if (this.#ended) return;
    this.#items.push(item);
    if (this.#budget !== undefined) this.#bytes += this.#budget.sizeOf(item);
    this.#wake?.();
  }

  /** Ends with `last`, which are kept however many wait already. */
  end(last: readonly Item[] = []): void {
    for (const item of last) this.add(item);
    this.#ended = true;
    this.#tellTaken();
    this.#wake?.();
  }

  /** Ends with an error, after what was pushed before and `last`. */
  fail(error: unknown, last: readonly Item[] = []): void {
    if (this.#ended) return;
    this.#error = error;
    this.end(last);
  }

  /** All that waits, again and again. What comes in the same turn of the event loop comes together. */
  async *batches(): AsyncGenerator<Item[]> {
    for (;;) {
      const items = this.#items;
      if (items.length > 0) {
        this.#items = [];
        this.#bytes = 0;
        this.#tellTaken();
        yield items;
      } else if (this.#ended) break;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        if (!this.#ended) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    if (this.#error !== undefined) throw this.#error;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for await (const items of this.batches()) yield* items;
  }
}
