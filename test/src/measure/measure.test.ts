import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elapsedMs, formatTime, portableWallClock } from '../../../src/measure/clock.js';
import { Histogram } from '../../../src/measure/histogram.js';
import { LossTracker } from '../../../src/measure/loss.js';
import { Pacer } from '../../../src/measure/pacer.js';

describe('time', () => {
  it('is RFC 3339 with nanoseconds', () => {
    expect(formatTime(1_767_323_045, 123_456_789)).toBe('2026-01-02T03:04:05.123456789Z');
    expect(formatTime(0, 7)).toBe('1970-01-01T00:00:00.000000007Z');
  });

  it('agrees with Date, and takes any number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), fc.nat(999_999_999), (seconds, nanoseconds) => {
        expect(formatTime(seconds, nanoseconds).slice(0, 19)).toBe(new Date(seconds * 1000).toISOString().slice(0, 19));
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (seconds) => {
        expect(formatTime(seconds, 0)).toMatch(/Z$/);
      }),
    );
  });

  it('goes forward, and the difference is in milliseconds', () => {
    const now = portableWallClock();
    expect(Math.abs(now.seconds * 1000 - Date.now())).toBeLessThan(2000);
    expect(elapsedMs({ seconds: 1, nanoseconds: 999_000_000 }, { seconds: 2, nanoseconds: 1_500_000 })).toBeCloseTo(
      2.5,
      9,
    );
  });
});

describe('the histogram', () => {
  it('has the percentiles of the sorted values, to a tenth of a percent', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.000_01, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (values) => {
          const histogram = new Histogram();
          for (const value of values) histogram.add(value);
          const sorted = [...values].sort((a, b) => a - b);
          const exact = (q: number) => sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
          for (const quantile of [0, 0.5, 0.9, 0.99, 1]) {
            const found = histogram.percentile(quantile) ?? Number.NaN;
            expect(Math.abs(found - exact(quantile))).toBeLessThanOrEqual(exact(quantile) * 0.001 + 1e-6);
          }
          const { min, max, mean } = histogram.summary();
          expect(min).toBeCloseTo(sorted[0] ?? 0, 5);
          expect(max).toBeCloseTo(sorted.at(-1) ?? 0, 5);
          expect(mean).toBeCloseTo(values.reduce((a, b) => a + b) / values.length, 4);
        },
      ),
    );
  });

  it('has the deviation of the textbook, and nothing without values', () => {
    const histogram = new Histogram();
    expect(histogram.summary()).toEqual({
      min: null,
      mean: null,
      max: null,
      stddev: null,
      p50: null,
      p90: null,
      p99: null,
      p999: null,
    });
    for (const value of [2, 4, 4, 4, 5, 5, 7, 9]) histogram.add(value);
    expect(histogram.summary()).toMatchObject({ min: 2, mean: 5, max: 9, stddev: 2 });
  });
});

describe('the histogram, with what clocks and forgers do', () => {
  it('takes a value many times at once as many times', () => {
    const value = fc.tuple(fc.double({ min: -1000, max: 1000, noNaN: true }), fc.integer({ min: 1, max: 20 }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 50 }), (values) => {
        const [at, once] = [new Histogram(), new Histogram()];
        for (const [milliseconds, times] of values) {
          at.add(milliseconds, times);
          for (let i = 0; i < times; i++) once.add(milliseconds);
        }
        const [a, b] = [at.summary(), once.summary()];
        expect([a.min, a.max, a.p50, a.p90, a.p99]).toEqual([b.min, b.max, b.p50, b.p90, b.p99]);
        expect(a.mean ?? 0).toBeCloseTo(b.mean ?? 0, 4);
        expect(a.stddev ?? 0).toBeCloseTo(b.stddev ?? 0, 4);
      }),
    );
  });

  it('has percentiles below zero, where clocks disagree', () => {
    const histogram = new Histogram();
    for (const value of [-300, -200, -100, 0, 100]) histogram.add(value);
    expect(histogram.summary()).toMatchObject({ min: -300, max: 100, mean: -100 });
    expect(histogram.percentile(0.4)).toBeCloseTo(-200, 0);
    expect(histogram.percentile(0.8)).toBe(0);
  });

  it('stays small, whatever it is given, and right to some percent', () => {
    const histogram = new Histogram();
    const values: number[] = [];
    for (let i = 0; i < 200_000; i++) values.push(10 ** ((i % 40_000) / 2000 - 5));
    for (const value of values) histogram.add(value);
    const sorted = [...values].sort((a, b) => a - b);
    const exact = sorted[sorted.length / 2] ?? 0;
    expect(Math.abs((histogram.percentile(0.5) ?? 0) - exact)).toBeLessThan(exact * 0.07);
  });
});

