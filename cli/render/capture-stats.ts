/** What is told of a capture's packets together: tables and a chart for people, records, and tables for programs. */
import {
  type CaptureStatisticsCollector,
  type Conversation,
  type EndpointCount,
  endText,
  type ProtocolCount,
  type RatePoint,
} from '../../capture/index.js';
import { formatTimestamp, roundMs } from '../../src/measure/clock.js';
import { recordHead } from './record.js';

export type StatisticsView = 'protocols' | 'conversations' | 'endpoints' | 'rate';

type Row = readonly (string | number)[];

const CONVERSATION_TITLES = [
  'PROTOCOL',
  'STREAM',
  'A',
  'B',
  'PACKETS A>B',
  'BYTES A>B',
  'PACKETS B>A',
  'BYTES B>A',
  'SECONDS',
  'STATE',
  'RETRANS',
  'REORDERED',
  'RTT MS',
] as const;

function conversationRow(one: Conversation): Row {
  const { protocol, stream, a, b, tcp } = one;
  const counts = [one.packetsFromA, one.bytesFromA, one.packetsFromB, one.bytesFromB];
  const rtt = tcp === undefined || tcp.handshakeMs === null ? '' : tcp.handshakeMs.toFixed(3);
  const more = tcp === undefined ? ['', '', '', ''] : [tcp.state, tcp.retransmissions, tcp.outOfOrder, rtt];
  return [protocol, stream, endText(a), endText(b), ...counts, (one.durationMs / 1000).toFixed(3), ...more];
}

const ENDPOINT_TITLES = ['ADDRESS', 'PACKETS SENT', 'BYTES SENT', 'PACKETS RECEIVED', 'BYTES RECEIVED'] as const;

const endpointRow = (one: EndpointCount): Row => [
  one.address,
  one.packetsSent,
  one.bytesSent,
  one.packetsReceived,
  one.bytesReceived,
];

const RATE_TITLES = ['SECONDS', 'PACKETS', 'BYTES', 'BITS/S'] as const;

const rateRow = ({ startMs, packets, bytes }: RatePoint, intervalMs: number): Row => [
  (startMs / 1000).toFixed(3),
  packets,
  bytes,
  Math.round((bytes * 8000) / intervalMs),
];

const PROTOCOL_TITLES = ['PROTOCOL', 'PACKETS', 'BYTES'] as const;

/** @param columns of the terminal */
export function renderStatistics(
  collector: CaptureStatisticsCollector,
  views: readonly StatisticsView[],
  top: number,
  columns = 80,
): string {
  const parts: string[] = [];
  if (views.includes('protocols')) parts.push(protocolTree(collector.protocols(), collector.totals.packets));
  if (views.includes('conversations')) {
    const all = collector.conversations();
    parts.push(shown('Conversations', CONVERSATION_TITLES, all.map(conversationRow), top));
  }
  if (views.includes('endpoints'))
    parts.push(shown('Endpoints', ENDPOINT_TITLES, collector.endpoints().map(endpointRow), top));
  if (views.includes('rate')) parts.push(chart(collector, columns));
  return `${parts.join('\n\n')}\n`;
}

function shown(title: string, titles: readonly string[], rows: readonly Row[], top: number): string {
  const more = rows.length > top ? `, the first ${top}` : '';
  return `${title}: ${rows.length}${more}\n${table(titles, rows.slice(0, top))}`;
}

function protocolTree(nodes: readonly ProtocolCount[], total: number): string {
  const rows = nodes.map(({ path, packets, bytes }) => [
    `${'  '.repeat(path.length - 1)}${path.at(-1)}`,
    packets,
    `${total === 0 ? '0.0' : ((100 * packets) / total).toFixed(1)} %`,
    bytes,
  ]);
  return `Protocols\n${table(['PROTOCOL', 'PACKETS', 'SHARE', 'BYTES'], rows)}`;
}

