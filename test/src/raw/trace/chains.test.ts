/** Traces over routers that are Linux kernels, in namespaces; beside traceroute(8) and mtr(8). */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, namespaceObstacle } from '../../../hosts/machine.js';
import { setKernel } from '../../../hosts/namespace.js';
import { type ChainOptions, createRouterChain, type RouterChain } from '../../../hosts/router-chain.js';
import { type RealTrace, type Rights, type TraceRun, traceFrom } from './real.js';
import { answersOf } from './simulated.js';

const obstacle = namespaceObstacle();

/** A chain for all tests of a group. */
function withChain(options: ChainOptions): () => RouterChain {
  let chain: RouterChain | undefined;
  beforeAll(() => {
    if (obstacle === undefined) chain = createRouterChain(options);
  }, 60_000);
  afterAll(() => chain?.remove());
  return () => {
    if (chain === undefined) throw new Error('no chain');
    return chain;
  };
}

const WAYS: readonly (readonly [Rights, TraceRun['asked']])[] = [
  ['raw', {}],
  ['raw', { protocol: 'icmp', multipath: 'classic' }],
  ['raw', { protocol: 'udp' }],
  ['raw', { protocol: 'udp', multipath: 'dublin' }],
  ['raw', { protocol: 'udp', multipath: 'classic' }],
  ['raw', { protocol: 'tcp' }],
  ['unprivileged', {}],
  ['unprivileged', { protocol: 'icmp', multipath: 'classic' }],
  ['unprivileged', { protocol: 'udp', multipath: 'paris' }],
  ['unprivileged', { protocol: 'udp', multipath: 'classic' }],
  ['portable', {}],
  ['portable', { protocol: 'udp' }],
  ['portable', { protocol: 'udp', multipath: 'dublin' }],
];

/** All ways with some rights, to the server, over the families that can be had. */
async function allWays(chain: RouterChain, rights: Rights, more: TraceRun['asked'] = {}) {
  const runs = (['ipv4', 'ipv6'] as const)
    .filter((family) => family === 'ipv4' || rights !== 'portable')
    .flatMap((family) =>
      WAYS.filter(([own, asked]) => own === rights && !(more.window === 1 && asked.multipath === 'classic')).map(
        ([, asked]) => ({
          family,
          target: chain.server[family],
          asked: { ...asked, ...more },
        }),
      ),
    );
  const found = await traceFrom(chain.client.under, rights, runs);
  return runs.map(({ family, asked }, i) => ({ family, asked, ...(found[i] as RealTrace) }));
}

const RIGHTS: readonly Rights[] = ['raw', 'unprivileged', 'portable'];

