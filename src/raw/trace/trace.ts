/** Which way packets go to a host, hop by hop (RFC 792, RFC 4443 section 3.3: time exceeded). */
import type { TraceOptions, TraceTarget } from './options.js';
import type { TraceRecord } from './records.js';

/**
 * Traces the path to `target` and yields each hop when its probes have their outcomes, in the order of the hops; at the
 * end a summary.
 *
 * @throws UsageError for options that contradict each other or can't be honoured by the sockets that may be opened
 * @throws SocketError EPERM when none may be opened, ENETUNREACH or EHOSTUNREACH where there is no route
 */
export function trace(target: TraceTarget, options: TraceOptions): AsyncGenerator<TraceRecord> {
  throw new Error(`${target.name}: no trace with ${options.backend.name} yet`);
}
