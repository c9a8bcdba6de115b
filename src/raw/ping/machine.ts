/**
 * Ping as a state machine (probes/machine.ts): who is sent to when is the schedule's to say (schedule.ts), what became of
 * a probe the ledger's (ledger.ts), and whose an answer is probe-finder.ts's.
 */

import type { SocketError } from '../../errors.js';
import type { Timestamp } from '../../measure/clock.js';
import type { IPFamily } from '../../sockaddr/ip.js';
import { sameAddress, withoutZone } from '../../sockaddr/zone.js';
import type { SocketDrops } from '../../socket/drops.js';
import { ICMP_HEADER } from '../../wire/icmp.js';
import { ICMPV6_PROTOCOL } from '../../wire/icmpv6.js';
import type { ProbeMachine } from '../probes/machine.js';
import type { OutgoingProbe, PacketAnswer, ProbeAnswer, ReportAnswer } from '../probes/port.js';
import { errorText, ICMP_PROTOCOL, isReply, isSound, isTooBig, readError, readShort, settles } from './answer.js';
import { damageAt, readClocks } from './clocks.js';
import { PingHost } from './host.js';
import { Ledger, MEMORY_TIMEOUTS, type PingRoute, type ReplyFacts } from './ledger.js';
import { DEFAULT_SIZE, DEFAULT_TIMEOUT_MS, type PingPlan } from './options.js';
import type { PingOrder } from './order.js';
import type { ErrorFacts } from './probe-error.js';
import { ProbeFinder } from './probe-finder.js';
import { ProbeState } from './probe-ring.js';
import { millisecondsOfDay, ProbeWriter, TIMESTAMP_LENGTH } from './probe-writer.js';
import { readRoute } from './record-route.js';
import type { PingEndReason, PingRecord, PingStanding } from './records.js';
import { type Schedule, TurnSchedule } from './schedule.js';
import { SEARCH_MAX, SearchSchedule, type TryOutcome } from './search-schedule.js';

export interface PingMachineOptions {
  readonly plan: PingPlan;
  readonly order: PingOrder;
  /** Hosts of the set; what the order has numbers for may be fewer. */
  readonly hosts: bigint;
  readonly routes: (family: IPFamily) => PingRoute;
  readonly drops: () => SocketDrops;
  /** 16 bits by which this run's messages are known on raw sockets; ping sockets have their own. */
  readonly identifier: number;
  /** 8 random bytes. */
  readonly key: Uint8Array;
  /** Probes that can be in flight at most. */
  readonly inFlightMax?: number | undefined;
}

type IcmpFacts = Omit<ErrorFacts, 'message' | 'settles'> & { readonly icmpType: number; readonly icmpCode: number };

/** Answers that wait for the word of their probes at most: more than a batch of probes can have without forgery. */
const EARLY_MAX = 65_536;

export class PingMachine implements ProbeMachine<PingRecord> {
  readonly #options: PingMachineOptions;
  readonly #kind: 'echo' | 'timestamp';
  readonly #timeoutMs: number;
  readonly #schedule: Schedule;
  /** The same, where path MTUs are searched for. */
  readonly #search: SearchSchedule | undefined;
  readonly #writer: ProbeWriter;
  /** Made with the first moment that is known. */
  #ledger: Ledger | undefined;
  readonly #finder: ProbeFinder;
  /** Memory of the probes of a batch, and the pieces of it. */
  readonly #slots: Uint8Array[] = [];
  /** The first probe whose sending has not been confirmed, and the first one that may still be waited for. */
  #confirmed = 0;
  #oldest = 0;
  #startedAt = 0;
  /** The wall clock less the port's, in milliseconds since the ledger's base; and both when they were last seen. */
  #wallOffset = 0;
  #wallReadAt = 0;
  #wall: Timestamp = { seconds: 0, nanoseconds: 0 };
  #ended = false;
  /** Answers that are here before the word that their probe has left. */
  #early: { readonly number: number; readonly take: (now: number) => void }[] = [];

  constructor(options: PingMachineOptions) {
    const { plan, order, identifier, key } = options;
    this.#options = options;
    this.#kind = plan.kind ?? 'echo';
    this.#timeoutMs = plan.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const begin = (step: number) => this.#begin(step);
    this.#search = plan.pmtuSearch === true ? new SearchSchedule(plan, order.size, begin) : undefined;
    this.#schedule = this.#search ?? new TurnSchedule(plan, order.size, begin);
    const { pattern } = plan;
    const size = this.#search === undefined ? (plan.size ?? DEFAULT_SIZE) : SEARCH_MAX;
    this.#writer = new ProbeWriter({ kind: this.#kind, size, pattern, identifier, key });
    this.#finder = new ProbeFinder(order, this.#writer);
  }

