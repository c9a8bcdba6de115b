import { describe, expect, test } from 'vitest';
import type { CapturedPacket } from '../../../capture/record.js';
import type { CaptureSink, WriteLines } from '../../../capture/sink.js';
import { createCountSink } from '../../../capture/sinks/count.js';
import { hexDump } from '../../../capture/sinks/hexdump.js';
import { linkHeaderLength } from '../../../capture/sinks/link-header.js';
import { createNdjsonSink } from '../../../capture/sinks/ndjson.js';
import { createTextSink } from '../../../capture/sinks/text.js';
import { hex, packet } from '../helpers.js';

/** 192.0.2.1:1000 > 192.0.2.2:2000, UDP, 'hi'. */
const FRAME = hex(`
  020000000002 020000000001 0800
  4500001e 00010000 40113cb1 c0000201 c0000202
  03e807d0 000a0000 6869`);

function output(make: (write: WriteLines) => CaptureSink, packets: readonly CapturedPacket[]): string[] {
  let text = '';
  const sink = make((lines) => {
    text += lines;
  });
  void sink.write(packets);
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

const udp = packet(1, { bytes: FRAME });

describe('text', () => {
  test('time and summary, in UTC or local time', () => {
    const [line] = output((write) => createTextSink(write, { utc: true }), [udp]);
    expect(line).toMatch(/^22:13:21\.123456 IP 192\.0\.2\.1/);
    const local = new Date(1_700_000_001_000).toTimeString().slice(0, 8);
    expect(output((write) => createTextSink(write), [udp])[0]).toContain(`${local}.123456 `);
  });

  test('nine digits', () => {
    const [line] = output((write) => createTextSink(write, { utc: true, nanoseconds: true }), [udp]);
    expect(line).toMatch(/^22:13:21\.123456789 /);
  });

  test('no time, and a time that no calendar has', () => {
    const times = [null, { seconds: 1e15, nanoseconds: 5 }];
    const lines = output(
      createTextSink,
      times.map((timestamp) => packet(1, { timestamp, bytes: FRAME })),
    );
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['--:--:--.------', '--:--:--.000000']);
  });

  test('hex begins behind the link header, unless asked for', () => {
    const [, first] = output((write) => createTextSink(write, { hex: 'hex' }), [udp]);
    expect(first).toBe('\t0x0000:  4500 001e 0001 0000 4011 3cb1 c000 0201');
    const [, whole] = output((write) => createTextSink(write, { hex: 'hex', hexLink: true }), [udp]);
    expect(whole).toMatch(/^\t0x0000: {2}0200 0000 0002/);
  });
});

test('hex dumps look as those of tcpdump', () => {
  const bytes = hex('4500 0054 59cd 0000 4011 94ae c0a8 010b d157 41');
  expect(hexDump(bytes, true)).toBe(
    '\t0x0000:  4500 0054 59cd 0000 4011 94ae c0a8 010b  E..TY...@.......\n' +
      '\t0x0010:  d157 41                                  .WA\n',
  );
  expect(hexDump(bytes.subarray(0, 3), false)).toBe('\t0x0000:  4500 00\n');
  expect(hexDump(new Uint8Array(0), true)).toBe('');
});

test('link headers: VLAN tags count, short packets are no trap', () => {
  expect(linkHeaderLength(1, hex(`${'00'.repeat(12)}8100 0001 88a8 0002 0800`))).toBe(22);
  expect(linkHeaderLength(1, hex('00'))).toBe(14);
  expect(linkHeaderLength(101, FRAME)).toBe(0);
});

test('ndjson: one record a line', () => {
  const records = output(createNdjsonSink, [udp, packet(2)]).map((line) => JSON.parse(line));
  expect(records.map((record) => [record.type, record.number, record.length])).toEqual([
    ['packet', 1, FRAME.length],
    ['packet', 2, 5],
  ]);
  expect(records[0].layers.map((layer: { protocol: string }) => layer.protocol).slice(0, 3)).toEqual([
    'ethernet',
    'ipv4',
    'udp',
  ]);
});

test('count', () => {
  const sink = createCountSink();
  void sink.write([udp, packet(2, { originalLength: 1000 })]);
  expect([sink.packets, sink.bytes]).toEqual([2, 1000 + FRAME.length]);
});

test('the promise of the writer is back-pressure', () => {
  const promise = Promise.resolve();
  expect(createNdjsonSink(() => promise).write([udp])).toBe(promise);
  expect(createTextSink(() => promise).write([udp])).toBe(promise);
});
