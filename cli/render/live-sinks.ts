/** What a live capture's flags ask to be shown, or written, or both. */
import type { CaptureSink } from '../../capture/index.js';
import { UsageError } from '../../src/errors.js';
import { describeEvent } from '../../src/log/describe.js';
import type { Logger } from '../../src/log/events.js';
import { monotonicMs } from '../../src/measure/clock.js';
import type { CommandContext } from '../context.js';
import { createProgressSink, type ProgressFlags } from './capture-progress.js';
import { HeldLogger } from './held-logger.js';
import { readKeys } from './keys.js';
import { LiveView } from './live-view.js';
import { checkPacketFlags, type PacketFlags, packetSinks, refuseFileFlags } from './packet-sinks.js';
import { printableText } from './printable.js';

export interface LiveSinkFlags extends PacketFlags, ProgressFlags {
  readonly live?: boolean;
  readonly countOnly?: boolean;
  readonly logFile?: string;
}

export interface LiveSinks {
  /** For whoever logs while the sinks are open: a view has the terminal then. */
  readonly logger: Logger;
  /** Those of the packets, and those that tell how the capture stands. Opens what is to be opened, files among them. */
  sinks(): Promise<CaptureSink[]>;
}

/**
 * @param device where packets come from
 * @throws UsageError for flags that contradict each other, and for a view where there is no terminal
 */
export function liveSinks(flags: LiveSinkFlags, context: CommandContext, device: string, filter: string): LiveSinks {
  checkPacketFlags(flags, context);
  if (flags.live !== true) {
    const packets = flags.countOnly !== true || flags.write !== undefined;
    const sinks = async () => [
      ...(packets ? await packetSinks(flags, context, { filter }) : []),
      createProgressSink(flags, context),
    ];
    return { logger: context.logger, sinks };
  }
  refuse(flags, context);
  const { output, color, logger } = context;
  // What goes to the terminal would be written across the picture.
  const shared = process.stderr.isTTY === true;
  const holds = shared && flags.logFile === undefined;
  const held = new HeldLogger(logger, (level, event) => {
    if (level === 'warn' || level === 'error' || event.event === 'interface') view.notice(describeEvent(event));
  });
  const view: LiveView = new LiveView({
    title: printableText(filter === '' ? device : `${device}   ${filter}`),
    terminal: process.stdout,
    output,
    style: { color, utf8: isUtf8(process.env) },
    keys: process.stdin.isTTY === true ? (onKey) => readKeys(process.stdin, onKey) : undefined,
    quit: () => process.kill(process.pid, 'SIGINT'),
    onTaken: () => (holds ? held.hold() : undefined),
    onFreed: () => held.release(),
    now: monotonicMs,
  });
  const answer = shared ? (text: string) => view.notice(text) : undefined;
  return {
    logger: held,
    // The view is the last to be closed, when the files are complete.
    sinks: async () => [
      ...(flags.write === undefined ? [] : await packetSinks(flags, { ...context, logger: held }, { filter })),
      createProgressSink(flags, context, { live: false, ...(answer === undefined ? {} : { answer }) }),
      view,
    ],
  };
}

/** What lines of packets may be given, and a view has no use for. */
const OF_LINES = [
  ['fields', '--fields'],
  ['detail', '--detail'],
  ['hex', '-x'],
  ['hexAscii', '-X'],
  ['ascii', '-A'],
  ['linkHeader', '-e'],
  ['timestamp', '-t'],
  ['nano', '--nano'],
  ['utc', '--utc'],
  ['number', '-#'],
  ['print', '--print'],
  ['countOnly', '--count-only'],
] as const satisfies readonly (readonly [keyof LiveSinkFlags, string])[];

function refuse(flags: LiveSinkFlags, { json }: CommandContext): void {
  if (json) throw new UsageError('--live and --json: one of them', 'records with the figures: --json --interval 1s');
  if (flags.interval !== undefined) throw new UsageError('--live and --interval: one of them');
  if (flags.write === '-') throw new UsageError('-w - and --live: both would go to stdout', 'write to a file');
  const line = OF_LINES.find(([key]) => flags[key] !== undefined);
  if (line !== undefined) {
    throw new UsageError(`${line[1]} and --live: one of them`, 'the view shows figures, not the packets themselves');
  }
  if (flags.write === undefined) {
    if (flags.format !== undefined) throw new UsageError(`--format ${flags.format}: of which file?`, 'add -w FILE');
    refuseFileFlags(flags);
  }
  const advice = 'for figures now and then: --interval 1s, with --json as records';
  if (process.stdout.isTTY !== true) throw new UsageError('--live: stdout is no terminal', advice);
  const { TERM } = process.env;
  if (TERM === undefined || TERM === '' || TERM === 'dumb') {
    throw new UsageError(`--live: a terminal of TERM=${TERM ?? ''} can't move its cursor`, advice);
  }
}

/** As locale(7) has it: the first of these that says something says what characters there are. */
function isUtf8(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale);
}
