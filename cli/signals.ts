/** Signals that ask the program to end, from its first moment on: what it is to do then may not be loaded yet. */
import type { ExitCode } from '../src/errors.js';

/** Nothing else is loaded by then. */
const INTERRUPTED: typeof ExitCode.interrupted = 130;

/** timeout(1) signals a process, and its group: what comes so soon after the first, in milliseconds, is the same one. */
const SAME_SIGNAL_MS = 100;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Fires with the first one; the second one ends the process where it is. */
export function interruptSignal(): AbortSignal {
  const interrupt = new AbortController();
  let interruptedAt = 0;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (interrupt.signal.aborted && performance.now() - interruptedAt < SAME_SIGNAL_MS) return;
      if (interrupt.signal.aborted) process.exit(INTERRUPTED);
      interruptedAt = performance.now();
      interrupt.abort(new DOMException(signal, 'AbortError'));
    });
  }
  return interrupt.signal;
}
