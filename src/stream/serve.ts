/**
 * A stream server: listen, accept, and one behaviour for every connection.
 *
 * An echo or discard server holds no data of its own: what a client does not read stays in that client's way.
 */
import { SocketError, toSockctlError, UsageError } from '../errors.js';
import type { Logger } from '../log/events.js';
import type { OptionSetting } from '../options/settings.js';
import { type Endpoint, formatEndpoint } from '../sockaddr/endpoint.js';
import type { IPAddress } from '../sockaddr/ip.js';
import type { IPPrefix } from '../sockaddr/prefix.js';
import type { Backend, StreamConnection, StreamListener } from '../socket/port.js';
import type { ConnectionHandler } from './handlers.js';
import { onIdle } from './idle.js';

export interface ServeOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /** Length of the accept queue (listen(2)); the kernel caps it at net.core.somaxconn. */
  readonly backlog?: number;
  /** Take one connection, then stop listening and end with it. */
  readonly once?: boolean;
  /** Connections open at once at most; the kernel's queue holds the rest, as many as the backlog says. */
  readonly maxConnections?: number | undefined;
  /** Beyond the limit, accept and close at once instead. */
  readonly refuse?: boolean;
  /** Close a connection through which nothing has gone for so many milliseconds. */
  readonly idleTimeoutMs?: number | undefined;
  /** Peers that are served: those in `allow`, where there is any, and not in `deny`. */
  readonly allow?: readonly IPPrefix[];
  readonly deny?: readonly IPPrefix[];
  /** What comes first on each connection, a TLS handshake for example; the handler gets what it returns. */
  readonly secure?: ((connection: StreamConnection) => Promise<StreamConnection>) | undefined;
  readonly handler: ConnectionHandler;
  /** Milliseconds that open connections get to end by themselves once `signal` has fired. */
  readonly graceMs?: number;
  /** Stops accepting. */
  readonly signal?: AbortSignal | undefined;
}

export interface ServeTotals {
  connections: number;
  /** Connections that were turned away: too many, or not allowed. */
  refused: number;
  /** Connections that were closed because nothing went through them. */
  idle: number;
  bytesIn: number;
  bytesOut: number;
}

/** A running server. */
export interface StreamServer extends AsyncDisposable {
  /** Where it listens; several for a name with several addresses. */
  readonly local: readonly Endpoint[];
  readonly totals: Readonly<ServeTotals>;
  /** Settles when it has stopped and every connection has ended. */
  readonly done: Promise<void>;
  /** Stops accepting and waits for the open connections as long as the grace time allows. */
  close(): Promise<void>;
}

const DEFAULT_BACKLOG = 511;
const DEFAULT_GRACE_MS = 5000;

/**
 * Listens on `locals` and serves until the signal fires, `close` is called, or one connection is done with `once`.
 *
 * @param locals a wildcard takes the first that works, since :: serves IPv4 as well; of a name's addresses all are used
 * @throws SocketError when it can't listen
 */
export async function serve(locals: readonly Endpoint[], options: ServeOptions): Promise<StreamServer> {
  const server = new Server(options);
  await server.listen(locals);
  return server;
}

