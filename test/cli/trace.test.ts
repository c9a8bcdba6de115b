/** `raw trace` as a process: chains of routers beside traceroute and mtr, and what routers add, in networks of the tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, namespaceObstacle } from '../hosts/machine.js';
import { ip } from '../hosts/namespace.js';
import type { NetworkDescription } from '../hosts/network-model.js';
import { createRouterChain, type RouterChain } from '../hosts/router-chain.js';
import { createTunNetwork, type TunNetwork } from '../hosts/tun-network.js';
import { type Finished, MAIN, Running, records, run, sockctl, start } from './process.js';

const obstacle = namespaceObstacle();
const UNPRIVILEGED = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const NAME_SERVER = new URL('../hosts/programs/name-server.mjs', import.meta.url).pathname;

/** What there is of a hop in the output of this program and of traceroute: the addresses, and the marks. */
function hopsOf(stdout: Buffer): { addresses: string[]; marks: string[] }[] {
  const lines = stdout.toString().split('\n');
  return lines
    .filter((line) => /^ ?\d+ {2}/.test(line))
    .map((line) => ({
      addresses: [...new Set(line.match(/(?<= )[0-9a-f]+[.:][0-9a-f.:]+(?= )/g) ?? [])].filter((word) =>
        /^(\d+\.){3}\d+$|:.*:/.test(word),
      ),
      marks: [...new Set(line.match(/![A-Za-z][0-9-]*/g) ?? [])],
    }));
}

const typed = (result: Finished, type: string) => records(result.stdout).filter((record) => record.type === type);

