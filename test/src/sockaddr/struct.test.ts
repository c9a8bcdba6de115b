import { endianness } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointKey, formatEndpoint, inetEndpoint, type SocketAddress } from '../../../src/sockaddr/endpoint.js';
import { IPv4Address, IPv6Address, parseIP } from '../../../src/sockaddr/ip.js';
import { HardwareAddress, linkEndpoint, parseLinkEndpoint } from '../../../src/sockaddr/link-layer.js';
import {
  type ByteOrder,
  decodeSockaddr,
  decodeSocketAddress,
  encodeSockaddr,
  SOCKADDR_MAX,
} from '../../../src/sockaddr/struct.js';
import { UnixEndpoint, unixEndpoint } from '../../../src/sockaddr/unix.js';

const at = (address: string, port: number) => inetEndpoint(parseIP(address), port);
const hex = (address: SocketAddress, byteOrder: ByteOrder = 'LE') =>
  Buffer.from(encodeSockaddr(address, byteOrder)).toString('hex');

const OTHER_ORDER = endianness() === 'LE' ? 'BE' : 'LE';
const byteOrder = fc.constantFrom('LE' as const, 'BE' as const);
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const zone = fc.oneof(
  fc.constant(''),
  fc.integer({ min: 1_000_000, max: 0xffffffff }).map((scope) => String(scope)),
);
const port = fc.nat(65535);
const inet = fc.tuple(fc.nat(0xffffffff), port).map(([value, number]) => inetEndpoint(new IPv4Address(value), number));
const inet6 = fc
  .tuple(bytes(16, 16), zone, port)
  .map(([address, name, number]) => inetEndpoint(new IPv6Address(address, name), number));
const unix = bytes(0, 108).map((name) => new UnixEndpoint(name));
const link = fc
  .record({
    index: fc.oneof(fc.constant(0), fc.integer({ min: 1_000_000, max: 0x7fffffff })),
    protocol: fc.nat(0xffff),
    hardwareType: fc.nat(0xffff),
    packetType: fc.nat(0xff),
    address: fc.option(
      bytes(1, 8).map((address) => new HardwareAddress(address)),
      { nil: undefined },
    ),
  })
  .map(linkEndpoint);
const any = fc.oneof(inet, inet6, unix, link);

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

  it('has the layout of packet(7)', () => {
    const address = new HardwareAddress(Uint8Array.of(2, 0, 0x5e, 0x10, 0, 1));
    const endpoint = linkEndpoint({ index: 2, protocol: 0x0800, hardwareType: 1, packetType: 4, address });
    expect(hex(endpoint)).toBe('11000800' + '02000000' + '01000406' + '02005e1000010000');
    expect(hex(endpoint, 'BE')).toBe('00110800' + '00000002' + '00010406' + '02005e1000010000');
    expect(hex(parseLinkEndpoint('link:lo'))).toBe('1100000001000000000000000000000000000000');
    const long = linkEndpoint({ index: 2, address: new HardwareAddress(new Uint8Array(20)) });
    expect(() => encodeSockaddr(long)).toThrow(/sockaddr_ll holds 8 bytes of an address, not 20/);
  });

  it('names the interface of a packet socket where this machine wrote it', () => {
    const whole = encodeSockaddr(parseLinkEndpoint('link:lo/00:00:00:00:00:00'));
    const back = decodeSocketAddress(whole, 18);
    expect(back?.family === 'link' && back.name).toBe('lo');
    expect(back === undefined ? undefined : formatEndpoint(back)).toBe('link:lo/00:00:00:00:00:00');
    expect(decodeSockaddr(whole, 18)).toBeUndefined();
    for (let length = 0; length < 18; length++) expect(decodeSocketAddress(whole, length)).toBeUndefined();
    const other = encodeSockaddr(at('fe80::1%1', 80), OTHER_ORDER);
    const foreign = decodeSocketAddress(other, other.length, 0, OTHER_ORDER);
    expect(foreign === undefined ? undefined : formatEndpoint(foreign)).toBe('[fe80::1%1]:80');
  });

  it('is in the byte order that is asked for', () => {
    expect(hex(at('192.0.2.1', 80), 'BE')).toBe('00020050c00002010000000000000000');
    expect(hex(at('fe80::1%7', 80), 'BE').slice(-8)).toBe('00000007');
    expect(hex(unixEndpoint('/a'), 'BE')).toBe('00012f6100');
  });

  it('comes back from either byte order, at any place within other bytes', () => {
    fc.assert(
      fc.property(any, byteOrder, fc.nat(9), (address, order, offset) => {
        const encoded = encodeSockaddr(address, order);
        const dirty = new Uint8Array(offset + encoded.length + 6).fill(0xee);
        dirty.set(encoded, offset);
        const back = decodeSocketAddress(dirty, encoded.length, offset, order);
        expect(back === undefined ? undefined : endpointKey(back)).toBe(endpointKey(address));
        expect(decodeSockaddr(dirty, encoded.length, offset, order) === undefined).toBe(address.family === 'link');
      }),
      { numRuns: 3000 },
    );
  });

  it('is read from any bytes, of any length, without a throw; what is read is written again', () => {
    const family = fc.constantFrom([], [0, 1], [1, 0], [0, 2], [2, 0], [0, 10], [10, 0], [0, 17], [17, 0]);
    const number = fc.oneof(fc.integer({ min: -3, max: 200 }), fc.double());
    fc.assert(
      fc.property(family, bytes(0, SOCKADDR_MAX), number, number, byteOrder, (head, rest, length, offset, order) => {
        const room = Uint8Array.from([...head, ...rest]);
        decodeSocketAddress(room, length, offset, order);
        const address = decodeSocketAddress(room, room.length, 0, order);
        if (address === undefined) return;
        const again = encodeSockaddr(address, order);
        const back = decodeSocketAddress(again, again.length, 0, order);
        expect(back === undefined ? undefined : endpointKey(back)).toBe(endpointKey(address));
      }),
      { numRuns: 10_000 },
    );
  });

  it('is not read from outside of its length', () => {
    const path = encodeSockaddr(unixEndpoint('@abc'));
    for (let length = 2; length <= path.length; length++) {
      const back = decodeSockaddr(path, length);
      expect(back?.family === 'unix' && back.toBytes().length).toBe(length - 2);
    }
    expect(decodeSockaddr(path, 500)?.family).toBe('unix');
    expect(decodeSockaddr(path, 6, -6)).toBeUndefined();
    expect(decodeSockaddr(Uint8Array.of(1, 0, ...new Uint8Array(109).fill(97)), 111)).toBeUndefined();
  });
});
