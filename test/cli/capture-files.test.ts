/** Files of a capture as one leaves it running: one after the other, as another user, on a full disk, and after kill -9. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFileSource } from '../../capture/sources/file.js';
import { collect, content, encode, packet } from '../capture/helpers.js';
import { hasCommand, isRoot, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type HostPair } from '../hosts/namespaces.js';
import { type RunOptions, records, run, sockctl, start } from './process.js';

const NOBODY = 65_534;
const SUDO = { SUDO_UID: String(NOBODY), SUDO_GID: String(NOBODY), SUDO_USER: 'nobody' };

let folder: string;
let hosts: HostPair | undefined;
const obstacle = namespaceObstacle();
const host = () => hosts?.a.under ?? [];
beforeAll(() => {
  if (obstacle === undefined) hosts = createHostPair();
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => {
  hosts?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Captures pings of 127.0.0.1, 100 a second. */
async function capturePings(pings: number, args: readonly string[], options: RunOptions = {}) {
  const capture = start(['capture', '-i', 'lo', ...args, 'icmp'], {
    ...options,
    under: [...host(), ...(options.under ?? [])],
  });
  await capture.until(({ stderr }) => (stderr.includes('capturing on lo') ? true : undefined));
  await sockctl(['raw', 'ping', '-c', String(pings), '-i', '10ms', '-q', '127.0.0.1'], { under: host() });
  return capture;
}

const names = (place: string): string[] => readdirSync(place).sort();

