/** Rounds, and traces that end before their time. */
import { describe, expect, it } from 'vitest';
import { SocketError } from '../../../../src/errors.js';
import { elapsedMs } from '../../../../src/measure/clock.js';
import type { TraceHop } from '../../../../src/raw/trace/records.js';
import { TraceControl, TraceTable } from '../../../../src/raw/trace/table.js';
import { chain, router, SERVER } from './networks.js';
import { answersOf, traceIn } from './simulated.js';

const target = SERVER.ipv4;
const firstSends = (hops: readonly TraceHop[]) =>
  hops.filter(({ ttl }) => ttl === 1).map(({ probes: [probe] }) => probe?.sentTime ?? null);

describe('rounds', () => {
  it('begin on an absolute schedule, and each is complete', async () => {
    const rounds = 20;
    const { hops, summary } = await traceIn(chain({ routers: 4 }), target, { rounds, intervalMs: 250 });
    expect(hops).toHaveLength(5 * rounds);
    for (const [i, { round, ttl, probes }] of hops.entries()) {
      expect({ round, ttl, probes: probes.length }).toEqual({
        round: Math.floor(i / 5) + 1,
        ttl: (i % 5) + 1,
        probes: 1,
      });
    }
    const [begin = { seconds: 0, nanoseconds: 0 }, ...later] = firstSends(hops).filter((time) => time !== null);
    expect(later.map((time) => elapsedMs(begin, time))).toEqual(
      Array.from({ length: rounds - 1 }, (_, i) => 250 * (i + 1)),
    );
    expect(summary).toMatchObject({ rounds, sent: 100, received: 100, lost: 0, inFlight: 0, endReason: 'reached' });
    for (const row of summary.path) {
      const { sent, received, lossPercent, bestMs, meanMs, worstMs, lastMs, p90Ms, jitterMs, stddevMs } = row;
      const rtt = 2 * row.ttl;
      expect({ sent, received, lossPercent }).toEqual({ sent: rounds, received: rounds, lossPercent: 0 });
      for (const one of [bestMs, meanMs, worstMs, lastMs, p90Ms]) expect(one).toBeCloseTo(rtt, 2);
      expect([jitterMs, stddevMs]).toEqual([0, 0]);
    }
  });

  it('after the first one know where the path ends: no probe goes beyond', async () => {
    let sent = 0;
    const port = { refuse: () => void sent++ };
    await traceIn(chain({ routers: 2, delayMs: 40 }), target, { rounds: 5 }, { port });
    // 16 hops are on their way before the target answers for the first time.
    expect(sent).toBe(16 + 2 + 4 * 3);
  });

  it('overlap where a hop is silent, and nothing that is waited for at the end counts as lost', async () => {
    const network = chain({ routers: 3, odd: { 2: { silent: true } } });
    const { hops, summary } = await traceIn(network, target, {
      rounds: 6,
      intervalMs: 100,
      adaptive: false,
      timeoutMs: 700,
    });
    expect(answersOf(hops)).toEqual(
      Array(6)
        .fill([[router(1)], null, [router(3)], [target]])
        .flat(),
    );
    expect(summary.path.map(({ sent, received, lost }) => [sent, received, lost])).toEqual([
      [6, 6, 0],
      [6, 0, 6],
      [6, 6, 0],
      [6, 6, 0],
    ]);
    expect(summary.durationMs).toBeGreaterThanOrEqual(1200);
    expect(summary.durationMs).toBeLessThan(1210);
  });

  it('the last hop may be lost in a round without another search beyond it', async () => {
    const network = chain({ routers: 2, links: { 2: { there: { drop: { packets: [30] } } } } });
    const { hops, summary } = await traceIn(network, target, { rounds: 40 });
    const lost = hops.filter(({ probes }) => probes.some(({ address }) => address === null));
    expect(lost.map(({ ttl, reached }) => ({ ttl, reached }))).toEqual([{ ttl: 3, reached: false }]);
    expect(summary).toMatchObject({ reached: true, hops: 3, endReason: 'reached', lost: 1 });
  });

  describe('where the target was reached once', () => {
    // Of 18 probes in the first round three and more get as far as the server, of the other rounds one each.
    const network = (given: Parameters<typeof chain>[0]) => chain({ delayMs: 40, ...given });
    const everyRow = (rounds: number) => [
      { ttl: 1, sent: rounds, reached: false },
      { ttl: 2, sent: rounds, reached: false },
      { ttl: 3, sent: rounds, reached: true },
    ];

    it('a router that refuses a probe of the last round does not end the path', async () => {
      const refuses = [{ to: target, because: 'host', when: { packets: [22] } }] as const;
      const { hops, summary } = await traceIn(network({ routers: 2, odd: { 1: { refuses } } }), target, { rounds: 3 });
      expect(hops.map(({ unreachable }) => unreachable).at(-1)).toBe('!H');
      expect(summary).toMatchObject({ reached: true, hops: 3, endReason: 'reached', path: everyRow(3) });
    });

    it('what this machine refuses later on is counted, and said', async () => {
      const error = new SocketError({ syscall: 'sendmmsg', code: 'ENETUNREACH', errno: 101 });
      const port = { refuse: (_: unknown, number: number) => (number > 18 && number < 21 ? error : undefined) };
      const { summary } = await traceIn(network({ routers: 2 }), target, { rounds: 4 }, { port });
      const { code, message, advice } = error;
      expect(summary).toMatchObject({
        reached: true,
        hops: 3,
        endReason: 'reached',
        refused: 2,
        code,
        message,
        advice,
      });
      expect(summary.path.map(({ refused, sent }) => [refused, sent])).toEqual([
        [2, 2],
        [0, 2],
        [0, 2],
      ]);
    });

    it('no round tries hops beyond it when it has fallen silent', async () => {
      const lost = Array.from({ length: 9 }, (_, i) => 17 + i);
      let sent = 0;
      const { summary } = await traceIn(
        network({ routers: 2, links: { 2: { there: { drop: { packets: lost } } } } }),
        target,
        { rounds: 5, timeoutMs: 500 },
        { port: { refuse: () => void sent++ } },
      );
      expect(sent).toBe(16 + 2 + 4 * 3);
      expect(summary).toMatchObject({ reached: true, hops: 3, endReason: 'reached', path: everyRow(5), lost: 4 });
    });

    it.each([1, 4])('nor when all its answers are late, in %d rounds', async (rounds) => {
      const late = network({ routers: 2, delayMs: 1, server: { thinkingMs: 560 } });
      const { summary } = await traceIn(late, target, { rounds, queries: 1, timeoutMs: 500, intervalMs: 520 });
      expect(summary).toMatchObject({ reached: true, hops: 3, endReason: 'reached', late: Math.max(1, rounds - 1) });
      expect(summary.path).toMatchObject(everyRow(rounds));
    });
  });

  it('late answers are late, and not lost', async () => {
    const network = chain({ routers: 3, odd: { 2: { thinkingMs: 260 } } });
    const { hops, summary } = await traceIn(network, target, { rounds: 3, intervalMs: 1000, adaptive: true });
    // Given up after 200 ms, since the hops behind it have answered long ago; known to take its time from then on.
    expect(hops[1]?.probes[0]).toMatchObject({ address: null, reason: 'timeout' });
    expect(hops[5]?.probes[0]).toMatchObject({ address: router(2), rttMs: 264 });
    expect(summary.path[1]).toMatchObject({ sent: 3, received: 2, late: 1, lost: 0, lossPercent: 0 });
    expect(summary).toMatchObject({ sent: 12, received: 11, late: 1, lost: 0 });
  });

  it.each([{ rounds: 3 }, { timeoutMs: 3000 }])('with %o a slow hop has the time that it takes', async (asked) => {
    const network = chain({ routers: 3, odd: { 2: { thinkingMs: 260 } } });
    const { summary } = await traceIn(network, target, asked);
    expect(summary).toMatchObject({ received: summary.sent, late: 0, lost: 0 });
  });

  it('pause and go on: what is on its way is waited for, the schedule stays', async () => {
    const control = new TraceControl();
    const { hops, summary } = await traceIn(
      chain({ routers: 1 }),
      target,
      { rounds: 4, intervalMs: 100, control },
      {
        prepare: (network) => {
          network.at(150, () => {
            control.paused = true;
          });
          network.at(450, () => {
            control.paused = false;
          });
        },
      },
    );
    const times = firstSends(hops).map((time) => (time?.nanoseconds ?? 0) / 1e6);
    expect(times).toEqual([0, 100, 500, 600]);
    expect(summary).toMatchObject({ rounds: 4, sent: 8, received: 8 });
  });

  it('a table can be looked at meanwhile, and emptied', async () => {
    const table = new TraceTable();
    const seen: number[][] = [];
    const { summary } = await traceIn(
      chain({ routers: 2, delayMs: 20 }),
      target,
      { rounds: 10, intervalMs: 100, table },
      {
        prepare: (network) => {
          network.at(30, () => seen.push(table.rows().map(({ inFlight }) => inFlight)));
          network.at(550, () => {
            seen.push(table.rows().map(({ received }) => received));
            table.reset();
            seen.push(table.rows().map(({ sent }) => sent));
          });
        },
      },
    );
    // At 30 ms nobody has answered; at 550 ms six rounds are under way, and the last has come back from two hops.
    expect(seen).toEqual([[], [6, 5, 5], [0, 0, 0]]);
    expect(summary.path.map(({ sent, received }) => [sent, received])).toEqual([
      [4, 4],
      [4, 4],
      [4, 4],
    ]);
  });
});

