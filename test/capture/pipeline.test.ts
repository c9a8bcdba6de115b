import { describe, expect, test } from 'vitest';
import type { PacketFilter } from '../../capture/filter/packet-filter.js';
import { runPipeline } from '../../capture/pipeline.js';
import type { CapturedPacket } from '../../capture/record.js';
import type { CaptureSink } from '../../capture/sink.js';
import type { CaptureStatistics } from '../../capture/source.js';
import { SockctlError } from '../../src/errors.js';
import { memorySource, packet, waitingSource } from './helpers.js';

interface Recorder extends CaptureSink {
  readonly numbers: number[];
  readonly closed: CaptureStatistics[];
}

function recorder(behaviour: Partial<CaptureSink> = {}): Recorder {
  const numbers: number[] = [];
  const closed: CaptureStatistics[] = [];
  return {
    numbers,
    closed,
    write: (batch) => void numbers.push(...batch.map((one) => one.number)),
    close: (statistics) => void closed.push(statistics),
    ...behaviour,
  };
}

const BATCHES: CapturedPacket[][] = [[packet(1), packet(2)], [packet(3), packet(4)], [packet(5)]];

describe('the pipeline', () => {
  test('moves everything to every sink, in order, and closes them with the statistics', async () => {
    const statistics = { received: 9, droppedKernel: 4, droppedInterface: null, droppedApplication: 0 };
    const source = memorySource(BATCHES, { statistics });
    const sinks = [recorder(), recorder()];
    const summary = await runPipeline({ source, sinks });
    expect(summary).toMatchObject({ captured: 5, bytes: 25, endReason: 'eof', ...statistics });
    expect(summary.error).toBeUndefined();
    for (const sink of sinks) {
      expect(sink.numbers).toEqual([1, 2, 3, 4, 5]);
      expect(sink.closed).toEqual([statistics]);
    }
    expect(source.closed).toBe(true);
  });

  test('ends in the middle of a batch when the count is reached', async () => {
    const sink = recorder();
    const summary = await runPipeline({ source: memorySource(BATCHES), sinks: [sink], count: 3 });
    expect(summary).toMatchObject({ captured: 3, endReason: 'count' });
    expect(sink.numbers).toEqual([1, 2, 3]);
  });

  test('counts what passes the filter, and keeps the numbers of the source', async () => {
    const sink = recorder();
    const seen: number[] = [];
    const filter: PacketFilter = { matches: (one) => one.number % 2 === 1, select: (batch) => batch };
    const onPacket = (one: CapturedPacket): void => void seen.push(one.number);
    await runPipeline({ source: memorySource(BATCHES), sinks: [sink], filter, count: 2, onPacket });
    expect(sink.numbers).toEqual([1, 3]);
    expect(seen).toEqual([1, 3]);
  });

  test('an abort still delivers what the source had caught', async () => {
    const abort = new AbortController();
    const sink = recorder();
    const source = waitingSource([packet(1)], [packet(2)]);
    const summary = await runPipeline({
      source,
      sinks: [sink],
      signal: abort.signal,
      onPacket: () => abort.abort(),
    });
    expect(summary.endReason).toBe('interrupted');
    expect(sink.numbers).toEqual([1, 2]);
  });

  test('a signal that was aborted before ends it at once', async () => {
    const summary = await runPipeline({ source: memorySource(BATCHES), sinks: [], signal: AbortSignal.abort() });
    expect(summary).toMatchObject({ captured: 0, endReason: 'interrupted' });
  });

  test('ends after the duration', async () => {
    const summary = await runPipeline({ source: waitingSource([packet(1)], []), sinks: [], durationMs: 20 });
    expect(summary.endReason).toBe('duration');
    expect(summary.durationMs).toBeGreaterThanOrEqual(19);
  });

  test("the source's error comes after its packets, and the sinks are closed", async () => {
    const failure = new SockctlError('TRUNCATED_CAPTURE', { what: 'cut' });
    const sink = recorder();
    const summary = await runPipeline({ source: memorySource(BATCHES, { failure }), sinks: [sink] });
    expect(summary).toMatchObject({ captured: 5, endReason: 'error', error: failure });
    expect(sink.closed).toHaveLength(1);
  });

  test('a failing sink ends it; the others are closed, and the first error counts', async () => {
    const first = new SockctlError('ENOSPC', { what: 'full' });
    const failing = recorder({
      write: () => {
        throw first;
      },
      close: () => {
        throw new Error('second');
      },
    });
    const sink = recorder();
    const summary = await runPipeline({ source: memorySource(BATCHES), sinks: [failing, sink] });
    expect(summary).toMatchObject({ endReason: 'error', error: first });
    expect(sink.closed).toHaveLength(1);
  });

  test('a sink that fails between two writes ends a quiet source', async () => {
    const failed = new AbortController();
    const error = new SockctlError('EPIPE', { what: 'gone' });
    const sink = recorder({ failed: failed.signal });
    const source = waitingSource([packet(1)], []);
    const summary = await runPipeline({ source, sinks: [sink], onPacket: () => failed.abort(error) });
    expect(summary).toMatchObject({ endReason: 'error', error });
  });

  test('waits for a slow sink before it asks for more', async () => {
    let asked = 0;
    let release: () => void = () => undefined;
    const source = memorySource(BATCHES);
    const slow: CaptureSink = {
      write: () => {
        asked += 1;
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      },
      close: () => undefined,
    };
    const done = runPipeline({ source, sinks: [slow] });
    for (let batch = 1; batch <= 3; batch++) {
      while (asked < batch) await new Promise(setImmediate);
      await new Promise(setImmediate);
      expect(asked).toBe(batch);
      release();
    }
    expect((await done).captured).toBe(5);
  });
});
