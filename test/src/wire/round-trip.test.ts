/** What is encoded is decoded to the same, into a dirty buffer at an offset, with right lengths and checksums. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IPv4Address, IPv6Address } from '../../../src/sockaddr/ip.js';
import { encodeArp } from '../../../src/wire/arp.js';
import { dissect } from '../../../src/wire/dissect.js';
import { encodeEthernet } from '../../../src/wire/ethernet.js';
import { encodeIcmp } from '../../../src/wire/icmp.js';
import { encodeIcmpv6 } from '../../../src/wire/icmpv6.js';
import { encodeIPv4 } from '../../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../../src/wire/ipv6.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { encodeTcp, TCP_FLAGS } from '../../../src/wire/tcp.js';
import type { TcpOption } from '../../../src/wire/tcp-options.js';
import { encodeUdp } from '../../../src/wire/udp.js';
import { encodeVlan } from '../../../src/wire/vlan.js';
import { layer } from './codec-suite.js';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const ipv4 = u32.map((value) => new IPv4Address(value));
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new IPv6Address(bytes));
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'));
const payload = fc.uint8Array({ maxLength: 64 });

/** Writes a header in front of a body, at an odd offset of a buffer full of ones. */
function framed(size: number, write: (into: Uint8Array, offset: number) => number, body: Uint8Array): Uint8Array {
  const into = new Uint8Array(size + body.length + 20).fill(0xff);
  const at = write(into, 7);
  expect(at).toBe(7 + size);
  into.set(body, at);
  expect([...into.slice(0, 7)]).toEqual(Array(7).fill(0xff));
  return into.slice(7, at + body.length);
}

const inIPv4 = (protocolNumber: number, body: Uint8Array, a: IPv4Address, b: IPv4Address) =>
  framed(
    20,
    (into, at) =>
      encodeIPv4({ source: a.toString(), destination: b.toString(), protocolNumber }, body.length, into, at),
    body,
  );

const inIPv6 = (nextHeader: number, body: Uint8Array, a: IPv6Address, b: IPv6Address) =>
  framed(
    40,
    (into, at) => encodeIPv6({ source: a.toString(), destination: b.toString(), nextHeader }, body.length, into, at),
    body,
  );

const both = (a: { toBytes(): Uint8Array }, b: { toBytes(): Uint8Array }) =>
  Uint8Array.from([...a.toBytes(), ...b.toBytes()]);

const option: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.constant<TcpOption>({ kind: 'nop' }),
  fc.constant<TcpOption>({ kind: 'sackPermitted' }),
  u16.map((value): TcpOption => ({ kind: 'mss', value })),
  u8.map((shift): TcpOption => ({ kind: 'windowScale', shift })),
  fc.tuple(u32, u32).map(([value, echo]): TcpOption => ({ kind: 'timestamps', value, echo })),
  fc.tuple(u32, u32).map(([left, right]): TcpOption => ({ kind: 'sack', blocks: [{ left, right }] })),
  fc.constant<TcpOption>({ kind: 'unknown', number: 253, data: 'abcd' }),
);

