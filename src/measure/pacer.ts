/**
 * When the next one is due, on an absolute schedule: the n-th is due n/rate seconds after the start, whatever the
 * earlier ones did, so that errors do not add up.
 */

/** Timers of Node are this coarse; what is due sooner is waited for in turns of the event loop. */
const TIMER_MS = 2;

export class Pacer {
  readonly #perMs: number;
  readonly #start: number;

  /** @param perSecond above 0; Infinity for as fast as it goes */
  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
    this.#start = performance.now();
  }

  /** How many are due by now in all. */
  due(): number {
    return this.#perMs === Number.POSITIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : Math.floor((performance.now() - this.#start) * this.#perMs) + 1;
  }

  /** Waits until number `index` (from 0) is due, or until the signal fires. */
  async until(index: number, signal?: AbortSignal): Promise<void> {
    while (this.due() <= index && signal?.aborted !== true) {
      const wait = this.#start + index / this.#perMs - performance.now();
      await pause(wait > TIMER_MS ? wait - TIMER_MS / 2 : 0, signal);
    }
  }
}

/** A timer, or with 0 one turn of the event loop. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (milliseconds === 0) {
      setImmediate(resolve);
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(milliseconds, 0x7fffffff));
    signal?.addEventListener('abort', done, { once: true });
  });
}
