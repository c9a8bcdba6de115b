/** Datagrams and their summaries, for people and as records. */
import type { ReceivedProbe } from '../../src/datagram/probe.js';
import type { ProbeReport } from '../../src/datagram/probe-report.js';
import type { TwoWayCounts } from '../../src/datagram/probe-sender.js';
import type { ReceiveInterval, ReceiveSummary } from '../../src/datagram/receive.js';
import type { SendInterval, SendSummary } from '../../src/datagram/send.js';
import { formatTimestamp } from '../../src/measure/clock.js';
import type { LossCounts } from '../../src/measure/loss.js';
import { type Endpoint, endpointRecord, formatEndpoint } from '../../src/sockaddr/endpoint.js';
import { interfaceName } from '../../src/sockaddr/interfaces.js';
import type { MessageFailure, ReceivedMessage } from '../../src/socket/port.js';
import type { CommandContext } from '../context.js';
import { printablePayload } from './printable.js';
import { recordHead } from './record.js';
import { bitsPerSecond, byteCount, counted, milliseconds } from './report.js';

/** A datagram on stdout: a record with --json, a line on a terminal, else the payload as it came. */
export function writeDatagram(
  { json, output }: CommandContext,
  message: ReceivedMessage,
  local: Endpoint | undefined,
  probe?: ReceivedProbe,
): void | Promise<void> {
  const { from, destination, interfaceIndex, hopLimit } = message;
  if (json) {
    return output.record({
      type: 'udp.datagram',
      time: formatTimestamp(message.timestamp),
      remote: from === undefined ? null : endpointRecord(from),
      local: local === undefined ? null : endpointRecord(local),
      destination: destination === null ? null : destination.toString(),
      interface: interfaceIndex === null ? null : interfaceLabel(interfaceIndex),
      length: message.length,
      truncated: message.truncated,
      hopLimit,
      trafficClass: message.trafficClass,
      timestamp: message.timestampSource,
      ...(probe === undefined ? {} : { sequence: probe.sequence, transitMs: probe.transitMs }),
      data: message.bytes,
    });
  }
  if (process.stdout.isTTY !== true) return output.write(Uint8Array.from(message.bytes));
  const to = destination === null ? '' : ` > ${destination}`;
  const where = interfaceIndex === null ? '' : ` on ${interfaceLabel(interfaceIndex)}`;
  const hops = hopLimit === null ? '' : `, ttl ${hopLimit}`;
  const cut = message.truncated ? ` (cut from ${message.length})` : '';
  const head = `${from === undefined ? '?' : formatEndpoint(from)}${to}${where}${hops}`;
  return output.line(`${head}, ${message.bytes.length} bytes${cut}: ${printablePayload(message.bytes)}`);
}

/**
 * Errors that came back for datagrams, as records; for people they are in the log. They come as fast as datagrams leave:
 * while stdout is behind they are only counted, in the summary.
 */
export function failureWriter(context: CommandContext, target: Endpoint): (failure: MessageFailure) => void {
  let behind = false;
  return (failure) => {
    if (!context.json || behind) return;
    const wait = writeFailure(context, target, failure);
    if (wait === undefined) return;
    behind = true;
    void wait.finally(() => {
      behind = false;
    });
  };
}

function writeFailure({ output }: CommandContext, target: Endpoint, failure: MessageFailure): void | Promise<void> {
  const { error, reporter, icmpType = null, icmpCode = null, mtu = null } = failure;
  return output.record({
    ...recordHead('udp.error'),
    remote: endpointRecord(target),
    code: error.code,
    reporter: reporter?.toString() ?? null,
    icmpType,
    icmpCode,
    mtu,
    message: error.message,
  });
}

export function receiveSummary(context: CommandContext, summary: ReceiveSummary): void {
  const { received, bytes, durationMs, droppedSocket, probes, endReason } = summary;
  const perSecond = durationMs > 0 && received > 1 ? ((received - 1) / durationMs) * 1000 : null;
  context.summary({
    ...recordHead('udp.summary'),
    received,
    bytes,
    durationMs,
    datagramsPerSecond: perSecond,
    droppedSocket,
    ...(probes.length === 0
      ? {}
      : { ...probeTotals(probes), foreign: summary.foreign, senders: probes.map(probeJson) }),
    endReason,
  });
  if (context.json) return;
  const dropped = droppedSocket === null ? '' : `, ${droppedSocket} dropped by the socket`;
  const rate = perSecond === null ? '' : ` (${Math.round(perSecond)}/s)`;
  notice(
    context,
    `${counted(received, 'datagram')}, ${byteCount(bytes)} in ${(durationMs / 1000).toFixed(3)} s${rate}${dropped}`,
  );
  for (const probe of probes) notice(context, probeLine(probe));
}

/** Sums over all senders; the jitter is that of the worst. */
function probeTotals(probes: readonly ProbeReport[]) {
  const total = { lost: 0, late: 0, duplicated: 0, reordered: 0, jitterMs: 0 };
  for (const probe of probes) {
    total.lost += probe.lost;
    total.late += probe.late;
    total.duplicated += probe.duplicated;
    total.reordered += probe.reordered;
    total.jitterMs = Math.max(total.jitterMs, probe.jitterMs);
  }
  return total;
}

function probeJson({ sender, ...report }: ProbeReport) {
  return { ...report, sender: sender === undefined ? null : endpointRecord(sender) };
}

