/** A clock that goes on only when nothing is left to be done at its time, and what is to happen by it. */

interface Event {
  readonly time: number;
  /** Of those at one time, the ones of rank 0 come first, and within a rank those that were scheduled first. */
  readonly rank: number;
  readonly number: number;
  readonly callback: () => void;
}

export class VirtualTime {
  /** A binary heap: each is before the two at twice its place. */
  readonly #heap: Event[] = [];
  #now = 0;
  #scheduled = 0;

  /** Milliseconds. */
  get now(): number {
    return this.#now;
  }

  /** A time that has passed counts as now. */
  schedule(time: number, callback: () => void, place: 'in order' | 'behind' = 'in order'): void {
    const rank = place === 'behind' ? 1 : 0;
    const event = { time: Math.max(time, this.#now), rank, number: this.#scheduled++, callback };
    const heap = this.#heap;
    heap.push(event);
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      heap[parent] = event;
      at = parent;
    }
  }

  /** Something has taken so long. */
  spend(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Lets happen what is due by now. */
  catchUp(): void {
    while ((this.#heap[0]?.time ?? Number.POSITIVE_INFINITY) <= this.#now) this.#take()?.callback();
  }

  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    work.then(settle, settle);
    for (;;) {
      // What the last event has started goes as far as it goes by itself.
      await new Promise((resolve) => setImmediate(resolve));
      if (settled) return work;
      const event = this.#take();
      if (event === undefined)
        throw new Error(`at ${this.#now} ms nothing is left to happen, and the work is not done`);
      this.#now = Math.max(this.#now, event.time);
      event.callback();
    }
  }

  #take(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  if (a.time !== b.time) return a.time < b.time;
  return a.rank === b.rank ? a.number < b.number : a.rank < b.rank;
}
