/** Datagrams and their summaries, for people and as records. */
import type { ProbeReport } from '../../src/datagram/probe.js';
import type { ReceivedProbe, ReceiveSummary } from '../../src/datagram/receive.js';
import type { SendSummary } from '../../src/datagram/send.js';
import { formatTimestamp } from '../../src/measure/clock.js';
import { type Endpoint, endpointRecord, formatEndpoint } from '../../src/sockaddr/endpoint.js';
import type { ReceivedMessage } from '../../src/socket/port.js';
import type { CommandContext } from '../context.js';
import { printablePayload } from './printable.js';
import { recordHead } from './record.js';
import { byteCount, milliseconds } from './report.js';

/** A datagram on stdout: a record with --json, a line on a terminal, else the payload as it came. */
export function writeDatagram(
  { json, output }: CommandContext,
  message: ReceivedMessage,
  local: Endpoint | undefined,
  probe?: ReceivedProbe,
): void | Promise<void> {
  if (json) {
    return output.record({
      type: 'udp.datagram',
      time: formatTimestamp(message.timestamp),
      remote: message.from === undefined ? null : endpointRecord(message.from),
      local: local === undefined ? null : endpointRecord(local),
      length: message.length,
      truncated: message.truncated,
      hopLimit: message.hopLimit,
      timestamp: message.timestampSource,
      ...(probe === undefined ? {} : { sequence: probe.header.sequence, transitMs: probe.transitMs }),
      data: message.bytes,
    });
  }
  if (process.stdout.isTTY !== true) return output.write(Uint8Array.from(message.bytes));
  const from = message.from === undefined ? '?' : formatEndpoint(message.from);
  const cut = message.truncated ? ` (cut from ${message.length})` : '';
  return output.line(`${from} ${message.bytes.length} bytes${cut}: ${printablePayload(message.bytes)}`);
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
    ...(probes.length === 0 ? {} : { ...probeTotals(probes), foreign: summary.foreign, senders: probes }),
    endReason,
  });
  if (context.json) return;
  const dropped = droppedSocket === null ? '' : `, ${droppedSocket} dropped by the socket`;
  const rate = perSecond === null ? '' : ` (${Math.round(perSecond)}/s)`;
  notice(context, `${received} datagrams, ${byteCount(bytes)} in ${(durationMs / 1000).toFixed(3)} s${rate}${dropped}`);
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

export function probeLine(probe: ProbeReport): string {
  const { received, lost, late, duplicated, reordered, jitterMs, transitMs } = probe;
  const percent = received + lost === 0 ? 0 : (100 * lost) / (received + lost);
  return (
    `probe ${probe.stream}: ${received} received, ${lost} lost (${percent.toFixed(2)} %), ${duplicated} duplicated, ` +
    `${reordered} reordered, ${late} late, jitter ${jitterMs.toFixed(3)} ms, ` +
    `transit ${milliseconds(transitMs.min)}/${milliseconds(transitMs.mean)}/${milliseconds(transitMs.p99)} ms min/mean/p99`
  );
}

export function sendSummary(context: CommandContext, summary: SendSummary): void {
  const { sent, bytes, durationMs, requestedPerSecond, achievedPerSecond, errors, replies, stream, endReason } =
    summary;
  context.summary({
    ...recordHead('udp.summary'),
    sent,
    bytes,
    durationMs,
    datagramsPerSecond: { requested: requestedPerSecond, achieved: achievedPerSecond },
    errors,
    replies,
    ...(stream === undefined ? {} : { stream }),
    endReason,
  });
  if (context.json) return;
  const wanted = requestedPerSecond === null ? '' : ` of ${requestedPerSecond}/s asked for`;
  const rate = achievedPerSecond === null ? '' : ` (${Math.round(achievedPerSecond)}/s${wanted})`;
  const more = `${errors > 0 ? `, ${errors} errors came back` : ''}${replies > 0 ? `, ${replies} replies` : ''}`;
  notice(context, `${sent} datagrams, ${byteCount(bytes)} in ${(durationMs / 1000).toFixed(3)} s${rate}${more}`);
}

function notice(context: CommandContext, message: string): void {
  context.logger.log('info', { event: 'notice', message });
}
