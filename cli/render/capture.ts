/** Where packets go on the command line, and what is said at the end. */
import {
  type CaptureFormat,
  type CaptureSink,
  type CaptureSummary,
  createNdjsonSink,
  createTextSink,
  openFileSink,
} from '../../capture/index.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import { roundMs } from '../../src/measure/clock.js';
import { type CommandContext, giveNewFile } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { recordHead } from './record.js';

/** The flags that all commands with packets share. */
export interface PacketFlags {
  readonly write?: string;
  readonly format?: CaptureFormat;
  readonly hex?: boolean;
  readonly hexAscii?: boolean;
  readonly linkHeader?: boolean;
}

/**
 * The sinks that the flags ask for: a file with -w, else records or lines on stdout.
 *
 * @throws UsageError when the file and the records would both go to stdout
 */
export async function packetSinks(flags: PacketFlags, context: CommandContext): Promise<CaptureSink[]> {
  const { json, output } = context;
  if (flags.write !== undefined) {
    if (flags.write === '-' && json)
      throw new UsageError('-w - and --json: both would go to stdout', 'write to a file');
    giveNewFile(flags.write, context.account);
    return [await openFileSink(flags.write, flags.format === undefined ? {} : { format: flags.format })];
  }
  const write = (lines: string) => output.write(lines);
  if (json) return [createNdjsonSink(write)];
  const hex = flags.hexAscii === true ? 'ascii' : flags.hex === true ? 'hex' : undefined;
  return [createTextSink(write, { link: flags.linkHeader === true, hex })];
}

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
