/** What a live view knows of each host that is pinged, and which ones come first. */
import { Histogram } from '../../src/measure/histogram.js';

/** Outcomes that are remembered of each host. */
export const HISTORY = 64;
/** A lost one among them; an answered one is its round trip in milliseconds. */
export const LOST = Number.NEGATIVE_INFINITY;

export type HostOrder = 'name' | 'loss' | 'mean' | 'last';
export const HOST_ORDERS: readonly [HostOrder, ...HostOrder[]] = ['name', 'loss', 'mean', 'last'];

/** A host as it is shown, at one moment. */
export interface HostRow {
  readonly name: string;
  /** Probes that are answered or lost. */
  readonly settled: number;
  readonly lost: number;
  readonly last: number | null;
  readonly mean: number | null;
  readonly p90: number | null;
  /** The oldest first. */
  readonly history: Float32Array;
}

export class LiveHost {
  readonly name: string;
  settled = 0;
  lost = 0;
  /** NaN before the first answer; LOST after one that is lost. */
  last = Number.NaN;
  roundTrips = new Histogram();
  sum = 0;
  readonly #history = new Float32Array(HISTORY);
  #count = 0;

  constructor(name: string) {
    this.name = name;
  }

  get mean(): number {
    return this.roundTrips.count === 0 ? Number.NaN : this.sum / this.roundTrips.count;
  }

  get lossShare(): number {
    return this.settled === 0 ? 0 : this.lost / this.settled;
  }

  /** @param counted it has been counted as lost */
  answered(rttMs: number, counted: boolean): void {
    if (counted) this.lost = Math.max(0, this.lost - 1);
    else this.settled++;
    this.roundTrips.add(rttMs);
    this.sum += rttMs;
    this.last = rttMs;
    if (!counted) this.#remember(rttMs);
  }

  unanswered(): void {
    this.settled++;
    this.lost++;
    this.last = LOST;
    this.#remember(LOST);
  }

  reset(): void {
    this.settled = 0;
    this.lost = 0;
    this.sum = 0;
    this.last = Number.NaN;
    this.roundTrips = new Histogram();
    this.#count = 0;
  }

  #remember(value: number): void {
    this.#history[this.#count++ % HISTORY] = value;
  }

  row(): HostRow {
    const { name, settled, lost, last, mean } = this;
    const known = Math.min(this.#count, HISTORY);
    const history = Float32Array.from(
      { length: known },
      (_, i) => this.#history[(this.#count - known + i) % HISTORY] ?? 0,
    );
    const orNull = (value: number) => (Number.isNaN(value) ? null : value);
    return {
      name,
      settled,
      lost,
      last: orNull(last),
      mean: orNull(mean),
      p90: this.roundTrips.percentile(0.9),
      history,
    };
  }
}

/** The highest first; what is not known comes last. */
function keyOf(order: HostOrder): (host: LiveHost | HostRow) => number {
  const known = (value: number | null) => (value === null || Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value);
  switch (order) {
    case 'name':
      return () => 0;
    case 'loss':
      return ({ lost, settled }) => (settled === 0 ? Number.NEGATIVE_INFINITY : lost / settled);
    case 'mean':
      return ({ mean }) => known(mean);
    case 'last':
      // A lost one is slower than any other.
      return ({ last }) => (last === LOST ? Number.POSITIVE_INFINITY : known(last));
  }
}

/** The first of all by `order`, `limit` of them at most; equals stay as they are. */
export function firstHosts(hosts: readonly LiveHost[], order: HostOrder, limit: number): LiveHost[] {
  if (order === 'name') return hosts.slice(0, limit);
  const key = keyOf(order);
  const descending = (a: LiveHost, b: LiveHost) => compare(key(a), key(b));
  let best: LiveHost[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (const host of hosts) {
    if (best.length >= limit && key(host) <= least) continue;
    best.push(host);
    if (best.length < 2 * limit) continue;
    best = best.sort(descending).slice(0, limit);
    least = key(best.at(-1) as LiveHost);
  }
  return best.sort(descending).slice(0, limit);
}

/** Rows of a picture in another order. */
export function sortedRows(rows: readonly HostRow[], order: HostOrder): HostRow[] {
  const key = keyOf(order);
  return [...rows].sort((a, b) => compare(key(a), key(b)));
}

function compare(a: number, b: number): number {
  return a === b ? 0 : b > a ? 1 : -1;
}
