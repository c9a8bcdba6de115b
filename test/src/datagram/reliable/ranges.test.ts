import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeSet } from '../../../../src/datagram/reliable/ranges.js';

const MOST = 60;
const step = fc.record({
  remove: fc.boolean(),
  start: fc.integer({ min: 0, max: MOST }),
  length: fc.integer({ min: 0, max: 20 }),
});

/** The ranges of a set of numbers. */
function rangesOf(numbers: ReadonlySet<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number) last[1]++;
    else ranges.push([number, number + 1]);
  }
  return ranges;
}

describe('a set of ranges', () => {
  it('agrees with a set of numbers, whatever is added and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const ranges = new RangeSet();
        const numbers = new Set<number>();
        for (const { remove, start, length } of steps) {
          const before = numbers.size;
          for (let i = start; i < start + length; i++) remove ? numbers.delete(i) : numbers.add(i);
          if (remove) ranges.remove(start, start + length);
          else expect(ranges.add(start, start + length)).toBe(numbers.size - before);
          const shown = Array.from({ length: ranges.count }, (_, i) => [ranges.start(i), ranges.end(i)]);
          expect(shown).toEqual(rangesOf(numbers));
        }
        for (let at = 0; at <= MOST; at++) {
          let end = at;
          while (numbers.has(end)) end++;
          expect(ranges.endFrom(at)).toBe(end);
          expect(ranges.covers(at, at + 3)).toBe([at, at + 1, at + 2].every((i) => numbers.has(i)));
          const next = rangesOf(numbers).find(([start]) => start > at)?.[0] ?? Number.POSITIVE_INFINITY;
          expect(ranges.nextStart(at)).toBe(next);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives its lowest numbers away, and forgets its lowest ranges', () => {
    const ranges = new RangeSet();
    for (const start of [0, 10, 20, 30]) ranges.add(start, start + 5);
    expect(ranges.takeLowest(3)).toEqual({ start: 0, end: 3 });
    expect(ranges.takeLowest(9)).toEqual({ start: 3, end: 5 });
    ranges.trim(1);
    expect(ranges.takeLowest(9)).toEqual({ start: 30, end: 35 });
    expect(ranges.takeLowest(9)).toBeUndefined();
  });
});