  get done(): boolean {
    return this.#ended;
  }

  /** What is there to send now: so many probes at most, whose bytes are valid until the next call. */
  due(now: number, most: number): readonly OutgoingProbe[] {
    const ledger = this.#ledger;
    const probes: OutgoingProbe[] = [];
    if (ledger === undefined || this.#ended || now >= this.#deadline) return probes;
    while (probes.length < most && this.#makeRoom(ledger, now)) {
      const host = this.#schedule.next(now);
      if (host === undefined) break;
      probes.push(this.#probe(ledger, host, now, probes.length));
    }
    return probes;
  }

  #makeRoom(ledger: Ledger, now: number): boolean {
    const { ring } = ledger;
    if (!ring.makeRoom(now - MEMORY_TIMEOUTS * this.#timeoutMs)) return false;
    // With the last of its probes a host that has been told of is forgotten.
    const forgotten = ring.hosts[ring.at(ring.next)];
    if (forgotten?.told === true && ring.at(forgotten.last) === ring.at(ring.next)) this.#finder.forget(forgotten);
    return true;
  }

  #begin(step: number): PingHost {
    const target = this.#options.order.at(step);
    const host = new PingHost(target, step, this.#options.plan.broadcast === true || target.address.isMulticast);
    this.#finder.add(host);
    this.#ledger?.begin(host);
    return host;
  }

  #probe(ledger: Ledger, host: PingHost, now: number, slot: number): OutgoingProbe {
    const number = ledger.claim(host, now, now + this.#wallOffset);
    const place = ledger.ring.at(number);
    const { family } = host.address;
    let originate = 0;
    if (this.#kind === 'timestamp') {
      const { seconds, nanoseconds } = this.#wall;
      originate = millisecondsOfDay(seconds, nanoseconds + (now - this.#wallReadAt) * 1e6);
      ledger.ring.originate[place] = originate;
    }
    const bytes = this.#search === undefined ? this.#slot(slot) : new Uint8Array(this.#search.sizeOf(number, host));
    this.#writer.write(family, number, host.sends, originate, bytes, 0, bytes.length);
    return { to: host.address, protocol: family === 'ipv4' ? ICMP_PROTOCOL : ICMPV6_PROTOCOL, bytes };
  }

  #slot(index: number): Uint8Array {
    this.#slots[index] ??= new Uint8Array(this.#writer.length);
    return this.#slots[index];
  }

  sent(times: readonly Timestamp[], now: number): void {
    const ledger = this.#ledger;
    if (ledger === undefined) return;
    for (const time of times) ledger.sent(this.#confirmed++, ledger.wall(time), now);
    this.#takeEarly(now);
  }

  refused(error: SocketError, time: Timestamp, now: number): void {
    const number = this.#confirmed++;
    const ledger = this.#ledger;
    if (ledger === undefined) return;
    ledger.refused(number, error, time, now);
    this.#takeEarly(now);
    this.#searched(ledger, number, error.code === 'EMSGSIZE' ? { mtu: 0, reporter: null } : 'lost', now);
    this.#retry(ledger, number, now);
  }

  answered(answers: readonly ProbeAnswer[], now: number): void {
    const ledger = this.#ledger;
    if (ledger === undefined || this.#ended) return;
    for (const answer of answers) {
      if (answer.kind === 'report') this.#onReport(ledger, answer, now);
      else if (isReply(this.#kind, answer.protocol, answer.bytes)) this.#onReply(ledger, answer, now);
      else this.#onError(ledger, answer, now);
    }
  }

  #onReply(ledger: Ledger, answer: PacketAnswer, now: number): void {
    const { bytes, from, protocol, cut = 0 } = answer;
    const length = bytes.length + cut;
    const payload = this.#kind === 'echo' ? ICMP_HEADER : bytes.length;
    const number = this.#isOurs(protocol, readShort(bytes, 4))
      ? this.#finder.find(ledger.ring, from, readShort(bytes, 6), bytes, payload)
      : -1;
    if (number < 0) {
      ledger.foreign++;
      return;
    }
    const place = ledger.ring.at(number);
    const host = ledger.ring.hosts[place] as PingHost;
    const clocks = this.#kind === 'echo' ? undefined : readClocks(bytes);
    const corruptAt =
      clocks === undefined
        ? this.#writer.compare(bytes, payload, bytes.length, number, this.#sentLength(number, host, bytes.length))
        : damageAt(clocks, bytes.length, ledger.ring.originate[place] as number);
    const { recordRoute } = this.#options.plan;
    const facts: ReplyFacts = {
      address: withoutZone(from).toString(),
      foreignAddress: !host.group && !sameAddress(from, host.address),
      bytes: length,
      ttl: answer.hopLimit,
      time: answer.time,
      timestamp: answer.timestampSource,
      userTime: answer.userTime,
      // What is too long differs: nobody looks for the checksum of a message that is not all there.
      corrupt: corruptAt >= 0 || !isSound(host.address.family, bytes),
      corruptAt,
      corruptBytes:
        clocks === undefined ? this.#writer.differing + cut : corruptAt === 0 ? 4 : length - TIMESTAMP_LENGTH,
      route: recordRoute === true && answer.header !== undefined ? readRoute(answer.header) : undefined,
      clocks,
    };
    this.#reply(ledger, number, facts, now);
  }

  #reply(ledger: Ledger, number: number, facts: ReplyFacts, now: number): void {
    if (this.#isEarly(number, (later) => this.#reply(ledger, number, facts, later))) return;
    if (!ledger.reply(number, facts, now)) return;
    const host = ledger.ring.hosts[ledger.ring.at(number)] as PingHost;
    this.#searched(ledger, number, 'answered', now);
    // With retries the first answer is all that is asked for.
    if (this.#options.plan.retries !== undefined) this.#schedule.complete(host);
    this.#schedule.answered(host, now);
    ledger.finishIfDone(host, now);
  }

  /** An answer can be here before the word of when its probe has left, without which its time means nothing: it waits. */
  #isEarly(number: number, take: (now: number) => void): boolean {
    if (number < this.#confirmed) return false;
    if (this.#early.length < EARLY_MAX) this.#early.push({ number, take });
    return true;
  }

  /** Takes the answers whose probes have left by now. */
  #takeEarly(now: number): void {
    if (this.#early.length === 0) return;
    const early = this.#early;
    this.#early = [];
    for (const one of early) {
      if (one.number < this.#confirmed) one.take(now);
      else this.#early.push(one);
    }
  }

  /** Bytes of the probe that was sent; of one that a search has forgotten, as many as came back. */
  #sentLength(number: number, host: PingHost, received: number): number {
    return this.#search === undefined ? this.#writer.length : (this.#search.sentSize(number, host) ?? received);
  }

  /** On raw sockets everybody's messages are seen; a ping socket has its own identifier, and gets its own replies only. */
  #isOurs(protocol: number, identifier: number): boolean {
    const family = protocol === ICMPV6_PROTOCOL ? 'ipv6' : 'ipv4';
    return identifier === this.#options.identifier || this.#options.routes(family).socket === 'dgram';
  }

  #onError(ledger: Ledger, answer: PacketAnswer, now: number): void {
    const { protocol, from, time } = answer;
    const error = readError(protocol, answer.bytes);
    if (error === undefined) return;
    const { identifier, sequence, destination, payload, icmpType, icmpCode, mtu, gateway } = error;
    const number = this.#isOurs(protocol, identifier)
      ? this.#finder.find(ledger.ring, destination, sequence, payload, 0)
      : -1;
    if (number < 0) {
      ledger.foreign++;
      return;
    }
    this.#fail(ledger, number, { address: withoutZone(from).toString(), icmpType, icmpCode, mtu, gateway, time }, now);
  }

  /** What the error queue of a ping socket tells. */
  #onReport(ledger: Ledger, report: ReportAnswer, now: number): void {
    const { sent, to, from, icmpType, icmpCode, mtu, time } = report;
    if (sent.length < ICMP_HEADER) return;
    const number = this.#finder.find(ledger.ring, to, readShort(sent, 6), sent, ICMP_HEADER);
    if (number < 0) {
      ledger.foreign++;
      return;
    }
    this.#fail(ledger, number, { address: withoutZone(from).toString(), icmpType, icmpCode, mtu, time }, now);
  }

  #fail(ledger: Ledger, number: number, facts: IcmpFacts, now: number): void {
    if (this.#isEarly(number, (later) => this.#fail(ledger, number, facts, later))) return;
    const { icmpType, icmpCode, mtu = 0, address } = facts;
    const { family } = (ledger.ring.hosts[ledger.ring.at(number)] as PingHost).address;
    const final = settles(family, icmpType);
    ledger.error(number, { ...facts, message: errorText(family, icmpType, icmpCode), settles: final }, now);
    if (!final) return;
    const tooBig = isTooBig(family, icmpType, icmpCode);
    this.#searched(ledger, number, tooBig ? { mtu, reporter: address } : 'lost', now);
    this.#retry(ledger, number, now);
  }

  /** Tells a search what became of a probe of its. */
  #searched(ledger: Ledger, number: number, what: TryOutcome, now: number): void {
    if (this.#search === undefined) return;
    this.#search.outcome(number, what, now);
    ledger.finishIfDone(ledger.ring.hosts[ledger.ring.at(number)] as PingHost, now);
  }

  /** With retries: a host whose probe is lost, or in error, is tried again when its time is over. */
  #retry(ledger: Ledger, number: number, now: number): void {
    if (this.#options.plan.retries === undefined) return;
    const place = ledger.ring.at(number);
    const host = ledger.ring.hosts[place] as PingHost;
    const state = ledger.ring.state[place];
    if (host.last !== number || (state !== ProbeState.timedOut && state !== ProbeState.failed)) return;
    const over = (ledger.ring.sentAt[place] as number) + this.#timeoutMs;
    if (Number.isNaN(host.due)) this.#schedule.again(host, Math.max(now, over));
    ledger.finishIfDone(host, now);
  }

  elapsed(now: number, time: Timestamp): void {
    if (this.#ended) return;
    const ledger = this.#ledger ?? this.#start(now, time);
    this.#wall = time;
    this.#wallReadAt = now;
    this.#wallOffset = ledger.wall(time) - now;
    const { ring } = ledger;
    for (; this.#oldest < this.#confirmed; this.#oldest++) {
      const number = this.#oldest;
      if (!ring.isOpen(number)) continue;
      if ((ring.sentAt[ring.at(number)] as number) + this.#timeoutMs > now) break;
      ledger.expire(number, time, now);
      this.#searched(ledger, number, 'lost', now);
      this.#retry(ledger, number, now);
    }
    ledger.tellFinished(time);
    if (now >= this.#deadline) this.#end('deadline', now, time);
    else if (this.#confirmed === ring.next && ledger.open === 0 && this.#schedule.isEmpty)
      this.#end('count', now, time);
  }

  #start(now: number, time: Timestamp): Ledger {
    const { plan, routes, drops, hosts, inFlightMax } = this.#options;
    const ledger = new Ledger({ plan, routes, drops, hosts, inFlightMax }, time);
    ledger.onFinished = () => this.#schedule.finished();
    this.#ledger = ledger;
    this.#startedAt = now;
    this.#schedule.start(now);
    return ledger;
  }

  get #deadline(): number {
    return this.#startedAt + (this.#options.plan.deadlineMs ?? Number.POSITIVE_INFINITY);
  }

  wakeAt(): number {
    const ledger = this.#ledger;
    if (this.#ended) return Number.POSITIVE_INFINITY;
    if (ledger === undefined) return 0;
    const { ring } = ledger;
    let oldest = this.#oldest;
    while (oldest < this.#confirmed && !ring.isOpen(oldest)) oldest++;
    this.#oldest = oldest;
    const expiry =
      oldest < this.#confirmed ? (ring.sentAt[ring.at(oldest)] as number) + this.#timeoutMs : Number.POSITIVE_INFINITY;
    const due = ring.isCrammed ? Number.POSITIVE_INFINITY : this.#schedule.wakeAt;
    return Math.min(due, expiry, this.#deadline);
  }

  stop(reason: 'interrupted' | 'deadline' | 'error', now: number, time: Timestamp): void {
    if (this.#ended) return;
    if (this.#ledger === undefined) this.#start(now, time);
    this.#end(reason, now, time);
  }

  #end(reason: PingEndReason, now: number, time: Timestamp): void {
    const ledger = this.#ledger;
    if (ledger === undefined) return;
    // What was answered before the word came that it was sent, was sent: when it was to be.
    const sent = this.#confirmed;
    this.#confirmed = ledger.ring.next;
    const early = this.#early.filter(({ number }) => number >= sent);
    for (const number of new Set(early.map((one) => one.number))) {
      ledger.sent(number, ledger.ring.sentWall[ledger.ring.at(number)] as number, now);
    }
    for (const { take } of early) take(now);
    this.#ended = true;
    this.#search?.stop();
    ledger.end(reason, time, now, this.#startedAt);
  }

  /** What the total would say if it ended now. */
  standing(now: number, time: Timestamp): PingStanding {
    const ledger = this.#ledger ?? this.#start(now, time);
    return ledger.standing(time, now, this.#startedAt);
  }

  take(): PingRecord[] {
    return this.#ledger?.take() ?? [];
  }
}
