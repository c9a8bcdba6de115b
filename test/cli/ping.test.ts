/** raw ping as a user runs it, beside ping(8) and fping(8), on loopback and between namespaces. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, hasIPv6, isRoot, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type HostPair } from '../hosts/namespaces.js';
import { type Finished, MAIN, Running, records, run, sockctl, start } from './process.js';

const LOOPBACK = hasIPv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
const ROOT = 'raw sockets need root';
const obstacle = namespaceObstacle();

const ofType = ({ stdout }: Finished, type: string) => records(stdout).filter((record) => record.type === type);
const summaries = (result: Finished) => ofType(result, 'ping.summary');
const lines = ({ stdout }: Finished) => stdout.toString().trim().split('\n');
const ping = (args: readonly string[], options: Parameters<typeof sockctl>[1] = {}) =>
  sockctl(['raw', 'ping', ...args], options);

let folder: string;
/** Nobody is at 10.99.0.77 to .83: tests have one each, as the kernel says so three seconds after the first packet. */
let hosts: HostPair;
const inA = () => ({ under: hosts.a.under });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  if (obstacle !== undefined) return;
  hosts = createHostPair();
  for (const last of [10, 11, 12]) hosts.ip(hosts.b, 'addr', 'add', `10.99.0.${last}/24`, 'dev', 'link0');
});
afterAll(() => {
  hosts?.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('raw ping on loopback', () => {
  it.for(['native', 'portable'])('gets an answer to every probe, %s backend', async (backend, ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const args = ['-c', '5', '-i', '0.02', '-s', '100', '--json', '--backend', backend, ...LOOPBACK];
    const result = await ping(args);
    expect(result.code).toBe(0);
    const replies = ofType(result, 'ping.reply');
    expect(replies).toHaveLength(5 * LOOPBACK.length);
    expect(replies[0]).toMatchObject({
      target: '127.0.0.1',
      address: '127.0.0.1',
      sequence: 1,
      bytes: 108,
      ttl: 64,
      timestamp: backend === 'native' ? 'kernel' : 'user',
      duplicate: false,
      corrupt: false,
    });
    expect(replies[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    for (const summary of summaries(result)) {
      expect(summary).toMatchObject({
        socket: 'raw',
        backend,
        transmitted: 5,
        received: 5,
        lossPercent: 0,
        inFlight: 0,
        late: 0,
        endReason: 'count',
      });
    }
    const last = records(result.stdout).at(-1);
    expect(last).toMatchObject(
      LOOPBACK.length > 1 ? { type: 'ping.total', hosts: 2, of: 2, alive: 2, received: 10 } : { type: 'ping.summary' },
    );
    return undefined;
  });

  it('keeps its schedule: 50 probes at 20 ms take 0.98 s', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const result = await ping(['-c', '50', '-i', '20ms', '--json', '127.0.0.1']);
    const times = ofType(result, 'ping.reply').map((record) => Date.parse(String(record.time)));
    const took = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(took).toBeGreaterThan(960);
    expect(took).toBeLessThan(1100);
    return undefined;
  });

  it('prints lines as ping(8) does, names with their addresses', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const [one, several] = await Promise.all([
      ping(['-4', '-c', '2', '-i', '20ms', '-v', '--log-level', 'error', '--histogram', 'localhost']),
      ping(['-4', '-c', '2', '-i', '20ms', 'localhost', '127.0.0.2']),
    ]);
    const rtt = String.raw`\d+\.\d{3}`;
    expect(one.stdout.toString()).toMatch(
      new RegExp(
        [
          String.raw`^PING localhost \(127\.0\.0\.1\): 56 bytes of payload`,
          String.raw`64 bytes from localhost \(127\.0\.0\.1\): icmp_seq=1 ttl=64 time=${rtt} ms user=${rtt} ms`,
          String.raw`64 bytes from localhost \(127\.0\.0\.1\): icmp_seq=2 ttl=64 time=${rtt} ms user=${rtt} ms`,
          '',
          String.raw`--- localhost \(127\.0\.0\.1\), raw socket ---`,
          '2 transmitted, 2 received, 0 % lost, .*',
          `rtt min/mean/max/stddev (${rtt}/){3}${rtt} ms, p50/p90/p99 (${rtt}/){2}${rtt} ms, jitter ${rtt} ms`,
          String.raw`( +[\d.]+ to +[\d.]+ ms +\d +\d+\.\d%( #+)?\n)+$`,
        ].join('\n'),
      ),
    );
    expect(several.stdout.toString()).toMatch(/^PING localhost \(127\.0\.0\.1\), 127\.0\.0\.2: /);
    expect(several.stdout.toString()).toMatch(/^127\.0\.0\.2: 2 transmitted, 2 received, 0 % lost, rtt min\/mean/m);
    expect(several.stdout.toString()).toMatch(/^--- 2 hosts, 2 alive, 0 without an answer ---$/m);
    return undefined;
  });

  it('floods: nothing but the end in a pipe, and every answer counted', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const result = await ping(['--flood', '-c', '500', '127.0.0.1']);
    expect(lines(result)).toHaveLength(5);
    expect(lines(result)[3]).toMatch(/^500 transmitted, 500 received, 0 % lost/);
    expect(result.code).toBe(0);
    return undefined;
  });

  it('asks for the time of day, and records the route', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const [clock, route] = await Promise.all([
      ping(['-c', '1', '--timestamp-request', '--json', '127.0.0.1']),
      ping(['-c', '1', '--record-route', '127.0.0.1']),
    ]);
    const [reply] = ofType(clock, 'ping.reply');
    expect(Math.abs(Number(reply?.receive) - Number(reply?.originate))).toBeLessThan(1000);
    expect(Math.abs(Number(reply?.clockOffsetMs))).toBeLessThan(100);
    expect(route.stdout.toString()).toMatch(/^ {2}route 127\.0\.0\.1( 127\.0\.0\.1)+$/m);
    return undefined;
  });
});

