/** The progress of reliable transfers: a bar on a terminal, records or lines with --interval. */
import type { TransferProgress } from '../../src/datagram/reliable/send.js';
import type { CommandContext } from '../context.js';
import { liveLine } from '../render/live-line.js';
import { progressLine, progressRecord } from '../render/transfer.js';

/** So often the bar is drawn anew, in milliseconds. */
const LIVE_MS = 250;

interface ProgressFlags {
  readonly interval?: number;
  readonly quiet?: boolean;
}

export function showProgress(flags: ProgressFlags, { json, output, logger }: CommandContext) {
  const asked = flags.interval !== undefined;
  const line = asked || json || flags.quiet === true ? undefined : liveLine();
  const onProgress = (progress: TransferProgress) => {
    if (line !== undefined) line.show(progressLine(progress));
    else if (json) void output.record(progressRecord(progress));
    else logger.log('info', { event: 'notice', message: progressLine(progress) });
  };
  return {
    progressMs: flags.interval ?? LIVE_MS,
    onProgress: asked || line !== undefined ? onProgress : undefined,
    /** Takes the bar away. */
    end: () => line?.clear(),
  };
}
