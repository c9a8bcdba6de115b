/**
 * Live captures through the kernel's ring, in a namespace with a veth pair: what a generator sends out of one end is held
 * against what the other end captured and what it says was dropped.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, namespaceObstacle } from '../hosts/machine.js';
import { createLoneHost, type LoneHost } from '../hosts/namespaces.js';
import { MAIN, Running, records, run, sockctl, start } from './process.js';

const GENERATOR = new URL('../../scripts/bench/packet-generator.mjs', import.meta.url).pathname;
const obstacle = namespaceObstacle();
let host: LoneHost;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  if (obstacle !== undefined) return;
  host = createLoneHost();
  for (const link of ['link0', 'other0']) host.ip('link', 'set', link, 'mtu', '9000');
});
afterAll(() => {
  host?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const under = () => ({ under: host.under, timeoutMs: 60_000 });
const listening = ({ stderr }: Running) => (/(capturing|listening) on/.test(stderr) ? true : undefined);

async function capturing(args: readonly string[], options = {}): Promise<Running> {
  const running = start(['capture', ...args], { ...under(), ...options });
  await running.until(listening);
  return running;
}

/** Frames out of other0. @returns how many */
async function generate(count: number, ...more: readonly string[]): Promise<number> {
  const args = [GENERATOR, 'other0', '--count', String(count), ...more];
  const { stdout, stderr, code } = await run(process.execPath, args, under());
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout.toString()).sent;
}

interface Summary {
  readonly captured: number;
  readonly received: number;
  readonly droppedKernel: number;
  readonly droppedApplication: number;
  readonly endReason: string;
}

function summaryOf(stdout: Buffer): Summary {
  return records(stdout).at(-1) as unknown as Summary;
}

function accountedFor({ captured, droppedKernel, droppedApplication }: Summary): number {
  return captured + droppedKernel + droppedApplication;
}

async function countOf(file: string): Promise<number> {
  const { stdout } = await sockctl(['capture', 'read', '--count-only', '-q', file]);
  return Number(stdout.toString());
}

/** What the generator sends. */
const MINE = 'udp port 9';
const title = (text: string) => `${text}${obstacle === undefined ? '' : ` (${obstacle})`}`;

describe.skipIf(obstacle !== undefined)(title('every packet is accounted for'), () => {
  it.for([
    ['into a file', []],
    ['with two threads', ['--workers', '2']],
    ['through a ring of two blocks', ['-B', '1']],
    ['cut', ['-s', '60']],
  ] as const)('%s', async ([, flags]) => {
    const file = join(folder, 'all.pcapng');
    const capture = await capturing(['-i', 'link0', '-w', file, '--json', ...flags, MINE]);
    const sent = await generate(200_000);
    const { stdout, code } = await capture.signal('SIGINT');
    expect(code).toBe(0);
    expect(accountedFor(summaryOf(stdout))).toBe(sent);
    expect(await countOf(file)).toBe(summaryOf(stdout).captured);
  });

  it('of a process that is stopped, and goes on', async () => {
    const file = join(folder, 'stopped.pcapng');
    const capture = await capturing(['-i', 'link0', '-w', file, '--json', '-B', '1M', MINE]);
    capture.child.kill('SIGSTOP');
    const sent = await generate(50_000);
    capture.child.kill('SIGCONT');
    // It ends before the counters are read the next time: what was lost is told all the same.
    const more = await generate(100, '--rate', '5000');
    const { stdout } = await capture.signal('SIGINT');
    const summary = summaryOf(stdout);
    expect(summary.droppedKernel).toBeGreaterThan(0);
    expect(accountedFor(summary)).toBe(sent + more);
    expect(await countOf(file)).toBe(summary.captured);
    const events = records(stdout).filter(({ event }) => event === 'drops');
    expect(events.at(-1)).toMatchObject({ interface: 'link0', dropped: summary.droppedKernel });
  });

  it('printed for a reader that takes nothing, beside a file that lacks nothing', async () => {
    const file = join(folder, 'printed.pcapng');
    const args = ['capture', '-i', 'link0', '-w', file, '--json', '--print', MINE];
    const [program = '', ...rest] = [...host.under, process.execPath, MAIN, ...args];
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout = child.stdout as Readable;
    const chunks: Buffer[] = [];
    let sent = 0;
    try {
      await once(child.stderr as Readable, 'data');
      sent = await generate(60_000, '--length', '1400', '--rate', '20000');
      // Now it is read, to the end.
      stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    } finally {
      child.kill('SIGINT');
      await once(child, 'close');
    }
    const all = records(Buffer.concat(chunks));
    const summary = all.at(-1) as unknown as Summary;
    expect(summary.droppedApplication).toBeGreaterThan(0);
    expect(summary.droppedKernel).toBe(0);
    expect(summary.captured + summary.droppedApplication).toBe(sent);
    expect(all.filter(({ type }) => type === 'packet')).toHaveLength(summary.captured);
    expect(await countOf(file)).toBe(sent);
  });

  it('and counted alone', async () => {
    const capture = await capturing(['-i', 'link0', '--count-only', '--duration', '2s', MINE]);
    const sent = await generate(1000);
    expect((await capture.done).stdout.toString()).toBe(`${sent}\n`);
  });
});