describe('hosts', () => {
  it('come from blocks, from stdin and from the command line, each once', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const input = '# a comment\n\n127.0.0.9   # with a comment\r\n127.0.1.0/30\n127.0.0.9\n127.0.1.1';
    const result = await ping(['--json', '--file', '-', '127.0.0.8'], { input });
    expect(result.code).toBe(0);
    expect(ofType(result, 'ping.reply').map(({ target }) => target)).toEqual([
      '127.0.0.8',
      '127.0.0.9',
      '127.0.1.1',
      '127.0.1.2',
    ]);
    expect(result.stderr).toContain('2 hosts are named again');
    expect(records(result.stdout).at(-1)).toMatchObject({ type: 'ping.total', hosts: 4, of: 4, alive: 4 });
    return undefined;
  });

  it('that are gone through once come to a total, where single probes are of no interest', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const [once, thrice] = await Promise.all([
      ping(['--json', '--summary-only', '-i', '0', '127.0.0.0/20']),
      ping(['--json', '--summary-only', '-c', '3', '-i', '10ms', '127.0.0.0/29']),
    ]);
    expect(records(once.stdout)).toMatchObject([{ type: 'ping.total', of: 4094, alive: 4094, received: 4094 }]);
    expect(records(thrice.stdout).map(({ type, received }) => [type, received])).toEqual([
      ...Array(6).fill(['ping.summary', 3]),
      ['ping.total', 18],
    ]);
    return undefined;
  });

  it('that have no address are told, and the others are pinged', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const result = await ping(['--json', 'no-such.invalid', '127.0.0.1', '-c', '1']);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^sockctl: getaddrinfo no-such\.invalid: .*; .+\n$/);
    const [unresolved, reply, last] = records(result.stdout);
    expect(unresolved).toMatchObject({ type: 'ping.unresolved', target: 'no-such.invalid' });
    expect(unresolved?.code).toMatch(/^EAI_/);
    expect([reply?.type, last?.type]).toEqual(['ping.reply', 'ping.summary']);
    return undefined;
  });

  it('none of which has an address: exit code 4, a line for each', async () => {
    const result = await ping(['--json', 'no-such.invalid', 'neither.invalid']);
    expect(result.code).toBe(4);
    expect(result.stderr.trim().split('\n')).toHaveLength(2);
    expect(records(result.stdout).map(({ type, endReason }) => [type, endReason])).toEqual([
      ['ping.unresolved', undefined],
      ['summary', 'error'],
    ]);
  });

  it('come in an order that a seed repeats', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const order = async (...flags: string[]) =>
      ofType(await ping(['--json', ...flags, '127.0.0.0/27']), 'ping.reply').map(({ target }) => String(target));
    const [plain, first, second, other] = await Promise.all([
      order(),
      order('--seed', '7'),
      order('--seed', '7'),
      order('--seed', '8', '--random-order'),
    ]);
    expect(plain).toEqual(Array.from({ length: 30 }, (_, i) => `127.0.0.${i + 1}`));
    expect(first).toEqual(second);
    expect(first).not.toEqual(plain);
    expect(other).not.toEqual(first);
    expect([...(first ?? [])].sort()).toEqual([...(plain ?? [])].sort());
    return undefined;
  });
});

