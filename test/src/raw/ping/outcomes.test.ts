/** Whatever a network does to packets, every probe has one outcome, and the counts are those of the network. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PingMachine } from '../../../../src/raw/ping/machine.js';
import { pingOrder } from '../../../../src/raw/ping/order.js';
import type { PingCounts } from '../../../../src/raw/ping/records.js';
import { IPv4Address, IPv6Address } from '../../../../src/sockaddr/ip.js';
import type { Impairment, NetworkDescription } from '../../../hosts/network/description.js';
import { simulate, targetSet } from './simulate.js';

const HOSTS = ['198.51.100.9', '198.51.100.10', '2001:db8:100::9'];

const chance = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.6, noNaN: true }));
const impairment: fc.Arbitrary<Impairment> = fc.record({
  drop: chance,
  duplicate: chance,
  jitterMs: fc.oneof(fc.constant(0), fc.nat(400)),
  reorder: fc.record({ when: chance, byMs: fc.nat(900) }),
});
const corruption: fc.Arbitrary<Impairment> = fc.record({
  corrupt: fc.record({ when: chance, offset: fc.nat(63), checksum: fc.constant('mended' as const) }),
});

const addsUp = ({ transmitted, received, late, lost, errors, inFlight }: PingCounts) => {
  expect(received + late + lost + errors + inFlight).toBe(transmitted);
  for (const count of [received, late, lost, errors, inFlight]) expect(count).toBeGreaterThanOrEqual(0);
};

const networkOf = (seed: number, there: Impairment, back: Impairment): NetworkDescription => ({
  about: 'Three hosts behind a router that is not to be relied on.',
  seed,
  nodes: {
    prober: { kind: 'prober', addresses: ['10.50.0.2', 'fd50::2'] },
    r1: { kind: 'router', addresses: ['10.50.1.1', 'fd50:0:1::1'] },
    ...Object.fromEntries(HOSTS.map((address, i) => [`h${i}`, { kind: 'host' as const, addresses: [address] }])),
  },
  links: [
    { path: ['prober', 'r1'], delayMs: 1, there, back },
    ...HOSTS.map((_, i) => ({ path: ['r1', `h${i}`], delayMs: i })),
  ],
});

describe('outcomes of probes', () => {
  it('add up, and are what the records say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(1000),
          there: impairment,
          back: impairment,
          size: fc.constantFrom(0, 4, 12, 16, 56),
          count: fc.integer({ min: 1, max: 30 }),
          intervalMs: fc.constantFrom(0, 1, 7, 300),
          retries: fc.boolean(),
          interruptAt: fc.option(fc.nat(800), { nil: undefined }),
        }),
        async ({ seed, there, back, interruptAt, retries, count, ...plan }) => {
          const told = await simulate(
            networkOf(seed, there, back),
            HOSTS,
            { timeoutMs: 500, ...plan, ...(retries ? { retries: 3 } : { count }) },
            interruptAt === undefined ? {} : { interruptAt },
          );
          const { summaries, replies, timeouts, total } = told;
          for (const summary of summaries) {
            addsUp(summary);
            const own = replies.filter(({ target }) => target === summary.target);
            const firsts = own.filter(({ duplicate }) => !duplicate);
            // Everything is an answer of the host's to a probe of its, once.
            expect(new Set(firsts.map(({ sequence }) => sequence)).size).toBe(firsts.length);
            expect(summary.received + summary.late).toBe(firsts.length);
            expect(summary.late).toBe(firsts.filter(({ late }) => late).length);
            expect(summary.duplicates).toBe(own.length - firsts.length);
            const gone = timeouts.filter(({ target }) => target === summary.target);
            expect(gone.length).toBe(summary.lost + summary.late);
            if (interruptAt === undefined) expect(summary.inFlight).toBe(0);
          }
          expect(total).toBeDefined();
          if (total === undefined) return;
          addsUp(total);
          for (const key of ['transmitted', 'received', 'late', 'lost', 'inFlight', 'duplicates'] as const) {
            expect(total[key]).toBe(summaries.reduce((sum, summary) => sum + summary[key], 0));
          }
          expect(total.foreign).toBe(0);
          expect(total.alive).toBe(summaries.filter(({ received, late }) => received + late > 0).length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are those that the network has made', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), chance, chance, async (seed, lossThere, lossBack) => {
        const network = networkOf(seed, { drop: lossThere }, { drop: lossBack });
        const { summaries, total, network: sim } = await simulate(network, HOSTS, { count: 40, intervalMs: 5 });
        const dropped = sim.model.ledger.links.reduce((sum, { dropped }) => sum + dropped, 0);
        expect(total).toMatchObject({ transmitted: 120, lost: dropped, received: 120 - dropped });
        expect(summaries).toHaveLength(3);
      }),
      { numRuns: 30 },
    );
  });

  it('show every byte that was turned over behind a right checksum, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), corruption, async (seed, back) => {
        const told = await simulate(networkOf(seed, {}, back), HOSTS.slice(0, 1), { count: 40, intervalMs: 5 });
        const corrupted = told.network.model.ledger.links.reduce((sum, { corrupted }) => sum + corrupted, 0);
        const { summary } = told;
        const offset = back.corrupt?.offset ?? 0;
        // A payload that differs is told; an ICMP header that does is no reply to this probe.
        if (offset >= 8) expect(summary).toMatchObject({ received: 40, corrupt: corrupted });
        else expect(summary.received + summary.corrupt).toBeGreaterThanOrEqual(40 - corrupted);
        for (const { corrupt, corruptAt } of told.replies) if (corrupt) expect(corruptAt).toBe(offset - 8);
        addsUp(summary);
      }),
      { numRuns: 40 },
    );
  });
});

describe('answers', () => {
  it('may be any bytes at all', () => {
    const address = fc.oneof(
      fc.nat(0xffffffff).map((value) => new IPv4Address(value)),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new IPv6Address(bytes)),
      fc.constant(new IPv4Address(0xc6336409)),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      // What looks like an answer at first.
      fc
        .tuple(fc.constantFrom(0, 3, 4, 5, 11, 12, 14, 129, 1, 2), fc.uint8Array({ maxLength: 120 }))
        .map(([type, rest]) => Uint8Array.of(type, 0, 0, 0, 0, 1, ...rest)),
    );
    const answer = fc.record({
      bytes,
      from: address,
      to: address,
      protocol: fc.constantFrom(1, 58, 6),
      report: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(answer, { maxLength: 20 }),
        fc.constantFrom('echo', 'timestamp') as fc.Arbitrary<'echo'>,
        (answers, kind) => {
          const set = targetSet('198.51.100.9', '2001:db8::/64');
          const order = pingOrder(set, undefined);
          const machine = new PingMachine({
            plan: { count: 1, kind, recordRoute: true, size: 4 },
            order,
            hosts: set.count,
            routes: () => ({ socket: 'dgram', backend: 'native' }),
            drops: () => ({ socket: 0, socketAtMost: 0 }),
            identifier: 1,
            key: new Uint8Array(8),
          });
          const time = { seconds: 1, nanoseconds: 0 };
          machine.elapsed(0, time);
          const probes = machine.due(5, 3);
          machine.sent(
            probes.map(() => time),
            5,
          );
          const common = { time, timestampSource: 'user' as const, userTime: time, hopLimit: null, trafficClass: null };
          for (const { bytes, from, to, protocol, report } of answers) {
            machine.answered(
              [
                report
                  ? { ...common, kind: 'report', from, to, icmpType: bytes[0] ?? 0, icmpCode: 0, sent: bytes }
                  : { ...common, kind: 'packet', from, protocol, bytes, header: bytes },
              ],
              6,
            );
          }
          machine.elapsed(10, time);
          machine.stop('interrupted', 11, time);
          const total = machine.take().at(-1);
          expect(total?.type).toBe('ping.total');
          if (total?.type === 'ping.total') addsUp(total);
        },
      ),
      { numRuns: 500 },
    );
  });
});
