import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { ByteWriter } from '../../capture/format/bytes.js';
import { type CaptureFormat, openReader, openWriter } from '../../capture/format/open.js';
import type { CaptureReader } from '../../capture/format/port.js';
import type { FrameBatch } from '../../capture/frames.js';
import type { CapturedPacket, CaptureInterface } from '../../capture/record.js';
import { type CaptureSource, type CaptureStatistics, NO_STATISTICS } from '../../capture/source.js';

export const ETHERNET: CaptureInterface = { id: 0, name: 'eth0', linkType: 1, snapshotLength: 262_144 };

/** Bytes from hex, blanks and line ends ignored. */
export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replace(/\s+/g, ''), 'hex'));
}

export function packet(number: number, fields: Partial<CapturedPacket> = {}): CapturedPacket {
  const bytes = fields.bytes ?? Uint8Array.of(number & 0xff, 1, 2, 3, 4);
  return {
    number,
    timestamp: { seconds: 1_700_000_000 + number, nanoseconds: 123_456_789 },
    interface: ETHERNET,
    direction: null,
    originalLength: bytes.length,
    ...fields,
    bytes,
  };
}

/** A whole file of these packets. */
export function encode(
  format: CaptureFormat,
  packets: readonly CapturedPacket[],
  statistics: CaptureStatistics = NO_STATISTICS,
): Uint8Array {
  const writer = openWriter(format, { application: 'test' });
  const out = new ByteWriter(16);
  writer.open(out, [...new Set(packets.map((one) => one.interface))]);
  for (const one of packets) writer.packet(out, one);
  writer.close(out, statistics, []);
  return out.written().slice();
}

/** Everything a reader makes of `bytes`, pushed in pieces that end at `cuts`. */
export function decode(bytes: Uint8Array, cuts: readonly number[] = []): CaptureReader & { packets: CapturedPacket[] } {
  const reader = openReader('FILE', bytes);
  const packets: CapturedPacket[] = [];
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b).concat(bytes.length)) {
    packets.push(...reader.push(bytes.slice(from, Math.max(from, to))));
    from = Math.max(from, to);
  }
  reader.end();
  return Object.assign(reader, { packets });
}

/** What a packet says, comparable: views become plain bytes, interfaces their names. */
export function facts(one: CapturedPacket): unknown {
  return { ...one, bytes: [...one.bytes], interface: { ...one.interface } };
}

/** Numbers, times, lengths and bytes as one text: quick to compare where there are thousands. */
export function content(packets: readonly CapturedPacket[]): string {
  return packets
    .map(({ number, timestamp, originalLength, bytes }) => {
      const time = `${timestamp?.seconds}.${timestamp?.nanoseconds}`;
      return `${number} ${time} ${originalLength} ${Buffer.from(bytes).toString('base64')}`;
    })
    .join('\n');
}

/** Packets as both formats can hold them. */
export const anyPackets = fc
  .array(
    fc.record({
      seconds: fc.integer({ min: 0, max: 0xffff_ffff }),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
      bytes: fc.uint8Array({ maxLength: 90 }),
      beyond: fc.integer({ min: 0, max: 70_000 }),
    }),
    { maxLength: 12 },
  )
  .map((all) =>
    all.map(({ seconds, nanoseconds, bytes, beyond }, index) =>
      packet(index + 1, { timestamp: { seconds, nanoseconds }, bytes, originalLength: bytes.length + beyond }),
    ),
  );

/** What a live source knows of a packet. */
export interface Frame {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly bytes: Uint8Array;
  /** Bytes of the packet that were cut off. */
  readonly beyond: number;
  readonly flags: number;
  /** Which interface. */
  readonly on: number;
}

export const anyFrame = fc.record<Frame>({
  seconds: fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 1_700_000_000, max: 1_700_000_003 })),
  nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 90 }), fc.uint8Array({ minLength: 240, maxLength: 600, size: 'max' })),
  beyond: fc.integer({ min: 0, max: 70_000 }),
  flags: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 31 })),
  on: fc.nat(3),
});

/** As a source lays them out: at multiples of four, with other things between them. */
export function frameBatch(frames: readonly Frame[], before = 0): FrameBatch {
  const room = frames.reduce((sum, { bytes }) => sum + bytes.length + 12, 0) & ~3;
  const memory = new Uint8Array(room + 16).fill(0xee);
  const starts: number[] = [];
  let at = 4;
  for (const { bytes } of frames) {
    starts.push(at);
    memory.set(bytes, at);
    at += (bytes.length + 8) & ~3;
  }
  return {
    count: frames.length,
    before,
    bytes: memory,
    words: new Int32Array(memory.buffer),
    starts: Uint32Array.from(starts),
    lengths: Uint32Array.from(frames, ({ bytes }) => bytes.length),
    originalLengths: Uint32Array.from(frames, ({ bytes, beyond }) => bytes.length + beyond),
    seconds: Uint32Array.from(frames, ({ seconds }) => seconds),
    nanoseconds: Uint32Array.from(frames, ({ nanoseconds }) => nanoseconds),
    flags: Uint8Array.from(frames, ({ flags }) => flags),
    interfaces: Uint16Array.from(frames, ({ on }) => on),
  };
}

/** A source over batches in memory. */
export function memorySource(
  batches: readonly (readonly CapturedPacket[])[],
  options: { readonly failure?: Error; readonly statistics?: CaptureStatistics } = {},
): CaptureSource & { closed: boolean } {
  return {
    closed: false,
    interfaces: [...new Set(batches.flat().map((one) => one.interface))],
    timestampSource: 'file',
    async *packets(signal) {
      for (const batch of batches) {
        if (signal?.aborted === true) return;
        yield batch;
      }
      if (options.failure !== undefined) throw options.failure;
    },
    statistics: () => options.statistics ?? NO_STATISTICS,
    async close() {
      this.closed = true;
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}

/** A live source: gives `packets` and then waits until it is told to stop, when it gives `late`. */
export function waitingSource(packets: readonly CapturedPacket[], late: readonly CapturedPacket[]): CaptureSource {
  return {
    ...memorySource([packets]),
    async *packets(signal) {
      yield packets;
      if (signal?.aborted !== true) {
        await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
      }
      yield late;
    },
  };
}

export async function collect(source: CaptureSource): Promise<{ packets: CapturedPacket[]; error: unknown }> {
  const packets: CapturedPacket[] = [];
  try {
    for await (const batch of source.packets()) {
      for (const one of batch) packets.push({ ...one, bytes: one.bytes.slice() });
    }
    return { packets, error: undefined };
  } catch (error) {
    return { packets, error };
  }
}

/** A folder for this test file, removed afterwards; returns a function that makes paths and files in it. */
export function scratch(): (name: string, content?: Uint8Array | string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'sockctl-capture-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, content) => {
    const path = join(folder, name);
    if (content !== undefined) writeFileSync(path, content);
    return path;
  };
}
