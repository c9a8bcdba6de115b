/** From what happened to the exit code of the process; the table is in src/errors.ts. */
import { ExitCode, type SockctlError } from '../src/errors.js';

export function exitCodeOf(error: SockctlError): ExitCode {
  return error.exitCode;
}

/**
 * The exit code of a command that a signal ended: done when there was a result by then, as ping(8) and tcpdump(1)
 * have it.
 */
export function interruptedExit(hasResult: boolean): ExitCode {
  return hasResult ? ExitCode.ok : ExitCode.interrupted;
}
