/** The terminal of this process for a view of a running command, and the log that waits while the view has it. */
import { UsageError } from '../../src/errors.js';
import { describeEvent } from '../../src/log/describe.js';
import type { Logger } from '../../src/log/events.js';
import { monotonicMs } from '../../src/measure/clock.js';
import type { CommandContext } from '../context.js';
import { HeldLogger } from './held-logger.js';
import { readKeys } from './keys.js';
import type { LiveFrameOptions } from './live-frame.js';

export interface LiveTerminal {
  readonly frame: LiveFrameOptions;
  /** For whoever logs while the view is open. */
  readonly logger: Logger;
  /** Whether what goes to stderr would be written across the picture. */
  readonly shared: boolean;
}

/**
 * @param advice what to do where there is no terminal
 * @throws UsageError where there is none to draw on
 */
export function checkLiveTerminal(advice: string): void {
  if (process.stdout.isTTY !== true) throw new UsageError('--live: stdout is no terminal', advice);
  const { TERM } = process.env;
  if (TERM === undefined || TERM === '' || TERM === 'dumb') {
    throw new UsageError(`--live: a terminal of TERM=${TERM ?? ''} can't move its cursor`, advice);
  }
}

/** @param notice shows a line in the view */
export function liveTerminal(
  flags: { readonly logFile?: string },
  { output, color, logger }: CommandContext,
  notice: (text: string) => void,
): LiveTerminal {
  const shared = process.stderr.isTTY === true;
  const holds = shared && flags.logFile === undefined;
  const held = new HeldLogger(logger, (level, event) => {
    if (level === 'warn' || level === 'error' || event.event === 'interface') notice(describeEvent(event));
  });
  const frame: LiveFrameOptions = {
    terminal: process.stdout,
    output,
    style: { color, utf8: isUtf8(process.env) },
    keys: process.stdin.isTTY === true ? (onKey) => readKeys(process.stdin, onKey) : undefined,
    quit: () => process.kill(process.pid, 'SIGINT'),
    onTaken: () => (holds ? held.hold() : undefined),
    onFreed: () => held.release(),
    now: monotonicMs,
  };
  return { frame, logger: held, shared };
}

/** As locale(7) has it: the first of these that says something says what characters there are. */
function isUtf8(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale);
}
