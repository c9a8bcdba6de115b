/** Streams on node:net alone. */

import { isUtf8 } from 'node:buffer';
import { createServer, type ListenOptions as NodeListenOptions, type Server, Socket } from 'node:net';
import { SocketError, toSockctlError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import { type Endpoint, formatEndpoint } from '../../sockaddr/endpoint.js';
import { type UnixEndpoint, unixEndpoint } from '../../sockaddr/unix.js';
import { listenEvent } from '../accept-queue.js';
import { peerEndpoint } from '../node-net.js';
import type { ConnectOptions, ListenOptions, StreamConnection, StreamListener } from '../port.js';
import { traceDuplex } from '../trace.js';
import { applyPortable, backendLimit, checkPortable, flagAmong, type Setters } from './limits.js';

const SETTERS: Setters<Socket> = {
  TCP_NODELAY: (socket, value) => socket.setNoDelay(value !== 0),
  SO_KEEPALIVE: (socket, value) => socket.setKeepAlive(value !== 0),
  TCP_KEEPIDLE: (socket, value) => socket.setKeepAlive(true, value * 1000),
  // Node sets this on every server, and the other one when the server listens.
  SO_REUSEADDR: () => undefined,
  IPV6_V6ONLY: () => undefined,
};

export async function listenPortable(local: Endpoint, options: ListenOptions): Promise<StreamListener> {
  checkPortable(options.settings, 'stream', SETTERS);
  if (flagAmong(options.settings, 'SO_REUSEADDR') === false) throw backendLimit('SO_REUSEADDR is always on in Node');
  const { logger } = options;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const text = formatEndpoint(local);
  const where: NodeListenOptions =
    local.family === 'unix'
      ? { path: nodePath(local) }
      : {
          host: local.address.toString(),
          port: local.port,
          ipv6Only: flagAmong(options.settings, 'IPV6_V6ONLY') ?? false,
        };
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(toSockctlError(error, text)));
    server.listen({ ...where, backlog: options.backlog }, resolve);
  });
  const shown = server.address();
  const bound =
    shown === null || typeof shown === 'string' ? local : (peerEndpoint(shown.address, shown.port) ?? local);
  logger.log('debug', { event: 'bind', local: formatEndpoint(bound) });
  const listened = listenEvent(options.backlog, formatEndpoint(bound));
  logger.log(listened.effective === undefined ? 'debug' : 'info', listened);
  server.removeAllListeners('error');
  listenerErrors(server, options.onError);
  server.on('connection', (socket) => {
    applyPortable(options.settings, SETTERS, socket);
    options.onConnection(connectionOf(socket, logger, bound));
  });
  return {
    backend: 'portable',
    local: bound,
    pausable: false,
    pause: () => undefined,
    resume: () => undefined,
    close: async () => {
      logger.log('debug', { event: 'close' });
      server.close();
    },
  };
}

export async function connectPortable(remote: Endpoint, options: ConnectOptions): Promise<StreamConnection> {
  options.signal?.throwIfAborted();
  checkPortable(options.settings, 'stream', SETTERS);
  const text = formatEndpoint(remote);
  const started = performance.now();
  const socket = new Socket({ allowHalfOpen: true });
  const { signal, source } = options;
  if (source !== undefined && source.family !== remote.family) throw backendLimit('source and target differ in family');
  const where =
    remote.family === 'unix'
      ? { path: nodePath(remote) }
      : {
          host: remote.address.toString(),
          port: remote.port,
          ...(source === undefined || source.family === 'unix'
            ? {}
            : { localAddress: source.address.toString(), localPort: source.port }),
        };
  try {
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        socket.destroy();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const settle = (then: () => void) => () => {
        signal?.removeEventListener('abort', abort);
        socket.removeAllListeners('error');
        then();
      };
      socket.once('error', (error) => settle(() => reject(error))());
      socket.connect(where, settle(resolve));
    });
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    const known = toSockctlError(error, text);
    if (known instanceof SocketError) {
      const failure = { syscall: 'connect', code: known.code, errno: known.errno };
      options.logger.log('debug', { event: 'connect', remote: text, failure });
    }
    throw known;
  }
  applyPortable(options.settings, SETTERS, socket);
  options.logger.log('debug', { event: 'connect', remote: text, durationMs: performance.now() - started });
  return connectionOf(socket, options.logger, peerEndpoint(socket.localAddress, socket.localPort) ?? remote, remote);
}

/** Node takes the bytes of sun_path as text: an abstract name has its zero byte in front. */
function nodePath(endpoint: UnixEndpoint): string {
  const bytes = endpoint.toBytes();
  if (!isUtf8(bytes)) throw backendLimit('no unix names that are not UTF-8');
  return Buffer.from(bytes).toString();
}

/** Connections in the log, which has no descriptor to tell them apart by. */
let counter = 0;

function connectionOf(socket: Socket, logger: Logger, local: Endpoint, known?: Endpoint): StreamConnection {
  traceDuplex(socket, { connection: ++counter }, logger);
  // Whoever reads or writes is told as well; without a listener the process would end.
  socket.on('error', () => undefined);
  return {
    backend: 'portable',
    duplex: socket,
    pump: undefined,
    local: peerEndpoint(socket.localAddress, socket.localPort) ?? local,
    remote: known ?? peerEndpoint(socket.remoteAddress, socket.remotePort) ?? unixEndpoint(''),
    get bytesIn() {
      return socket.bytesRead;
    },
    get bytesOut() {
      return socket.bytesWritten;
    },
    info: () => undefined,
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    destroy: () => {
      socket.destroy();
    },
    reset: () => {
      socket.resetAndDestroy();
    },
    rescue: () => new Uint8Array(0),
  };
}

/** Reports what goes wrong while the server accepts; it goes on listening. */
function listenerErrors(server: Server, onError: (error: SocketError) => void): void {
  server.on('error', (error) => {
    const known = toSockctlError(error);
    onError(
      known instanceof SocketError ? known : new SocketError({ syscall: 'accept', code: known.code, cause: error }),
    );
  });
}
