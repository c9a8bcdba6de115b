/** raw sniff as a user runs it: every packet that was sent is captured or counted, and what its flags let in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasIPv6, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type Host, type HostPair } from '../hosts/namespaces.js';
import { type Finished, type Running, records, run, sockctl, start } from './process.js';

const FLOOD = new URL('programs/flood.mjs', import.meta.url).pathname;
/** For experiments, RFC 3692: nobody else sends it. */
const PROTOCOL = '253';

const obstacle = namespaceObstacle();
let hosts: HostPair;
const folder = mkdtempSync(join(tmpdir(), 'sockctl-sniff-'));
beforeAll(() => {
  if (obstacle === undefined) hosts = createHostPair();
});
afterAll(() => {
  hosts?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const summaryOf = ({ stdout }: Finished) => records(stdout).at(-1) as Record<string, number | null | string>;
const packetsOf = ({ stdout }: Finished) => records(stdout).filter(({ type }) => type === 'packet');

/** A sniffer that listens. */
async function sniff(host: Host, ...args: string[]): Promise<Running> {
  const running = start(['raw', 'sniff', '--json', ...args], { under: host.under });
  await running.until(({ stderr }) => (stderr.includes('sniffing on') ? true : undefined));
  return running;
}

/** How many packets the kernel has taken. */
async function flood(host: Host, address: string, protocol: string, count: number, ...more: string[]): Promise<number> {
  const args = [FLOOD, address, protocol, String(count), ...more];
  const { stdout, stderr, code } = await run(process.execPath, args, { under: host.under });
  expect(code, stderr).toBe(0);
  return Number(stdout.toString());
}

describe('sent is captured and dropped', () => {
  const COUNT = 10_000;
  const CASES = [
    ['native', '127.0.0.1', []],
    ['native', '::1', []],
    ['native', '127.0.0.1', ['-B', '4k']],
    ['portable', '127.0.0.1', []],
  ] as const;

  it.for(CASES)('at full rate: %s, %s, %j', async ([backend, address, flags], ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (address === '::1' && !hasIPv6) return ctx.skip('no IPv6 here');
    const file = join(folder, 'flood.pcapng');
    const running = await sniff(hosts.a, '--protocol', PROTOCOL, '--backend', backend, '-w', file, ...flags);
    expect(await flood(hosts.a, address, PROTOCOL, COUNT)).toBe(COUNT);
    const { captured, received, droppedKernel, droppedApplication } = summaryOf(await running.signal('SIGINT'));
    expect(Number(captured) + Number(droppedKernel) + Number(droppedApplication)).toBe(COUNT);
    expect(received).toBe(COUNT);
    const counted = await sockctl(['capture', 'read', '--count-only', file]);
    expect(Number(counted.stdout.toString())).toBe(captured);
    return undefined;
  });

  it.for(['native', 'portable'])('in a process that was stopped and goes on, %s', async (backend, ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const file = join(folder, 'stopped.pcapng');
    const running = await sniff(hosts.a, '--protocol', PROTOCOL, '--backend', backend, '-w', file, '-B', '100k');
    running.child.kill('SIGSTOP');
    await flood(hosts.a, '127.0.0.1', PROTOCOL, COUNT);
    running.child.kill('SIGCONT');
    // At once: what the socket holds is still to be read, and no message will come that tells of the drops.
    const { captured, droppedKernel, droppedApplication } = summaryOf(await running.signal('SIGINT'));
    expect(captured).toBeGreaterThan(0);
    expect(droppedKernel).toBeGreaterThan(0);
    expect(droppedApplication).toBe(0);
    expect(Number(captured) + Number(droppedKernel)).toBe(COUNT);
    return undefined;
  });

  it('is unknown where a filter may have kept out what was dropped, and says how many at most', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const file = join(folder, 'filtered.pcapng');
    const running = await sniff(hosts.a, '--protocol', PROTOCOL, '-w', file, '-B', '4k', 'len > 0');
    running.child.kill('SIGSTOP');
    await flood(hosts.a, '127.0.0.1', PROTOCOL, 1000);
    running.child.kill('SIGCONT');
    const result = await running.signal('SIGINT');
    const { captured, droppedKernel } = summaryOf(result);
    expect(droppedKernel).toBeNull();
    expect(result.stderr).toContain(`${1000 - Number(captured)} packets dropped by the kernel at most`);
    return undefined;
  });
});

describe('what gets in', () => {
  it('packets of several protocols on several interfaces, cut, in the order of their arrival', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, b } = hosts;
    const running = await sniff(
      b,
      '--protocol',
      'gre',
      '--protocol',
      '254',
      '-4',
      '-i',
      'lo',
      '-i',
      'link0',
      '-s',
      '24',
      '-c',
      '4',
    );
    await flood(a, b.ipv4, '47', 1);
    await flood(b, '127.0.0.1', '254', 2);
    await flood(a, b.ipv4, '254', 1, '100');
    const packets = packetsOf(await running.done);
    const seen = packets.map(({ interface: name, length, capturedLength, layers }) => [
      name,
      length,
      capturedLength,
      (layers as { protocolNumber: number }[])[0]?.protocolNumber,
    ]);
    expect(seen).toEqual([
      ['link0', 52, 24, 47],
      ['lo', 52, 24, 254],
      ['lo', 52, 24, 254],
      ['link0', 120, 24, 254],
    ]);
    return undefined;
  });

  it.for(['native', 'portable'])('ICMP of some types, with a filter behind them, %s', async (backend, ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const flags = ['-4', '--icmp-type', 'timestamp', '--icmp-type', '250', 'len = 28', '-c', '2', '--backend', backend];
    const running = await sniff(hosts.a, ...flags);
    for (const payload of [
      '0xfb00000000000000',
      `0xfa${'00'.repeat(19)}`,
      '0xfa00000000000000',
      '0x0d00000000000000',
    ]) {
      await flood(hosts.a, '127.0.0.1', '1', 1, payload);
    }
    const types = packetsOf(await running.done).map(({ layers }) => (layers as { icmpType: number }[])[1]?.icmpType);
    expect(types).toEqual([250, 13]);
    return undefined;
  });

  it("reports of others' groups, once the group that they go to is joined", async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, b } = hosts;
    const igmp = await sniff(
      b,
      '--protocol',
      'igmp',
      '-i',
      'link0',
      '--join',
      '224.0.0.22',
      '-c',
      '1',
      'src host 10.99.0.1',
    );
    const mld = await sniff(b, '--icmp-type', 'mld', '-6', '-i', 'link0', '--join', 'ff02::16@link0', '-c', '1');
    const member = await sniff(a, '--protocol', PROTOCOL, '--join', '239.1.2.3@link0', '--join', 'ff05::4242@link0');
    expect(packetsOf(await igmp.done)[0]?.layers).toMatchObject([
      { protocol: 'ipv4', source: a.ipv4, destination: '224.0.0.22' },
      { protocol: 'igmp' },
    ]);
    expect(packetsOf(await mld.done)[0]?.layers).toMatchObject([
      { protocol: 'ipv6', destination: 'ff02::16' },
      { protocol: 'icmpv6', icmpType: 143 },
    ]);
    await member.signal('SIGINT');
    return undefined;
  });

  it('packets with a router alert that are to go on', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, b, ip } = hosts;
    ip(b, 'link', 'add', 'beyond', 'type', 'veth', 'peer', 'name', 'farther');
    for (const link of ['beyond', 'farther']) ip(b, 'link', 'set', link, 'up');
    ip(b, 'route', 'add', '203.0.113.0/24', 'dev', 'beyond');
    ip(b, '-6', 'route', 'add', '2001:db8:9::/64', 'dev', 'beyond');
    ip(a, 'route', 'add', '203.0.113.0/24', 'via', b.ipv4);
    ip(a, '-6', 'route', 'add', '2001:db8:9::/64', 'via', b.ipv6);
    const on = 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding';
    await run('sh', ['-c', on], { under: b.under });
    const running = await sniff(b, '--protocol', PROTOCOL, '--router-alert', '-c', '2');
    await flood(a, '203.0.113.9', PROTOCOL, 1);
    await flood(a, '203.0.113.9', '254', 1, '32', 'IP_OPTIONS=94040000');
    await flood(a, '203.0.113.9', PROTOCOL, 1, '32', 'IP_OPTIONS=94040000');
    await flood(a, '2001:db8:9::9', '254', 1, '32', 'IPV6_HOPOPTS=0000050200000100');
    await flood(a, '2001:db8:9::9', PROTOCOL, 1, '32', 'IPV6_HOPOPTS=0000050200000100');
    const packets = packetsOf(await running.done);
    expect(packets.map(({ layers }) => (layers as Record<string, unknown>[])[0])).toMatchObject([
      { protocol: 'ipv4', destination: '203.0.113.9', protocolNumber: Number(PROTOCOL) },
      { protocol: 'ipv6', destination: '2001:db8:9::9', source: a.ipv6 },
    ]);
    expect(packets.map(({ length }) => length)).toEqual([56, 80]);
    return undefined;
  });
});
