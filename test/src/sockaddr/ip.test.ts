import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressError } from '../../../src/errors.js';
import {
  compareIP,
  IPv4Address,
  IPv6Address,
  parseIP,
  parseIPv4,
  parseIPv6,
  tryParseIP,
} from '../../../src/sockaddr/ip.js';
import { formatIPv6 } from '../../../src/sockaddr/ip-text.js';

const ipv4 = fc.integer({ min: 0, max: 0xffffffff }).map((value) => new IPv4Address(value));
/** Addresses with long runs of zeros, which is what the text is about. */
const ipv6 = fc
  .array(fc.constantFrom(0, 0, 0, 1, 0xff, 0x1000, 0xffff), { minLength: 8, maxLength: 8 })
  .map((groups) => new IPv6Address(Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))));
const address = fc.oneof(ipv4, ipv6);
/** Texts that are nearly addresses. */
const nearly = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.%[] '), maxLength: 45 }),
  fc.tuple(address, fc.nat(45), fc.constantFrom('', ':', '.', '0', 'g', '::', '%', '-')).map(([ip, at, text]) => {
    const whole = ip.toString();
    return whole.slice(0, at) + text + whole.slice(at + 1);
  }),
  fc.string(),
);

describe('parsing', () => {
  it('takes what Node takes, and nothing else', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        // Zones are the exception: Node takes any text for one.
        fc.pre(!text.includes('%'));
        expect(tryParseIP(text)?.family).toBe(isIPv4(text) ? 'ipv4' : isIPv6(text) ? 'ipv6' : undefined);
      }),
      { numRuns: 20_000 },
    );
  });

  it('throws nothing but an AddressError that points into the text', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        try {
          parseIP(text);
        } catch (error) {
          expect(error).toBeInstanceOf(AddressError);
          const { offset, message } = error as AddressError;
          expect(offset).toBeGreaterThanOrEqual(0);
          expect(offset).toBeLessThanOrEqual(text.length);
          expect(message).not.toMatch(/[\n\r]/);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(address, (ip) => {
        expect(parseIP(ip.toString()).equals(ip)).toBe(true);
      }),
    );
  });

  it.each([
    ['010.0.0.1', 0, /part 1 has a leading zero/],
    ['1.2.3', 5, /expected '\.' and part 4 of four, at its end/],
    ['1.2.3.4.5', 7, /unexpected text after the fourth part, at '\.5'/],
    ['1.2.3.256', 6, /part 4 is above 255, at '256'/],
    ['0x7f.0.0.1', 1, /expected '\.'/],
    ['', 0, /part 1 of four has no digits/],
    ['1:2:3:4:5:6:7', 13, /only 7 of eight groups/],
    ['1::2::3', 4, /'::' may stand only once/],
    ['1:2:3:4:5:6:7:8:9', 16, /more than eight groups/],
    ['12345::', 0, /at most four hex digits/],
    [':1', 0, /a single ':' cannot begin/],
    ['1:', 1, /a single ':' cannot end/],
    ['fe80::1%', 8, /the zone after '%' is empty/],
    ['fe80::1%a b', 9, /a zone cannot hold this character/],
    ['::1.2.3', 7, /expected '\.' and part 4/],
  ])('says what is wrong with %j', (text, offset, message) => {
    expect(() => parseIP(text)).toThrow(message);
    try {
      parseIP(text);
    } catch (error) {
      expect((error as AddressError).offset).toBe(offset);
    }
  });
});

