/**
 * A stream server: listen, accept, and one behaviour for every connection.
 *
 * An echo or discard server holds no data of its own: what a client does not read stays in that client's way.
 */
import { SocketError, toSockctlError } from '../errors.js';
import type { Logger } from '../log/events.js';
import type { OptionSetting } from '../options/settings.js';
import { type Endpoint, formatEndpoint } from '../sockaddr/endpoint.js';
import type { Backend, StreamConnection, StreamListener } from '../socket/port.js';

/** What goes on with one accepted connection, from accept to its end; a failure ends that connection only. */
export type ConnectionHandler = (connection: StreamConnection, number: number) => Promise<void>;

export interface ServeOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /** Length of the accept queue (listen(2)); the kernel caps it at net.core.somaxconn. */
  readonly backlog?: number;
  /** Take one connection, then stop listening and end with it. */
  readonly once?: boolean;
  readonly handler: ConnectionHandler;
  /** Milliseconds that open connections get to end by themselves once `signal` has fired. */
  readonly graceMs?: number;
  /** Stops accepting. */
  readonly signal?: AbortSignal | undefined;
}

export interface ServeTotals {
  connections: number;
  /** Connections that were turned away. */
  refused: number;
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
  readonly totals: ServeTotals = { connections: 0, refused: 0, bytesIn: 0, bytesOut: 0 };
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
    if (this.#options.once === true && this.totals.connections > 0) {
      this.totals.refused++;
      connection.reset();
      return;
    }
    const number = ++this.totals.connections;
    this.#open.add(connection);
    if (this.#options.once === true) void this.#stopListening();
    void this.#run(connection, number);
  }

  async #run(connection: StreamConnection, number: number): Promise<void> {
    const remote = formatEndpoint(connection.remote);
    const started = performance.now();
    const { logger } = this.#options;
    const { fd } = connection;
    logger.log('info', { event: 'accept', fd, connection: number, remote, local: formatEndpoint(connection.local) });
    try {
      await this.#options.handler(connection, number);
    } catch (error) {
      this.#logError(error, number, remote);
    }
    connection.destroy();
    await connection.closed;
    const { bytesIn, bytesOut } = connection;
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

/** Sends everything back; the end of the client's half ends ours. */
export const echo: ConnectionHandler = async (connection) => {
  if (connection.pump !== undefined) return connection.pump.echo();
  const { duplex } = connection;
  return new Promise((resolve, reject) => {
    duplex.once('error', reject);
    duplex.once('close', () => resolve());
    duplex.pipe(duplex);
  });
};

/** Reads everything and keeps nothing; the end of the client's half ends ours. */
export const discard: ConnectionHandler = async (connection) => {
  if (connection.pump !== undefined) return connection.pump.discard();
  const { duplex } = connection;
  return new Promise((resolve, reject) => {
    duplex.once('error', reject);
    duplex.once('end', () => duplex.end(() => resolve()));
    duplex.once('close', () => resolve());
    duplex.resume();
  });
};
