/** Reliable transfers: progress while they go on, and what became of them. */
import type { ReceivedTransfer, ReceiveReliableSummary } from '../../src/datagram/reliable/receive.js';
import type { SendReliableSummary, TransferProgress } from '../../src/datagram/reliable/send.js';
import { endpointRecord, formatEndpoint } from '../../src/sockaddr/endpoint.js';
import type { CommandContext } from '../context.js';
import { printablePayload } from './printable.js';
import { recordHead } from './record.js';
import { bitsPerSecond, byteCount, clock, milliseconds } from './report.js';

const BAR = 24;
/** Seconds that are said to be left at most. */
const LEFT_MAX = 360_000;

/** `file [#####     ]  45 %  120.00 MiB  1.20 Gbit/s  0:12 left`. */
export function progressLine({ name, bytes, total, bitsPerSecond: bits }: TransferProgress): string {
  const figures = `${byteCount(bytes)}  ${bitsPerSecond(bits)}`;
  if (total === null) return `${printable(name)}  ${figures}`;
  const fraction = total === 0 ? 1 : bytes / total;
  const done = Math.round(fraction * BAR);
  const bar = `[${'#'.repeat(done)}${' '.repeat(BAR - done)}]`;
  const left = bits > 0 ? `  ${clock(Math.ceil(Math.min(((total - bytes) * 8) / bits, LEFT_MAX)))} left` : '';
  return `${printable(name)} ${bar} ${`${Math.floor(fraction * 100)}`.padStart(3)} %  ${figures}${left}`;
}

export function progressRecord(progress: TransferProgress): object {
  return { ...recordHead('udp.interval'), ...progress };
}

export function sendReliableSummary(context: CommandContext, summary: SendReliableSummary): void {
  const { error, endReason, ...figures } = summary;
  const { name, bytes, resumedFrom, durationMs, sent, retransmitted, rttMs, packetSize, sha256 } = summary;
  const rate = ((bytes - resumedFrom) * 8000) / durationMs;
  context.summary({ ...recordHead('udp.summary'), ...figures, bitsPerSecond: rate, endReason });
  if (context.json) return;
  const resumed = resumedFrom > 0 ? `, ${byteCount(resumedFrom)} of them were there already` : '';
  const end = sha256 === null ? ', not complete' : `, SHA-256 ${sha256}`;
  notice(
    context,
    `${printable(name)}: ${byteCount(bytes)}${resumed}, in ${(durationMs / 1000).toFixed(3)} s (${bitsPerSecond(rate)}), ` +
      `${retransmitted} of ${sent} datagrams again, of up to ${packetSize} B, rtt ${milliseconds(rttMs)} ms${end}`,
  );
}

/** One transfer of `udp recv --reliable`, when it is over. */
export function showTransfer(context: CommandContext, transfer: ReceivedTransfer): void {
  const { name, remote, bytes, resumedFrom, durationMs, received, duplicates, sha256, error } = transfer;
  const rate = ((bytes - resumedFrom) * 8000) / durationMs;
  if (context.json) {
    void context.output.record({
      ...recordHead('udp.transfer'),
      name,
      remote: endpointRecord(remote),
      bytes,
      resumedFrom,
      durationMs,
      bitsPerSecond: rate,
      received,
      duplicates,
      sha256,
      error: error === undefined ? null : error.message,
    });
    return;
  }
  const resumed = resumedFrom > 0 ? `, ${byteCount(resumedFrom)} of them were there already` : '';
  const end = sha256 === null ? `, not complete: ${error?.message ?? 'interrupted'}` : `, SHA-256 ${sha256}`;
  notice(
    context,
    `${printable(name)} from ${formatEndpoint(remote)}: ${byteCount(bytes)}${resumed}, in ${(durationMs / 1000).toFixed(3)} s ` +
      `(${bitsPerSecond(rate)})${end}`,
  );
}

export function receiveReliableSummary(
  context: CommandContext,
  summary: ReceiveReliableSummary,
  last: ReceivedTransfer | undefined,
): void {
  const { completed, failed, bytes, durationMs, endReason } = summary;
  context.summary({
    ...recordHead('udp.summary'),
    completed,
    failed,
    bytes,
    durationMs,
    sha256: completed + failed === 1 ? (last?.sha256 ?? null) : null,
    endReason,
  });
  if (context.json || completed + failed === 1) return;
  notice(context, `${completed} transfers complete, ${failed} failed, ${byteCount(bytes)}`);
}

/** A name from the network, fit for a terminal. */
function printable(name: string): string {
  return printablePayload(Buffer.from(name));
}

function notice(context: CommandContext, message: string): void {
  context.logger.log('info', { event: 'notice', message });
}
