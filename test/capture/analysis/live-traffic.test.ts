/** The accounting of a running capture beside what takes packets apart and keeps everything. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endText, flowOf } from '../../../capture/analysis/flow.js';
import { type ConversationTraffic, LiveTraffic } from '../../../capture/analysis/live-traffic.js';
import { CaptureStatisticsCollector } from '../../../capture/analysis/statistics.js';
import { openReader } from '../../../capture/format/open.js';
import type { FrameBatch } from '../../../capture/frames.js';
import type { CapturedPacket, CaptureInterface } from '../../../capture/record.js';
import { generatePacket } from '../../../scripts/filters/generate.mjs';
import { dissect } from '../../../src/wire/dissect.js';
import { seeded } from '../../seeded.js';
import { ETHERNET, packet } from '../helpers.js';

/** Links whose headers are read; the others have no conversations. */
const LINK_TYPES = [1, 12, 14, 101, 113, 228, 229, 276];
/** Packets within these are not looked for. */
const PASSED_OVER = new Set(['mpls', 'pppoe', 'ppp']);

const file = gunzipSync(readFileSync(new URL('../../src/wire/corpus.pcapng.gz', import.meta.url)));
const corpus = openReader('corpus.pcapng', file.subarray(0, 16)).push(file);

const link = (linkType: number): CaptureInterface => ({ ...ETHERNET, linkType });

/** As text, the same for both directions. */
function talk(a: string, b: string): string {
  return [a, b].sort().join(' ');
}

function oursOf(one: CapturedPacket): string | undefined {
  const traffic = new LiveTraffic(0, { conversations: 4 });
  traffic.addPackets([one], 0);
  const [found, more] = traffic.conversations('rate', 10, 0);
  expect(more).toBeUndefined();
  return found === undefined ? undefined : talk(endText(found.a), endText(found.b));
}

function flowText({ bytes, interface: from, originalLength }: CapturedPacket): string | undefined {
  const dissection = dissect(bytes, from.linkType, { originalLength });
  if (dissection.layers.some(({ protocol }) => PASSED_OVER.has(protocol))) return 'passed over';
  const flow = flowOf(dissection);
  return flow === undefined ? undefined : talk(endText(flow.source), endText(flow.destination));
}

function expectSame(one: CapturedPacket): void {
  const expected = LINK_TYPES.includes(one.interface.linkType) ? flowText(one) : undefined;
  const ours = oursOf(one);
  if (expected !== 'passed over') expect(ours, Buffer.from(one.bytes).toString('hex')).toBe(expected);
}

/** Packets as a ring has them. */
function framesOf(packets: readonly CapturedPacket[], flags = 0): FrameBatch {
  const starts: number[] = [];
  let size = 0;
  for (const { bytes } of packets) {
    starts.push(size);
    size += (bytes.length + 3) & ~3;
  }
  const memory = new ArrayBuffer(size);
  const bytes = new Uint8Array(memory);
  for (const [i, one] of packets.entries()) bytes.set(one.bytes, starts[i]);
  return {
    count: packets.length,
    before: 0,
    bytes,
    words: new Int32Array(memory),
    starts: Uint32Array.from(starts),
    lengths: Uint32Array.from(packets, (one) => one.bytes.length),
    originalLengths: Uint32Array.from(packets, (one) => one.originalLength),
    seconds: new Uint32Array(packets.length),
    nanoseconds: new Uint32Array(packets.length),
    flags: new Uint8Array(packets.length).fill(flags),
    interfaces: new Uint16Array(packets.length),
  };
}

/** An IPv4 packet of UDP from one host to another. */
function udp(from: number, to: number, length = 100, sourcePort = 5000, destinationPort = 6000): CapturedPacket {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x4500);
  view.setUint8(9, 17);
  view.setUint32(12, from);
  view.setUint32(16, to);
  view.setUint16(20, sourcePort);
  view.setUint16(22, destinationPort);
  return packet(1, { bytes, originalLength: length, interface: link(101) });
}

const name = ({ a, b }: ConversationTraffic) => `${endText(a)} ${endText(b)}`;

