/** Pieces in order whatever order they came in: TCP's data, and IP's fragments. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Defragmenter } from '../../../capture/analysis/defragment.js';
import { type StreamPiece, StreamReassembly } from '../../../capture/analysis/tcp-reassembly.js';
import { TcpTracker } from '../../../capture/analysis/tcp-tracker.js';
import { pseudoAddresses } from '../../../src/wire/checksum.js';
import { dissect } from '../../../src/wire/dissect.js';
import { encodeIPv4 } from '../../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../../src/wire/ipv6.js';
import { encodeExtension } from '../../../src/wire/ipv6-extension.js';
import { LinkType } from '../../../src/wire/link-types.js';
import type { TcpFlag, TcpMessage } from '../../../src/wire/tcp.js';
import { encodeUdp } from '../../../src/wire/udp.js';

const data = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);

/** The pieces as one run of bytes, with zeros where there are gaps. */
function joined(pieces: readonly StreamPiece[]): number[] {
  const bytes: number[] = [];
  for (const piece of pieces) {
    expect(piece.offset).toBe(bytes.length);
    bytes.push(...(piece.bytes ?? new Uint8Array(piece.length)));
  }
  return bytes;
}

describe("a stream's data", () => {
  const cuts = fc.array(fc.tuple(fc.nat(999), fc.integer({ min: 1, max: 300 })), { minLength: 1, maxLength: 40 });

  it('is whole and in order, however it was cut, repeated and exchanged, across the turn of the numbers', () => {
    fc.assert(
      fc.property(cuts, fc.constantFrom(0, 5, 0xffff_ff00), fc.nat(), (pieces, initial, seed) => {
        const all = data(1000);
        const stream = new StreamReassembly();
        stream.start((initial - 1) >>> 0);
        const segments = [...pieces];
        // Everything comes at least once, in pieces of 100 in an order of its own.
        for (let i = 0; i < 10; i++) segments.push([((i * 7 + seed) % 10) * 100, 100]);
        const out = segments.flatMap(([at, length], i) => {
          const part = all.subarray(at, Math.min(1000, at + length));
          return stream.segment((initial + at) >>> 0, part, part.length, i);
        });
        expect(joined([...out, ...stream.end()])).toEqual([...all]);
        expect(out.every(({ bytes }) => bytes !== null)).toBe(true);
      }),
    );
  });

  it('has gaps where segments were not captured, or only a part of them', () => {
    const stream = new StreamReassembly();
    stream.start(99);
    expect(stream.segment(100, data(10), 10, 0)).toMatchObject([{ offset: 0, length: 10 }]);
    expect(stream.segment(120, data(10), 10, 1)).toEqual([]);
    // The other end has it: it was there, but not captured.
    expect(stream.acknowledged(130)).toMatchObject([
      { offset: 10, length: 10, bytes: null },
      { offset: 20, length: 10 },
    ]);
    // A snapshot length has cut the segment.
    expect(stream.segment(130, data(4), 10, 2)).toMatchObject([{ length: 4 }, { offset: 34, length: 6, bytes: null }]);
    expect(stream.segment(150, data(5), 5, 3)).toEqual([]);
    expect(stream.end()).toMatchObject([
      { length: 10, bytes: null },
      { offset: 50, length: 5 },
    ]);
    expect(stream.bounded).toBe(0);
  });

  it.each([
    ['bytes', { bytes: 100 }, 0],
    ['pieces', { pieces: 3 }, 0],
    ['age', { ageMs: 50 }, 100],
  ])('is held within the bound of %s, and says that it was met', (_, limits, step) => {
    const stream = new StreamReassembly(limits);
    stream.start(0);
    const pieces = Array.from({ length: 6 }, (_x, i) => stream.segment(100 + 50 * i, data(40), 40, i * step)).flat();
    expect(stream.bounded).toBeGreaterThan(0);
    expect(pieces.some(({ bytes }) => bytes === null)).toBe(true);
  });
});

describe('a connection that is watched', () => {
  const segment = (flags: TcpFlag[], sequence: number, payloadLength = 0, acknowledgment = 0): TcpMessage => ({
    protocol: 'tcp',
    sourcePort: 1,
    destinationPort: 2,
    sequence,
    acknowledgment,
    flags,
    window: 0,
    headerLength: 20,
    checksum: 0,
    checksumValid: null,
    urgent: 0,
    options: [],
    payloadLength,
  });
  const open = (tracker: TcpTracker) => {
    tracker.segment(segment(['SYN'], 99), 0, 0);
    tracker.segment(segment(['SYN', 'ACK'], 499, 0, 100), 1, 10);
    tracker.segment(segment(['ACK'], 100, 0, 500), 0, 20);
  };

  it('opens, closes, and is timed', () => {
    const tracker = new TcpTracker();
    expect(tracker.counts().state).toBe('unknown');
    open(tracker);
    expect(tracker.counts()).toMatchObject({ state: 'established', handshakeMs: 20 });
    tracker.segment(segment(['PSH', 'ACK'], 100, 50, 500), 0, 30);
    tracker.segment(segment(['FIN', 'ACK'], 150, 0, 500), 0, 31);
    expect(tracker.counts().state).toBe('closing');
    tracker.segment(segment(['FIN', 'ACK'], 500, 0, 151), 1, 40);
    tracker.segment(segment(['ACK'], 151, 0, 501), 0, 41);
    expect(tracker.counts()).toMatchObject({ state: 'closed', retransmissions: 0, outOfOrder: 0, gaps: 0 });
  });

  it('tells what came again from what came late', () => {
    const tracker = new TcpTracker();
    open(tracker);
    tracker.segment(segment(['ACK'], 100, 10), 0, 100);
    tracker.segment(segment(['ACK'], 100, 10), 0, 300);
    expect(tracker.counts()).toMatchObject({ retransmissions: 1, outOfOrder: 0 });
    tracker.segment(segment(['ACK'], 120, 10), 0, 301);
    expect(tracker.counts()).toMatchObject({ gaps: 1 });
    tracker.segment(segment(['ACK'], 110, 10), 0, 302);
    expect(tracker.counts()).toMatchObject({ retransmissions: 1, outOfOrder: 1, gaps: 0 });
    tracker.segment(segment(['ACK'], 140, 10), 0, 400);
    tracker.segment(segment(['ACK'], 130, 10), 0, 700);
    expect(tracker.counts()).toMatchObject({ retransmissions: 2, outOfOrder: 1, gaps: 0 });
    tracker.segment(segment(['ACK'], 149, 1), 0, 900);
    expect(tracker.counts()).toMatchObject({ retransmissions: 2, keepAlives: 1 });
    tracker.segment(segment(['RST'], 150), 1, 901);
    expect(tracker.counts().state).toBe('reset');
  });
});

