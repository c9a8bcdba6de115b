/** Proxies as a user writes them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { formatDestination, parseProxyRoute } from '../../../src/stream/proxy-route.js';

describe('parseProxyRoute', () => {
  it.each([
    ['socks5://h', { protocol: 'socks5', host: 'h', port: 1080, credentials: undefined }],
    ['socks5h://h:9', { protocol: 'socks5', host: 'h', port: 9 }],
    ['http://h', { protocol: 'http', port: 80 }],
    ['http://h:80/', { protocol: 'http', port: 80 }],
    ['https://h', { protocol: 'https', port: 443 }],
    ['http://[::1]:3128', { host: '::1', port: 3128 }],
    ['http://u:p%40%3a@h', { credentials: { user: 'u', password: 'p@:' } }],
    ['socks5://u@h', { credentials: { user: 'u', password: '' } }],
  ])('reads %s', (text, expected) => {
    expect(parseProxyRoute(text)).toMatchObject(expected);
  });

  it('gives back every user and password', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(word, word, fc.integer({ min: 1, max: 65_535 }), (user, password, port) => {
        const text = `socks5://${encodeURIComponent(user)}:${encodeURIComponent(password)}@proxy.test:${port}`;
        expect(parseProxyRoute(text)).toEqual({
          protocol: 'socks5',
          host: 'proxy.test',
          port,
          credentials: { user, password },
        });
      }),
    );
  });

  it('reads any text or refuses it as wrong usage, and never repeats a password', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.constantFrom('http://', 'socks5://', 'ftp://', 'x:'), fc.string()).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(anything, (text) => {
        try {
          const { port } = parseProxyRoute(text);
          expect(port).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
    for (const text of ['ftp://u:secret@h', 'http://u:secret@', 'http://u:secret@h/path', 'http://u:sec%ret@h']) {
      expect(() => parseProxyRoute(text)).toThrow(UsageError);
      expect(() => parseProxyRoute(text)).not.toThrow(/sec/);
    }
  });
});

it('an IPv6 destination stands in brackets', () => {
  expect(formatDestination({ host: '::1', port: 5 })).toBe('[::1]:5');
  expect(formatDestination({ host: 'name', port: 5 })).toBe('name:5');
});
