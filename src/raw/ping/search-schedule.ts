/**
 * The schedule of searches for path MTUs: one for each host, all at the same time. What is sent next, and how large, is
 * the outcome's of what was sent before to say (path-mtu.ts).
 */
import type { IPFamily } from '../../sockaddr/ip.js';
import { DueQueue } from './due-queue.js';
import type { PingHost } from './host.js';
import type { PingPlan } from './options.js';
import { type MtuTry, PathMtuSearch } from './path-mtu.js';
import type { Schedule } from './schedule.js';

/** Packets that must be lost at least before a size is given up, where the plan does not say. */
const TRIES = 3;
/** From one packet to the next while nothing comes back: as long as two round trips, and that at least. */
export const GAP_MS = 50;
/** From one host's beginning to that of the next. */
const START_GAP_MS = 1;
/** Hosts that are searched for at once at most. */
export const SEARCHES_MAX = 1024;

/** Bytes of the IP header, which sizes count. */
const IP_HEADER: Readonly<Record<IPFamily, number>> = { ipv4: 20, ipv6: 40 };

/** The largest payload that is tried: of IPv6, whose header does not count. */
export const SEARCH_MAX = 65_527;

/** What became of a packet of a search; `mtu` is 0 where the link's is not told, `reporter` null for this machine. */
export type TryOutcome = 'answered' | 'lost' | { readonly mtu: number; readonly reporter: string | null };

interface Search {
  readonly host: PingHost;
  readonly search: PathMtuSearch;
}

interface Tried {
  readonly search: Search;
  readonly tried: MtuTry;
  /** It has been given up, and may be answered late. */
  lost: boolean;
}

export class SearchSchedule implements Schedule {
  readonly #tries: number;
  readonly #size: number;
  readonly #begin: (step: number) => PingHost;
  readonly #searches = new Map<PingHost, Search>();
  /** What the probes that wait are, by their number. */
  readonly #open = new Map<number, Tried>();
  readonly #queue = new DueQueue();
  #step = 0;
  #startAt = Number.NaN;
  #next: MtuTry | undefined;

  /** @param begin makes the host at a step of the order */
  constructor(plan: PingPlan, size: number, begin: (step: number) => PingHost) {
    this.#tries = plan.count ?? TRIES;
    this.#size = size;
    this.#begin = begin;
  }

  start(now: number): void {
    this.#startAt = now;
  }

  get isEmpty(): boolean {
    return this.#step >= this.#size && this.#queue.peek() === undefined;
  }

  get wakeAt(): number {
    const start = this.#step < this.#size ? this.#startAt : Number.POSITIVE_INFINITY;
    return Math.min(start, this.#queue.peek()?.due ?? Number.POSITIVE_INFINITY);
  }

  next(now: number): PingHost | undefined {
    if (this.#step < this.#size && this.#startAt <= now) {
      const host = this.#begin(this.#step++);
      this.#startAt += START_GAP_MS;
      const { family } = host.address;
      this.#searches.set(host, { host, search: new PathMtuSearch(family, this.#tries) });
      this.#push(host, now);
    }
    for (;;) {
      const host = this.#queue.peek();
      if (host === undefined || host.due > now) return undefined;
      this.#queue.pop();
      host.due = Number.NaN;
      this.#next = this.#searches.get(host)?.search.next();
      if (this.#next === undefined) continue;
      host.sends++;
      this.#push(host, now + Math.max(GAP_MS, 2 * (host.roundTripMs || 0)));
      return host;
    }
  }

  /** Bytes of the ICMP message for the host that {@link next} has just named; the probe gets that number. */
  sizeOf(number: number, host: PingHost): number {
    const search = this.#searches.get(host);
    if (search === undefined || this.#next === undefined) throw new RangeError('no probe is due');
    this.#open.set(number, { search, tried: this.#next, lost: false });
    return this.#next.size - IP_HEADER[host.address.family];
  }

  /** Bytes of the ICMP message of a probe; undefined for one that is not remembered. */
  sentSize(number: number, host: PingHost): number | undefined {
    const tried = this.#open.get(number)?.tried;
    return tried === undefined ? undefined : tried.size - IP_HEADER[host.address.family];
  }

  /** What became of a probe; late answers count as others do. */
  outcome(number: number, what: TryOutcome, now: number): void {
    const known = this.#open.get(number);
    if (known === undefined || (what === 'lost' && known.lost)) return;
    const { search, tried, lost } = known;
    if (what === 'lost') known.lost = true;
    else this.#open.delete(number);
    if (what === 'answered') search.search.answered(tried, lost);
    else if (what === 'lost') search.search.lost(tried);
    else search.search.tooBig(tried, what.mtu, what.reporter);
    if (!search.search.done) this.#push(search.host, Math.min(search.host.due || now, now));
    else this.#settle(search);
  }

  #settle({ host, search }: Search): void {
    if (host.complete) return;
    host.pathMtu = search.result;
    this.complete(host);
    for (const [number, { search: other }] of this.#open) if (other.host === host) this.#open.delete(number);
  }

  answered(): void {
    // Outcomes say it all.
  }

  again(): void {
    // Outcomes say it all.
  }

  complete(host: PingHost): void {
    host.complete = true;
    host.due = Number.NaN;
  }

  finished(): void {
    // All of them are in use from the start.
  }

  /** What is known of the path so far, for a search that is ended before its time. */
  stop(): void {
    for (const { host, search } of this.#searches.values()) host.pathMtu ??= search.result;
  }

  #push(host: PingHost, due: number): void {
    if (host.due <= due) return;
    host.due = due;
    this.#queue.push(host);
  }
}
