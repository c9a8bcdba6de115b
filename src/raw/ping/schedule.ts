/**
 * Who is sent to next, and when. The schedule is absolute: a probe that leaves late makes no later one late.
 *
 * Hosts begin one after the other. A host that has begun is sent to again an interval after its last turn; with a count,
 * those who have begun go first, so that however large a set is, only those within an interval of each other are in use.
 * Without one, all begin before anyone has a second turn.
 *
 * Turns that were missed, because the process was stopped or the system was busy, are caught up where they are no older
 * than {@link CATCH_UP_MS}, and left out otherwise: who has slept for a minute does not want sixty probes at once.
 */
import { DueQueue } from './due-queue.js';
import type { PingHost } from './host.js';
import { DEFAULT_INTERVAL_MS, type PingPlan } from './options.js';

const CATCH_UP_MS = 250;
/** From one host's beginning to that of the next, where no rate says otherwise. */
const START_GAP_MS = 1;
/** ping(8) -f: where nothing answers, a hundred probes a second. */
const FLOOD_WAIT_MS = 10;
const ADAPTIVE_MIN_MS = 1;
/** Hosts that are in use at once at most. */
const HOSTS_MAX = 2 ** 20;

export interface Schedule {
  /** The first turn is now. */
  start(now: number): void;
  /** Whether nobody has a turn, ever, unless an outcome brings one. */
  readonly isEmpty: boolean;
  /** When somebody has a turn; Infinity where nobody has. */
  readonly wakeAt: number;
  /** Whose turn it is by `now`; its next one is on the schedule already. */
  next(now: number): PingHost | undefined;
  /** The host has answered its last probe, which may bring its next turn. */
  answered(host: PingHost, now: number): void;
  /** The host is tried again, at `at`, if it may be; otherwise it is complete. */
  again(host: PingHost, at: number): void;
  /** Nothing more is sent to the host. */
  complete(host: PingHost): void;
  /** Nothing more is waited for from one host either. */
  finished(): void;
}

export class TurnSchedule implements Schedule {
  readonly #plan: PingPlan;
  readonly #size: number;
  readonly #begin: (step: number) => PingHost;
  readonly #interval: number;
  /** Between two probes to whomever; 0 where no rate is asked for. */
  readonly #gap: number;
  readonly #startGap: number;
  readonly #endless: boolean;
  readonly #queue = new DueQueue();
  /** The next host that has not begun. */
  #step = 0;
  #startAt = Number.NaN;
  /** When the rate allows the next probe. */
  #slotAt = Number.NEGATIVE_INFINITY;
  /** Hosts that have begun and are not finished. */
  #inUse = 0;

  /** @param begin makes the host at a step of the order */
  constructor(plan: PingPlan, size: number, begin: (step: number) => PingHost) {
    this.#plan = plan;
    this.#size = size;
    this.#begin = begin;
    this.#interval = plan.intervalMs ?? DEFAULT_INTERVAL_MS;
    const { ratePerSecond } = plan;
    this.#gap = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond;
    this.#startGap = ratePerSecond === undefined && this.#interval > 0 ? START_GAP_MS : 0;
    this.#endless = plan.count === undefined && plan.retries === undefined;
  }

  start(now: number): void {
    this.#startAt = now;
  }

  get isEmpty(): boolean {
    return this.#step >= this.#size && this.#queue.peek() === undefined;
  }

  get wakeAt(): number {
    const queued = this.#queue.peek()?.due ?? Number.POSITIVE_INFINITY;
    return Math.max(this.#slotAt, Math.min(queued, this.#nextStart));
  }

  get #nextStart(): number {
    return this.#step < this.#size && this.#inUse < HOSTS_MAX ? this.#startAt : Number.POSITIVE_INFINITY;
  }

  next(now: number): PingHost | undefined {
    const queued = this.#queue.peek();
    const startAt = this.#nextStart;
    const begins = startAt <= now && (this.#endless || queued === undefined || queued.due > now);
    if (!begins && (queued === undefined || queued.due > now)) return undefined;
    const due = begins ? startAt : this.#turn((queued as PingHost).due, now);
    let at = Math.max(due, this.#slotAt);
    if (at > now) return undefined;
    if (this.#gap > 0) {
      at = notBefore(at, now - CATCH_UP_MS, this.#gap);
      this.#slotAt = at + this.#gap;
    }
    const host = begins ? this.#begin(this.#step) : (queued as PingHost);
    if (begins) {
      this.#step++;
      this.#inUse++;
      this.#startAt = notBefore(startAt + this.#startGap, now - CATCH_UP_MS, this.#startGap);
    } else this.#queue.pop();
    host.sends++;
    this.#plan.count === host.sends ? this.complete(host) : this.#after(host, at, now);
    return host;
  }

  /** The turn that one which was due at `due` is taken for: of those that were missed, the first that is caught up. */
  #turn(due: number, now: number): number {
    if (due >= now - CATCH_UP_MS || !(this.#interval > 0)) return due;
    const first = notBefore(due, now - CATCH_UP_MS, this.#interval);
    return first > now ? first - this.#interval : first;
  }

  /** The turn after one that was due at `at`. */
  #after(host: PingHost, at: number, now: number): void {
    host.due = Number.NaN;
    const { retries, flood, adaptive } = this.#plan;
    // Who is to be tried again has a turn when the last one has failed.
    if (retries !== undefined) return;
    if (flood === true) this.#push(host, now + FLOOD_WAIT_MS);
    else if (adaptive === true) this.#push(host, now + this.#adapted(host));
    else this.#push(host, at + this.#interval);
  }

  #adapted({ roundTripMs }: PingHost): number {
    if (Number.isNaN(roundTripMs)) return this.#interval;
    return Math.min(this.#interval, Math.max(ADAPTIVE_MIN_MS, roundTripMs));
  }

  answered(host: PingHost, now: number): void {
    if (host.complete || Number.isNaN(host.due)) return;
    if (this.#plan.flood === true) this.#push(host, now);
    else if (this.#plan.adaptive === true) {
      this.#push(host, Math.min(host.due, Math.max(now, host.lastSentAt + this.#adapted(host))));
    }
  }

  again(host: PingHost, at: number): void {
    if (host.complete) return;
    if (host.sends <= (this.#plan.retries ?? 0)) this.#push(host, at);
    else this.complete(host);
  }

  complete(host: PingHost): void {
    host.complete = true;
    host.due = Number.NaN;
  }

  finished(): void {
    this.#inUse--;
  }

  #push(host: PingHost, due: number): void {
    host.due = due;
    this.#queue.push(host);
  }
}

/** `at`, or as many whole steps later as it takes to be at `earliest` at least. */
function notBefore(at: number, earliest: number, step: number): number {
  if (at >= earliest) return at;
  return step > 0 ? at + Math.ceil((earliest - at) / step) * step : earliest;
}
