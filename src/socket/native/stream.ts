/**
 * Streams on system calls: the descriptor goes through socket, setsockopt and bind here and is then handed to Node's
 * event loop by public API, which accepts, connects, reads and writes.
 */
import { unlinkSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { SocketError, toSockctlError } from '../../errors.js';
import { setting } from '../../options/settings.js';
import { type Endpoint, formatEndpoint } from '../../sockaddr/endpoint.js';
import { addressFamilyOf } from '../../sockaddr/struct.js';
import { unixEndpoint } from '../../sockaddr/unix.js';
import { listenerErrors, peerEndpoint } from '../node-net.js';
import type { ConnectOptions, ListenOptions, StreamConnection, StreamListener } from '../port.js';
import { Descriptor, DUAL_STACK, type SocketArguments, withDefaults } from './descriptor.js';
import { C, type Libc } from './libc.js';

function streamArguments(endpoint: Endpoint): SocketArguments {
  const inet = endpoint.family !== 'unix';
  return {
    family: addressFamilyOf(endpoint),
    type: 'SOCK_STREAM',
    protocol: inet ? 6 : 0,
    protocolName: inet ? 'IPPROTO_TCP' : '0',
    kind: 'stream',
  };
}

/** socket, setsockopt, bind, listen. SO_REUSEADDR is on, as every server has it, and ::  takes IPv4 as well. */
export async function listenNative(libc: Libc, local: Endpoint, options: ListenOptions): Promise<StreamListener> {
  const defaults = local.family === 'unix' ? [] : [setting('SO_REUSEADDR', true)];
  if (local.family === 'ipv6') defaults.push(DUAL_STACK);
  const descriptor = Descriptor.open(libc, streamArguments(local), options.logger);
  descriptor.prepare(withDefaults(options.settings, defaults), local);
  const bound = descriptor.localEndpoint() ?? local;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      descriptor.close();
      reject(toSockctlError(error, formatEndpoint(local)));
    });
    server.listen({ fd: descriptor.fd }, resolve);
  });
  // Node listens with its own backlog whatever it is told for a descriptor; the last listen(2) counts.
  descriptor.listen(options.backlog, bound);
  descriptor.handOver();
  server.removeAllListeners('error');
  listenerErrors(server, options.onError);
  server.on('connection', (socket) => options.onConnection(connectionOf(libc, socket, bound, -1)));
  return {
    backend: 'native',
    local: bound,
    close: () =>
      new Promise((resolve) => {
        options.logger.log('debug', { event: 'close', fd: descriptor.fd });
        // The callback of close() waits for every connection to end; the descriptor is closed at once.
        server.close();
        if (local.family === 'unix' && local.kind === 'path') unlinkQuietly(Buffer.from(local.toBytes()));
        resolve();
      }),
  };
}

/** socket, setsockopt, bind where a source is given, connect. */
export async function connectNative(libc: Libc, remote: Endpoint, options: ConnectOptions): Promise<StreamConnection> {
  options.signal?.throwIfAborted();
  const started = performance.now();
  const descriptor = Descriptor.open(libc, streamArguments(remote), options.logger);
  descriptor.prepare(options.settings, options.source);
  const { fd } = descriptor;
  // The second descriptor outlives the first on failure, so that received bytes can still be read: see rescue().
  const spare = descriptor.duplicate();
  const text = formatEndpoint(remote);
  if (remote.family === 'unix') {
    try {
      descriptor.connect(remote);
    } catch (error) {
      if (spare >= 0) libc.close(spare);
      throw error;
    }
    return connectionOf(
      libc,
      new Socket({ fd: descriptor.handOver(), allowHalfOpen: true }),
      descriptor.localEndpoint() ?? remote,
      spare,
      remote,
    );
  }
  const socket = new Socket({ fd: descriptor.handOver(), allowHalfOpen: true });
  const event = { event: 'connect', fd, remote: text } as const;
  try {
    await connected(socket, remote.address.toString(), remote.port, options.signal);
  } catch (error) {
    if (spare >= 0) libc.close(spare);
    if (options.signal?.aborted === true) throw options.signal.reason;
    const { code, errno } = error as { code?: unknown; errno?: unknown };
    const failure = { syscall: 'connect', code: String(code), errno: Math.abs(Number(errno)) };
    const durationMs = performance.now() - started;
    options.logger.log('debug', { ...event, durationMs, failure });
    options.logger.log('debug', { event: 'close', fd });
    throw new SocketError({ ...failure, address: text, cause: error });
  }
  const local = peerEndpoint(socket.localAddress, socket.localPort) ?? remote;
  const durationMs = performance.now() - started;
  options.logger.log('debug', { ...event, local: formatEndpoint(local), durationMs });
  return connectionOf(libc, socket, local, spare, remote);
}

/** Waits for 'connect'; an abort destroys the socket. */
function connected(socket: Socket, host: string, port: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      socket.destroy();
      reject(signal?.reason);
    };
    const done = () => {
      signal?.removeEventListener('abort', abort);
      socket.off('error', fail);
      resolve();
    };
    const fail = (error: Error) => {
      signal?.removeEventListener('abort', abort);
      reject(error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    socket.once('error', fail);
    socket.connect({ host, port }, done);
  });
}

function connectionOf(libc: Libc, socket: Socket, local: Endpoint, spare: number, known?: Endpoint): StreamConnection {
  let open = spare;
  const closeSpare = () => {
    if (open >= 0) libc.close(open);
    open = -1;
  };
  // A close without an error leaves nothing to rescue; after an error the owner asks in its 'close' handler or before.
  socket.once('close', (failed) => {
    if (failed) setImmediate(closeSpare);
    else closeSpare();
  });
  return {
    backend: 'native',
    duplex: socket,
    local: peerEndpoint(socket.localAddress, socket.localPort) ?? local,
    remote: known ?? peerEndpoint(socket.remoteAddress, socket.remotePort) ?? unixEndpoint(''),
    reset: () => {
      closeSpare();
      socket.resetAndDestroy();
    },
    rescue: (limit) => {
      const parts: Uint8Array[] = [];
      let total = 0;
      while (open >= 0 && total < limit) {
        const part = Buffer.allocUnsafe(Math.min(1 << 16, limit - total));
        const count = libc.recv(open, part, part.length, C.MSG_DONTWAIT);
        if (count <= 0) break;
        parts.push(part.subarray(0, count));
        total += count;
      }
      return Buffer.concat(parts);
    },
  };
}

function unlinkQuietly(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody removed it already: that is what was wanted.
  }
}