describe('an end before the end', () => {
  it('has a valid summary at any moment', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const moments: [string[], (seen: Running) => boolean, string][] = [
      [['-i', '1s', '127.0.0.1'], (seen) => seen.received > 0, 'ping.summary'],
      [['-i', '5ms', '127.0.0.1'], ({ stdout }) => stdout.toString().split('ping.reply').length > 20, 'ping.summary'],
      [['--rate', '5k', '127.0.0.0/16'], (seen) => seen.received > 50_000, 'ping.total'],
      [['-A', '127.0.0.1', '127.0.0.2'], (seen) => seen.received > 5000, 'ping.total'],
    ];
    const ends = await Promise.all(
      moments.map(async ([args, ready, type]) => {
        const running = start(['raw', 'ping', '--json', ...args]);
        await running.until((seen) => (ready(seen) ? true : undefined));
        return { result: await running.signal('SIGINT'), type };
      }),
    );
    for (const { result, type } of ends) {
      expect(result.code).toBe(0);
      const last = records(result.stdout).at(-1);
      expect(last).toMatchObject({ type, endReason: 'interrupted', lossPercent: 0 });
      const { received, late, lost, errors, inFlight, transmitted } = last as Record<string, number>;
      expect((received ?? 0) + (late ?? 0) + (lost ?? 0) + (errors ?? 0) + (inFlight ?? 0)).toBe(transmitted);
      const replies = ofType(result, 'ping.reply').filter(({ duplicate }) => duplicate === false);
      expect(replies).toHaveLength(received ?? 0);
    }
    return undefined;
  });

  it('while hosts are read from a pipe: nothing was done', async () => {
    const pipe = join(folder, 'pipe');
    await run('mkfifo', [pipe]);
    const running = start(['raw', 'ping', '--json', '--file', pipe]);
    // Opening a pipe waits for its reader.
    const writer = new Running('sh', ['-c', `exec 3> ${pipe}; echo 127.0.0.1 >&3; echo open; cat`], {
      holdInput: true,
    });
    await writer.until(({ received }) => (received > 0 ? true : undefined));
    const { code, stdout } = await running.signal('SIGINT');
    expect(code).toBe(130);
    expect(records(stdout)).toMatchObject([{ type: 'summary', endReason: 'interrupted' }]);
    writer.child.stdin?.end();
    await writer.done;
  });

  it('tells how it stands on SIGQUIT and SIGUSR1, and now and then', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const running = start(['raw', 'ping', '--json', '-i', '20ms', '--progress', '100ms', '127.0.0.1']);
    const count = (seen: Running) => seen.stderr.split('transmitted').length - 1;
    await running.until(({ stdout }) => (stdout.includes('ping.statistics') ? true : undefined));
    running.child.kill('SIGQUIT');
    await running.until((seen) => (count(seen) === 1 ? true : undefined));
    running.child.kill('SIGUSR1');
    await running.until((seen) => (count(seen) === 2 ? true : undefined));
    const result = await running.signal('SIGINT');
    expect(result.stderr).toMatch(
      /^(sockctl: \d+ transmitted, \d+ received, 0 % lost.*, rtt min\/mean\/p90\/max .* ms\n){2}$/,
    );
    const statistics = ofType(result, 'ping.statistics');
    expect(statistics.length).toBeGreaterThan(2);
    for (const one of statistics) expect(one).toMatchObject({ hosts: 1, alive: 1, lossPercent: 0 });
    return undefined;
  });
});

