/**
 * What became of the probes: the one place where a probe gets its outcome, where that is counted, for its host and for
 * all, and where it becomes a record.
 */

import type { SocketError } from '../../errors.js';
import { elapsedMs, roundMs, steadyMs, type Timestamp } from '../../measure/clock.js';
import { RoundTrips } from '../../measure/round-trips.js';
import type { IPFamily } from '../../sockaddr/ip.js';
import type { SocketDrops } from '../../socket/drops.js';
import type { BackendName } from '../../socket/port.js';
import type { TimestampSource } from '../probes/port.js';
import { clockOffset } from './clocks.js';
import { GroupAnswers } from './group-answers.js';
import { type PingHost, Tally } from './host.js';
import { DEFAULT_TIMEOUT_MS, type PingPlan, tellsReplies } from './options.js';
import { type ErrorFacts, errorRecord, refusalFacts } from './probe-error.js';
import { ProbeRing, ProbeState } from './probe-ring.js';
import type { PingClocks, PingEndReason, PingRecord, PingSocketKind, PingStanding, PingTotal } from './records.js';
import { summaryOf, totalOf } from './summaries.js';

/** What probes of a family go through. */
export interface PingRoute {
  readonly socket: PingSocketKind;
  readonly backend: BackendName;
}

export interface LedgerOptions {
  readonly plan: PingPlan;
  readonly routes: (family: IPFamily) => PingRoute;
  readonly drops: () => SocketDrops;
  /** Hosts of the set. */
  readonly hosts: bigint;
  /** Probes that can be in flight; see {@link ProbeRing}. */
  readonly inFlightMax?: number | undefined;
}

/** What there is to say of a reply beside whose it is. */
export interface ReplyFacts {
  readonly address: string;
  readonly foreignAddress: boolean;
  readonly bytes: number;
  readonly ttl: number | null;
  readonly time: Timestamp;
  readonly timestamp: TimestampSource;
  readonly userTime: Timestamp;
  /** Something about the message is not as it was sent: its payload, or else what its checksum covers. */
  readonly corrupt: boolean;
  /** First byte of the payload that differs, and how many do; -1 for none. */
  readonly corruptAt: number;
  readonly corruptBytes: number;
  readonly route?: readonly string[] | undefined;
  readonly clocks?: Omit<PingClocks, 'clockOffsetMs'> | undefined;
}

/** Sets up to this size keep their hosts, and tell all summaries at the end; larger ones tell each when it is known. */
export const KEPT_MAX = 4096;

/** Outcomes are remembered so many timeouts, to tell duplicates and late replies. */
export const MEMORY_TIMEOUTS = 4;

export class Ledger {
  readonly ring: ProbeRing<PingHost>;
  /** Of all hosts together. */
  readonly total = new Tally();
  readonly roundTrips = new RoundTrips();
  /** Messages that looked like answers and are nobody's. */
  foreign = 0;
  /** Probes that are waited for. */
  open = 0;
  /** Hosts that have begun, that have answered, and that have finished without an answer. */
  hosts = 0;
  alive = 0;
  unreachable = 0;
  firstSentAt = Number.NaN;
  lastSentAt = Number.NaN;
  /** Is told of each host that is finished. */
  onFinished: (host: PingHost) => void = () => undefined;
  readonly #plan: PingPlan;
  readonly #options: LedgerOptions;
  readonly #timeoutMs: number;
  readonly #events: boolean;
  readonly #base: Timestamp;
  readonly #kept: PingHost[] | undefined;
  /** Hosts that have begun and have not been told, where they are not kept. */
  readonly #untold = new Set<PingHost>();
  readonly #groupAnswers: GroupAnswers;
  #first: PingHost | undefined;
  #records: PingRecord[] = [];

  /** @param base a moment near the run's beginning, from which on times are kept */
  constructor(options: LedgerOptions, base: Timestamp) {
    const { plan } = options;
    this.#options = options;
    this.#plan = plan;
    this.ring = new ProbeRing(options.inFlightMax);
    this.#timeoutMs = plan.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#groupAnswers = new GroupAnswers(MEMORY_TIMEOUTS * this.#timeoutMs);
    this.#events = tellsReplies(plan);
    this.#base = base;
    this.#kept = options.hosts <= KEPT_MAX ? [] : undefined;
  }