class Server implements StreamServer {
  readonly local: Endpoint[] = [];
  readonly totals: ServeTotals = { connections: 0, refused: 0, idle: 0, bytesIn: 0, bytesOut: 0 };
  readonly done: Promise<void>;
  readonly #options: ServeOptions;
  readonly #listeners: StreamListener[] = [];
  readonly #open = new Set<StreamConnection>();
  #resolveDone: () => void = () => undefined;
  #stopping = false;
  #graceTimer: NodeJS.Timeout | undefined;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
  }

  async listen(locals: readonly Endpoint[]): Promise<void> {
    const wildcard = locals.every((local) => local.family !== 'unix' && local.address.isUnspecified);
    let last: unknown;
    for (const local of locals) {
      try {
        const listener = await this.#options.backend.listen(local, {
          settings: this.#options.settings ?? [],
          logger: this.#options.logger,
          backlog: this.#options.backlog ?? DEFAULT_BACKLOG,
          onConnection: (connection) => this.#accept(connection),
          onError: (error) => this.#logError(error),
        });
        this.#listeners.push(listener);
        if (this.#options.maxConnections !== undefined && this.#options.refuse !== true && !listener.pausable) {
          const what = `${listener.backend} backend: connections can't be left in the queue`;
          throw new UsageError(what, 'give --refuse, or use --backend native', 'BACKEND_LIMIT');
        }
        this.local.push(listener.local);
        this.#notice('listening', `listening on ${formatEndpoint(listener.local)}`);
        if (wildcard) break;
      } catch (error) {
        last = error;
        // Without IPv6 in the system the IPv4 address still serves; any other failure is one.
        if (!(error instanceof SocketError) || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.code)) {
          await this.#stopListening();
          throw error;
        }
      }
    }
    if (this.#listeners.length === 0) throw last;
    const { signal } = this.#options;
    if (signal?.aborted === true) void this.close();
    else signal?.addEventListener('abort', () => void this.close(), { once: true });
  }

  close(): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      void this.#stopListening();
      const grace = this.#options.graceMs ?? DEFAULT_GRACE_MS;
      if (this.#open.size > 0) {
        this.#notice('stopping', `stopping: ${this.#open.size} open connections have ${grace} ms to end`);
        this.#graceTimer = setTimeout(() => this.#cutOff(), grace);
      }
      this.#settle();
    }
    return this.done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(connection: StreamConnection): void {
    const objection = this.#objection(connection);
    if (objection !== undefined) {
      this.totals.refused++;
      const remote = formatEndpoint(connection.remote);
      this.#options.logger.log('info', { event: 'notice', message: `${remote} turned away: ${objection}` });
      connection.reset();
      return;
    }
    const number = ++this.totals.connections;
    this.#open.add(connection);
    if (this.#options.once === true) void this.#stopListening();
    this.#regulate();
    void this.#run(connection, number);
  }

  /** Why a connection is not served, or undefined where it is. */
  #objection(connection: StreamConnection): string | undefined {
    const { once, maxConnections, refuse } = this.#options;
    if (once === true && this.totals.connections > 0) return 'it takes one connection';
    if (!this.#isAllowed(connection.remote)) return 'not allowed';
    const full = maxConnections !== undefined && this.#open.size >= maxConnections;
    return full && refuse === true ? `${maxConnections} connections are open` : undefined;
  }

  /** With as many connections as there may be, the others wait in the kernel's queue. */
  #regulate(): void {
    const { maxConnections, refuse } = this.#options;
    if (maxConnections === undefined || refuse === true) return;
    for (const listener of this.#listeners) {
      if (this.#open.size >= maxConnections) listener.pause();
      else listener.resume();
    }
  }

  #isAllowed(remote: Endpoint): boolean {
    const { allow = [], deny = [] } = this.#options;
    if (remote.family === 'unix') return true;
    const within = (prefixes: readonly IPPrefix[]) => prefixes.some((prefix) => contains(prefix, remote.address));
    return (allow.length === 0 || within(allow)) && !within(deny);
  }

  async #run(connection: StreamConnection, number: number): Promise<void> {
    const remote = formatEndpoint(connection.remote);
    const started = performance.now();
    const { logger } = this.#options;
    const { fd } = connection;
    logger.log('info', { event: 'accept', fd, connection: number, remote, local: formatEndpoint(connection.local) });
    const { idleTimeoutMs, secure, handler } = this.#options;
    onIdle(connection, idleTimeoutMs, () => {
      this.totals.idle++;
      logger.log('info', {
        event: 'notice',
        message: `connection ${number}: idle for ${idleTimeoutMs} ms, closing it`,
      });
      connection.destroy();
    });
    let served: StreamConnection | undefined;
    try {
      served = secure === undefined ? connection : await secure(connection);
      await handler(served, number);
    } catch (error) {
      this.#logError(error, number, remote);
    }
    served?.destroy();
    connection.destroy();
    await connection.closed;
    // Without a handshake there was no payload.
    const { bytesIn = 0, bytesOut = 0 } = served ?? {};
    this.totals.bytesIn += bytesIn;
    this.totals.bytesOut += bytesOut;
    const durationMs = performance.now() - started;
    logger.log('info', {
      event: 'close',
      fd,
      connection: number,
      remote,
      bytesIn,
      bytesOut,
      durationMs,
    });
    this.#open.delete(connection);
    this.#regulate();
    this.#settle();
  }

  /** The grace time is over. */
  #cutOff(): void {
    for (const connection of this.#open) connection.reset();
  }

  async #stopListening(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
  }

  #settle(): void {
    const onceDone = this.#options.once === true && this.totals.connections > 0;
    if ((!this.#stopping && !onceDone) || this.#open.size > 0) return;
    clearTimeout(this.#graceTimer);
    this.#resolveDone();
  }

  #notice(event: 'listening' | 'stopping', message: string): void {
    this.#options.logger.log('info', { event, message });
  }

  #logError(thrown: unknown, connection?: number, address?: string): void {
    const error = toSockctlError(thrown, address);
    const syscall = error instanceof SocketError ? error.syscall : 'handler';
    const errno = error instanceof SocketError ? error.errno : 0;
    this.#options.logger.log('warn', {
      event: 'error',
      message: error.message,
      connection,
      failure: { syscall, code: error.code, errno },
    });
  }
}

/** A zone says which link, and an address without one may be on any: prefixes are compared without. */
function contains(prefix: IPPrefix, address: IPAddress): boolean {
  if (prefix.contains(address)) return true;
  return address.family === 'ipv6' && address.zone !== '' && prefix.contains(address.withZone(''));
}
