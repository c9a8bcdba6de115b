/** A capture file of ten gigabytes is read in the memory that a small one takes. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeEthernet } from '../../src/wire/ethernet.js';
import { encodeIPv4 } from '../../src/wire/ipv4.js';
import { encodeTcp } from '../../src/wire/tcp.js';
import { MAIN, Running } from './process.js';

const GB = 1e9;
const SIZE = 10 * GB;
/** What is read afterwards writes pages of its own, and the machine is not ours alone. */
const NEEDED = SIZE + 5 * GB;
const LIMIT_MB = 200;

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** The largest frame that a network of jumbo frames has, and an acknowledgment. */
const LENGTHS = [9014, 9014, 66];

/** A run of records that the file repeats, and how many they are. */
function records(bytes: number): { run: Uint8Array; count: number } {
  const out = Buffer.alloc(bytes);
  let at = 0;
  for (let i = 0; ; i++) {
    const length = LENGTHS[i % LENGTHS.length] as number;
    if (at + RECORD_HEADER + length > bytes) return { run: out.subarray(0, at), count: i };
    for (const word of [1_700_000_000, i % 1_000_000, length, length]) at = out.writeUInt32LE(word, at);
    const frame = out.subarray(at, at + length);
    const addresses = { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' };
    let head = encodeEthernet({ ...addresses, etherType: 0x0800 }, frame);
    head = encodeIPv4(
      { source: '192.0.2.1', destination: '192.0.2.2', protocolNumber: 6 },
      length - head - 20,
      frame,
      head,
    );
    const data = new Uint8Array(length - head - 20);
    frame.set(
      encodeTcp({ sourcePort: 1000 + (i % 60_000), destinationPort: 80, sequence: i, checksum: 0 }, data),
      head,
    );
    at += length;
  }
}

/** Runs the program until its end; how much memory it had at most, in megabytes, and what it wrote to stderr. */
async function peak(args: readonly string[]): Promise<{ megabytes: number; stderr: string; code: number | null }> {
  const sink = openSync('/dev/null', 'w');
  const running = new Running(process.execPath, [MAIN, ...args], { stdout: sink, timeoutMs: 170_000 });
  closeSync(sink);
  let kilobytes = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${running.child.pid}/status`, 'latin1');
      kilobytes = Math.max(kilobytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  }, 50);
  const { code, stderr } = await running.done;
  clearInterval(timer);
  return { megabytes: (kilobytes * 1024) / 1e6, stderr, code };
}

const free = (): number => {
  const { bavail, bsize } = statfsSync(tmpdir());
  return bavail * bsize;
};
function findObstacle(): string | undefined {
  if (process.platform !== 'linux') return 'the peak of memory is read from /proc';
  return free() < NEEDED ? `${tmpdir()} has less than ${NEEDED / GB} GB free` : undefined;
}
const obstacle = findObstacle();

describe('a file of 10 GB', () => {
  let folder = '';
  let path = '';
  let packets = 0;

  beforeAll(() => {
    if (obstacle !== undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'sockctl-large-'));
    path = join(folder, 'large.pcap');
    const { run, count } = records(64 * 1024 * 1024);
    const fd = openSync(path, 'w');
    const header = Buffer.alloc(FILE_HEADER);
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(262_144, 16);
    header.writeUInt32LE(1, 20);
    writeSync(fd, header);
    for (let size = 0; size < SIZE; size += run.length) {
      writeSync(fd, run);
      packets += count;
    }
    closeSync(fd);
  }, 120_000);

  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  const kinds = {
    lines: [],
    'a count': ['--count-only'],
    records: ['--json'],
  };
  for (const [kind, flags] of Object.entries(kinds)) {
    test(`is read as ${kind}`, { timeout: 180_000 }, async (ctx) => {
      if (obstacle !== undefined) return ctx.skip(obstacle);
      const { megabytes, stderr, code } = await peak(['capture', 'read', path, ...flags]);
      expect(code).toBe(0);
      // With --json the summary is a record, on stdout.
      if (kind !== 'records') expect(stderr).toContain(`${packets} packets`);
      expect(megabytes).toBeGreaterThan(20);
      expect(megabytes).toBeLessThan(LIMIT_MB);
    });
  }
});
