import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Schedule } from '../../../../src/raw/send/pace.js';

const at = (milliseconds: number) => ({
  seconds: 1_700_000_000 + Math.floor(milliseconds / 1000),
  nanoseconds: (milliseconds % 1000) * 1e6,
});

describe('a schedule', () => {
  it('of packets a second is that of their number', () => {
    const schedule = new Schedule({ kind: 'packets', perSecond: 500 });
    expect([64, 1500, 1].map((length) => schedule.next(length, null))).toEqual([0, 2, 4]);
  });

  it('of bits a second is that of the bytes before', () => {
    const schedule = new Schedule({ kind: 'bits', perSecond: 8000 });
    expect([100, 50, 1].map((length) => schedule.next(length, null))).toEqual([0, 100, 150]);
  });

  it("of a capture is the capture's own, faster or slower", () => {
    const times = [0, 10, 10, 400];
    for (const speed of [1, 2, 0.5]) {
      const schedule = new Schedule({ kind: 'capture', speed, maxGapMs: 1e9 });
      expect(times.map((time) => schedule.next(60, at(time)))).toEqual(times.map((time) => time / speed));
    }
  });

  it('leaves out what is too long of a pause, and says so', () => {
    const schedule = new Schedule({ kind: 'capture', speed: 2, maxGapMs: 100 });
    expect([0, 90, 10_090, 10_100].map((time) => schedule.next(60, at(time)))).toEqual([0, 45, 95, 100]);
    expect([schedule.gapsCut, schedule.cutMs]).toEqual([1, 9900]);
  });

  it('goes on after a loop, and with packets without a time', () => {
    const schedule = new Schedule({ kind: 'capture', speed: 1, maxGapMs: 1e9 });
    expect([at(0), null, at(20)].map((time) => schedule.next(60, time))).toEqual([0, 0, 20]);
    schedule.again();
    expect([at(0), at(20)].map((time) => schedule.next(60, time))).toEqual([20, 40]);
  });

  it('never goes back, and never waits longer than a pause may be', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 1 }), (times) => {
        const schedule = new Schedule({ kind: 'capture', speed: 1, maxGapMs: 1000 });
        const due = times.map((time) => schedule.next(60, at(time)));
        expect(due[0]).toBe(0);
        for (let i = 1; i < due.length; i++) {
          expect(due[i]).toBeGreaterThanOrEqual(due[i - 1] as number);
          expect((due[i] as number) - (due[i - 1] as number)).toBeLessThanOrEqual(1000);
        }
      }),
    );
  });
});
