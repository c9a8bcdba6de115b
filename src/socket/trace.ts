/** What goes through a duplex stream in the log: each read(2) and write(2) at trace, shutdown(2) at debug. */
import type { Duplex } from 'node:stream';
import type { Logger } from '../log/events.js';

/**
 * Logs what goes through `duplex` from now on.
 *
 * @param subject the descriptor, or the connection's number where there is none to be seen
 */
export function traceDuplex(
  duplex: Duplex,
  subject: { readonly fd: number } | { readonly connection: number },
  logger: Logger,
): void {
  if (!logger.enabled('debug')) return;
  duplex.once('finish', () => logger.log('debug', { event: 'shutdown', ...subject, how: 'SHUT_WR' }));
  if (!logger.enabled('trace')) return;
  const push = duplex.push.bind(duplex);
  // Where the socket hands over what it has read; a listener for data would start the flow by being there.
  duplex.push = (chunk: Uint8Array | null, ...rest: []) => {
    if (chunk !== null) logger.log('trace', { event: 'read', ...subject, bytes: chunk.length });
    return push(chunk, ...rest);
  };
  const write = duplex.write.bind(duplex) as (...args: unknown[]) => boolean;
  // Streams have no event for a write; the public method is the one place that all of them go through.
  duplex.write = (chunk: Uint8Array, ...rest: unknown[]) => {
    logger.log('trace', { event: 'write', ...subject, bytes: chunk.length });
    return write(chunk, ...rest);
  };
}
