import { describe, expect, it } from 'vitest';
import type { TraceHop } from '../../../../src/raw/trace/records.js';
import { chain, type Family, PARALLEL, router, SERVER, twoPaths } from './networks.js';
import { answersOf, traceIn } from './simulated.js';

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** Everything that has a socket for it. */
const WAYS = [
  ['icmp', 'paris', 'raw'],
  ['icmp', 'classic', 'raw'],
  ['icmp', 'paris', 'dgram'],
  ['udp', 'paris', 'raw'],
  ['udp', 'dublin', 'raw'],
  ['udp', 'classic', 'raw'],
  ['udp', 'paris', 'dgram'],
  ['udp', 'classic', 'dgram'],
  ['tcp', 'paris', 'raw'],
  ['tcp', 'classic', 'raw'],
] as const;

const PARIS = ['icmp', 'udp', 'tcp'] as const;
const chainTo = (last: number, family: Family) => Array.from({ length: last }, (_, i) => [router(i + 1, family)]);

describe.each(FAMILIES)('over %s', (family) => {
  const target = SERVER[family];

  it.each(WAYS)('%s %s through %s sockets: four routers and the server', async (protocol, multipath, socket) => {
    const { hops, summary } = await traceIn(
      chain({ routers: 4 }),
      target,
      { protocol, multipath },
      { port: { socket } },
    );
    expect(answersOf(hops)).toEqual([...chainTo(4, family), [target]]);
    expect(hops.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4, 5]);
    for (const { ttl, probes, reached, unreachable, nat } of hops) {
      expect(probes.map((probe) => (probe.address === null ? probe.reason : probe.rttMs))).toEqual(
        Array(3).fill(2 * ttl),
      );
      expect({ reached, unreachable, nat }).toEqual({ reached: ttl === 5, unreachable: null, nat: false });
    }
    const { sent, received, late, lost, inFlight, duplicates, foreign } = summary;
    expect(summary).toMatchObject({
      reached: true,
      hops: 5,
      endReason: 'reached',
      socket,
      protocol,
      multipath,
      rounds: 1,
    });
    expect([sent, received, late, lost, inFlight, duplicates, foreign]).toEqual([15, 15, 0, 0, 0, 0, 0]);
  });

  const SERVICE = [
    ['paris', 'raw'],
    ['dublin', 'raw'],
    ['classic', 'raw'],
    ['paris', 'dgram'],
  ] as const;
  it.each(SERVICE)('%s, %s: a service that answers with words of its own', async (multipath, socket) => {
    const network = chain({ routers: 3, server: { udp: 'answers' } });
    for (const flows of [1, 4]) {
      const asked = { protocol: 'udp', multipath, flows, queries: 3 } as const;
      const { hops, summary } = await traceIn(network, target, asked, { port: { socket } });
      expect(answersOf(hops)).toEqual([...chainTo(3, family), [target]]);
      expect(hops[3]?.probes).toMatchObject(Array(3 * flows).fill({ rttMs: 8, icmpType: null, icmpCode: null }));
      expect(summary).toMatchObject({ reached: true, endReason: 'reached', hops: 4, lost: 0, inFlight: 0, foreign: 0 });
    }
  });

  it('a service behind a silent router is no nearer because the one before is slow', async () => {
    const odd = { 2: { thinkingMs: 5 }, 3: { silent: true } };
    const network = chain({ routers: 3, odd, server: { udp: 'answers' } });
    const { hops, summary } = await traceIn(network, target, { protocol: 'udp' });
    expect(answersOf(hops)).toEqual([...chainTo(2, family), null, [target]]);
    expect(summary).toMatchObject({ reached: true, hops: 4 });
  });

  it('a service behind a silent router is found where it is, however many rounds there are', async () => {
    const network = chain({ routers: 3, odd: { 3: { silent: true } }, server: { udp: 'answers' } });
    const { hops, summary } = await traceIn(network, target, { protocol: 'udp', rounds: 4, intervalMs: 100 });
    const round = [...chainTo(2, family), null, [target]];
    expect(answersOf(hops)).toEqual(Array(4).fill(round).flat());
    expect(summary.path.map(({ received, lost }) => [received, lost])).toEqual([
      [4, 0],
      [4, 0],
      [0, 4],
      [4, 0],
    ]);
  });

  describe('a service that answers the first probes alone, with words of its own', () => {
    const limited = (lost: number, delayMs = 1) => {
      const drop = { packets: Array.from({ length: lost }, (_, i) => i + 4) };
      return chain({ routers: 3, delayMs, server: { udp: 'answers' }, links: { 3: { back: { drop } } } });
    };

    it.each([
      // The first answer comes after eight milliseconds, and may be to any probe that has left by then.
      [3, 5, true],
      [1, 9, true],
    ] as const)('with %d queries is %d hops away, at most: %s', async (queries, last, atMost) => {
      const { hops, summary } = await traceIn(limited(60), target, { protocol: 'udp', queries });
      expect(summary).toMatchObject({ reached: true, hops: last, atMost, endReason: 'reached', inFlight: 0 });
      const at = hops.at(-1);
      expect(at).toMatchObject({ ttl: last, reached: true, atMost });
      const answered = at?.probes.filter(({ address }) => address === target);
      expect(answered?.length).toBeGreaterThan(0);
      for (const probe of answered ?? []) expect(probe).toMatchObject({ rttMs: null });
      expect(summary.path.at(-1)).toMatchObject({ lastMs: null, received: answered?.length });
    });

    it.each([13, 14, 15])('is found by rounds that try hop after hop, %d answers being lost', async (lost) => {
      const asked = { protocol: 'udp', rounds: 5, timeoutMs: 200 } as const;
      const { hops, summary } = await traceIn(limited(lost, 2), target, asked);
      expect(hops.find(({ reached }) => reached)).toMatchObject({ round: 1, atMost: true, probes: [{ rttMs: null }] });
      expect(hops.at(-1)).toMatchObject({ ttl: 4, reached: true, atMost: false, probes: [{ rttMs: 16 }] });
      expect(summary).toMatchObject({ reached: true, hops: 4, atMost: false });
    });

    it.each([
      { timeoutMs: 131, intervalMs: 447, thinkingMs: 700 },
      { timeoutMs: 24, intervalMs: 171, thinkingMs: 100 },
      { timeoutMs: 1000, intervalMs: 10, thinkingMs: 700 },
    ])('is no nearer when its answers are late, or later than the next round: %o', async ({ thinkingMs, ...asked }) => {
      const network = chain({ routers: 3, odd: { 2: { silent: true } }, server: { udp: 'answers', thinkingMs } });
      const how = { protocol: 'udp', rounds: 5, queries: 2, ...asked } as const;
      const { hops, summary } = await traceIn(network, target, how);
      expect(summary).toMatchObject({ reached: true, hops: 4, atMost: false });
      const times = hops.flatMap(({ probes }) => probes).flatMap((p) => (p.address === target ? [p.rttMs] : []));
      for (const time of [...times, summary.path[3]?.worstMs]) expect(time).toBe(8 + thinkingMs);
    });

    it('behind a silent router has its round trips from the second round on', async () => {
      const network = chain({ routers: 3, odd: { 3: { silent: true } }, server: { udp: 'answers' } });
      const { hops, summary } = await traceIn(network, target, { protocol: 'udp', rounds: 4, intervalMs: 100 });
      const ends = hops.filter(({ ttl }) => ttl === 4);
      expect(ends.map(({ atMost, probes: [probe] }) => [atMost, probe?.address === target && probe.rttMs])).toEqual([
        [true, null],
        [false, 8],
        [false, 8],
        [false, 8],
      ]);
      expect(summary).toMatchObject({ hops: 4, atMost: false, received: 12 });
    });
  });

  it("what the port says to probes that are answered already, or from another port, is nobody's", async () => {
    const network = chain({
      routers: 1,
      server: { udp: 'answers' },
      links: { 1: { back: { duplicate: { every: 1 } } } },
    });
    const { summary } = await traceIn(network, target, { protocol: 'udp', queries: 1, window: 1 });
    expect(summary).toMatchObject({ reached: true, hops: 2, received: 2, foreign: 1 });
  });

  it('quotes show the packet as the router has met it', async () => {
    const { hops, summary } = await traceIn(chain({ routers: 2, odd: { 1: { dscp: 10 } } }), target, {
      trafficClass: 0xb9,
    });
    const [first, second] = hops.map(({ probes: [probe] }) => (probe?.address === null ? null : probe));
    const { packetSize, source } = summary;
    expect(first).toMatchObject({
      quoted: { ttl: 1, dscp: 46, ecn: 1, totalLength: packetSize, source },
      dscpChanged: false,
    });
    expect(second).toMatchObject({
      quoted: { ttl: 1, dscp: 10, ecn: 1, totalLength: packetSize, source },
      dscpChanged: true,
    });
    expect(summary.path.map(({ dscpChanged }) => dscpChanged)).toEqual([false, true, false]);
  });

  it.each(PARIS)('%s: the flow of Paris stays on one of two paths, many flows show both', async (protocol) => {
    const one = await traceIn(twoPaths('flow'), target, { protocol, queries: 8 });
    const [, middle] = answersOf(one.hops);
    expect(middle).toHaveLength(1);
    expect(PARALLEL[family]).toContain(middle?.[0]);
    const many = await traceIn(twoPaths('flow'), target, { protocol, flows: 16 });
    expect(answersOf(many.hops)).toEqual([[router(1, family)], PARALLEL[family], [router(3, family)], [target]]);
    // Each flow has met one of them, at every hop of its own.
    const { addresses = [] } = many.summary.path[1] ?? {};
    expect(addresses.flatMap(({ flows }) => flows).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, i) => i),
    );
    for (const { probes } of many.hops)
      expect(probes.map(({ flow }) => flow)).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });

  it.each(['udp', 'tcp'] as const)('%s: the probes of classic take either path', async (protocol) => {
    const { hops } = await traceIn(twoPaths('flow'), target, { protocol, multipath: 'classic', queries: 16 });
    expect(answersOf(hops)[1]).toEqual(PARALLEL[family]);
  });

  it('Dublin: as Paris, with as many flows as asked for', async () => {
    const one = await traceIn(twoPaths('flow'), target, { protocol: 'udp', multipath: 'dublin', queries: 8 });
    expect(answersOf(one.hops)[1]).toHaveLength(1);
    for (const port of [undefined, 5000]) {
      const many = await traceIn(twoPaths('flow'), target, { protocol: 'udp', multipath: 'dublin', flows: 16, port });
      expect(answersOf(many.hops)[1]).toEqual(PARALLEL[family]);
      expect(many.summary.reached).toBe(true);
    }
  });

  it('a silent hop is a timeout, and keeps nothing waiting for its 3 s', async () => {
    const { hops, summary } = await traceIn(chain({ routers: 4, odd: { 2: { silent: true } } }), target);
    expect(answersOf(hops)).toEqual([[router(1, family)], null, [router(3, family)], [router(4, family)], [target]]);
    expect(hops[1]?.probes).toMatchObject(Array(3).fill({ address: null, reason: 'timeout' }));
    expect(summary).toMatchObject({ reached: true, hops: 5, sent: 15, received: 12, lost: 3 });
    expect(summary.durationMs).toBeGreaterThanOrEqual(200);
    expect(summary.durationMs).toBeLessThan(300);
  });

  it('with adaptive off a silent hop has all its time', async () => {
    const network = chain({ routers: 2, odd: { 1: { silent: true } } });
    const { summary } = await traceIn(network, target, { adaptive: false, timeoutMs: 1500 });
    expect(summary.durationMs).toBeGreaterThanOrEqual(1500);
    expect(summary.durationMs).toBeLessThan(1520);
  });

  it('a black hole: every hop up to the last has its record, and all of it takes one timeout and a little', async () => {
    const { hops, summary } = await traceIn(chain({ routers: 4, odd: { 3: { blackHole: true } } }), target, {
      maxHops: 30,
    });
    expect(hops).toHaveLength(30);
    expect(answersOf(hops).slice(0, 3)).toEqual([...chainTo(2, family), null]);
    expect(
      hops
        .slice(2)
        .every(({ probes }) => probes.every((probe) => probe.address === null && probe.reason === 'timeout')),
    ).toBe(true);
    expect(summary).toMatchObject({ reached: false, hops: 30, endReason: 'max-hops', sent: 90, received: 6, lost: 84 });
    expect(summary.durationMs).toBeLessThan(3400);
  });

  it('a black hole with a gap: no further than so many silent hops', async () => {
    const network = chain({ routers: 4, odd: { 3: { blackHole: true } } });
    const { hops, summary } = await traceIn(network, target, { gap: 4, flows: 3 });
    expect(hops).toHaveLength(6);
    expect(summary).toMatchObject({ reached: false, hops: 6, endReason: 'gap' });
    expect(summary.durationMs).toBeLessThan(3200);
  });

  it.each([
    ['prohibited', '!X'],
    ['host', '!H'],
    ['net', '!N'],
  ] as const)('a router that says %s ends the trace', async (because, mark) => {
    const network = chain({
      routers: 4,
      odd: { 3: { refuses: [{ to: family === 'ipv4' ? '0.0.0.0/0' : '::/0', because }] } },
    });
    const { hops, summary } = await traceIn(network, target);
    expect(answersOf(hops)).toEqual(chainTo(3, family));
    expect(hops.map(({ unreachable }) => unreachable)).toEqual([null, null, mark]);
    expect(summary).toMatchObject({ reached: false, hops: 3, endReason: 'unreachable' });
    expect(summary.path.map(({ unreachable }) => unreachable)).toEqual([null, null, mark]);
  });

  it('an MTU step: the router before it says how much fits', async () => {
    const network = chain({ routers: 4, links: { 2: { mtu: 1300 } } });
    const { hops, summary } = await traceIn(network, target, { packetSize: 1400, dontFragment: true, protocol: 'udp' });
    expect(hops.map(({ unreachable }) => unreachable)).toEqual([null, null, '!F-1300']);
    expect(hops[2]?.probes[0]).toMatchObject({ address: router(2, family), mtu: 1300 });
    expect(summary).toMatchObject({ reached: false, endReason: 'unreachable', packetSize: 1400 });
    expect((await traceIn(network, target, { packetSize: 1300, dontFragment: true })).summary.reached).toBe(true);
  });

  it.each(['raw', 'dgram'] as const)('MPLS labels and interfaces, through %s sockets', async (socket) => {
    const mpls = [
      { label: 24_001, trafficClass: 5, ttl: 1 },
      { label: 3, ttl: 2 },
    ];
    const network = chain({ routers: 3, odd: { 2: { mpls, interface: { index: 7, name: 'ge-0/0/1', mtu: 9000 } } } });
    const { hops, summary } = await traceIn(
      network,
      target,
      { protocol: 'udp', packetSize: 300 },
      { port: { socket } },
    );
    for (const probe of hops[1]?.probes ?? []) {
      expect(probe).toMatchObject({
        extensions: expect.arrayContaining([
          {
            kind: 'mpls',
            labels: [
              { label: 24_001, trafficClass: 5, bottomOfStack: false, ttl: 1 },
              { label: 3, trafficClass: 0, bottomOfStack: true, ttl: 2 },
            ],
          },
          expect.objectContaining({ kind: 'interface', role: 'incoming', index: 7, name: 'ge-0/0/1', mtu: 9000 }),
        ]),
      });
    }
    expect(hops[0]?.probes[0]).toMatchObject({ extensions: [] });
    expect(summary.path[1]?.addresses[0]?.extensions).toHaveLength(2);
  });

  it('loss is counted exactly, probe by probe', async () => {
    const network = chain({ routers: 3, links: { 1: { back: { drop: { every: 4 } } } } });
    const { hops, summary } = await traceIn(network, target, { queries: 8, adaptive: false, timeoutMs: 500 });
    const lost = hops.flatMap(({ probes }) => probes).filter(({ address }) => address === null).length;
    expect(hops[0]?.probes.every(({ address }) => address !== null)).toBe(true);
    // Of what came back over that link, those beyond the server included, every fourth was dropped.
    const back = summary.path.slice(1).reduce((sum, { received, lost: missing }) => sum + received + missing, 0);
    expect(back).toBe(24);
    expect(lost).toBe(summary.lost);
    expect(lost).toBeGreaterThanOrEqual(5);
    expect(lost).toBeLessThanOrEqual(7);
    expect(summary.sent).toBe(summary.received + summary.lost);
  });

  it('duplicates are told apart', async () => {
    const network = chain({ routers: 2, links: { 0: { back: { duplicate: { packets: [1, 5] } } } } });
    const { summary } = await traceIn(network, target);
    expect(summary).toMatchObject({ sent: 9, received: 9, duplicates: 2, lost: 0 });
  });
});