describe('between two hosts', () => {
  it.for(['ipv4', 'ipv6'] as const)('agrees with ping(8) over %s', async (family, ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('ping')) return ctx.skip('ping is not installed');
    const { b } = hosts;
    // Alternating, so that both meet the same machine; the neighbour is known after the first.
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < 3; round++) {
      const mine = await ping(['-c', '20', '-i', '10ms', '-s', '100', '-t', '9', '--json', b[family]], inA());
      expect(mine.code).toBe(0);
      const [summary] = summaries(mine);
      expect(summary).toMatchObject({ transmitted: 20, received: 20 });
      ours.push((summary as { rttMs: { p50: number } }).rttMs.p50);
      const peer = await run('ping', ['-c', '20', '-i', '0.01', '-s', '100', '-q', b[family]], inA());
      expect(peer.stdout.toString()).toContain('20 packets transmitted, 20 received');
      theirs.push(Number(/= [\d.]+\/([\d.]+)\//.exec(peer.stdout.toString())?.[1]));
    }
    const median = (values: number[]) => [...values].sort((x, y) => x - y)[1] ?? Number.NaN;
    // Both are tens of microseconds here; a wrong clock or a wrong unit would be off by far more than the noise.
    expect(Math.abs(median(ours) - median(theirs))).toBeLessThan(0.15);
    return undefined;
  });

  it('sends what ping(8) sends: the same sizes, patterns, classes and lifetimes', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not installed');
    const { a, b } = hosts;
    const dump = new Running('tcpdump', ['-nvvxi', 'link0', '-c', '4', '--immediate-mode', '-l', 'icmp[0] = 8'], {
      under: b.under,
    });
    await dump.until(({ stderr }) => (stderr.includes('listening on') ? true : undefined));
    const common = ['-c', '2', '-s', '40', '-p', 'ca0', '-t', '77', '-I', 'link0', b.ipv4];
    const mine = await ping(['-i', '50ms', '-Q', 'ef', '-M', 'do', ...common], inA());
    expect(mine.code).toBe(0);
    await run('ping', ['-i', '0.05', '-Q', '0xb8', '-M', 'do', ...common], inA());
    const packets = (await dump.done).stdout.toString().split(/^(?=\S)/m);
    expect(packets).toHaveLength(4);
    const facts = packets.map((packet) => {
      const hex =
        packet
          .match(/^\t0x[0-9a-f]+: +(.*)$/gm)
          ?.map((line) => line.replace(/^\t0x[0-9a-f]+:/, ''))
          .join('') ?? '';
      return {
        head: /tos 0x([0-9a-f]+).*ttl (\d+).*flags \[(\w*)\].*length (\d+)/.exec(packet)?.slice(1),
        sequence: /seq (\d+)/.exec(packet)?.[1],
        // Behind the IP header, that of ICMP, and what says whose the packet is: 16 bytes here as there.
        fill: hex.replace(/\s/g, '').slice(2 * 44),
      };
    });
    expect(facts[0]).toMatchObject({ head: ['b8', '77', 'DF', '68'], sequence: '1' });
    expect(facts[0]?.fill).toMatch(/^(ca00|00ca)*(ca)?$/);
    expect(facts.slice(0, 2).map(({ head, sequence }) => [head, sequence])).toEqual(
      facts.slice(2).map(({ head, sequence }) => [head, sequence]),
    );
    expect(mine.stdout.toString()).toContain('48 bytes from 10.99.0.2: icmp_seq=2 ttl=64');
    expect(a.ipv4).toBe('10.99.0.1');
    return undefined;
  });

  it('names who is alive and who is not, as fping(8) does', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('fping')) return ctx.skip('fping is not installed');
    const file = join(folder, 'hosts');
    writeFileSync(
      file,
      ['10.99.0.2', '10.99.0.10', '10.99.0.77', '10.99.0.11', '10.99.0.78', '10.99.0.12', ''].join('\n'),
    );
    const ours = (...flags: string[]) => ping(['-q', '--retry', '1', '-W', '200ms', '--file', file, ...flags], inA());
    const theirs = (flag: string) => run('fping', [flag, '-r', '1', '-t', '200', '-f', file], inA());
    const sorted = (result: Finished) => lines(result).sort();
    const [alive, unreachable, theirAlive, theirUnreachable] = await Promise.all([
      ours('--alive'),
      ours('--unreachable'),
      theirs('-a'),
      theirs('-u'),
    ]);
    expect(sorted(alive)).toEqual(['10.99.0.10', '10.99.0.11', '10.99.0.12', '10.99.0.2']);
    expect(sorted(alive)).toEqual(sorted(theirAlive));
    expect(sorted(unreachable)).toEqual(['10.99.0.77', '10.99.0.78']);
    expect(sorted(unreachable)).toEqual(sorted(theirUnreachable));
    for (const one of [alive, unreachable, theirAlive, theirUnreachable]) expect(one.code).toBe(1);
    // All of a block, and as records.
    const block = await ping(['--alive', '--json', '10.99.0.10/31'], inA());
    const peer = await run('fping', ['-a', '-g', '10.99.0.10', '10.99.0.11'], inA());
    expect([block.code, peer.code]).toEqual([0, 0]);
    expect(records(block.stdout).map(({ type, target }) => [type, target])).toEqual([
      ['ping.summary', '10.99.0.10'],
      ['ping.summary', '10.99.0.11'],
      ['ping.total', undefined],
    ]);
    return undefined;
  });

  it('reports a timeout for an address where nobody is, and what the router says', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a } = hosts;
    const [silent, noRoute] = await Promise.all([
      ping(['-c', '2', '-i', '20ms', '-W', '200ms', '--json', '10.99.0.81'], { under: a.under }),
      ping(['-c', '1', '--json', '198.51.100.1'], { under: a.under }),
    ]);
    expect(silent.code).toBe(1);
    expect(summaries(silent)[0]).toMatchObject({ transmitted: 2, received: 0, lossPercent: 100 });
    expect(noRoute.code).toBe(1);
    expect(records(noRoute.stdout)[0]).toMatchObject({
      type: 'ping.error',
      message: expect.stringContaining('ENETUNREACH'),
    });
    return undefined;
  });

  it('attributes an ICMP error to the probe that it quotes, on raw and ping sockets', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, b, ip } = hosts;
    // b forwards, and has nowhere to send 203.0.113.0/24: it says so.
    ip(a, 'route', 'replace', '203.0.113.0/24', 'via', b.ipv4);
    ip(b, 'route', 'replace', 'unreachable', '203.0.113.0/24');
    await run('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/icmp_ratelimit'], {
      under: b.under,
    });
    const nobody = [...a.under, 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const args = ['-c', '2', '-i', '20ms', '--json', '203.0.113.9'];
    const denied = await ping(args, { under: nobody });
    expect(denied.code).toBe(3);
    expect(denied.stderr).toMatch(/^sockctl: .*CAP_NET_RAW.*ping_group_range/m);
    expect(records(denied.stdout)).toMatchObject([{ type: 'summary', endReason: 'error' }]);
    await run('sh', ['-c', 'echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range'], { under: a.under });
    for (const [socket, under] of [
      ['raw', a.under],
      ['dgram', nobody],
    ] as const) {
      const result = await ping(args, { under });
      expect(ofType(result, 'ping.error')).toMatchObject([
        { sequence: 1, address: b.ipv4, icmpType: 3, icmpCode: 1, message: 'host unreachable' },
        { sequence: 2, address: b.ipv4, icmpType: 3, icmpCode: 1 },
      ]);
      expect(summaries(result)[0]).toMatchObject({ socket, transmitted: 2, received: 0, errors: 2, lossPercent: 100 });
      expect(result.code).toBe(1);
    }
    const text = await ping(['-c', '1', '203.0.113.9', b.ipv4], inA());
    expect(lines(text)).toContain(`From ${b.ipv4}: icmp_seq=1 host unreachable (to 203.0.113.9)`);
    return undefined;
  });

  it('goes through a network without end in a time, and in bounded memory', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('time')) return ctx.skip('time is not installed');
    // Behind a router: neighbours without end would fill the kernel's table of them, which all namespaces share.
    hosts.ip(hosts.a, '-6', 'route', 'add', 'fd98::/64', 'via', hosts.b.ipv6);
    const args = [
      '-f',
      'peak %M',
      process.execPath,
      MAIN,
      'raw',
      'ping',
      '--json',
      '-w',
      '1s',
      '--rate',
      '2k',
      '--yes',
      'fd98::/64',
    ];
    const result = await run('time', args, inA());
    const total = records(result.stdout).at(-1);
    expect(total).toMatchObject({ type: 'ping.total', of: '18446744073709551616', endReason: 'deadline' });
    expect(Number(total?.hosts)).toBeGreaterThan(500);
    expect(Number(total?.durationMs)).toBeLessThan(1500);
    const peak = Number(/peak (\d+)/.exec(result.stderr)?.[1]);
    expect(peak).toBeGreaterThan(10_000);
    expect(peak / 1024).toBeLessThan(140);
    return undefined;
  });
});

