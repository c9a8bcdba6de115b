/** `raw ping --live`: a row a host, with the last round trips as a line of bars. */
import type { PingRecord } from '../../src/raw/ping/records.js';
import type { PingTarget } from '../../src/raw/ping/targets.js';
import type { LiveFrameOptions } from './live-frame.js';
import type { LiveText } from './live-text.js';
import {
  firstHosts,
  HISTORY,
  HOST_ORDERS,
  type HostOrder,
  type HostRow,
  LiveHost,
  LOST,
  sortedRows,
} from './ping-live-hosts.js';
import { printableText } from './printable.js';
import { grouped } from './report.js';
import { type TableColumn, type TablePicture, type TableSource, TableView } from './table-view.js';

/** Columns for names at most, and where there is no room for as many. */
const NAME_MAX = 42;
const NAME_MIN = 15;
const LOST_SIGN = 'x';

/** The names, as wide as they are, within reason. */
function hostColumn(longest: number): TableColumn<HostRow> {
  const upTo = Math.min(NAME_MAX, Math.max(4, longest));
  return {
    title: 'HOST',
    width: Math.min(NAME_MIN, upTo),
    upTo,
    left: true,
    order: 'name',
    cell: (row, width, text) => text.cutMiddle(row.name, width),
  };
}

const FIGURES: readonly TableColumn<HostRow>[] = [
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
  let longest = 0;
  const hostOf = (name: string): LiveHost => {
    let host = hosts.get(name);
    if (host === undefined) {
      host = new LiveHost(printableText(name));
      hosts.set(name, host);
      rows.push(host);
      longest = Math.max(longest, host.name.length);
    }
    return host;
  };
  for (const { name } of targets) hostOf(name);
  let startedMs = frame.now();
  let all = new LiveHost('');
  let version = 0;
  const source: TableSource<HostRow> = {
    title,
    orders: HOST_ORDERS,
    get columns() {
      return [hostColumn(longest), ...FIGURES];
    },
    rowsName: 'hosts',
    get version() {
      return version;
    },
    elapsedMs: (now) => now - startedMs,
    picture: (order, limit, now): TablePicture<HostRow> => ({
      elapsedMs: now - startedMs,
      figures: figures(rows, all, of),
      rows: firstHosts(rows, order as HostOrder, limit).map((host) => host.row()),
      total: Math.max(rows.length, of),
    }),
    sorted: (shown, order) => sortedRows(shown, order as HostOrder),
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
          for (const host of [hostOf(record.target), all]) host.answered(record.rttMs, record.takesBack === true);
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
