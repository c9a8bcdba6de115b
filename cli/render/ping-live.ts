/** `raw ping --live`: a row a host, with the last round trips as a line of bars. */
import { Histogram } from '../../src/measure/histogram.js';
import type { PingRecord } from '../../src/raw/ping/records.js';
import type { PingTarget } from '../../src/raw/ping/targets.js';
import type { LiveFrameOptions } from './live-frame.js';
import type { LiveText } from './live-text.js';
import { printableText } from './printable.js';
import { grouped } from './report.js';
import { type TableColumn, type TablePicture, type TableSource, TableView } from './table-view.js';

/** Outcomes that are remembered of each host. */
const HISTORY = 64;
/** A lost one among them; an answered one is its round trip in milliseconds. */
const LOST = -1;
const LOST_SIGN = 'x';

type Order = 'name' | 'loss' | 'mean' | 'last';
const ORDERS: readonly [Order, ...Order[]] = ['name', 'loss', 'mean', 'last'];

/** A host as it is shown, at one moment. */
interface HostRow {
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

class LiveHost {
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

  answered(rttMs: number, late: boolean): void {
    // A late one has been counted as lost.
    if (late) this.lost = Math.max(0, this.lost - 1);
    else this.settled++;
    this.roundTrips.add(rttMs);
    this.sum += rttMs;
    this.last = rttMs;
    if (!late) this.#remember(rttMs);
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

const COLUMNS: readonly TableColumn<HostRow>[] = [
  {
    title: 'HOST',
    width: 15,
    upTo: 42,
    left: true,
    order: 'name',
    cell: (row, width, text) => text.cutMiddle(row.name, width),
  },
  {
    title: 'LOSS',
    width: 7,
    order: 'loss',
    cell: ({ settled, lost }) => (settled === 0 ? '' : `${((100 * lost) / settled).toFixed(1)}%`),
    paint: (cell, { lost }, text) => (lost > 0 ? text.paint('alarm', cell) : cell),
  },
  { title: 'PROBES', width: 8, rank: 3, cell: ({ settled }) => grouped(settled) },
  {
    title: 'LAST',
    width: 9,
    order: 'last',
    rank: 1,
    cell: ({ last }) => (last === LOST ? 'lost' : time(last)),
    paint: (cell, { last }, text) => (last === LOST ? text.paint('alarm', cell) : cell),
  },
  { title: 'MEAN', width: 9, order: 'mean', cell: ({ mean }) => time(mean) },
  { title: 'P90', width: 9, rank: 2, cell: ({ p90 }) => time(p90) },
  {
    title: 'ROUND TRIPS',
    width: 12,
    upTo: HISTORY,
    left: true,
    rank: 4,
    cell: sparkline,
    paint: (cell, _, text) => paintedSparkline(cell, text),
  },
];

/** The last round trips that there is room for, up to the slowest of them; the latest is the last. */
function sparkline({ history }: HostRow, width: number, text: LiveText): string {
  const shown = history.subarray(Math.max(0, history.length - width));
  const most = shown.reduce((a, b) => Math.max(a, b), 0);
  let line = '';
  for (const value of shown) line += value === LOST ? LOST_SIGN : text.bar(Math.max(value, Number.MIN_VALUE), most);
  return line;
}

function paintedSparkline(cell: string, text: LiveText): string {
  return cell
    .split(/(x+)/)
    .map((part) => text.paint(part.startsWith(LOST_SIGN) ? 'alarm' : 'chart', part))
    .join('');
}

/** Milliseconds for a column: three digits behind the point, fewer for what is long. */
function time(value: number | null): string {
  if (value === null) return '';
  return `${value < 100 ? value.toFixed(3) : value < 10_000 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** The highest first; what is not known comes last. */
function keyOf(order: Order): (host: LiveHost | HostRow) => number {
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
function firstOf(hosts: readonly LiveHost[], order: Order, limit: number): LiveHost[] {
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

function compare(a: number, b: number): number {
  return a === b ? 0 : b > a ? 1 : -1;
}

export interface LivePing {
  readonly view: TableView<HostRow>;
  add(batch: readonly PingRecord[]): void;
}

/**
 * @param targets those that have a row from the beginning; others get one with their first outcome
 * @param of how many there are in all
 */
export function livePing(frame: LiveFrameOptions, title: string, targets: Iterable<PingTarget>, of: number): LivePing {
  const hosts = new Map<string, LiveHost>();
  const rows: LiveHost[] = [];
  const hostOf = (name: string): LiveHost => {
    let host = hosts.get(name);
    if (host === undefined) {
      host = new LiveHost(printableText(name));
      hosts.set(name, host);
      rows.push(host);
    }
    return host;
  };
  for (const { name } of targets) hostOf(name);
  let startedMs = frame.now();
  let all = new LiveHost('');
  let version = 0;
  const source: TableSource<HostRow> = {
    title,
    orders: ORDERS,
    columns: COLUMNS,
    rowsName: 'hosts',
    get version() {
      return version;
    },
    elapsedMs: (now) => now - startedMs,
    picture: (order, limit, now): TablePicture<HostRow> => ({
      elapsedMs: now - startedMs,
      figures: figures(rows, all, of),
      rows: firstOf(rows, order as Order, limit).map((host) => host.row()),
      total: Math.max(rows.length, of),
    }),
    sorted: (shown, order) => {
      const key = keyOf(order as Order);
      return [...shown].sort((a, b) => compare(key(a), key(b)));
    },
    rowStyle: ({ settled, lost }) => (settled > 0 && lost === settled ? 'faint' : undefined),
    reset: () => {
      for (const host of rows) host.reset();
      all = new LiveHost('');
      startedMs = frame.now();
      version++;
    },
  };
  return {
    view: new TableView(frame, source),
    add: (batch) => {
      for (const record of batch) {
        if (record.type === 'ping.reply' && !record.duplicate) {
          for (const host of [hostOf(record.target), all]) host.answered(record.rttMs, record.late);
        } else if (record.type === 'ping.timeout' || (record.type === 'ping.error' && record.settles)) {
          for (const host of [hostOf(record.target), all]) host.unanswered();
        }
      }
      version++;
    },
  };
}

function figures(rows: readonly LiveHost[], all: LiveHost, of: number): readonly (readonly string[])[] {
  const answering = rows.reduce((sum, { roundTrips }) => sum + (roundTrips.count > 0 ? 1 : 0), 0);
  const silent = rows.reduce(
    (sum, { roundTrips, settled }) => sum + (settled > 0 && roundTrips.count === 0 ? 1 : 0),
    0,
  );
  const { settled, lost, roundTrips } = all;
  const { min, mean, p90, max } = roundTrips.summary();
  const rtt =
    mean === null ? '' : `, rtt min/mean/p90/max ${[min, mean, p90, max].map((one) => one?.toFixed(3)).join('/')} ms`;
  return [
    [` hosts   ${grouped(of)}, ${grouped(answering)} alive`, `, ${grouped(silent)} silent`],
    [` probes  ${grouped(settled)}, ${grouped(lost)} lost`, ` (${(100 * all.lossShare).toFixed(2)} %)`, rtt],
  ];
}