describe('short forms, when asked for', () => {
  const legacy = { legacy: true };

  it.each([
    ['127.1', '127.0.0.1'],
    ['10.1.257', '10.1.1.1'],
    ['0x7f000001', '127.0.0.1'],
    ['0X7F.0.0.0x1', '127.0.0.1'],
    ['0177.0.0.01', '127.0.0.1'],
    ['4294967295', '255.255.255.255'],
    ['0', '0.0.0.0'],
    ['192.0.2.1', '192.0.2.1'],
  ])('%s is %s', (text, address) => {
    expect(parseIP(text, legacy).toString()).toBe(address);
    if (text !== address) expect(tryParseIP(text)).toBeUndefined();
  });

  it.each([
    ['', 0, /part 1 has no digits, at its end/],
    ['1..2', 2, /part 2 has no digits, at '\.2'/],
    ['1.2.3.4.5', 7, /more than four parts, at '\.5'/],
    ['08', 1, /part 1: no octal digit, at '8'/],
    ['0x', 0, /part 1 has no digits after 0x/],
    ['1.0xg', 4, /part 2: no hexadecimal digit, at 'g'/],
    ['1.2a', 3, /part 2: no decimal digit, at 'a'/],
    ['256.1', 0, /part 1 is above 255/],
    ['1.2.3.256', 6, /part 4 is above 255/],
    ['1.0x1000000', 2, /part 2 does not fit into the last 24 bits/],
    ['4294967296', 0, /part 1 does not fit into the last 32 bits/],
    ['127.1 ', 5, /part 2: no decimal digit, at ' '/],
    ['::10.1', 6, /expected '\.' and part 3/],
  ])('says what is wrong with %j', (text, offset, message) => {
    expect(() => parseIP(text, legacy)).toThrow(message);
    expect(() => parseIP(text, legacy)).toThrow(expect.objectContaining({ offset }));
  });

  it('throw nothing but an AddressError, and leave what is strict as it is', () => {
    const text = fc.oneof(nearly, fc.string({ unit: fc.constantFrom(...'0123456789.xXaf ') }));
    fc.assert(
      fc.property(text, (value) => {
        const strict = tryParseIP(value);
        const loose = tryParseIP(value, legacy);
        if (strict !== undefined) expect(loose?.equals(strict)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

/** RFC 5952 section 4 word by word: every way to shorten, the best of which wins. */
function naiveText(groups: readonly number[]): string {
  const words = groups.map((group) => group.toString(16));
  let best = words.join(':');
  let longest = 1;
  for (let start = 0; start < 8; start++) {
    for (let end = start + 2; end <= 8; end++) {
      if (end - start <= longest || groups.slice(start, end).some((group) => group !== 0)) continue;
      longest = end - start;
      best = `${words.slice(0, start).join(':')}::${words.slice(end).join(':')}`;
    }
  }
  return best;
}

describe('text', () => {
  it('is what RFC 5952 says, done the slow way', () => {
    const groups = fc.array(fc.oneof(fc.constantFrom(0, 0, 0, 1, 0xff00), fc.nat(0xffff)), {
      minLength: 8,
      maxLength: 8,
    });
    fc.assert(
      fc.property(groups, (value) => {
        const ip = new IPv6Address(Uint8Array.from(value.flatMap((group) => [group >> 8, group & 255])));
        fc.pre(!ip.isMapped);
        expect(ip.toString()).toBe(naiveText(value));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    // RFC 5952 sections 4 and 5.
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['::ffff:c000:0201', '::ffff:192.0.2.1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
  ])('%s is written %s', (text, canonical) => {
    expect(parseIPv6(text).toString()).toBe(canonical);
  });

  it('of bytes within other bytes is that of the bytes', () => {
    fc.assert(
      fc.property(ipv6, fc.nat(9), (ip, offset) => {
        const bytes = new Uint8Array(32).fill(0xee);
        bytes.set(ip.toBytes(), offset);
        expect(formatIPv6(bytes, offset)).toBe(ip.toString());
      }),
    );
  });
});

describe('values', () => {
  it('unmap and map', () => {
    fc.assert(
      fc.property(ipv4, (ip) => {
        expect(ip.toMapped().unmap().equals(ip)).toBe(true);
      }),
    );
    expect(parseIPv6('::1').unmap().toString()).toBe('::1');
  });

  it('are not changed through the bytes they gave', () => {
    const ip = parseIPv6('2001:db8::1');
    ip.toBytes().fill(0);
    expect(ip.toString()).toBe('2001:db8::1');
  });

  it('are frozen', () => {
    for (const ip of [parseIP('192.0.2.1'), parseIP('::1')]) expect(Object.isFrozen(ip)).toBe(true);
  });

  it('have equal keys exactly when they are equal', () => {
    const zoned = fc.tuple(ipv6, fc.constantFrom('', 'eth0', '2')).map(([ip, zone]) => ip.withZone(zone));
    fc.assert(
      fc.property(fc.oneof(ipv4, zoned), fc.oneof(ipv4, zoned), fc.boolean(), (a, b, same) => {
        const other = same ? parseIP(a.toString()) : b;
        expect(a.key === other.key).toBe(a.equals(other));
      }),
    );
  });

  it('are, to the system, what they are here', () => {
    fc.assert(
      fc.property(address, (ip) => {
        const { address: text, family } = new SocketAddress({ address: ip.toString(), family: ip.family });
        expect(family).toBe(ip.family);
        expect(parseIP(text).equals(ip)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('have a total order', () => {
    fc.assert(
      fc.property(address, address, address, (a, b, c) => {
        expect(Math.sign(compareIP(a, b)) + Math.sign(compareIP(b, a))).toBe(0);
        expect(compareIP(a, b) === 0).toBe(a.equals(b));
        if (compareIP(a, b) <= 0 && compareIP(b, c) <= 0) expect(compareIP(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('know their kinds', () => {
    expect(parseIPv4('127.1.2.3').isLoopback).toBe(true);
    expect(parseIPv4('224.0.0.1').isMulticast).toBe(true);
    expect(parseIPv4('169.254.0.1').isLinkLocal).toBe(true);
    expect(parseIPv4('0.0.0.0').isUnspecified).toBe(true);
    expect(parseIPv6('::1').isLoopback).toBe(true);
    expect(parseIPv6('::').isUnspecified).toBe(true);
    expect(parseIPv6('fe80::1').isLinkLocal).toBe(true);
    expect(parseIPv6('ff02::1').isMulticast).toBe(true);
    expect(parseIPv6('2001:db8::1').isLinkLocal).toBe(false);
  });
});
