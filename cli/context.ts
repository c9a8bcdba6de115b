/** What a running command has in its hands, made once from the common options. */
import { closeSync, fchownSync, openSync } from 'node:fs';
import { UsageError } from '../src/errors.js';
import type { Logger } from '../src/log/events.js';
import type { OptionSetting } from '../src/options/settings.js';
import type { Backend, OpenObserver } from '../src/socket/port.js';
import { type Account, chooseAccount, dropPrivileges } from '../src/socket/privileges.js';
import { type CommonOptions, chosenLevel } from './args/common.js';
import { Output } from './render/output.js';

/** The last record of every command. */
export interface SummaryRecord {
  readonly type: string;
  readonly time: string;
  readonly endReason: string;
  readonly [field: string]: unknown;
}

export interface CommandContext {
  readonly json: boolean;
  readonly output: Output;
  readonly logger: Logger;
  /** Colours on stdout. */
  readonly color: boolean;
  readonly settings: readonly OptionSetting[];
  /** Fires on SIGINT, SIGTERM and SIGHUP, and when stdout can't be written to any more. */
  readonly signal: AbortSignal;
  /** Writes the last record of the command, with --json; without, it does nothing. */
  summary(record: SummaryRecord): void;
  /** Whether the last record is written. */
  readonly summarized: boolean;
  /** Whether a signal from outside, not a failing stdout, ended the command. */
  interrupted(): boolean;
  backend(): Promise<Backend>;
  /** Is shown every socket that is opened; undefined where nobody wants to see any. For commands without a backend. */
  readonly onOpen: OpenObserver | undefined;
  readonly backendChoice: 'auto' | 'native' | 'portable';
  /** Who this process becomes once everything is open, and who owns the files that it makes; undefined for no change. */
  readonly account: Account | undefined;
  /** Becomes {@link account}: every command calls it when its sockets and files are open. */
  dropPrivileges(): void;
}

/** @throws UsageError when the log file can't be opened */
export async function createContext(options: CommonOptions, interrupt: AbortSignal): Promise<CommandContext> {
  const output = new Output(1);
  const account = chooseAccount(options.user, process.env);
  if (options.logFile !== undefined) giveNewFile(options.logFile, account);
  const logger = await openLogger(options);
  const choice = options.backend ?? 'auto';
  const json = options.json === true;
  let summarized = false;
  const onOpen = options.printOptions === true ? await observer(json, output) : undefined;
  return {
    json,
    summary: (record) => {
      summarized = true;
      if (json) void output.record(record);
    },
    get summarized() {
      return summarized;
    },
    output,
    logger,
    color: wantsColor(options.color, process.stdout.isTTY),
    settings: options.opt ?? [],
    signal: AbortSignal.any([interrupt, output.failing]),
    interrupted: () => interrupt.aborted,
    // Sockets take time to load, which commands without any do not have to wait for.
    backend: async () => {
      const { selectBackend } = await import('../src/socket/open.js');
      return selectBackend(choice, logger, onOpen);
    },
    onOpen,
    backendChoice: choice,
    account,
    dropPrivileges: () => {
      if (account === undefined || process.geteuid?.() === account.uid) return;
      dropPrivileges(account);
      const { name, uid, gid } = account;
      logger.log('debug', {
        event: 'notice',
        message: `setgid(${gid}), setuid(${uid}): running as ${name} from here on`,
      });
    },
  };
}

/**
 * Makes the file at `path` for `account`, where there is none yet: root opens it, but it is the user's. What stands in
 * the way is for the real open to say.
 */
export function giveNewFile(path: string, account: Account | undefined): void {
  if (account === undefined || process.geteuid?.() === account.uid) return;
  try {
    const fd = openSync(path, 'wx', 0o644);
    fchownSync(fd, account.uid, account.gid);
    closeSync(fd);
  } catch {
    // It is there already, or can't be made.
  }
}

/** Prints the options of sockets. */
async function observer(json: boolean, output: Output): Promise<OpenObserver> {
  const { printOptions } = await import('./render/socket-options.js');
  return (socket) => printOptions(socket, json, output);
}

async function openLogger(options: CommonOptions): Promise<Logger> {
  const { createLogger } = await import('../src/log/pino.js');
  const format = options.logFormat ?? 'auto';
  const terminal = options.logFile === undefined && process.stderr.isTTY === true;
  try {
    return await createLogger({
      level: chosenLevel(options),
      format: format === 'auto' ? (terminal ? 'pretty' : 'json') : format,
      color: wantsColor(options.color, terminal),
      file: options.logFile,
    });
  } catch (error) {
    throw new UsageError(
      `--log-file ${options.logFile}: ${(error as Error).message}`,
      'name a file that can be written',
    );
  }
}

/** NO_COLOR (no-color.org) turns colours off unless they are asked for by name. */
function wantsColor(choice: CommonOptions['color'], terminal: boolean): boolean {
  if (choice === 'always') return true;
  if (choice === 'never') return false;
  const no = process.env.NO_COLOR;
  return terminal && (no === undefined || no === '');
}
