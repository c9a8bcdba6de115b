/** Captures sent again: every byte, in their time or as fast as it goes, and what of a capture can't be sent. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, open, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type HostPair } from '../hosts/namespaces.js';
import { type Finished, Running, type RunOptions, records, sockctl, start } from './process.js';

const obstacle = namespaceObstacle() ?? (hasCommand('tcpdump') ? undefined : 'tcpdump is not installed');
let hosts: HostPair;
const folder = mkdtempSync(join(tmpdir(), 'sockctl-replay-'));
beforeAll(() => {
  if (obstacle === undefined) hosts = createHostPair();
});
afterAll(() => {
  hosts?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const HEADER = 24;
const RECORD = 16;

/** A frame of UDP to 10.99.0.2, of `length` bytes, which says its number. */
function frame(number: number, length: number, to = [10, 99, 0, 2]): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.write('0200000000020200000000010800', 'hex');
  bytes[14] = 0x45;
  bytes.writeUInt16BE(length - 14, 16);
  bytes[22] = 64;
  bytes[23] = 17;
  bytes.set([10, 99, 0, 1, ...to], 26);
  bytes.writeUInt16BE(4711, 34);
  bytes.writeUInt16BE(9, 36);
  bytes.writeUInt16BE(length - 34, 38);
  bytes.writeUInt32BE(number, 42);
  return bytes;
}

interface Written {
  readonly bytes: Buffer;
  readonly ms: number;
  /** On the link. */
  readonly length?: number;
}

function pcap(packets: readonly Written[], linkType = 1): Buffer {
  const head = Buffer.alloc(HEADER);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16);
  head.writeUInt32LE(linkType, 20);
  const parts: Buffer[] = [head];
  for (const { bytes, ms, length = bytes.length } of packets) {
    const record = Buffer.alloc(RECORD);
    record.writeUInt32LE(1_700_000_000 + Math.floor(ms / 1000), 0);
    record.writeUInt32LE((ms % 1000) * 1000, 4);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(length, 12);
    parts.push(record, bytes);
  }
  return Buffer.concat(parts);
}

/** What is in a capture of tcpdump: bytes, and the time since the first in milliseconds. */
function readPcap(file: Buffer): { readonly bytes: Buffer; readonly ms: number }[] {
  const found: { bytes: Buffer; ms: number }[] = [];
  for (let at = HEADER; at + RECORD <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    const ms = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000;
    found.push({ bytes: file.subarray(at + RECORD, at + RECORD + length), ms });
    at += RECORD + length;
  }
  const first = found[0]?.ms ?? 0;
  return found.map(({ bytes, ms }) => ({ bytes, ms: ms - first }));
}