describe('beside traceroute and mtr', () => {
  let chain: RouterChain;
  /** One for each: what Linux says of such routes is few words a second, whatever its limits. */
  let refusing: readonly [RouterChain, RouterChain];
  beforeAll(() => {
    if (obstacle !== undefined) return;
    const refuse = () => createRouterChain({ hops: 3, refuse: { at: 2, because: 'prohibit' } });
    chain = createRouterChain({ hops: 5, silent: [3] });
    refusing = [refuse(), refuse()];
  });
  afterAll(() => {
    for (const each of [chain, ...(refusing ?? [])]) each?.remove();
  });

  it.for([
    ['ipv4', 'icmp', ['-I']],
    ['ipv4', 'udp', []],
    ['ipv4', 'tcp', ['-T']],
    ['ipv6', 'icmp', ['-I']],
    ['ipv6', 'udp', []],
  ] as const)('finds the same hops over %s with %s', async ([family, protocol, how], ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('traceroute')) return ctx.skip('traceroute is not installed');
    const { under } = chain.client;
    const target = chain.server[family];
    const [ours, theirs] = await Promise.all([
      sockctl(['raw', 'trace', '--protocol', protocol, '-W', '500ms', target], { under }),
      run('traceroute', ['-n', '-w', '0.5', '-q', '3', ...how, target], { under }),
    ]);
    expect(ours.code, ours.stderr).toBe(0);
    expect(hopsOf(ours.stdout)).toEqual(hopsOf(theirs.stdout));
    expect(hopsOf(ours.stdout).map(({ addresses }) => addresses)).toEqual(chain.hops(family));
    expect(ours.stdout.toString()).toMatch(/\n 3 {2}\* {2}\* {2}\*\n/);
    expect(ours.stdout.toString()).toContain(`\nreached ${target} in 5 hops\n`);
    return undefined;
  });

  it('has the marks of traceroute where somebody refuses', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('traceroute')) return ctx.skip('traceroute is not installed');
    for (const family of ['ipv4', 'ipv6'] as const) {
      const [{ client, server }, { client: other }] = refusing;
      const target = server[family];
      const [ours, theirs] = await Promise.all([
        sockctl(['raw', 'trace', '-W', '500ms', '-q', '1', target], { under: client.under }),
        run('traceroute', ['-n', '-w', '0.5', '-q', '1', '-I', target], { under: other.under }),
      ]);
      expect(ours.code).toBe(1);
      expect(hopsOf(ours.stdout)).toEqual(hopsOf(theirs.stdout));
      expect(hopsOf(ours.stdout)[1]?.marks).toEqual(['!X']);
      expect(ours.stdout.toString()).toMatch(/\nnot reached: \S+ at hop 2 says '[^']*prohibited[^']*' \(!X\)\n$/);
    }
    return undefined;
  });

  it('reports as mtr does', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('mtr')) return ctx.skip('mtr is not installed');
    const { under } = chain.client;
    const target = chain.server.ipv4;
    const how = ['--report', '3', '-i', '200ms', '-W', '300ms'];
    const [text, json, theirs] = await Promise.all([
      sockctl(['raw', 'trace', ...how, target], { under }),
      sockctl(['raw', 'trace', ...how, '--json', target], { under }),
      run('mtr', ['-n', '--report', '--json', '-c', '3', '-i', '0.2', '-G', '1', target], { under }),
    ]);
    const { hubs } = JSON.parse(theirs.stdout.toString()).report as { hubs: Record<string, number | string>[] };
    const rows = typed(json, 'trace.report') as unknown as {
      ttl: number;
      sent: number;
      lossPercent: number;
      meanMs: number | null;
      addresses: { address: string }[];
    }[];
    const found = rows.map((row) => [row.ttl, row.addresses[0]?.address ?? '???', row.sent, row.lossPercent]);
    expect(found).toEqual(hubs.map((hub) => [Number(hub.count), hub.host, hub.Snt, hub['Loss%']]));
    for (const [at, hub] of hubs.entries()) {
      // Fractions of a millisecond here: a wrong unit would be off by far more than the noise.
      if (hub.host !== '???') expect(Math.abs((rows[at]?.meanMs ?? Number.NaN) - Number(hub.Avg))).toBeLessThan(5);
    }
    const table = text.stdout.toString().trimEnd().split('\n');
    expect(table[1]).toBe('Hop Host             Loss%  Snt   Last    Avg   Best   Wrst  StDev    p90 Jitter');
    expect(table.slice(2, -1).map((line) => line.trim().split(/ +/).slice(0, 4))).toEqual(
      found.map(([ttl, address, sent, loss]) => [
        String(ttl),
        address === '???' ? '*' : address,
        `${Number(loss).toFixed(1)}%`,
        String(sent),
      ]),
    );
    expect(Math.max(...table.slice(1).map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(table.at(-1)).toBe(`reached ${target} in 5 hops; 3 rounds`);
    expect(typed(json, 'trace.hop')).toHaveLength(15);
    expect(records(json.stdout).at(-1)).toMatchObject({ type: 'trace.summary', reached: true, rounds: 3, sent: 15 });
    return undefined;
  });

  it('says what this machine does not send, and what to try', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { client, server } = chain;
    ip('-n', client.name, 'route', 'add', 'prohibit', '10.95.0.1');
    const broadcast = server.ipv4.replace(/\d+$/, '255');
    ip('-n', client.name, 'route', 'add', 'broadcast', broadcast, 'dev', 'lo');
    const trace = (...args: readonly string[]) => sockctl(['raw', 'trace', ...args], { under: client.under });
    const [large, prohibited, everybody] = await Promise.all([
      trace('-F', '-s', '3000', server.ipv4),
      trace('10.95.0.1'),
      trace(broadcast),
    ]);
    expect(large.stdout.toString()).toMatch(/\n {4}\[.*the way there takes 1500.*; send 1500 bytes at most\]\n/);
    expect(prohibited.stderr).toMatch(/\(EACCES\); a route of this machine forbids it: ip route get ADDRESS$/m);
    expect(everybody.stdout.toString()).toMatch(/\(EACCES\); a broadcast address has no one way to it: give the add/);
    expect([large, prohibited, everybody].map(({ code }) => code)).toEqual([1, 3, 1]);
    return undefined;
  });

  it('reports one round as it does several', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { client, server } = chain;
    const { stdout } = await sockctl(['raw', 'trace', '--report', '1', '-W', '500ms', '--json', server.ipv4], {
      under: client.under,
    });
    expect(records(stdout).at(-1)).toMatchObject({ rounds: 1, hops: 5, sent: 5 });
    return undefined;
  });

  it('takes a mapped address as the IPv4 address that it is', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { client, server } = chain;
    const { stdout, code } = await sockctl(['raw', 'trace', '-W', '500ms', '--json', `::ffff:${server.ipv4}`], {
      under: client.under,
    });
    expect(code).toBe(0);
    expect(records(stdout).at(-1)).toMatchObject({ target: `::ffff:${server.ipv4}`, address: server.ipv4, hops: 5 });
    return undefined;
  });

  it('takes no privilege: it goes through ping sockets, or UDP where those are not allowed', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const under = [...chain.client.under, ...UNPRIVILEGED];
    for (const [range, header] of [
      ['0 2147483647', /^trace to .*: ICMP, /],
      ['1 0', /^trace to .*: UDP port /],
    ] as const) {
      await run('sysctl', ['-q', '-w', `net.ipv4.ping_group_range=${range}`], { under: chain.client.under });
      for (const family of ['ipv4', 'ipv6'] as const) {
        const args = ['raw', 'trace', '-W', '500ms', '--log-format', 'json', chain.server[family]];
        const ours = await sockctl(args, { under });
        expect(ours.code, ours.stderr).toBe(0);
        expect(ours.stdout.toString()).toMatch(header);
        expect(hopsOf(ours.stdout).map(({ addresses }) => addresses)).toEqual(chain.hops(family));
      }
    }
    const asked = await sockctl(['raw', 'trace', '--protocol', 'icmp', chain.server.ipv4], { under });
    expect(asked.code, asked.stderr).toBe(3);
    const denied = await sockctl(['raw', 'trace', '--protocol', 'tcp', '--json', chain.server.ipv4], { under });
    expect(denied.code).toBe(3);
    expect(denied.stderr).toMatch(/^sockctl: .*; .*(sudo|CAP_NET_RAW)/m);
    expect(records(denied.stdout).at(-1)).toMatchObject({ endReason: 'error', error: { code: 'EPERM' } });
    return undefined;
  });

  it('shows the figures on a terminal, and takes its keys', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('script')) return ctx.skip('script (bsdutils) is not installed');
    const target = chain.server.ipv4;
    const command = `stty cols 80 rows 24; ${process.execPath} ${MAIN} raw trace --live -i 100ms -W 300ms ${target}`;
    const env = { TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
    const { under } = chain.client;
    const view = new Running('script', ['-qec', command, '/dev/null'], { under, env, holdInput: true });
    let seen = 0;
    const until = async (pattern: RegExp) => {
      await view.until(({ stdout }) => (pattern.test(stdout.toString().slice(seen)) ? true : undefined));
      seen = view.stdout.toString().length;
    };
    await until(/reached in 5 hops.* {3}5 {2}10\.70\.5\.2 +0\.0%/s);
    view.child.stdin?.write('s');
    await until(/s sort \(loss\)/);
    view.child.stdin?.write('p');
    await until(/PAUSED/);
    view.child.stdin?.write('r');
    await until(/60 bytes +0:0\d .*10\.70\.5\.2 +0\.0% +\d/s);
    view.child.stdin?.write('q');
    const { code, stdout } = await view.done;
    expect(code).toBe(0);
    const text = stdout.toString();
    const [before, , after] = text.replace('\x1b[?1049l', '\x1b[?1049h').split('\x1b[?1049h');
    expect(before).toBe('');
    expect(after).toMatch(/trace to .*\r\nHop Host .*\r\n {2}1 10\.70\.1\.2 .*\r\n/s);
    expect(after).toMatch(/; \d+ rounds\r\n$/);
    return undefined;
  });

  it('ends at a signal with what there is, and with nothing where there is nothing', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { under } = chain.client;
    const tracing = start(['raw', 'trace', '--report', '1000', '-i', '50ms', '--json', chain.server.ipv4], { under });
    await tracing.until(({ stdout }) => (stdout.includes('"round":2') ? true : undefined));
    const result = await tracing.signal('SIGINT');
    expect(result.code).toBe(0);
    const summary = records(result.stdout).at(-1);
    expect(summary).toMatchObject({ type: 'trace.summary', endReason: 'interrupted', reached: true });
    const { sent, received, lost, inFlight, late } = summary as Record<string, number>;
    expect(sent).toBe(Number(received) + Number(lost) + Number(inFlight) + Number(late));
    expect(typed(result, 'trace.report').length).toBeGreaterThan(0);
    return undefined;
  });

  it('tells how it stands when asked', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { under } = chain.client;
    const tracing = start(['raw', 'trace', '--report', '1000', '-i', '50ms', chain.server.ipv4], { under });
    await tracing.until(({ stdout }) => (stdout.includes('trace to') ? true : undefined));
    const asking = setInterval(() => tracing.child.kill('SIGUSR1'), 100);
    await tracing.until(({ stderr }) => (/^Hop Host .*\n {2}1 10\.70\.1\.2 /m.test(stderr) ? true : undefined));
    clearInterval(asking);
    const { code, stdout } = await tracing.signal('SIGTERM');
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(/\nreached 10\.70\.5\.2 in 5 hops; \d+ rounds?\n$/);
    return undefined;
  });

  it('ends in time', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { under } = chain.client;
    const args = ['raw', 'trace', '--report', '1000', '-i', '50ms', '-w', '400ms', '--json', chain.server.ipv4];
    const result = await sockctl(args, { under });
    expect(result.code).toBe(0);
    expect(records(result.stdout).at(-1)).toMatchObject({ endReason: 'deadline', reached: true });
    return undefined;
  });
});

