/** What a ping has come to: of one host, of many in a line each, and of all. */
import type { HistogramBucket } from '../../src/measure/histogram.js';
import type { PathMtu, PingCounts, PingSummary, PingTotal } from '../../src/raw/ping/records.js';
import { histogramText } from './histogram.js';
import { counted, grouped, milliseconds, roundTripText } from './report.js';

/** One host: a heading, the counts, the round trips. */
export function summaryText(summary: PingSummary, verbose: boolean): string {
  const { target, address, socket, histogram, pathMtu, durationMs } = summary;
  const name = target === address ? target : `${target} (${address})`;
  const lines = ['', `--- ${name}, ${socket} socket ---`];
  lines.push(
    [...counts(summary), ...repliers(summary), ...(verbose ? foreign(summary) : []), time(durationMs)].join(', '),
  );
  lines.push(...roundTripText(summary), ...dropped(summary), ...chart(histogram));
  if (pathMtu !== undefined) lines.push(pathMtuText(pathMtu, summary));
  return lines.join('\n');
}

/** One host of several, as fping(8) has it: all in a line. */
export function summaryLine(summary: PingSummary): string {
  const { target, address, rttMs, pathMtu } = summary;
  const name = target === address ? target : `${target} (${address})`;
  const { min, mean, p90, max } = rttMs;
  const spread = [min, mean, p90, max].map(milliseconds).join('/');
  const rtt = mean === null ? [] : [`rtt min/mean/p90/max ${spread} ms`];
  const path = pathMtu === undefined ? [] : [pathMtuText(pathMtu, summary)];
  return `${name}: ${[...counts(summary), ...repliers(summary), ...rtt, ...path].join(', ')}`;
}

/** All hosts together. */
export function totalText(total: PingTotal, verbose: boolean): string {
  const { hosts, of, alive, durationMs, requestedRate, achievedRate, histogram } = total;
  const left = hosts === of ? '' : ` of ${grouped(BigInt(of))}`;
  const known = `${grouped(alive)} alive, ${grouped(hosts - alive)} without an answer`;
  const lines = ['', `--- ${grouped(hosts)}${left} hosts, ${known} ---`];
  const asked = requestedRate === null ? '' : ` of ${rate(requestedRate)} asked for`;
  const rates = achievedRate === null ? [] : [`${rate(achievedRate)}${asked}`];
  lines.push([...counts(total), ...(verbose ? foreign(total) : []), time(durationMs), ...rates].join(', '));
  const { min, mean, max, stddev, p50, p90, p99 } = total.rttMs;
  if (mean !== null) {
    const spread = [min, mean, max, stddev].map(milliseconds).join('/');
    lines.push(`rtt min/mean/max/stddev ${spread} ms, p50/p90/p99 ${[p50, p90, p99].map(milliseconds).join('/')} ms`);
  }
  lines.push(...dropped(total), ...chart(histogram));
  return lines.join('\n');
}

/** How it stands, in a line: the answer to a signal, and what is told now and then. */
export function standText({ rttMs, ...total }: PingCounts & Pick<PingTotal, 'rttMs'>): string {
  const { min, mean, p90, max } = rttMs;
  const rtt = mean === null ? [] : [`rtt min/mean/p90/max ${[min, mean, p90, max].map(milliseconds).join('/')} ms`];
  return [...counts(total), ...rtt].join(', ');
}

function counts(summary: PingCounts): string[] {
  const { transmitted, received, lossPercent, late, duplicates, corrupt, foreignAddress, errors, inFlight } = summary;
  const all = [`${grouped(transmitted)} transmitted`, `${grouped(received)} received`, `${lossPercent} % lost`];
  for (const [count, word] of [
    [late, 'late'],
    [duplicates, 'duplicates'],
    [corrupt, 'corrupt'],
    [foreignAddress, 'from another address'],
    [inFlight, 'still waiting'],
  ] as const) {
    if (count > 0) all.push(`${grouped(count)} ${word}`);
  }
  if (errors > 0) all.push(counted(errors, 'error'));
  return all;
}

function repliers({ repliers: hosts, replies }: PingSummary): string[] {
  return hosts === undefined ? [] : [`${counted(hosts, 'host')} with ${counted(replies ?? 0, 'reply', 'replies')}`];
}

function foreign({ foreign: count = 0 }: { readonly foreign?: number }): string[] {
  return count > 0 ? [`${grouped(count)} of somebody else`] : [];
}

/** Losses that may be none: whoever reads of lost probes has to know that this machine may have lost the answers. */
function dropped({ drops }: Pick<PingSummary, 'drops'>): string[] {
  const { socket, socketAtMost } = drops ?? { socket: 0, socketAtMost: 0 };
  const count = socket ?? socketAtMost ?? 0;
  if (count === 0) return [];
  const what = `${counted(count, 'message')} dropped here${socket === null ? ' at most' : ''}`;
  return [`${what}, answers perhaps: the receive buffer was full (slower: --rate; a larger one: --opt SO_RCVBUF=32M)`];
}

function time(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(3)} s`;
}

function rate(perSecond: number): string {
  return `${perSecond < 100 ? Number(perSecond.toFixed(2)) : grouped(Math.round(perSecond))}/s`;
}

function chart(histogram: readonly HistogramBucket[] | undefined): string[] {
  return histogram === undefined ? [] : histogramText(histogram);
}

function pathMtuText(found: PathMtu, { address }: PingSummary): string {
  const { mtu, tooBig, reporter, unreachable, complete } = found;
  if (unreachable || mtu === null) return 'path MTU not known: nothing is answered';
  if (!complete) {
    const most = tooBig === null ? '' : ` and less than ${grouped(tooBig)}`;
    return `path MTU not known yet: at least ${grouped(mtu)} bytes${most}`;
  }
  const headers = address.includes(':') ? 48 : 28;
  const limit = tooBig === null ? 'as much as the interface takes' : `${grouped(tooBig)} is too much`;
  const who = reporter === null ? '' : `, says ${reporter}`;
  return `path MTU ${grouped(mtu)} bytes, ${grouped(mtu - headers)} of payload; ${limit}${who}`;
}
