/** The search for a path's MTU, on paths that say what they are, and on paths that don't. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SocketError } from '../../../../src/errors.js';
import { PathMtuSearch } from '../../../../src/raw/ping/path-mtu.js';
import type { Impairment, NetworkDescription, RouterDescription } from '../../../hosts/network/description.js';
import { simulate } from './simulate.js';

const HOST = '198.51.100.9';
const HOST6 = '2001:db8:100::9';

/** Prober, two routers and a host: the links in between have these MTUs. */
function path(mtus: readonly number[], r1: Partial<RouterDescription> = {}, back: Impairment = {}): NetworkDescription {
  const nodes = ['prober', 'r1', 'r2', 'host'];
  return {
    about: 'A path of three links.',
    nodes: {
      prober: { kind: 'prober', addresses: ['10.50.0.2', 'fd50::2'] },
      r1: { kind: 'router', addresses: ['10.50.1.1', 'fd50:0:1::1'], ...r1 },
      r2: { kind: 'router', addresses: ['10.50.2.1', 'fd50:0:2::1'], ...r1 },
      host: { kind: 'host', addresses: [HOST, HOST6] },
    },
    links: mtus.map((mtu, i) => ({
      path: [nodes[i] as string, nodes[i + 1] as string],
      delayMs: 1,
      mtu,
      ...(i === 0 ? { back } : {}),
    })),
  };
}

/** What the interface does not take. */
const refuseAbove = (mtu: number) => (probe: { bytes: Uint8Array; to: { family: string } }) =>
  probe.bytes.length + (probe.to.family === 'ipv4' ? 20 : 40) > mtu
    ? new SocketError({ syscall: 'sendmmsg', code: 'EMSGSIZE', errno: 90 })
    : undefined;

const PLAN = { pmtuSearch: true, timeoutMs: 500 } as const;

describe.for(['raw', 'dgram'] as const)('on a %s socket', (socket) => {
  it.for([HOST, HOST6])('finds what the routers tell: %s', async (target) => {
    const refuse = refuseAbove(9000);
    const { summary, tookMs, records } = await simulate(path([9000, 1500, 1400]), [target], PLAN, { socket, refuse });
    const reporter = target === HOST ? '10.50.2.1' : 'fd50:0:2::1';
    expect(summary.pathMtu).toEqual({ mtu: 1400, tooBig: 1401, reporter, unreachable: false, complete: true });
    expect(summary.endReason).toBe('count');
    expect(records.at(-1)).toBe(summary);
    expect(tookMs).toBeLessThan(100);
  });
});