export function probeLine(probe: ProbeReport): string {
  const { sender, lost, received, jitterMs, transitMs, reorderExtent } = probe;
  const who = sender === undefined ? '' : ` from ${formatEndpoint(sender)}`;
  const percent = received + lost === 0 ? 0 : (100 * lost) / (received + lost);
  const extent = reorderExtent.mean === null ? '' : ` by up to ${reorderExtent.max}`;
  const transit = [transitMs.min, transitMs.mean, transitMs.p99].map(milliseconds).join('/');
  return (
    `probe ${probe.stream}${who}: ${received} received, ${lost} lost (${percent.toFixed(2)} %), ` +
    `${probe.duplicated} duplicated, ${probe.reordered} reordered${extent}, ${probe.late} late, ` +
    `jitter ${jitterMs.toFixed(3)} ms, transit ${transit} ms min/mean/p99 (as far as both clocks agree)`
  );
}

export function sendSummary(context: CommandContext, summary: SendSummary): void {
  const { sent, bytes, durationMs, requestedPerSecond, achievedPerSecond, errors, replies, stream, endReason } =
    summary;
  const { schedulingErrorMs, pathMtu, report, twoWay } = summary;
  context.summary({
    ...recordHead('udp.summary'),
    sent,
    bytes,
    durationMs,
    datagramsPerSecond: { requested: requestedPerSecond, achieved: achievedPerSecond },
    ...(schedulingErrorMs === undefined ? {} : { schedulingErrorMs }),
    errors,
    replies,
    pathMtu,
    ...(stream === undefined ? {} : { stream, report: report === undefined ? null : probeJson(report) }),
    ...(twoWay === undefined ? {} : { twoWay }),
    endReason,
  });
  if (context.json) return;
  const wanted = requestedPerSecond === null ? '' : ` of ${requestedPerSecond}/s asked for`;
  const error = schedulingErrorMs?.p99 ?? null;
  const late = error === null || sent < 2 ? '' : `, 99 % within ${milliseconds(error)} ms of their time`;
  const rate = achievedPerSecond === null ? '' : ` (${Math.round(achievedPerSecond)}/s${wanted}${late})`;
  const more = `${errors > 0 ? `, ${counted(errors, 'error')} came back` : ''}${replies > 0 ? `, ${counted(replies, 'reply', 'replies')}` : ''}`;
  notice(
    context,
    `${counted(sent, 'datagram')}, ${byteCount(bytes)} in ${(durationMs / 1000).toFixed(3)} s${rate}${more}`,
  );
  if (stream !== undefined && sent > 0 && summary.error === undefined) {
    notice(context, report === undefined ? 'no report came back from the receiver' : `receiver: ${probeLine(report)}`);
  }
  if (twoWay !== undefined) notice(context, twoWayLine(twoWay));
}

function twoWayLine({ received, lost, duplicated, reordered, droppedSocket, rttMs }: TwoWayCounts): string {
  const times = [rttMs.min, rttMs.mean, rttMs.max, rttMs.p99].map(milliseconds).join('/');
  const here = droppedSocket === null || droppedSocket === 0 ? '' : ` (${droppedSocket} dropped by the own socket)`;
  const counts = `${received} came back, ${lost} did not${here}, ${duplicated} duplicated, ${reordered} reordered`;
  return `both ways: ${counts}, round trip ${times} ms min/mean/max/p99`;
}

export function intervalRecord(interval: SendInterval | ReceiveInterval): object {
  const head = recordHead('udp.interval');
  if ('sent' in interval) return { ...head, ...interval, ...rates(interval.sent, interval) };
  const { probes, ...figures } = interval;
  return { ...head, ...figures, ...rates(interval.received, interval), ...lossOnly(probes) };
}

/** `   0.00-1.00 s  10000 datagrams, 624 KiB, 10000/s, 5.12 Mbit/s`, and of probes what became of them. */
export function intervalLine(interval: SendInterval | ReceiveInterval): string {
  const to = interval.fromMs + interval.durationMs;
  const when = `${(interval.fromMs / 1000).toFixed(2)}-${(to / 1000).toFixed(2)} s`.padStart(14);
  return `${when}  ${figures(interval)}`;
}

function figures(interval: SendInterval | ReceiveInterval): string {
  const datagrams = 'sent' in interval ? interval.sent : interval.received;
  const { datagramsPerSecond, bitsPerSecond: bits } = rates(datagrams, interval);
  const probes = 'probes' in interval ? interval.probes : undefined;
  const loss =
    probes === undefined
      ? ''
      : `, ${probes.lost} lost, ${probes.duplicated} duplicated, ${probes.reordered} reordered, ${probes.late} late`;
  return `${datagrams} datagrams, ${byteCount(interval.bytes)}, ${Math.round(datagramsPerSecond)}/s, ${bitsPerSecond(bits)}${loss}`;
}

function rates(datagrams: number, { durationMs, bytes }: { readonly durationMs: number; readonly bytes: number }) {
  return { datagramsPerSecond: (datagrams / durationMs) * 1000, bitsPerSecond: (bytes * 8000) / durationMs };
}

function lossOnly(counts: LossCounts | undefined): object {
  if (counts === undefined) return {};
  const { lost, late, reordered, duplicated } = counts;
  return { lost, late, reordered, duplicated };
}

const labels = new Map<number, string>();

/** The name of an interface, or its number where it is gone; asked for once, since datagrams come by the thousand. */
function interfaceLabel(index: number): string {
  let label = labels.get(index);
  if (label === undefined) {
    label = interfaceName(index) ?? String(index);
    labels.set(index, label);
  }
  return label;
}

function notice(context: CommandContext, message: string): void {
  context.logger.log('info', { event: 'notice', message });
}
