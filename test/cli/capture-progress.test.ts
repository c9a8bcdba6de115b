/** What a running capture tells beside its packets: --interval, SIGUSR1, and the view of --live on a real terminal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type HostPair } from '../hosts/namespaces.js';
import { MAIN, Running, records, run, sockctl, start } from './process.js';

let folder: string;
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

const pings = (count: number) =>
  sockctl(['raw', 'ping', '-c', String(count), '-i', '10ms', '-q', '127.0.0.1'], under());

describe('a running capture', () => {
  it('tells each interval, and how it stands when it is asked', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const file = join(folder, 'interval.pcap');
    const capture = start(['capture', '-i', 'lo', '-w', file, '--json', '--interval', '200ms', 'icmp'], under());
    await capture.until(({ stdout }) => (stdout.includes('capture.interval') ? true : undefined));
    await pings(5);
    const seen = await capture.until(({ stdout }) => {
      const found = records(stdout.subarray(0, stdout.lastIndexOf('\n') + 1)).filter((one) => one.packets !== 0);
      const sum = found.reduce((all, { packets = 0 }) => all + Number(packets), 0);
      return sum === 10 ? found : undefined;
    });
    expect(seen[0]).toMatchObject({ type: 'capture.interval', droppedKernel: expect.toSatisfy(isCount) });
    capture.child.kill('SIGUSR1');
    await capture.until(({ stdout }) => (stdout.includes('capture.statistics') ? true : undefined));
    const { code, stdout, stderr } = await capture.signal('SIGINT');
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^sockctl: 10 packets captured, \d+ received; dropped: kernel (\d+|\?), interface (\d+|\?), sockctl \d+$/m,
    );
    expect(stderr).not.toContain('Debugger');
    const all = records(stdout);
    expect(all.find(({ type }) => type === 'capture.statistics')).toMatchObject({ captured: 10, bytes: 980 });
    expect(all.at(-1)).toMatchObject({ type: 'capture.summary', captured: 10, endReason: 'interrupted' });
    // The intervals follow each other, and are all as long as was asked for, but for the last.
    const intervals = all.filter(({ type }) => type === 'capture.interval') as { fromMs: number; durationMs: number }[];
    for (const [i, { fromMs, durationMs }] of intervals.entries()) {
      const { fromMs: next = fromMs + durationMs } = intervals[i + 1] ?? {};
      expect(next).toBeCloseTo(fromMs + durationMs, 3);
    }
    return undefined;
  });

  it('is answered for by raw sniff too', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const sniff = start(['raw', 'sniff', '--protocol', 'icmp'], under());
    await sniff.until(({ stderr }) => (stderr.includes('sniffing on') ? true : undefined));
    await pings(1);
    await sniff.until(({ stdout }) => (stdout.includes('echo reply') ? true : undefined));
    sniff.child.kill('SIGUSR1');
    await sniff.until(({ stderr }) => (/^sockctl: 2 packets captured, 2 received/m.test(stderr) ? true : undefined));
    expect((await sniff.signal('SIGINT')).code).toBe(0);
    return undefined;
  });
});

/** A number, or null for what nobody has counted. */
const isCount = (value: unknown): boolean => value === null || Number.isInteger(value);

describe('the view', () => {
  it.each([
    [['--live'], /^sockctl: --live: stdout is no terminal; .*--interval 1s/],
    [['--live', '--json'], /^sockctl: --live and --json: one of them; .*--json --interval 1s/],
    [['--live', '--interval', '1s'], /^sockctl: --live and --interval: one of them; /],
    [['--live', '-w', '-'], /^sockctl: -w - and --live: both would go to stdout; /],
    [['--live', '-X'], /^sockctl: -X and --live: one of them; /],
    [['--live', '--format', 'pcap'], /^sockctl: --format pcap: of which file\?; add -w FILE/],
  ])('is refused with %j, and something else proposed', async (flags, line) => {
    const { code, stderr } = await sockctl(['capture', '-i', 'lo', ...flags]);
    expect(code).toBe(2);
    expect(stderr).toMatch(line);
  });

  it('takes the terminal and gives it back, while the file gets everything', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('script')) return ctx.skip('script (bsdutils) is not installed');
    const file = join(folder, 'live.pcapng');
    const command = `${process.execPath} ${MAIN} capture -i lo --live -w ${file} icmp`;
    const env = { TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
    const view = new Running('script', ['-qec', command, '/dev/null'], { ...under(), env, holdInput: true });
    await view.until(({ stdout }) => (stdout.includes('CONVERSATIONS (0)') ? true : undefined));
    await pings(5);
    await view.until(({ stdout }) => (/total {2}10 packets/.test(stdout.toString()) ? true : undefined));
    view.child.stdin?.write('q');
    const { code, stdout } = await view.done;
    expect(code).toBe(0);
    const text = stdout.toString();
    expect(text).toMatch(/ICMP 127\.0\.0\.1 → 127\.0\.0\.1/);
    const [before, , after] = text.replace('\x1b[?1049l', '\x1b[?1049h').split('\x1b[?1049h');
    expect(before).toContain('capturing on lo');
    expect(after).toContain('10 packets, 980 bytes');
    expect(text).toContain('\x1b[?25h');
    const { stdout: counted } = await run(process.execPath, [MAIN, 'capture', 'read', '--count-only', '-q', file]);
    expect(counted.toString()).toBe('10\n');
    return undefined;
  });
});
