import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProbeReceiver } from '../../../src/datagram/probe.js';
import {
  decodeProbeHeader,
  encodeProbeHeader,
  encodeProbeRun,
  PROBE_HEADER_SIZE,
  ProbeFlag,
} from '../../../src/datagram/probe-header.js';
import { decodeProbeReport, encodeProbeReport, PROBE_REPORT_SIZE } from '../../../src/datagram/probe-report.js';
import { inetEndpoint } from '../../../src/sockaddr/endpoint.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import type { ReceivedMessage } from '../../../src/socket/port.js';

const stream = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const time = fc.record({ seconds: fc.maxSafeNat(), nanoseconds: fc.nat(999_999_999) });
const header = fc.record({ stream, sequence: fc.maxSafeNat(), flags: fc.nat(255), sent: time });
const from = inetEndpoint(parseIP('192.0.2.1'), 5000);

function message(bytes: Uint8Array, segmentSize = bytes.length, seconds = 0): ReceivedMessage {
  return {
    bytes,
    length: bytes.length,
    segmentSize: Math.max(1, segmentSize),
    truncated: false,
    timestamp: { seconds, nanoseconds: 0 },
    timestampSource: 'kernel',
    from,
    destination: null,
    interfaceIndex: null,
    hopLimit: null,
    trafficClass: null,
  };
}

function receiver() {
  const ends: number[] = [];
  const twoWay: [number, number][] = [];
  const receiving = new ProbeReceiver({
    onEnd: (_stream, _message, total) => ends.push(total),
    onTwoWay: (_message, at, to) => twoWay.push([at, to]),
  });
  return { receiving, ends, twoWay };
}

describe('the probe header', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(header, fc.integer({ min: PROBE_HEADER_SIZE, max: 2000 }), (written, length) => {
        const bytes = new Uint8Array(length);
        encodeProbeHeader(bytes, written);
        expect(decodeProbeHeader(bytes)).toEqual({ ...written, length });
      }),
    );
  });

  it('of any bytes is read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        decodeProbeHeader(bytes);
        decodeProbeReport(bytes);
      }),
    );
  });

  it('has the bytes that its page says', () => {
    const bytes = new Uint8Array(44);
    encodeProbeHeader(bytes, {
      stream: '0102030405060708',
      sequence: 2 ** 32 + 5,
      flags: ProbeFlag.twoWay,
      sent: { seconds: 7, nanoseconds: 9 },
    });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '534b5052010200280102030405060708000000010000000500000000000000070000' + '00090000002c00000000',
    );
  });

  it('stands in each datagram of a run, with the next number', () => {
    fc.assert(
      fc.property(header, fc.integer({ min: 40, max: 200 }), fc.nat(9), fc.nat(1), (first, size, whole, rest) => {
        const start = { ...first, sequence: Math.min(first.sequence, Number.MAX_SAFE_INTEGER - 20) };
        const bytes = new Uint8Array(whole * size + (rest === 1 ? PROBE_HEADER_SIZE : 0));
        encodeProbeRun(bytes, size, start);
        for (let i = 0; i * size < bytes.length; i++) {
          const one = bytes.subarray(i * size, (i + 1) * size);
          expect(decodeProbeHeader(one)).toEqual({ ...start, sequence: start.sequence + i, length: one.length });
        }
      }),
    );
  });
});

describe('the probe report', () => {
  const count = fc.maxSafeNat();
  const number = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
  const transitMs = fc.record({
    min: number,
    mean: number,
    max: number,
    stddev: number,
    p50: number,
    p90: number,
    p99: number,
    p999: number,
  });
  const report = fc.record({
    stream,
    sender: fc.constant(undefined),
    received: count,
    lost: count,
    late: count,
    reordered: count,
    duplicated: count,
    bytes: count,
    reorderExtent: fc.record({ max: count, mean: number }),
    jitterMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
    transitMs,
    ended: fc.constant(true),
  });

  it('is read as it was written, and no part of it', () => {
    fc.assert(
      fc.property(report, count, time, (written, total, sent) => {
        const bytes = encodeProbeReport(written, total, sent);
        expect(bytes.length).toBe(PROBE_REPORT_SIZE);
        expect(decodeProbeReport(bytes)).toEqual(written);
        expect(decodeProbeReport(bytes.subarray(0, -1))).toBeUndefined();
      }),
    );
  });
});

