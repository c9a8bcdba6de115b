/**
 * When the next one is due, on an absolute schedule: the n-th is due n/rate seconds after the start, whatever the
 * earlier ones did, so that errors do not add up.
 */

/** Wakes up after a time, more precisely than Node's timers do. One wait at a time. */
export interface Alarm {
  /** @param milliseconds fractions count */
  wait(milliseconds: number): Promise<void>;
  /** Ends the wait that goes on, if there is one. */
  cancel(): void;
  close(): void;
}

/** Timers of Node are this coarse, and an alarm wakes up this late; the rest is waited for in turns of the event loop. */
const TIMER_MS = 2;
const ALARM_MS = 0.15;

export interface PacerOptions {
  /** How many are due together, at the time of the first of them. */
  readonly burst?: number | undefined;
  /** What waits are left to, but for their last moments; without it Node's timers, and longer last moments. */
  readonly alarm?: Alarm | undefined;
}

export class Pacer {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #alarm: Alarm | undefined;
  readonly #start: number;

  /** @param perSecond above 0; Infinity for as fast as it goes */
  constructor(perSecond: number, options: PacerOptions = {}) {
    this.#perMs = perSecond / 1000;
    this.#burst = options.burst ?? 1;
    this.#alarm = options.alarm;
    this.#start = performance.now();
  }

  /** How many are due by now in all. */
  due(): number {
    if (this.#perMs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    const burst = this.#burst;
    return (Math.floor(((performance.now() - this.#start) * this.#perMs) / burst) + 1) * burst;
  }

  /** Milliseconds since number `index` (from 0) was due; 0 where everything is due at any time. */
  behind(index: number): number {
    if (this.#perMs === Number.POSITIVE_INFINITY) return 0;
    return performance.now() - this.#dueAt(index);
  }

  /** Waits until number `index` (from 0) is due, or until the signal fires. */
  async until(index: number, signal?: AbortSignal): Promise<void> {
    while (this.due() <= index && signal?.aborted !== true) await waitOnce(this.#dueAt(index), this.#alarm, signal);
  }

  #dueAt(index: number): number {
    return this.#start + (Math.floor(index / this.#burst) * this.#burst) / this.#perMs;
  }
}

/**
 * Waits until the clock of performance.now() says `time`, or until the signal fires.
 *
 * @param alarm what the wait is left to, but for its last moments, as with {@link PacerOptions.alarm}
 */
export async function waitUntil(time: number, alarm?: Alarm, signal?: AbortSignal): Promise<void> {
  while (performance.now() < time && signal?.aborted !== true) await waitOnce(time, alarm, signal);
}

/** A part of the wait for `time`, as large as is safe. */
async function waitOnce(time: number, alarm: Alarm | undefined, signal: AbortSignal | undefined): Promise<void> {
  const wait = time - performance.now();
  if (wait > TIMER_MS) await timer(wait - TIMER_MS / 2, signal);
  else if (alarm !== undefined && wait > 2 * ALARM_MS) await alarm.wait(wait - ALARM_MS);
  else await new Promise<void>((resolve) => setImmediate(resolve));
}

function timer(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(handle);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const handle = setTimeout(done, Math.min(milliseconds, 0x7fffffff));
    signal?.addEventListener('abort', done, { once: true });
  });
}
