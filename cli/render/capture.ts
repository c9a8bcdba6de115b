/** What is said at the end of a capture. */
import type { CaptureSummary } from '../../capture/reading.js';
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
  return `${captured} packets, ${bytes} bytes${told}`;
}
