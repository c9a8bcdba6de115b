/** Files that follow one another: their names, and that nothing is lost between them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { framePackets } from '../../../../capture/frames.js';
import { runPipeline } from '../../../../capture/pipeline.js';
import type { CapturedPacket } from '../../../../capture/record.js';
import { FileNames, type Rotation } from '../../../../capture/sinks/file/names.js';
import { openFileSink } from '../../../../capture/sinks/file.js';
import { type CaptureEvent, NO_STATISTICS } from '../../../../capture/source.js';
import { hasCommand, isRoot } from '../../../hosts/machine.js';
import {
  anyFrame,
  content,
  decode,
  ETHERNET,
  encode,
  frameBatch,
  memorySource,
  packet,
  scratch,
} from '../../helpers.js';

const file = scratch();
let folders = 0;
function folder(): string {
  const path = file(`folder${++folders}`);
  mkdirSync(path);
  return path;
}

const many = (count: number, size = 100): CapturedPacket[] =>
  Array.from({ length: count }, (_, index) => packet(index + 1, { bytes: new Uint8Array(size).fill(index) }));

describe('names', () => {
  const names = (path: string, rotation: Rotation, count: number): string[] => {
    const all = new FileNames(path, rotation, new Date(2026, 1, 3, 4, 5, 6));
    return [all.current, ...Array.from({ length: count }, () => all.nextBySize())];
  };

  test.each<[string, Rotation, string[]]>([
    ['x', { size: 1 }, ['x', 'x1', 'x2', 'x3']],
    ['x.gz', { size: 1 }, ['x.gz', 'x1.gz', 'x2.gz', 'x3.gz']],
    ['x', { size: 1, files: 1 }, ['x', 'x', 'x', 'x']],
    ['x', { size: 1, files: 2 }, ['x0', 'x1', 'x0', 'x1']],
    ['x', { size: 1, files: 11 }, ['x00', 'x01', 'x02', 'x03']],
    ['x%Y', { size: 1 }, ['x%Y', 'x%Y1', 'x%Y2', 'x%Y3']],
    ['%H-', { size: 1, intervalMs: 1000 }, ['04-', '04-1', '04-2', '04-3']],
    ['%H-', { size: 1, intervalMs: 1000, files: 3 }, ['04-0', '04-1', '04-2', '04-0']],
  ])('%s by %j', (path, rotation, expected) => {
    expect(names(path, rotation, 3)).toEqual(expected);
  });

  test('numbers begin again with each time', () => {
    const all = new FileNames('%S-', { size: 1, intervalMs: 1000, files: 11 }, new Date(2026, 1, 3, 4, 5, 6));
    all.nextBySize();
    expect(all.nextByTime(new Date(2026, 1, 3, 4, 5, 7))).toBe('07-00');
    expect(all.nextBySize()).toBe('07-01');
  });
});

describe('files by size', () => {
  test.each(['pcap', 'pcapng'] as const)(
    '%s: each is whole by itself, and together they hold everything',
    async (format) => {
      const place = folder();
      const events: CaptureEvent[] = [];
      const packets = many(500);
      const counted = { ...NO_STATISTICS, received: 7 };
      const sink = await openFileSink(join(place, 'x'), {
        format,
        rotation: { size: 5000 },
        onEvent: (event) => events.push(event),
      });
      await runPipeline({ source: memorySource([packets], { statistics: counted }), sinks: [sink] });
      const names = ['x', ...Array.from({ length: events.length }, (_, index) => `x${index + 1}`)];
      expect(readdirSync(place).sort()).toEqual([...names].sort());
      const files = names.map((name) => decode(readFileSync(join(place, name))));
      for (const read of files) {
        expect(read.fault).toBeUndefined();
        expect(read.interfaces).toHaveLength(1);
        if (format === 'pcapng') expect(read.statistics.received).toBe(7);
      }
      const all = files.flatMap((read) => read.packets).map((one, index) => ({ ...one, number: index + 1 }));
      expect(content(all)).toBe(content(packets));
      expect(events).toEqual(
        files.slice(0, -1).map((read, index) => ({
          event: 'rotated',
          file: join(place, names[index] as string),
          next: join(place, names[index + 1] as string),
          packets: read.packets.length,
        })),
      );
    },
  );

  test('packets in columns change files where packets one by one do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyFrame, { maxLength: 30 }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.constantFrom('pcap' as const, 'pcapng' as const),
        async (all, size, format) => {
          const interfaces = [0, 1, 2, 3].map((id) => ({ ...ETHERNET, id }));
          const [one, columns] = [folder(), folder()];
          for (const [place, byFrames] of [
            [one, false],
            [columns, true],
          ] as const) {
            const sink = await openFileSink(join(place, 'x'), { format, rotation: { size } });
            await sink.open?.(interfaces);
            // Nobody waits: what is promised is back-pressure alone.
            for (const frames of all) {
              const batch = frameBatch(frames);
              if (byFrames) void sink.writeFrames?.(batch);
              else void sink.write(framePackets(batch, interfaces));
              batch.bytes.fill(0);
            }
            await sink.close(NO_STATISTICS);
          }
          expect(readdirSync(columns)).toEqual(readdirSync(one));
          for (const name of readdirSync(one)) {
            expect(Buffer.compare(readFileSync(join(columns, name)), readFileSync(join(one, name)))).toBe(0);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  const noTcpdump = !hasCommand('tcpdump') || !isRoot;
  test.skipIf(noTcpdump).each([
    ['-C 1', { size: 1e6 }],
    ['-C 1 -W 3', { size: 1e6, files: 3 }],
    ['-C 2 -W 1', { size: 2e6, files: 1 }],
    ['-C 1 -W 11', { size: 1e6, files: 11 }],
  ])('%s: the same files as of tcpdump (skipped without tcpdump and root)', async (flags, rotation) => {
    const [theirs, ours] = [folder(), folder()];
    const packets = many(4000, 1300);
    const whole = file('whole.pcap', encode('pcap', packets));
    const args = ['-Z', 'root', '--nano', '-r', whole, '-w', join(theirs, 'x'), ...flags.split(' ')];
    execFileSync('tcpdump', args, { stdio: 'ignore' });
    const sink = await openFileSink(join(ours, 'x'), { format: 'pcap', rotation });
    await runPipeline({ source: memorySource([packets]), sinks: [sink] });
    expect(readdirSync(ours)).toEqual(readdirSync(theirs));
    for (const name of readdirSync(theirs)) {
      expect(Buffer.compare(readFileSync(join(ours, name)), readFileSync(join(theirs, name))), name).toBe(0);
    }
  });
});

describe('files by time', () => {
  test('are complete on time without a packet; after so many it is done, and the last takes what still comes', async () => {
    const place = folder();
    const events: CaptureEvent[] = [];
    const begun = Math.floor(Date.now() / 1000);
    const sink = await openFileSink(join(place, '%s'), {
      rotation: { intervalMs: 1000, files: 2 },
      onEvent: (event) => events.push(event),
    });
    await sink.open?.([ETHERNET]);
    await sink.write([packet(1)]);
    await new Promise((resolve) => sink.done?.addEventListener('abort', resolve));
    await sink.write([packet(2), packet(3)]);
    await sink.close(NO_STATISTICS);
    const names = readdirSync(place).sort();
    expect(names).toHaveLength(2);
    expect(Number(names[1]) - Number(names[0])).toBe(1);
    expect(Number(names[0]) - begun).toBeLessThan(2);
    const counts = names.map((name) => decode(readFileSync(join(place, name))).packets.length);
    expect(counts).toEqual([1, 2]);
    expect(events).toMatchObject([{ event: 'rotated', packets: 1 }]);
  });
});

test('a folder of the name is made no more than a file in one that is not there', async () => {
  const path = file('none/x');
  await expect(openFileSink(path, { rotation: { size: 1 } })).rejects.toMatchObject({ code: 'ENOENT', address: path });
});

test.each([{ size: 0 }, { intervalMs: 999 }, { size: 1, files: 0 }, { size: Number.NaN }])(
  'by %j: an error',
  async (rotation) => {
    await expect(openFileSink(file('never'), { rotation })).rejects.toMatchObject({ code: 'USAGE' });
  },
);

test('stdout is no file that others could follow', async () => {
  await expect(openFileSink('-', { rotation: { size: 1 } })).rejects.toMatchObject({ code: 'USAGE' });
});
