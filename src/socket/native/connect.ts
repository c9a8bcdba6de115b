/** Connecting streams on system calls: socket, setsockopt, bind where a source is given, connect(2). */
import { SocketError } from '../../errors.js';
import { type Endpoint, formatEndpoint } from '../../sockaddr/endpoint.js';
import type { ConnectOptions, StreamConnection } from '../port.js';
import { connectionOf } from './connection.js';
import { Descriptor, type Opening, streamArguments } from './descriptor.js';
import { DescriptorWatch } from './poller.js';

/**
 * Connects, waiting in the event loop.
 *
 * @throws SocketError of the failing call; the signal's reason
 */
export async function connectNative(
  { libc, onOpen }: Opening,
  remote: Endpoint,
  options: ConnectOptions,
): Promise<StreamConnection> {
  options.signal?.throwIfAborted();
  const descriptor = Descriptor.open(libc, streamArguments(remote), options.logger);
  descriptor.prepare(options.settings, options.source);
  const started = performance.now();
  const pending = descriptor.connect(remote);
  if (pending) {
    const errno = await settled(descriptor, options.signal);
    const durationMs = performance.now() - started;
    const text = formatEndpoint(remote);
    const event = { event: 'connect', fd: descriptor.fd, remote: text, durationMs } as const;
    if (errno !== 0) {
      const failure = { syscall: 'connect', code: libc.errnoName(errno), errno };
      options.logger.log('debug', { ...event, failure });
      descriptor.close();
      throw new SocketError({ ...failure, address: text });
    }
    options.logger.log('debug', event);
  }
  descriptor.finish(options.settings);
  descriptor.show(onOpen);
  return connectionOf(descriptor, options.logger, remote);
}

/** Waits until connect(2) is over (it is when the descriptor is writable) and returns its errno, 0 for success. */
function settled(descriptor: Descriptor, signal: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const watch = new DescriptorWatch(descriptor.libc, descriptor.fd, () => {
      watch.close();
      signal?.removeEventListener('abort', abort);
      resolve(descriptor.takeError());
    });
    const abort = () => {
      watch.close();
      descriptor.close();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    watch.want(false, true);
  });
}
