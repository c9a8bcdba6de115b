/**
 * Answers of the target that do not say which probe they are to, as a service's that has words of its own: one of a flow is
 * to one of the flow's probes that may have got so far. They are kept until there are as many as there are such probes, and
 * are then theirs, in the order of sending.
 *
 * Where there are fewer when nobody has more time, some answers have been lost, or the probes with the least TTL have not
 * got so far, and nobody can tell which. An answer is then given to the last probe that it can be to: the target may be
 * nearer than that, but not farther away, and how long the round trip took is not known.
 */
import { elapsedMs } from '../../measure/clock.js';
import type { PacketAnswer } from '../probes/port.js';
import type { TargetReading } from './answers.js';
import type { SentProbe } from './round.js';

export interface UnnamedAnswer {
  readonly answer: PacketAnswer;
  readonly reading: TargetReading;
  /** When it came in, by the port's clock. */
  readonly at: number;
}

/** An answer and the probe that it is to, or is taken to be to. */
export interface UnnamedMatch {
  readonly probe: SentProbe;
  readonly unnamed: UnnamedAnswer;
  /** Whether it is to this probe and no other. */
  readonly certain: boolean;
  /** It may be to a probe with a smaller TTL. */
  readonly atMost: boolean;
}

export class UnnamedAnswers {
  readonly #kept = new Map<number, UnnamedAnswer[]>();
  readonly #met = new Set<number>();

  /**
   * @param waiting the probes that it may be to
   * @returns false for one more than there are
   */
  keep(unnamed: UnnamedAnswer, waiting: readonly SentProbe[]): boolean {
    const { flow } = unnamed.reading;
    const kept = this.#kept.get(flow) ?? [];
    if (kept.length >= waiting.length) return false;
    // The bytes are the port's, and nobody's here.
    kept.push({ ...unnamed, answer: { ...unnamed.answer, bytes: new Uint8Array(0) } });
    this.#kept.set(flow, kept);
    this.#met.add(flow);
    return true;
  }

  /** The flows that there are some of. */
  get flows(): readonly number[] {
    return [...this.#kept.keys()];
  }

  /** The flows that there have been some of. */
  get met(): readonly number[] {
    return [...this.#met];
  }

  has(flow: number): boolean {
    return this.#kept.has(flow);
  }

  count(flow: number): number {
    return this.#kept.get(flow)?.length ?? 0;
  }

  /**
   * Which probe each is to, where that can be said by now; they are not kept any longer then.
   *
   * @param waiting the probes that they may be to, in the order of sending
   * @param over whether no more are waited for
   */
  match(flow: number, waiting: readonly SentProbe[], over: boolean): readonly UnnamedMatch[] {
    const kept = this.#kept.get(flow) ?? [];
    if (waiting.some(({ state }) => state === 'leaving') || (kept.length < waiting.length && !over)) return [];
    this.#kept.delete(flow);
    if (kept.length === waiting.length) {
      return kept.map((unnamed, at) => ({ probe: waiting[at] as SentProbe, unnamed, certain: true, atMost: false }));
    }
    // Of which round they are is not known either.
    if (waiting.some(({ round }) => round !== waiting[0]?.round)) return [];
    const pairs = lastPossible(kept, waiting);
    const atMost = (waiting[0]?.ttl ?? 0) < (pairs[0]?.[0].ttl ?? 0);
    return pairs.map(([probe, unnamed]) => ({ probe, unnamed, certain: false, atMost }));
  }
}

/**
 * The last probe that each can be to, in the order of sending; answers overtake each other as little as probes do. How long
 * the way is tells nothing: a router may take longer to say that time is exceeded than the target to answer.
 */
function lastPossible(kept: readonly UnnamedAnswer[], waiting: readonly SentProbe[]) {
  const pairs: (readonly [SentProbe, UnnamedAnswer])[] = [];
  let next = waiting.length - 1;
  for (const unnamed of [...kept].reverse()) {
    while (next >= 0 && isBefore(unnamed, waiting[next] as SentProbe)) next--;
    if (next < 0) break;
    pairs.unshift([waiting[next--] as SentProbe, unnamed]);
  }
  return pairs;
}

/** Whether an answer came in before the probe left: by both clocks, as one may have been set, and the other is read late. */
function isBefore({ answer, at }: UnnamedAnswer, { sentAt, sentTime }: SentProbe): boolean {
  return at < sentAt && (sentTime === null || elapsedMs(sentTime, answer.time) < 0);
}