describe.skipIf(obstacle !== undefined)(title('what is known of a packet'), () => {
  // The machine that tests run on has other things to do: these are about the best of a few tries.
  it('is when it came, by which interface, and which way', { retry: 4 }, async () => {
    const capture = await capturing(['-i', 'link0', '-i', 'other0', '--json', MINE]);
    const sent = await generate(500, '--rate', '250');
    const { stdout } = await capture.signal('SIGINT');
    const packets = records(stdout).filter(({ type }) => type === 'packet');
    for (const [name, direction] of [
      ['link0', 'in'],
      ['other0', 'out'],
    ]) {
      const own = packets.filter((packet) => packet.interface === name);
      expect(own).toHaveLength(sent);
      expect(new Set(own.map((packet) => packet.direction))).toEqual(new Set([direction]));
      const times = own.map((packet) => nanoseconds(String(packet.time)));
      expect(times.every((time, index) => index === 0 || time >= (times[index - 1] as bigint))).toBe(true);
      const late = own.map((packet, index) => Number((times[index] as bigint) - sentAt(packet)) / 1000);
      expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
      // The sender's own way from its clock to the call is in it, which other work makes longer.
      expect(late.sort((a, b) => a - b)[Math.floor(late.length / 10)]).toBeLessThan(50);
    }
  });

  it('is shown within 50 ms', { retry: 4 }, async () => {
    const capture = await capturing(['-i', 'link0', '--json', MINE]);
    const delays: number[] = [];
    for (let i = 0; i < 9; i++) {
      const before = capture.received;
      await generate(1);
      await capture.until(({ received }) => (received > before ? true : undefined));
      const last = records(capture.stdout).at(-1);
      delays.push(Date.now() - Number(nanoseconds(String(last?.time)) / 1_000_000n));
    }
    await capture.signal('SIGINT');
    expect(delays.sort((a, b) => a - b)[4]).toBeLessThan(50);
  });

  it.for([
    ['link0', []],
    ['link0', ['-s', '50']],
    ['any', []],
  ] as const)('is what tcpdump has beside it: %s %j', async ([device, flags], ctx) => {
    if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not installed');
    // any has what goes out of one end, and what comes in at the other; tcpdump drops VLAN tags there.
    const sent = device === 'any' ? 120 : 60;
    const [ours, theirs] = [join(folder, 'ours.pcapng'), join(folder, 'theirs.pcap')];
    const peer = new Running('tcpdump', ['-i', device, ...flags, '-c', String(sent), '-w', theirs], under());
    await peer.until(listening);
    const capture = await capturing(['-i', device, ...flags, '-w', ours]);
    await generate(60, '--length', '60-9000', ...(device === 'any' ? [] : ['--tags']));
    await peer.done;
    const { code, stderr } = await capture.signal('SIGINT');
    expect(code, stderr).toBe(0);
    const show = async (file: string) => (await run('tcpdump', ['-nr', file, '-e', '-t', '-xx'])).stdout.toString();
    const shown = await show(ours);
    expect(shown).toBe(await show(theirs));
    expect(shown.split('\n').length).toBeGreaterThan(40);
    return undefined;
  });
});

function nanoseconds(time: string): bigint {
  const [whole = '', fraction = ''] = time.slice(0, -1).split('.');
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction);
}

/** What the generator has written into the payload. */
function sentAt(packet: Record<string, unknown>): bigint {
  const layers = packet.layers as { protocol: string; data?: string }[];
  const data = Buffer.from(layers.find(({ protocol }) => protocol === 'payload')?.data ?? '', 'base64');
  return data.readBigUInt64BE(4);
}
