/** Records from callbacks to an async iterator, in order, with an end or an error after the last. */

/** Records that may wait for a consumer; beyond that the oldest are dropped and counted. */
const LIMIT = 1 << 16;

export class RecordQueue<Item> implements AsyncIterable<Item> {
  #items: Item[] = [];
  #ended = false;
  #error: unknown;
  #wake: (() => void) | undefined;
  /** Records that no consumer took in time. */
  dropped = 0;

  push(item: Item): void {
    if (this.#ended) return;
    if (this.#items.length >= LIMIT) this.dropped++;
    else this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends with an error, after what was pushed before. */
  fail(error: unknown): void {
    this.#error = error;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (;;) {
      const items = this.#items;
      this.#items = [];
      yield* items;
      if (this.#items.length > 0) continue;
      if (this.#ended) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#error !== undefined) throw this.#error;
  }
}
