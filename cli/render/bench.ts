/** Throughput records as NDJSON and as lines. */
import type { BenchFigures, BenchInterval, BenchProgress, BenchSummary } from '../../src/stream/bench.js';
import type { SummaryRecord } from '../context.js';
import { recordHead } from './record.js';
import { bitsPerSecond, byteCount, milliseconds } from './report.js';

export function benchJson(record: BenchInterval | BenchSummary): SummaryRecord {
  const { type, ...fields } = record;
  return { endReason: '', ...recordHead(`tcp.${type}`), ...fields };
}

/** A line for an interval, two for the end. */
export function benchText(record: BenchInterval | BenchSummary): string {
  if (record.type === 'interval') {
    const to = record.fromMs + record.durationMs;
    const when = `${seconds(record.fromMs)}-${seconds(to)} s`.padStart(14);
    return `${when}  ${figures(record)}${record.fromMs < 0 ? '  (warm-up)' : ''}`;
  }
  const { connections, cpuPercent, durationMs, requestedBitsPerSecond: requested, zeroCopy } = record;
  const ends = connections === 1 ? '1 connection' : `${connections} connections`;
  const wanted = requested === null ? '' : `, ${bitsPerSecond(requested)} requested`;
  const zero = zeroCopy === null ? '' : `, ${zeroCopy.copied} of ${zeroCopy.calls} writes copied all the same`;
  return `\n${seconds(durationMs)} s on ${ends}: ${figures(record)}, ${cpuPercent} % of a processor${wanted}${zero}`;
}

const BAR = 30;

/** The line that is written over while it runs. */
export function benchProgress({ elapsedMs, fraction, bitsPerSecond: bits }: BenchProgress): string {
  const done = Math.round(fraction * BAR);
  const bar = `[${'#'.repeat(done)}${' '.repeat(BAR - done)}]`;
  const when = elapsedMs < 0 ? `warm-up, ${seconds(-elapsedMs)} s left` : `${seconds(elapsedMs)} s`;
  return `${bar} ${`${Math.round(fraction * 100)}`.padStart(3)} %  ${bitsPerSecond(bits)}  ${when}`;
}

function figures({ bytesIn, bytesOut, bitsPerSecond: bits, retransmits, rttMs }: BenchFigures): string {
  const parts = [
    ...(bytesOut > 0 ? [`${byteCount(bytesOut)} out`] : []),
    ...(bytesIn > 0 ? [`${byteCount(bytesIn)} in`] : []),
    bitsPerSecond(bits),
    ...(retransmits === null ? [] : [`${retransmits} retransmits`]),
    ...(rttMs === null ? [] : [`rtt ${milliseconds(rttMs)} ms`]),
  ];
  return parts.join(', ');
}

function seconds(value: number): string {
  return (value / 1000).toFixed(2);
}
