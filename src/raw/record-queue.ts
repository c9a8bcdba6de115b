/** Records from callbacks to an async iterator, in order, with an end or an error after the last. */

/** Records that may wait for a consumer; what comes beyond is dropped and counted. */
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

  /** Ends with `last`, which are kept however many wait already. */
  end(last: readonly Item[] = []): void {
    if (this.#ended) return;
    this.#items.push(...last);
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends with an error, after what was pushed before and `last`. */
  fail(error: unknown, last: readonly Item[] = []): void {
    if (this.#ended) return;
    this.#error = error;
    this.end(last);
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
