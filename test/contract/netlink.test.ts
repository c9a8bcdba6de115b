/** Netlink messages: what is written is read again, and nothing that could come makes a reader throw. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIP } from '../../src/sockaddr/ip.js';
import { decodeAddress } from '../../src/socket/native/netlink/address.js';
import { decodeLink } from '../../src/socket/native/netlink/link.js';
import { encodeNetlinkMessage, netlinkMessages } from '../../src/socket/native/netlink/message.js';
import {
  decodeGateway,
  decodeNeighbor,
  encodeNeighbor,
  encodeRouteRequest,
} from '../../src/socket/native/netlink/neighbor.js';

const little = (size: 2 | 4 | 8, value: number) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, Math.min(size, 6));
  return bytes;
};
const pad = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
const attribute = (type: number, value: Uint8Array) =>
  pad(Buffer.concat([little(2, value.length + 4), little(2, type), value]));

interface LinkSource {
  readonly family?: number;
  readonly type: number;
  readonly index: number;
  readonly flags: number;
  readonly attributes: readonly Uint8Array[];
}
const link = ({ family = 0, type, index, flags, attributes }: LinkSource) => {
  const head = [Buffer.of(family, 0), little(2, type), little(4, index), little(4, flags), little(4, 0)];
  return Buffer.concat([...head, ...attributes]);
};
const name = (text: string) => attribute(3, Buffer.from(`${text}\0`));

const u32 = fc.integer({ min: 0, max: 0xffffffff });

describe('netlink messages', () => {
  it('are read as they are written, several in a datagram', () => {
    const message = fc.record({
      type: fc.integer({ min: 0, max: 0xffff }),
      flags: fc.integer({ min: 0, max: 0xffff }),
      sequence: u32,
      port: u32,
      body: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        const bytes = Buffer.concat(messages.map(encodeNetlinkMessage));
        const read = [...netlinkMessages(bytes)].map((found) => ({ ...found, body: Uint8Array.from(found.body) }));
        expect(read).toEqual(messages);
      }),
    );
  });

  it('end where a datagram is cut, and where a length is a lie', () => {
    const one = encodeNetlinkMessage({ type: 16, flags: 2, sequence: 7, port: 9, body: Buffer.alloc(8) });
    for (let length = 0; length < one.length; length++) {
      expect([...netlinkMessages(one.subarray(0, length))]).toEqual([]);
    }
    for (const lie of [0, 15, one.length + 1, 0xffffffff]) {
      const bytes = Buffer.concat([one, one]);
      bytes.writeUInt32LE(lie, one.length);
      expect([...netlinkMessages(bytes)]).toHaveLength(1);
    }
  });
});

describe('interfaces and addresses', () => {
  it('are what the message says', () => {
    fc.assert(
      fc.property(
        fc.record({
          type: fc.integer({ min: 0, max: 0xffff }),
          index: fc.integer({ min: 1, max: 0x7fffffff }),
          flags: u32,
          mtu: u32,
          address: fc.uint8Array({ minLength: 1, maxLength: 32 }),
          kind: fc.constantFrom('veth', 'vlan', 'tun'),
          master: fc.integer({ min: 1, max: 0x7fffffff }),
          counters: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
        }),
        ({ type, index, flags, mtu, address, kind, master, counters }) => {
          const attributes = [
            name('eth0'),
            attribute(1, address),
            attribute(4, little(4, mtu)),
            attribute(10, little(4, master)),
            attribute(16, Buffer.of(6)),
            // NLA_F_NESTED, as the kernel marks some.
            attribute(18 | 0x8000, attribute(1, Buffer.from(`${kind}\0`))),
            attribute(23, Buffer.concat(counters.map((value) => little(8, value)))),
          ];
          const found = decodeLink(link({ type, index, flags, attributes }));
          expect(found).toMatchObject({ hardwareType: type, index, name: 'eth0', mtu, kind, master, operState: 'up' });
          expect(found?.address?.toBytes()).toEqual(address);
          expect(Object.values(found?.counters ?? {})).toEqual(counters);
          expect(found?.up).toBe((flags & 0x10001) === 0x10001);
          expect(found?.flags.length).toBe(flags.toString(2).replaceAll('0', '').length);
        },
      ),
    );
    const v6 = Buffer.alloc(16, 1);
    const body = Buffer.concat([
      Buffer.of(10, 64, 0x80, 253),
      little(4, 3),
      attribute(1, v6),
      attribute(8, little(4, 0x180)),
    ]);
    expect(decodeAddress(body)).toMatchObject({
      index: 3,
      prefixLength: 64,
      scope: 'link',
      flags: ['permanent', 'managetempaddr'],
    });
  });

  it('are not taken from what is about something else', () => {
    const plain = { type: 1, index: 2, flags: 1, attributes: [name('eth0')] };
    expect(decodeLink(link(plain))).toMatchObject({ name: 'eth0', address: undefined, kind: undefined, mtu: 0 });
    // AF_BRIDGE, a wireless event, no name, no index.
    expect(decodeLink(link({ ...plain, family: 7 }))).toBeUndefined();
    expect(decodeLink(link({ ...plain, attributes: [name('eth0'), attribute(11, Buffer.alloc(8))] }))).toBeUndefined();
    expect(decodeLink(link({ ...plain, attributes: [] }))).toBeUndefined();
    expect(decodeLink(link({ ...plain, index: 0 }))).toBeUndefined();
  });

  it('never throw, whatever the bytes are', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    // Attributes that are well formed, of the types that are read, with anything in them.
    const attributes = fc
      .array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 })
      .map((list) => list.map(([type, value]) => attribute(type, value)));
    fc.assert(
      fc.property(bytes, attributes, (any, some) => {
        for (const message of netlinkMessages(any)) {
          decodeLink(message.body);
          decodeAddress(message.body);
        }
        decodeLink(any);
        decodeAddress(any);
        decodeLink(link({ type: 1, index: 1, flags: 0, attributes: [name('x'), ...some] }));
        for (const family of [2, 10])
          decodeAddress(Buffer.concat([Buffer.of(family, 24, 0, 0), little(4, 1), ...some]));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('neighbours', () => {
  const HARDWARE = Buffer.from('020000000001', 'hex');
  const neighbor = (state: number, ...attributes: Uint8Array[]) =>
    Buffer.concat([Buffer.of(2, 0, 0, 0), little(4, 7), little(2, state), Buffer.of(0, 1), ...attributes]);

  it('are read with their hardware address where it is worth something', () => {
    const known = [attribute(1, Buffer.of(192, 0, 2, 9)), attribute(2, HARDWARE)];
    for (const state of [0x02, 0x04, 0x08, 0x10, 0x40, 0x80]) {
      const found = decodeNeighbor(neighbor(state, ...known));
      expect([found?.index, String(found?.address), String(found?.hardware)]).toEqual([
        7,
        '192.0.2.9',
        '02:00:00:00:00:01',
      ]);
    }
    expect(decodeNeighbor(neighbor(0x01, ...known))?.hardware).toBeUndefined();
    expect(decodeNeighbor(neighbor(0x20, ...known))).toMatchObject({ hardware: undefined, failed: true });
    expect(decodeNeighbor(neighbor(0x02, attribute(2, HARDWARE)))).toBeUndefined();
  });

  it('are asked for as they are told', () => {
    for (const text of ['192.0.2.9', '2001:db8::9']) {
      const found = decodeNeighbor(encodeNeighbor(5, parseIP(text), true));
      expect([found?.index, String(found?.address)]).toEqual([5, text]);
      // A request for a route has attributes of its own, and no gateway.
      expect(decodeGateway(encodeRouteRequest(5, parseIP(text)))).toBeUndefined();
    }
  });

  it('and routes are read from any bytes without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        decodeNeighbor(bytes);
        decodeGateway(bytes);
      }),
    );
  });

  it('have the gateway of their route, of either family', () => {
    const route = (...attributes: Uint8Array[]) => Buffer.concat([Buffer.alloc(12), ...attributes]);
    expect(String(decodeGateway(route(attribute(5, Buffer.of(10, 0, 0, 1)))))).toBe('10.0.0.1');
    const via = Buffer.concat([little(2, 10), parseIP('fe80::1').toBytes()]);
    expect(String(decodeGateway(route(attribute(18, via))))).toBe('fe80::1');
  });
});
