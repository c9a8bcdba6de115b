/**
 * Wakes up once at a time, as precisely as the system can: an alarm, or Node's timer, sleeps through all but the last
 * moments, which are spent in turns of the event loop.
 */
import type { Alarm } from '../../measure/pacer.js';

/** Node's timers are this coarse, and an alarm wakes up this late. */
const TIMER_MS = 2;
const ALARM_MS = 0.15;
/** setTimeout(3) takes no more, and timerfd_settime(2) is not asked for more either. */
const WAIT_MAX_MS = 0x7fffffff;

export class Waker {
  readonly #alarm: Alarm | undefined;
  #time = Number.POSITIVE_INFINITY;
  #callback: (() => void) | undefined;
  /** What wakes it up now; a later one has another number. */
  #round = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param alarm becomes this one's to close */
  constructor(alarm: Alarm | undefined) {
    this.#alarm = alarm;
  }

  /** Calls back once when performance.now() reaches `time`; a later call takes the place of an earlier one. */
  at(time: number, callback: () => void): void {
    const waits = this.#callback !== undefined;
    this.#callback = callback;
    if (waits && time === this.#time) return;
    this.#time = time;
    this.#cancel();
    const round = ++this.#round;
    // Who asks for a time that has passed is not called from within.
    if (time > performance.now()) this.#sleep(round);
    else setImmediate(() => this.#sleep(round));
  }

  close(): void {
    this.#callback = undefined;
    this.#round++;
    this.#cancel();
    this.#alarm?.close();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#alarm?.cancel();
  }

  #sleep(round: number): void {
    if (round !== this.#round) return;
    const wait = this.#time - performance.now();
    const again = () => this.#sleep(round);
    if (wait <= 0) this.#ring();
    else if (this.#alarm !== undefined && wait > 2 * ALARM_MS) {
      void this.#alarm.wait(Math.min(wait, WAIT_MAX_MS) - ALARM_MS).then(again);
    } else if (this.#alarm === undefined && wait > TIMER_MS) {
      this.#timer = setTimeout(again, Math.min(wait - TIMER_MS / 2, WAIT_MAX_MS));
    } else setImmediate(again);
  }

  #ring(): void {
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.();
  }
}