describe('who talks to whom', () => {
  it('is what the layers say, for packets that fuzzing has kept', () => {
    for (const one of corpus) expectSame(one);
  });

  it.each(LINK_TYPES)('is what the layers say, for generated packets of link type %i', (linkType) => {
    const random = seeded((Date.now() % 1e9) + linkType);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let i = 0; i < 400; i++) {
      const bytes = generatePacket(below, linkType);
      const originalLength = bytes.length + (random() < 0.2 ? below(2000) : 0);
      expectSame(packet(1, { bytes, originalLength, interface: link(linkType) }));
    }
  });

  it('is what the layers say of anything at all', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .tuple(fc.constantFrom(0x0800, 0x86dd, 0x8100, 0x88a8, 20), fc.uint8Array({ maxLength: 90 }))
        .map(([type, rest]) => Uint8Array.from([...new Array(12).fill(2), type >> 8, type & 255, ...rest])),
    );
    fc.assert(
      fc.property(bytes, fc.constantFrom(...LINK_TYPES, 0, 127), (some, linkType) => {
        expectSame(packet(1, { bytes: some, interface: link(linkType) }));
      }),
    );
  });

  it('is read from columns as from packets, wherever they lie', () => {
    const ethernet = corpus.filter((one) => one.interface.linkType === 1);
    const [columns, objects] = [new LiveTraffic(0), new LiveTraffic(0)];
    columns.addFrames(framesOf(ethernet, 1), [ETHERNET], 10);
    objects.addPackets(
      ethernet.map((one) => ({ ...one, direction: 'in' as const })),
      10,
    );
    expect(columns.conversations('bytes', 10_000, 10)).toEqual(objects.conversations('bytes', 10_000, 10));
    expect(columns.protocols(10)).toEqual(objects.protocols(10));
    expect(columns.totals(10)).toEqual(objects.totals(10));
    expect(columns.totals(10).in).toEqual(columns.totals(10).all);
    expect(columns.totals(10).all.packets).toBe(ethernet.length);
  });

  it('has the figures of capture stats', () => {
    const whole = corpus.filter((one) => {
      const layers = dissect(one.bytes, one.interface.linkType, one).layers.map(({ protocol }) => protocol);
      const fragment = layers.includes('ipv6-fragment') || layers.includes('ipv4');
      return one.interface.linkType === 1 && !fragment && !layers.some((layer) => PASSED_OVER.has(layer));
    });
    const exact = new CaptureStatisticsCollector();
    const traffic = new LiveTraffic(0, { conversations: 8192 });
    for (const one of whole) exact.add(one);
    traffic.addPackets(whole, 0);
    const expected = new Map<string, [number, number]>();
    for (const { a, b, ...one } of exact.conversations()) {
      const counts: [number, number] = [one.packetsFromA + one.packetsFromB, one.bytesFromA + one.bytesFromB];
      expected.set(`${endText(a)} ${endText(b)}`, counts);
    }
    const ours = traffic
      .conversations('packets', 10_000, 0)
      .map((one) => [name(one), [one.packets, one.bytes]] as const);
    expect(new Map(ours)).toEqual(expected);
  });
});

describe('time', () => {
  it('gives rates of the last two seconds, and 0 when nothing comes', () => {
    const traffic = new LiveTraffic(1000);
    for (let ms = 0; ms < 10_000; ms += 100) traffic.addPackets([udp(1, 2, 1250)], 1000 + ms);
    const { all } = traffic.totals(11_000);
    expect(all.packetsPerSecond).toBeCloseTo(10, 0);
    expect(all.bitsPerSecond).toBeCloseTo(100_000, -3);
    expect(traffic.conversations('rate', 1, 11_000)[0]?.bitsPerSecond).toBeCloseTo(100_000, -3);
    expect(traffic.history(5, 11_000)).toEqual(new Array(5).fill(100_000));
    expect(traffic.history(60, 11_000)).toHaveLength(10);
    expect(traffic.totals(14_500).all).toMatchObject({ packets: 100, bitsPerSecond: 0 });
    expect(traffic.history(4, 14_000)).toEqual([100_000, 0, 0, 0]);
    expect(traffic.peakBitsPerSecond(14_000)).toBe(100_000);
  });

  it('does not take the first packets for a rate of gigabits', () => {
    const traffic = new LiveTraffic(0);
    traffic.addPackets([udp(1, 2, 1000)], 1);
    expect(traffic.totals(2).all.bitsPerSecond).toBe(16_000);
  });

  it('remembers no more than it has room for, after hours without a packet too', () => {
    const traffic = new LiveTraffic(0);
    traffic.addPackets([udp(1, 2)], 0);
    traffic.addPackets([udp(1, 2)], 36e6);
    traffic.addPackets([udp(1, 2, 50)], 36e6 + 1000);
    expect(traffic.history(10_000, 36e6 + 2000)).toHaveLength(511);
    expect(traffic.history(3, 36e6 + 2000)).toEqual([0, 800, 400]);
  });

  it('begins again when it is reset', () => {
    const traffic = new LiveTraffic(0);
    traffic.addPackets([udp(1, 2)], 5000);
    traffic.reset(6000);
    expect(traffic.totals(6000).all).toMatchObject({ packets: 0, bytes: 0, packetsPerSecond: 0 });
    expect(traffic.conversations('rate', 9, 6000)).toEqual([]);
    expect(traffic.protocols(6000)).toEqual([]);
    expect(traffic.history(9, 6000)).toEqual([]);
    expect(traffic.elapsedMs(6500)).toBe(500);
  });
});

