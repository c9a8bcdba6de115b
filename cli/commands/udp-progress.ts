/**
 * What `udp send` and `udp recv` tell while they go on: a live line on a terminal; with --interval records, or lines of
 * the log.
 */
import type { ReceiveInterval } from '../../src/datagram/receive.js';
import type { TransferProgress } from '../../src/datagram/reliable/send.js';
import type { SendInterval } from '../../src/datagram/send.js';
import type { CommandContext } from '../context.js';
import { intervalLine, intervalRecord } from '../render/datagram.js';
import { liveLine } from '../render/live-line.js';
import { progressLine, progressRecord } from '../render/transfer.js';

/** So often the live line is written anew, in milliseconds. */
const LIVE_MS = 250;

interface IntervalFlags {
  readonly interval?: number;
  readonly quiet?: boolean;
}

/** @param live whether there is a line to watch where no intervals are asked for */
export function showIntervals(flags: IntervalFlags, context: CommandContext, live: boolean) {
  const shown = show<SendInterval | ReceiveInterval>(flags, context, live, intervalLine, intervalRecord);
  return { intervalMs: flags.interval ?? LIVE_MS, onInterval: shown.show, end: shown.end };
}

/** The progress of reliable transfers, a bar. */
export function showProgress(flags: IntervalFlags, context: CommandContext) {
  const shown = show<TransferProgress>(flags, context, true, progressLine, progressRecord);
  return { progressMs: flags.interval ?? LIVE_MS, onProgress: shown.show, end: shown.end };
}

function show<Figures>(
  { interval, quiet }: IntervalFlags,
  { json, output, logger }: CommandContext,
  live: boolean,
  lineOf: (figures: Figures) => string,
  recordOf: (figures: Figures) => object,
) {
  const line = live && interval === undefined && !json && quiet !== true ? liveLine() : undefined;
  const tell = (figures: Figures) => {
    if (line !== undefined) line.show(lineOf(figures));
    else if (json) void output.record(recordOf(figures));
    else logger.log('info', { event: 'notice', message: lineOf(figures).trim() });
  };
  return {
    show: interval !== undefined || line !== undefined ? tell : undefined,
    /** Takes the live line away. */
    end: () => line?.clear(),
  };
}