/**
 * One after the other: labels, interface information, two ways, a translator and a marker; beside that way one where
 * somebody refuses, and one that nobody answers on. Addresses as of the public net, for those who ask about them.
 */
const NETWORK: NetworkDescription = {
  about: 'What routers add to their answers.',
  nodes: {
    prober: { kind: 'prober', addresses: ['10.60.0.2', 'fd60::2'] },
    r1: {
      kind: 'router',
      addresses: ['1.0.1.1', 'fd60:0:1::1'],
      mpls: [{ label: 300_016, trafficClass: 2, ttl: 1 }],
      interface: { index: 2, name: 'eth0', mtu: 1500 },
      balance: 'flow',
    },
    left: { kind: 'router', addresses: ['1.0.2.1', 'fd60:0:2::1'] },
    right: { kind: 'router', addresses: ['1.0.2.2', 'fd60:0:2::2'] },
    r3: {
      kind: 'router',
      addresses: ['1.0.3.1', 'fd60:0:3::1'],
      dscp: 8,
      nat: { addresses: ['203.0.113.7', 'fd60:9::7'], restores: [] },
      refuses: [
        { to: '198.51.101.0/24', because: 'prohibited' },
        { to: 'fd60:101::/64', because: 'prohibited' },
      ],
    },
    r4: { kind: 'router', addresses: ['1.0.4.1', 'fd60:0:4::1'] },
    server: { kind: 'host', addresses: ['198.51.100.9', 'fd60:100::9'], tcp: { open: [80] } },
    beyond: { kind: 'host', addresses: ['198.51.101.9', 'fd60:101::9'] },
    dark: { kind: 'host', addresses: ['198.51.102.9', 'fd60:102::9'], silent: true },
  },
  links: [
    { path: ['prober', 'r1', 'left', 'r3', 'r4', 'server'], delayMs: 0.2 },
    { path: ['r1', 'right', 'r3'], delayMs: 0.2 },
    { path: ['r3', 'beyond'], delayMs: 0.2 },
    { path: ['r4', 'dark'], delayMs: 0.2 },
  ],
};