describe('flags about files', () => {
  it.each([
    [['-C', '1'], /-C without -w: it is about a file; add -w FILE/],
    [['--fsync'], /--fsync without -w/],
    [['-w', 'x', '-W', '3'], /-W: when is a file full\?; add -C SIZE or -G SECONDS/],
    [['-w', '-', '-C', '1'], /stdout is one file/],
    [['-w', 'x', '-G', '0.5'], /'0.5' is not a second or more/],
    [['-w', 'x', '-C', '0'], /'0' is not a size such as 100 \(million bytes\), 512K or 2G/],
    [['-w', 'x', '-G', '1', '-w', '%Q'], /%Q: %Q is no part of a time/],
    [['-w', 'x', '--format', 'pcap', '--comment', 'a'], /--comment: pcap has no place for it/],
  ])('%j', async (args, message) => {
    const { code, stderr } = await sockctl(['raw', 'sniff', ...args], { env: { SUDO_UID: '' } });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

describe('a copy', () => {
  const packets = Array.from({ length: 3000 }, (_, index) =>
    packet(index + 1, { bytes: Uint8Array.from({ length: 200 }, (_, at) => (at * (index + 1) * 7919) >> 3) }),
  );

  it('is split by size and compressed, with comments, and every file is one by itself', async () => {
    const whole = join(folder, 'whole.pcap');
    writeFileSync(whole, encode('pcap', packets));
    const place = join(folder, 'split');
    mkdirSync(place);
    const args = ['-w', join(place, 'x.pcapng.gz'), '-C', '20K', '-W', '50', '--comment', 'one', '--comment', 'two'];
    const { code, stderr } = await sockctl(['capture', 'read', whole, ...args]);
    expect(code, stderr).toBe(0);
    expect(names(place).slice(0, 2)).toEqual(['x.pcapng00.gz', 'x.pcapng01.gz']);
    const read = await Promise.all(names(place).map(async (name) => collect(await openFileSource(join(place, name)))));
    expect(read.map(({ error }) => error)).toEqual(names(place).map(() => undefined));
    const all = read.flatMap((one) => one.packets).map((one, index) => ({ ...one, number: index + 1 }));
    expect(content(all)).toBe(content(packets));
    if (!hasCommand('capinfos')) return;
    const { stdout } = await run('capinfos', [join(place, 'x.pcapng00.gz')]);
    expect(stdout.toString()).toMatch(/Capture application: sockctl \d+\.\d+[\s\S]*comment: +one[\s\S]*comment: +two/);
  });

  it.each(['killed.pcapng', 'killed.pcapng.gz'])('%s: kill -9 leaves what was flushed', async (name) => {
    const path = join(folder, name);
    const copy = start(['capture', 'read', '-', '-w', path], {
      input: encode('pcap', packets).subarray(0, -10),
      holdInput: true,
    });
    // All but the last packet, which is cut, and the rest of the last piece of 64 KiB that stdin came in.
    let read = 0;
    for (const wanted = 2500; read < wanted; ) {
      expect(copy.child.exitCode).toBeNull();
      try {
        const { packets: there } = await collect(await openFileSource(path));
        read = there.length;
      } catch {
        // Not begun yet.
      }
    }
    await copy.signal('SIGKILL');
    const { packets: there, error } = await collect(await openFileSource(path));
    expect(error).toBeUndefined();
    expect(there.length).toBeGreaterThanOrEqual(read);
    expect(content(there)).toBe(content(packets.slice(0, there.length)));
  });
});

describe('a live capture', () => {
  it('by time: so many files, each complete, and then it ends', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const place = join(folder, 'time');
    mkdirSync(place);
    const args = ['-w', join(place, '%s.pcapng'), '-G', '1', '-W', '2', '--comment', 'by the second', '--json'];
    const { code, stdout } = await (await capturePings(10, args)).done;
    expect(code).toBe(0);
    const [rotated, summary] = records(stdout);
    const files = names(place);
    expect(rotated).toMatchObject({
      type: 'capture.event',
      event: 'rotated',
      file: join(place, files[0] as string),
      next: join(place, files[1] as string),
    });
    expect(summary).toMatchObject({ type: 'capture.summary', endReason: 'files', captured: 20 });
    expect(Number((files[1] as string).slice(0, -7)) - Number((files[0] as string).slice(0, -7))).toBe(1);
    let found = 0;
    for (const name of files) {
      found += (await collect(await openFileSource(join(place, name)))).packets.length;
      if (hasCommand('tcpdump')) expect((await run('tcpdump', ['-nr', join(place, name)])).code).toBe(0);
      if (hasCommand('tshark'))
        expect((await run('tshark', ['-r', join(place, name)])).stderr).not.toMatch(/error|cut/i);
      if (!hasCommand('capinfos')) continue;
      const text = (await run('capinfos', [join(place, name)])).stdout.toString();
      expect(text).toMatch(/Capture comment: +by the second[\s\S]*Name = lo[\s\S]*Filter string = icmp/);
      expect(text).toMatch(/Number of stat entries = 1/);
    }
    expect(found).toBe(20);
    return undefined;
  });

  it('as the user of sudo: later files are made in the folder that root has opened', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    // The way there is closed to the user; an old file there is of root.
    const closed = join(folder, 'closed');
    const place = join(closed, 'mine');
    mkdirSync(place, { recursive: true });
    chmodSync(closed, 0o700);
    chownSync(place, NOBODY, NOBODY);
    writeFileSync(join(place, 'x1'), 'old', { mode: 0o600 });
    const args = ['-w', join(place, 'x'), '-C', '1K', '-W', '3', '--flush', 'packet', '-c', '40'];
    const { code, stderr } = await (await capturePings(20, args, { env: SUDO })).done;
    expect(code, stderr).toBe(0);
    expect(names(place)).toEqual(['x0', 'x1', 'x2']);
    for (const name of names(place)) {
      expect(statSync(join(place, name))).toMatchObject({ uid: NOBODY, gid: NOBODY });
      expect((await collect(await openFileSource(join(place, name)))).error).toBeUndefined();
    }
    return undefined;
  });

  it('as the user of sudo: not in a folder of root, which is said before it begins', async (ctx) => {
    if (!isRoot) return ctx.skip('giving root away needs root');
    const place = join(folder, 'roots');
    mkdirSync(place, { mode: 0o755 });
    const { code, stderr } = await sockctl(['capture', '-i', 'lo', '-w', join(place, 'x'), '-C', '1'], { env: SUDO });
    expect(stderr.split('\n').filter((line) => line.startsWith('sockctl: '))).toEqual([
      `sockctl: the files after the first are made as nobody: open ${place}: permission denied (EACCES); name a file in a folder of nobody, or stay root with --user root`,
    ]);
    expect(code).toBe(3);
    expect(names(place)).toEqual([]);
    return undefined;
  });

  it('on a full disk: says so once, goes on counting, and fails at its end', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('prlimit')) return ctx.skip('prlimit (util-linux) is not installed');
    const path = join(folder, 'limited.pcapng');
    const args = ['-w', path, '--flush', 'packet', '-c', '60'];
    const { code, stderr } = await (await capturePings(30, args, { under: ['prlimit', '--fsize=2000'] })).done;
    expect(stderr.match(/"level":"warn".*file too large \(EFBIG\); nothing is written any more/g)).toHaveLength(1);
    expect(stderr).toMatch(/^sockctl: write .*limited\.pcapng: file too large \(EFBIG\); raise the limit: ulimit -f$/m);
    const [, captured, dropped] = /(\d+) packets, .* (\d+) dropped by sockctl/.exec(stderr) ?? [];
    expect(Number(captured) + Number(dropped)).toBe(60);
    expect(code).toBe(1);
    const { packets, error } = await collect(await openFileSource(path));
    expect(error).toBeUndefined();
    expect(packets.length).toBe(Number(captured));
    return undefined;
  });

  it('--fsync: each write is on the disk before the next, and the folder with each file', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('strace')) return ctx.skip('strace is not installed');
    const path = join(folder, 'synced');
    const trace = join(folder, 'trace');
    const under = [
      'strace',
      '-f',
      '-y',
      '-e',
      'trace=write,fdatasync,fsync',
      '-e',
      'signal=none',
      '-s',
      '0',
      '-o',
      trace,
    ];
    const args = ['-w', path, '-C', '1K', '--flush', 'packet', '--fsync', '-c', '20'];
    const { code, stderr } = await (await capturePings(10, args, { under })).done;
    expect(code, stderr).toBe(0);
    const calls = readFileSync(trace, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const call = /(write|fdatasync|fsync)\(\d+<([^>]*)>/.exec(line);
        return call?.[2] === folder
          ? ['folder']
          : call?.[2]?.startsWith(path)
            ? [`${call[1]} ${call[2].slice(path.length)}`]
            : [];
      });
    const writes = calls.filter((call) => call.startsWith('write'));
    expect(writes.length).toBeGreaterThan(10);
    for (const [index, call] of calls.entries()) {
      if (call.startsWith('write')) expect(calls[index + 1]).toBe(call.replace('write', 'fdatasync'));
    }
    expect(calls.filter((call) => call === 'folder')).toHaveLength(
      names(folder).filter((name) => /^synced/.test(name)).length,
    );
    return undefined;
  });
});
