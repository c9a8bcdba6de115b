/** Answers about routes to an address, true ones and others. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IPv4Address, IPv6Address, parseIP } from '../../../src/sockaddr/ip.js';
import { parsePrefix } from '../../../src/sockaddr/prefix.js';
import { originName, readOrigin } from '../../../src/sockaddr/route-origin.js';

describe('the name to ask for', () => {
  it('has the address in front, backwards', () => {
    expect(originName(parseIP('1.2.3.4'))).toBe('4.3.2.1.origin.asn.cymru.com');
    expect(originName(parseIP('2606:4700:abcd::1'))).toBe(
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.c.b.a.0.0.7.4.6.0.6.2.origin6.asn.cymru.com',
    );
  });

  it.each([
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.1.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.51.100.7',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    'fe80::1%eth0',
    'fd00::1',
    'ff02::1',
    '2001:db8::1',
    '::ffff:1.2.3.4',
  ])('is none for %s, which no public route leads to', (text) => {
    expect(originName(parseIP(text))).toBeUndefined();
  });
});

describe('an answer', () => {
  const address = parseIP('1.2.3.4');

  it('is read, with the systems that announce one route together', () => {
    expect(readOrigin(address, ['64500 4200000001 | 1.2.3.0/24 | AU | apnic | 2011-08-11'])).toEqual({
      systems: [64500, 4200000001],
      prefix: '1.2.3.0/24',
      country: 'AU',
      registry: 'apnic',
    });
    expect(readOrigin(parseIP('2606:4700::1'), ['13335 | 2606:4700::/32 | US | arin | ']))?.toMatchObject({
      systems: [13335],
      prefix: '2606:4700::/32',
    });
  });

  it('is that of the longest route', () => {
    const records = ['1 | 1.0.0.0/8 | US | arin |', '2 | 1.2.3.0/24 | | |', '3 | 1.2.0.0/16 | DE | ripencc |'];
    expect(readOrigin(address, records)).toEqual({ systems: [2], prefix: '1.2.3.0/24', country: null, registry: null });
  });

  it.each([
    '',
    '64500',
    '0 | 1.2.3.0/24 | AU | apnic |',
    '4294967296 | 1.2.3.0/24 | AU | apnic |',
    '-1 | 1.2.3.0/24 | AU | apnic |',
    '64500\x1b[2J | 1.2.3.0/24 | AU | apnic |',
    '64500 | 9.9.9.0/24 | AU | apnic |',
    '64500 | 1.2.3.4/24 | AU | apnic |',
    '64500 | 2001:db8::/32 | AU | apnic |',
    `${'1 '.repeat(9)}| 1.2.3.0/24 | AU | apnic |`,
  ])('is not believed: %j', (record) => {
    expect(readOrigin(address, [record])).toBeUndefined();
  });

  it('may be any text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('64500', '1.2.3.0/24', '1.2.3.4', 'AU', 'arin', ' | ', '0.0.0.0/0', '\x1b[2J'),
    );
    const record = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('|'));
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const anyAddress = fc.oneof(
      bytes(4).map((four) => IPv4Address.fromBytes(four)),
      bytes(16).map((sixteen) => new IPv6Address(sixteen)),
    );
    fc.assert(
      fc.property(fc.oneof(fc.constant(address), anyAddress), fc.array(record, { maxLength: 20 }), (ip, records) => {
        const origin = readOrigin(ip, records);
        if (origin === undefined) return;
        expect(parsePrefix(origin.prefix).contains(ip)).toBe(true);
        expect(JSON.stringify(origin)).toMatch(/^[\x20-\x7e]*$/);
        expect(origin.systems.length).toBeGreaterThan(0);
      }),
    );
  });
});