function fileOf(name: string, bytes: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const send = (args: readonly string[], options: RunOptions = {}): Promise<Finished> =>
  sockctl(['raw', 'send', ...args, '--json'], { under: hosts.a.under, ...options });
const summaryOf = ({ stdout }: Finished) => records(stdout).at(-1) as Record<string, unknown>;

/** What host b sees of UDP from port 4711, until there are `count` of it. */
async function arriving(count: number, action: () => Promise<unknown>) {
  const path = join(folder, 'arrived.pcap');
  const args = ['-i', 'link0', '--immediate-mode', '-U', '-w', path, '-c', String(count), 'udp src port 4711'];
  const tcpdump = new Running('tcpdump', args, { under: hosts.b.under });
  await tcpdump.until(({ stderr }) => (stderr.includes('listening on') ? true : undefined));
  await action();
  await tcpdump.done;
  return readPcap(readFileSync(path));
}

const FRAMES = [0, 40, 40, 140, 200].map((ms, i) => ({ bytes: frame(i, 60 + i), ms }));

describe('a capture', () => {
  it.for([
    ['at its own pace', [], 1],
    ['twice as fast', ['--speed', '2x'], 2],
    ['with its pauses cut short', ['--max-gap', '50ms'], 0],
  ] as const)('%s is sent again byte by byte', async ([, flags, factor], ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = fileOf('times.pcap', pcap(FRAMES));
    let result: Finished | undefined;
    const seen = await arriving(FRAMES.length, async () => {
      result = await send(['--file', path, '-i', 'link0', ...flags]);
    });
    expect(seen.map(({ bytes }) => bytes.toString('hex'))).toEqual(FRAMES.map(({ bytes }) => bytes.toString('hex')));
    const due = factor === 0 ? [0, 40, 40, 90, 140] : FRAMES.map(({ ms }) => ms / factor);
    const lag = summaryOf(result as Finished).schedulingErrorMs as { max: number };
    for (const [i, { ms }] of seen.entries()) {
      // None is early but for what the first was late by, and none later than this process was behind its schedule.
      expect(ms, `frame ${i}`).toBeGreaterThan((due[i] as number) - lag.max - 1);
      expect(ms, `frame ${i}`).toBeLessThan((due[i] as number) + lag.max + 5);
    }
    expect(lag.max).toBeLessThan(100);
    expect(summaryOf(result as Finished)).toMatchObject({ sent: 5, bytes: 310, failed: 0, endReason: 'count' });
    if (factor === 0) expect(summaryOf(result as Finished)).toMatchObject({ gapsCut: 2, cutMs: 60 });
    return undefined;
  });

  it.for([
    ['that fits into memory', 10_000, 5, 60],
    ['that is larger', 9000, 2, 1500],
  ] as const)('%s arrives whole at top speed, as often as asked', async ([, count, loops, length], ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = fileOf(
      'many.pcap',
      pcap(Array.from({ length: count }, (_, i) => ({ bytes: frame(i, length), ms: i }))),
    );
    const received = () => {
      const [{ stats64 }] = JSON.parse(hosts.ip(hosts.b, '-j', '-s', 'link', 'show', 'link0')) as [
        { stats64: { rx: { packets: number; bytes: number; dropped: number } } },
      ];
      return stats64.rx;
    };
    // Neighbours that are looked for would be counted too.
    const before = received();
    const result = await send(['--file', path, '-i', 'link0', '--topspeed', '--loop', String(loops)]);
    const after = received();
    const total = count * loops;
    expect(summaryOf(result)).toMatchObject({ sent: total, bytes: total * length, failed: 0, endReason: 'count' });
    expect(after.packets - before.packets).toBeGreaterThanOrEqual(total);
    expect(after.packets - before.packets).toBeLessThan(total + 20);
    expect(after.dropped).toBe(before.dropped);
    return undefined;
  });

  it('is sent at the rate that is asked for', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = fileOf('rate.pcap', pcap(Array.from({ length: 500 }, (_, i) => ({ bytes: frame(i, 125), ms: 0 }))));
    for (const [rate, requested] of [
      ['1000', { packetsPerSecond: { requested: 1000 } }],
      ['1mbit', { bitsPerSecond: { requested: 1e6 } }],
    ] as const) {
      const summary = summaryOf(await send(['--file', path, '-i', 'link0', '--rate', rate]));
      expect(summary).toMatchObject({ sent: 500, ...requested });
      expect(summary.durationMs).toBeGreaterThan(498);
      expect(summary.durationMs).toBeLessThan(700);
    }
    return undefined;
  });

  it('from stdin is sent as it comes', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const running = start(['raw', 'send', '--file', '-', '-i', 'link0', '--json'], {
      under: hosts.a.under,
      holdInput: true,
    });
    const whole = pcap(FRAMES);
    const cut = HEADER + RECORD + 60;
    const seen = await arriving(1, async () => running.child.stdin?.write(whole.subarray(0, cut)));
    expect(seen).toHaveLength(1);
    const rest = await arriving(4, async () => running.child.stdin?.end(whole.subarray(cut)));
    expect(rest.map(({ bytes }) => bytes.readUInt32BE(42))).toEqual([1, 2, 3, 4]);
    expect(summaryOf(await running.done)).toMatchObject({ sent: 5 });
    return undefined;
  });

  it.for([
    ['--file', 'summary'],
    ['--from-json', 'send.summary'],
  ] as const)('that a pipe of %s does not bring can be interrupted', async ([flag, type], ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = join(folder, `silent${flag}`);
    execFileSync('mkfifo', [path]);
    const running = start(['raw', 'send', flag, path, '-i', 'link0', '--json'], { under: hosts.a.under });
    // Opening it to write waits for its reader, and is over when that has opened it.
    const fd = await promisify(open)(path, 'w');
    const whole = await running.signal('SIGTERM');
    closeSync(fd);
    expect(whole.code).toBe(130);
    expect(records(whole.stdout)).toMatchObject([{ type, endReason: 'interrupted' }]);
    return undefined;
  });

  it('that is interrupted says what has left', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = fileOf('slow.pcap', pcap([...FRAMES.slice(0, 1), { bytes: frame(1, 60), ms: 600_000 }]));
    let running: Running | undefined;
    await arriving(1, async () => {
      running = start(['raw', 'send', '--file', path, '-i', 'link0', '--json'], { under: hosts.a.under });
    });
    const result = await (running as Running).signal('SIGINT');
    expect(result.code).toBe(0);
    expect(summaryOf(result)).toMatchObject({ sent: 1, endReason: 'interrupted' });
    return undefined;
  });

  it('with frames that the link does not take tells which, and sends the others', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const packets = [frame(0, 60), frame(1, 2000), frame(2, 60)].map((bytes) => ({ bytes, ms: 0 }));
    const path = fileOf('jumbo.pcap', pcap(packets));
    let result: Finished | undefined;
    const seen = await arriving(2, async () => {
      result = await send(['--file', path, '-i', 'link0', '--topspeed']);
    });
    expect(seen.map(({ bytes }) => bytes.readUInt32BE(42))).toEqual([0, 2]);
    expect(result?.code).toBe(1);
    const [failure, summary] = records((result as Finished).stdout);
    expect(failure).toMatchObject({ type: 'send.failure', number: 2, code: 'EMSGSIZE' });
    expect(summary).toMatchObject({ sent: 2, failed: 1 });
    return undefined;
  });
});