describe('translators', () => {
  const target = SERVER.ipv4;
  const nat = { addresses: ['203.0.113.7', '2001:db8:7::7'], ports: 1000 };
  const seen = (hops: readonly TraceHop[]) => hops.map((hop) => hop.nat);

  it.each(PARIS)('%s: one that gives quotes back as Linux does is not seen', async (protocol) => {
    const { hops, summary } = await traceIn(chain({ routers: 4, odd: { 2: { nat } } }), target, { protocol });
    expect(summary.reached).toBe(true);
    expect(seen(hops)).toEqual([false, false, false, false, false]);
  });

  it.each(PARIS)('%s: one that leaves the quoted packet alone is seen from the hop behind it on', async (protocol) => {
    const network = chain({ routers: 4, odd: { 2: { nat: { ...nat, restores: [] } } } });
    const { hops, summary } = await traceIn(network, target, { protocol });
    expect(answersOf(hops)).toEqual([...chainTo(4, 'ipv4'), [target]]);
    expect(seen(hops)).toEqual([false, false, true, true, true]);
    expect(summary).toMatchObject({ reached: true, nat: true });
    expect(hops[2]?.probes[0]).toMatchObject({ nat: true, quoted: { source: '203.0.113.7' } });
  });

  it.each(['paris', 'dublin', 'classic'] as const)(
    'UDP %s: the quoted checksum alone gives it away, eight bytes being quoted',
    async (multipath) => {
      const odd = { 2: { nat: { ...nat, restores: ['source' as const] } }, 3: { quote: 8 }, 4: { quote: 8 } };
      const { hops, summary } = await traceIn(chain({ routers: 4, odd }), target, { protocol: 'udp', multipath });
      expect(answersOf(hops)).toEqual([...chainTo(4, 'ipv4'), [target]]);
      expect(seen(hops)).toEqual([false, false, true, true, true]);
      expect(summary.foreign).toBe(0);
    },
  );
});