describe('on a terminal', () => {
  const terminal = { TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
  const onTerminal = (size: string, ...args: string[]) => {
    const command = `stty ${size}; exec ${process.execPath} ${MAIN} raw ping ${args.join(' ')}`;
    return new Running('script', ['-qec', command, '/dev/null'], { ...inA(), env: terminal, holdInput: true });
  };

  it('has a live view with a row a host, whose keys sort, pause and quit', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('script')) return ctx.skip('script (bsdutils) is not installed');
    const view = onTerminal(
      'cols 100 rows 12',
      '--live',
      '-i',
      '50ms',
      '-W',
      '100ms',
      '10.99.0.2',
      '10.99.0.82',
      '127.0.0.0/28',
    );
    await view.until(({ stdout }) => (/10\.99\.0\.82 +100\.0%.*lost.*xxx/.test(stdout.toString()) ? true : undefined));
    const first = view.stdout.toString();
    expect(first).toMatch(/10\.99\.0\.2 +0\.0% +\d+ +0\.\d{3} ms +0\.\d{3} ms +0\.\d{3} ms [▁-█]/);
    expect(first).toContain('and 11 more hosts');
    view.child.stdin?.write('s');
    await view.until(({ stdout }) => (stdout.includes('LOSS▼') ? true : undefined));
    view.child.stdin?.write(' ');
    await view.until(({ stdout }) => (stdout.includes('PAUSED') ? true : undefined));
    view.child.stdin?.write('q');
    const { code, stdout } = await view.done;
    // One of them has not answered, but others have: it is over because somebody has ended it.
    expect(code).toBe(0);
    const [, , after = ''] = stdout.toString().replace('\x1b[?1049l', '\x1b[?1049h').split('\x1b[?1049h');
    expect(after).toMatch(/10\.99\.0\.82: \d+ transmitted, 0 received, 100 % lost/);
    expect(after).toContain('--- 16 hosts, 15 alive, 1 without an answer ---');
    return undefined;
  });

  it('floods with a dot for each probe that is lost', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('script')) return ctx.skip('script (bsdutils) is not installed');
    const result = await onTerminal('cols 80 rows 24', '-f', '-c', '5', '-W', '100ms', '10.99.0.83').done;
    expect(result.stdout.toString()).toMatch(/payload\r\n\.{5}\r\n--- 10\.99\.0\.83/);
    return undefined;
  });

  it('is needed for a view', async () => {
    const result = await ping(['--live', '127.0.0.1']);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/^sockctl: --live: stdout is no terminal; .+\n$/);
  });
});