const TARGET = '198.51.100.9';

describe('what routers add', () => {
  let network: TunNetwork;
  let server: ChildProcess | undefined;
  let asked = '';
  const etc = () => join('/etc/netns', network.namespace);

  beforeAll(async () => {
    if (obstacle !== undefined) return;
    network = await createTunNetwork(NETWORK);
    mkdirSync(etc(), { recursive: true });
    writeFileSync(join(etc(), 'resolv.conf'), 'nameserver 127.0.0.1\n');
    const zone = {
      '1.1.0.1.in-addr.arpa': { PTR: ['r1.example'] },
      '1.1.0.1.origin.asn.cymru.com': { TXT: ['64500 64501 | 1.0.0.0/16 | AU | apnic | 2011-08-11'] },
      '1.3.0.1.in-addr.arpa': { PTR: ['9.9.9.9'] },
      '1.3.0.1.origin.asn.cymru.com': { TXT: ['64502 | 9.0.0.0/8 | AU | apnic |'] },
      // Nobody says anything about these.
      '1.4.0.1.in-addr.arpa': null,
      '1.4.0.1.origin.asn.cymru.com': null,
    };
    const [command = '', ...under] = network.under;
    server = spawn(command, [...under, process.execPath, NAME_SERVER, '127.0.0.1', JSON.stringify(zone)]);
    server.stdout?.on('data', (chunk: Buffer) => {
      asked += chunk.toString();
    });
    await once(server.stdout as NonNullable<typeof server.stdout>, 'data');
  });
  afterAll(async () => {
    if (server?.kill() === true) await once(server, 'exit');
    if (network !== undefined) rmSync(etc(), { recursive: true, force: true });
    await network?.remove();
  });

  /** Lines of text with their times as T. */
  const lines = ({ stdout }: Finished) =>
    stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/\d+\.\d{3}(?=[ -])/g, 'T').replace(/T-T/, 'T'));
  const trace = (args: readonly string[], under: readonly string[] = network.under) =>
    sockctl(['raw', 'trace', '-W', '500ms', ...args], { under });

  it('stands under the hop, or in its records', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const how = ['--protocol', 'udp', '-q', '1', '-Q', '0xb8'];
    const text = await trace([...how, TARGET]);
    expect(text.code, text.stderr).toBe(0);
    const shown = lines(text);
    expect(shown[0]).toMatch(
      /^trace to 198\.51\.100\.9 from 10\.60\.0\.2: UDP port 33434, paris, 30 hops at most, \d+ b/,
    );
    expect(shown.slice(1, 4)).toEqual([
      ' 1  1.0.1.1  T ms',
      '    [MPLS: label 300016 tc 2 ttl 1]',
      '    [incoming interface: eth0, index 2, 1.0.1.1, mtu 1500]',
    ]);
    expect(shown[4]).toMatch(/^ 2 {2}1\.0\.2\.[12] {2}T ms$/);
    expect(shown.slice(5)).toEqual([
      ' 3  1.0.3.1  T ms',
      ' 4  1.0.4.1  T ms',
      '    [NAT: quoted as from 203.0.113.7]',
      '    [DSCP: 46 became 8]',
      ' 5  198.51.100.9  T ms',
      'reached 198.51.100.9 in 5 hops',
    ]);
    const json = await trace([...how, '--json', TARGET]);
    const hops = typed(json, 'trace.hop');
    expect(hops).toMatchObject([
      {
        ttl: 1,
        name: null,
        probes: [
          {
            address: '1.0.1.1',
            icmpType: 11,
            icmpCode: 0,
            extensions: [
              { kind: 'mpls', labels: [{ label: 300_016, trafficClass: 2, ttl: 1 }] },
              { kind: 'interface', name: 'eth0' },
            ],
            quoted: { ttl: 1, dscp: 46, ecn: 0 },
          },
        ],
      },
      { ttl: 2 },
      { ttl: 3, nat: false },
      { ttl: 4, nat: true, probes: [{ nat: true, dscpChanged: true, quoted: { dscp: 8, source: '203.0.113.7' } }] },
      { ttl: 5, reached: true, probes: [{ icmpType: 3, icmpCode: 3 }] },
    ]);
    expect(records(json.stdout).at(-1)).toMatchObject({ type: 'trace.summary', reached: true, hops: 5, nat: true });
    return undefined;
  });

  it('is more with several flows: each way has its flows', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    for (const [target, left, right] of [
      [TARGET, '1.0.2.1', '1.0.2.2'],
      ['fd60:100::9', 'fd60:0:2::1', 'fd60:0:2::2'],
    ] as const) {
      const text = await trace(['--protocol', 'udp', '--flows', '16', target]);
      expect(text.code, text.stderr).toBe(0);
      const shown = lines(text);
      const [first = '', second = ''] = shown.filter((line) => line.includes(left) || line.includes(right));
      expect([first, second].every((line) => / \[flows? [\d, -]+\]$/.test(line))).toBe(true);
      expect(shown).toContain('2 paths for 16 flows, apart at hop 2');
      const paths = shown.filter((line) => /^ {2}flow/.test(line)).map((line) => line.split(' ').at(-1));
      expect(paths.sort()).toEqual([left, right]);
    }
    const json = await trace(['--protocol', 'udp', '--flows', '16', '--json', TARGET]);
    const { paths } = records(json.stdout).at(-1) as { paths: { flows: number[]; addresses: string[] }[] };
    expect(paths.flatMap(({ flows }) => flows).sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(new Set(paths.map(({ addresses }) => addresses[1]))).toEqual(new Set(['1.0.2.1', '1.0.2.2']));
    return undefined;
  });

  it('is names and autonomous systems when asked for, of those who answer', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const before = asked.length;
    await trace(['-q', '1', TARGET]);
    expect(asked.length).toBe(before);
    const text = await trace(['-q', '1', '--resolve', '--as', TARGET]);
    expect(text.code, text.stderr).toBe(0);
    const shown = lines(text);
    expect(shown).toContain(' 1  r1.example (1.0.1.1) [AS64500 AS64501]  T ms');
    expect(shown).toContain(' 3  1.0.3.1 [*]  T ms');
    expect(shown).toContain(' 4  1.0.4.1 [*]  T ms');
    expect(asked.slice(before)).not.toContain('origin.asn.cymru.com\nTXT 9.100.51.198');
    const json = await trace(['--report', '2', '-i', '100ms', '-m', '3', '--resolve', '--as', '--json', TARGET]);
    expect(typed(json, 'trace.hop')[0]).toMatchObject({
      name: 'r1.example',
      hosts: [
        {
          address: '1.0.1.1',
          name: 'r1.example',
          origin: { systems: [64_500, 64_501], prefix: '1.0.0.0/16', country: 'AU', registry: 'apnic' },
        },
      ],
    });
    expect(typed(json, 'trace.report')[0]).toMatchObject({ addresses: [{ address: '1.0.1.1', name: 'r1.example' }] });
    return undefined;
  });

  it('is not waited for by those who want to get out', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const tracing = start(['raw', 'trace', '-q', '1', '--resolve', TARGET], { under: network.under });
    await tracing.until(({ stdout }) => (stdout.includes(' 3  1.0.3.1 ') ? true : undefined));
    const interrupted = performance.now();
    const { code, stdout } = await tracing.signal('SIGINT');
    expect(performance.now() - interrupted).toBeLessThan(1500);
    expect(stdout.toString()).toMatch(/\n 4 {2}1\.0\.4\.1 .*\n 5 .*\nreached 198\.51\.100\.9 in 5 hops\n$/s);
    expect(code).toBe(0);
    return undefined;
  });

  it('is why it goes no further', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const refused = await trace(['-q', '1', '198.51.101.9']);
    expect(refused.code).toBe(1);
    expect(lines(refused).slice(-2)).toEqual([
      ' 3  1.0.3.1  T ms !X',
      "not reached: 1.0.3.1 at hop 3 says 'communication administratively prohibited' (!X)",
    ]);
    const dark = await trace(['-q', '1', '-m', '6', '-v', '--log-level', 'error', '198.51.102.9']);
    expect(dark.code).toBe(1);
    expect(lines(dark).slice(-3)).toEqual([
      ' 5  * (no answer in time)',
      ' 6  * (no answer in time)',
      'not reached in 6 hops: the last answer is from 1.0.4.1 at hop 4',
    ]);
    const nothing = start(['raw', 'trace', '-f', '5', '--json', '-vv', '198.51.102.9'], { under: network.under });
    await nothing.until(({ stderr }) => (stderr.includes('sendmmsg') ? true : undefined));
    const { code, stdout } = await nothing.signal('SIGINT');
    expect(code).toBe(130);
    expect(records(stdout).at(-1)).toMatchObject({ endReason: 'interrupted' });
    return undefined;
  });

  it('takes its port, source, interface and size from the flags', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const how = ['-S', '10.60.0.2', '-I', 'net0', '-s', '200', '-q', '1', '-f', '3', '-m', '7'];
    const json = await trace([...how, '--protocol', 'tcp', '--port', '80', '--json', TARGET]);
    expect(json.code, json.stderr).toBe(0);
    expect(typed(json, 'trace.hop').map(({ ttl }) => ttl)).toEqual([3, 4, 5]);
    expect(typed(json, 'trace.hop').at(-1)).toMatchObject({ probes: [{ tcpFlags: ['SYN', 'ACK'] }] });
    expect(records(json.stdout).at(-1)).toMatchObject({
      protocol: 'tcp',
      port: 80,
      source: '10.60.0.2',
      packetSize: 200,
      multipath: 'paris',
    });
    return undefined;
  });
});

