/** The fast writers against the plain ones: the same bytes, whatever the packet is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PcapRecords } from '../../../capture/format/pcap-records.js';
import { type CapturedPacket, packetRecord } from '../../../capture/record.js';
import { createRenderer, type RenderSpec } from '../../../capture/sinks/render.js';
import { formatTimestamp } from '../../../src/measure/clock.js';
import { pseudoAddresses } from '../../../src/wire/checksum.js';
import { dissect } from '../../../src/wire/dissect.js';
import { encodeEthernet } from '../../../src/wire/ethernet.js';
import { dissectExactly } from '../../../src/wire/exact.js';
import { encodeIPv4 } from '../../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../../src/wire/ipv6.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { summarize } from '../../../src/wire/summary.js';
import { encodeTcp, TCP_FLAGS } from '../../../src/wire/tcp.js';
import { encodeUdp } from '../../../src/wire/udp.js';
import { encodeVlan } from '../../../src/wire/vlan.js';
import { seeded } from '../../seeded.js';
import { ethernetSamples, linkSamples, networkSamples, rawSamples } from '../../src/wire/samples.js';
import { ETHERNET, packet as packetOf } from '../helpers.js';

const samples: [number, Uint8Array][] = [
  ...ethernetSamples.map(({ bytes }): [number, Uint8Array] => [LinkType.ETHERNET, bytes]),
  ...[...rawSamples, ...networkSamples].map(({ bytes }): [number, Uint8Array] => [LinkType.RAW, bytes]),
  ...[...linkSamples].map(([linkType, { bytes }]): [number, Uint8Array] => [linkType, bytes]),
];
const random = seeded(77);
const below = (limit: number) => Math.floor(random() * limit);

/** TCP or UDP over IP on Ethernet, as most packets are, with a few that are on the edge of that. */
function commonPacket(): Uint8Array {
  const six = random() < 0.4;
  const host = () =>
    six ? `2001:db8:${below(0xffff).toString(16)}::${below(9)}` : `10.${below(256)}.${below(256)}.${below(256)}`;
  const [source, destination] = [host(), host()];
  const addresses = pseudoAddresses(source, destination);
  const body = Uint8Array.from({ length: random() < 0.3 ? 0 : below(200) }, () => below(256));
  const ports = { sourcePort: below(65_536), destinationPort: [80, 53, 443, 5353, 9][below(5)] as number };
  const checksum = random() < 0.1 ? { checksum: below(65_536) } : {};
  const numbers = { sequence: below(2 ** 32), acknowledgment: below(2 ** 32), window: below(65_536), urgent: below(9) };
  const flags = TCP_FLAGS.filter(() => random() < 0.3);
  const stamps = { kind: 'timestamps' as const, value: below(2 ** 32), echo: below(2 ** 32) };
  const options =
    [[], [{ kind: 'nop' as const }, { kind: 'nop' as const }, stamps], [{ kind: 'mss' as const, value: 1460 }]][
      below(3)
    ] ?? [];
  const upper =
    random() < 0.5
      ? encodeTcp({ ...ports, ...numbers, ...checksum, flags, options }, body, addresses)
      : encodeUdp({ ...ports, ...checksum }, body, random() < 0.9 ? addresses : undefined);
  const protocol = upper.length - body.length === 8 ? 17 : 6;
  const bytes = new Uint8Array(14 + 4 + 40 + upper.length + below(20));
  const etherType = six ? 0x86dd : 0x0800;
  const tagged = random() < 0.3;
  let at = encodeEthernet(
    { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:fe', etherType: tagged ? 0x8100 : etherType },
    bytes,
  );
  if (tagged)
    at = encodeVlan({ id: below(4096), priority: below(8), dropEligible: random() < 0.5, etherType }, bytes, at);
  const traffic = below(256);
  const flow = { flowLabel: below(0x100000), trafficClass: traffic, hopLimit: below(256) };
  const rest = {
    ttl: below(256),
    dscp: traffic >> 2,
    ecn: traffic & 3,
    identification: below(65_536),
    dontFragment: random() < 0.5,
  };
  at = six
    ? encodeIPv6({ source, destination, nextHeader: protocol, ...flow }, upper.length, bytes, at)
    : encodeIPv4({ source, destination, protocolNumber: protocol, ...rest }, upper.length, bytes, at);
  bytes.set(upper, at);
  return bytes.subarray(0, Math.max(at + upper.length, bytes.length - 30));
}

const mixed = Array.from({ length: 600 }, commonPacket);

const render = (spec: RenderSpec, packets: readonly CapturedPacket[]) =>
  Buffer.from(createRenderer(spec).packets(packets)).toString();
const NDJSON: RenderSpec = { kind: 'ndjson' };
const TEXT: RenderSpec = { kind: 'text', options: { time: 'epoch', nanoseconds: true } };

function expectSame(linkType: number, bytes: Uint8Array, originalLength = bytes.length): void {
  const timestamp = { seconds: 1_700_000_000, nanoseconds: 1002 };
  const packet = packetOf(1, { interface: { ...ETHERNET, linkType }, bytes, originalLength, timestamp });
  const dissection = dissect(bytes, linkType, { originalLength });
  const whole = originalLength === bytes.length ? dissectExactly(bytes, linkType) : dissection;
  expect(render(NDJSON, [packet])).toBe(`${JSON.stringify(packetRecord(packet, whole))}\n`);
  const line = summarize(dissection, originalLength, { interfaceName: 'eth0' });
  expect(render(TEXT, [packet])).toBe(`1700000000.000001002 ${line}\n`);
}

/** Records of pcap, some of which say that there was more on the link. */
function fileRecords(list: readonly (readonly [Uint8Array, readonly number[], number])[], little: boolean): Uint8Array {
  const parts = list.flatMap(([bytes, [seconds = 0, fraction = 0], more]) => {
    const head = Buffer.alloc(16);
    const words = [seconds, fraction, bytes.length, bytes.length + more];
    words.forEach((word, i) => void (little ? head.writeUInt32LE(word, 4 * i) : head.writeUInt32BE(word, 4 * i)));
    return [head, bytes];
  });
  return Uint8Array.from(Buffer.concat(parts));
}

describe('records and lines', () => {
  it('are those of the layers, for every sample', () => {
    for (const [linkType, bytes] of samples) expectSame(linkType, bytes);
  });

  it('are those of the layers, for packets as most are', () => {
    for (const bytes of mixed) expectSame(LinkType.ETHERNET, bytes);
  });

  it('are those of the layers, whatever has become of a packet', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...mixed, ...ethernetSamples.map(({ bytes }) => bytes)),
        fc.array(fc.tuple(fc.nat(70), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.nat(),
        fc.constantFrom(0, 1, 2),
        ([...base], changes, at, cut) => {
          const bytes = Uint8Array.from(cut === 0 ? base : base.slice(0, 1 + (at % base.length)));
          for (const [index, value] of changes) bytes[index % bytes.length] = value;
          expectSame(LinkType.ETHERNET, bytes, cut === 2 ? base.length : bytes.length);
        },
      ),
      { numRuns: 4000 },
    );
  });

  it('read nothing outside of the packet, and grow as they have to', () => {
    const [first] = mixed as [Uint8Array];
    const memory = new Uint8Array(first.length + 40).fill(0xff);
    memory.set(first, 20);
    expectSame(LinkType.ETHERNET, memory.subarray(20, 20 + first.length));
    const large = new Uint8Array(60_000).fill(7);
    large.set(ethernetSamples[0]?.bytes ?? []);
    const packets = Array.from({ length: 5 }, () => packetOf(1, { bytes: large, comments: ['a', 'ä\u009b'] }));
    const lines = render(NDJSON, packets).split('\n');
    expect(lines).toHaveLength(6);
    expect(JSON.parse(lines[4] ?? '').comments).toEqual(['a', 'ä\u009b']);
    expect(lines[4]).not.toContain('\u009b');
  });

  it('are the same of records that lie in a file, whatever their bytes and times are', () => {
    const time = fc.constantFrom([0, 0], [1_700_000_000, 999_999], [4_294_967_295, 4_294_967_295], [5, 1_000_000]);
    const record = fc.tuple(fc.constantFrom(...mixed, ...samples.map(([, bytes]) => bytes)), time, fc.nat(3));
    const layouts = fc.record({
      littleEndian: fc.boolean(),
      nanosecondsPerUnit: fc.constantFrom(1, 1000),
      linkType: fc.constantFrom(LinkType.ETHERNET, LinkType.RAW, LinkType.LINUX_SLL),
    });
    const specs: RenderSpec[] = [
      NDJSON,
      TEXT,
      ...(['time', 'none', 'date', 'delta', 'elapsed'] as const).map(
        (one): RenderSpec => ({ kind: 'text', options: { time: one, utc: true } }),
      ),
      { kind: 'text', options: { verbose: true, time: 'none' } },
    ];
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), layouts, fc.nat(5), (list, { linkType, ...layout }, before) => {
        const bytes = fileRecords(list, layout.littleEndian);
        const from = { ...ETHERNET, linkType };
        const batch = { layout: { ...layout, largest: 1e6, interface: from }, bytes, before, count: list.length };
        const packets = [];
        for (const one = new PcapRecords(batch); one.next(); ) packets.push(one.packet());
        expect(packets.length).toBe(list.length);
        expect(packets.map(({ number }) => number)).toEqual(list.map((_, i) => before + i + 1));
        for (const spec of specs) {
          expect(Buffer.from(createRenderer(spec).records(batch)).toString()).toBe(render(spec, packets));
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['eth0', 'eth0  In  '],
    ['wlx00c0ca000001', 'wlx00c0ca000001 In  '],
    [null, 'if3   In  '],
    ['any', 'if3   In  '],
    ['', 'if3   In  '],
    ['\u001b[2J\n\u00e9', '\\027[2J\\010\\195\\169 In  '],
    ['x'.repeat(1000), `${'x'.repeat(64)} In  `],
  ])('name the interface of a cooked packet: %j', (name, expected) => {
    const linkType = LinkType.LINUX_SLL2;
    const bytes = linkSamples.get(linkType)?.bytes as Uint8Array;
    const packet = packetOf(1, { interface: { ...ETHERNET, name, linkType }, bytes });
    const none: RenderSpec = { kind: 'text', options: { time: 'none' } };
    expect(render(none, [packet])).toBe(`${expected}IP6 ::1 > ::1: ICMP6, echo reply, id 1, seq 2, length 8\n`);
  });

  it('have the times that a file has, and none', () => {
    const times = [
      null,
      { seconds: 0, nanoseconds: 1 },
      { seconds: -1, nanoseconds: 999_999_999 },
      { seconds: 4e9, nanoseconds: 5 },
    ];
    for (const timestamp of times) {
      const packet = { ...packetOf(1, { bytes: mixed[0] as Uint8Array }), timestamp };
      const record = JSON.parse(render(NDJSON, [packet]));
      expect(record.time).toBe(timestamp === null ? null : formatTimestamp(timestamp));
    }
  });
});