describe('encode, then decode', () => {
  it('Ethernet, VLAN and ARP', () => {
    fc.assert(
      fc.property(
        mac,
        mac,
        u16,
        u8,
        fc.boolean(),
        ipv4,
        ipv4,
        (source, destination, word, priority, dropEligible, a, b) => {
          const arp = {
            hardwareType: 1,
            protocolType: 0x0800,
            operation: word,
            senderHardware: source,
            senderProtocol: a.toString(),
            targetHardware: destination,
            targetProtocol: b.toString(),
          };
          const tag = { id: word & 0xfff, priority: priority & 7, dropEligible, etherType: 0x0806 };
          const body = framed(28, (into, at) => encodeArp(arp, into, at), new Uint8Array());
          const tagged = framed(4, (into, at) => encodeVlan(tag, into, at), body);
          const frame = framed(
            14,
            (into, at) => encodeEthernet({ source, destination, etherType: 0x8100 }, into, at),
            tagged,
          );
          const found = dissect(frame, LinkType.ETHERNET);
          expect(found.layers).toEqual([
            { protocol: 'ethernet', source, destination, etherType: 0x8100 },
            { protocol: 'vlan', ...tag },
            { protocol: 'arp', ...arp },
          ]);
        },
      ),
    );
  });

  it('IPv4 headers', () => {
    fc.assert(
      fc.property(ipv4, ipv4, u16, u8, u8, fc.boolean(), (a, b, identification, ttl, dscp, dontFragment) => {
        const header = {
          source: a.toString(),
          destination: b.toString(),
          ttl,
          protocolNumber: 253,
          identification,
          dontFragment,
          dscp: dscp >> 2,
          ecn: dscp & 3,
        };
        const bytes = framed(20, (into, at) => encodeIPv4(header, 3, into, at), Uint8Array.of(1, 2, 3));
        const found = dissect(bytes, LinkType.IPV4);
        expect(found.malformed).toBeUndefined();
        expect(layer(found, 'ipv4')).toMatchObject({ ...header, totalLength: 23, checksumValid: true });
      }),
    );
  });

  it('UDP and TCP over both, with checksums that hold', () => {
    const flags = fc.subarray([...TCP_FLAGS]);
    fc.assert(
      fc.property(
        ipv4,
        ipv4,
        ipv6,
        ipv6,
        u16,
        u32,
        payload,
        flags,
        fc.array(option, { maxLength: 3 }),
        (a, b, c, d, port, sequence, data, on, options) => {
          const tcpFields = {
            sourcePort: port,
            destinationPort: 80,
            sequence,
            acknowledgment: 5,
            flags: on,
            window: port,
            urgent: 0,
            options,
          };
          for (const family of ['ipv4', 'ipv6'] as const) {
            const addresses = family === 'ipv4' ? both(a, b) : both(c, d);
            const wrap = (protocol: number, body: Uint8Array) =>
              family === 'ipv4' ? inIPv4(protocol, body, a, b) : inIPv6(protocol, body, c, d);
            const udp = dissect(
              wrap(17, encodeUdp({ sourcePort: port, destinationPort: 53 }, data, addresses)),
              LinkType.RAW,
            );
            expect(layer(udp, 'udp')).toMatchObject({
              sourcePort: port,
              destinationPort: 53,
              checksumValid: true,
              payloadLength: data.length,
            });
            const tcp = dissect(wrap(6, encodeTcp(tcpFields, data, addresses)), LinkType.RAW);
            const { options: read, ...rest } = layer(tcp, 'tcp');
            const { options: _, ...fields } = tcpFields;
            expect(rest).toMatchObject({ ...fields, checksumValid: true, payloadLength: data.length });
            // Zeros fill the options up to four bytes; the first of them reads as the end.
            expect(read.filter((one) => one.kind !== 'end')).toEqual(options);
          }
        },
      ),
    );
  });

  it('ICMP and ICMPv6', () => {
    fc.assert(
      fc.property(ipv4, ipv4, ipv6, ipv6, u16, u16, payload, (a, b, c, d, identifier, sequence, data) => {
        const v4 = dissect(inIPv4(1, encodeIcmp({ icmpType: 8, identifier, sequence }, data), a, b), LinkType.RAW);
        expect(layer(v4, 'icmp')).toMatchObject({
          icmpType: 8,
          icmpCode: 0,
          identifier,
          sequence,
          checksumValid: true,
        });
        const message = encodeIcmpv6({ icmpType: 128, identifier, sequence }, data, both(c, d));
        const v6 = dissect(inIPv6(58, message, c, d), LinkType.RAW);
        expect(layer(v6, 'icmpv6')).toMatchObject({ icmpType: 128, identifier, sequence, checksumValid: true });
      }),
    );
  });
});
