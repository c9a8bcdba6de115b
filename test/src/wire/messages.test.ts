/** Messages of the protocols that are made of lists: encoded, decoded, the same; and every beginning of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IPv4Address, IPv6Address } from '../../../src/sockaddr/ip.js';
import { type DhcpMessage, encodeDhcp } from '../../../src/wire/application/dhcp.js';
import type { DhcpOption } from '../../../src/wire/application/dhcp-options.js';
import { type Dhcpv6Option, encodeDhcpv6 } from '../../../src/wire/application/dhcpv6.js';
import { type DnsMessage, type DnsRecord, encodeDns } from '../../../src/wire/application/dns.js';
import { encodeHttp } from '../../../src/wire/application/http.js';
import { encodeNtp } from '../../../src/wire/application/ntp.js';
import { encodeQuic } from '../../../src/wire/application/quic.js';
import { encodeTlsHello } from '../../../src/wire/application/tls.js';
import { pseudoAddresses } from '../../../src/wire/checksum.js';
import { dissect } from '../../../src/wire/dissect.js';
import { encodePacket } from '../../../src/wire/encode.js';
import { encodeEsp } from '../../../src/wire/esp.js';
import { encodeEthernet } from '../../../src/wire/ethernet.js';
import { dissectExactly } from '../../../src/wire/exact.js';
import { encodeGre } from '../../../src/wire/gre.js';
import { encodeIcmpv6, type Icmpv6Fields } from '../../../src/wire/icmpv6.js';
import { encodeIPv4 } from '../../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../../src/wire/ipv6.js';
import type { Layer } from '../../../src/wire/layer.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { encodeLlc, encodeSnap } from '../../../src/wire/llc.js';
import { encodeLldp, type LldpTlv } from '../../../src/wire/lldp.js';
import { encodeMpls } from '../../../src/wire/mpls.js';
import { encodeOspf } from '../../../src/wire/ospf.js';
import { encodeGeneve, encodeVxlan } from '../../../src/wire/overlay.js';
import { encodePpp, encodePppControl } from '../../../src/wire/ppp.js';
import { encodePppoe } from '../../../src/wire/pppoe.js';
import { encodeSctp, type SctpChunk } from '../../../src/wire/sctp.js';
import { encodeStp } from '../../../src/wire/stp.js';
import { summarize } from '../../../src/wire/summary.js';
import { encodeTcp } from '../../../src/wire/tcp.js';
import { encodeUdp } from '../../../src/wire/udp.js';
import { encodeVrrp } from '../../../src/wire/vrrp.js';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u24 = fc.integer({ min: 0, max: 0xffffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const ipv4 = u32.map((value) => new IPv4Address(value).toString());
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new IPv6Address(bytes).toString());
const hex = (length: number, most = length) =>
  fc.uint8Array({ minLength: length, maxLength: most }).map((bytes) => Buffer.from(bytes).toString('hex'));
const words = (most: number) =>
  fc.uint8Array({ maxLength: most }).map((b) => Buffer.from(b.slice(0, b.length & ~3)).toString('hex'));
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'));
/** Escaped text of any bytes, as the decoders write it. */
const text = (most: number, least = 0) =>
  fc
    .uint8Array({ minLength: least, maxLength: most })
    .map((bytes) =>
      Array.from(bytes, (byte) =>
        byte === 0x5c
          ? '\\\\'
          : byte >= 0x20 && byte < 0x7f
            ? String.fromCharCode(byte)
            : `\\${String(byte).padStart(3, '0')}`,
      ).join(''),
    );
const label = text(10, 1).map((part) => part.replaceAll('.', '\\.'));
const name = fc.array(label, { maxLength: 4 }).map((labels) => (labels.length === 0 ? '.' : labels.join('.')));

const V4 = ['192.0.2.1', '192.0.2.2'] as const;
const V6 = ['2001:db8::1', '2001:db8::2'] as const;

function inIPv4(protocolNumber: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + body.length);
  bytes.set(body, encodeIPv4({ source: V4[0], destination: V4[1], protocolNumber }, body.length, bytes));
  return bytes;
}

function inIPv6(nextHeader: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(40 + body.length);
  bytes.set(body, encodeIPv6({ source: V6[0], destination: V6[1], nextHeader }, body.length, bytes));
  return bytes;
}

