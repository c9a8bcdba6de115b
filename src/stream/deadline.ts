/** Something that is over by an event, or by its time limit, or by a signal, whichever comes first. */
import { SockctlError } from '../errors.js';

export interface Deadline {
  /** What has not happened when the time is up: it begins the error's line. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `start`, which settles by calling one of its arguments.
 *
 * @throws what `start` rejects with; SockctlError TIMEOUT; the signal's reason
 */
export async function beforeDeadline<T>(
  { what, timeoutMs, signal }: Deadline,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let abort: () => void = () => undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      abort = () => reject(signal?.reason);
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      timer = setTimeout(() => reject(new SockctlError('TIMEOUT', { what: `${what} in ${timeoutMs} ms` })), timeoutMs);
      return start(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