describe('fragments', () => {
  const V4 = { source: '192.0.2.1', destination: '192.0.2.2' };
  const V6 = { source: '2001:db8::1', destination: '2001:db8::2' };

  function fragments4(body: Uint8Array, size: number, identification = 7): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < body.length; at += size) {
      const part = body.subarray(at, at + size);
      const bytes = new Uint8Array(20 + part.length);
      const moreFragments = at + size < body.length;
      const header = { ...V4, protocolNumber: 17, identification, moreFragments, fragmentOffset: at };
      bytes.set(part, encodeIPv4(header, part.length, bytes));
      parts.push(bytes);
    }
    return parts;
  }

  function fragments6(body: Uint8Array, size: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < body.length; at += size) {
      const part = body.subarray(at, at + size);
      const bytes = new Uint8Array(40 + 8 + 8 + part.length);
      let to = encodeIPv6({ ...V6, nextHeader: 60 }, 16 + part.length, bytes);
      to = encodeExtension({ protocol: 'ipv6-destination', nextHeader: 44 }, bytes, to);
      const more = at + size < body.length;
      const fragment = {
        protocol: 'ipv6-fragment' as const,
        nextHeader: 17,
        fragmentOffset: at,
        moreFragments: more,
        identification: 9,
      };
      bytes.set(part, encodeExtension(fragment, bytes, to));
      parts.push(bytes);
    }
    return parts;
  }

  const add = (defragmenter: Defragmenter, bytes: Uint8Array, timeMs = 0) =>
    defragmenter.add(bytes, dissect(bytes, LinkType.RAW), timeMs);

  it.each(['ipv4', 'ipv6'] as const)('of %s are one packet again, in whatever order they come', (family) => {
    const addresses =
      family === 'ipv4' ? pseudoAddresses(V4.source, V4.destination) : pseudoAddresses(V6.source, V6.destination);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(),
        (length, units, seed) => {
          const body = encodeUdp({ sourcePort: 1, destinationPort: 9 }, data(length), addresses);
          const parts = family === 'ipv4' ? fragments4(body, 8 * units) : fragments6(body, 8 * units);
          const order = parts.map((part, i) => ({ part, key: (i * 7919 + seed) % 101 })).sort((a, b) => a.key - b.key);
          const defragmenter = new Defragmenter();
          const found = order.map(({ part }) => add(defragmenter, part)).filter((whole) => whole !== undefined);
          if (parts.length === 1) return void expect(found).toEqual([]);
          expect(found).toHaveLength(1);
          const { layers, malformed } = dissect(found[0] as Uint8Array, LinkType.RAW);
          expect(malformed).toBeUndefined();
          expect(layers.at(-2)).toMatchObject({ protocol: 'udp', checksumValid: true, payloadLength: length });
          expect(defragmenter.incomplete).toBe(0);
          return undefined;
        },
      ),
    );
  });

  it('that contradict each other, or are too many, are dropped and counted', () => {
    const parts = fragments4(data(64), 16) as [Uint8Array, Uint8Array, ...Uint8Array[]];
    const other = parts[1].slice();
    other[30] = (other[30] as number) ^ 1;
    const overlapping = new Defragmenter();
    expect(add(overlapping, parts[0])).toBeUndefined();
    expect(add(overlapping, parts[1])).toBeUndefined();
    expect(add(overlapping, other)).toBeUndefined();
    expect(overlapping).toMatchObject({ dropped: 1, incomplete: 0 });

    const few = new Defragmenter({ packets: 3 });
    for (let id = 0; id < 10; id++) add(few, fragments4(data(64), 16, id)[0] as Uint8Array);
    expect(few).toMatchObject({ dropped: 7, incomplete: 3 });

    const old = new Defragmenter({ ageMs: 100 });
    add(old, parts[0], 0);
    add(old, fragments4(data(64), 16, 8)[0] as Uint8Array, 500);
    expect(old).toMatchObject({ dropped: 1, incomplete: 1 });
  });
});