const onEthernet = (etherType: number, body: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(14 + body.length);
  const addresses = { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' };
  bytes.set(body, encodeEthernet({ ...addresses, etherType }, bytes));
  return bytes;
};

const inUdp = (port: number, body: Uint8Array) =>
  inIPv4(17, encodeUdp({ sourcePort: 40_000, destinationPort: port }, body, pseudoAddresses(...V4)));
const inTcp = (port: number, body: Uint8Array) =>
  inIPv4(6, encodeTcp({ sourcePort: 40_000, destinationPort: port }, body, pseudoAddresses(...V4)));

/** What an encoder of a header returns, without the buffer around it. */
function header(write: (into: Uint8Array) => number, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const into = new Uint8Array(400);
  const at = write(into);
  into.set(body, at);
  return into.slice(0, at + body.length);
}

/** Encodes, decodes, compares; then every beginning of it, which may be anything but an exception or a wild line. */
function both<M>(
  title: string,
  messages: fc.Arbitrary<M>,
  linkType: number,
  encode: (message: M) => Uint8Array,
  expected: (message: M) => object,
  find: Layer['protocol'],
): void {
  it(title, () => {
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = encode(message);
        const found = dissect(bytes, linkType);
        expect(found.malformed).toBeUndefined();
        const layer = found.layers.find(({ protocol }) => protocol === find);
        expect(layer).toEqual({ protocol: find, ...expected(message) });
        expect(summarize(found, bytes.length)).toMatch(/^[\x20-\x7e]+$/);
        const exact = dissectExactly(bytes, linkType);
        expect(encodePacket(exact)).toEqual(bytes);
        // The fields alone say all of it but padding behind the end.
        for (const kept of exact.kept) expect(kept?.front).toBeUndefined();
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(messages, fc.nat(), (message, at) => {
        const bytes = encode(message);
        const cut = bytes.slice(0, at % bytes.length);
        expect(dissect(cut, linkType, { originalLength: bytes.length }).malformed).toBeUndefined();
        expect(summarize(dissect(cut, linkType), cut.length)).toMatch(/^[\x20-\x7e]+$/);
      }),
      { numRuns: 100 },
    );
  });
}

const same = <M extends object>(message: M): M => message;

