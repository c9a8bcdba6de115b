/** When the next file is due: on a schedule that does not drift, whether packets come or not. */
import { monotonicMs } from '../../../src/measure/clock.js';

/** Timers hold 31 bits of milliseconds. */
const LONGEST_MS = 0x7fff_ffff;
/** How far the clock of the system may be from the schedule before somebody must have set it, in milliseconds. */
const CLOCK_SET_MS = 1000;

export class RotationClock {
  readonly #intervalMs: number;
  /** The beginning of the schedule, in milliseconds since 1970, and on a clock that nobody sets. */
  readonly #begun: number;
  readonly #startedMs: number;
  readonly #onDue: () => void;
  #dueMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param onDue is to call {@link next} */
  constructor(intervalMs: number, begun: Date, onDue: () => void) {
    this.#intervalMs = intervalMs;
    this.#begun = begun.getTime();
    this.#startedMs = monotonicMs() - (Date.now() - this.#begun);
    this.#onDue = onDue;
    this.#dueMs = intervalMs;
    this.#wait();
  }

  /** When the period began that has begun since the last call; undefined for none. Of several it is the last. */
  next(): Date | undefined {
    const elapsed = monotonicMs() - this.#startedMs;
    if (elapsed < this.#dueMs) return undefined;
    const periods = Math.floor(elapsed / this.#intervalMs);
    this.#dueMs = (periods + 1) * this.#intervalMs;
    // A timer is late, and two files must not be given the same second.
    const due = this.#begun + periods * this.#intervalMs;
    const now = Date.now();
    return new Date(Math.abs(now - due) < CLOCK_SET_MS ? due : now);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  /** A timer may be early, too: then it waits once more. */
  #wait(): void {
    const left = this.#dueMs - (monotonicMs() - this.#startedMs);
    if (!Number.isFinite(left)) return;
    this.#timer = setTimeout(
      () => {
        this.#onDue();
        this.#wait();
      },
      Math.min(Math.max(Math.ceil(left), 1), LONGEST_MS),
    );
  }
}