  take(): PingRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  /** Milliseconds from the base to `time`. */
  wall(time: Timestamp): number {
    return elapsedMs(this.#base, time);
  }

  begin(host: PingHost): void {
    this.#first ??= host;
    this.hosts++;
    if (this.#kept === undefined) this.#untold.add(host);
    else this.#kept.push(host);
  }

  /** The next probe, which is to be sent to `host` now. */
  claim(host: PingHost, now: number, wall: number): number {
    const { ring } = this;
    const number = ring.next++;
    const place = ring.at(number);
    ring.state[place] = ProbeState.waiting;
    // A reply can be here before the word that it was sent.
    ring.sentAt[place] = now;
    ring.sentWall[place] = wall;
    ring.chain(number, host.sends, host.last);
    ring.hosts[place] = host;
    host.last = number;
    host.open++;
    this.open++;
    return number;
  }

  /** @param wall when it left, by the wall clock in milliseconds since the base */
  sent(number: number, wall: number, now: number): void {
    this.#transmitted(number);
    const place = this.ring.at(number);
    this.ring.sentAt[place] = now;
    this.ring.sentWall[place] = wall;
  }

  /** It has left, or would have, when it was claimed: the word of that comes later. */
  #transmitted(number: number): void {
    const place = this.ring.at(number);
    const host = this.ring.hosts[place] as PingHost;
    const at = this.ring.sentAt[place] as number;
    host.tally.transmitted++;
    this.total.transmitted++;
    host.lastSentAt = at;
    this.lastSentAt = at;
    if (host.tally.transmitted === 1) host.firstSentAt = at;
    if (this.total.transmitted === 1) this.firstSentAt = at;
  }

  /** When its turn would have come again, had it gone on: that of the first host, an interval of its after its last one. */
  get nextSentAt(): number {
    if (this.#first === undefined || this.#first.tally.transmitted < 2) return Number.NEGATIVE_INFINITY;
    const { tally, firstSentAt, lastSentAt } = this.#first;
    return lastSentAt + (lastSentAt - firstSentAt) / (tally.transmitted - 1);
  }

  /** This machine has refused to send it. */
  refused(number: number, error: SocketError, time: Timestamp, now: number): void {
    const host = this.ring.hosts[this.ring.at(number)] as PingHost;
    this.#transmitted(number);
    this.error(number, refusalFacts(error, host.address, time), now);
  }

  /** Nothing more is waited for from the probe. */
  #close(host: PingHost, now: number): void {
    host.open--;
    this.open--;
    this.finishIfDone(host, now);
  }

  /** @returns whether this is the first answer to the probe */
  reply(number: number, facts: ReplyFacts, now: number): boolean {
    const { ring } = this;
    const place = ring.at(number);
    const host = ring.hosts[place] as PingHost;
    const state = ring.state[place] as number;
    const first = !isAnswered(state) && state !== ProbeState.collecting;
    const duplicate = host.group ? this.#groupAnswers.isRepeated(number, facts.address, first, now) : !first;
    const sentWall = ring.sentWall[place] as number;
    const wallMs = this.wall(facts.time) - sentWall;
    const passed = now - (ring.sentAt[place] as number);
    const steady = steadyMs(wallMs, passed);
    const rttMs = roundMs(steady);
    // By when it came in, whenever this process got to know of it.
    const late = !duplicate && rttMs > this.#timeoutMs;
    const takesBack = first && state !== ProbeState.waiting;
    const { corrupt, corruptAt, corruptBytes } = facts;
    for (const tally of [host.tally, this.total]) {
      if (duplicate) tally.duplicates++;
      else tally.replies++;
      if (corrupt) tally.corrupt++;
      if (facts.foreignAddress) tally.foreignAddress++;
      if (!first) continue;
      if (late) tally.late++;
      else tally.received++;
      if (state === ProbeState.timedOut) tally.lost--;
      if (state === ProbeState.failed) tally.errors--;
    }
    if (!duplicate) {
      host.addRoundTrip(rttMs);
      this.roundTrips.add(rttMs);
    }
    if (host.group) host.addReplier(facts.address);
    this.#markAlive(host);
    if (this.#events) {
      this.#records.push({
        type: 'ping.reply',
        time: facts.time,
        target: host.target.name,
        address: facts.address,
        foreignAddress: facts.foreignAddress,
        sequence: ring.sequence[place] as number,
        bytes: facts.bytes,
        ttl: facts.ttl,
        rttMs,
        ...(this.#plan.userLatency === true
          ? { rttUserMs: roundMs(steadyMs(this.wall(facts.userTime) - sentWall, passed)) }
          : {}),
        timestamp: steady === wallMs ? facts.timestamp : 'user',
        duplicate,
        corrupt,
        ...(corruptAt >= 0 ? { corruptAt, corruptBytes } : {}),
        late,
        ...(takesBack ? { takesBack } : {}),
        ...this.#options.routes(host.address.family),
        ...(facts.route === undefined ? {} : { route: facts.route }),
        ...(facts.clocks === undefined ? {} : this.#clocks(facts.clocks, sentWall, facts.time)),
      });
    }
    if (state === ProbeState.waiting && host.group) ring.state[place] = ProbeState.collecting;
    else if (first) {
      ring.state[place] = late ? ProbeState.answeredLate : ProbeState.answered;
      if (state === ProbeState.waiting) this.#close(host, now);
    }
    return first;
  }

