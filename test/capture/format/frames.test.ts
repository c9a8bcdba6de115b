import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ByteWriter } from '../../../capture/format/bytes.js';
import { type CaptureFormat, openWriter } from '../../../capture/format/open.js';
import { type FrameBatch, framePackets } from '../../../capture/frames.js';
import type { CaptureInterface } from '../../../capture/record.js';
import { NO_STATISTICS } from '../../../capture/source.js';
import { anyFrame, content, decode, ETHERNET, frameBatch } from '../helpers.js';

const FOUR: readonly CaptureInterface[] = [0, 1, 2, 3].map((id) => ({ ...ETHERNET, id, name: `eth${id}` }));

/** Files made both ways, of batches that come to know `interfaces` one after the other. */
function bothWays(format: CaptureFormat, batches: readonly FrameBatch[], known: number, limit?: number): Uint8Array[] {
  const attempts: ((out: ByteWriter, writer: ReturnType<typeof openWriter>, batch: FrameBatch) => void)[] = [
    (out, writer, batch) => {
      for (const packet of framePackets(batch, FOUR)) writer.packet(out, packet);
    },
    (out, writer, batch) => {
      for (let at = 0; at < batch.count; ) {
        const next = writer.frames(out, batch, FOUR, at, limit === undefined ? undefined : out.length + limit);
        if (limit !== undefined && next < batch.count) expect(out.length).toBeGreaterThan(limit);
        expect(next).toBeGreaterThan(at);
        at = next;
      }
    },
  ];
  return attempts.map((write) => {
    const writer = openWriter(format, { application: 'test' });
    const out = new ByteWriter(16);
    writer.open(out, FOUR.slice(0, known));
    for (const batch of batches) write(out, writer, batch);
    writer.close(out, { ...NO_STATISTICS, received: 9 }, []);
    return out.written().slice();
  });
}

// Of a file without packets, the counters are those of the moment when it was closed.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe.each(['pcap', 'pcapng'] as const)('packets in columns, as %s', (format) => {
  test('are the same bytes as packets one by one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyFrame, { maxLength: 20 }), { maxLength: 3 }),
        fc.nat(4),
        fc.option(fc.nat(500), { nil: undefined }),
        (all, known, limit) => {
          let before = 0;
          const batches = all.map((frames) => {
            const batch = frameBatch(frames, before);
            before += frames.length;
            return batch;
          });
          const [expected, written] = bothWays(format, batches, known, limit) as [Uint8Array, Uint8Array];
          expect(Buffer.compare(written, expected)).toBe(0);
          const read = decode(written);
          expect(read.fault).toBeUndefined();
          const packets = batches.flatMap((batch) => framePackets(batch, FOUR));
          expect(content(read.packets)).toBe(content(packets));
        },
      ),
    );
  });
});

test('what stands behind a packet in memory does not get into the file', () => {
  for (const length of [1, 2, 3, 5, 301]) {
    const frame = { seconds: 1, nanoseconds: 2, bytes: new Uint8Array(length).fill(0x11), beyond: 0, flags: 0, on: 0 };
    for (const format of ['pcap', 'pcapng'] as const) {
      const [, written] = bothWays(format, [frameBatch([frame, frame])], 1);
      expect(written?.includes(0xee)).toBe(false);
    }
  }
});

test('pcap: a second link type is the same error, behind the packets before it', () => {
  const frame = { seconds: 1, nanoseconds: 2, bytes: Uint8Array.of(1, 2, 3), beyond: 0, flags: 0, on: 0 };
  const batch = frameBatch([frame, { ...frame, on: 1 }], 41);
  const interfaces = [ETHERNET, { ...ETHERNET, id: 1, linkType: 101 }];
  const outcomes = [false, true].map((columns) => {
    const writer = openWriter('pcap');
    const out = new ByteWriter(16);
    writer.open(out, interfaces);
    try {
      if (columns) writer.frames(out, batch, interfaces);
      else for (const packet of framePackets(batch, interfaces)) writer.packet(out, packet);
    } catch (error) {
      return [(error as Error).message, [...out.written()]];
    }
    return [];
  });
  expect(outcomes[0]?.[0]).toMatch(/^packet 43: pcap holds one link type, not ETHERNET and RAW$/);
  expect(outcomes[1]).toEqual(outcomes[0]);
});
