/** A disk that fills up while a capture is written to it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPipeline } from '../../../../capture/pipeline.js';
import type { CapturedPacket } from '../../../../capture/record.js';
import { openFileSink } from '../../../../capture/sinks/file.js';
import { type CaptureEvent, NO_STATISTICS } from '../../../../capture/source.js';
import { openFileSource } from '../../../../capture/sources/file.js';
import { isRoot } from '../../../hosts/machine.js';
import { collect, decode, ETHERNET, memorySource, packet, scratch } from '../../helpers.js';

const file = scratch();
const MIB = 1 << 20;

/** Noise, which no compression makes smaller. */
function noisy(batches: number): CapturedPacket[][] {
  let state = 1;
  return Array.from({ length: batches }, (_, batch) =>
    Array.from({ length: 100 }, (_, index) => {
      const bytes = new Uint8Array(1000);
      for (let at = 0; at < bytes.length; at++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
        bytes[at] = state >> 16;
      }
      return packet(batch * 100 + index + 1, { bytes });
    }),
  );
}

describe.skipIf(!isRoot)('a file system of 2 MiB (skipped without root)', () => {
  const disk = file('disk');
  beforeAll(() => {
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
  });
  afterAll(() => {
    execFileSync('umount', [disk]);
  });

  test.each([
    ['plain.pcapng', {}],
    ['plain.pcap', { format: 'pcap' }],
    ['small.pcapng', { flush: 'packet' }],
    ['packed.pcapng.gz', {}],
    ['several.pcapng', { rotation: { size: MIB } }],
  ] as const)('%s: counts what goes nowhere, says so once, and the file is whole', async (name, options) => {
    const path = join(disk, name);
    const events: CaptureEvent[] = [];
    const sink = await openFileSink(path, { ...options, onFull: 'count', onEvent: (event) => events.push(event) });
    await sink.open?.([ETHERNET]);
    const batches = noisy(40);
    for (const batch of batches) await sink.write(batch);
    await expect(sink.close(NO_STATISTICS)).rejects.toMatchObject({ code: 'ENOSPC', syscall: 'write' });
    const failures = events.filter(({ event }) => event === 'write-failed');
    const last = name === 'several.pcapng' ? join(disk, 'several.pcapng1') : path;
    expect(failures).toEqual([{ event: 'write-failed', file: last, code: 'ENOSPC' }]);
    const files = last === path ? [path] : [path, last];
    let kept = 0;
    for (const one of files) {
      const { packets, error } = await collect(await openFileSource(one));
      expect(error).toBeUndefined();
      kept += packets.length;
    }
    expect(kept).toBeGreaterThan(0);
    expect(sink.dropped).toBe(4000 - kept);
    for (const one of files) execFileSync('rm', [one]);
  });

  test('a copy stops at once, and what is there is whole', async () => {
    const path = join(disk, 'copy.pcap');
    const sink = await openFileSink(path, { format: 'pcap' });
    const summary = await runPipeline({ source: memorySource(noisy(400)), sinks: [sink] });
    expect(summary).toMatchObject({ endReason: 'error', error: { code: 'ENOSPC', address: path } });
    expect(summary.captured).toBeLessThan(10_000);
    expect(decode(readFileSync(path)).fault).toBeUndefined();
  });
});

test.skipIf(!existsSync('/dev/full'))('nothing at all can be written (skipped without /dev/full)', async () => {
  const events: CaptureEvent[] = [];
  const sink = await openFileSink('/dev/full', { onFull: 'count', onEvent: (event) => events.push(event) });
  const summary = await runPipeline({ source: memorySource(noisy(3)), sinks: [sink] });
  expect(summary).toMatchObject({
    captured: 0,
    droppedApplication: 300,
    endReason: 'error',
    error: { code: 'ENOSPC' },
  });
  expect(sink.dropped).toBe(300);
  expect(sink.failed?.aborted).toBe(false);
  expect(events).toEqual([{ event: 'write-failed', file: '/dev/full', code: 'ENOSPC' }]);
});
