/** Things by their time, of which the earliest can be had: a binary heap. */

interface Entry<Item> {
  readonly item: Item;
  /** Of those at one time, the one that was added first comes first. */
  readonly number: number;
}

/** @template Item its `at` is its time */
export class TimeQueue<Item extends { readonly at: number }> {
  /** Each is before the two at twice its place. */
  readonly #heap: Entry<Item>[] = [];
  #added = 0;

  /** The earliest one, which stays. */
  get first(): Item | undefined {
    return this.#heap[0]?.item;
  }

  add(item: Item): void {
    const heap = this.#heap;
    const entry = { item, number: this.#added++ };
    heap.push(entry);
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry<Item>)) break;
      heap[at] = heap[parent] as Entry<Item>;
      heap[parent] = entry;
      at = parent;
    }
  }

  take(): Item | undefined {
    const heap = this.#heap;
    const first = heap[0]?.item;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry<Item>, heap[child] as Entry<Item>)) child++;
      if (!isBefore(heap[child] as Entry<Item>, last)) break;
      heap[at] = heap[child] as Entry<Item>;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore<Item extends { readonly at: number }>(a: Entry<Item>, b: Entry<Item>): boolean {
  return a.item.at === b.item.at ? a.number < b.number : a.item.at < b.item.at;
}
