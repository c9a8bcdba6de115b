/** Sets of targets and their orders: worked out, not kept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Permutation, pingOrder } from '../../../../src/raw/ping/order.js';
import { TargetSet } from '../../../../src/raw/ping/targets.js';
import { IPv4Address, IPv6Address, parseIP } from '../../../../src/sockaddr/ip.js';
import { IPPrefix, parsePrefix } from '../../../../src/sockaddr/prefix.js';
import { targetSet } from './simulate.js';

describe('a set of targets', () => {
  it('leaves out the ends of an IPv4 block, unless it is asked for them', () => {
    const set = targetSet('192.0.2.0/30', '2001:db8::/126');
    expect(Array.from({ length: set.size }, (_, i) => set.at(i).name)).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '2001:db8::',
      '2001:db8::1',
      '2001:db8::2',
      '2001:db8::3',
    ]);
    expect(new TargetSet([{ prefix: parsePrefix('192.0.2.0/30'), addresses: 'all' }]).size).toBe(4);
    for (const [text, size] of [
      ['192.0.2.0/31', 2],
      ['192.0.2.7/32', 1],
    ] as const) {
      expect(targetSet(text).size).toBe(size);
    }
    expect(set.families).toEqual(['ipv4', 'ipv6']);
  });

  it('keeps names, and has no address twice', () => {
    const host = (name: string, address: string) => ({ name, address: parseIP(address) });
    const set = new TargetSet([
      host('a', '192.0.2.9'),
      host('again', '192.0.2.9'),
      { prefix: parsePrefix('10.0.0.0/29') },
      host('inside', '10.0.0.3'),
      { prefix: parsePrefix('10.0.0.4/30') },
      host('outside', '10.0.0.9'),
      host('v6', '2001:db8::1'),
    ]);
    expect(set.size).toBe(1 + 6 + 2);
    expect(set.repeated).toBe(3);
    expect(set.at(0).name).toBe('a');
    expect(set.at(7).name).toBe('outside');
    expect(set.indexOf(parseIP('10.0.0.3'))).toBe(3);
    expect(set.indexOf(parseIP('10.0.0.7'))).toBeUndefined();
    expect(() => set.at(9)).toThrow(RangeError);
    expect(() => new TargetSet([])).toThrow(/nobody/);
  });

  it('finds link-local hosts by what errors quote, which has no zone', () => {
    const set = targetSet('fe80::1%lo', 'fe80::%lo/125');
    expect(set.size).toBe(8);
    expect(set.indexOf(parseIP('fe80::1'))).toBe(1);
    expect(set.at(1).address.toString()).toBe('fe80::1%lo');
  });

  it('works both ways, for any hosts and blocks', () => {
    const v4 = fc.nat(0xffffffff).map((value) => new IPv4Address(value));
    const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new IPv6Address(bytes));
    const entry = fc.oneof(
      v4.map((address) => ({ name: 'host', address })),
      v6.map((address) => ({ name: 'host', address })),
      fc.tuple(v4, fc.integer({ min: 4, max: 32 })).map(([a, n]) => ({ prefix: new IPPrefix(a, n) })),
      fc.tuple(v6, fc.integer({ min: 20, max: 128 })).map(([a, n]) => ({ prefix: new IPPrefix(a, n) })),
    );
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (entries, seed, part) => {
          const set = new TargetSet(entries);
          expect(set.size).toBeLessThanOrEqual(2 ** 53);
          for (const order of [pingOrder(set, false), pingOrder(set, { seed })]) {
            for (const step of [0, Math.floor(part * set.size), set.size - 1]) {
              expect(order.stepOf(order.at(step).address)).toBe(step);
            }
          }
        },
      ),
    );
  });

  it('has two hundred thousand hosts in a moment', () => {
    const entries = Array.from({ length: 200_000 }, (_, i) => ({
      name: 'h',
      address: new IPv4Address(0x0a000000 + 3 * i),
    }));
    const set = new TargetSet(entries);
    expect(set.size).toBe(200_000);
    expect(set.indexOf(new IPv4Address(0x0a000000 + 3 * 177_777))).toBe(177_777);
  });
});

describe('a random order', () => {
  it('has everybody once, and goes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), (size, seed) => {
        const permutation = new Permutation(size, seed);
        const seen = Array.from({ length: size }, (_, i) => permutation.forward(i));
        expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
        for (const i of [0, size >> 1, size - 1]) expect(permutation.backward(permutation.forward(i))).toBe(i);
      }),
    );
  });

  it('goes back in sets that have no end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 52 }), fc.nat(), fc.nat(), (size, seed, at) => {
        const permutation = new Permutation(size, seed);
        const there = permutation.forward(at % size);
        expect(there).toBeLessThan(size);
        expect(permutation.backward(there)).toBe(at % size);
      }),
    );
  });

  it('is the same for the same seed, another for another, and no order that one would guess', () => {
    const firsts = (seed: number) => Array.from({ length: 8 }, (_, i) => new Permutation(65_536, seed).forward(i));
    expect(firsts(1)).toEqual(firsts(1));
    expect(firsts(1)).not.toEqual(firsts(2));
    const steps = Array.from({ length: 1000 }, (_, i) => new Permutation(65_536, 5).forward(i) >> 12);
    // Sixteen sixteenths of the set, each about as often.
    for (let part = 0; part < 16; part++) {
      const share = steps.filter((one) => one === part).length;
      expect(share).toBeGreaterThan(30);
      expect(share).toBeLessThan(100);
    }
  });
});
