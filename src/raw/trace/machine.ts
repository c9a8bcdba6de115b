/**
 * Traces a path: probes with every TTL leave one shortly after another, and the answers are put together to hops.
 *
 * Promises: every probe has one outcome; hops are told in order, each once in a round and only when nothing can
 * change it any more; no more probes are on their way than IN_FLIGHT_MAX; rounds begin on an absolute schedule.
 */

import type { SocketError } from '../../errors.js';
import { elapsedMs, roundMs, steadyMs, type Timestamp } from '../../measure/clock.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import { sameAddress, withoutZone } from '../../sockaddr/zone.js';
import type { BackendName } from '../../socket/port.js';
import type { ProbeMachine } from '../probes/machine.js';
import type { OutgoingProbe, ProbeAnswer } from '../probes/port.js';
import { type ErrorReading, readAnswer, type TargetReading } from './answers.js';
import type { TraceMultipath, TraceProtocol, TraceTarget } from './options.js';
import { type Outcome, outcomeOf, toldOf } from './outcome.js';
import { Patience } from './patience.js';
import { ProbeBook } from './probe-book.js';
import { type ProbeFormat, SERIAL_MAX } from './probe-format.js';
import type { AnsweredProbe, TraceEndReason, TraceHop, TraceRecord, TraceSocketKind } from './records.js';
import { HEADER_BYTES, Round, type RoundOptions, type SentProbe } from './round.js';
import { summaryOf } from './summary.js';
import { TraceControl, TraceTable } from './table.js';
import { type UnnamedAnswer, UnnamedAnswers, type UnnamedMatch } from './unnamed-answers.js';

/** Probes on their way at most. */
const IN_FLIGHT_MAX = 512;
/** Rounds that are not complete, at most: the next one waits. */
const ROUNDS_MAX = 64;
/** Answers to one that are kept while it is not known when it left. */
const EARLY_MAX = 8;
/** Probes that leave at once at most where the loop was late. */
const CATCH_UP = 8;

/** Milliseconds after its timeout in which a probe may still be answered, late. */
const LATE_MS = 3000;

const NEVER = Number.POSITIVE_INFINITY;

/** Everything has its value: see TraceOptions for what each is. */
export interface TraceMachineOptions extends RoundOptions {
  readonly target: TraceTarget;
  readonly source: IPAddress;
  readonly format: ProbeFormat;
  readonly firstSerial: number;
  readonly socket: TraceSocketKind;
  readonly backend: BackendName;
  readonly protocol: TraceProtocol;
  readonly multipath: TraceMultipath;
  readonly port: number | null;
  readonly packetSize: number;
  readonly trafficClass: number;
  /** Whether the serial number goes into the identification of IPv4 too. */
  readonly ownHeader: boolean;
  readonly timeoutMs: number;
  readonly adaptive: boolean;
  readonly spacingMs: number;
  readonly rounds: number;
  readonly intervalMs: number;
  readonly deadlineMs: number | undefined;
  readonly table?: TraceTable | undefined;
  readonly control?: TraceControl | undefined;
}

export class TraceMachine implements ProbeMachine<TraceRecord> {
  readonly #options: TraceMachineOptions;
  readonly #to: IPAddress;
  readonly #table: TraceTable;
  readonly #control: TraceControl;
  readonly #patience: Patience;
  /** Those that are not complete, oldest first. */
  #live: Round[] = [];
  /** The last one that is. */
  #complete: Round | undefined;
  /** The last one that has reached the target, complete or not: it says where the path ends, whatever others have met. */
  #lastReached: Round | undefined;
  /** How the last one ended that came to an end of its own. */
  #end: TraceEndReason = 'max-hops';
  #begun = 0;
  #startedAt: number | undefined;
  #nextRound = 0;
  #nextSend = 0;
  #serial: number;
  readonly #probes: ProbeBook;
  /** What has come back for probes that the port has not told of yet. */
  readonly #early = new Map<SentProbe, Outcome[]>();
  readonly #unnamed = new UnnamedAnswers();
  #nextForgotten = NEVER;
  #foreign = 0;
  #ambiguous = 0;
  /** The first hop from which on addresses are translated. */
  #translatedFrom = NEVER;
  #refusal: SocketError | undefined;
  #out: TraceRecord[] = [];
  #done = false;

