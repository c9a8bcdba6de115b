/** Files that are compressed while they are written. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import * as zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { runPipeline } from '../../../../capture/pipeline.js';
import type { CapturedPacket } from '../../../../capture/record.js';
import { openFileSink } from '../../../../capture/sinks/file.js';
import { NO_STATISTICS } from '../../../../capture/source.js';
import { openFileSource } from '../../../../capture/sources/file.js';
import { hasCommand } from '../../../hosts/machine.js';
import { collect, content, ETHERNET, memorySource, packet, scratch } from '../../helpers.js';

const file = scratch();
const hasZstd = 'zstdCompress' in zlib;

const batches: CapturedPacket[][] = Array.from({ length: 30 }, (_, batch) =>
  Array.from({ length: 200 }, (_, index) =>
    packet(batch * 200 + index + 1, { bytes: new Uint8Array(300).fill(batch) }),
  ),
);

describe.each([
  ['gzip', 'x.pcapng.gz', ['gzip', '-dc'], true],
  ['zstd', 'x.pcapng.zst', ['zstd', '-dc'], hasZstd],
] as const)('%s', (_, name, unpack, there) => {
  test.skipIf(!there)('is small, reads back the same, and others unpack it (skipped where Node has none)', async () => {
    const path = file(name);
    const sink = await openFileSink(path);
    await runPipeline({ source: memorySource(batches), sinks: [sink] });
    expect(statSync(path).size).toBeLessThan(400_000);
    const { packets, error } = await collect(await openFileSource(path));
    expect(error).toBeUndefined();
    expect(content(packets)).toBe(content(batches.flat()));
    if (hasCommand(unpack[0])) {
      const unpacked = execFileSync(unpack[0], [...unpack.slice(1), path], { maxBuffer: 1 << 26 });
      const plain = await openFileSink(file('plain.pcapng'));
      await runPipeline({ source: memorySource(batches), sinks: [plain] });
      expect(unpacked.equals(readFileSync(file('plain.pcapng')))).toBe(true);
    }
    if (hasCommand('capinfos')) {
      expect(execFileSync('capinfos', ['-Mc', path], { encoding: 'utf8' })).toMatch(/Number of packets:\s+6000\b/);
    }
  });

  test.skipIf(!there)('what was flushed is a whole file (skipped where Node has none)', async () => {
    const path = file(`flushed.${name}`);
    const sink = await openFileSink(path, { flush: 'packet' });
    await sink.open?.([ETHERNET]);
    for (const [index, batch] of batches.slice(0, 5).entries()) {
      await sink.write(batch);
      const { packets, error } = await collect(await openFileSource(path));
      expect(error).toBeUndefined();
      expect(packets).toHaveLength((index + 1) * 200);
    }
    await sink.close(NO_STATISTICS);
  });
});

test.skipIf(hasZstd)('zstd where Node has none says what has it (skipped where it has)', async () => {
  await expect(openFileSink(file('no.zst'))).rejects.toMatchObject({
    code: 'USAGE',
    advice: 'run sockctl with Node 22.15 or later, or name the file .gz',
  });
});

test('a name is a name where compression is turned off, and any name can be compressed', async () => {
  const [plain, packed] = [file('plain.gz'), file('packed')];
  await runPipeline({ source: memorySource(batches), sinks: [await openFileSink(plain, { compress: 'none' })] });
  await runPipeline({ source: memorySource(batches), sinks: [await openFileSink(packed, { compress: 'gzip' })] });
  expect(readFileSync(plain).readUInt32LE(0)).toBe(0x0a0d_0d0a);
  expect(readFileSync(packed).readUInt16BE(0)).toBe(0x1f8b);
});
