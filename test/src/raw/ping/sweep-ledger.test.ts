/** The columns of a sweep and the ledger of any ping, told of the same things, say the same of them. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PingHost } from '../../../../src/raw/ping/host.js';
import { Ledger, type ReplyFacts } from '../../../../src/raw/ping/ledger.js';
import type { PingPlan } from '../../../../src/raw/ping/options.js';
import { pingOrder } from '../../../../src/raw/ping/order.js';
import type { ErrorFacts } from '../../../../src/raw/ping/probe-error.js';
import type { PingRecord } from '../../../../src/raw/ping/records.js';
import { SweepLedger } from '../../../../src/raw/ping/sweep-ledger.js';
import { TargetSet } from '../../../../src/raw/ping/targets.js';
import { parsePrefix } from '../../../../src/sockaddr/prefix.js';

const HOSTS = 6;
const TIMEOUT_MS = 50;
const BASE = { seconds: 1000, nanoseconds: 999_999_000 };
const route = { socket: 'raw', backend: 'native' } as const;

type Event = { readonly step: number; readonly afterMs: number } & (
  | { readonly kind: 'reply'; readonly readMs: number; readonly corruptAt: number; readonly foreignAddress: boolean }
  | { readonly kind: 'error'; readonly settles: boolean }
  | { readonly kind: 'nothing' }
);

const step = fc.integer({ min: 0, max: HOSTS - 1 });
const afterMs = fc.integer({ min: 0, max: 40 });
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constant('reply' as const),
    step,
    afterMs,
    readMs: fc.constantFrom(0, 0, 10, 60),
    corruptAt: fc.constantFrom(-1, -1, 17),
    foreignAddress: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('error' as const), step, afterMs, settles: fc.boolean() }),
  fc.record({ kind: fc.constant('nothing' as const), step, afterMs }),
);

const at = (ms: number) => ({
  seconds: BASE.seconds + Math.floor((BASE.nanoseconds + ms * 1e6) / 1e9),
  nanoseconds: (BASE.nanoseconds + ms * 1e6) % 1e9,
});

const replyFacts = (ms: number, { corruptAt, foreignAddress }: Event & { kind: 'reply' }): ReplyFacts => ({
  address: '10.0.0.9',
  foreignAddress,
  bytes: 64,
  ttl: 63,
  time: at(ms),
  timestamp: 'kernel',
  userTime: at(ms),
  corrupt: corruptAt >= 0,
  corruptAt,
  corruptBytes: corruptAt < 0 ? 0 : 2,
});

const errorFacts = (ms: number, settles: boolean): ErrorFacts => ({
  address: '10.0.0.254',
  icmpType: 3,
  icmpCode: 1,
  message: 'host unreachable',
  settles,
  time: at(ms),
});

/** Of many hosts each is told of when it is done, of few all are at the end. */
it.each([
  ['everything', 5000n],
  ['everything', 1000n],
  ['summaries', 5000n],
  ['summaries', 1000n],
  ['total', 5000n],
] as const)('tell %s of %s hosts', (tell, OF) => {
  const plan: PingPlan = { count: 1, timeoutMs: TIMEOUT_MS, tell };
  const prefix = parsePrefix('10.0.0.0/29');
  const order = pingOrder(new TargetSet([{ prefix }]), undefined);
  fc.assert(
    fc.property(fc.array(event, { maxLength: 25 }), fc.boolean(), (events, ended) => {
      const ledger = new Ledger(
        { plan, routes: () => route, drops: () => ({ socket: null, socketAtMost: 3 }), hosts: OF },
        BASE,
      );
      const sweep = new SweepLedger(
        { plan, order, hosts: OF, route, drops: () => ({ socket: null, socketAtMost: 3 }), startedAt: 0 },
        BASE,
      );
      const hosts = Array.from({ length: HOSTS }, (_, i) => new PingHost(order.at(i), i, false));
      for (const host of hosts) {
        ledger.begin(host);
        host.sends = 1;
        host.complete = true;
        ledger.claim(host, 0, 0);
      }
      hosts.forEach((_, i) => {
        ledger.sent(i, 0, 0);
      });
      sweep.claim(0, HOSTS, 0, 0);
      sweep.sent(0, HOSTS, 0);
      let now = 0;
      let oldest = 0;
      const expire = () => {
        for (; now >= TIMEOUT_MS && oldest < HOSTS; oldest++) {
          if (ledger.ring.isOpen(oldest)) ledger.expire(oldest, at(now), now);
        }
        sweep.elapse(now, at(now));
        ledger.tellFinished(at(now));
      };
      for (const one of [...events, ...(ended ? [{ kind: 'nothing', step: 0, afterMs: 1000 } as const] : [])]) {
        now += one.afterMs;
        expire();
        if (one.kind === 'reply') {
          // It came in so long before it is read.
          const arrived = Math.max(0, now - one.readMs);
          const facts = replyFacts(arrived, one);
          ledger.reply(one.step, facts, now);
          for (const tally of [sweep.total, sweep.oddities(one.step)]) {
            if (one.foreignAddress) tally.foreignAddress++;
            if (one.corruptAt >= 0) tally.corrupt++;
          }
          sweep.reply(one.step, arrived, now, facts);
        } else if (one.kind === 'error') {
          ledger.error(one.step, errorFacts(now, one.settles), now);
          sweep.error(one.step, errorFacts(now, one.settles), now);
        }
        ledger.tellFinished(at(now));
      }
      const reason = ended ? 'count' : 'interrupted';
      ledger.end(reason, at(now), now, 0);
      sweep.end(reason, at(now), now);
      expect(sweep.open).toBe(ledger.open);
      expect(comparable(sweep.take())).toEqual(comparable(ledger.take()));
    }),
  );
});

it('counts what has left, and what must have because it is answered', () => {
  const order = pingOrder(new TargetSet([{ prefix: parsePrefix('10.0.0.0/29') }]), undefined);
  const sweep = new SweepLedger(
    {
      plan: { count: 1, tell: 'everything' },
      order,
      hosts: 6n,
      route,
      drops: () => ({ socket: 0, socketAtMost: 0 }),
      startedAt: 0,
    },
    BASE,
  );
  sweep.claim(0, HOSTS, 0, 0);
  sweep.sent(0, 2, 1);
  sweep.reply(4, 3, 3, undefined);
  // The rest is tried again later.
  sweep.claim(2, 2, 20, 20);
  sweep.sent(2, 1, 21);
  sweep.reply(2, 25, 25, undefined);
  // What is not sent yet has all its time.
  sweep.elapse(5000, at(5000));
  sweep.end('interrupted', at(5000), 5000);
  const records = sweep.take();
  const counts = { transmitted: 4, received: 2, lost: 2, inFlight: 0, hosts: 4, alive: 2, unreachable: 2 };
  expect(records.at(-1)).toMatchObject({ type: 'ping.total', ...counts, rttMs: { min: 3, max: 5 } });
  expect(records.filter(({ type }) => type === 'ping.summary')).toHaveLength(4);
});

/** What is told in one turn may be told in another order. A summary's moment is the clock's in the one, and worked out in the other. */
function comparable(records: readonly PingRecord[]): string[] {
  return records
    .map((record) => {
      const { time, ...rest } = record;
      const { seconds, nanoseconds } = time;
      const told: Record<string, unknown> = { ...rest, time: seconds * 1e6 + Math.round(nanoseconds / 1000) };
      return JSON.stringify(Object.entries(told).sort(([a], [b]) => (a < b ? -1 : 1)));
    })
    .sort();
}