  constructor(options: TraceMachineOptions) {
    this.#options = options;
    this.#to = withoutZone(options.target.address);
    this.#table = options.table ?? new TraceTable();
    this.#control = options.control ?? new TraceControl();
    this.#patience = new Patience(options.timeoutMs, options.adaptive);
    this.#serial = options.firstSerial;
    this.#probes = new ProbeBook(options, this.#to);
    this.#table.span(options.firstHop, undefined);
  }

  get done(): boolean {
    return this.#done;
  }

  take(): TraceRecord[] {
    const items = this.#out;
    this.#out = [];
    return items;
  }

  due(now: number, most: number): readonly OutgoingProbe[] {
    if (this.#done) return [];
    this.#begin(now);
    const { spacingMs } = this.#options;
    const probes: OutgoingProbe[] = [];
    while (probes.length < most && now >= this.#nextSend) {
      const round = this.#sending();
      const flow = round?.candidate();
      if (round === undefined || flow === undefined) break;
      probes.push(this.#launch(round, flow));
      this.#nextSend = Math.max(this.#nextSend, now - CATCH_UP * spacingMs) + spacingMs;
    }
    return probes;
  }

  /** Begins the rounds that are due. One that is late does not move the ones behind it. */
  #begin(now: number): void {
    const { rounds, intervalMs } = this.#options;
    if (this.#startedAt === undefined) {
      this.#startedAt = now;
      this.#nextRound = now;
      this.#nextSend = now;
    }
    if (this.#begun >= rounds || now < this.#nextRound || this.#busy) return;
    this.#nextRound += intervalMs * Math.max(1, Math.floor((now - this.#nextRound) / intervalMs) + 1);
    if (this.#control.paused) return;
    this.#begun++;
    this.#live.push(new Round(this.#begun, this.#options, this.#lastReached ?? this.#complete));
    this.#nextSend = Math.max(this.#nextSend, now);
  }

  /** Whether the next round has to wait: the ones before have to have sent what they can first. */
  get #busy(): boolean {
    // Nobody could tell apart what answers one round and what the next.
    if (!this.#options.format.isNamed && (this.#lastReached ?? this.#complete) === undefined && this.#begun > 0)
      return true;
    if (this.#unnamed.met.some((flow) => this.#probes.within(flow).length > 0)) return true;
    return this.#live.length >= ROUNDS_MAX || this.#live.some((round) => round.candidate() !== undefined);
  }

  /** The round that has a probe to send now; undefined where all have to wait. */
  #sending(): Round | undefined {
    if (this.#probes.inFlight >= IN_FLIGHT_MAX) return undefined;
    return this.#live.find((round) => round.candidate() !== undefined);
  }

  #launch(round: Round, flow: number): OutgoingProbe {
    const { format, target, trafficClass, ownHeader } = this.#options;
    const serial = this.#serial;
    this.#serial = (serial % SERIAL_MAX) + 1;
    const { ttl, query } = round.upcoming(flow);
    const bytes = format.encode(serial, flow);
    const probe: SentProbe = {
      serial,
      round,
      ttl,
      flow,
      query,
      header: bytes.slice(0, HEADER_BYTES),
      epoch: this.#table.epoch,
      state: 'leaving',
      overdue: false,
      sentAt: NEVER,
      sentTime: null,
    };
    round.launched(probe);
    this.#probes.launched(probe);
    return {
      to: target.address,
      protocol: format.protocol,
      bytes,
      hopLimit: ttl,
      ...(trafficClass === 0 ? {} : { trafficClass }),
      ...(ownHeader ? { identification: serial } : {}),
    };
  }

  sent(times: readonly Timestamp[], now: number): void {
    for (const time of times) {
      const probe = this.#probes.leaves();
      if (probe === undefined) return;
      probe.state = 'waiting';
      probe.sentAt = now;
      probe.sentTime = time;
      this.#probes.waiting.add(probe);
      if (this.#counts(probe)) this.#table.sent(probe.ttl);
      for (const outcome of this.#early.get(probe) ?? []) this.#apply(probe, outcome, now);
      this.#early.delete(probe);
    }
  }

  refused(error: SocketError, time: Timestamp, now: number): void {
    const probe = this.#probes.leaves();
    if (probe === undefined) return;
    this.#early.delete(probe);
    probe.state = 'refused';
    probe.refusal = error;
    this.#refusal = error;
    if (this.#counts(probe)) this.#table.refused(probe.ttl);
    probe.round.refuse(probe);
    this.#advance(now, time);
  }

  answered(answers: readonly ProbeAnswer[], now: number): void {
    let last: Timestamp | undefined;
    for (const answer of answers) {
      if (this.#done) return;
      last = answer.userTime;
      const reading = readAnswer(answer, this.#options.format, this.#to);
      if (reading === undefined) continue;
      if (answer.kind === 'packet' && reading.kind === 'target' && reading.serial === null) {
        this.#keepUnnamed({ answer, reading, at: now });
        continue;
      }
      const probe = reading.kind === 'foreign' ? undefined : this.#probes.find(reading);
      if (probe === 'several') this.#ambiguous++;
      else if (probe === undefined) {
        if (reading.kind !== 'error' || sameAddress(reading.to, this.#to)) this.#foreign++;
      } else if (reading.kind !== 'foreign') this.#outcome(probe, answer, reading, now);
    }
    if (last !== undefined) this.#advance(now, last);
  }

  #outcome(probe: SentProbe, answer: ProbeAnswer, reading: ErrorReading | TargetReading, now: number): void {
    const outcome = outcomeOf(probe, answer, reading, this.#options);
    if (probe.state !== 'leaving') this.#apply(probe, outcome, now);
    else this.#early.set(probe, [...(this.#early.get(probe) ?? []), outcome].slice(0, EARLY_MAX));
  }

  /** @param match of an answer that does not say itself which probe it is to */
  #apply(probe: SentProbe, { told, meaning, exceeded }: Outcome, now: number, match?: UnnamedMatch): void {
    const { ttl, round, sentTime } = probe;
    if (sentTime === null) return;
    if (probe.state === 'answered') {
      if (this.#counts(probe)) this.#table.duplicate(ttl);
      return;
    }
    const late = probe.state === 'lost';
    const known = match?.certain ?? true;
    const rttMs = known ? roundMs(steadyMs(elapsedMs(sentTime, told.time), now - probe.sentAt)) : null;
    const answer: AnsweredProbe = { ...told, rttMs, sentTime };
    probe.state = 'answered';
    probe.answer = answer;
    probe.meaning = meaning;
    this.#probes.answered(probe);
    if (rttMs !== null) this.#patience.answered(ttl, rttMs);
    if (answer.nat === true) this.#translatedFrom = Math.min(this.#translatedFrom, ttl);
    if (this.#counts(probe)) this.#table.answered(ttl, answer, late, meaning);
    round.heard(probe, exceeded ? 'exceeded' : meaning.reached ? 'reached' : 'unreachable', match?.atMost);
    if (meaning.reached && round.number >= (this.#lastReached?.number ?? 0)) this.#lastReached = round;
    const telling = this.#lastReached ?? this.#live[0];
    if (telling === round && round.lastHop !== NEVER) this.#table.span(this.#options.firstHop, round.lastHop);
  }

  #keepUnnamed(unnamed: UnnamedAnswer): void {
    const { flow } = unnamed.reading;
    if (this.#unnamed.keep(unnamed, this.#probes.within(flow))) for (const round of this.#live) round.hold(flow, true);
    else {
      this.#foreign++;
      this.#lastReached?.doubt(flow);
    }
  }

  /** Gives answers that do not say what they are to to their probes, where that is known by now. */
  #matchUnnamed(now: number): void {
    for (const flow of this.#unnamed.flows) {
      const waiting = this.#probes.within(flow);
      const kept = this.#unnamed.count(flow);
      const matches = this.#unnamed.match(flow, waiting, now >= this.#unnamedUntil(waiting));
      for (const match of matches) {
        const { answer, reading, at } = match.unnamed;
        this.#apply(match.probe, outcomeOf(match.probe, answer, reading, this.#options), at, match);
      }
      if (this.#unnamed.has(flow)) continue;
      this.#foreign += kept - matches.length;
      if (matches.length === 0) for (const probe of waiting) this.#forsake(probe);
      for (const round of this.#live) round.hold(flow, false);
    }
  }

  /** Nobody can tell any more what it is that answers it. */
  #forsake(probe: SentProbe): void {
    if (probe.state === 'waiting') this.#lose(probe);
    this.#probes.answered(probe);
  }

  #lose(probe: SentProbe): void {
    this.#probes.lost(probe);
    if (this.#counts(probe)) this.#table.lost(probe.ttl);
  }

  /** Until when answers that do not say which of these they are to are waited for: together, as nobody knows whose are lost. */
  #unnamedUntil(waiting: readonly SentProbe[]): number {
    const last = waiting.at(-1);
    if (last === undefined) return Number.NEGATIVE_INFINITY;
    // Where some have been given up before anybody answered, answers are late.
    return last.sentAt + this.#options.timeoutMs + (waiting.some(({ overdue }) => overdue) ? LATE_MS : 0);
  }

  /** Whether it is one of those, and answers are there. */
  #isAmongUnnamed(probe: SentProbe): boolean {
    return this.#unnamed.has(probe.flow) && probe.round.mayReach(probe);
  }

  /** Whether its figures belong into the table, which may have been emptied since. */
  #counts(probe: SentProbe): boolean {
    return probe.epoch === this.#table.epoch;
  }

  elapsed(now: number, time: Timestamp): void {
    if (this.#done) return;
    this.#begin(now);
    this.#matchUnnamed(now);
    for (const probe of this.#probes.waiting) {
      if (now < this.#givenUpAt(probe) || this.#isAmongUnnamed(probe)) continue;
      this.#lose(probe);
    }
    const { deadlineMs = NEVER, timeoutMs } = this.#options;
    this.#nextForgotten = this.#probes.forget(now, timeoutMs + LATE_MS, (probe) => this.#isAmongUnnamed(probe));
    if (now - (this.#startedAt ?? now) >= deadlineMs) this.stop('deadline', now, time);
    else this.#advance(now, time);
  }

  #givenUpAt({ sentAt, ttl }: SentProbe): number {
    return sentAt + this.#patience.limit(ttl);
  }

  wakeAt(): number {
    const { rounds, deadlineMs = NEVER } = this.#options;
    let next = (this.#startedAt ?? NEVER) + deadlineMs;
    if (this.#sending() !== undefined) next = Math.min(next, this.#nextSend);
    if (this.#begun < rounds && !this.#busy) next = Math.min(next, this.#nextRound);
    for (const probe of this.#probes.waiting) {
      if (!this.#isAmongUnnamed(probe)) next = Math.min(next, this.#givenUpAt(probe));
    }
    for (const flow of this.#unnamed.flows) next = Math.min(next, this.#unnamedUntil(this.#probes.within(flow)));
    // What can't be answered any more no longer holds back what comes after it.
    if (this.#unnamed.met.length > 0) next = Math.min(next, this.#nextForgotten);
    for (const round of this.#live) next = Math.min(next, this.#heldUntil(round));
    return next;
  }

  #heldUntil(round: Round): number {
    return round.pass(Number.NEGATIVE_INFINITY, this.#patience.overdue());
  }

  /** Tells the hops that have all their outcomes, and ends the rounds, and the trace, that have told all their hops. */
  #advance(now: number, time: Timestamp): void {
    this.#matchUnnamed(now);
    const overdue = this.#patience.overdue();
    for (const round of this.#live) {
      round.pass(now, overdue);
    }
    for (const round of this.#live) {
      while (!round.concluded() && round.settled) this.#tell(round, time);
      // One after the other, so that records of a round follow each other.
      if (round.end === undefined) break;
    }
    for (const round of this.#live) if (round.end !== undefined) this.#conclude(round);
    this.#live = this.#live.filter(({ end }) => end === undefined);
    if (this.#begun < this.#options.rounds || this.#live.length > 0) return;
    this.#finish(this.#lastReached === undefined ? this.#end : 'reached', now, time);
  }

  #conclude(round: Round): void {
    if ((this.#complete?.number ?? 0) > round.number) return;
    this.#complete = round;
    if (round.end !== undefined && round.end !== 'silent') this.#end = round.end;
    if ((this.#lastReached ?? round) === round) this.#table.span(this.#options.firstHop, round.lastHop);
  }

  #tell(round: Round, time: Timestamp): void {
    const { target, socket, backend } = this.#options;
    const ttl = round.next;
    const probes = round.probesAt(ttl);
    const meanings = probes.flatMap(({ meaning }) => (meaning === undefined ? [] : [meaning]));
    const hop: TraceHop = {
      type: 'trace.hop',
      time,
      target: target.name,
      round: round.number,
      ttl,
      probes: [...probes.map(toldOf), ...round.missingAt(ttl)],
      reached: meanings.some(({ reached }) => reached),
      atMost: round.isAtMost(ttl),
      unreachable: meanings.findLast(({ unreachable }) => unreachable !== null)?.unreachable ?? null,
      nat: ttl >= this.#translatedFrom,
      socket,
      backend,
    };
    round.next++;
    this.#out.push(hop);
  }

  stop(reason: 'interrupted' | 'deadline' | 'error', now: number, time: Timestamp): void {
    if (this.#done) return;
    // Where the path ends is known from one round, while others have tried more.
    const rounds = [this.#lastReached, this.#complete, ...this.#live].filter((round) => round !== undefined);
    const end = rounds.find(({ lastHop }) => lastHop !== NEVER)?.lastHop ?? NEVER;
    for (const round of this.#live) {
      const last = round.lastHop === NEVER ? Math.min(round.tried, end) : round.lastHop;
      while (round.next <= Math.min(this.#options.maxHops, last)) this.#tell(round, time);
    }
    this.#finish(reason, now, time);
  }

  /** The last hop that there is a record of; where the target was reached, its own, though it may have been told late. */
  #lastTold(): number {
    const round = this.#lastReached ?? this.#complete;
    if (round === undefined) return Math.max(0, ...this.#live.map(({ next }) => next - 1));
    return round.lastHop === NEVER ? round.next - 1 : round.lastHop;
  }

  #finish(endReason: TraceEndReason, now: number, time: Timestamp): void {
    this.#done = true;
    const { firstHop } = this.#options;
    const last = this.#lastTold();
    const hops = last < firstHop ? 0 : last;
    this.#table.span(firstHop, hops);
    const end = {
      time,
      reached: this.#lastReached !== undefined,
      hops,
      atMost: this.#lastReached?.isAtMost(hops) ?? false,
      endReason,
      rounds: this.#begun,
      foreign: this.#foreign,
      ambiguous: this.#ambiguous,
      nat: this.#translatedFrom <= hops,
      durationMs: roundMs(now - (this.#startedAt ?? now)),
      refusal: this.#refusal,
    };
    this.#out.push(summaryOf(this.#options, end, this.#table.rows()));
  }
}
