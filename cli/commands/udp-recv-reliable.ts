/** `udp recv --reliable`: what comes goes into a file, a folder, or to stdout. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ReceivedTransfer,
  type ReceiveReliableSummary,
  receiveReliable,
} from '../../src/datagram/reliable/receive.js';
import { fileSink, type ReliableSink, streamSink } from '../../src/datagram/reliable/sink.js';
import { clip, ExitCode, UsageError } from '../../src/errors.js';
import type { Endpoint } from '../../src/sockaddr/endpoint.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { receiveReliableSummary, showTransfer } from '../render/transfer.js';
import { onFirstLocal } from './udp-local.js';
import { showProgress } from './udp-progress.js';

export interface ReliableReceiveFlags {
  readonly file?: string;
  readonly timeout: number;
  readonly count?: number;
  readonly idleTimeout?: number;
  readonly interval?: number;
  readonly quiet?: boolean;
}

/** Files of one name in a folder at most. */
const NUMBERS = 1000;

export async function receiveReliably(
  locals: readonly Endpoint[],
  flags: ReliableReceiveFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const folder = flags.file !== undefined && isFolder(flags.file);
  if (flags.file === undefined && context.json)
    throw new UsageError('--reliable --json: stdout has the records', 'give --file for the data');
  const shown = showProgress(flags, context);
  let last: ReceivedTransfer | undefined;
  const receive = async (local: Endpoint): Promise<ReceiveReliableSummary> =>
    receiveReliable(local, {
      backend: await context.backend(),
      logger: context.logger,
      settings: context.settings,
      open: chooseSink(flags.file, folder, context),
      // What goes to one place is one transfer.
      count: folder ? flags.count : 1,
      idleTimeoutMs: flags.idleTimeout,
      timeoutMs: flags.timeout,
      onListening: context.dropPrivileges,
      onTransfer: (transfer) => {
        last = transfer;
        shown.end();
        showTransfer(context, transfer);
      },
      ...shown,
      signal: context.signal,
    });
  const summary = await onFirstLocal(locals, receive);
  shown.end();
  receiveReliableSummary(context, summary, last);
  if (summary.error !== undefined && (summary.completed === 0 || summary.endReason === 'error')) throw summary.error;
  if (summary.failed > 0) return ExitCode.failed;
  return summary.endReason === 'interrupted' ? interruptedExit(summary.completed > 0) : ExitCode.ok;
}

function isFolder(path: string): boolean {
  return path.endsWith('/') || (existsSync(path) && statSync(path).isDirectory());
}

function chooseSink(
  path: string | undefined,
  folder: boolean,
  { output }: CommandContext,
): (name: string, taken: ReadonlySet<string>) => ReliableSink | undefined {
  if (path === undefined) {
    const stdout = streamSink('stdout', (bytes) => output.writeBorrowed(bytes));
    return (_, taken) => (taken.has(stdout.key) ? undefined : stdout);
  }
  if (!folder) return (_, taken) => (taken.has(path) ? undefined : fileSink(path, path));
  return (name, taken) => {
    checkName(name);
    for (let number = 0; number < NUMBERS; number++) {
      const file = number === 0 ? name : `${name}.${number}`;
      const place = join(path, file);
      // What is there is not overwritten, as wget(1) has it.
      if (!taken.has(place) && !existsSync(place)) return fileSink(place, file);
    }
    return undefined;
  };
}

/** Names come from the network: they stay in the folder, and are files that are seen. */
function checkName(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (name !== '' && !/[/\u0000-\u001f\u007f]/.test(name) && !name.startsWith('.') && !name.endsWith('.part')) return;
  throw new UsageError(
    `${JSON.stringify(clip(name))}: not a name for a file here`,
    'the sender can choose another one with --name',
  );
}
