/** Answers that do not say which probe they are to: the last one that each can be to, by two clocks. */
import { describe, expect, it } from 'vitest';
import { Round, type SentProbe } from '../../../../src/raw/trace/round.js';
import { type UnnamedAnswer, UnnamedAnswers } from '../../../../src/raw/trace/unnamed-answers.js';

const round = new Round(1, { flows: 1, firstHop: 1, maxHops: 30, queries: 1, window: 8, gap: undefined });
const wall = (ms: number) => ({ seconds: 1_800_000_000, nanoseconds: ms * 1e6 });

/** Left at `leftMs` by the wall clock, which was told of at `toldMs` of the monotonic one. */
const probe = (ttl: number, leftMs: number, toldMs = leftMs) =>
  ({ round, ttl, flow: 0, state: 'waiting', sentAt: toldMs, sentTime: wall(leftMs) }) as SentProbe;

/** Came in at `cameMs` by the wall clock, and was read at `readMs` of the monotonic one. */
const answer = (cameMs: number, readMs = cameMs) =>
  ({ answer: { time: wall(cameMs) }, reading: { flow: 0 }, at: readMs }) as unknown as UnnamedAnswer;

/** To which TTL an answer is taken to be, the probes having left for 4, 5 and so on. */
function ttlOf(unnamed: UnnamedAnswer, ...waiting: SentProbe[]): [number | undefined, boolean | undefined] {
  const answers = new UnnamedAnswers();
  expect(answers.keep(unnamed, waiting)).toBe(true);
  const [match] = answers.match(0, waiting, true);
  return [match?.probe.ttl, match?.atMost];
}

describe('an answer without a name is to', () => {
  it('the last probe that had left', () => {
    expect(ttlOf(answer(12), probe(4, 0), probe(5, 5), probe(6, 10))).toEqual([6, true]);
    expect(ttlOf(answer(8), probe(4, 0), probe(5, 5), probe(6, 10))).toEqual([5, true]);
    expect(ttlOf(answer(3), probe(4, 0), probe(5, 5), probe(6, 10))).toEqual([4, false]);
  });

  it('that one too where its leaving is told of after the answer', () => {
    expect(ttlOf(answer(12), probe(4, 0), probe(5, 5), probe(6, 10, 30))).toEqual([6, true]);
  });

  it('that one too where the wall clock has been set back', () => {
    expect(ttlOf(answer(2, 12), probe(4, 0), probe(5, 5), probe(6, 10))).toEqual([6, true]);
  });
});