describe('of the link', () => {
  both(
    'LLC',
    fc.record({
      destinationSap: fc.constant(0xf0),
      sourceSap: u8,
      control: fc.constantFrom(0x03, 0x7f, 0x0100, 0x0104),
    }),
    LinkType.ETHERNET,
    (message) => {
      const body = header((into) => encodeLlc(message, into));
      return onEthernet(body.length, body);
    },
    same,
    'llc',
  );
  both(
    'SNAP',
    fc.record({ organization: fc.integer({ min: 0x100, max: 0xffffff }), protocolId: u16 }),
    LinkType.ETHERNET,
    (message) => {
      const body = header((into) =>
        encodeSnap(message, into, encodeLlc({ destinationSap: 0xaa, sourceSap: 0xaa, control: 3 }, into)),
      );
      return onEthernet(body.length, body);
    },
    same,
    'snap',
  );
  const bridge = fc.record({
    priority: fc.integer({ min: 0, max: 15 }).map((n) => n << 12),
    systemId: fc.nat(4095),
    address: mac,
  });
  const seconds = u16.map((ticks) => ticks / 256);
  both(
    'STP',
    fc.oneof(
      fc.record({ version: fc.constantFrom(0, 2, 3), bpduType: fc.constant(0x80) }),
      fc.record({
        version: fc.constant(0),
        bpduType: fc.constant(0),
        flags: u8,
        root: bridge,
        rootPathCost: u32,
        bridge,
        port: u16,
        messageAge: seconds,
        maxAge: seconds,
        helloTime: seconds,
        forwardDelay: seconds,
      }),
      fc.record({
        version: fc.constant(3),
        bpduType: fc.constant(2),
        flags: u8,
        root: bridge,
        rootPathCost: u32,
        bridge,
        port: u16,
        messageAge: seconds,
        maxAge: seconds,
        helloTime: seconds,
        forwardDelay: seconds,
        version1Length: fc.constant(0),
        multiple: hex(0, 64),
      }),
    ),
    LinkType.ETHERNET,
    (message) => {
      const llc = header(
        (into) => encodeLlc({ destinationSap: 0x42, sourceSap: 0x42, control: 3 }, into),
        encodeStp(message),
      );
      return onEthernet(llc.length, llc);
    },
    same,
    'stp',
  );
  both(
    'PPP',
    fc.record({
      framed: fc.boolean(),
      protocolId: fc.constantFrom(0x002b, 0x4001, 0xc029),
      compressed: fc.constant(false),
    }),
    LinkType.PPP,
    (message) => header((into) => encodePpp(message, into)),
    same,
    'ppp',
  );
  both(
    'LCP',
    fc
      .record({
        code: fc.constantFrom(1, 2, 3, 4),
        identifier: u8,
        options: fc.array(fc.record({ type: u8, data: hex(0, 6) }), { maxLength: 4 }),
      })
      .map((message) => ({
        ...message,
        length: 4 + message.options.reduce((sum, { data }) => sum + 2 + data.length / 2, 0),
      })),
    LinkType.PPP,
    (message) =>
      header(
        (into) => encodePpp({ framed: true, protocolId: 0xc021, compressed: false }, into),
        encodePppControl(message),
      ),
    same,
    'lcp',
  );
  both(
    'CHAP',
    fc.record({ code: u8, identifier: u8, data: hex(0, 20) }).map((m) => ({ ...m, length: 4 + m.data.length / 2 })),
    LinkType.PPP,
    (message) =>
      header(
        (into) => encodePpp({ framed: false, protocolId: 0xc223, compressed: false }, into),
        encodePppControl(message),
      ),
    same,
    'chap',
  );
  both(
    'PPPoE',
    fc
      .record({
        version: fc.constant(1),
        pppoeType: fc.constant(1),
        code: u8,
        sessionId: u16,
        tags: fc.array(fc.record({ type: u16, data: hex(0, 9) }), { maxLength: 4 }),
      })
      .map((m) => ({ ...m, payloadLength: m.tags.reduce((sum, { data }) => sum + 4 + data.length / 2, 0) })),
    LinkType.ETHERNET,
    (message) =>
      onEthernet(
        0x8863,
        header((into) => encodePppoe(message, into)),
      ),
    same,
    'pppoe',
  );
  both(
    'MPLS',
    fc.record({ label: fc.nat(0xfffff), trafficClass: fc.nat(7), bottomOfStack: fc.boolean(), ttl: u8 }),
    LinkType.ETHERNET,
    (message) =>
      onEthernet(
        0x8847,
        header(
          (into) => encodeMpls(message, into),
          header((into) => encodeMpls({ label: 3, trafficClass: 0, bottomOfStack: true, ttl: 1 }, into)),
        ),
      ),
    same,
    'mpls',
  );
  const tlv: fc.Arbitrary<LldpTlv> = fc.oneof(
    fc.record({ type: fc.constant(1), subtype: fc.constant(4), value: mac }),
    fc.record({ type: fc.constant(1), subtype: fc.constant(7), value: text(20) }),
    fc.record({ type: fc.constant(2), subtype: fc.constant(4), value: fc.oneof(ipv4, ipv6) }),
    fc.record({ type: fc.constant(3), ttl: u16 }),
    fc.record({ type: fc.constantFrom(4, 5, 6), value: text(30) }),
    fc.record({ type: fc.constant(7), capabilities: u16, enabled: u16 }),
    fc.record({ type: fc.constant(127), organization: u24, subtype: u8, data: hex(0, 9) }),
    fc.record({ type: fc.constantFrom(8, 77), data: hex(1, 30) }),
  );
  both(
    'LLDP',
    fc.record({ tlvs: fc.array(tlv, { maxLength: 6 }).map((list) => [...list, { type: 0 }]) }),
    LinkType.ETHERNET,
    (message) => onEthernet(0x88cc, encodeLldp(message)),
    same,
    'lldp',
  );
});

