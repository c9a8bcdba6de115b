import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Outlet } from '../../../capture/sources/outlet.js';

/** A pipe with room for so many bytes. */
class Pipe {
  room: number;
  readonly taken: number[] = [];

  constructor(room: number) {
    this.room = room;
  }

  readonly write = (bytes: Uint8Array): number => {
    const length = Math.min(bytes.length, this.room);
    this.room -= length;
    for (const byte of bytes.subarray(0, length)) this.taken.push(byte);
    return length;
  };
}

const record = (outlet: Outlet, value: number, length: number): boolean =>
  outlet.add(length, (out) => out.bytes(new Uint8Array(length).fill(value)));

describe('the outlet', () => {
  test('keeps what the pipe does not take, in order', () => {
    const pipe = new Pipe(3);
    const outlet = new Outlet(100, pipe.write);
    record(outlet, 1, 2);
    record(outlet, 2, 2);
    expect(outlet.flush()).toBe(false);
    record(outlet, 3, 2);
    pipe.room = 100;
    expect(outlet.flush()).toBe(true);
    expect(pipe.taken).toEqual([1, 1, 2, 2, 3, 3]);
    expect(outlet.length).toBe(0);
  });

  test('refuses and counts beyond its limit, and recovers', () => {
    const pipe = new Pipe(0);
    const outlet = new Outlet(10, pipe.write);
    expect([1, 2, 3].map((value) => record(outlet, value, 5))).toEqual([true, true, false]);
    expect(outlet.dropped).toBe(1);
    pipe.room = 100;
    outlet.flush();
    expect(record(outlet, 4, 5)).toBe(true);
    outlet.flush();
    expect(pipe.taken.filter((_, index) => index % 5 === 0)).toEqual([1, 2, 4]);
  });

  test('whatever the pipe takes at a time: accepted records come out whole, in order, within the limit', () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 50_000 }) }),
      fc.record({ room: fc.nat(120_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const pipe = new Pipe(0);
        const outlet = new Outlet(200_000, pipe.write);
        const expected: number[] = [];
        steps.forEach((one, index) => {
          if ('room' in one) {
            pipe.room = one.room;
            outlet.flush();
          } else if (record(outlet, index & 0xff, one.add)) {
            expected.push(...new Array<number>(one.add).fill(index & 0xff));
          }
          expect(outlet.length).toBeLessThanOrEqual(200_000);
        });
        pipe.room = Number.POSITIVE_INFINITY;
        expect(outlet.flush()).toBe(true);
        expect(Buffer.from(pipe.taken).equals(Buffer.from(expected))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