describe('records', () => {
  it('of a capture are the same packets again', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = fileOf('records.pcap', pcap(FRAMES));
    const { stdout } = await sockctl(['capture', 'read', '--json', path]);
    let result: Finished | undefined;
    const seen = await arriving(FRAMES.length, async () => {
      result = await send(['--from-json', '-', '-i', 'link0'], { input: stdout });
    });
    expect(seen.map(({ bytes }) => bytes.toString('hex'))).toEqual(FRAMES.map(({ bytes }) => bytes.toString('hex')));
    expect(summaryOf(result as Finished)).toMatchObject({ sent: 5, bytes: 310, failed: 0, endReason: 'count' });
    return undefined;
  });

  it('and captures of IP alone leave by sockets of IP', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const packets = FRAMES.map(({ bytes, ms }) => ({ bytes: bytes.subarray(14), ms }));
    const path = fileOf('raw.pcap', pcap(packets, 101));
    const { stdout } = await sockctl(['capture', 'read', '--json', path]);
    for (const [args, input] of [
      [['--file', path, '--topspeed'], undefined],
      [['--from-json', '-', '--speed', '1000x'], stdout],
      [['--from-json', fileOf('raw.ndjson', stdout)], undefined],
    ] as const) {
      let result: Finished | undefined;
      const seen = await arriving(5, async () => {
        result = await send(args, { input });
      });
      expect(seen.map(({ bytes }) => bytes.readUInt32BE(42))).toEqual([0, 1, 2, 3, 4]);
      // Without a checksum and an identification of their own.
      expect(summaryOf(result as Finished)).toMatchObject({ sent: 5, rewritten: 5, endReason: 'count' });
    }
    return undefined;
  });

  it.for([
    ['{"type":"packet"', [], 'line 1: \'{"type":"packet"\' is no JSON'],
    ['[1]\n', [], "record 1 is none of sockctl's"],
    [`"${'x'.repeat(5 << 20)}`, [], 'line 1: more than 4194304 bytes'],
  ] as const)('that are none are refused: %.20s', async ([input, flags, message], ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const result = await send(['--from-json', '-', ...flags], { input });
    expect([result.code, result.stderr]).toMatchObject([2, expect.stringContaining(message)]);
    return undefined;
  });

  it('are sent up to one that is none, however they come', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    // With a summary behind the packets.
    const { stdout } = await sockctl(['capture', 'read', '--json', fileOf('good.pcap', pcap(FRAMES))]);
    const input = `${stdout}no record\n${stdout}`;
    for (const from of ['-', fileOf('half.ndjson', Buffer.from(input))]) {
      const result = await send(['--from-json', from, '-i', 'link0'], { input });
      expect([result.code, result.stderr]).toMatchObject([2, expect.stringContaining(`line ${FRAMES.length + 2}: `)]);
      expect(summaryOf(result)).toMatchObject({ sent: FRAMES.length, endReason: 'error' });
    }
    // A capture that comes through a pipe can't be looked through beforehand.
    const cut = pcap([...FRAMES, { bytes: frame(9, 60), ms: 0, length: 1500 }, ...FRAMES]);
    const piped = await send(['--file', '-', '-i', 'link0', '--topspeed', '--yes'], { input: cut });
    expect(summaryOf(piped)).toMatchObject({ sent: FRAMES.length, endReason: 'error' });
    return undefined;
  });

  it('of frames need an interface, and those of pieces say so', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const json = async (packets: readonly Written[]) =>
      (await sockctl(['capture', 'read', '--json', fileOf('one.pcap', pcap(packets))])).stdout;
    const frames = await send(['--from-json', '-'], { input: await json(FRAMES) });
    expect([frames.code, frames.stderr]).toMatchObject([2, expect.stringContaining('name it with --interface')]);
    const cut = await json([{ bytes: frame(9, 60), ms: 0, length: 1500 }]);
    const pieces = await send(['--from-json', '-', '-i', 'link0'], { input: cut });
    expect([pieces.code, pieces.stderr]).toMatchObject([2, expect.stringContaining('60 of its 1500 bytes')]);
    expect(summaryOf(pieces)).toMatchObject({ sent: 0, endReason: 'error' });
    return undefined;
  });
});

