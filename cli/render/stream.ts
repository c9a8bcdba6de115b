/** The summary of a stream command: a record with --json, otherwise a line in the log. */
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
