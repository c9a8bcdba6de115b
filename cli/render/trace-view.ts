/** `raw trace --live`: a path as a table that is drawn anew, as mtr(8) has it. */
import { monotonicMs } from '../../src/measure/clock.js';
import type { TraceControl, TraceRow, TraceTable } from '../../src/raw/trace/table.js';
import type { LiveText } from './live-text.js';
import { counted } from './report.js';
import type { TableColumn, TablePicture, TableSource } from './table-view.js';
import type { FactsOf } from './trace-hosts.js';
import { LOSS, SENT, TIMES, type TraceColumn, type TraceLine, traceLines } from './trace-table.js';

/** Hosts and charts take what there is, up to so many columns. */
const HOST_WIDTH = { least: 15, most: 64 };
const CHART_WIDTH = { least: 10, most: 64 };

type Order = 'hop' | 'loss' | 'mean';

/** How two rows stand; what has no figure comes last. */
const COMPARE: Readonly<Record<Order, (a: TraceRow, b: TraceRow) => number>> = {
  hop: () => 0,
  loss: (a, b) => b.lossPercent - a.lossPercent,
  mean: (a, b) => (b.meanMs ?? -1) - (a.meanMs ?? -1),
};

export class TraceView implements TableSource<TraceLine> {
  title: string;
  readonly orders = ['hop', 'loss', 'mean'] as const satisfies readonly Order[];
  readonly rowsName = 'lines';
  readonly #table: TraceTable;
  readonly #control: TraceControl;
  readonly #flows: number;
  readonly #facts: FactsOf;
  #began = monotonicMs();
  /** What the longest host takes; what it leaves is the chart's. */
  #hostWidth = HOST_WIDTH.least;

  constructor(title: string, table: TraceTable, control: TraceControl, options: { flows: number; facts: FactsOf }) {
    this.title = title;
    this.#table = table;
    this.#control = control;
    this.#flows = options.flows;
    this.#facts = options.facts;
  }

  get columns(): readonly TableColumn<TraceLine>[] {
    return COLUMNS.map((column) => (column.title === 'Host' ? { ...column, upTo: this.#hostWidth } : column));
  }

  /** Probes come back all the time, and names now and then. */
  readonly version = Number.NaN;

  elapsedMs(now: number): number {
    return now - this.#began;
  }

  picture(order: string, limit: number, now: number): TablePicture<TraceLine> {
    const rows = this.#table.rows();
    const lines = this.sorted(traceLines(rows, this.#flows, this.#facts), order);
    this.#hostWidth = Math.min(
      HOST_WIDTH.most,
      Math.max(HOST_WIDTH.least, ...lines.map(({ host, first }) => (first ? host.length : 0))),
    );
    return {
      elapsedMs: this.elapsedMs(now),
      figures: [figures(rows)],
      rows: lines.slice(0, limit),
      total: lines.length,
    };
  }

  /** Lines of one hop stay together. */
  sorted(lines: readonly TraceLine[], order: string): TraceLine[] {
    const compare = COMPARE[order as Order];
    const place = new Map(lines.map((line, at) => [line, at]));
    return [...lines].sort(
      (a, b) => compare(a.row, b.row) || a.row.ttl - b.row.ttl || (place.get(a) ?? 0) - (place.get(b) ?? 0),
    );
  }

  rowStyle({ row, first }: TraceLine): 'faint' | undefined {
    return first && row.addresses.length > 0 ? undefined : 'faint';
  }

  /** What stands under a hop is no figure's. */
  whole({ host, first }: TraceLine): string | undefined {
    return first ? undefined : `      ${host}`;
  }

  /** No new round is begun meanwhile. */
  paused(paused: boolean): void {
    this.#control.paused = paused;
  }

  reset(): void {
    this.#table.reset();
    this.#began = monotonicMs();
  }
}

function figures(rows: readonly TraceRow[]): string[] {
  const sum = (of: (row: TraceRow) => number) => rows.reduce((all, row) => all + of(row), 0);
  const target = rows.find(({ reached }) => reached);
  const end =
    target === undefined ? `not reached in ${counted(rows.length, 'hop')}` : `reached in ${counted(target.ttl, 'hop')}`;
  const late = sum((row) => row.late);
  const refused = sum((row) => row.refused);
  return [
    ` ${end}`,
    `   sent ${sum(({ sent }) => sent)}  received ${sum(({ received }) => received)}  lost ${sum(({ lost }) => lost)}`,
    late === 0 ? '' : `  late ${late}`,
    refused === 0 ? '' : `  refused by this machine ${refused}`,
    `   times in ms`,
  ];
}

const figure = (column: TraceColumn, rank: number, order?: Order): TableColumn<TraceLine> => ({
  title: column.title,
  width: column.width,
  rank,
  ...(order === undefined ? {} : { order }),
  cell: ({ row }) => column.cell(row),
});

const COLUMNS: readonly TableColumn<TraceLine>[] = [
  { title: 'Hop', width: 4, order: 'hop', cell: ({ row }) => `${row.ttl} ` },
  {
    title: 'Host',
    width: HOST_WIDTH.least,
    left: true,
    cell: ({ host }) => host,
  },
  {
    ...figure(LOSS, 0, 'loss'),
    paint: (cell, { row }, text) => (row.lossPercent > 0 ? text.paint('alarm', cell) : cell),
  },
  figure(SENT, 4),
  figure(TIMES.last, 3),
  figure(TIMES.mean, 1, 'mean'),
  figure(TIMES.best, 6),
  figure(TIMES.worst, 5),
  figure(TIMES.stddev, 8),
  figure(TIMES.p90, 2),
  figure(TIMES.jitter, 9),
  {
    title: 'Recent',
    width: CHART_WIDTH.least,
    upTo: CHART_WIDTH.most,
    left: true,
    rank: 7,
    cell: ({ row }, width, text) => chart(row.recentMs, width, text),
    paint: (cell, _, text) => text.paint('chart', cell),
  },
];

/** The last round trips as bars from zero, the newest on the right; `x` for what was lost. */
function chart(recent: readonly (number | null)[], width: number, text: LiveText): string {
  const shown = recent.slice(-width);
  const most = Math.max(Number.MIN_VALUE, ...shown.map((time) => time ?? 0));
  return shown
    .map((time) => (time === null ? 'x' : text.bar(time, most)))
    .join('')
    .padStart(width);
}
