/**
 * What became of the probes of a sweep: one to each host, in columns by the host's step of the order, so that nothing is
 * made for a host of which nothing is told.
 */

import { elapsedMs, roundMs, steadyMs, type Timestamp } from '../../measure/clock.js';
import { RoundTrips } from '../../measure/round-trips.js';
import type { SocketDrops } from '../../socket/drops.js';
import { PingHost, Tally } from './host.js';
import { KEPT_MAX, type PingRoute, type ReplyFacts } from './ledger.js';
import { DEFAULT_TIMEOUT_MS, type PingPlan, tellsReplies } from './options.js';
import type { PingOrder } from './order.js';
import { type ErrorFacts, errorRecord } from './probe-error.js';
import { ProbeState } from './probe-ring.js';
import type { PingEndReason, PingRecord } from './records.js';
import { summaryOf, totalOf } from './summaries.js';

export interface SweepLedgerOptions {
  readonly plan: PingPlan;
  readonly order: PingOrder;
  readonly hosts: bigint;
  readonly route: PingRoute;
  readonly drops: () => SocketDrops;
  readonly startedAt: number;
}

/** The time at which a probe is sent, of one that is claimed and has not left as far as is known; and that time again. */
const unsent = (at: number): number => -1 - at;

export class SweepLedger {
  readonly total = new Tally();
  readonly roundTrips = new RoundTrips();
  foreign = 0;
  alive = 0;
  unreachable = 0;
  /** When the first probe was claimed, and when the last one had left: a table takes its time in between. */
  firstSentAt = Number.NaN;
  lastSentAt = Number.NaN;
  /** Nobody has a second turn. */
  readonly nextSentAt = Number.NEGATIVE_INFINITY;
  /** Probes that are waited for. */
  open = 0;
  readonly timeoutMs: number;
  readonly #options: SweepLedgerOptions;
  readonly #base: Timestamp;
  readonly tellsReplies: boolean;
  readonly #tells: boolean;
  readonly #state: Uint8Array;
  /**
   * When it was sent, by the wall clock in milliseconds since the base, and by the monotonic one: when its table was given to
   * the kernel. Below 0 it is {@link unsent}.
   */
  readonly #sentWall: Float64Array;
  readonly #sentAt: Float64Array;
  readonly #roundTripMs: Float64Array;
  /** When a host had its outcome, where all are told of at the end. */
  readonly #finishedAt: Float64Array | undefined;
  /** Of hosts that something odd has happened to. */
  readonly #odd = new Map<number, Tally>();
  /** The first probe that may still be waited for, and the number of those that have been claimed. */
  #oldest = 0;
  #claimed = 0;
  /** When the last ones were, by either clock. */
  #lastWall = 0;
  #lastAt = 0;
  #records: PingRecord[] = [];

  constructor(options: SweepLedgerOptions, base: Timestamp) {
    const { plan, order } = options;
    this.#options = options;
    this.#base = base;
    this.timeoutMs = plan.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.tellsReplies = tellsReplies(plan);
    this.#tells = plan.tell !== 'total';
    this.#state = new Uint8Array(order.size);
    this.#sentWall = new Float64Array(order.size);
    this.#sentAt = new Float64Array(order.size);
    this.#roundTripMs = new Float64Array(this.#tells ? order.size : 0);
    this.#finishedAt = options.hosts <= KEPT_MAX ? new Float64Array(order.size) : undefined;
  }

  /** Hosts that have been sent to. */
  get hosts(): number {
    return this.total.transmitted;
  }