/** Text to the left, numbers to the right; columns in which nothing stands are left out. */
function table(titles: readonly string[], rows: readonly Row[]): string {
  const kept = titles.map((_, i) => rows.length === 0 || rows.some((row) => row[i] !== ''));
  const all = [titles as Row, ...rows].map((row) => row.filter((_, i) => kept[i]).map(String));
  const numeric = (all[0] ?? []).map((_, i) =>
    all.slice(1).every((row) => /^([0-9]+([.][0-9]+)?( %)?)?$/.test(row[i] ?? '')),
  );
  const widths = (all[0] ?? []).map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const BARS = '▏▎▍▌▋▊▉█';

function chart(collector: CaptureStatisticsCollector, columns: number): string {
  const { intervalMs, points } = collector.rate();
  const most = Math.max(1, ...points.map(({ bytes }) => bytes));
  const labels = points.map(({ startMs }) => `${(startMs / 1000).toFixed(intervalMs < 1000 ? 3 : 0)} s`);
  const values = points.map(({ bytes, packets }) => `${bits((bytes * 8000) / intervalMs)}, ${packets} packets`);
  const left = Math.max(...labels.map((text) => text.length), 0);
  const room = Math.max(10, Math.min(60, columns - left - 4 - Math.max(...values.map((text) => text.length), 0)));
  const lines = points.map(({ bytes }, i) => {
    const eighths = Math.round((bytes / most) * room * 8);
    const bar = '█'.repeat(eighths >> 3) + ((eighths & 7) === 0 ? '' : BARS[(eighths & 7) - 1]);
    return `${labels[i]?.padStart(left)}  ${bar.padEnd(room)}  ${values[i]}`;
  });
  return [`Rate, each ${intervalMs / 1000} s`, ...lines].join('\n');
}

function bits(perSecond: number): string {
  for (const [limit, unit] of [
    [1e9, 'Gbit/s'],
    [1e6, 'Mbit/s'],
    [1e3, 'kbit/s'],
  ] as const) {
    if (perSecond >= limit) return `${(perSecond / limit).toFixed(1)} ${unit}`;
  }
  return `${Math.round(perSecond)} bit/s`;
}

/** One view as a table for programs. */
export function statisticsTable(
  collector: CaptureStatisticsCollector,
  view: StatisticsView,
  top: number,
  format: 'csv' | 'tsv',
): string {
  const rows: Row[] = [];
  if (view === 'protocols') {
    rows.push(PROTOCOL_TITLES);
    for (const { path, packets, bytes } of collector.protocols()) rows.push([path.join('/'), packets, bytes]);
  } else if (view === 'conversations') {
    rows.push(CONVERSATION_TITLES, ...collector.conversations().slice(0, top).map(conversationRow));
  } else if (view === 'endpoints') {
    rows.push(ENDPOINT_TITLES, ...collector.endpoints().slice(0, top).map(endpointRow));
  } else {
    const { intervalMs, points } = collector.rate();
    rows.push(RATE_TITLES, ...points.map((point) => rateRow(point, intervalMs)));
  }
  const separator = format === 'csv' ? ',' : '\t';
  return `${rows.map((row) => row.join(separator)).join('\n')}\n`;
}

export function* statisticsRecords(
  collector: CaptureStatisticsCollector,
  views: readonly StatisticsView[],
  top: number,
): Generator<object> {
  if (views.includes('protocols')) {
    for (const one of collector.protocols()) yield { ...recordHead('stats.protocol'), ...one };
  }
  if (views.includes('conversations')) {
    for (const { start, durationMs, tcp, ...rest } of collector.conversations().slice(0, top)) {
      const times = { start: start === null ? null : formatTimestamp(start), durationMs: roundMs(durationMs) };
      const { handshakeMs, ...counts } = tcp ?? { handshakeMs: null };
      const about =
        tcp === undefined ? {} : { ...counts, handshakeMs: handshakeMs === null ? null : roundMs(handshakeMs) };
      yield { ...recordHead('stats.conversation'), ...rest, ...times, ...about };
    }
  }
  if (views.includes('endpoints')) {
    for (const one of collector.endpoints().slice(0, top)) yield { ...recordHead('stats.endpoint'), ...one };
  }
  if (views.includes('rate')) {
    const { intervalMs, points } = collector.rate();
    for (const point of points) {
      yield {
        ...recordHead('stats.rate'),
        ...point,
        intervalMs,
        bitsPerSecond: Math.round((point.bytes * 8000) / intervalMs),
      };
    }
  }
}
