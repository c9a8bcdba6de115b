import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressError } from '../../../src/errors.js';
import { compareIP, type IPAddress, IPv4Address, IPv6Address, parseIP } from '../../../src/sockaddr/ip.js';
import { comparePrefix, IPPrefix, parsePrefix } from '../../../src/sockaddr/prefix.js';

/** The address as a row of 0 and 1: slow, and beyond doubt. */
const bitsOf = (ip: IPAddress) => [...ip.toBytes()].map((byte) => byte.toString(2).padStart(8, '0')).join('');
const integerOf = (ip: IPAddress) => BigInt(`0b${bitsOf(ip)}`);

/** Addresses that differ in few bits, so that prefixes hold one another. */
const ipv4 = fc
  .tuple(fc.constantFrom(0, 0x0a000000, 0xc0000200, 0xffffffff), fc.nat(31))
  .map(([value, bit]) => new IPv4Address(value ^ (1 << bit)));
const ipv6 = fc
  .tuple(fc.constantFrom('::', '2001:db8::', 'fe80::1', '::ffff:10.0.0.0'), fc.nat(127))
  .map(([text, bit]) => {
    const bytes = parseIP(text).toBytes();
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return new IPv6Address(bytes);
  });
const address = fc.oneof(ipv4, ipv6);
const prefix = fc
  .tuple(address, fc.nat(128))
  .map(([ip, length]) => new IPPrefix(ip, ip.family === 'ipv4' ? length >> 2 : length));
const linkLocal = fc
  .tuple(fc.constantFrom('', 'eth0', '2'), fc.integer({ min: 10, max: 128 }))
  .map(([zone, length]) => new IPPrefix(new IPv6Address(parseIP('fe80::1').toBytes(), zone), length));
const anyPrefix = fc.oneof(prefix, linkLocal);

