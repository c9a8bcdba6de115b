/** An error as a person sees it: on stderr, beside whatever the command prints. */
import { type SockctlError, visible } from '../../src/errors.js';

/** One line: what failed, on what, the system's error, and what to try; below it, where that can be shown. */
export function printError(error: SockctlError): void {
  const detail = error.detail.map((line) => `  ${visible(line)}\n`).join('');
  process.stderr.write(`sockctl: ${visible(`${error.message}; ${error.advice}`)}\n${detail}`);
}
