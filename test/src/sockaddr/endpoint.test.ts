import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressError } from '../../../src/errors.js';
import {
  compareEndpoints,
  endpointKey,
  equalEndpoints,
  formatEndpoint,
  inetEndpoint,
  mapEndpoint,
  type SocketAddress,
  unmapEndpoint,
} from '../../../src/sockaddr/endpoint.js';
import { splitEndpoint } from '../../../src/sockaddr/endpoint-text.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { HardwareAddress, linkEndpoint, parseLinkEndpoint } from '../../../src/sockaddr/link-layer.js';
import { unixEndpoint } from '../../../src/sockaddr/unix.js';

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
    ['unix:/run/x', { kind: 'unix', endpoint: unixEndpoint('/run/x') }],
    ['unix:@name', { kind: 'unix', endpoint: unixEndpoint('@name') }],
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

describe('mapping', () => {
  it('goes to IPv6 and back for IPv4 only', () => {
    expect(formatEndpoint(mapEndpoint(at('192.0.2.1', 7)))).toBe('[::ffff:192.0.2.1]:7');
    expect(formatEndpoint(unmapEndpoint(mapEndpoint(at('192.0.2.1', 7))))).toBe('192.0.2.1:7');
    expect(formatEndpoint(unmapEndpoint(at('2001:db8::1', 7)))).toBe('[2001:db8::1]:7');
  });
});

describe('endpoints', () => {
  const hardware = fc.uint8Array({ minLength: 1, maxLength: 2 }).map((bytes) => new HardwareAddress(bytes));
  const any: fc.Arbitrary<SocketAddress> = fc.oneof(
    fc
      .tuple(fc.constantFrom('192.0.2.1', '192.0.2.2', '::1', '::ffff:192.0.2.1', 'fe80::1%lo'), fc.nat(2))
      .map(([address, port]) => at(address, port)),
    fc.constantFrom('', '@', '@a', '/a', './@a', '\\x40a', '@\\x00', '@\\x00a').map(unixEndpoint),
    fc
      .record({
        index: fc.nat(1),
        name: fc.constantFrom('', 'lo'),
        protocol: fc.nat(1),
        packetType: fc.nat(1),
        hardwareType: fc.nat(1),
        address: fc.option(hardware, { nil: undefined }),
      })
      .map(linkEndpoint),
  );

  it('are frozen', () => {
    fc.assert(
      fc.property(any, (endpoint) => {
        expect(Object.isFrozen(endpoint)).toBe(true);
        expect(() => Object.assign(endpoint, { family: 'other' })).toThrow(TypeError);
      }),
    );
  });

  it('refuse a port that is none', () => {
    for (const port of [-1, 65536, 0.5, Number.NaN]) expect(() => at('::1', port)).toThrow(RangeError);
  });

  it('have equal keys exactly when they are equal, and a total order', () => {
    const flat = (endpoint: SocketAddress) =>
      endpoint.family === 'unix' ? endpoint.toBytes().join() : JSON.stringify(endpoint);
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        const same = a.family === b.family && flat(a) === flat(b);
        expect(endpointKey(a) === endpointKey(b)).toBe(same);
        expect(equalEndpoints(a, b)).toBe(same);
        expect(compareEndpoints(a, b) === 0).toBe(same);
        expect(Math.sign(compareEndpoints(a, b)) + Math.sign(compareEndpoints(b, a))).toBe(0);
        if (compareEndpoints(a, b) <= 0 && compareEndpoints(b, c) <= 0) {
          expect(compareEndpoints(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('are sorted by family, address and port', () => {
    const texts = ['link:lo', 'unix:/a', '[::1]:1', '192.0.2.2:1', '192.0.2.1:2', '192.0.2.1:10', 'unix:@b'];
    const endpoints = [
      parseLinkEndpoint('link:lo'),
      unixEndpoint('/a'),
      at('::1', 1),
      at('192.0.2.2', 1),
      at('192.0.2.1', 2),
      at('192.0.2.1', 10),
      unixEndpoint('@b'),
    ];
    expect(endpoints.map(formatEndpoint)).toEqual(texts);
    expect(endpoints.sort(compareEndpoints).map(formatEndpoint)).toEqual([
      '192.0.2.1:2',
      '192.0.2.1:10',
      '192.0.2.2:1',
      '[::1]:1',
      'unix:@b',
      'unix:/a',
      'link:lo',
    ]);
  });
});
