/** What `raw ping` makes of its flags: wrong ones are one clear line, before anything is opened. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fillPattern, trafficClass } from '../../cli/args/values.js';
import { paceOf, planPing } from '../../cli/commands/ping-plan.js';
import type { CommandContext } from '../../cli/context.js';
import { buildProgram } from '../../cli/program.js';
import { silentLogger } from '../../src/log/events.js';

let stderr = '';
beforeEach(() => {
  stderr = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const REACHED = 'the sockets are next';

/** Runs the command up to its sockets. */
async function fail(args: string): Promise<{ readonly line: string; readonly exitCode: number }> {
  const program = buildProgram(async (options, command) => {
    const context = {
      json: options.json === true,
      logger: silentLogger,
      signal: new AbortController().signal,
      settings: [],
      output: { line: () => undefined, record: () => undefined },
      backend: () => Promise.reject(new Error(REACHED)),
    };
    await command(context as unknown as CommandContext);
  });
  try {
    await program.parseAsync(['raw', 'ping', ...args.split(' ')], { from: 'user' });
  } catch (error) {
    const { message, advice, exitCode } = error as { message: string; advice?: string; exitCode: number };
    return advice === undefined
      ? { line: stderr.trim() || message, exitCode: 2 }
      : { line: `sockctl: ${message}; ${advice}`, exitCode };
  }
  throw new Error('it ran');
}

describe('wrong usage', () => {
  it.each([
    ['-c 0 h', /'0' is not a whole number from 1/],
    ['-c x h', /-c, --count <N>.*'x' is not a whole number/],
    ['-i -1 h', /'-1' is not a duration such as 2, 0\.5, 200ms/],
    ['-i 1q h', /'1q' is not a duration/],
    ['-W 0 h', /-W, --timeout.*'0' is not above zero/],
    ['-W 2h h', /-W: above an hour/],
    ['-w never h', /'never' is not a duration/],
    ['-s 65508 h', /'65508' is not a size in bytes up to 65507/],
    ['-s -1 h', /'-1' is not a size/],
    ['-t 0 h', /'0' is not a whole number from 1 to 255/],
    ['-t 256 h', /'256' is not a whole number from 1 to 255/],
    ['-Q 256 h', /'256' is not a code point such as ef/],
    ['-Q gold h', /'gold' is not a code point/],
    ['-M maybe h', /Allowed choices are do, want, dont, probe/],
    ['-I 192.0.2.1 h', /-I 192\.0\.2\.1: that is an address; .* -S 192\.0\.2\.1/],
    ['-S 1.2.3 127.0.0.1', /bad address '1\.2\.3'/],
    ['-p fg h', /'fg' is not hex digits such as ff/],
    ['--rate 0 h', /'0' is not a rate such as/],
    ['--rate fast h', /'fast' is not a rate/],
    ['--retry 1001 h', /'1001' is not a whole number from 0 to 1000/],
    ['--seed -1 h', /'-1' is not a whole number from 0/],
    ['--progress 0 h', /'0' is not above zero/],
    ['--frob h', /unknown option '--frob'/],
    ['--json', /raw ping: whom\?; give a name, an address, a block/],
    ['127.0.0.300', /bad address '127\.0\.0\.300': part 4 is above 255/],
    ['10.0.0.1/24', /did you mean 10\.0\.0\.0\/24\?.*or 10\.0\.0\.1 for one address/],
    ['10.0.0.0/33', /the length is above 32/],
    ['2001:db8::/129', /the length is above 128/],
    ['-4 -6 h', /'-4, --ipv4' cannot be used with option '-6, --ipv6'/],
    ['-4 -S ::1 127.0.0.1', /-4 and --source ::1: IPv4 and IPv6/],
    ['-6 --timestamp-request ::1', /-6 and --timestamp-request: IPv6 and IPv4/],
    ['-6 --record-route ::1', /-6 and --record-route: IPv6 and IPv4/],
    ['--alive --unreachable h', /--alive and --unreachable: one of them/],
    ['--alive --summary-only h', /--alive and --summary-only: one of them; names are all that is printed/],
    ['--live --json h', /--live and --json: one of them; records with the figures: --json --progress 1s/],
    ['--live --unreachable h', /--unreachable and --live: one of them/],
    ['--live 127.0.0.1', /--live: stdout is no terminal/],
    ['-f -A h', /--flood and --adaptive: one of them/],
    ['-f -i 1 h', /--flood and -i: one of them; a flood goes by the answers/],
    ['-f --retry 1 h', /--flood and --retry: one of them/],
    ['-i 5s --retry 1 h', /-i and --retry: one of them; a retry waits for the timeout, -W/],
    ['-i 5s --alive h', /-i and --alive: one of them/],
    ['-i 5s --unreachable h', /-i and --unreachable: one of them/],
    ['-c 1 --retry 1 h', /--retry and -c: one of them/],
    ['--pmtu-search -s 9 h', /--pmtu-search and -s: one of them/],
    ['--pmtu-search -M do h', /--pmtu-search and -M: one of them/],
    ['--timestamp-request -p ff h', /--timestamp-request and -p: one of them/],
    ['-f 198.51.100.0/24', /--flood: 198\.51\.100\.0\/24 is on no network of this machine.*; add --yes/],
    ['-i 0 198.51.100.1', /-i: 198\.51\.100\.1 is on no network of this machine/],
    ['-i 0.5ms 198.51.100.1', /-i: 198\.51\.100\.1 is on no network/],
    ['--rate 1001 198.51.100.0/24', /--rate: 198\.51\.100\.0\/24 is on no network/],
    ['-A 198.51.100.1 198.51.100.2', /--adaptive: 198\.51\.100\.1 is on no network/],
  ])('%s', async (args, line) => {
    const failed = await fail(args);
    expect(failed.line).toMatch(/^sockctl: [^\n]+; [^\n]+$/);
    expect(failed.line).toMatch(line);
    expect(failed.exitCode).toBe(2);
  });

  it.each([
    '-c 1 -i 0.2 -W 1 -s 100 -t 5 -Q ef -M do -S 127.0.0.1 -p ff -w 3 127.0.0.1',
    '-f 127.0.0.1',
    '-f --yes 198.51.100.1',
    '-f --rate 1000 198.51.100.1',
    '--rate 1000 198.51.100.0/24',
    '-c 5 198.51.100.0/24',
    '-i 10ms 198.51.100.1',
    '-i 0 --alive 192.0.2.1',
    '-i 20ms -c 3 --alive 192.0.2.1',
    '--alive --retry 0 192.0.2.0/24 2001:db8::/64',
    '--random-order 127.0.0.0/24',
    '--pmtu-search -c 3 192.0.2.1',
  ])('is not %s', async (args) => {
    expect((await fail(args)).line).toContain(REACHED);
  });
});

