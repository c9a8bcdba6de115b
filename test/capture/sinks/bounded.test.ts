import { describe, expect, test } from 'vitest';
import { framePackets } from '../../../capture/frames.js';
import type { CaptureSink } from '../../../capture/sink.js';
import { BoundedSink } from '../../../capture/sinks/bounded.js';
import { NO_STATISTICS } from '../../../capture/source.js';
import { content, ETHERNET, type Frame, frameBatch, packet } from '../helpers.js';

/** A sink that is busy after each batch until it is told to go on. */
class SlowSink implements CaptureSink {
  readonly taken: string[] = [];
  closed = false;
  #go: ((error?: Error) => void) | undefined;

  write(batch: Parameters<CaptureSink['write']>[0]): Promise<void> {
    this.taken.push(content(batch));
    return new Promise((resolve, reject) => {
      this.#go = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  async goOn(error?: Error): Promise<void> {
    this.#go?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  }

  close(): void {
    this.closed = true;
  }
}

function frames(first: number, count: number, length = 100): ReturnType<typeof frameBatch> {
  const all = Array.from({ length: count }, (_, index): Frame => {
    const bytes = new Uint8Array(length).fill(first + index);
    return { seconds: 1, nanoseconds: first + index, bytes, beyond: 0, flags: 1, on: 0 };
  });
  return frameBatch(all, first);
}

const shown = (batch: ReturnType<typeof frameBatch>) => content(framePackets(batch, [ETHERNET]));

describe('a sink that never holds its source back', () => {
  test('keeps what comes while it is busy, in order and as it was', async () => {
    const slow = new SlowSink();
    const sink = new BoundedSink(slow);
    sink.open([ETHERNET], () => NO_STATISTICS);
    const batches = [frames(0, 3), frames(3, 2), frames(5, 1)];
    const expected = batches.map(shown);
    for (const batch of batches) {
      sink.writeFrames(batch);
      // The memory is the source's again.
      batch.bytes.fill(0xff);
    }
    const one = packet(7);
    sink.write([one]);
    const last = content([one]);
    one.bytes.fill(0xff);
    for (let i = 0; i < 4; i++) await slow.goOn();
    // The first was given at once.
    expect(slow.taken).toEqual([...expected, last]);
    expect(sink.dropped).toBe(0);
    await sink.close(NO_STATISTICS);
    expect(slow.closed).toBe(true);
  });

  test('counts what finds no room', async () => {
    const slow = new SlowSink();
    const sink = new BoundedSink(slow, { queueBytes: 1000 });
    sink.open([ETHERNET], () => NO_STATISTICS);
    for (let i = 0; i < 20; i++) sink.writeFrames(frames(i * 2, 2));
    // One on its way, three of 264 bytes each in the queue.
    expect(sink.dropped).toBe(32);
    await slow.goOn();
    sink.writeFrames(frames(40, 2));
    expect(sink.dropped).toBe(32);
    for (let i = 0; i < 5; i++) await slow.goOn();
    expect(slow.taken).toHaveLength(5);
    expect(sink.dropped + 2 * slow.taken.length).toBe(42);
  });

  test('gives up at the end what a sink that takes nothing has left', async () => {
    const slow = new SlowSink();
    const sink = new BoundedSink(slow, { stalledMs: 20 });
    sink.open([ETHERNET], () => NO_STATISTICS);
    for (let i = 0; i < 3; i++) sink.writeFrames(frames(i, 1));
    await sink.close(NO_STATISTICS);
    expect(slow.taken).toHaveLength(1);
    expect(sink.dropped).toBe(2);
    expect(slow.closed).toBe(true);
  });

  test('fails with what the sink has failed with, and counts what was left', async () => {
    const slow = new SlowSink();
    const sink = new BoundedSink(slow);
    sink.open([ETHERNET], () => NO_STATISTICS);
    for (let i = 0; i < 3; i++) sink.writeFrames(frames(i, 1));
    await slow.goOn(new Error('broken'));
    expect(() => sink.writeFrames(frames(3, 1))).toThrow('broken');
    expect(sink.dropped).toBe(3);
    await expect(sink.close(NO_STATISTICS)).rejects.toThrow('broken');
  });

  test('takes long queues apart in time', async () => {
    const slow = new SlowSink();
    const sink = new BoundedSink(slow);
    sink.open([ETHERNET], () => NO_STATISTICS);
    for (let i = 0; i < 20_000; i++) sink.writeFrames(frames(i, 1, 10));
    slow.write = (batch) => {
      slow.taken.push(content(batch));
      return undefined as never;
    };
    await slow.goOn();
    expect(slow.taken).toHaveLength(20_000);
    expect(slow.taken.at(-1)).toBe(shown(frames(19_999, 1, 10)));
  });
});