describe('prefix text', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.0/255.0.0.0', '10.0.0.0/8'],
    ['0.0.0.0/0.0.0.0', '0.0.0.0/0'],
    ['192.0.2.1/255.255.255.255', '192.0.2.1/32'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::/0', '::/0'],
    ['fe80::%eth0/10', 'fe80::%eth0/10'],
    ['fe80::%eth0/64', 'fe80::%eth0/64'],
    ['ff02::%2/16', 'ff02::%2/16'],
  ])('%s is %s', (text, canonical) => {
    expect(parsePrefix(text).toString()).toBe(canonical);
    expect(JSON.stringify(parsePrefix(text))).toBe(`"${canonical}"`);
  });

  it.each([
    ['10.0.0.1/8', 8, /bits are set beyond \/8; did you mean 10\.0\.0\.0\/8\?, at '\/8'/],
    ['2001:db8::1/32', 11, /did you mean 2001:db8::\/32\?/],
    ['10.0.0.0/', 9, /the length after '\/' is missing/],
    ['10.0.0.0/33', 9, /the length is above 32, at '33'/],
    ['::/129', 3, /the length is above 128/],
    ['10.0.0.0/08', 9, /leading zero/],
    ['10.0.0.0/8/8', 10, /a prefix length is a number, at '\/8'/],
    ['10.0.0.0/-1', 9, /a prefix length is a number/],
    ['10.0.0.0/255.0.255.0', 9, /ones before its zeros, at '255\.0\.255\.0'/],
    ['::/255.0.0.0', 6, /a prefix length is a number/],
    ['10.0.0/8', 6, /expected '\.' and part 4 of four/],
    ['2001:db8::%eth0/32', 10, /a zone is for link-local prefixes, at '%eth0\/32'/],
    ['fe80::%eth0/9', 6, /a zone is for link-local prefixes/],
  ])('says what is wrong with %s', (text, offset, message) => {
    expect(() => parsePrefix(text)).toThrow(message);
    expect(() => parsePrefix(text)).toThrow(expect.objectContaining({ offset }));
  });

  it('tells a wildcard mask from a netmask', () => {
    const advice = expect.stringContaining('did you mean 255.255.255.0?');
    expect(() => parsePrefix('10.0.0.0/0.0.0.255')).toThrow(expect.objectContaining({ advice }));
  });

  it('clears the bits beyond the length when asked to', () => {
    expect(parsePrefix('10.1.2.3/8', { hostBits: 'clear' }).toString()).toBe('10.0.0.0/8');
    expect(parsePrefix('fe80::1%eth0/64', { hostBits: 'clear' }).toString()).toBe('fe80::%eth0/64');
  });

  it('is read back', () => {
    fc.assert(
      fc.property(anyPrefix, (value) => {
        expect(parsePrefix(value.toString()).equals(value)).toBe(true);
        if (value.family === 'ipv6') return;
        expect(parsePrefix(`${value.first.toString()}/${value.netmask.toString()}`).equals(value)).toBe(true);
      }),
    );
  });

  it('throws nothing but an AddressError that points into the text', () => {
    const nearly = fc
      .tuple(anyPrefix, fc.nat(30), fc.constantFrom('', '/', '.', '0', '9', ':', '%', '255.0'))
      .map(([value, at, text]) => `${value.toString().slice(0, at)}${text}${value.toString().slice(at + 1)}`);
    const clear = fc.constantFrom('refuse' as const, 'clear' as const);
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), clear, (text, hostBits) => {
        try {
          parsePrefix(text, { hostBits });
        } catch (error) {
          expect(error).toBeInstanceOf(AddressError);
          expect((error as AddressError).offset).toBeLessThanOrEqual(text.length);
          expect((error as AddressError).message).not.toMatch(/[\n\r]/);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a prefix', () => {
  it('has the bits of its address up to its length, and no more', () => {
    fc.assert(
      fc.property(address, fc.nat(128), (ip, wanted) => {
        const width = bitsOf(ip).length;
        const length = Math.min(wanted, width);
        const value = new IPPrefix(ip, length);
        const shared = bitsOf(ip).slice(0, length);
        expect(bitsOf(value.first)).toBe(shared.padEnd(width, '0'));
        expect(bitsOf(value.last)).toBe(shared.padEnd(width, '1'));
        expect(bitsOf(value.netmask)).toBe('1'.repeat(length).padEnd(width, '0'));
        expect(value.count).toBe(2n ** BigInt(width - length));
      }),
    );
  });

  it('contains what has its bits, as arithmetic and as the system have it', () => {
    fc.assert(
      fc.property(prefix, address, (value, ip) => {
        const inside =
          ip.family === value.family &&
          integerOf(ip) >= integerOf(value.first) &&
          integerOf(ip) < integerOf(value.first) + value.count;
        expect(value.contains(ip)).toBe(inside);
        // A BlockList takes IPv4-mapped addresses for IPv4.
        if (ip.family !== value.family || (ip.family === 'ipv6' && ip.isMapped)) return;
        const list = new BlockList();
        list.addSubnet(value.first.toString(), value.length, value.family);
        expect(list.check(ip.toString(), ip.family)).toBe(inside);
      }),
      { numRuns: 5000 },
    );
  });

  it('contains and overlaps other prefixes as their first and last addresses say', () => {
    fc.assert(
      fc.property(prefix, prefix, (a, b) => {
        const same = a.family === b.family;
        const [aFirst, aLast, bFirst, bLast] = [a.first, a.last, b.first, b.last].map(integerOf) as [
          bigint,
          bigint,
          bigint,
          bigint,
        ];
        expect(a.containsPrefix(b)).toBe(same && aFirst <= bFirst && bLast <= aLast);
        expect(a.overlaps(b)).toBe(same && aFirst <= bLast && bFirst <= aLast);
        expect(a.overlaps(b)).toBe(b.overlaps(a));
      }),
      { numRuns: 5000 },
    );
  });

  it('keeps mapped addresses and zones apart', () => {
    expect(parsePrefix('10.0.0.0/8').contains(parseIP('::ffff:10.0.0.1'))).toBe(false);
    const [eth0, eth1, none] = ['fe80::%eth0/64', 'fe80::%eth1/64', 'fe80::/64'].map((text) => parsePrefix(text)) as [
      IPPrefix,
      IPPrefix,
      IPPrefix,
    ];
    expect(eth0.contains(parseIP('fe80::1%eth0'))).toBe(true);
    expect(eth0.contains(parseIP('fe80::1%eth1'))).toBe(false);
    expect(eth0.contains(parseIP('fe80::1'))).toBe(false);
    expect(none.contains(parseIP('fe80::1%eth0'))).toBe(true);
    expect(eth0.overlaps(eth1)).toBe(false);
    expect(none.containsPrefix(eth0)).toBe(true);
    expect(eth0.containsPrefix(none)).toBe(false);
    expect(eth0.overlaps(none)).toBe(true);
    expect(eth0.last.toString()).toBe('fe80::ffff:ffff:ffff:ffff%eth0');
  });

  it('counts through its addresses without holding them', () => {
    expect([...parsePrefix('192.0.2.252/30')].map(String)).toEqual([
      '192.0.2.252',
      '192.0.2.253',
      '192.0.2.254',
      '192.0.2.255',
    ]);
    expect([...parsePrefix('ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127')]).toHaveLength(2);
    let last: IPAddress | undefined;
    let count = 0;
    for (const ip of parsePrefix('2001:db8::/64')) {
      last = ip;
      if (++count > 0x1_0000) break;
    }
    expect(String(last)).toBe('2001:db8::1:0');
    fc.assert(
      fc.property(prefix, fc.bigInt({ min: 0n, max: 2n ** 128n }), (value, index) => {
        if (index >= value.count) expect(() => value.at(index)).toThrow(RangeError);
        else expect(integerOf(value.at(index))).toBe(integerOf(value.first) + index);
      }),
    );
    expect(() => parsePrefix('::/0').at(-1n)).toThrow(RangeError);
  });

  it('refuses lengths that there are not, and zones where they mean nothing', () => {
    for (const length of [-1, 33, 1.5, Number.NaN]) {
      expect(() => new IPPrefix(new IPv4Address(0), length)).toThrow(RangeError);
    }
    expect(() => new IPPrefix(parseIP('2001:db8::%eth0'), 32)).toThrow(/has a zone but is not link-local/);
  });

  it('is frozen, has a key and a total order', () => {
    expect(Object.isFrozen(parsePrefix('::/0'))).toBe(true);
    fc.assert(
      fc.property(anyPrefix, anyPrefix, anyPrefix, (a, b, c) => {
        expect(a.key === b.key).toBe(a.equals(b));
        expect(comparePrefix(a, b) === 0).toBe(a.equals(b));
        expect(Math.sign(comparePrefix(a, b)) + Math.sign(comparePrefix(b, a))).toBe(0);
        if (comparePrefix(a, b) <= 0 && comparePrefix(b, c) <= 0) expect(comparePrefix(a, c)).toBeLessThanOrEqual(0);
        if (compareIP(a.first, b.first) < 0) expect(comparePrefix(a, b)).toBeLessThan(0);
      }),
    );
  });
});