describe('a trace that ends before its time', () => {
  it.each([0, 0.5, 3, 21, 60, 99.5, 1003, 2040])(
    'interrupted at %d ms: all that was begun is told, and adds up',
    async (at) => {
      const interrupt = new AbortController();
      const { hops, summary } = await traceIn(
        chain({ routers: 4, delayMs: 10, odd: { 3: { silent: true } } }),
        target,
        { rounds: Number.POSITIVE_INFINITY, queries: 2, signal: interrupt.signal },
        { prepare: (network) => network.at(at, () => interrupt.abort()) },
      );
      expect(summary.endReason).toBe('interrupted');
      expect(summary.sent).toBe(summary.received + summary.late + summary.lost + summary.inFlight);
      const byRound = new Map<number, number[]>();
      for (const { round, ttl, probes } of hops) {
        byRound.set(round, [...(byRound.get(round) ?? []), ttl]);
        expect(probes).toHaveLength(2);
        for (const probe of probes) {
          if (probe.address === null) expect(['timeout', 'in-flight', 'not-sent']).toContain(probe.reason);
        }
      }
      for (const ttls of byRound.values()) expect(ttls).toEqual(ttls.map((_, i) => i + 1));
      expect(summary.rounds).toBe(at === 0 ? summary.rounds : Math.floor(at / 1000) + 1);
    },
  );

  it('by its deadline', async () => {
    const { summary } = await traceIn(chain({ routers: 2 }), target, { rounds: 100, intervalMs: 100, deadlineMs: 450 });
    expect(summary).toMatchObject({ endReason: 'deadline', rounds: 5, durationMs: 450, sent: 15, received: 15 });
  });

  it('because this machine does not send', async () => {
    const error = new SocketError({ syscall: 'sendmmsg', code: 'ENETUNREACH', errno: 101 });
    const { hops, summary } = await traceIn(
      chain({ routers: 4 }),
      target,
      {},
      {
        port: { refuse: (_, number) => (number > 4 ? error : undefined) },
      },
    );
    expect(answersOf(hops)).toEqual([[router(1)], [router(2)]]);
    expect(hops[1]?.probes).toMatchObject([{ address: router(2) }, { reason: 'refused' }, { reason: 'refused' }]);
    const { code, message, advice } = error;
    expect(hops[1]?.probes[1]).toMatchObject({ code, message, advice });
    expect(summary).toMatchObject({ reached: false, hops: 2, endReason: 'error', refused: 2, code, message, advice });
  });
});

