/** The transfers of a connection in the log: each read(2) and write(2) at trace, shutdown(2) at debug. */
import type { Logger } from '../log/events.js';
import type { StreamConnection } from '../socket/port.js';

/**
 * Logs what goes through `connection` from now on; to be called before anyone reads from it.
 *
 * @param number tells the connections of a server apart
 */
export function traceConnection({ duplex }: StreamConnection, number: number, logger: Logger): void {
  if (!logger.enabled('debug')) return;
  duplex.once('finish', () => logger.log('debug', { event: 'shutdown', connection: number, how: 'SHUT_WR' }));
  if (!logger.enabled('trace')) return;
  // A listener for data starts the flow unless the stream is paused; whoever reads it resumes it.
  duplex.pause();
  duplex.on('data', (chunk: Uint8Array) =>
    logger.log('trace', { event: 'read', connection: number, bytes: chunk.length }),
  );
  const write = duplex.write.bind(duplex) as (...args: unknown[]) => boolean;
  // Streams have no event for a write; the public method is the one place that all of them go through.
  duplex.write = (chunk: Uint8Array, ...rest: unknown[]) => {
    logger.log('trace', { event: 'write', connection: number, bytes: chunk.length });
    return write(chunk, ...rest);
  };
}
