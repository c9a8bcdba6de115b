/** The figures of a path as the table that users of mtr(8) read: one that is printed at the end, and one that is drawn. */
import type { TraceAddress, TraceRow } from '../../src/raw/trace/table.js';
import { extensionText, type FactsOf, hostText } from './trace-hosts.js';
import { flowsText } from './trace-paths.js';

/** A line of the table: a hop with its figures, or what else there is to say of it. */
export interface TraceLine {
  readonly row: TraceRow;
  readonly host: string;
  /** The first line of its hop, which has the figures. */
  readonly first: boolean;
}

/** Digits of a time that fit: below 100 ms to the microsecond. */
const DIGITS = 6;

/** A column of figures. */
export interface TraceColumn {
  readonly title: string;
  readonly width: number;
  cell(row: TraceRow): string;
}

const time = (title: string, of: (row: TraceRow) => number | null): TraceColumn => ({
  title,
  width: DIGITS,
  cell: (row) => timeText(of(row)),
});

/** As mtr(8) calls them, in its order; 80 columns together with a hop and an IPv4 address. */
export const LOSS: TraceColumn = { title: 'Loss%', width: 6, cell: (row) => lossText(row) };
export const SENT: TraceColumn = { title: 'Snt', width: 4, cell: ({ sent }) => String(sent) };
export const TIMES = {
  last: time('Last', ({ lastMs }) => lastMs),
  mean: time('Avg', ({ meanMs }) => meanMs),
  best: time('Best', ({ bestMs }) => bestMs),
  worst: time('Wrst', ({ worstMs }) => worstMs),
  stddev: time('StDev', ({ stddevMs }) => stddevMs),
  p90: time('p90', ({ p90Ms }) => p90Ms),
  jitter: time('Jitter', ({ jitterMs }) => jitterMs),
} as const;
const COLUMNS: readonly TraceColumn[] = [LOSS, SENT, ...Object.values(TIMES)];

/** Columns for an address at least. */
const HOST_WIDTH = 15;

/** Each hop, and under it the other addresses that have answered there, and what came with the answers. */
export function traceLines(rows: readonly TraceRow[], flows: number, facts: FactsOf): TraceLine[] {
  return rows.flatMap((row) => {
    const { addresses, otherAddresses } = row;
    const several = addresses.length > 1;
    const hosts = addresses.flatMap((address, at) => {
      const name = hostText(address.address, facts(address.address));
      const met = several && flows > 1 ? ` [${flowsText(address.flows)}]` : '';
      const mark = `${unreachableMark(address, row)}${at === 0 ? changesOf(row) : ''}`;
      return [`${name}${mark}${met}`, ...detailsOf(address).map((text) => `  [${text}]`)];
    });
    if (hosts.length === 0) hosts.push('*');
    if (otherAddresses > 0) hosts.push(`and others, ${otherAddresses} answers`);
    return hosts.map((host, at) => ({ row, host, first: at === 0 }));
  });
}

/** Times in milliseconds. */
export function traceTable(rows: readonly TraceRow[], flows: number, facts: FactsOf): string[] {
  const lines = traceLines(rows, flows, facts);
  // What is no address may be longer than the column: it has no figures behind it.
  const width = Math.max(HOST_WIDTH, ...lines.filter(({ first }) => first).map(({ host }) => host.length));
  const line = (hop: string, host: string, cellOf: (column: TraceColumn) => string) => {
    const cells = COLUMNS.map((column) => ` ${cellOf(column).padStart(column.width)}`);
    return `${hop.padStart(3)} ${host.padEnd(width)}${cells.join('')}`.trimEnd();
  };
  return [
    line('Hop', 'Host', ({ title }) => title),
    ...lines.map(({ row, host, first }) =>
      line(first ? String(row.ttl) : '', host, (column) => (first ? column.cell(row) : '')),
    ),
  ];
}

/** `0.123`, `12.346`, `123.46`, `1234.6`: six characters at most, up to a quarter of an hour. */
export function timeText(milliseconds: number | null): string {
  if (milliseconds === null) return '';
  const whole = String(Math.trunc(Math.abs(milliseconds))).length;
  return milliseconds.toFixed(Math.max(0, Math.min(3, DIGITS - 1 - whole)));
}

function lossText({ sent, inFlight, lossPercent }: TraceRow): string {
  return sent === inFlight ? '' : `${lossPercent.toFixed(1)}%`;
}

function unreachableMark({ unreachable }: TraceAddress, { reached }: TraceRow): string {
  // That a port is closed is how a target answers.
  return unreachable === null || (reached && unreachable === '!p') ? '' : ` ${unreachable}`;
}

function changesOf({ nat, dscpChanged }: TraceRow): string {
  return `${nat ? ' [NAT]' : ''}${dscpChanged ? ' [DSCP]' : ''}`;
}

function detailsOf({ extensions }: TraceAddress): string[] {
  return extensions.map((extension) => extensionText(extension, false)).filter((text) => text !== undefined);
}