describe('wrong usage', () => {
  it.each([
    [[], 2, /missing required argument/],
    [['--port', '80', '127.0.0.1'], 2, /^sockctl: --port: ICMP has no ports; add --protocol udp/],
    [['--protocol', 'sctp', '127.0.0.1'], 2, /Allowed choices are icmp, udp, tcp/],
    [['-f', '9', '-m', '8', '127.0.0.1'], 2, /^sockctl: --first-hop 9: beyond the last hop, 8; raise --max-hops/],
    [['-m', '256', '127.0.0.1'], 2, /from 1 to 255/],
    [['-Q', '256', '127.0.0.1'], 2, /'256' is not a code point .* or a byte from 0 to 255/],
    [['--report', '2', '--live', '127.0.0.1'], 2, /^sockctl: --live and --report: one of them/],
    [['--live', '--json', '127.0.0.1'], 2, /^sockctl: --live and --json: one of them/],
    [['--live', '127.0.0.1'], 2, /^sockctl: --live: stdout is no terminal; for figures at the end: --report N/],
    [['-i', '1s', '127.0.0.1'], 2, /^sockctl: --interval: from which round to the next\?; add --report N or --live/],
    [['--multipath', 'dublin', '127.0.0.1'], 2, /^sockctl: --multipath dublin: for UDP; add --protocol udp/],
    [['224.0.0.1'], 2, /there is no one way to a group/],
    [['255.255.255.255'], 2, /there is no one way to everybody; give the address of a host/],
    [['-S', '::1', '127.0.0.1'], 2, /^sockctl: --source ::1: 127\.0\.0\.1 is IPv4; give an IPv4 address/],
    [['-S', '192.0.2.1', '127.0.0.1'], 1, /^sockctl: bind 192\.0\.2\.1:0: address not available/],
    [['-S', '2001:db8::1', '::1'], 1, /^sockctl: bind \[2001:db8::1\]:0: address not available/],
    [['-s', '20', '127.0.0.1'], 2, /20 is no whole number from 36 to 65535/],
    [['-I', 'nowhere0', '127.0.0.1'], 1, /nowhere0/],
    [['-4', '::1'], 4, /not an IPv4 address/],
    [['1.2.3'], 2, /bad address/],
  ])('is told in one line: %j', async (args, code, line) => {
    const result = await sockctl(['raw', 'trace', ...args]);
    expect(result.stderr).toMatch(line);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(result.code).toBe(code);
  });

  it('leaves -q to the queries, as it is in traceroute', async () => {
    const { stdout } = await sockctl(['help', 'raw', 'trace']);
    expect(stdout.toString()).toMatch(/ -q, --queries <N> /);
    expect(stdout.toString()).toMatch(/ --quiet /);
  });
});