describe('the plan', () => {
  it('goes on for one host, and once through several', () => {
    expect(planPing({}, false)).toMatchObject({ count: undefined, retries: undefined, ratePerSecond: undefined });
    expect(planPing({}, true)).toMatchObject({ count: 1, ratePerSecond: 1000 });
    expect(planPing({ live: true }, true)).toMatchObject({ count: undefined, ratePerSecond: 1000 });
    expect(planPing({ count: 3 }, true)).toMatchObject({ count: 3 });
    expect(planPing({ flood: true }, true)).toMatchObject({ count: undefined, ratePerSecond: undefined });
    expect(planPing({ interval: 5 }, true)).toMatchObject({ count: 1, intervalMs: 5, ratePerSecond: undefined });
  });

  it('tries silent hosts again where names are asked for, as fping does', () => {
    expect(planPing({ alive: true }, false)).toMatchObject({ retries: 3, count: undefined, timeoutMs: 1000 });
    expect(planPing({ unreachable: true, count: 2 }, true)).toMatchObject({ retries: undefined, count: 2 });
    expect(planPing({ retry: 0 }, true)).toMatchObject({ retries: 0, count: undefined, timeoutMs: undefined });
  });

  it('counts bits of ICMP', () => {
    const rate = { value: 1_000_000, unit: 'bits' } as const;
    expect(planPing({ rate, size: 117 }, false).ratePerSecond).toBe(1000);
    expect(planPing({ rate }, false).ratePerSecond).toBe(1_000_000 / 8 / 64);
  });

  it('has the rate alone say how often one host is pinged', () => {
    const rate = { value: 100, unit: 'datagrams' } as const;
    expect(planPing({ rate }, false)).toMatchObject({ ratePerSecond: 100, intervalMs: 10 });
    expect(planPing({ rate, interval: 1000 }, false)).toMatchObject({ ratePerSecond: 100, intervalMs: 1000 });
    expect(planPing({ rate }, true).intervalMs).toBeUndefined();
    expect(planPing({ rate, flood: true }, false).intervalMs).toBeUndefined();
  });

  it('knows how fast it may get', () => {
    const pace = (flags: Parameters<typeof paceOf>[0], hosts: number) =>
      paceOf(flags, planPing(flags, hosts > 1), hosts).perSecond;
    expect(pace({}, 1)).toBe(1);
    expect(pace({}, 65_536)).toBe(1000);
    expect(pace({ count: 9 }, 65_536)).toBe(1000);
    expect(pace({ interval: 10 }, 1)).toBe(100);
    expect(pace({ interval: 10, count: 5 }, 100)).toBe(10_000);
    expect(pace({ pmtuSearch: true }, 100)).toBe(2000);
    expect(pace({ interval: 0 }, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(pace({ adaptive: true }, 3)).toBe(3000);
    expect(pace({ flood: true, rate: { value: 5, unit: 'datagrams' } }, 3)).toBe(5);
  });
});

describe('values', () => {
  it('fill payloads as ping(8) does', () => {
    expect([...fillPattern('ff')]).toEqual([255]);
    expect([...fillPattern('DEADbeef')]).toEqual([0xde, 0xad, 0xbe, 0xef]);
    expect([...fillPattern('abc')]).toEqual([0xab, 0xc]);
  });

  it('are the whole byte of a traffic class', () => {
    expect([trafficClass('ef'), trafficClass('0x10'), trafficClass('af41+ect0'), trafficClass('0')]).toEqual([
      184, 16, 138, 0,
    ]);
  });
});
