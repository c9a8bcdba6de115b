/**
 * How a ping stands, told beside its answers: on SIGUSR1 and, as ping(8) does, on SIGQUIT; with --progress now and then;
 * and as a live line while a sweep prints nothing else on the terminal.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTimestamp, monotonicMs } from '../../src/measure/clock.js';
import type { PingStanding } from '../../src/raw/ping/records.js';
import type { CommandContext } from '../context.js';
import { liveLine } from './live-line.js';
import { standText } from './ping-summary.js';
import { grouped } from './report.js';
import { onStatistics } from './statistics-signal.js';

/** So often the live line is looked at, in milliseconds. */
const LIVE_MS = 250;

export interface ProgressFlags {
  readonly progress?: number;
  readonly quiet?: boolean;
}

export interface WatchOptions {
  /** Whether there is a live line. */
  readonly live: boolean;
  /** Where the answer to a signal goes for people where a view has the terminal; default stderr. */
  readonly answer?: ((text: string) => void) | undefined;
}

export interface PingWatch {
  begin(standing: () => PingStanding): void;
  /** Takes the live line away, before anything else is printed. */
  clear(): void;
  end(): void;
}

/** @param of how many hosts there are */
export function watchPing(
  of: bigint,
  { progress, quiet }: ProgressFlags,
  { json, output, logger }: CommandContext,
  { live, answer }: WatchOptions,
): PingWatch {
  const line = live && progress === undefined && !json && quiet !== true ? liveLine() : undefined;
  const ended = new AbortController();
  let unlisten: (() => void) | undefined;
  const text = (now: PingStanding): string => {
    const hosts = of === 1n ? '' : `${grouped(now.hosts)} of ${grouped(of)} hosts, ${grouped(now.alive)} alive; `;
    return hosts + standText(now);
  };
  const record = (now: PingStanding) => {
    void output.record({ type: 'ping.statistics', ...now, time: formatTimestamp(now.time) });
  };
  const tell = (now: PingStanding): void => {
    if (json) record(now);
    else logger.log('info', { event: 'notice', message: text(now) });
  };
  return {
    begin: (standing) => {
      const onSignal = () => {
        const now = standing();
        line?.clear();
        if (answer === undefined) process.stderr.write(`sockctl: ${text(now)}\n`);
        else answer(text(now));
        if (json) record(now);
      };
      // A view has the terminal, where Ctrl-\ ends a program as it always does.
      unlisten = onStatistics(onSignal, answer === undefined ? ['SIGQUIT'] : []);
      if (progress !== undefined) void repeat(progress, ended.signal, () => tell(standing()));
      else if (line !== undefined) void repeat(LIVE_MS, ended.signal, () => line.show(text(standing())));
    },
    clear: () => line?.clear(),
    end: () => {
      ended.abort();
      unlisten?.();
      line?.clear();
    },
  };
}

/** On a schedule that does not drift; times that went by, as while the machine slept, are left out. */
async function repeat(intervalMs: number, signal: AbortSignal, step: () => void): Promise<void> {
  for (let due = monotonicMs() + intervalMs; ; due += intervalMs) {
    const late = monotonicMs() - due;
    if (late > intervalMs) due += Math.floor(late / intervalMs) * intervalMs;
    try {
      await sleep(Math.max(0, due - monotonicMs()), undefined, { signal, ref: false });
    } catch {
      return;
    }
    step();
  }
}
