import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, watch } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runPipeline } from '../../../capture/pipeline.js';
import { openFileSink } from '../../../capture/sinks/file.js';
import { NO_STATISTICS } from '../../../capture/source.js';
import { SocketError } from '../../../src/errors.js';
import { packageVersion } from '../../../src/version.js';
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

  test('flush block: nothing is written until there is enough, or the end', async () => {
    const path = file('block.pcapng');
    const sink = await openFileSink(path, { flush: 'block' });
    await sink.open?.([ETHERNET]);
    const size = statSync(path).size;
    const bytes = new Uint8Array(1000);
    for (let number = 1; number <= 250; number++) await sink.write([packet(number, { bytes })]);
    expect(statSync(path).size).toBe(size);
    const watcher = watch(path);
    const changed = once(watcher, 'change');
    for (let number = 251; number <= 600; number++) await sink.write([packet(number, { bytes })]);
    await changed;
    watcher.close();
    expect(decode(readFileSync(path)).packets.length).toBeGreaterThan(240);
    await sink.close(NO_STATISTICS);
    expect(decode(readFileSync(path)).packets).toHaveLength(600);
  });

  test.each(['packet', 'block', 1] as const)('flush %s: who does not wait breaks nothing', async (flush) => {
    const path = file(`hasty-${flush}.pcapng`);
    const sink = await openFileSink(path, { flush });
    await sink.open?.([ETHERNET]);
    // The memory is the source's again at once: one piece of it for all.
    const bytes = new Uint8Array(5000);
    const packets = Array.from({ length: 500 }, (_, index) => packet(index + 1, { bytes: bytes.slice().fill(index) }));
    for (const one of packets) {
      bytes.set(one.bytes);
      void sink.write([{ ...one, bytes }]);
    }
    await sink.close(NO_STATISTICS);
    expect(content(decode(readFileSync(path)).packets)).toBe(content(packets));
  });

  test.skipIf(!existsSync('/dev/full'))(
    'a failure is told to those who wait, and troubles nobody else (skipped without /dev/full)',
    async () => {
      const sink = await openFileSink('/dev/full', { flush: 'packet' });
      await expect(sink.open?.([ETHERNET])).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(() => sink.write([packet(1)])).toThrow(SocketError);
      await expect(sink.close(NO_STATISTICS)).rejects.toMatchObject({ code: 'ENOSPC' });
      const hasty = await openFileSink('/dev/full', { flush: 'packet' });
      void hasty.open?.([ETHERNET]);
      void hasty.write([packet(1)]);
      await expect(hasty.close(NO_STATISTICS)).rejects.toMatchObject({ code: 'ENOSPC' });
    },
  );

  test('says who has written it, and what was captured', async () => {
    const path = file('facts.pcapng');
    const sink = await openFileSink(path, { interfaces: { filter: 'tcp port 80', operatingSystem: 'Linux' } });
    await sink.open?.([ETHERNET, { ...ETHERNET, id: 1, operatingSystem: 'Plan 9' }]);
    await sink.close(NO_STATISTICS);
    const { details, interfaces } = decode(readFileSync(path));
    expect(details.sections[0]).toMatchObject({
      application: `sockctl ${packageVersion()}`,
      operatingSystem: expect.stringMatching(/^Linux/),
      hardware: expect.any(String),
    });
    const filter = { code: 11, value: new Uint8Array(Buffer.from('\0tcp port 80')) };
    expect(interfaces).toEqual([
      { ...ETHERNET, operatingSystem: 'Linux', options: [filter] },
      { ...ETHERNET, id: 1, operatingSystem: 'Plan 9', options: [filter] },
    ]);
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
