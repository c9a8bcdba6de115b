/** The intervals of `udp send` and `udp recv`: lines or records with --interval, a live line on a terminal. */
import type { ReceiveInterval } from '../../src/datagram/receive.js';
import type { SendInterval } from '../../src/datagram/send.js';
import type { CommandContext } from '../context.js';
import { intervalLine, intervalRecord } from '../render/datagram.js';
import { liveLine } from '../render/live-line.js';

/** So often the live line is written anew, in milliseconds. */
const LIVE_MS = 500;

interface IntervalFlags {
  readonly interval?: number;
  readonly quiet?: boolean;
}

/** @param live whether there is a line to watch where no intervals are asked for */
export function showIntervals(flags: IntervalFlags, { json, output, logger }: CommandContext, live: boolean) {
  const line = live && flags.interval === undefined && !json && flags.quiet !== true ? liveLine() : undefined;
  const asked = flags.interval !== undefined;
  const onInterval = (interval: SendInterval | ReceiveInterval) => {
    if (line !== undefined) line.show(intervalLine(interval));
    else if (json) void output.record(intervalRecord(interval));
    else logger.log('info', { event: 'notice', message: intervalLine(interval).trim() });
  };
  return {
    intervalMs: flags.interval ?? LIVE_MS,
    onInterval: asked || line !== undefined ? onInterval : undefined,
    /** Takes the live line away. */
    end: () => line?.clear(),
  };
}