describe('hops', () => {
  it('from the first to the last that are asked for', async () => {
    const { hops, summary } = await traceIn(chain({ routers: 6 }), target, { firstHop: 3, maxHops: 5 });
    expect(answersOf(hops)).toEqual([[router(3)], [router(4)], [router(5)]]);
    expect(summary).toMatchObject({ reached: false, hops: 5, endReason: 'max-hops', sent: 9, received: 9 });
    expect(summary.path.map(({ ttl }) => ttl)).toEqual([3, 4, 5]);
  });

  it('thirty of them are known in a round trip and a little', async () => {
    const { hops, summary } = await traceIn(chain({ routers: 29, delayMs: 2 }), target, { queries: 1 });
    expect(hops).toHaveLength(30);
    expect(summary.reached).toBe(true);
    expect(summary.durationMs).toBeLessThan(1.6 * 120);
    const whole = await traceIn(chain({ routers: 29, delayMs: 2 }), target, { queries: 1, window: 30 });
    expect(whole.summary.durationMs).toBe(29 + 120);
  });

  it('a window of one goes hop by hop', async () => {
    const { summary } = await traceIn(chain({ routers: 3, delayMs: 10 }), target, { window: 1, queries: 1 });
    expect(summary).toMatchObject({ reached: true, hops: 4, sent: 4 });
    expect(summary.durationMs).toBeGreaterThanOrEqual(20 + 40 + 60 + 80);
  });
});