describe('routers that quote eight bytes', () => {
  const odd = { 1: { quote: 8 }, 2: { quote: 8 } };

  it.each(WAYS.filter(([, , socket]) => socket === 'raw'))(
    '%s %s: which probe it was is in its header',
    async (protocol, multipath) => {
      const { hops } = await traceIn(chain({ routers: 2, odd }), SERVER.ipv4, { protocol, multipath });
      expect(answersOf(hops)).toEqual([[router(1)], [router(2)], [SERVER.ipv4]]);
      expect(hops[1]?.probes.map((probe) => (probe.address === null ? null : probe.rttMs))).toEqual([4, 4, 4]);
    },
  );

  it('UDP without privileges: the port of classic tells, of Paris only what leaves no doubt is taken', async () => {
    const dgram = { port: { socket: 'dgram' } } as const;
    const classic = await traceIn(
      chain({ routers: 2, odd }),
      SERVER.ipv4,
      { protocol: 'udp', multipath: 'classic' },
      dgram,
    );
    expect(answersOf(classic.hops)).toEqual([[router(1)], [router(2)], [SERVER.ipv4]]);
    const paris = await traceIn(chain({ routers: 2, odd }), SERVER.ipv4, { protocol: 'udp' }, dgram);
    expect(paris.summary).toMatchObject({ reached: true, foreign: 0, ambiguous: paris.summary.lost });
    expect(paris.summary.ambiguous).toBeGreaterThan(0);
    expect(classic.summary).toMatchObject({ ambiguous: 0, lost: 0 });
    for (const { ttl, probes } of paris.hops) {
      for (const { address } of probes) expect([null, ttl === 3 ? SERVER.ipv4 : router(ttl)]).toContain(address);
    }
  });
});
