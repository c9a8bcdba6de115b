/** Every encoder against its decoder, and what encoders refuse. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { IPv4Address, IPv6Address } from '../../../src/sockaddr/ip.js';
import { encodeArp } from '../../../src/wire/arp.js';
import { checksum, pseudoAddresses } from '../../../src/wire/checksum.js';
import { encodeIcmpEcho } from '../../../src/wire/echo.js';
import { encodeEthernet } from '../../../src/wire/ethernet.js';
import { encodeIcmp, writeIcmp } from '../../../src/wire/icmp.js';
import { encodeIcmpv6, writeIcmpv6 } from '../../../src/wire/icmpv6.js';
import { encodeIgmp, type IgmpFields } from '../../../src/wire/igmp.js';
import { encodeIPv4 } from '../../../src/wire/ipv4.js';
import type { IPv4Option } from '../../../src/wire/ipv4-options.js';
import { encodeIPv6 } from '../../../src/wire/ipv6.js';
import { type ExtensionFields, encodeExtension } from '../../../src/wire/ipv6-extension.js';
import { encodeIPv6Options, type IPv6Option } from '../../../src/wire/ipv6-options.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { encodeLoopback } from '../../../src/wire/loopback.js';
import { encodeSll } from '../../../src/wire/sll.js';
import { encodeTcp, writeTcp } from '../../../src/wire/tcp.js';
import { encodeUdp, writeUdp } from '../../../src/wire/udp.js';
import { encodeVlan } from '../../../src/wire/vlan.js';
import { encoderSuite, fromHex, layer, read } from './codec-suite.js';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const data = fc.uint8Array({ maxLength: 40 });
const ipv4 = u32.map((value) => new IPv4Address(value).toString());
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new IPv6Address(bytes).toString());
const hardware = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'));
const hexText = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));

const V4 = pseudoAddresses('192.0.2.1', '192.0.2.2');
const V6 = pseudoAddresses('2001:db8::1', '2001:db8::2');

describe('Ethernet', () => {
  encoderSuite(
    fc.record({ source: hardware(6), destination: hardware(6), etherType: fc.constant(0x88b5) }),
    encodeEthernet,
    (bytes, fields) => {
      const found = read({ linkType: LinkType.ETHERNET }, bytes);
      expect(found.layers).toEqual([{ protocol: 'ethernet', ...fields }]);
    },
  );
});

describe('VLAN', () => {
  const tag = fc.record({
    id: fc.integer({ min: 0, max: 4095 }),
    priority: fc.integer({ min: 0, max: 7 }),
    dropEligible: fc.boolean(),
    etherType: fc.constant(0x88b5),
  });
  encoderSuite(tag, encodeVlan, (bytes, fields) => {
    const frame = Uint8Array.from([...fromHex('020000000002 020000000001 8100'), ...bytes]);
    expect(layer(read({ linkType: LinkType.ETHERNET }, frame), 'vlan')).toEqual({ protocol: 'vlan', ...fields });
  });
});

describe('cooked headers', () => {
  const common = { packetType: fc.integer({ min: 0, max: 4 }), hardwareType: u16, etherType: u16 };
  const source = fc.integer({ min: 0, max: 8 }).chain(hardware);
  encoderSuite(
    fc.oneof(
      fc.record({ version: fc.constant<1>(1), ...common, source }),
      fc.record({ version: fc.constant<2>(2), ...common, source, interfaceIndex: u32 }),
    ),
    encodeSll,
    (bytes, fields) => {
      const linkType = fields.version === 1 ? LinkType.LINUX_SLL : LinkType.LINUX_SLL2;
      expect(read({ linkType }, bytes).layers[0]).toEqual({ protocol: 'sll', ...fields });
    },
  );
});

describe('loopback', () => {
  const fields = fc.record({
    addressFamily: fc.integer({ min: 1, max: 0xffff }),
    byteOrder: fc.constantFrom('little' as const, 'big' as const),
  });
  encoderSuite(fields, encodeLoopback, (bytes, fields) => {
    for (const linkType of [LinkType.LOOP, LinkType.NULL]) {
      expect(read({ linkType }, bytes).layers[0]).toEqual({ protocol: 'loopback', ...fields });
    }
  });
});

describe('ARP', () => {
  const fields = fc.boolean().chain((usual) =>
    fc.record({
      hardwareType: u16,
      protocolType: fc.constant(usual ? 0x0800 : 0x88b5),
      operation: u16,
      senderHardware: hardware(usual ? 6 : 3),
      senderProtocol: usual ? ipv4 : hexText(5),
      targetHardware: hardware(usual ? 6 : 3),
      targetProtocol: usual ? ipv4 : hexText(5),
    }),
  );
  encoderSuite(fields, encodeArp, (bytes, message) => {
    const frame = Uint8Array.from([...fromHex('ffffffffffff 020000000001 0806'), ...bytes]);
    expect(layer(read({ linkType: LinkType.ETHERNET }, frame), 'arp')).toEqual({ protocol: 'arp', ...message });
  });
});

describe('IPv4', () => {
  const header = fc.record({
    source: ipv4,
    destination: ipv4,
    ttl: u8,
    protocolNumber: fc.constant(253),
    identification: u16,
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: fc.integer({ min: 0, max: 0x1fff }).map((units) => 8 * units),
    dscp: fc.integer({ min: 0, max: 63 }),
    ecn: fc.integer({ min: 0, max: 3 }),
    options: fc.constantFrom<IPv4Option[]>(
      [],
      [{ kind: 'routerAlert', value: 0 }],
      [...Array(4).fill({ kind: 'nop' }), ...Array(4).fill({ kind: 'nop' })],
    ),
  });
  encoderSuite(
    header,
    (fields, into, at) => encodeIPv4(fields, 0, into, at),
    (bytes, { options, ...fields }) => {
      const found = layer(read({ linkType: LinkType.IPV4 }, bytes), 'ipv4');
      const length = 20 + 4 * Math.ceil(options.length / 4);
      expect(found).toMatchObject({ ...fields, headerLength: length, totalLength: length, checksumValid: true });
      expect(found.options).toEqual(options.length === 0 ? undefined : options);
    },
  );

  it('writes what it is given, right or wrong', () => {
    const bytes = new Uint8Array(20);
    const addresses = { source: '192.0.2.1', destination: '192.0.2.2' };
    encodeIPv4({ ...addresses, protocolNumber: 6, totalLength: 9999, checksum: 0xbad, headerLength: 24 }, 0, bytes);
    expect(Buffer.from(bytes).toString('hex')).toBe('4600270f0000000040060badc0000201c0000202');
  });
});

describe('IPv6', () => {
  const header = fc.record({
    source: ipv6,
    destination: ipv6,
    hopLimit: u8,
    nextHeader: fc.constant(253),
    flowLabel: fc.integer({ min: 0, max: 0xfffff }),
    trafficClass: u8,
    payloadLength: fc.constant(0),
  });
  encoderSuite(
    header,
    (fields, into, at) => encodeIPv6(fields, 0, into, at),
    (bytes, fields) => {
      expect(read({ linkType: LinkType.IPV6 }, bytes).layers).toEqual([{ protocol: 'ipv6', ...fields }]);
    },
  );
});

describe('IPv6 extension headers', () => {
  const nextHeader = fc.constant(253);
  // What fills a header up to eight bytes is among its options.
  const options = fc
    .array(
      fc.oneof(
        fc.record({ kind: fc.constant('routerAlert' as const), value: u16 }),
        fc.record({ kind: fc.constant('padN' as const), length: fc.nat(20) }),
        fc.record({ kind: fc.constant('unknown' as const), type: fc.integer({ min: 6, max: 99 }), data: hexText(3) }),
      ),
      { maxLength: 4 },
    )
    .map((list): IPv6Option[] => {
      const filled: IPv6Option[] = [...list];
      while ((2 + encodeIPv6Options(filled).length) % 8 !== 0) filled.push({ kind: 'pad1' });
      return filled;
    });
  const addresses = fc.array(ipv6, { maxLength: 3 });
  const fields: fc.Arbitrary<ExtensionFields> = fc.oneof(
    fc.record({
      protocol: fc.constantFrom('ipv6-hop-by-hop' as const, 'ipv6-destination' as const),
      nextHeader,
      options,
    }),
    fc.record({
      protocol: fc.constant('ipv6-routing' as const),
      nextHeader,
      routingType: fc.constantFrom(0, 2),
      segmentsLeft: u8,
      addresses,
    }),
    fc.record({
      protocol: fc.constant('ipv6-routing' as const),
      nextHeader,
      routingType: fc.constant(4),
      segmentsLeft: u8,
      lastEntry: fc.constant(2),
      flags: u8,
      tag: u16,
      addresses: fc.array(ipv6, { minLength: 3, maxLength: 3 }),
    }),
    fc.record({
      protocol: fc.constant('ipv6-routing' as const),
      nextHeader,
      routingType: fc.constant(3),
      segmentsLeft: u8,
      data: hexText(12),
    }),
    fc.record({ protocol: fc.constant('ah' as const), nextHeader, spi: u32, sequence: u32, check: hexText(12) }),
    fc.record({
      protocol: fc.constant('ipv6-fragment' as const),
      nextHeader,
      fragmentOffset: u16.map((offset) => offset & 0xfff8),
      moreFragments: fc.boolean(),
      identification: u32,
    }),
  );
  const numbers = { 'ipv6-hop-by-hop': 0, 'ipv6-destination': 60, 'ipv6-routing': 43, ah: 51, 'ipv6-fragment': 44 };
  encoderSuite(fields, encodeExtension, (bytes, extension) => {
    const length = extension.protocol === 'ipv6-fragment' ? {} : { length: bytes.length };
    expect(read({ protocol: numbers[extension.protocol] }, bytes).layers).toEqual([{ ...extension, ...length }]);
  });
});

describe('ICMP', () => {
  const echo = fc.record({ icmpType: fc.constantFrom(0, 8, 15, 16, 17, 18), identifier: u16, sequence: u16 });
  const fields = fc.oneof(
    echo,
    fc.record({ icmpType: fc.constantFrom(42, 43), identifier: u16, sequence: u8 }),
    fc.record({
      icmpType: fc.constantFrom(13, 14),
      identifier: u16,
      sequence: u16,
      originate: u32,
      receive: u32,
      transmit: u32,
    }),
    fc.record({ icmpType: fc.constant(3), icmpCode: fc.constant(4), nextHopMtu: u16 }),
    fc.record({ icmpType: fc.constant(5), gateway: ipv4 }),
    fc.record({ icmpType: fc.constant(12), pointer: u8 }),
    fc.record({ icmpType: fc.constant(11), icmpCode: u8 }),
  );
  encoderSuite(
    fc.tuple(fields, data),
    ([message, body], into, at) => writeIcmp(message, body, into, at),
    (bytes, [message, body]) => {
      expect(layer(read({ protocol: 1 }, bytes), 'icmp')).toMatchObject({ ...message, checksumValid: true });
      expect(encodeIcmp(message, body)).toEqual(bytes);
    },
  );
});

describe('ICMPv6', () => {
  const fields = fc.oneof(
    fc.record({ icmpType: fc.constantFrom(128, 129), identifier: u16, sequence: u16 }),
    fc.record({ icmpType: fc.constantFrom(160, 161), identifier: u16, sequence: u8 }),
    fc.record({ icmpType: fc.constantFrom(135, 136, 137), target: ipv6 }),
    fc.record({ icmpType: fc.constant(2), mtu: u32 }),
    fc.record({ icmpType: fc.constant(4), icmpCode: u8, pointer: u32 }),
  );
  encoderSuite(
    fc.tuple(fields, data),
    ([message, body], into, at) => writeIcmpv6(message, body, V6, into, at),
    (bytes, [message, body]) => {
      // Without an IP header around it there is nothing to judge the checksum by.
      expect(layer(read({ protocol: 58 }, bytes), 'icmpv6')).toMatchObject({ ...message, checksumValid: null });
      expect(encodeIcmpv6(message, body, V6)).toEqual(bytes);
      expect([...encodeIcmpv6(message, body).slice(2, 4)]).toEqual([0, 0]);
    },
  );
});

describe('echo messages', () => {
  const payload = Uint8Array.of(1, 2, 3);

  it('have their checksum over IPv4', () => {
    const bytes = encodeIcmpEcho({ family: 'ipv4', type: 'request', identifier: 7, sequence: 9, payload });
    expect(Buffer.from(bytes).toString('hex')).toBe('0800f3ed00070009010203');
    expect(checksum(bytes, 0, bytes.length)).toBe(0);
  });

  it('leave it to the kernel over IPv6', () => {
    const bytes = encodeIcmpEcho({ family: 'ipv6', type: 'reply', identifier: 7, sequence: 9, payload });
    expect(Buffer.from(bytes).toString('hex')).toBe('8100000000070009010203');
  });
});

describe('IGMP', () => {
  const fields: fc.Arbitrary<IgmpFields> = fc.oneof(
    fc.record({ igmpType: fc.constantFrom(0x11, 0x12, 0x16, 0x17), maxResponseTime: u8, group: ipv4 }),
    fc.record({
      igmpType: fc.constant(0x11),
      // Values that RFC 3376 section 4.1.1 can write exactly.
      maxResponseTime: fc.constantFrom(0, 127, 128, 136, 248, 256, 31_744),
      group: ipv4,
      suppress: fc.boolean(),
      robustness: fc.integer({ min: 0, max: 7 }),
      queryInterval: fc.constantFrom(0, 125, 128, 31_744),
      sources: fc.array(ipv4, { maxLength: 4 }),
    }),
    fc.record({
      igmpType: fc.constant(0x22),
      records: fc.array(fc.record({ recordType: u8, group: ipv4, sources: fc.array(ipv4, { maxLength: 3 }) }), {
        maxLength: 4,
      }),
    }),
  );
  it('is read back', () => {
    fc.assert(
      fc.property(fields, (message) => {
        const found = read({ protocol: 2 }, encodeIgmp(message));
        expect(found.malformed).toBeUndefined();
        expect(found.layers).toHaveLength(1);
        expect(layer(found, 'igmp')).toMatchObject({ ...message, checksumValid: true });
      }),
    );
  });
});

describe('UDP and TCP', () => {
  encoderSuite(
    fc.tuple(fc.record({ sourcePort: u16, destinationPort: u16 }), data),
    ([fields, body], into, at) => writeUdp(fields, body, V4, into, at),
    (bytes, [fields, body]) => {
      expect(layer(read({ protocol: 17 }, bytes), 'udp')).toMatchObject({ ...fields, length: bytes.length });
      expect(encodeUdp(fields, body, V4)).toEqual(bytes);
    },
  );
  encoderSuite(
    fc.tuple(fc.record({ sourcePort: u16, destinationPort: u16, sequence: u32, acknowledgment: u32 }), data),
    ([fields, body], into, at) => writeTcp({ ...fields, options: [{ kind: 'mss', value: 9 }] }, body, V4, into, at),
    (bytes, [fields, body]) => {
      expect(layer(read({ protocol: 6 }, bytes), 'tcp')).toMatchObject({ ...fields, payloadLength: body.length });
    },
  );

  it('send a UDP checksum of zero as all ones (RFC 768)', () => {
    const sum = encodeUdp({ sourcePort: 0, destinationPort: 0 }, new Uint8Array(2), V4);
    const word = (((sum[6] ?? 0) << 8) | (sum[7] ?? 0)) >>> 0;
    const data = Uint8Array.of(word >> 8, word & 255);
    expect([...encodeUdp({ sourcePort: 0, destinationPort: 0 }, data, V4).slice(6, 8)]).toEqual([0xff, 0xff]);
  });
});

describe('encoders refuse', () => {
  const into = new Uint8Array(100);
  const mac = '02:00:00:00:00:01';
  it.each([
    [
      'five bytes for a hardware address',
      () => encodeEthernet({ source: mac, destination: '1:2:3:4:5', etherType: 1 }, into),
    ],
    [
      'a hardware address that is no hex',
      () => encodeEthernet({ source: 'x'.repeat(17), destination: mac, etherType: 1 }, into),
    ],
    [
      'options that are no hex',
      () =>
        encodeIPv4(
          {
            source: '1.1.1.1',
            destination: '1.1.1.1',
            protocolNumber: 1,
            options: [{ kind: 'unknown', type: 200, data: 'abc' }],
          },
          0,
          into,
        ),
    ],
  ])('%s', (_, encode) => expect(encode).toThrow(UsageError));

  it.each([
    [
      'more options than a TCP header holds',
      () => encodeTcp({ sourcePort: 1, destinationPort: 1, options: Array(41).fill({ kind: 'nop' }) }, into),
    ],
    [
      'more options than an IPv4 header holds',
      () =>
        encodeIPv4(
          { source: '1.1.1.1', destination: '1.1.1.1', protocolNumber: 1, options: Array(41).fill({ kind: 'nop' }) },
          0,
          into,
        ),
    ],
    ['a buffer that is too small', () => encodeIPv6({ source: '::', destination: '::', nextHeader: 59 }, 0, into, 70)],
  ])('%s', (_, encode) => expect(encode).toThrow(RangeError));
});
