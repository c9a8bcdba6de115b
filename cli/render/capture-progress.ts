/**
 * How a running capture stands, told beside its packets: with --interval a line of the log or a record each time, a live
 * line while nothing else is to be seen, and an answer to SIGUSR1.
 */
import { type CaptureSink, type CaptureStatistics, createCountSink } from '../../capture/reading.js';
import { monotonicMs, roundMs } from '../../src/measure/clock.js';
import type { CommandContext } from '../context.js';
import { dropsText, standText } from './capture.js';
import { liveLine } from './live-line.js';
import { recordHead } from './record.js';
import { bitsPerSecond, byteCount, grouped } from './report.js';
import { onStatistics } from './statistics-signal.js';

/** So often the live line is looked at, in milliseconds. */
const LIVE_MS = 1000;

export interface ProgressFlags {
  readonly print?: boolean;
  readonly interval?: number;
  readonly write?: string;
  readonly quiet?: boolean;
}

/** What {@link createProgressSink} may be told. */
export interface ProgressOptions {
  /** Where the answer to SIGUSR1 goes for people; default stderr. */
  readonly answer?: ((text: string) => void) | undefined;
  /** Whether there may be a live line. */
  readonly live?: boolean | undefined;
}

/** A sink that keeps nothing: it is to be opened and closed with the others. */
export function createProgressSink(
  flags: ProgressFlags,
  context: CommandContext,
  { answer = (text) => process.stderr.write(`sockctl: ${text}\n`), live = true }: ProgressOptions = {},
): CaptureSink {
  const { json, output, logger } = context;
  const counter = createCountSink();
  const toFile = flags.write !== undefined && flags.write !== '-';
  const line =
    live && toFile && flags.print !== true && !json && flags.quiet !== true && flags.interval === undefined
      ? liveLine()
      : undefined;
  let statistics: (() => CaptureStatistics) | undefined;
  let startMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let unlisten: (() => void) | undefined;
  let shown = '';
  /** Where the interval has begun. */
  let [fromMs, packetsBefore, bytesBefore] = [0, 0, 0];

  const showLine = (now: CaptureStatistics): void => {
    const text = `${grouped(counter.packets)} packets, ${byteCount(counter.bytes)}, ${dropsText(now)}`;
    if (text !== shown) line?.show(text);
    shown = text;
  };

  const tellInterval = (elapsedMs: number, now: CaptureStatistics): void => {
    const durationMs = elapsedMs - fromMs;
    const packets = counter.packets - packetsBefore;
    const bytes = counter.bytes - bytesBefore;
    const rates = {
      packetsPerSecond: Number(((packets * 1000) / durationMs).toFixed(3)),
      bitsPerSecond: Math.round((bytes * 8000) / durationMs),
    };
    if (json) {
      const head = { ...recordHead('capture.interval'), fromMs: roundMs(fromMs), durationMs: roundMs(durationMs) };
      void output.record({ ...head, packets, bytes, ...rates, ...counters(now) });
    } else {
      const when = `${(fromMs / 1000).toFixed(2)}-${(elapsedMs / 1000).toFixed(2)} s`;
      const figures = `${grouped(packets)} packets, ${byteCount(bytes)}, ${grouped(Math.round(rates.packetsPerSecond))}/s`;
      const message = `${when}  ${figures}, ${bitsPerSecond(rates.bitsPerSecond)}, ${dropsText(now)}`;
      logger.log('info', { event: 'notice', message });
    }
    [fromMs, packetsBefore, bytesBefore] = [elapsedMs, counter.packets, counter.bytes];
  };

  /** Packets that every sink took, as the summary will have it. */
  const taken = ({ received, droppedKernel, droppedApplication }: CaptureStatistics): number => {
    if (received === null) return counter.packets;
    return Math.min(counter.packets, received - (droppedKernel ?? 0) - (droppedApplication ?? 0));
  };

  /** On an absolute schedule; what could not be told in time is not told twice. */
  const schedule = (
    intervalMs: number,
    tell: (elapsedMs: number, now: CaptureStatistics) => void,
    earlier = 0,
  ): void => {
    const elapsed = monotonicMs() - startMs;
    // Timers may wake up a little early: then the next one is not the same again.
    const turn = Math.max(earlier, Math.floor(elapsed / intervalMs)) + 1;
    timer = setTimeout(
      () => {
        if (statistics !== undefined) tell(monotonicMs() - startMs, statistics());
        schedule(intervalMs, tell, turn);
      },
      turn * intervalMs - elapsed,
    );
  };

  const answerSignal = (): void => {
    if (statistics === undefined) return;
    const now = statistics();
    line?.clear();
    answer(standText(taken(now), now));
    shown = '';
    if (!json) return;
    const durationMs = roundMs(monotonicMs() - startMs);
    const { bytes } = counter;
    void output.record({
      ...recordHead('capture.statistics'),
      captured: taken(now),
      ...counters(now),
      bytes,
      durationMs,
    });
  };

  return {
    watches: true,
    write: (batch) => counter.write(batch),
    writeFrames: (batch) => counter.writeFrames?.(batch),
    open: (_, counters) => {
      statistics = counters;
      startMs = monotonicMs();
      unlisten = onStatistics(answerSignal);
      if (flags.interval !== undefined) schedule(flags.interval, tellInterval);
      else if (line !== undefined && counters !== undefined) {
        showLine(counters());
        schedule(LIVE_MS, (_elapsed, now) => showLine(now));
      }
    },
    close: (now) => {
      clearTimeout(timer);
      unlisten?.();
      line?.clear();
      // What is left of an interval, so that all of them together are all packets.
      if (flags.interval !== undefined && counter.packets > packetsBefore) tellInterval(monotonicMs() - startMs, now);
    },
  };
}

/** As records have them. */
function counters({ received, droppedKernel, droppedInterface, droppedApplication }: CaptureStatistics) {
  return { received, droppedKernel, droppedInterface, droppedApplication };
}