describe.skipIf(obstacle !== undefined)(`five hops${obstacle === undefined ? '' : `: ${obstacle}`}`, () => {
  const chain = withChain({ hops: 5 });

  it.each(RIGHTS)('%s: every protocol and strategy finds them', { timeout: 60_000 }, async (rights) => {
    for (const { family, asked, hops, summary, error } of await allWays(chain(), rights)) {
      const how = `${family} ${JSON.stringify(asked)} ${error?.message}`;
      expect(answersOf(hops), how).toEqual(chain().hops(family));
      expect(summary, how).toMatchObject({
        reached: true,
        hops: 5,
        endReason: 'reached',
        socket: rights === 'unprivileged' ? 'dgram' : 'raw',
        backend: rights === 'portable' ? 'portable' : 'native',
        sent: 15,
        received: 15,
        nat: false,
      });
      for (const { ttl, probes } of hops) {
        for (const probe of probes) {
          if (probe.address === null) continue;
          expect(probe.timestamp, how).toBe(rights === 'portable' ? 'user' : 'kernel');
          expect(probe.rttMs, how).toBeGreaterThan(0);
          // The way back is as long.
          expect(probe.ttl, how).toBe(64 - ttl + 1);
          if (ttl < 5 && rights !== 'unprivileged')
            expect(probe.quoted, how).toMatchObject({ ttl: 1, dscp: 0, ecn: 0 });
        }
      }
    }
  });

  it('agrees with traceroute', (ctx) => {
    if (!hasCommand('traceroute')) return ctx.skip('traceroute is not installed');
    const [command = '', ...args] = [...chain().client.under, 'traceroute', '-n', '-I', chain().server.ipv4];
    const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
    const found = stdout.split('\n').flatMap((line) => /^\s*\d+\s+(\S+)/.exec(line)?.[1] ?? []);
    expect(found.map((address) => [address])).toEqual(chain().hops('ipv4'));
    return undefined;
  });

  it('agrees with mtr, and is done sooner', { timeout: 60_000 }, async (ctx) => {
    if (!hasCommand('mtr')) return ctx.skip('mtr is not installed');
    const [command = '', ...args] = [
      ...chain().client.under,
      'mtr',
      '--report',
      '--json',
      '-n',
      '-c',
      '3',
      chain().server.ipv4,
    ];
    const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
    const { report } = JSON.parse(stdout) as { report: { hubs: { host: string; 'Loss%': number; Snt: number }[] } };
    const [ours] = await traceFrom(chain().client.under, 'raw', [
      { target: chain().server.ipv4, asked: { rounds: 3, intervalMs: 200 } },
    ]);
    const path = ours?.summary?.path ?? [];
    expect(path.map(({ addresses, sent, lossPercent }) => [addresses[0]?.address, sent, lossPercent])).toEqual(
      report.hubs.map((hub) => [hub.host, hub.Snt, hub['Loss%']]),
    );
    expect(ours?.summary?.durationMs).toBeLessThan(2000);
    return undefined;
  });

  it('TCP: an open port and a closed one', { timeout: 30_000 }, async () => {
    const { client, server } = chain();
    const [command = '', ...args] = [...server.under, process.execPath, '-e', LISTENER];
    const listener = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(listener.stdout, 'data');
      const [open, closed] = await traceFrom(client.under, 'raw', [
        { target: server.ipv4, asked: { protocol: 'tcp', port: 4711, queries: 5 } },
        { target: server.ipv6, asked: { protocol: 'tcp', port: 4712 } },
      ]);
      // Each SYN of a flow has an answer of its own, half open as the one before may be.
      expect(open?.hops.at(-1)?.probes).toHaveLength(5);
      expect(open?.hops.at(-1)?.probes[0]).toMatchObject({ tcpFlags: ['SYN', 'ACK'] });
      for (const probe of open?.hops.at(-1)?.probes ?? []) expect(probe.address).toBe(server.ipv4);
      expect(closed?.hops.at(-1)?.probes).toMatchObject(
        Array(3).fill({ address: server.ipv6, tcpFlags: ['RST', 'ACK'] }),
      );
    } finally {
      listener.stdin.end();
      await once(listener, 'close');
    }
  });

  it('an interface, a source, and marks of DSCP', { timeout: 30_000 }, async () => {
    const { client, server } = chain();
    const settings = ['SO_BINDTODEVICE=down1'];
    const asked = { source: '10.70.1.1', trafficClass: 0xb8, protocol: 'udp' } as const;
    const [found, elsewhere] = await traceFrom(client.under, 'raw', [
      { target: server.ipv4, asked, settings },
      { target: server.ipv4, asked: { ...asked, source: '192.0.2.200' } },
    ]);
    expect(found?.summary).toMatchObject({ reached: true, source: '10.70.1.1' });
    expect(found?.hops[0]?.probes[0]).toMatchObject({ quoted: { dscp: 46 }, dscpChanged: false });
    expect(elsewhere?.error).toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  it('without privileges and ping sockets: UDP where nobody has asked for ICMP, otherwise what would allow it', {
    timeout: 30_000,
  }, async () => {
    const { client, server } = chain();
    setKernel({ [client.name]: { 'net.ipv4.ping_group_range': '1 0' } });
    try {
      const [free, asked, tcp, dublin] = await traceFrom(client.under, 'unprivileged', [
        { target: server.ipv6, asked: {} },
        { target: server.ipv4, asked: { protocol: 'icmp' } },
        { target: server.ipv4, asked: { protocol: 'tcp' } },
        { target: server.ipv4, asked: { protocol: 'udp', multipath: 'dublin' } },
      ]);
      const how = { protocol: 'udp', multipath: 'classic', port: 33_434, socket: 'dgram' };
      expect(free?.summary).toMatchObject({ reached: true, hops: 5, ...how });
      expect(asked?.error).toMatchObject({ code: 'EACCES', advice: expect.stringContaining('ping_group_range') });
      expect(tcp?.error).toMatchObject({ code: 'EPERM', advice: expect.stringContaining('CAP_NET_RAW') });
      expect(dublin?.error).toMatchObject({ code: 'EPERM', advice: expect.stringContaining('dublin') });
    } finally {
      setKernel({ [client.name]: { 'net.ipv4.ping_group_range': '0 2147483647' } });
    }
  });

  it('the portable backend says what it can not do', { timeout: 30_000 }, async () => {
    const { client, server } = chain();
    const found = await traceFrom(client.under, 'portable', [
      { target: server.ipv6, asked: {} },
      { target: server.ipv4, asked: { protocol: 'tcp' } },
    ]);
    expect(found.map(({ error }) => error?.code)).toEqual(['BACKEND_LIMIT', 'BACKEND_LIMIT']);
  });
});

/** Accepts on port 4711 until its stdin ends. */
const LISTENER = `
const server = require('node:net').createServer((socket) => socket.on('error', () => undefined));
server.listen(4711, '::', () => console.log('listening'));
process.stdin.on('end', () => process.exit(0)).resume();
`;

describe.skipIf(obstacle !== undefined)('odd chains', () => {
  describe('two paths', () => {
    const chain = withChain({ hops: 4, parallel: 2 });

    it.each(['raw', 'unprivileged'] as const)(
      '%s: many flows show both, one flow one of them',
      { timeout: 60_000 },
      async (rights) => {
        for (const { family, hops, asked } of await allWays(chain(), rights, { flows: 24, queries: 1 })) {
          // Linux does not look at what distinguishes flows of ICMP.
          if ((asked.protocol ?? 'icmp') === 'icmp' || asked.multipath === 'classic') continue;
          const found = answersOf(hops);
          const there = chain().hops(family);
          expect(found[1], JSON.stringify(asked)).toEqual([...(there[1] ?? [])].sort());
          expect(found).toHaveLength(there.length);
          for (const [i, answers] of found.entries())
            expect(there[i]).toEqual(expect.arrayContaining([...(answers ?? ['nobody'])]));
        }
        for (const { hops, asked } of await allWays(chain(), rights, { queries: 8 })) {
          if (asked.multipath === 'classic') continue;
          for (const answers of answersOf(hops)) expect(answers, JSON.stringify(asked)).toHaveLength(1);
        }
      },
    );
  });

  describe('a black hole', () => {
    const chain = withChain({ hops: 5, blackHole: 3 });

    it.each(RIGHTS)('%s: silence from there on', { timeout: 60_000 }, async (rights) => {
      const found = await allWays(chain(), rights, { maxHops: 6, timeoutMs: 400 });
      for (const { family, hops, summary, asked } of found) {
        const how = `${family} ${JSON.stringify(asked)}`;
        expect(answersOf(hops), how).toEqual([...chain().hops(family).slice(0, 2), ...Array(4).fill(null)]);
        expect(summary, how).toMatchObject({ reached: false, endReason: 'max-hops', hops: 6, lost: 12 });
        expect(summary?.durationMs, how).toBeLessThan(2000);
      }
    });
  });

  describe('a router that prohibits', () => {
    it.each(RIGHTS)('%s: ends there, with the reason', { timeout: 60_000 }, async (rights) => {
      // Linux reports five routes at once and one in a second then, by client: a chain for each, and no probe too many.
      const chain = createRouterChain({ hops: 5, refuse: { at: 3, because: 'prohibit' } });
      try {
        for (const { family, hops, summary, asked } of await allWays(chain, rights, { queries: 1, window: 1 })) {
          const how = `${family} ${JSON.stringify(asked)}`;
          expect(answersOf(hops), how).toEqual(chain.hops(family).slice(0, 3));
          expect(hops.at(-1)?.unreachable, how).toBe('!X');
          expect(summary, how).toMatchObject({ reached: false, endReason: 'unreachable', hops: 3 });
        }
      } finally {
        chain.remove();
      }
    });

    it('a whole trace at its usual pace', { timeout: 30_000 }, async () => {
      const chain = createRouterChain({ hops: 5, refuse: { at: 3, because: 'unreachable' } });
      try {
        const [found] = await traceFrom(chain.client.under, 'raw', [
          { target: chain.server.ipv4, asked: { protocol: 'udp' } },
        ]);
        expect(found?.hops.map(({ unreachable }) => unreachable)).toEqual([null, null, '!H']);
        expect(found?.summary).toMatchObject({ endReason: 'unreachable', sent: 9, received: 9 });
      } finally {
        chain.remove();
      }
    });
  });

  describe('an MTU step', () => {
    const chain = withChain({ hops: 5, mtu: { behind: 2, bytes: 1300 } });

    it.each(RIGHTS)('%s: what does not fit is told', { timeout: 60_000 }, async (rights) => {
      const large = { packetSize: 1400, dontFragment: true } as const;
      for (const { family, hops, summary, asked } of await allWays(chain(), rights, large)) {
        if (asked.multipath === 'dublin' && family === 'ipv6') continue;
        const how = `${family} ${JSON.stringify(asked)} ${JSON.stringify(summary)}`;
        expect(answersOf(hops), how).toEqual([...chain().hops(family).slice(0, 2), chain().hops(family)[1]]);
        expect(hops.at(-1)?.unreachable, how).toBe('!F-1300');
        expect(summary, how).toMatchObject({ endReason: 'unreachable', packetSize: 1400 });
      }
    });
  });

  describe('a router that says nothing', () => {
    const chain = withChain({ hops: 5, silent: [2] });

    it.each(RIGHTS)('%s: does not hold up the others', { timeout: 60_000 }, async (rights) => {
      for (const { family, hops, summary, asked } of await allWays(chain(), rights)) {
        const how = `${family} ${JSON.stringify(asked)}`;
        expect(answersOf(hops), how).toEqual(
          chain()
            .hops(family)
            .map((all) => (all.length === 0 ? null : all)),
        );
        expect(summary, how).toMatchObject({ reached: true, lost: 3, hops: 5 });
        expect(summary?.durationMs, how).toBeLessThan(1000);
      }
    });
  });
});
