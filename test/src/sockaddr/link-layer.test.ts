import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressError } from '../../../src/errors.js';
import { formatEndpoint } from '../../../src/sockaddr/endpoint.js';
import {
  compareHardwareAddress,
  HardwareAddress,
  linkEndpoint,
  parseHardwareAddress,
  parseLinkEndpoint,
} from '../../../src/sockaddr/link-layer.js';

const address = fc.uint8Array({ minLength: 1, maxLength: 32 }).map((bytes) => new HardwareAddress(bytes));
const nearly = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF:.-g/ ') }),
  fc
    .tuple(address, fc.nat(20), fc.constantFrom('', ':', '-', '.', 'g', '0'))
    .map(([value, at, text]) => `${value.toString().slice(0, at)}${text}${value.toString().slice(at + 1)}`),
  fc.string({ unit: 'binary' }),
);

function throwsOnlyAddressErrors(parse: (text: string) => unknown, text: string): void {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(AddressError);
    expect((error as AddressError).offset).toBeLessThanOrEqual(text.length);
    expect((error as AddressError).message).not.toMatch(/[\n\r]/);
  }
}

describe('hardware addresses', () => {
  it.each([
    ['02:00:5E:10:00:01', '02:00:5e:10:00:01'],
    ['02-00-5e-10-00-01', '02:00:5e:10:00:01'],
    ['0200.5e10.0001', '02:00:5e:10:00:01'],
    ['00:11:22:33:44:55:66:77', '00:11:22:33:44:55:66:77'],
    ['0a', '0a'],
  ])('%s is %s', (text, canonical) => {
    expect(parseHardwareAddress(text).toString()).toBe(canonical);
    expect(JSON.stringify(parseHardwareAddress(text))).toBe(`"${canonical}"`);
  });

  it.each([
    ['', 0, /expected 2 hex digits in each part, at its end/],
    ['02:00:5e:1', 10, /expected 2 hex digits/],
    ['02:0:5e', 4, /expected 2 hex digits in each part, at ':5e'/],
    ['02:00-5e', 5, /expected ':', at '-5e'/],
    ['0200.5e', 7, /expected 4 hex digits in each part, at its end/],
    ['02005e', 2, /expected ':' and two hex digits/],
    ['02:00:', 6, /expected 2 hex digits in each part, at its end/],
    ['02:zz', 3, /expected 2 hex digits in each part, at 'zz'/],
    [Array(33).fill('00').join(':'), 98, /more than 32 bytes/],
  ])('says what is wrong with %s', (text, offset, message) => {
    expect(() => parseHardwareAddress(text)).toThrow(message);
    expect(() => parseHardwareAddress(text)).toThrow(expect.objectContaining({ offset }));
  });

  it('are read back from each of their forms', () => {
    fc.assert(
      fc.property(address, (value) => {
        const text = value.toString();
        expect(parseHardwareAddress(text).equals(value)).toBe(true);
        expect(parseHardwareAddress(text.toUpperCase().replaceAll(':', '-')).equals(value)).toBe(true);
        if (value.length % 2 === 1 || value.length < 4) return;
        const dotted = Buffer.from(value.toBytes()).toString('hex').match(/.{4}/g)?.join('.') ?? '';
        expect(parseHardwareAddress(dotted).equals(value)).toBe(true);
      }),
    );
  });

  it('of any text throw nothing but an AddressError', () => {
    fc.assert(
      fc.property(nearly, (text) => throwsOnlyAddressErrors(parseHardwareAddress, text)),
      { numRuns: 3000 },
    );
  });

  it('know their kinds', () => {
    const kinds = (text: string) => {
      const { isMulticast, isBroadcast, isLocal } = parseHardwareAddress(text);
      return { isMulticast, isBroadcast, isLocal };
    };
    expect(kinds('00:00:5e:00:53:01')).toEqual({ isMulticast: false, isBroadcast: false, isLocal: false });
    expect(kinds('02:00:5e:00:53:01')).toEqual({ isMulticast: false, isBroadcast: false, isLocal: true });
    expect(kinds('01:00:5e:00:00:fb')).toEqual({ isMulticast: true, isBroadcast: false, isLocal: false });
    expect(kinds('ff:ff:ff:ff:ff:ff')).toEqual({ isMulticast: true, isBroadcast: true, isLocal: true });
  });

  it('are frozen, do not change through their bytes, have a key and a total order', () => {
    const given = Buffer.of(1, 2);
    const value = new HardwareAddress(given);
    given.fill(0);
    value.toBytes().fill(0);
    expect(value.toString()).toBe('01:02');
    expect(Object.isFrozen(value)).toBe(true);
    for (const length of [0, 33]) expect(() => new HardwareAddress(new Uint8Array(length))).toThrow(RangeError);
    fc.assert(
      fc.property(address, address, (a, b) => {
        expect(a.key === b.key).toBe(a.equals(b));
        expect(compareHardwareAddress(a, b) === 0).toBe(a.equals(b));
        expect(Math.sign(compareHardwareAddress(a, b))).toBe(
          a.toString() < b.toString() ? -1 : a.toString() > b.toString() ? 1 : 0,
        );
      }),
    );
  });
});

describe('link endpoints', () => {
  it.each([
    ['link:eth0', { name: 'eth0', index: 0 }],
    ['link:3', { name: '', index: 3 }],
    ['link:eth0.5', { name: 'eth0.5', index: 0 }],
  ])('%s', (text, fields) => {
    expect(parseLinkEndpoint(text)).toMatchObject({ family: 'link', protocol: 0, ...fields });
    expect(formatEndpoint(parseLinkEndpoint(text))).toBe(text);
    const addressed = `${text}/02:00:5e:10:00:01`;
    expect(formatEndpoint(parseLinkEndpoint(addressed))).toBe(addressed);
  });

  it.each([
    ['eth0', 0, /expected 'link:'/],
    ['link:', 5, /the interface is missing/],
    ['link:/02', 5, /the interface is missing, at '\/02'/],
    ['link:eth 0', 8, /an interface name cannot hold this character/],
    ['link:a:b', 6, /an interface name cannot hold this character/],
    ['link:abcdefghijklmnop', 5, /at most 15 bytes/],
    ['link:4294967296', 5, /no interface number is above 2147483647/],
    ['link:eth0/', 10, /expected 2 hex digits in each part, at its end/],
    ['link:eth0/02:00:5', 17, /expected 2 hex digits in each part, at its end/],
  ])('says what is wrong with %s', (text, offset, message) => {
    expect(() => parseLinkEndpoint(text)).toThrow(message);
    expect(() => parseLinkEndpoint(text)).toThrow(expect.objectContaining({ offset }));
  });

  it('of any text throw nothing but an AddressError', () => {
    const text = fc.tuple(fc.constantFrom('link:', 'link:lo/', ''), nearly).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (value) => throwsOnlyAddressErrors(parseLinkEndpoint, value)),
      { numRuns: 3000 },
    );
  });

  it('refuse numbers that struct sockaddr_ll cannot hold', () => {
    expect(() => linkEndpoint({ index: 2 ** 31 })).toThrow(/interface 2147483648 is outside 0 to 2147483647/);
    expect(() => linkEndpoint({ protocol: 65536 })).toThrow(RangeError);
    expect(() => linkEndpoint({ hardwareType: -1 })).toThrow(RangeError);
    expect(() => linkEndpoint({ packetType: 256 })).toThrow(RangeError);
  });
});
