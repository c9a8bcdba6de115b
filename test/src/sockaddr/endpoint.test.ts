import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressError, type SockctlError } from '../../../src/errors.js';
import {
  formatEndpoint,
  inetEndpoint,
  mapEndpoint,
  splitEndpoint,
  unixEndpoint,
  unmapEndpoint,
} from '../../../src/sockaddr/endpoint.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { resolveEndpoint, resolveHost } from '../../../src/sockaddr/resolve.js';
import { decodeSockaddr, encodeSockaddr } from '../../../src/sockaddr/struct.js';

const at = (address: string, port: number) => inetEndpoint(parseIP(address), port);

describe('splitting', () => {
  it.each([
    ['example.org:80', { kind: 'inet', host: 'example.org', port: '80' }],
    ['localhost:http', { kind: 'inet', host: 'localhost', port: 'http' }],
    ['[2001:db8::1]:443', { kind: 'inet', host: '2001:db8::1', port: '443' }],
    ['[fe80::1%eth0]:9', { kind: 'inet', host: 'fe80::1%eth0', port: '9' }],
    [':0', { kind: 'inet', host: undefined, port: '0' }],
    ['*:53', { kind: 'inet', host: undefined, port: '53' }],
    ['::1', { kind: 'inet', host: '::1', port: undefined }],
    ['unix:/run/x', { kind: 'unix', path: '/run/x' }],
    ['unix:@name', { kind: 'unix', path: '@name' }],
  ])('%s', (text, parts) => {
    expect(splitEndpoint(text, { bare: 'host' })).toEqual(parts);
  });

  it('takes a bare number for a port where a server asks', () => {
    expect(splitEndpoint('9000', { bare: 'port' })).toEqual({ kind: 'inet', host: undefined, port: '9000' });
  });

  it('throws nothing but an AddressError', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'[]:%.@/unix0123456789abg- ') }));
    fc.assert(
      fc.property(text, fc.constantFrom('host' as const, 'port' as const), (value, bare) => {
        try {
          splitEndpoint(value, { bare });
        } catch (error) {
          expect(error).toBeInstanceOf(AddressError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('struct sockaddr', () => {
  it('has the layout of the manual pages', () => {
    expect(Buffer.from(encodeSockaddr(at('192.0.2.1', 8080))).toString('hex')).toBe('02001f90c00002010000000000000000');
    expect(Buffer.from(encodeSockaddr(at('2001:db8::1', 80))).toString('hex')).toBe(
      '0a00005000000000' + '20010db8000000000000000000000001' + '00000000',
    );
    expect(Buffer.from(encodeSockaddr(at('fe80::1%lo', 80))).readUInt32LE(24)).toBe(1);
    expect(Buffer.from(encodeSockaddr(unixEndpoint('/a'))).toString('hex')).toBe('01002f6100');
    expect(Buffer.from(encodeSockaddr(unixEndpoint('@a'))).toString('hex')).toBe('01000061');
  });

  it.each(['192.0.2.1:1', '[2001:db8::1]:65535', '[fe80::1%lo]:80', 'unix:/run/x', 'unix:@abstract', 'unix:'])(
    'comes back: %s',
    (text) => {
      const endpoint = text.startsWith('unix:')
        ? unixEndpoint(text.slice(5))
        : at(text.replace(/^\[|\]?:\d+$/g, ''), Number(/\d+$/.exec(text)?.[0]));
      const bytes = encodeSockaddr(endpoint);
      const dirty = new Uint8Array(bytes.length + 6).fill(0xff);
      dirty.set(bytes, 3);
      const back = decodeSockaddr(dirty, bytes.length, 3);
      expect(back === undefined ? undefined : formatEndpoint(back)).toBe(text);
    },
  );

  it('is nothing where it is cut, and where the family is another', () => {
    const bytes = encodeSockaddr(at('2001:db8::1', 80));
    for (let length = 0; length < 24; length++) expect(decodeSockaddr(bytes, length)).toBeUndefined();
    expect(decodeSockaddr(Uint8Array.of(99, 0, 1, 2, 3, 4, 5, 6), 8)).toBeUndefined();
  });

  it('names an interface that is not there', () => {
    expect(() => encodeSockaddr(at('fe80::1%nope0', 80))).toThrow(/nope0: no such interface \(ENODEV\)/);
  });
});

describe('mapping', () => {
  it('goes to IPv6 and back for IPv4 only', () => {
    expect(formatEndpoint(mapEndpoint(at('192.0.2.1', 7)))).toBe('[::ffff:192.0.2.1]:7');
    expect(formatEndpoint(unmapEndpoint(mapEndpoint(at('192.0.2.1', 7))))).toBe('192.0.2.1:7');
    expect(formatEndpoint(unmapEndpoint(at('2001:db8::1', 7)))).toBe('[2001:db8::1]:7');
  });
});

describe('resolving', () => {
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => 'resolved',
      (error: SockctlError) => error.code,
    );

  it('gives the wildcard to a server and the loopback to a client without a host', async () => {
    const texts = async (passive: boolean) =>
      (await resolveEndpoint(':80', { protocol: 'tcp', passive })).map(formatEndpoint);
    expect(await texts(true)).toEqual(['[::]:80', '0.0.0.0:80']);
    expect(await texts(false)).toEqual(['[::1]:80', '127.0.0.1:80']);
  });

  it('knows service names', async () => {
    expect((await resolveEndpoint('127.0.0.1:http', { protocol: 'tcp' })).map(formatEndpoint)).toEqual([
      '127.0.0.1:80',
    ]);
    expect(await code(resolveEndpoint('127.0.0.1:frob', { protocol: 'tcp' }))).toBe('EAI_SERVICE');
  });

  it('finds localhost, narrowed by family', async () => {
    expect((await resolveHost('localhost', { family: 'ipv4' })).map(String)).toContain('127.0.0.1');
    expect(await code(resolveHost('127.0.0.1', { family: 'ipv6' }))).toBe('EAI_NONAME');
  });

  it('takes no short forms of addresses', async () => {
    await expect(resolveHost('10.1')).rejects.toThrow(AddressError);
  });

  it('stops when asked to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(resolveHost('localhost', { signal })).rejects.toThrow('enough');
  });
});
