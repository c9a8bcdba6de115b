/** Which probe of a host has a sequence: the one that it is, in few steps. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ProbeRing } from '../../../../src/raw/ping/probe-ring.js';

/** Says how many places have been looked at. */
class CountingRing extends ProbeRing<number> {
  looks = 0;

  override has(number: number): boolean {
    this.looks++;
    return super.has(number);
  }
}

interface Sent {
  readonly ring: CountingRing;
  readonly last: readonly number[];
  /** Of each host, the numbers of its probes, the first one's sequence being 1. */
  readonly numbers: readonly (readonly number[])[];
}

function send(hosts: number, turns: readonly number[], max: number): Sent {
  const ring = new CountingRing(max);
  const last: number[] = new Array(hosts).fill(-1);
  const numbers: number[][] = last.map(() => []);
  for (const host of turns) {
    ring.makeRoom(Number.NEGATIVE_INFINITY);
    const number = ring.next++;
    const own = numbers[host] as number[];
    own.push(number);
    ring.chain(number, own.length, last[host] as number);
    last[host] = number;
  }
  return { ring, last, numbers };
}

it('finds each probe that is remembered, and no other', () => {
  const hosts = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(
      hosts.chain((n) => fc.tuple(fc.constant(n), fc.array(fc.nat(n - 1), { maxLength: 3000, size: 'max' }))),
      fc.nat(3000),
      ([count, turns], sequence) => {
        const { ring, last, numbers } = send(count, turns, 1024);
        numbers.forEach((own, host) => {
          const number = own[sequence - 1] ?? -1;
          expect(ring.find(last[host] as number, sequence)).toBe(ring.has(number) ? number : -1);
        });
      },
    ),
  );
});

it('takes few steps, however many probes of the host there are', () => {
  const turns = Array.from({ length: 2 * 65_536 }, (_, i) => i % 2);
  const { ring, last, numbers } = send(2, turns, 2 ** 17);
  for (const sequence of [1, 2, 255, 256, 257, 30_000, 65_535, 65_536]) {
    ring.looks = 0;
    expect(ring.find(last[1] as number, sequence)).toBe(numbers[1]?.[sequence - 1]);
    expect(ring.looks).toBeLessThan(2 * 256 + 3);
  }
});
