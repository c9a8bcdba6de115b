/** The summary of a stream command: a record with --json, otherwise a line in the log. */
import { formatTcpInfo, type TcpInfo } from '../../src/options/tcp-info.js';
import type { CommandContext } from '../context.js';
import { recordHead } from './record.js';
import { bitsPerSecond, byteCount } from './report.js';

export interface StreamTotals {
  readonly connections: number;
  readonly refused: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly endReason: 'eof' | 'interrupted' | 'error' | 'timeout';
}

export function streamSummary(context: CommandContext, totals: StreamTotals): void {
  const bits = totals.durationMs > 0 ? ((totals.bytesIn + totals.bytesOut) * 8000) / totals.durationMs : 0;
  context.summary({ ...recordHead('tcp.summary'), ...totals, bitsPerSecond: bits });
  if (context.json) return;
  const { connections, bytesIn, bytesOut, durationMs } = totals;
  const rate = `${byteCount(bytesIn)} in, ${byteCount(bytesOut)} out in ${(durationMs / 1000).toFixed(3)} s (${bitsPerSecond(bits)})`;
  context.logger.log('info', {
    event: 'notice',
    message: `${connections} ${connections === 1 ? 'connection' : 'connections'}, ${rate}`,
  });
}

export interface StreamInterval {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  /** With --info. */
  readonly info: TcpInfo | undefined;
}

/** What has moved since the last of these. */
export function streamInterval(context: CommandContext, { info, ...moved }: StreamInterval): void {
  const bits = moved.durationMs > 0 ? ((moved.bytesIn + moved.bytesOut) * 8000) / moved.durationMs : 0;
  if (context.json) {
    const told = info === undefined ? {} : { info };
    void context.output.record({ ...recordHead('tcp.interval'), ...moved, bitsPerSecond: bits, ...told });
    return;
  }
  const kernel = info === undefined ? '' : `, ${formatTcpInfo(info)}`;
  const message = `${byteCount(moved.bytesIn)} in, ${byteCount(moved.bytesOut)} out, ${bitsPerSecond(bits)}${kernel}`;
  context.logger.log('info', { event: 'notice', message });
}

/** The kernel's view of a connection, at its end. */
export function connectionInfo(context: CommandContext, info: TcpInfo | undefined): void {
  if (info === undefined) {
    context.logger.log('warn', { event: 'notice', message: 'the kernel tells nothing of this connection' });
  } else if (context.json) void context.output.record({ ...recordHead('tcp.info'), ...info });
  else context.logger.log('info', { event: 'notice', message: formatTcpInfo(info) });
}
