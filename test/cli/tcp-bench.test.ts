/** tcp bench: its figures against what the server counted, and against iperf-like expectations of shape, not of speed. */
import { describe, expect, it } from 'vitest';
import { hasCommand } from '../hosts/machine.js';
import { MAIN, type Running, records, run, sockctl, start } from './process.js';

type Row = Record<string, number | string | null>;

async function bench(server: Running, args: readonly string[]) {
  const port = await server.port();
  const { code, stdout, stderr } = await sockctl(['tcp', 'bench', `127.0.0.1:${port}`, '--json', ...args]);
  const rows = records(stdout) as Row[];
  const ended = await server.signal('SIGTERM');
  const served = records(ended.stdout).at(-1) as Row;
  return {
    code,
    stderr,
    intervals: rows.filter(({ type }) => type === 'tcp.interval'),
    summary: rows.at(-1) as Row,
    served,
  };
}

const serve = (mode: string) => start(['tcp', 'serve', mode, '127.0.0.1:0', '--json']);

describe('tcp bench', () => {
  it.each(['native', 'portable'])(
    'moves exactly so many bytes, and the server has them all, %s backend',
    async (backend) => {
      const { code, summary, served } = await bench(serve('--discard'), [
        '--bytes',
        '50M',
        '--parallel',
        '2',
        '--backend',
        backend,
      ]);
      expect(code).toBe(0);
      expect(summary).toMatchObject({
        type: 'tcp.summary',
        connections: 2,
        bytesOut: 50 << 20,
        bytesIn: 0,
        endReason: 'count',
      });
      expect(served).toMatchObject({ connections: 2, bytesIn: 50 << 20 });
    },
  );

  it('sends with --zerocopy, says how many writes were copied all the same, and refuses it where it means nothing', async () => {
    const flags = ['--bytes', '50M', '--parallel', '2', '--zerocopy'];
    const { code, summary, served } = await bench(serve('--discard'), flags);
    expect(code).toBe(0);
    expect(served).toMatchObject({ bytesIn: 50 << 20 });
    const { calls, copied } = summary.zeroCopy as unknown as { calls: number; copied: number };
    expect(calls).toBeGreaterThan(10);
    expect(copied).toBe(calls);
    for (const more of [['--reverse'], ['--backend', 'portable']]) {
      expect((await sockctl(['tcp', 'bench', '127.0.0.1:1', '--zerocopy', ...more])).code).toBe(2);
    }
  });

  it('reports at intervals, with the retransmits and round trips of the kernel', async () => {
    const { code, intervals, summary, served } = await bench(serve('--discard'), [
      '--time',
      '0.9',
      '--interval',
      '0.2',
    ]);
    expect(code).toBe(0);
    expect(intervals.length).toBeGreaterThanOrEqual(4);
    const sum = intervals.reduce((total, { bytesOut }) => total + Number(bytesOut), 0);
    expect(summary).toMatchObject({ endReason: 'deadline', requestedBitsPerSecond: null });
    expect(Math.abs(Number(summary.bytesOut) - sum)).toBeLessThan(Number(summary.bytesOut) / 5);
    // Acknowledged is not more than what the server has read or holds.
    expect(Number(summary.bytesOut)).toBeLessThanOrEqual(Number(served.bytesIn) + (64 << 20));
    for (const { retransmits, rttMs } of [...intervals, summary]) {
      expect([typeof retransmits, typeof rttMs]).toEqual(['number', 'number']);
    }
    expect(Number(summary.durationMs)).toBeGreaterThan(850);
    expect(Number(summary.bitsPerSecond)).toBeCloseTo(
      (Number(summary.bytesOut) * 8000) / Number(summary.durationMs),
      -1,
    );
  });

  it('receives with --reverse, and both ways with --both', async () => {
    const reverse = await bench(serve('--chargen'), ['--reverse', '--time', '0.4']);
    expect([reverse.code, reverse.summary.bytesOut]).toEqual([0, 0]);
    expect(reverse.summary.bytesIn).toBeGreaterThan(1_000_000);
    const both = await bench(serve('--chargen'), ['--both', '--time', '0.4']);
    expect(both.summary.bytesIn).toBeGreaterThan(1_000_000);
    expect(both.summary.bytesOut).toBeGreaterThan(1_000_000);
  });

  it('keeps to a rate', async () => {
    const { summary } = await bench(serve('--discard'), ['--rate', '80mbit', '--time', '1.5', '--warmup', '0.3']);
    expect(summary.requestedBitsPerSecond).toBe(80e6);
    expect(Number(summary.bitsPerSecond)).toBeGreaterThan(60e6);
    expect(Number(summary.bitsPerSecond)).toBeLessThan(90e6);
  });

  it('ends with the server, and sums up', async () => {
    const server = serve('--discard');
    const port = await server.port();
    const client = start(['tcp', 'bench', `127.0.0.1:${port}`, '--json', '--interval', '0.1']);
    await client.until(({ stdout }) => (stdout.includes('tcp.interval') ? true : undefined));
    server.child.kill('SIGKILL');
    const { code, stderr } = await client.done;
    expect(code).toBe(1);
    expect(stderr).toMatch(/connection reset by peer|broken pipe|the server has ended the connection/);
  });

  it.each([
    [['--time', '1', '--bytes', '1M'], '--time and --bytes'],
    [['--reverse', '--both'], '--reverse and --both'],
    [['--rate', '5k'], 'a stream has no datagrams'],
    [['--rate', '1mbit', '--reverse'], '--rate with --reverse'],
    [['--parallel', '0'], 'is not a whole number from 1'],
    [['--length', '2M'], 'is not a size in bytes up to 1048576'],
  ])('refuses %s', async (args, message) => {
    const { code, stderr } = await sockctl(['tcp', 'bench', '127.0.0.1:1', ...args]);
    expect([code, stderr.trimEnd().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toContain(message);
  });

  it('writes a live line over and over on a terminal, and takes it away before each result', async (ctx) => {
    if (!hasCommand('script')) ctx.skip('script (bsdutils) is not installed');
    const server = serve('--discard');
    const command = `${process.execPath} ${MAIN} tcp bench 127.0.0.1:${await server.port()} --time 0.9 --interval 0.5`;
    const { stdout } = await run('script', ['-qec', command, '/dev/null'], { env: { TERM: 'xterm', COLUMNS: '80' } });
    await server.signal('SIGTERM');
    // What a terminal would do: each time the line is erased, what comes next stands in its place.
    const [, ...places] = stdout.toString().split('\r\x1b[K');
    const live = places.filter((text) => /^\[#+ *\] +\d+ % {2}[\d.]+ [GM]bit\/s {2}\d\.\d\d s\r$/.test(text));
    expect(live.length).toBeGreaterThanOrEqual(2);
    expect(places.some((text) => /^ +0\.00-0\.5\d s /.test(text))).toBe(true);
    expect(places.at(-1)).toMatch(/(?:0\.9|1\.[01])\d s on 1 connection/);
  });
});