  /** Milliseconds from the base to a moment. */
  wall(seconds: number, nanoseconds: number): number {
    return (seconds - this.#base.seconds) * 1000 + (nanoseconds - this.#base.nanoseconds) / 1e6;
  }

  /** Whether the host of this step has been sent to. */
  has(step: number): boolean {
    return step < this.#state.length && this.#state[step] !== ProbeState.none;
  }

  /** The probes to the hosts from `first` on are about to be sent, at `wall`; again, where there was no room for them. */
  claim(first: number, count: number, wall: number, now: number): void {
    const claimed = first + count;
    if (this.#state[first] === ProbeState.none) this.open += count;
    this.#claimed = Math.max(this.#claimed, claimed);
    if (first === 0 && Number.isNaN(this.firstSentAt)) this.firstSentAt = now;
    this.#lastWall = wall;
    this.#lastAt = now;
    this.#state.fill(ProbeState.waiting, first, claimed);
    this.#sentWall.fill(wall, first, claimed);
    this.#sentAt.fill(unsent(now), first, claimed);
  }

  /** They have left. */
  sent(first: number, count: number, now: number): void {
    for (let step = first; step < first + count; step++) this.#take(step, now);
  }

  /** The probe has left: who sends it says so, unless a reply does before. */
  #take(step: number, now: number): void {
    const at = this.#sentAt[step] as number;
    if (at >= 0) return;
    this.#sentAt[step] = unsent(at);
    this.total.transmitted++;
    this.lastSentAt = now;
  }

  /** A reply that came in at `wall`; the facts where {@link tellsReplies}. */
  reply(step: number, wall: number, now: number, facts: ReplyFacts | undefined): void {
    const { total } = this;
    this.#take(step, now);
    const state = this.#state[step] as number;
    const duplicate = state === ProbeState.answered || state === ProbeState.answeredLate;
    const wallMs = wall - (this.#sentWall[step] as number);
    const roundTripMs = roundMs(steadyMs(wallMs, now - (this.#sentAt[step] as number)));
    const late = !duplicate && roundTripMs > this.timeoutMs;
    if (duplicate) {
      total.duplicates++;
      this.oddities(step).duplicates++;
    } else {
      if (late) total.late++;
      else total.received++;
      if (state === ProbeState.timedOut) total.lost--;
      if (state === ProbeState.failed) total.errors--;
      if (state !== ProbeState.waiting) this.unreachable--;
      this.alive++;
      this.roundTrips.add(roundTripMs);
      if (this.#tells) this.#roundTripMs[step] = roundTripMs;
      this.#state[step] = late ? ProbeState.answeredLate : ProbeState.answered;
    }
    if (this.tellsReplies && facts !== undefined) {
      const takesBack = !duplicate && state !== ProbeState.waiting;
      this.#tellReply(step, facts, { roundTripMs, duplicate, late, takesBack });
    }
    if (state === ProbeState.waiting) this.#close(step, now);
  }

  #tellReply(
    step: number,
    facts: ReplyFacts,
    { roundTripMs, ...kind }: { roundTripMs: number; duplicate: boolean; late: boolean; takesBack: boolean },
  ): void {
    const { time, address, foreignAddress, bytes, ttl, timestamp, corrupt, corruptAt, corruptBytes } = facts;
    this.#records.push({
      type: 'ping.reply',
      time,
      target: this.#options.order.at(step).name,
      address,
      foreignAddress,
      sequence: 1,
      bytes,
      ttl,
      rttMs: roundTripMs,
      timestamp,
      duplicate: kind.duplicate,
      corrupt,
      ...(corruptAt >= 0 ? { corruptAt, corruptBytes } : {}),
      late: kind.late,
      ...(kind.takesBack ? { takesBack: true } : {}),
      ...this.#options.route,
    });
  }

  /** Counts beside the outcome, of one host; those of {@link total} are for the caller to keep in step. */
  oddities(step: number): Tally {
    let tally = this.#odd.get(step);
    if (tally === undefined) {
      tally = new Tally();
      this.#odd.set(step, tally);
    }
    return tally;
  }

  error(step: number, facts: ErrorFacts, now: number): void {
    this.#take(step, now);
    const settles = facts.settles && this.#state[step] === ProbeState.waiting;
    if (settles) {
      this.total.errors++;
      this.#state[step] = ProbeState.failed;
    }
    if (this.tellsReplies) {
      const target = this.#options.order.at(step).name;
      const waited = roundMs(elapsedMs(this.#base, facts.time) - (this.#sentWall[step] as number));
      const rttMs = facts.icmpType === null ? null : waited;
      this.#records.push(errorRecord(facts, { target, sequence: 1, settles, rttMs, route: this.#options.route }));
    }
    if (!settles) return;
    this.unreachable++;
    this.#close(step, now);
  }

  /** Gives up what has waited too long by `now`; returns when the next one will have, Infinity for none. */
  elapse(now: number, time: Timestamp): number {
    const { order, route } = this.#options;
    for (; this.#oldest < this.#claimed; this.#oldest++) {
      const step = this.#oldest;
      if (this.#state[step] !== ProbeState.waiting) continue;
      // What is not sent yet has all its time.
      const sentAt = this.#sentAt[step] as number;
      if (sentAt < 0) return Number.POSITIVE_INFINITY;
      const over = sentAt + this.timeoutMs;
      if (over > now) return over;
      this.#state[step] = ProbeState.timedOut;
      this.total.lost++;
      this.unreachable++;
      if (this.tellsReplies) {
        const { name: target, address } = order.at(step);
        this.#records.push({ type: 'ping.timeout', time, target, address: address.toString(), sequence: 1, ...route });
      }
      this.#close(step, now, time);
    }
    return Number.POSITIVE_INFINITY;
  }

  #close(step: number, now: number, time?: Timestamp): void {
    this.open--;
    if (this.#finishedAt !== undefined) this.#finishedAt[step] = now;
    else if (this.#tells) this.#summarize(step, now, 'count', time ?? this.#timeAt(now));
  }

  /** The wall clock at a moment of the monotonic one, by when the last probes were claimed. */
  #timeAt(now: number): Timestamp {
    const ms = this.#lastWall + now - this.#lastAt;
    const nanoseconds = this.#base.nanoseconds + Math.round(ms * 1e6);
    const seconds = Math.floor(nanoseconds / 1e9);
    return { seconds: this.#base.seconds + seconds, nanoseconds: nanoseconds - seconds * 1e9 };
  }

  #summarize(step: number, until: number, endReason: PingEndReason, time: Timestamp): void {
    const { order, plan, route } = this.#options;
    const state = this.#state[step] as number;
    const host = new PingHost(order.at(step), step, false);
    const { tally } = host;
    Object.assign(tally, this.#odd.get(step));
    tally.transmitted = 1;
    if (state === ProbeState.answered) tally.received = 1;
    else if (state === ProbeState.answeredLate) tally.late = 1;
    else if (state === ProbeState.timedOut) tally.lost = 1;
    else if (state === ProbeState.failed) tally.errors = 1;
    if (tally.received + tally.late > 0) host.roundTrips.add(this.#roundTripMs[step] as number);
    host.firstSentAt = this.#sentAt[step] as number;
    host.lastSentAt = host.firstSentAt;
    this.#records.push(summaryOf(host, plan, { time, until, endReason, alone: {}, route }));
  }

  take(): PingRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  /** The last records: what is not told of yet, and the total. */
  end(reason: PingEndReason, time: Timestamp, now: number): void {
    for (let step = this.#oldest; step < this.#claimed; step++) {
      if ((this.#sentAt[step] as number) >= 0 || this.#state[step] !== ProbeState.waiting) continue;
      this.#state[step] = ProbeState.none;
      this.open--;
    }
    const first = this.#finishedAt === undefined ? this.#oldest : 0;
    for (let step = first; this.#tells && step < this.#claimed; step++) {
      const state = this.#state[step];
      if (state === ProbeState.waiting) this.#summarize(step, now, reason, time);
      else if (this.#finishedAt !== undefined && state !== ProbeState.none) {
        this.#summarize(step, this.#finishedAt[step] as number, 'count', time);
      }
    }
    this.#records.push(this.totalAt(reason, time, now));
  }

  totalAt(reason: PingEndReason, time: Timestamp, now: number): ReturnType<typeof totalOf> {
    const { plan, hosts, startedAt, drops, route } = this.#options;
    const facts = { time, durationMs: now - startedAt, reason, drops: drops(), route };
    return totalOf(this, plan, hosts, facts);
  }
}
