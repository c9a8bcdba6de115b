/** raw ping and raw sniff as a user runs them, beside ping(8), on loopback and between namespaces. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, hasIPv6, isRoot, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type HostPair } from '../hosts/namespaces.js';
import { type Finished, records, run, sockctl, start } from './process.js';

const LOOPBACK = hasIPv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
const ROOT = 'raw sockets need root';

const summaries = ({ stdout }: Finished) => records(stdout).filter((record) => record.type === 'ping.summary');

describe('raw ping on loopback', () => {
  it.for(['native', 'portable'])('gets an answer to every probe, %s backend', async (backend, ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const args = ['raw', 'ping', '-c', '5', '-i', '0.02', '-s', '100', '--json', '--backend', backend, ...LOOPBACK];
    const result = await sockctl(args);
    expect(result.code).toBe(0);
    const replies = records(result.stdout).filter((record) => record.type === 'ping.reply');
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
        transmitted: 5,
        received: 5,
        lossPercent: 0,
        inFlight: 0,
        late: 0,
        endReason: 'count',
      });
    }
    return undefined;
  });

  it('keeps its schedule: 50 probes at 20 ms take 0.98 s', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const { stdout } = await sockctl(['raw', 'ping', '-c', '50', '-i', '20ms', '--json', '127.0.0.1']);
    const times = records(stdout)
      .filter((record) => record.type === 'ping.reply')
      .map((record) => Date.parse(String(record.time)));
    const took = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(took).toBeGreaterThan(960);
    expect(took).toBeLessThan(1100);
  });

  it('sums up what there is when interrupted', async (ctx) => {
    if (!isRoot) return ctx.skip(ROOT);
    const ping = start(['raw', 'ping', '-i', '50ms', '--json', '127.0.0.1']);
    await ping.until(({ stdout }) => (stdout.toString().split('ping.reply').length > 3 ? true : undefined));
    const result = await ping.signal('SIGINT');
    expect(result.code).toBe(0);
    const [summary] = summaries(result);
    expect(summary).toMatchObject({ endReason: 'interrupted', lossPercent: 0 });
    expect(Number(summary?.received) + Number(summary?.inFlight)).toBe(summary?.transmitted);
  });
});

describe('raw sniff on loopback', () => {
  // A host of its own, so that nobody else's pings are heard.
  const obstacle = namespaceObstacle();
  let hosts: HostPair | undefined;
  const under = () => ({ under: hosts?.a.under ?? [] });
  beforeAll(() => {
    if (obstacle === undefined) hosts = createHostPair();
  });
  afterAll(() => hosts?.remove());

  it('sees the requests and replies of a ping', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const sniff = start(['raw', 'sniff', '--protocol', 'icmp', '-c', '4', '-i', 'lo', '--json'], under());
    await sniff.until(({ stderr }) => (stderr.includes('sniffing on') ? true : undefined));
    await sockctl(['raw', 'ping', '-c', '2', '-i', '20ms', '-q', '127.0.0.1'], under());
    const { code, stdout } = await sniff.done;
    expect(code).toBe(0);
    const all = records(stdout);
    const types = all.filter((r) => r.type === 'packet').map((r) => (r.layers as { icmpType?: number }[])[1]?.icmpType);
    expect(types).toEqual([8, 0, 8, 0]);
    expect(all[0]).toMatchObject({ interface: 'lo', linkType: 'RAW', direction: 'in', length: 84 });
    expect(all.at(-1)).toMatchObject({
      type: 'capture.summary',
      captured: 4,
      droppedKernel: 0,
      droppedInterface: null,
      droppedApplication: 0,
      endReason: 'count',
    });
  });

  it('rebuilds the header that IPv6 sockets leave out', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasIPv6) return ctx.skip('no IPv6 here');
    const sniff = start(['raw', 'sniff', '--protocol', 'icmp6', '-c', '2', '--json'], under());
    await sniff.until(({ stderr }) => (stderr.includes('sniffing on') ? true : undefined));
    await sockctl(['raw', 'ping', '-c', '1', '-q', '::1'], under());
    const [request] = records((await sniff.done).stdout);
    expect(request?.layers).toMatchObject([
      { protocol: 'ipv6', source: '::1', destination: '::1', hopLimit: 64, nextHeader: 58 },
      { protocol: 'icmpv6', icmpType: 128, checksumValid: true },
      { protocol: 'payload', length: 56 },
    ]);
  });
});

describe('between two hosts', () => {
  const obstacle = namespaceObstacle();
  let hosts: HostPair;

  beforeAll(() => {
    if (obstacle === undefined) hosts = createHostPair();
  });
  afterAll(() => hosts?.remove());

  it.for(['ipv4', 'ipv6'] as const)('agrees with ping(8) over %s', async (family, ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasCommand('ping')) return ctx.skip('ping is not installed');
    const { a, b } = hosts;
    // Alternating, so that both meet the same machine; the neighbour is known after the first.
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < 3; round++) {
      const mine = await sockctl(['raw', 'ping', '-c', '20', '-i', '10ms', '--json', b[family]], { under: a.under });
      expect(mine.code).toBe(0);
      const rtt = summaries(mine)[0]?.rttMs as { p50: number };
      ours.push(rtt.p50);
      const peer = await run('ping', ['-c', '20', '-i', '0.01', '-q', b[family]], { under: a.under });
      theirs.push(Number(/= [\d.]+\/([\d.]+)\//.exec(peer.stdout.toString())?.[1]));
    }
    const median = (values: number[]) => [...values].sort((x, y) => x - y)[1] ?? Number.NaN;
    // Both are tens of microseconds here; a wrong clock or a wrong unit would be off by far more than the noise.
    expect(Math.abs(median(ours) - median(theirs))).toBeLessThan(0.15);
    return undefined;
  });

  it('reports a timeout for an address where nobody is, and what the router says', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, b, ip } = hosts;
    ip(b, 'link', 'set', 'lo', 'up');
    const silent = await sockctl(['raw', 'ping', '-c', '2', '-i', '20ms', '-W', '200ms', '--json', '10.99.0.77'], {
      under: a.under,
    });
    expect(silent.code).toBe(1);
    expect(summaries(silent)[0]).toMatchObject({ transmitted: 2, received: 0, lossPercent: 100 });
    const noRoute = await sockctl(['raw', 'ping', '-c', '1', '--json', '198.51.100.1'], { under: a.under });
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
    await run('sh', ['-c', 'echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range'], { under: a.under });
    for (const [socket, drop] of [
      ['raw', []],
      ['dgram', ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']],
    ] as const) {
      const args = ['raw', 'ping', '-c', '2', '-i', '20ms', '--json', '203.0.113.9'];
      const result = await sockctl(args, { under: [...a.under, ...drop] });
      const errors = records(result.stdout).filter((record) => record.type === 'ping.error');
      expect(errors).toMatchObject([
        { sequence: 1, address: b.ipv4, icmpType: 3, icmpCode: 1, message: 'host unreachable' },
        { sequence: 2, address: b.ipv4, icmpType: 3, icmpCode: 1 },
      ]);
      expect(summaries(result)[0]).toMatchObject({ socket, transmitted: 2, received: 0, errors: 2, lossPercent: 100 });
      expect(result.code).toBe(1);
    }
    return undefined;
  });
});
