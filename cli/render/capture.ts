/** What is said at the end of a capture. */
import type { CaptureStatistics, CaptureSummary } from '../../capture/reading.js';
import { ExitCode } from '../../src/errors.js';
import { roundMs } from '../../src/measure/clock.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { recordHead } from './record.js';

/**
 * The last word of a capture: a record with --json, a line in the log otherwise.
 *
 * @returns the exit code
 * @throws the error that ended the capture
 */
export function finishCapture(context: CommandContext, summary: CaptureSummary): ExitCode {
  const { captured, received, droppedKernel, droppedInterface, droppedApplication, bytes, endReason, error } = summary;
  const durationMs = roundMs(summary.durationMs);
  context.summary({
    ...recordHead('capture.summary'),
    captured,
    received,
    droppedKernel,
    droppedInterface,
    droppedApplication,
    bytes,
    durationMs,
    endReason,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  });
  if (!context.json) context.logger.log('info', { event: 'notice', message: summaryText(summary) });
  if (error !== undefined) throw error;
  return endReason === 'interrupted' ? interruptedExit(captured > 0) : ExitCode.ok;
}

/** The drops too, where they can have been any: a file has lost nothing on the way. */
function summaryText(summary: CaptureSummary): string {
  const { captured, received, bytes } = summary;
  const drops = [
    ['dropped by the kernel', summary.droppedKernel],
    ['dropped by the interface', summary.droppedInterface],
    ['dropped by sockctl', summary.droppedApplication],
  ] as const;
  const counted = drops.some(([, count]) => count !== null) || received !== null;
  const told = counted ? drops.map(([word, count]) => `, ${count ?? 'an unknown number'} ${word}`).join('') : '';
  return `${captured} ${captured === 1 ? 'packet' : 'packets'}, ${bytes} bytes${told}`;
}

/** Who drops packets, in the order of their way. */
export const DROPS = [
  ['droppedKernel', 'kernel'],
  ['droppedInterface', 'interface'],
  ['droppedApplication', 'sockctl'],
] as const satisfies readonly (readonly [keyof CaptureStatistics, string])[];

/** `1234 packets captured, 1300 received; dropped: kernel 66, interface ?, sockctl 0`: how a capture stands. */
export function standText(captured: number, statistics: CaptureStatistics): string {
  return `${captured} packets captured, ${statistics.received ?? '?'} received; dropped: ${dropped(statistics)}`;
}

/** `0 dropped`; who has dropped how many where it is not plainly none: `5 dropped (kernel 5, interface ?, sockctl 0)`. */
export function dropsText(statistics: CaptureStatistics): string {
  if (DROPS.every(([key]) => statistics[key] === 0)) return '0 dropped';
  const sum = DROPS.reduce((all, [key]) => all + (statistics[key] ?? 0), 0);
  return `${sum} dropped (${dropped(statistics)})`;
}

function dropped(statistics: CaptureStatistics): string {
  return DROPS.map(([key, word]) => `${word} ${statistics[key] ?? '?'}`).join(', ');
}
