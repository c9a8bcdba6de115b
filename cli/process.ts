/**
 * The process around a command: arguments in, exit code out, and the single place where an error becomes a line.
 */
import { CommanderError } from 'commander';
import { ExitCode, type SockctlError, toSockctlError } from '../src/errors.js';
import { loadLibc } from '../src/socket/native/libc.js';
import type { CommonOptions } from './args/common.js';
import { type CommandContext, createContext } from './context.js';
import { exitCodeOf } from './exit-codes.js';
import { buildProgram, type CommandRunner } from './program.js';
import { printError } from './render/error-line.js';
import type { Output } from './render/output.js';
import { recordHead } from './render/record.js';

/** How long a reader of stdout that has stopped is waited for after a signal. */
const FLUSH_AFTER_INTERRUPT_MS = 2000;

/**
 * Runs what `argv` asks for, to the end of its output; the process may exit then.
 *
 * @param interrupt ends it before its time
 */
export async function runCommandLine(argv: readonly string[], interrupt: AbortSignal): Promise<ExitCode> {
  let code: ExitCode = ExitCode.ok;
  const run: CommandRunner = async (options, command) => {
    code = await runCommand(options, interrupt, command);
  };
  const program = buildProgram(run, argv);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // Help and --version end this way too, with code 0; a usage error has printed its line already.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return ExitCode.ok;
      if (argv.includes('--json'))
        printRecord(errorRecord({ code: 'USAGE', message: error.message.replace(/^error: /, '') }));
      return ExitCode.usage;
    }
    const known = toSockctlError(error);
    if (argv.includes('--json')) printRecord(errorRecord(known));
    printError(known);
    return exitCodeOf(known);
  }
}

async function runCommand(
  options: CommonOptions,
  interrupt: AbortSignal,
  command: (context: CommandContext) => Promise<ExitCode>,
): Promise<ExitCode> {
  const context = await createContext(options, interrupt);
  giveUpAfter(interrupt, context.output);
  let code: ExitCode;
  try {
    code = await command(context);
  } catch (thrown) {
    if (interrupt.aborted && (thrown as Error).name === 'AbortError') {
      if (!context.summarized) context.summary({ ...recordHead('summary'), endReason: 'interrupted' });
      code = ExitCode.interrupted;
    } else {
      const error = toSockctlError(thrown);
      if (!context.summarized) context.summary(errorRecord(error));
      if (error !== context.output.failure) printError(error);
      code = exitCodeOf(error);
    }
  }
  await context.output.flush();
  const left = context.output.pending;
  if (left > 0) {
    const lost = `stdout: its reader takes nothing, ${left} bytes were not written`;
    process.stderr.write(`sockctl: ${lost}; start the reader again\n`);
    return ExitCode.failed;
  }
  if (context.output.failure !== undefined) {
    printError(context.output.failure);
    return exitCodeOf(context.output.failure);
  }
  return code;
}

/** Node's name for a name that is being looked up. */
const LOOKUP = 'GetAddrInfoReqWrap';

/**
 * Ends the process. Node would wait for a thread that is in getaddrinfo(3), which nothing can end: as long as a name server
 * is waited for, ten seconds and more.
 */
export async function exitProcess(code: ExitCode): Promise<never> {
  if (process.getActiveResourcesInfo().includes(LOOKUP)) {
    try {
      const libc = await loadLibc();
      process.emit('exit', code);
      libc._exit(code);
    } catch {
      // Without system calls there is Node's way alone.
    }
  }
  process.exit(code);
}

/** Once interrupted, a reader of stdout that takes nothing for a while holds up nobody any more. */
function giveUpAfter(interrupt: AbortSignal, output: Output): void {
  const watch = () => {
    let before = output.written;
    setInterval(() => {
      if (output.pending > 0 && output.written === before) output.giveUp();
      before = output.written;
    }, FLUSH_AFTER_INTERRUPT_MS).unref();
  };
  if (interrupt.aborted) watch();
  else interrupt.addEventListener('abort', watch, { once: true });
}

/** For errors from before there is a context to write with. */
function printRecord(record: object): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

function errorRecord({ code, message, span }: Pick<SockctlError, 'code' | 'message'> & Partial<SockctlError>) {
  return { ...recordHead('summary'), endReason: 'error', error: { code, message, ...span } };
}

for (const stream of [process.stdout, process.stderr]) {
  // Where the reader has gone away there is nobody to tell.
  stream.on('error', () => undefined);
}

/** What nobody has caught is a fault of this program: one line all the same. */
function crash(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`sockctl: internal error: ${message.split('\n')[0]}; please report it, with the command\n`);
  process.exit(ExitCode.failed);
}
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
/** Node's code for an end while the program still waits: nothing is left that could wake it, which is a fault as well. */
const UNSETTLED = 13;
process.on('exit', (code) => {
  if (code === UNSETTLED) crash(new Error('nothing is left to wait for'));
});