  #clocks(clocks: Omit<PingClocks, 'clockOffsetMs'>, sentWall: number, arrived: Timestamp): PingClocks {
    const { seconds, nanoseconds } = this.#base;
    const sent = { seconds, nanoseconds: nanoseconds + sentWall * 1e6 };
    return { ...clocks, clockOffsetMs: clockOffset(clocks, sent, arrived) };
  }

  #markAlive(host: PingHost): void {
    if (host.alive) return;
    host.alive = true;
    this.alive++;
    if (host.finished) this.unreachable--;
  }

  /** An error about a probe; its outcome where `facts.settles` and it has none. */
  error(number: number, facts: ErrorFacts, now: number): void {
    const { ring } = this;
    const place = ring.at(number);
    const host = ring.hosts[place] as PingHost;
    const settles = facts.settles && ring.state[place] === ProbeState.waiting;
    if (settles) {
      host.tally.errors++;
      this.total.errors++;
      ring.state[place] = ProbeState.failed;
    }
    if (this.#events) {
      const target = host.target.name;
      const sequence = ring.sequence[place] as number;
      const waited = roundMs(this.wall(facts.time) - (ring.sentWall[place] as number));
      const rttMs = facts.icmpType === null ? null : waited;
      const route = this.#options.routes(host.address.family);
      this.#records.push(errorRecord(facts, { target, sequence, settles, rttMs, route }));
    }
    if (settles) this.#close(host, now);
  }

  /** The time of a probe is over. */
  expire(number: number, time: Timestamp, now: number): void {
    const { ring } = this;
    const place = ring.at(number);
    const host = ring.hosts[place] as PingHost;
    if (ring.state[place] === ProbeState.collecting) {
      ring.state[place] = ProbeState.answered;
    } else {
      ring.state[place] = ProbeState.timedOut;
      host.tally.lost++;
      this.total.lost++;
      if (this.#events) {
        this.#records.push({
          type: 'ping.timeout',
          time,
          target: host.target.name,
          address: host.address.toString(),
          sequence: ring.sequence[place] as number,
          ...this.#options.routes(host.address.family),
        });
      }
    }
    this.#close(host, now);
  }

  /** What is known when nothing more is sent to a host, nor waited for from it. */
  finishIfDone(host: PingHost, now: number): void {
    if (!host.complete || host.open > 0 || host.finished) return;
    host.finished = true;
    host.finishedAt = now;
    if (!host.alive) this.unreachable++;
    this.#pending.push(host);
  }

  /** Hosts that are finished and have not been told of. */
  #pending: PingHost[] = [];

  /** Tells of the hosts that are finished, where they are not kept to the end. */
  tellFinished(time: Timestamp): void {
    if (this.#pending.length === 0) return;
    const finished = this.#pending;
    this.#pending = [];
    for (const host of finished) {
      this.onFinished(host);
      if (this.#kept !== undefined) continue;
      this.#untold.delete(host);
      this.#summarize(host, time, host.finishedAt, 'count');
    }
  }

  /** The last records: what is not told yet, and the total of several hosts. */
  end(reason: PingEndReason, time: Timestamp, now: number, startedAt: number): void {
    this.tellFinished(time);
    for (const host of this.#kept ?? this.#untold) {
      this.#summarize(host, time, host.finished ? host.finishedAt : now, host.finished ? 'count' : reason);
    }
    this.#untold.clear();
    if (this.#options.hosts === 1n && this.hosts === 1) return;
    this.#records.push(this.#totalAt(reason, time, now - startedAt));
  }

  standing(time: Timestamp, now: number, startedAt: number): PingStanding {
    const { type: _, endReason: __, ...standing } = this.#totalAt('interrupted', time, now - startedAt);
    return standing;
  }

  #totalAt(reason: PingEndReason, time: Timestamp, durationMs: number): PingTotal {
    const { hosts, routes, drops } = this.#options;
    const facts = { time, durationMs, reason, drops: drops(), route: routes(this.#first?.address.family ?? 'ipv4') };
    return totalOf(this, this.#plan, hosts, facts);
  }

  #summarize(host: PingHost, time: Timestamp, until: number, endReason: PingEndReason): void {
    host.told = true;
    if (this.#plan.tell === 'total' && this.#options.hosts > 1n) return;
    const alone = this.#options.hosts === 1n ? { foreign: this.foreign, drops: this.#options.drops() } : {};
    const route = this.#options.routes(host.address.family);
    this.#records.push(summaryOf(host, this.#plan, { time, until, endReason, alone, route }));
  }
}

function isAnswered(state: number): boolean {
  return state === ProbeState.answered || state === ProbeState.answeredLate;
}
