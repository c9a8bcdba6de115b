import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runPipeline } from '../../../capture/pipeline.js';
import { openFileSink } from '../../../capture/sinks/file.js';
import { NO_STATISTICS } from '../../../capture/source.js';
import { SocketError } from '../../../src/errors.js';
import { content, decode, ETHERNET, memorySource, packet, scratch } from '../helpers.js';

const file = scratch();

describe('the file sink', () => {
  test.each(['pcap', 'pcapng'] as const)('writes %s that reads back the same', async (format) => {
    const packets = Array.from({ length: 5000 }, (_, index) =>
      packet(index + 1, { bytes: new Uint8Array(index % 300) }),
    );
    const path = file(`many.${format}`);
    const batches = [packets.slice(0, 4000), packets.slice(4000)];
    await runPipeline({ source: memorySource(batches), sinks: [await openFileSink(path, { format })] });
    const read = decode(readFileSync(path));
    expect(read.fault).toBeUndefined();
    expect(read.packets).toHaveLength(5000);
    expect(content(read.packets)).toBe(content(packets));
  });

  test('flush packet: a packet is in the file when write resolves', async () => {
    const path = file('unbuffered.pcapng');
    const sink = await openFileSink(path, { flush: 'packet' });
    await sink.open?.([ETHERNET]);
    await sink.write([packet(1)]);
    expect(decode(readFileSync(path)).packets).toHaveLength(1);
    await sink.close(NO_STATISTICS);
  });

  test('buffered: a packet is in the file soon, without another one', async () => {
    const path = file('buffered.pcapng');
    const sink = await openFileSink(path);
    await sink.open?.([ETHERNET]);
    const watcher = watch(path);
    const changed = once(watcher, 'change');
    sink.write([packet(1)]);
    expect(decode(readFileSync(path)).packets).toHaveLength(0);
    await changed;
    watcher.close();
    expect(decode(readFileSync(path)).packets).toHaveLength(1);
    await sink.close(NO_STATISTICS);
  });

  test('the head is there before any packet, and counters are at the end', async () => {
    const path = file('head.pcapng');
    const sink = await openFileSink(path);
    await sink.open?.([ETHERNET]);
    expect(decode(readFileSync(path)).interfaces).toEqual([ETHERNET]);
    await sink.close({ ...NO_STATISTICS, received: 3 });
    expect(decode(readFileSync(path)).statistics.received).toBe(3);
  });

  test('a path that can not be opened is an error with that path', async () => {
    const path = file('missing/there.pcapng');
    await expect(openFileSink(path)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open', address: path });
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk is ENOSPC with the path (skipped without /dev/full)', async () => {
    const sink = await openFileSink('/dev/full', { flush: 'packet' });
    const summary = await runPipeline({ source: memorySource([[packet(1)]]), sinks: [sink] });
    expect(summary.error).toBeInstanceOf(SocketError);
    expect(summary.error).toMatchObject({ code: 'ENOSPC', syscall: 'write', address: '/dev/full' });
    expect(sink.failed?.aborted).toBe(true);
  });

  const noTcpdump = ((): boolean => {
    try {
      execFileSync('tcpdump', ['--version'], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  })();

  test.skipIf(noTcpdump).each(['pcap', 'pcapng'] as const)(
    'tcpdump reads %s (skipped without tcpdump)',
    async (format) => {
      const path = file(`tcpdump.${format}`);
      const sink = await openFileSink(path, { format });
      await runPipeline({
        source: memorySource([[packet(1), packet(2, { comments: ['a'], direction: 'out' })]]),
        sinks: [sink],
      });
      const lines = execFileSync('tcpdump', ['-ttnr', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      expect(
        lines
          .trim()
          .split('\n')
          .map((line) => line.split(' ')[0]),
      ).toEqual(['1700000001.123456', '1700000002.123456']);
    },
  );
});