describe('the search', () => {
  it('finds the interface, where that is the narrowest', async () => {
    const { summary } = await simulate(path([9000, 9000, 9000]), [HOST], PLAN, { refuse: refuseAbove(1492) });
    expect(summary.pathMtu).toEqual({ mtu: 1492, tooBig: 1493, reporter: null, unreachable: false, complete: true });
  });

  it('finds out that nothing is too large', async () => {
    const { summary } = await simulate(path([65_535, 65_535, 65_535]), [HOST], PLAN);
    expect(summary.pathMtu).toEqual({ mtu: 65_535, tooBig: null, reporter: null, unreachable: false, complete: true });
  });

  it('tries it out where routers say nothing', async () => {
    const network = path([9000, 1400, 9000], { silent: true });
    const { summary, errors } = await simulate(network, [HOST], PLAN, { refuse: refuseAbove(9000) });
    expect(summary.pathMtu).toEqual({ mtu: 1400, tooBig: 1401, reporter: null, unreachable: false, complete: true });
    expect(errors.every(({ icmpType }) => icmpType === null)).toBe(true);
  });

  it('tells loss from size', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const network = { ...path([1500, 1400, 1500], { silent: true }, { drop: 0.4 }), seed };
      const { summary } = await simulate(network, [HOST], { ...PLAN, count: 4 }, { refuse: refuseAbove(1500) });
      expect(summary.pathMtu?.mtu).toBe(1400);
    }
  });

  it('says that a host is not reachable at all', async () => {
    const { summary } = await simulate(path([1500, 1500, 1500], {}, { drop: 1 }), [HOST], PLAN);
    expect(summary.pathMtu).toEqual({ mtu: null, tooBig: null, reporter: null, unreachable: true, complete: true });
  });

  it('says what it knows when it is interrupted', async () => {
    const network = path([1500, 1400, 1500], { silent: true });
    const { summary } = await simulate(network, [HOST], PLAN, { refuse: refuseAbove(1500), interruptAt: 1500 });
    expect(summary).toMatchObject({ endReason: 'interrupted', pathMtu: { unreachable: false, complete: false } });
    expect(summary.pathMtu?.mtu).toBeGreaterThanOrEqual(68);
    expect(summary.pathMtu?.mtu).toBeLessThanOrEqual(1400);
  });

  it('goes on for several hosts at a time', async () => {
    const { summaries, total } = await simulate(path([1500, 1500, 1400]), [HOST, HOST6], PLAN, {
      refuse: refuseAbove(1500),
    });
    expect(summaries.map(({ pathMtu }) => pathMtu?.mtu)).toEqual([1400, 1400]);
    expect(total?.endReason).toBe('count');
  });

  it('ends with the right size whatever routers claim, in so many steps', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('ipv4' as const, 'ipv6' as const),
        fc.integer({ min: 1280, max: 65_535 }),
        fc.array(fc.oneof(fc.constant(0), fc.nat(70_000), fc.constant(-1)), { minLength: 1, maxLength: 8 }),
        (family, mtu, claims) => {
          const search = new PathMtuSearch(family, 3);
          let steps = 0;
          while (!search.done) {
            const tried = search.next();
            if (tried === undefined) throw new Error('it waits for nothing');
            expect(++steps).toBeLessThan(200);
            if (tried.size <= mtu) search.answered(tried, false);
            else {
              const claim = claims[steps % claims.length] as number;
              // A claim below the truth would be believed, as it must be.
              if (claim < 0) search.lost(tried);
              else search.tooBig(tried, claim < mtu ? 0 : claim, 'router');
            }
          }
          expect(search.result.mtu).toBe(mtu);
          expect(search.result.unreachable).toBe(false);
        },
      ),
    );
  });

  it.each(['ipv4', 'ipv6'] as const)('ends where a router lets nothing through over %s', (family) => {
    for (const mtu of [0, 1, 20, 67, 1279]) {
      const search = new PathMtuSearch(family, 3);
      for (let steps = 0; !search.done; steps++) {
        const tried = search.next();
        if (tried === undefined || steps > 20) throw new Error('no end');
        expect(tried.size).toBeGreaterThanOrEqual(family === 'ipv4' ? 68 : 1280);
        search.tooBig(tried, mtu, 'router');
      }
      expect(search.result).toMatchObject({ mtu: null, unreachable: true, complete: true });
    }
  });

  it('begins again where the path has become narrower', () => {
    const search = new PathMtuSearch('ipv4', 3);
    let mtu = 1500;
    let answers = 0;
    for (let steps = 0; !search.done; steps++) {
      const tried = search.next();
      if (tried === undefined || steps > 200) throw new Error('it waits for nothing');
      if (tried.size > mtu) search.tooBig(tried, 0, 'router');
      else {
        search.answered(tried, false);
        if (++answers === 3) mtu = Math.max(68, tried.size - 100);
      }
    }
    expect(search.result.mtu).toBeLessThanOrEqual(mtu);
    expect(search.result.unreachable).toBe(false);
  });

  it('counts once what is answered after it was given up', () => {
    const search = new PathMtuSearch('ipv4', 3);
    const late: NonNullable<ReturnType<typeof search.next>>[] = [];
    for (let steps = 0; !search.done; steps++) {
      if (steps > 2000) throw new Error('no end');
      const tried = search.next();
      if (tried === undefined) {
        const one = late.shift();
        if (one === undefined) throw new Error('it waits for nothing');
        search.answered(one, true);
      } else if (tried.size > 1400) search.lost(tried);
      else {
        // All of them come too late.
        search.lost(tried);
        late.push(tried);
      }
      while (late.length > 2) search.answered(late.shift() as (typeof late)[number], true);
    }
    expect(search.result.mtu).toBe(1400);
  });
});
