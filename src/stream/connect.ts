/**
 * A stream client: the addresses of a name raced as Happy Eyeballs has it (RFC 8305), and tried again where that is
 * wanted.
 */
import { SockctlError, toSockctlError, UsageError } from '../errors.js';
import type { Logger } from '../log/events.js';
import type { OptionSetting } from '../options/settings.js';
import { type Endpoint, formatEndpoint } from '../sockaddr/endpoint.js';
import type { Backend, StreamConnection } from '../socket/port.js';

export interface ConnectStreamOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /** Own addresses to choose from; the one of the target's family is bound. */
  readonly source?: readonly Endpoint[] | undefined;
  /** Milliseconds for all addresses together, of each try. */
  readonly timeoutMs?: number | undefined;
  /** How often it is tried again after a failure that may pass, with a growing pause in between. */
  readonly retries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** RFC 8305 section 8: the Connection Attempt Delay. */
const ATTEMPT_DELAY_MS = 250;
/** The pause before the first retry; each further one is twice as long, up to the longest. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** What may be otherwise a moment later: a server that starts, a network that comes back. */
const PASSING: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EAGAIN',
  'ENOENT',
  'TIMEOUT',
]);

/**
 * Connects to the first of `targets` that answers: each is given a quarter of a second before the next is tried beside
 * it, the families taking turns.
 *
 * @throws SocketError of the last attempt; SockctlError TIMEOUT; the signal's reason
 */
export async function connectStream(
  targets: readonly Endpoint[],
  options: ConnectStreamOptions,
): Promise<StreamConnection> {
  const { retries = 0, logger, signal } = options;
  let pause = FIRST_PAUSE_MS;
  for (let attempt = 0; ; attempt++) {
    try {
      return await connectOnce(targets, options);
    } catch (error) {
      signal?.throwIfAborted();
      const known = toSockctlError(error);
      if (attempt >= retries || !PASSING.has(known.code)) throw error;
      const message = `${known.message}: trying again in ${pause} ms, ${retries - attempt} times at most`;
      logger.log('info', { event: 'notice', message });
      await sleep(pause, signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }
}

async function connectOnce(targets: readonly Endpoint[], options: ConnectStreamOptions): Promise<StreamConnection> {
  const timeout = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
  try {
    return await race(familiesInTurn(targets), {
      ...options,
      signal: AbortSignal.any([options.signal, timeout].filter((signal) => signal !== undefined)),
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (timeout?.aborted !== true) throw error;
    const text = targets.map(formatEndpoint).join(', ');
    throw new SockctlError('TIMEOUT', { what: `connect ${text}: no answer in ${options.timeoutMs} ms` });
  }
}

/** RFC 8305 section 4: the first address stays first, then the families alternate, each in its own order. */
function familiesInTurn(targets: readonly Endpoint[]): Endpoint[] {
  const first = targets[0]?.family;
  const [same, other] = [targets.filter((t) => t.family === first), targets.filter((t) => t.family !== first)];
  const order: Endpoint[] = [];
  for (let i = 0; i < Math.max(same.length, other.length); i++) {
    for (const target of [same[i], other[i]]) if (target !== undefined) order.push(target);
  }
  return order;
}

/** Starts one attempt after the other; the first connection ends all others. */
function race(targets: readonly Endpoint[], options: ConnectStreamOptions): Promise<StreamConnection> {
  return new Promise((resolve, reject) => {
    const { logger, signal } = options;
    const losers = new AbortController();
    let next = 0;
    let running = 0;
    let timer: NodeJS.Timeout | undefined;
    let last: unknown = new UsageError('connect: no address to connect to');
    let over = false;
    const finish = (settle: () => void) => {
      over = true;
      clearTimeout(timer);
      losers.abort(new DOMException('another address answered first', 'AbortError'));
      signal?.removeEventListener('abort', abort);
      settle();
    };
    const abort = () => finish(() => reject(signal?.reason));
    const start = () => {
      clearTimeout(timer);
      const target = targets[next++];
      if (target === undefined) {
        if (running === 0) finish(() => reject(last));
        return;
      }
      if (targets.length > 1) {
        const message = `attempt ${next} of ${targets.length}: ${formatEndpoint(target)}`;
        logger.log('debug', { event: 'notice', message });
      }
      running++;
      if (next < targets.length) timer = setTimeout(start, ATTEMPT_DELAY_MS);
      attempt(target, { ...options, signal: losers.signal }).then(
        (connection) => {
          if (over) connection.destroy();
          else finish(() => resolve(connection));
        },
        (error: unknown) => {
          running--;
          if (over) return;
          last = error;
          start();
        },
      );
    };
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    return start();
  });
}

async function attempt(target: Endpoint, options: ConnectStreamOptions): Promise<StreamConnection> {
  const { logger, settings = [], signal } = options;
  const source = options.source?.find((endpoint) => endpoint.family === target.family);
  if (options.source !== undefined && source === undefined) {
    throw new UsageError(`connect ${formatEndpoint(target)}: the source address is of another family`);
  }
  const connection = await options.backend.connect(target, { settings, logger, source, signal });
  const { fd } = connection;
  void connection.closed.then(() => {
    const { bytesIn, bytesOut } = connection;
    logger.log('debug', { event: 'close', fd, connection: 1, remote: formatEndpoint(target), bytesIn, bytesOut });
  });
  return connection;
}

/** @throws the signal's reason */
function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
