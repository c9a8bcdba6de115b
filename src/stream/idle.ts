/** A connection through which nothing goes. */
import type { StreamConnection } from '../socket/port.js';

/**
 * Calls `then` once no byte has moved for `timeoutMs` milliseconds; never where that is undefined. It looks at the
 * connection's counters four times as often.
 *
 * @returns stops looking
 */
export function onIdle(connection: StreamConnection, timeoutMs: number | undefined, then: () => void): () => void {
  if (timeoutMs === undefined) return () => undefined;
  let moved = -1;
  let since = performance.now();
  const look = () => {
    const now = connection.bytesIn + connection.bytesOut;
    if (now !== moved) {
      moved = now;
      since = performance.now();
    }
    const left = since + timeoutMs - performance.now();
    if (left > 0) timer = setTimeout(look, Math.min(left, timeoutMs / 4));
    else then();
  };
  let timer = setTimeout(look, timeoutMs / 4);
  const stop = () => clearTimeout(timer);
  void connection.closed.then(stop);
  return stop;
}
