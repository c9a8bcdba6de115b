import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressError } from '../../../src/errors.js';
import { formatEndpoint } from '../../../src/sockaddr/endpoint.js';
import { splitEndpoint } from '../../../src/sockaddr/endpoint-text.js';
import { UnixEndpoint, unixEndpoint } from '../../../src/sockaddr/unix.js';

const latin1 = (endpoint: UnixEndpoint) => Buffer.from(endpoint.toBytes()).toString('latin1');
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 108 }),
  fc.string({ unit: fc.constantFrom(...'\0@\\x4/.aé€😀\n\u2028\ufeff') }).map((text) => new TextEncoder().encode(text)),
);
const endpoint = bytes.filter(({ length }) => length <= 108).map((name) => new UnixEndpoint(name));

describe('unix names', () => {
  it.each([
    ['', 'unnamed', ''],
    ['/run/x', 'path', '/run/x'],
    ['x', 'path', 'x'],
    ['./@x', 'path', './@x'],
    ['\\x40x', 'path', '@x'],
    ['@', 'abstract', '\0'],
    ['@x', 'abstract', '\0x'],
    ['@a\\x00b\\xff', 'abstract', '\0a\0b\xff'],
    ['/a\\\\b', 'path', '/a\\b'],
    ['/é', 'path', '/\xc3\xa9'],
    ['/\\xE9', 'path', '/\xe9'],
  ])('%j is of kind %s', (text, kind, name) => {
    const value = unixEndpoint(text);
    expect(value.kind).toBe(kind);
    expect(latin1(value)).toBe(name);
  });

  it.each([
    ['/a\\x00', 7, /a path cannot hold a zero byte/],
    ['\0a', 5, /a path cannot hold a zero byte/],
    ['/a\\', 7, /'\\' begins \\xNN or \\\\ alone, at '\\'/],
    ['/a\\n', 7, /'\\' begins/],
    ['/a\\x4g', 7, /'\\' begins/],
    ['/a\ud800', 7, /lone surrogate/],
    [`/${'a'.repeat(108)}`, 5, /the path has 109 bytes, at most 108 fit/],
    [`@${'é'.repeat(54)}`, 5, /the name and its zero byte have 109 bytes/],
    ['', 5, /the path is empty/],
    ['@', 6, /the path is empty/],
  ])('says what is wrong with %j', (text, offset, message) => {
    const split = () => splitEndpoint(`unix:${text}`, { bare: 'host' });
    expect(split).toThrow(message);
    expect(split).toThrow(expect.objectContaining({ offset }));
  });

  it.each([
    ['\0', '@'],
    ['\0a\0', '@a\\x00'],
    ['@x', './@x'],
    [`@${'x'.repeat(107)}`, `\\x40${'x'.repeat(107)}`],
    ['/\xe9', '/\\xe9'],
    ['/\xe2\x80\xa8', '/\\xe2\\x80\\xa8'],
    ['/a\nb', '/a\\x0ab'],
    ['/\xe2\x82\xac uro', '/€ uro'],
    ['/path\0behind', '/path'],
  ])('of the bytes %j are written %j', (name, text) => {
    expect(new UnixEndpoint(Buffer.from(name, 'latin1')).path).toBe(text);
  });

  it('are read back, a path that begins with @ as the same file', () => {
    fc.assert(
      fc.property(endpoint, (value) => {
        const back = unixEndpoint(value.path);
        expect(back.kind).toBe(value.kind);
        expect(latin1(back).replace(/^\.\/@/, '@')).toBe(latin1(value).replace(/^\.\/@/, '@'));
        expect(unixEndpoint(back.path).equals(back)).toBe(true);
        expect(value.path).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        if (value.path.length < 2) return;
        const parts = splitEndpoint(formatEndpoint(value), { bare: 'host' });
        expect(parts.kind === 'unix' && parts.endpoint.equals(back)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('have equal keys exactly when they are equal', () => {
    fc.assert(
      fc.property(endpoint, endpoint, fc.boolean(), (a, b, same) => {
        const other = same ? new UnixEndpoint(a.toSunPath()) : b;
        expect(a.key === other.key).toBe(latin1(a) === latin1(other));
        expect(a.equals(other)).toBe(latin1(a) === latin1(other));
      }),
    );
  });

  it('do not change through the bytes that they were given or gave', () => {
    const given = Buffer.from('/a');
    const value = new UnixEndpoint(given);
    given.fill(0x62);
    value.toBytes().fill(0x62);
    value.toSunPath().fill(0x62);
    expect(latin1(value)).toBe('/a');
    expect(() => new UnixEndpoint(new Uint8Array(109))).toThrow(RangeError);
  });

  it('of any text throw nothing but an AddressError', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'@\\x0f/\0\ud800') }));
    fc.assert(
      fc.property(text, (value) => {
        try {
          unixEndpoint(value);
        } catch (error) {
          expect(error).toBeInstanceOf(AddressError);
          expect((error as AddressError).offset).toBeLessThanOrEqual(value.length);
          expect((error as AddressError).message).not.toMatch(/[\n\r]/);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