describe('more conversations than there is room for', () => {
  it('leave in what carries most, and say that others may have had more', () => {
    const traffic = new LiveTraffic(0, { conversations: 64, random: seeded(7) });
    // A heavy one, and one that comes late, among a scan of addresses.
    for (let i = 0; i < 20_000; i++) {
      const batch = [udp(0x0a000001, 0x0b000000 + i, 60)];
      if (i % 10 === 0) batch.push(udp(1, 2, 1500));
      if (i > 10_000 && i % 20 === 0) batch.push(udp(4, 3, 1500));
      traffic.addPackets(batch, i);
    }
    const [first, second, third] = traffic.conversations('bytes', 3, 20_000);
    expect(first).toMatchObject({ packets: 2000, bytes: 3_000_000, atLeast: false, bothWays: false });
    expect(first?.a).toEqual({ address: '0.0.0.1', port: 5000 });
    expect(second).toMatchObject({ packets: 499, atLeast: true, a: { address: '0.0.0.4' } });
    expect(third?.packets).toBeLessThan(10);
    expect(traffic.conversationCounts).toEqual({ kept: 64, replaced: 20_002 - 64 });
  });

  it('keep all that are above their share of the bytes, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 2000 })), { maxLength: 400 }), (sent) => {
        const traffic = new LiveTraffic(0, { conversations: 8 });
        const exact = new Map<string, { packets: number; bytes: number }>();
        let all = 0;
        for (const [host, length] of sent) {
          const reply = length % 2 === 0;
          traffic.addPackets([reply ? udp(host, 99, length, 1, 1) : udp(99, host, length, 1, 1)], 0);
          const key = talk(`0.0.0.${host}:1`, '0.0.0.99:1');
          const before = exact.get(key) ?? { packets: 0, bytes: 0 };
          exact.set(key, { packets: before.packets + 1, bytes: before.bytes + length });
          all += length;
        }
        const kept = new Map(
          traffic.conversations('bytes', 99, 0).map((one) => [talk(endText(one.a), endText(one.b)), one]),
        );
        for (const [key, { packets, bytes }] of exact) {
          const one = kept.get(key);
          if (bytes > all / 8) expect(one).toBeDefined();
          if (one === undefined) continue;
          if (one.atLeast) expect(one.bytes).toBeLessThanOrEqual(bytes);
          else expect(one).toMatchObject({ packets, bytes });
        }
        expect(kept.size).toBe(Math.min(8, exact.size));
      }),
    );
  });

  it('let old ones go, however much they had carried', () => {
    const traffic = new LiveTraffic(0, { conversations: 8 });
    for (let host = 0; host < 8; host++) traffic.addPackets([udp(99, host, 1e9)], 0);
    // Twenty minutes later each byte weighs a trillion times as much, and the scale has been taken back now and then.
    for (let minute = 1; minute < 500; minute++) {
      for (let host = 10; host < 14; host++) traffic.addPackets([udp(99, host, 100)], minute * 60_000);
    }
    const kept = traffic.conversations('packets', 4, 500 * 60_000);
    expect(kept.map((one) => one.packets)).toEqual([499, 499, 499, 499].map((count) => expect.closeTo(count, -2)));
  });
});

describe('the rows of protocols', () => {
  it('are services by their port, and what they are otherwise', () => {
    const traffic = new LiveTraffic(0);
    const arp = Uint8Array.from(Buffer.from(`ffffffffffff02000000000108060001080006040001${'00'.repeat(20)}`, 'hex'));
    const unknown = Uint8Array.from(Buffer.from(`ffffffffffff02000000000188b5${'00'.repeat(50)}`, 'hex'));
    traffic.addPackets(
      [
        udp(1, 2, 400, 40_000, 53),
        udp(2, 1, 300, 443, 50_000),
        udp(2, 1, 200),
        packet(1, { bytes: arp }),
        packet(2, { bytes: unknown, originalLength: 41 }),
        packet(3, { bytes: unknown, interface: link(147), originalLength: 40 }),
      ],
      0,
    );
    expect(traffic.protocols(0).map((row) => [row.name, row.packets])).toEqual([
      ['UDP domain', 1],
      ['UDP quic', 1],
      ['UDP other', 1],
      ['other', 2],
      ['ARP', 1],
    ]);
    // The last two are between the same ends, and of two kinds.
    const labels = traffic.conversations('bytes', 9, 0).map((one) => one.protocol);
    expect(labels).toEqual(['UDP', 'UDP', 'UDP', 'Ethernet']);
  });

  it('are no more than fit a screen, whatever comes', () => {
    const traffic = new LiveTraffic(0);
    for (let port = 0; port < 0x1_0000; port += 7) traffic.addPackets([udp(1, 2, 60, port, 60_000)], 0);
    for (let protocol = 0; protocol < 256; protocol++) {
      const one = udp(1, 2);
      (one.bytes as Uint8Array)[9] = protocol;
      traffic.addPackets([one], 0);
    }
    expect(traffic.protocols(0).length).toBeLessThanOrEqual(64);
  });
});