describe('the receiver of probes', () => {
  const datagram = fc.oneof(
    { weight: 6, arbitrary: fc.record({ stream: fc.nat(2), sequence: fc.nat(40), flags: fc.constant(0) }) },
    fc.record({ stream: fc.nat(2), sequence: fc.nat(60), flags: fc.constantFrom(...Object.values(ProbeFlag)) }),
    fc.constant(undefined),
  );

  it('counts the same in runs as one by one, and tells streams apart', () => {
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 60 }), fc.integer({ min: 40, max: 80 }), (datagrams, size) => {
        const bytes = new Uint8Array(datagrams.length * size);
        for (const [i, one] of datagrams.entries()) {
          if (one === undefined) continue;
          encodeProbeHeader(bytes.subarray(i * size, (i + 1) * size), {
            stream: `000000000000000${one.stream}`,
            sequence: one.sequence,
            flags: one.flags,
            sent: { seconds: 0, nanoseconds: 0 },
          });
        }
        const whole = receiver();
        if (bytes.length > 0) whole.receiving.add(message(bytes, size, 1));
        const single = receiver();
        for (let i = 0; i < datagrams.length; i++) {
          single.receiving.add(message(bytes.slice(i * size, (i + 1) * size), size, 1));
        }
        expect(whole.receiving.reports()).toEqual(single.receiving.reports());
        expect(whole.receiving.totals()).toEqual(single.receiving.totals());
        expect([whole.receiving.foreign, whole.receiving.received, whole.receiving.bytes]).toEqual([
          single.receiving.foreign,
          single.receiving.received,
          single.receiving.bytes,
        ]);
        expect(whole.ends).toEqual(single.ends);
        expect(whole.twoWay).toHaveLength(single.twoWay.length);

        const probes = datagrams.filter((one) => one !== undefined);
        const counted = probes.filter(({ flags }) => (flags & ~(ProbeFlag.twoWay | ProbeFlag.confirm)) === 0);
        expect(whole.receiving.received).toBe(counted.length);
        expect(whole.receiving.foreign).toBe(datagrams.length - probes.length);
        for (const report of whole.receiving.reports()) {
          const own = counted.filter((one) => report.stream.endsWith(String(one.stream)));
          expect(report.received).toBe(new Set(own.map(({ sequence }) => sequence)).size);
          expect(report.received + report.duplicated).toBe(own.length);
        }
      }),
    );
  });

  it('has the jitter of RFC 3550', () => {
    const { receiving } = receiver();
    const bytes = new Uint8Array(64);
    let jitter = 0;
    let before: number | undefined;
    for (const [sequence, transit] of [3, 3, 8, 5, 5, 5, 20].entries()) {
      encodeProbeHeader(bytes, {
        stream: '00000000000000aa',
        sequence,
        flags: 0,
        sent: { seconds: 100, nanoseconds: 0 },
      });
      receiving.add(message(bytes, 64, 100 + transit));
      if (before !== undefined) jitter += (Math.abs(transit - before) * 1000 - jitter) / 16;
      before = transit;
    }
    expect(receiving.reports()[0]?.jitterMs).toBeCloseTo(jitter, 9);
    expect(receiving.reports()[0]?.transitMs).toMatchObject({ min: 3000, max: 20_000, mean: 7000 });
    expect(receiving.reports()[0]?.transitMs.p50).toBeCloseTo(5000, -1);
  });

  it('keeps a bounded number of streams, whoever makes them up', () => {
    const { receiving } = receiver();
    const bytes = new Uint8Array(40);
    for (let i = 0; i < 3000; i++) {
      encodeProbeHeader(bytes, {
        stream: i.toString(16).padStart(16, '0'),
        sequence: 2 ** 52,
        flags: 0,
        sent: { seconds: 0, nanoseconds: 0 },
      });
      receiving.add(message(bytes));
    }
    expect(receiving.reports()).toHaveLength(1024);
    expect(receiving.foreign).toBe(3000 - 1024);
  });

  it('takes any bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, fc.boolean(), fc.integer({ min: 1, max: 100 }), (any, ours, size) => {
        if (ours && any.length >= 8) any.set([0x53, 0x4b, 0x50, 0x52, 1, any[5] ?? 0, 0, 40]);
        receiver().receiving.add(message(any, size));
      }),
    );
  });
});
