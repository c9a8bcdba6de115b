/** A clock that goes on only when nothing is left to be done at its time, and what is to happen by it. */
import { TimeQueue } from './time-queue.js';

interface Event {
  readonly at: number;
  readonly callback: () => void;
}

/** Turns of the event loop that work may take to its end when nothing is left to happen: records are taken in some. */
const PATIENCE = 100;

export class VirtualTime {
  readonly #queue = new TimeQueue<Event>();
  #now = 0;

  /** Milliseconds. */
  get now(): number {
    return this.#now;
  }

  /** A time that has passed counts as now. What is scheduled first comes first. */
  schedule(time: number, callback: () => void): void {
    this.#queue.add({ at: Math.max(time, this.#now), callback });
  }

  /** Something has taken so long. */
  spend(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Lets happen what is due by now. */
  catchUp(): void {
    while ((this.#queue.first?.at ?? Number.POSITIVE_INFINITY) <= this.#now) this.#queue.take()?.callback();
  }

  /** @throws Error when nothing is left that could ever happen, and `work` is not settled */
  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    work.then(settle, settle);
    for (let idle = 0; idle < PATIENCE; ) {
      // What the last event has started goes as far as it goes by itself.
      await new Promise((resolve) => setImmediate(resolve));
      if (settled) return work;
      const event = this.#queue.take();
      idle = event === undefined ? idle + 1 : 0;
      this.#now = Math.max(this.#now, event?.at ?? 0);
      event?.callback();
    }
    throw new Error(`at ${this.#now} ms nothing is left to happen, and the work is not done`);
  }
}