describe('the loss tracker', () => {
  it('agrees with a set of all numbers, within its window', () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 });
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 0, max: 500 }), (sequences, total) => {
        const tracker = new LossTracker();
        const seen = new Set<number>();
        let duplicated = 0;
        let reordered = 0;
        let highest = -1;
        for (const sequence of sequences) {
          tracker.add(sequence);
          if (seen.has(sequence)) duplicated++;
          else if (sequence < highest) reordered++;
          seen.add(sequence);
          highest = Math.max(highest, sequence);
        }
        tracker.end(total);
        const lost = Math.max(highest + 1, total) - seen.size;
        expect(tracker.counts()).toEqual({ received: seen.size, lost, duplicated, reordered, late: 0 });
      }),
    );
  });

  it('has the extents of RFC 4737 section 4.2.1', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 200 }), (sequences) => {
        const tracker = new LossTracker();
        const arrived: number[] = [];
        const extents: number[] = [];
        for (const sequence of sequences) {
          tracker.add(sequence);
          if (arrived.includes(sequence)) continue;
          const first = arrived.findIndex((other) => other > sequence);
          if (first >= 0) extents.push(arrived.length - first);
          arrived.push(sequence);
        }
        const mean = extents.length === 0 ? null : extents.reduce((a, b) => a + b) / extents.length;
        expect(tracker.extent()).toEqual({ max: Math.max(0, ...extents), mean });
      }),
    );
  });

  it('has a narrower window where that is asked for', () => {
    const tracker = new LossTracker(8);
    for (const sequence of [0, 2, 9]) tracker.add(sequence);
    expect(tracker.add(1)).toBe('late');
    expect(tracker.add(2)).toBe('duplicate');
    expect(tracker.add(3)).toBe('reordered');
  });

  it('keeps its extents too small rather than too large, after more gaps than it remembers', () => {
    const tracker = new LossTracker();
    for (let i = 0; i < 10_000; i++) tracker.add(2 * i);
    expect(tracker.add(1)).toBe('reordered');
    expect(tracker.extent().max).toBeGreaterThan(1000);
    expect(tracker.extent().max).toBeLessThanOrEqual(9999);
  });

  it('calls late what is behind the window, and takes any jump', () => {
    const tracker = new LossTracker();
    tracker.add(0);
    tracker.add(2 ** 52);
    expect(tracker.add(1)).toBe('late');
    expect(tracker.counts()).toMatchObject({ received: 2, late: 1, lost: 2 ** 52 - 2 });
  });
});

describe('the pacer', () => {
  it('has the first one due at once, and the others on their times', async () => {
    const pacer = new Pacer(100);
    const start = performance.now();
    expect(pacer.due()).toBe(1);
    await pacer.until(10);
    const took = performance.now() - start;
    expect(took).toBeGreaterThanOrEqual(99);
    expect(pacer.due()).toBeGreaterThanOrEqual(11);
  });

  it('has a burst due together, and the next after all of its time', async () => {
    const pacer = new Pacer(200, { burst: 10 });
    const start = performance.now();
    expect(pacer.due()).toBe(10);
    await pacer.until(9);
    expect(performance.now() - start).toBeLessThan(40);
    await pacer.until(10);
    expect(performance.now() - start).toBeGreaterThanOrEqual(49);
    expect(pacer.due()).toBe(20);
    expect(pacer.behind(10)).toBeGreaterThanOrEqual(0);
    expect(pacer.behind(10)).toBeCloseTo(pacer.behind(19), 0);
  });

  it('leaves its waits to an alarm', async () => {
    const waits: number[] = [];
    const alarm = {
      wait: async (milliseconds: number) => {
        waits.push(milliseconds);
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
      cancel: () => undefined,
      close: () => undefined,
    };
    // A machine that has other things to do may let the moment pass before there is anything to wait for.
    for (let i = 0; i < 50 && waits.length === 0; i++) {
      const pacer = new Pacer(600, { alarm });
      await pacer.until(1);
      expect(pacer.due()).toBeGreaterThanOrEqual(2);
    }
    expect(waits.length).toBeGreaterThan(0);
    for (const wait of waits) expect(wait).toBeGreaterThan(0);
  });

  it('lets go when asked', async () => {
    const abort = new AbortController();
    const waiting = new Pacer(0.001).until(1, abort.signal);
    abort.abort();
    await waiting;
  });

  it('is always due at an infinite rate', () => {
    expect(new Pacer(Number.POSITIVE_INFINITY).due()).toBe(Number.POSITIVE_INFINITY);
  });
});
