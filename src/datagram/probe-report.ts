/**
 * What a receiver tells the sender of a probe stream: the header with the flag REPORT, then, in network order,
 *
 *     40  received     64 bits    different datagrams that arrived
 *     48  lost         64 bits
 *     56  late         64 bits    as src/measure/loss.ts has them
 *     64  reordered    64 bits
 *     72  duplicated   64 bits
 *     80  bytes        64 bits    of the datagrams received
 *     88  extent       64 bits    the largest reordering extent (RFC 4737)
 *     96  mean extent, jitter, transit min, mean, max, standard deviation, p50, p90, p99, p99.9: each an IEEE 754
 *         double, the times in milliseconds; not-a-number for none
 */

import type { Timestamp } from '../measure/clock.js';
import type { DistributionMs } from '../measure/histogram.js';
import type { LossCounts, ReorderExtent } from '../measure/loss.js';
import type { Endpoint } from '../sockaddr/endpoint.js';
import { decodeProbeHeader, encodeProbeHeader, getUint53, ProbeFlag, setUint53 } from './probe-header.js';

export interface ProbeReport extends LossCounts {
  readonly stream: string;
  /** Where its first datagram came from; undefined in a report from the other end. */
  readonly sender: Endpoint | undefined;
  readonly bytes: number;
  /** Extents of RFC 4737 section 4.2.1. */
  readonly reorderExtent: ReorderExtent;
  /** Interarrival jitter of RFC 3550 section 6.4.1, in milliseconds. */
  readonly jitterMs: number;
  /** One-way time: true only as far as the clocks of both machines agree. */
  readonly transitMs: DistributionMs;
  /** Whether the sender has said that it is done. */
  readonly ended: boolean;
}

const COUNTS_AT = 40;
const NUMBERS_AT = COUNTS_AT + 7 * 8;
const TRANSIT = ['min', 'mean', 'max', 'stddev', 'p50', 'p90', 'p99', 'p999'] as const;
export const PROBE_REPORT_SIZE = NUMBERS_AT + (2 + TRANSIT.length) * 8;

/** The datagram that carries `report`. */
export function encodeProbeReport(report: ProbeReport, sequence: number, sent: Timestamp): Uint8Array {
  const bytes = new Uint8Array(PROBE_REPORT_SIZE);
  const { stream, reorderExtent, jitterMs, transitMs } = report;
  encodeProbeHeader(bytes, { stream, sequence, flags: ProbeFlag.report, sent });
  const view = new DataView(bytes.buffer);
  const { received, lost, late, reordered, duplicated } = report;
  const counts = [received, lost, late, reordered, duplicated, report.bytes, reorderExtent.max];
  for (const [i, count] of counts.entries()) setUint53(view, COUNTS_AT + 8 * i, count);
  const numbers = [reorderExtent.mean, jitterMs, ...TRANSIT.map((name) => transitMs[name])];
  for (const [i, number] of numbers.entries()) view.setFloat64(NUMBERS_AT + 8 * i, number ?? Number.NaN);
  return bytes;
}

/** The report in a datagram; undefined where there is none, or not a whole one. */
export function decodeProbeReport(bytes: Uint8Array): ProbeReport | undefined {
  const header = decodeProbeHeader(bytes);
  if (header === undefined || (header.flags & ProbeFlag.report) === 0 || bytes.length < PROBE_REPORT_SIZE) {
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const counts = Array.from({ length: 7 }, (_, i) => getUint53(view, COUNTS_AT + 8 * i));
  if (counts.includes(undefined)) return undefined;
  const [received = 0, lost = 0, late = 0, reordered = 0, duplicated = 0, carried = 0, extent = 0] = counts;
  const number = (i: number) => {
    const value = view.getFloat64(NUMBERS_AT + 8 * i);
    return Number.isFinite(value) ? value : null;
  };
  const transit = Object.fromEntries(TRANSIT.map((name, i) => [name, number(2 + i)]));
  return {
    stream: header.stream,
    sender: undefined,
    ...{ received, lost, late, reordered, duplicated },
    bytes: carried,
    reorderExtent: { max: extent, mean: number(0) },
    jitterMs: number(1) ?? 0,
    transitMs: transit as unknown as DistributionMs,
    ended: true,
  };
}
