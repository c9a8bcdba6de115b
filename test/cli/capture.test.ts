/** capture and capture read as a user runs them, with tcpdump and tshark as the readers of what they write. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, isRoot, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type HostPair } from '../hosts/namespaces.js';
import { records, run, sockctl, start } from './process.js';

let folder: string;
/** A host of its own, so that nobody else's pings are captured. */
let hosts: HostPair | undefined;
const obstacle = namespaceObstacle();
const under = () => ({ under: hosts?.a.under ?? [] });

beforeAll(() => {
  if (obstacle === undefined) hosts = createHostPair();
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => {
  hosts?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Captures `count` packets of a ping of 127.0.0.1 into a file. */
async function capturePing(file: string, format: string, count: number) {
  const filter = 'icmp and host 127.0.0.1';
  const capture = start(['capture', '-i', 'lo', '-c', String(count), '-w', file, '--format', format, filter], under());
  await capture.until(({ stderr }) => (stderr.includes('capturing on lo') ? true : undefined));
  await sockctl(['raw', 'ping', '-c', String(count / 2), '-i', '20ms', '-q', '127.0.0.1'], under());
  return capture.done;
}

describe('a live capture', () => {
  it.for(['pcapng', 'pcap'])('writes %s that tcpdump, tshark and capture read agree on', async (format, ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const file = join(folder, `ping.${format}`);
    expect((await capturePing(file, format, 6)).code).toBe(0);

    const ours = records((await sockctl(['capture', 'read', file, '--json'])).stdout).filter(
      (record) => record.type === 'packet',
    );
    expect(ours.map((record) => (record.layers as { icmpType?: number }[])[2]?.icmpType)).toEqual([8, 0, 8, 0, 8, 0]);
    expect(ours[0]).toMatchObject({
      linkType: 'ETHERNET',
      length: 98,
      capturedLength: 98,
      interface: format === 'pcapng' ? 'lo' : null,
    });

    if (hasCommand('tcpdump')) {
      const { code, stdout, stderr } = await run('tcpdump', ['-nr', file]);
      expect(code).toBe(0);
      expect(stderr).not.toMatch(/bad|truncated|error/i);
      const lines = stdout.toString().trim().split('\n');
      const text = (await sockctl(['capture', 'read', file])).stdout.toString().trim().split('\n');
      expect(text).toEqual(lines);
    }
    if (hasCommand('tshark')) {
      const { stdout } = await run('tshark', ['-r', file, '-T', 'fields', '-e', 'frame.time_epoch', '-e', 'icmp.seq']);
      const theirs = stdout
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[0]);
      const times = ours.map((record) => {
        const [whole = '', fraction = ''] = String(record.time).slice(0, -1).split('.');
        return `${Date.parse(`${whole}Z`) / 1000}.${fraction}`;
      });
      expect(times).toEqual(theirs);
    }
    return undefined;
  });

  it.for([
    ['native', 0],
    // The cap package counts no drops: unknown is not zero.
    ['portable', null],
  ] as const)('keeps what it has when interrupted, %s', async ([backend, droppedKernel], ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const file = join(folder, 'interrupted.pcapng');
    const capture = start(['capture', '-i', 'lo', '-w', file, '--json', '--backend', backend, 'icmp'], under());
    await capture.until(({ stderr }) => (stderr.includes('capturing on lo') ? true : undefined));
    await sockctl(['raw', 'ping', '-c', '5', '-i', '10ms', '-q', '127.0.0.1'], under());
    const { code, stdout } = await capture.signal('SIGINT');
    expect(code).toBe(0);
    expect(records(stdout).at(-1)).toMatchObject({
      type: 'capture.summary',
      captured: 10,
      droppedKernel,
      endReason: 'interrupted',
    });
    expect((await sockctl(['capture', 'read', file, '--count-only', '-q'])).stdout.toString()).toBe('10\n');
    return undefined;
  });

  it('ends with 130 when interrupted before any packet', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const capture = start(['capture', '-i', 'lo', 'icmp and host 127.99.99.99']);
    await capture.until(({ stderr }) => (stderr.includes('capturing on lo') ? true : undefined));
    expect((await capture.signal('SIGINT')).code).toBe(130);
  });

  it.for(['icmp and and', 'host 300.1.1.1', '((('])('says that %j does not compile', async (filter, ctx) => {
    if (!isRoot) return ctx.skip('capturing needs root');
    const { code, stderr } = await sockctl(['capture', '-i', 'lo', '-q', filter]);
    expect(code).toBe(2);
    const [line, expression, carets, ...more] = stderr.split('\n');
    expect(line).toMatch(/^sockctl: bad filter, at .+; .+$/);
    expect(expression).toBe(`  ${filter}`);
    expect(carets).toMatch(/^ +\^+$/);
    expect(more).toEqual(['']);
    return undefined;
  });
});

describe('reading', () => {
  it('merges files by time and converts between the formats without loss', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const [one, two, both, back] = ['one.pcap', 'two.pcapng', 'both.pcapng', 'back.pcap'].map((name) =>
      join(folder, name),
    );
    await capturePing(one ?? '', 'pcap', 2);
    await capturePing(two ?? '', 'pcapng', 2);
    const merge = await sockctl(['capture', 'read', two ?? '', one ?? '', '-w', both ?? '', '-q']);
    expect(merge.code).toBe(0);
    const convert = await sockctl(['capture', 'read', both ?? '', '-w', back ?? '', '--format', 'pcap', '-q']);
    expect(convert.code).toBe(0);
    const times = async (file = '') =>
      records((await sockctl(['capture', 'read', file, '--json', '-q'])).stdout).map(
        (r) => r.type === 'packet' && r.time,
      );
    const merged = await times(both);
    expect(merged.slice(0, 4)).toEqual([...(await times(one)).slice(0, 2), ...(await times(two)).slice(0, 2)]);
    expect((await times(back)).slice(0, 4)).toEqual(merged.slice(0, 4));
  });

  it('ends quietly enough when its reader has seen enough', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const file = join(folder, 'pipe.pcapng');
    await capturePing(file, 'pcapng', 2);
    // Many times over, so that more is written than a pipe holds.
    const files = Array.from({ length: 2000 }, () => file).slice(0, 200);
    const { stdout, stderr } = await run('sh', [
      '-c',
      `"$@" | head -n 1`,
      'sh',
      process.execPath,
      'dist/cli/main.cjs',
      'capture',
      'read',
      '-X',
      '-q',
      ...files,
    ]);
    expect(stdout.toString().split('\n')).toHaveLength(2);
    expect(stderr).not.toContain('    at ');
  });
});
