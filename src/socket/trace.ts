/** What goes through a duplex stream in the log: each read(2) and write(2) at trace, shutdown(2) at debug. */
import type { Duplex } from 'node:stream';
import type { Logger } from '../log/events.js';

/**
 * Logs what goes through `duplex` from now on; to be called before anyone reads from it.
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
  // A listener for data starts the flow unless the stream is paused; whoever reads it resumes it.
  duplex.pause();
  duplex.on('data', (chunk: Uint8Array) => logger.log('trace', { event: 'read', ...subject, bytes: chunk.length }));
  const write = duplex.write.bind(duplex) as (...args: unknown[]) => boolean;
  // Streams have no event for a write; the public method is the one place that all of them go through.
  duplex.write = (chunk: Uint8Array, ...rest: unknown[]) => {
    logger.log('trace', { event: 'write', ...subject, bytes: chunk.length });
    return write(chunk, ...rest);
  };
}