describe('of the network', () => {
  both(
    'ESP',
    fc.record({ spi: u32, sequence: u32 }),
    LinkType.RAW,
    (message) =>
      inIPv4(
        50,
        header((into) => encodeEsp(message, into)),
      ),
    same,
    'esp',
  );
  both(
    'GRE',
    fc.record({ version: fc.constant(0), protocolType: fc.constant(0x4321), key: u32, sequence: u32 }),
    LinkType.RAW,
    (message) => inIPv4(47, encodeGre(message, Uint8Array.of(1, 2, 3))),
    same,
    'gre',
  );
  it('GRE with a checksum', () => {
    const bytes = inIPv4(47, encodeGre({ version: 0, protocolType: 0x4321 }, Uint8Array.of(1, 2, 3), true));
    expect(dissect(bytes, LinkType.RAW).layers[1]).toMatchObject({ protocol: 'gre', checksumValid: true });
    bytes[30] = 9;
    expect(dissect(bytes, LinkType.RAW).layers[1]).toMatchObject({ protocol: 'gre', checksumValid: false });
  });
  const chunk: fc.Arbitrary<SctpChunk> = fc.oneof(
    fc
      .record({
        type: fc.constant(0),
        flags: u8,
        tsn: u32,
        streamId: u16,
        streamSequence: u16,
        payloadProtocol: u32,
        data: hex(1, 20),
      })
      .map((m) => ({ ...m, length: 16 + m.data.length / 2 })),
    fc
      .record({
        type: fc.constantFrom(1, 2),
        flags: u8,
        initiateTag: u32,
        receiverWindow: u32,
        outboundStreams: u16,
        inboundStreams: u16,
        initialTsn: u32,
        data: hex(0, 8),
      })
      .map((m) => ({ ...m, length: 20 + m.data.length / 2 })),
    fc
      .record({
        type: fc.constant(3),
        flags: u8,
        cumulativeTsn: u32,
        receiverWindow: u32,
        gaps: fc.array(fc.record({ start: u16, end: u16 }), { maxLength: 3 }),
        duplicates: fc.array(u32, { maxLength: 3 }),
        data: fc.constant(''),
      })
      .map((m) => ({ ...m, length: 16 + 4 * (m.gaps.length + m.duplicates.length) })),
    fc.record({ type: fc.constant(7), flags: u8, length: fc.constant(8), cumulativeTsn: u32, data: fc.constant('') }),
    fc
      .record({ type: fc.constantFrom(4, 10, 11, 200), flags: u8, data: hex(0, 9) })
      .map((m) => ({ ...m, length: 4 + m.data.length / 2 })),
  );
  it('SCTP', () => {
    fc.assert(
      fc.property(
        fc.record({
          sourcePort: u16,
          destinationPort: u16,
          verificationTag: u32,
          chunks: fc.array(chunk, { maxLength: 4 }),
        }),
        (message) => {
          const [, layer] = dissect(inIPv4(132, encodeSctp(message)), LinkType.RAW).layers;
          expect(layer).toMatchObject({ protocol: 'sctp', ...message, checksumValid: true });
        },
      ),
    );
  });
  it('VRRP', () => {
    const two = { version: 2, vrrpType: 1, routerId: 9, priority: 100, authenticationType: 0, interval: 1 };
    const body = { ...two, addresses: ['192.0.2.9'], authentication: '0'.repeat(16), checksum: 0 };
    const [, layer] = dissect(inIPv4(112, encodeVrrp(body)), LinkType.RAW).layers;
    expect(layer).toEqual({ protocol: 'vrrp', ...body, checksumValid: false });
    const three = {
      version: 3,
      vrrpType: 1,
      routerId: 9,
      priority: 100,
      interval: 100,
      addresses: ['fe80::9'],
      checksum: 5,
    };
    const [, layer3] = dissect(inIPv6(112, encodeVrrp(three)), LinkType.RAW).layers;
    expect(layer3).toEqual({ protocol: 'vrrp', ...three, checksumValid: false });
  });
  it('OSPF', () => {
    const hello = { helloInterval: 10, options: 2, priority: 1, routerDeadInterval: 40 };
    const routers = {
      designatedRouter: '10.0.0.1',
      backupDesignatedRouter: '0.0.0.0',
      neighbors: ['10.0.0.2', '10.0.0.3'],
    };
    const head = { ospfType: 1, length: 52, routerId: '10.0.0.9', areaId: '0.0.0.0' };
    const two = { ...head, version: 2, authenticationType: 0, authentication: '0'.repeat(16) };
    const whole = { ...two, hello: { networkMask: '255.255.255.0', ...hello, ...routers } };
    const [, layer] = dissect(inIPv4(89, encodeOspf(whole)), LinkType.RAW).layers;
    expect(layer).toMatchObject({ protocol: 'ospf', ...whole, checksumValid: true });
    const three = {
      ...head,
      length: 44,
      version: 3,
      instanceId: 0,
      hello: { interfaceId: 5, ...hello, ...routers },
      checksum: 1,
    };
    const [, layer3] = dissect(inIPv6(89, encodeOspf(three)), LinkType.RAW).layers;
    expect(layer3).toMatchObject({ protocol: 'ospf', ...three, checksumValid: false });
  });
  both(
    'VXLAN',
    fc.record({ flags: u8, groupPolicy: u16, vni: u24 }),
    LinkType.RAW,
    (message) =>
      inUdp(
        4789,
        header((into) => encodeVxlan(message, into), onEthernet(0x1234, new Uint8Array(0))),
      ),
    same,
    'vxlan',
  );
  both(
    'Geneve',
    fc.record({
      version: fc.constant(0),
      control: fc.boolean(),
      critical: fc.boolean(),
      protocolType: fc.constant(0x4321),
      vni: u24,
      options: fc.array(fc.record({ class: u16, type: u8, data: words(12) }), { maxLength: 3 }),
    }),
    LinkType.RAW,
    (message) =>
      inUdp(
        6081,
        header((into) => encodeGeneve(message, into)),
      ),
    same,
    'geneve',
  );

  const record = fc.record({ recordType: u8, group: ipv6, sources: fc.array(ipv6, { maxLength: 3 }) });
  const fields: fc.Arbitrary<Icmpv6Fields> = fc.oneof(
    fc.record({ icmpType: fc.constant(130), mldVersion: fc.constant(1), maxResponseTime: u16, group: ipv6 }),
    fc.record({
      icmpType: fc.constant(130),
      mldVersion: fc.constant(2),
      maxResponseTime: fc.nat(0x7fff),
      group: ipv6,
      suppress: fc.boolean(),
      robustness: fc.nat(7),
      queryInterval: fc.nat(127),
      sources: fc.array(ipv6, { maxLength: 3 }),
    }),
    fc.record({ icmpType: fc.constantFrom(131, 132), mldVersion: fc.constant(1), maxResponseTime: u16, group: ipv6 }),
    fc.record({ icmpType: fc.constant(143), mldVersion: fc.constant(2), records: fc.array(record, { maxLength: 3 }) }),
    fc.record({ icmpType: fc.constant(133), options: neighborOptions() }),
    fc.record({
      icmpType: fc.constant(134),
      hopLimit: u8,
      managed: fc.boolean(),
      otherConfiguration: fc.boolean(),
      homeAgent: fc.boolean(),
      proxy: fc.boolean(),
      preference: fc.constantFrom(-1, 0, 1),
      routerLifetime: u16,
      reachableTime: u32,
      retransmitTimer: u32,
      options: neighborOptions(),
    }),
    fc.record({ icmpType: fc.constant(135), target: ipv6, options: neighborOptions() }),
    fc.record({
      icmpType: fc.constant(136),
      router: fc.boolean(),
      solicited: fc.boolean(),
      override: fc.boolean(),
      target: ipv6,
      options: neighborOptions(),
    }),
    fc.record({ icmpType: fc.constant(137), target: ipv6, destination: ipv6, options: neighborOptions() }),
    fc.record({
      icmpType: fc.constant(161),
      identifier: u16,
      sequence: u8,
      state: fc.nat(6),
      active: fc.boolean(),
      hasIPv4: fc.boolean(),
      hasIPv6: fc.boolean(),
    }),
  );
  it('neighbour discovery and multicast listeners', () => {
    fc.assert(
      fc.property(fields, (message) => {
        const bytes = inIPv6(58, encodeIcmpv6(message, new Uint8Array(0), pseudoAddresses(...V6)));
        const { layers, malformed } = dissect(bytes, LinkType.RAW);
        expect(malformed).toBeUndefined();
        const { checksum: _, ...rest } = layers[1] as Extract<Layer, { protocol: 'icmpv6' }>;
        expect(rest).toEqual({ protocol: 'icmpv6', icmpCode: 0, checksumValid: true, ...message });
      }),
      { numRuns: 500 },
    );
  });
});

