/**
 * Answers of the target that do not say which probe they are to, as a service's that has words of its own: one of a flow is
 * to one of the flow's probes that have got so far. They are kept until there are as many as there are such probes that
 * are waited for, and are then theirs, in the order of sending. While there are fewer, some of the probes have been lost,
 * or have not got so far: those that left first, since they are the ones with the least TTL.
 */
import type { PacketAnswer } from '../probes/port.js';
import type { TargetReading } from './answers.js';
import type { SentProbe } from './round.js';

export interface UnnamedAnswer {
  readonly answer: PacketAnswer;
  readonly reading: TargetReading;
  /** When it came in, by the port's clock. */
  readonly at: number;
}

export class UnnamedAnswers {
  readonly #kept = new Map<number, UnnamedAnswer[]>();

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
    return true;
  }

  /** The flows that there are some of. */
  get flows(): readonly number[] {
    return [...this.#kept.keys()];
  }

  has(flow: number): boolean {
    return this.#kept.has(flow);
  }

  /** Which probe each is to, where that can be said by now; they are not kept any longer then. */
  match(flow: number, waiting: readonly SentProbe[]): readonly (readonly [SentProbe, UnnamedAnswer])[] {
    const kept = this.#kept.get(flow) ?? [];
    if (kept.length < waiting.length || waiting.some(({ state }) => state === 'leaving')) return [];
    this.#kept.delete(flow);
    return kept.flatMap((one, at) => (waiting[at] === undefined ? [] : [[waiting[at], one] as const]));
  }
}
