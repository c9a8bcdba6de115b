/** What a live capture's flags ask to be shown, or written, or both. */
import type { CaptureSink } from '../../capture/index.js';
import { UsageError } from '../../src/errors.js';
import type { Logger } from '../../src/log/events.js';
import type { CommandContext } from '../context.js';
import { createProgressSink, type ProgressFlags } from './capture-progress.js';
import { checkLiveTerminal, liveTerminal } from './live-terminal.js';
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
  const { frame, logger, shared } = liveTerminal(flags, context, (text) => view.notice(text));
  const title = printableText(filter === '' ? device : `${device}   ${filter}`);
  const view: LiveView = new LiveView({ ...frame, title });
  const answer = shared ? (text: string) => view.notice(text) : undefined;
  return {
    logger,
    // The view is the last to be closed, when the files are complete.
    sinks: async () => [
      ...(flags.write === undefined ? [] : await packetSinks(flags, { ...context, logger }, { filter })),
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
  checkLiveTerminal('for figures now and then: --interval 1s, with --json as records');
}