describe('what can not be sent', () => {
  const refused = async (args: readonly string[], message: string) => {
    const result = await send(args);
    expect([result.code, result.stderr]).toMatchObject([2, expect.stringContaining(message)]);
    expect(summaryOf(result)).toMatchObject({ endReason: 'error' });
    return result;
  };

  it('packets of which only a piece was captured, unless they are asked for', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = fileOf('cut.pcap', pcap([...FRAMES, { bytes: frame(9, 60), ms: 200, length: 1500 }]));
    await refused(['--file', path, '-i', 'link0'], '1 of 6 packets were cut when they were captured');
    const seen = await arriving(6, () => send(['--file', path, '-i', 'link0', '--cut', '--topspeed']));
    expect(seen.at(-1)?.bytes.readUInt32BE(42)).toBe(9);
    return undefined;
  });

  it('frames without an interface, or by one that has none', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = fileOf('frames.pcap', pcap(FRAMES));
    await refused(['--file', path], 'give --interface: here are lo, link0');
    hosts.ip(hosts.a, 'tuntap', 'add', 'mode', 'tun', 'name', 'tun7');
    await refused(['--file', path, '-i', 'tun7'], 'its frames are none of Ethernet');
    return undefined;
  });

  it('too many packets to somebody else', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const far = Array.from({ length: 1100 }, (_, i) => ({
      bytes: frame(i, 60, [198, 51, 100, 1]),
      ms: Math.floor(i / 2),
    }));
    const path = fileOf('far.pcap', pcap(far));
    await refused(
      ['--file', path, '-i', 'link0', '--topspeed'],
      '--topspeed: 198.51.100.1 is on no network of this machine',
    );
    const message = 'packet 1001: more than 1000 packets a second, and 198.51.100.1 is on no network';
    const late = await refused(['--file', path, '-i', 'link0'], message);
    expect(summaryOf(late)).toMatchObject({ sent: 1000 });
    const slow = fileOf('slow-far.pcap', pcap(far.slice(0, 600).map(({ bytes }, i) => ({ bytes, ms: i * 2 }))));
    await refused(['--file', slow, '-i', 'link0', '--speed', '100x', '--loop', '3'], message.replace('1001', '401'));
    const bits = '--rate, packets of 60 bytes: 198.51.100.1 is on no network of this machine';
    const { stdout } = await sockctl(['capture', 'read', '--json', path]);
    for (const args of [
      ['--file', path],
      ['--from-json', fileOf('far.ndjson', stdout)],
    ]) {
      expect(summaryOf(await refused([...args, '-i', 'link0', '--rate', '1mbit'], bits))).toMatchObject({ sent: 0 });
    }
    const allowed = await send(['--file', path, '-i', 'link0', '--topspeed', '--yes']);
    expect(summaryOf(allowed)).toMatchObject({ sent: 1100 });
    return undefined;
  });

  it('a file that is damaged, or none', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const path = fileOf('damaged.pcap', pcap(FRAMES).subarray(0, -10));
    for (const args of [
      ['-i', 'link0'],
      ['-i', 'link0', '--topspeed', '--yes', '--loop', '3'],
    ]) {
      const result = await send(['--file', path, ...args]);
      expect(result.code).toBe(1);
      // What is whole has been sent.
      expect(summaryOf(result)).toMatchObject({ sent: FRAMES.length - 1, error: { code: 'TRUNCATED_CAPTURE' } });
    }
    const none = await send(['--file', join(folder, 'none.pcap'), '-i', 'link0']);
    expect([none.code, none.stderr]).toMatchObject([1, expect.stringContaining('none.pcap')]);
    return undefined;
  });
});