function neighborOptions() {
  const lifetime = u32;
  return fc.array(
    fc.oneof(
      fc.record({ type: fc.constantFrom(1, 2), linkLayerAddress: mac }),
      fc.record({
        type: fc.constant(3),
        prefix: ipv6,
        prefixLength: u8,
        onLink: fc.boolean(),
        autonomous: fc.boolean(),
        routerAddress: fc.boolean(),
        validLifetime: u32,
        preferredLifetime: u32,
      }),
      fc.record({ type: fc.constant(5), mtu: u32 }),
      fc.record({
        type: fc.constant(24),
        prefix: ipv6,
        prefixLength: fc.constant(128),
        preference: fc.constantFrom(-1, 0, 1),
        lifetime,
      }),
      fc.record({ type: fc.constant(25), lifetime, servers: fc.array(ipv6, { minLength: 1, maxLength: 2 }) }),
      fc.record({
        type: fc.constant(31),
        lifetime,
        domains: fc.array(
          name.filter((one) => one !== '.'),
          { minLength: 1, maxLength: 2 },
        ),
      }),
      fc.record({ type: fc.constantFrom(14, 200), data: hex(6) }),
    ),
    { maxLength: 4 },
  );
}

describe('of applications', () => {
  const head = fc.record({ name, class: fc.constantFrom('IN', 'CH', 'CLASS4711'), ttl: u32 });
  const data: fc.Arbitrary<object> = fc.oneof(
    fc.record({ type: fc.constant('A'), address: ipv4 }),
    fc.record({ type: fc.constant('AAAA'), address: ipv6 }),
    fc.record({ type: fc.constantFrom('NS', 'CNAME', 'PTR', 'DNAME'), target: name }),
    fc.record({ type: fc.constant('MX'), preference: u16, exchange: name }),
    fc.record({ type: fc.constantFrom('TXT', 'SPF'), texts: fc.array(text(30), { maxLength: 3 }) }),
    fc.record({
      type: fc.constant('SOA'),
      primary: name,
      mailbox: name,
      serial: u32,
      refresh: u32,
      retry: u32,
      expire: u32,
      minimum: u32,
    }),
    fc.record({ type: fc.constant('SRV'), priority: u16, weight: u16, port: u16, target: name }),
    fc.record({
      type: fc.constant('NAPTR'),
      order: u16,
      preference: u16,
      naptrFlags: text(2),
      services: text(5),
      pattern: text(9),
      replacement: name,
    }),
    fc.record({ type: fc.constant('DS'), keyTag: u16, algorithm: u8, digestType: u8, digest: hex(20) }),
    fc.record({ type: fc.constant('DNSKEY'), keyFlags: u16, keyProtocol: u8, algorithm: u8, publicKey: hex(0, 30) }),
    fc.record({ type: fc.constant('NSEC'), nextName: name, types: fc.constantFrom(['A', 'RRSIG', 'TYPE1234'], []) }),
    fc.record({
      type: fc.constant('NSEC3'),
      hashAlgorithm: u8,
      hashFlags: u8,
      iterations: u16,
      salt: hex(0, 8),
      nextHash: hex(20),
      types: fc.constantFrom(['A', 'CAA'], []),
    }),
    fc.record({ type: fc.constant('TLSA'), usage: u8, selector: u8, matchingType: u8, association: hex(0, 32) }),
    fc.record({
      type: fc.constantFrom('SVCB', 'HTTPS'),
      priority: u16,
      target: name,
      parameters: fc.array(fc.record({ key: u16, value: hex(0, 8) }), { maxLength: 3 }),
    }),
    fc.record({ type: fc.constant('CAA'), critical: fc.boolean(), tag: text(5), value: text(20) }),
    fc.record({
      type: fc.constant('RRSIG'),
      typeCovered: fc.constantFrom('A', 'TYPE4711'),
      algorithm: u8,
      labels: u8,
      originalTtl: u32,
      expiration: u32,
      inception: u32,
      keyTag: u16,
      signer: name,
      signature: hex(0, 40),
    }),
    fc.record({ type: fc.constantFrom('NULL', 'TYPE65280'), data: hex(0, 20) }),
  );
  const records = fc.array(
    fc.tuple(head, data).map(([one, more]) => ({ ...one, ...more }) as DnsRecord),
    { maxLength: 3 },
  );
  const dns: fc.Arbitrary<Omit<DnsMessage, 'protocol'>> = fc.record(
    {
      id: u16,
      response: fc.boolean(),
      opcode: fc.nat(15),
      authoritative: fc.boolean(),
      truncated: fc.boolean(),
      recursionDesired: fc.boolean(),
      recursionAvailable: fc.boolean(),
      authenticData: fc.boolean(),
      checkingDisabled: fc.boolean(),
      responseCode: fc.nat(15),
      questions: fc.array(fc.record({ name, type: fc.constantFrom('A', 'TYPE999'), class: fc.constant('IN') }), {
        maxLength: 2,
      }),
      answers: records,
      authorities: records,
      additionals: records,
      extension: fc.record({
        version: u8,
        payloadSize: u16,
        extendedResponseCode: u8,
        dnssecOk: fc.boolean(),
        flags: fc.nat(0x7fff),
        options: fc.array(fc.record({ code: u16, data: hex(0, 8) }), { maxLength: 2 }),
      }),
    },
    {
      requiredKeys: [
        'id',
        'response',
        'opcode',
        'authoritative',
        'truncated',
        'recursionDesired',
        'recursionAvailable',
        'authenticData',
        'checkingDisabled',
        'responseCode',
        'questions',
        'answers',
        'authorities',
        'additionals',
      ],
    },
  );
  /** Names that differ in case alone point to the one that was first: DNS takes them for the same. */
  const folded = (message: object) => JSON.parse(JSON.stringify(message).toLowerCase());
  const expectDns = (bytes: Uint8Array, message: object, protocol = 'dns') => {
    const { layers, malformed } = dissect(bytes, LinkType.RAW);
    expect(malformed).toBeUndefined();
    expect(folded(layers[2] as object)).toEqual(folded({ protocol, ...message }));
  };
  it('DNS', () => {
    fc.assert(
      fc.property(dns, (message) => expectDns(inUdp(53, encodeDns(message)), message)),
      { numRuns: 400 },
    );
  });
  it('DNS over TCP, several messages in a segment', () => {
    fc.assert(
      fc.property(dns, dns, (one, two) => {
        const parts = [one, two].map((message) => {
          const bytes = encodeDns(message);
          return [bytes.length >> 8, bytes.length & 255, ...bytes];
        });
        const { layers, malformed } = dissect(inTcp(53, Uint8Array.from(parts.flat())), LinkType.RAW);
        expect(malformed).toBeUndefined();
        const found = layers.filter(({ protocol }) => protocol === 'dns');
        expect(found.map(folded)).toEqual([one, two].map((message) => folded({ protocol: 'dns', ...message })));
      }),
    );
  });
  it('multicast DNS', () => {
    const question = { name: '_http._tcp.local', type: 'PTR', class: 'IN', unicastResponse: true as const };
    const answer = {
      name: 'host.local',
      type: 'A',
      class: 'IN',
      ttl: 120,
      cacheFlush: true as const,
      address: '192.0.2.7',
    };
    const flags = {
      opcode: 0,
      authoritative: true,
      truncated: false,
      recursionDesired: false,
      recursionAvailable: false,
    };
    const rest = { authenticData: false, checkingDisabled: false, responseCode: 0, authorities: [], additionals: [] };
    const message = { id: 0, response: true, ...flags, ...rest, questions: [question], answers: [answer] };
    expectDns(inUdp(5353, encodeDns(message)), message, 'mdns');
  });
  it('DNS names that point at themselves end', () => {
    const loops = ['c00c 0001 0001', '0161 c00c 0001 0001', 'c00e c00c 0001 0001', 'ffff 0001 0001', '3f'];
    for (const loop of loops) {
      const bytes = Buffer.from(`000001000001000000000000${loop.replaceAll(' ', '')}`, 'hex');
      expect(dissect(inUdp(53, bytes), LinkType.RAW).malformed).toMatchObject({ layer: 'dns' });
    }
  });

  const option: fc.Arbitrary<DhcpOption> = fc.oneof(
    fc.record({ code: fc.constantFrom(1, 3, 6, 50, 54), addresses: fc.array(ipv4, { minLength: 1, maxLength: 3 }) }),
    fc.record({ code: fc.constant(53), number: u8 }),
    fc.record({ code: fc.constant(57), number: u16 }),
    fc.record({ code: fc.constantFrom(51, 58, 59), number: u32 }),
    fc.record({ code: fc.constantFrom(12, 15, 60), text: text(20) }),
    fc.record({ code: fc.constant(55), codes: fc.array(u8, { maxLength: 6 }) }),
    fc.record({ code: fc.constantFrom(61, 82, 121, 200), data: hex(0, 12) }),
  );
  const dhcp: fc.Arbitrary<Omit<DhcpMessage, 'protocol'>> = fc.record({
    operation: fc.constantFrom(1, 2),
    hardwareType: fc.constant(1),
    hardwareLength: fc.constant(6),
    hops: u8,
    transactionId: u32,
    seconds: u16,
    broadcast: fc.boolean(),
    clientAddress: ipv4,
    yourAddress: ipv4,
    nextServer: ipv4,
    relayAgent: ipv4,
    clientHardware: mac,
    serverName: fc.constantFrom('', 'boot.example'),
    bootFile: fc.constantFrom('', 'pxelinux.0'),
    options: fc.array(option, { maxLength: 6 }),
  });
  both('DHCP', dhcp, LinkType.RAW, (message) => inUdp(67, encodeDhcp(message, 300)), same, 'dhcp');

  const status = fc.record({ code: fc.constant(13), number: u16, text: text(9) });
  const inner: fc.Arbitrary<Dhcpv6Option> = fc.oneof(
    fc.record({
      code: fc.constant(5),
      address: ipv6,
      preferredLifetime: u32,
      validLifetime: u32,
      options: fc.array(status, { maxLength: 1 }),
    }),
    fc.record({
      code: fc.constant(26),
      preferredLifetime: u32,
      validLifetime: u32,
      prefixLength: u8,
      address: ipv6,
      options: fc.array(status, { maxLength: 1 }),
    }),
  );
  const option6: fc.Arbitrary<Dhcpv6Option> = fc.oneof(
    fc.record({ code: fc.constantFrom(1, 2), duid: hex(0, 14) }),
    fc.record({
      code: fc.constantFrom(3, 25),
      iaid: u32,
      t1: u32,
      t2: u32,
      options: fc.array(inner, { maxLength: 2 }),
    }),
    fc.record({ code: fc.constant(6), codes: fc.array(u16, { maxLength: 4 }) }),
    fc.record({ code: fc.constant(7), number: u8 }),
    fc.record({ code: fc.constant(8), number: u16 }),
    status,
    fc.record({ code: fc.constant(23), addresses: fc.array(ipv6, { maxLength: 2 }) }),
    fc.record({ code: fc.constant(24), domains: fc.array(name, { maxLength: 2 }) }),
    fc.record({ code: fc.constantFrom(16, 999), data: hex(0, 9) }),
  );
  const client = fc.record({
    messageType: fc.constantFrom(1, 2, 7),
    transactionId: u24,
    options: fc.array(option6, { maxLength: 4 }),
  });
  const relay = fc.record({
    messageType: fc.constantFrom(12, 13),
    hopCount: u8,
    linkAddress: ipv6,
    peerAddress: ipv6,
    options: client.map((message) => [{ code: 9, message }]),
  });
  both('DHCPv6', fc.oneof(client, relay), LinkType.RAW, (message) => inUdp(547, encodeDhcpv6(message)), same, 'dhcpv6');

  both(
    'NTP',
    fc.record({
      leap: fc.nat(3),
      version: fc.nat(7),
      mode: fc.integer({ min: 1, max: 5 }),
      stratum: fc.integer({ min: 2, max: 16 }),
      poll: fc.integer({ min: -6, max: 17 }),
      precision: fc.integer({ min: -30, max: 0 }),
      rootDelay: u16.map((part) => part / 0x1_0000),
      rootDispersion: u32.map((part) => part / 0x1_0000),
      referenceId: ipv4,
      referenceTime: hex(8),
      originateTime: hex(8),
      receiveTime: hex(8),
      transmitTime: hex(8),
    }),
    LinkType.RAW,
    (message) => inUdp(123, encodeNtp(message)),
    same,
    'ntp',
  );

  both(
    'HTTP',
    fc.record({
      method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
      target: fc.constantFrom('/', '/a?b=c', '*', 'http://x/'),
      version: fc.constantFrom('HTTP/1.0', 'HTTP/1.1'),
      headers: fc.array(
        fc.record({ name: fc.constantFrom('Host', 'X-A'), value: fc.constantFrom('', 'a b', '\\195\\188', 'x: y') }),
        { maxLength: 4 },
      ),
    }),
    LinkType.RAW,
    (message) => inTcp(8080, encodeHttp(message)),
    same,
    'http',
  );
  both(
    'HTTP responses',
    fc.record({
      version: fc.constant('HTTP/1.1'),
      statusCode: fc.integer({ min: 100, max: 999 }),
      reason: fc.constantFrom('', 'OK', 'Not Found'),
      headers: fc.constant([]),
    }),
    LinkType.RAW,
    (message) => inTcp(80, encodeHttp(message)),
    same,
    'http',
  );

  const hello = fc.record({
    version: fc.constant(0x303),
    random: hex(32),
    sessionId: hex(0, 32),
    cipherSuites: fc.array(u16, { maxLength: 9 }),
    compressionMethods: fc.array(u8, { maxLength: 2 }),
    extensions: fc.array(fc.record({ type: fc.integer({ min: 100, max: 9999 }), data: hex(0, 9) }), { maxLength: 4 }),
  });
  it('TLS ClientHello', () => {
    fc.assert(
      fc.property(hello, (message) => {
        const bytes = inTcp(443, encodeTlsHello(message, true));
        expect(dissect(bytes, LinkType.RAW).layers[2]).toMatchObject({ protocol: 'tls', clientHello: message });
      }),
    );
    const named = [
      { type: 0, data: '000e00000b6578616d706c652e636f6d' },
      { type: 16, data: '000c02683208687474702f312e31' },
      { type: 43, data: '0403040303' },
    ];
    const base = {
      version: 0x303,
      random: '00'.repeat(32),
      sessionId: '',
      cipherSuites: [0x1301],
      compressionMethods: [0],
    };
    const bytes = inTcp(4433, encodeTlsHello({ ...base, extensions: named }, true));
    const { layers } = dissect(bytes, LinkType.RAW);
    expect(layers[2]).toMatchObject({
      clientHello: { serverName: 'example.com', alpn: ['h2', 'http/1.1'], supportedVersions: [0x304, 0x303] },
    });
    expect(summarize({ layers }, bytes.length)).toContain('TLS: ClientHello, TLS 1.3, example.com, ALPN h2 http/1.1');
  });

  const ids = { destinationConnectionId: hex(0, 20), sourceConnectionId: hex(0, 20), version: fc.constant(1) };
  both(
    'QUIC',
    fc.oneof(
      fc.record({
        packetType: fc.constant('initial'),
        firstByte: fc.constant(0xc3),
        ...ids,
        token: hex(0, 70),
        length: fc.constant(0),
      }),
      fc.record({ packetType: fc.constant('handshake'), firstByte: fc.constant(0xe0), ...ids, length: fc.constant(0) }),
      fc.record({
        packetType: fc.constant('retry'),
        firstByte: fc.constant(0xf0),
        ...ids,
        token: hex(0, 30),
        integrityTag: hex(16),
      }),
      fc.record({
        packetType: fc.constant('version-negotiation'),
        firstByte: fc.constant(0x80),
        ...ids,
        version: fc.constant(0),
        supportedVersions: fc.array(u32, { minLength: 1, maxLength: 3 }),
      }),
    ),
    LinkType.RAW,
    (message) => inUdp(443, encodeQuic(message as Parameters<typeof encodeQuic>[0])),
    same,
    'quic',
  );
});
