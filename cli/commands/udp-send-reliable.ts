/** `udp send --reliable`: a file or stdin, whole and in order. */
import { createReadStream, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { sendReliable } from '../../src/datagram/reliable/send.js';
import { fileSource, type ReliableSource, streamSource } from '../../src/datagram/reliable/source.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import type { OptionSetting } from '../../src/options/settings.js';
import type { Endpoint, InetEndpoint } from '../../src/sockaddr/endpoint.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { sendReliableSummary } from '../render/transfer.js';
import { showProgress } from './udp-progress.js';

export interface ReliableSendFlags {
  readonly file?: string;
  readonly name?: string;
  readonly timeout: number;
  readonly interval?: number;
  readonly quiet?: boolean;
}

const STDIN = 0;
/** The longest name that the protocol carries. */
const NAME_MAX = 255;

export async function sendReliably(
  target: InetEndpoint,
  source: Endpoint | undefined,
  settings: readonly OptionSetting[],
  flags: ReliableSendFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const name = flags.name ?? (flags.file === undefined ? 'stdin' : basename(flags.file));
  if (Buffer.byteLength(name) > NAME_MAX) throw new UsageError(`--name: longer than ${NAME_MAX} bytes`);
  const shown = showProgress(flags, context);
  const summary = await sendReliable(target, {
    backend: await context.backend(),
    logger: context.logger,
    settings,
    source: source?.family === 'unix' ? undefined : source,
    data: chooseSource(flags.file),
    name,
    timeoutMs: flags.timeout,
    onOpen: context.dropPrivileges,
    ...shown,
    signal: context.signal,
  });
  shown.end();
  sendReliableSummary(context, summary);
  if (summary.error !== undefined) throw summary.error;
  return summary.endReason === 'interrupted' ? interruptedExit(false) : ExitCode.ok;
}

/** A file can be read again where it is one, whether by its name or as stdin. */
function chooseSource(path: string | undefined): ReliableSource {
  const file = path === undefined && !isAtStart(STDIN) ? undefined : fileSource(path ?? STDIN);
  if (file !== undefined) return file;
  return streamSource(path === undefined ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 }));
}

/** Of a file that somebody has read from, the rest is meant (proc_pid_fdinfo(5)). */
function isAtStart(fd: number): boolean {
  try {
    return /^pos:\s+0$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
  } catch {
    return false;
  }
}
