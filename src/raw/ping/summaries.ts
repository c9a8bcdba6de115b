/** The last records: of a host, and of all. */

import { roundMs, type Timestamp } from '../../measure/clock.js';
import type { SocketDrops } from '../../socket/drops.js';
import type { PingHost } from './host.js';
import type { Ledger, PingRoute } from './ledger.js';
import { DEFAULT_INTERVAL_MS, type PingPlan } from './options.js';
import type { PingEndReason, PingSummary, PingTotal } from './records.js';

export interface SummaryFacts {
  readonly time: Timestamp;
  /** By the port's clock: when the last outcome was known, or the run has ended. */
  readonly until: number;
  readonly endReason: PingEndReason;
  /** What is known of the host because there is no other. */
  readonly alone: Pick<PingSummary, 'foreign' | 'drops'>;
  readonly route: PingRoute;
}

export function summaryOf(host: PingHost, plan: PingPlan, facts: SummaryFacts): PingSummary {
  const { time, until, endReason, alone, route } = facts;
  const { tally, roundTrips, firstSentAt, lastSentAt } = host;
  return {
    type: 'ping.summary',
    time,
    target: host.target.name,
    address: host.address.toString(),
    ...route,
    ...tally.counts(),
    ...alone,
    jitterMs: roundTrips.jitterMs,
    rttMs: roundTrips.summary(),
    ...(plan.histogram === true ? { histogram: roundTrips.buckets() } : {}),
    durationMs: duration(firstSentAt, until),
    requestedRate: requestedRate(plan, 1),
    achievedRate: achievedRate(tally.transmitted, firstSentAt, lastSentAt),
    ...(host.group ? { repliers: host.repliers, replies: tally.replies } : {}),
    ...(host.pathMtu === undefined ? {} : { pathMtu: host.pathMtu }),
    endReason,
  };
}

export interface TotalFacts {
  readonly time: Timestamp;
  readonly durationMs: number;
  readonly reason: PingEndReason;
  readonly drops: SocketDrops;
  readonly route: PingRoute;
}

/** What is known of all hosts together. */
export type TotalCounts = Pick<
  Ledger,
  'total' | 'roundTrips' | 'hosts' | 'alive' | 'unreachable' | 'foreign' | 'firstSentAt' | 'lastSentAt' | 'nextSentAt'
>;

export function totalOf(ledger: TotalCounts, plan: PingPlan, of: bigint, facts: TotalFacts): PingTotal {
  const { total, roundTrips, hosts, alive, unreachable, foreign } = ledger;
  const { firstSentAt, lastSentAt, nextSentAt } = ledger;
  return {
    type: 'ping.total',
    time: facts.time,
    hosts,
    of: of <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(of) : of.toString(),
    ...facts.route,
    alive,
    unreachable,
    ...total.counts(),
    foreign,
    drops: facts.drops,
    rttMs: roundTrips.summary(),
    ...(plan.histogram === true ? { histogram: roundTrips.buckets() } : {}),
    durationMs: roundMs(facts.durationMs),
    requestedRate: requestedRate(plan, Number(of)),
    achievedRate: achievedRate(total.transmitted, firstSentAt, lastSentAt, nextSentAt),
    endReason: facts.reason,
  };
}

/** NaN where nothing was sent. */
function duration(from: number, until: number): number {
  return Number.isNaN(from) ? 0 : roundMs(until - from);
}

/** Probes a second to so many hosts: what the rate allows, and no more than the intervals ask for. */
function requestedRate(plan: PingPlan, hosts: number): number | null {
  const { ratePerSecond = Number.POSITIVE_INFINITY, intervalMs = DEFAULT_INTERVAL_MS, count, retries } = plan;
  if (plan.flood === true || plan.adaptive === true || plan.pmtuSearch === true) return null;
  const once = count === 1 || retries !== undefined;
  const byInterval = once || intervalMs === 0 ? Number.POSITIVE_INFINITY : (hosts * 1000) / intervalMs;
  const rate = Math.min(ratePerSecond, byInterval);
  return Number.isFinite(rate) ? rate : null;
}

/**
 * Probes a second from the first to when the next one would have been sent. That is as long after the last one as they are
 * apart, or later where hosts have their turns in rounds: the last round has an interval as the others have.
 *
 * @param next of the first host, which rounds begin with; -Infinity where it has had no second turn
 */
function achievedRate(sent: number, first: number, last: number, next = Number.NEGATIVE_INFINITY): number | null {
  if (sent < 2 || !(last > first)) return null;
  const even = last + (last - first) / (sent - 1);
  const end = Math.max(even, next);
  return Math.round((sent * 1e6) / (end - first)) / 1000;
}
