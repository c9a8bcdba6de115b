/**
 * What every probing loop is: a state machine that is told what has happened and the time, and says what to send and
 * when it wants to be asked again. It does no input or output, and holds no timer.
 */
import type { SocketError } from '../../errors.js';
import type { Timestamp } from '../../measure/clock.js';
import type { OutgoingProbe, ProbeAnswer } from './port.js';

/** All times are milliseconds of the port's clock, but for {@link Timestamp}s. */
export interface ProbeMachine<Item> {
  /** Probes that are due by `now`, `most` at most; none when nothing is. Each one is answered by {@link sent} or {@link refused}. */
  due(now: number, most: number): readonly OutgoingProbe[];
  /** The next probes, in their order, have left, each at its time. */
  sent(times: readonly Timestamp[], now: number): void;
  /** The next probe was refused by this machine: no route, no permission, too long. */
  refused(error: SocketError, time: Timestamp, now: number): void;
  /** Answers have come in; some may be about nobody's probes, or somebody else's. */
  answered(answers: readonly ProbeAnswer[], now: number): void;
  /** Time has passed: what has not been answered by now is given up. */
  elapsed(now: number, time: Timestamp): void;
  /** When it next has something due or given up; Infinity while it only waits for answers. */
  wakeAt(): number;
  /** Nothing more is to be sent and nothing is waited for. */
  readonly done: boolean;
  /** Ends it before its time: what is in flight stays so. */
  stop(reason: 'interrupted' | 'deadline' | 'error', now: number, time: Timestamp): void;
  /** What is to be told since the last call, in order; summaries come when it is done or stopped. */
  take(): Item[];
}
