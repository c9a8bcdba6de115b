/** A stream client: the addresses of a name tried in turn, socket, connect. */
import { SockctlError, UsageError } from '../errors.js';
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
  /** Milliseconds for all attempts together. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects to the first of `targets` that answers.
 *
 * @throws SocketError of the last attempt; SockctlError TIMEOUT; the signal's reason
 */
export async function connectStream(
  targets: readonly Endpoint[],
  options: ConnectStreamOptions,
): Promise<StreamConnection> {
  const timeout = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([options.signal, timeout].filter((s) => s !== undefined));
  let last: unknown = new UsageError('connect: no address to connect to');
  for (const target of targets) {
    const source = options.source?.find((endpoint) => endpoint.family === target.family);
    if (options.source !== undefined && source === undefined) {
      last = new UsageError(`connect ${formatEndpoint(target)}: the source address is of another family`);
      continue;
    }
    try {
      const connection = await options.backend.connect(target, {
        settings: options.settings ?? [],
        logger: options.logger,
        source,
        signal,
      });
      const { fd } = connection;
      void connection.closed.then(() => {
        const { bytesIn, bytesOut } = connection;
        const remote = formatEndpoint(target);
        options.logger.log('debug', { event: 'close', fd, connection: 1, remote, bytesIn, bytesOut });
      });
      return connection;
    } catch (error) {
      if (options.signal?.aborted === true) throw options.signal.reason;
      if (timeout?.aborted === true) {
        throw new SockctlError('TIMEOUT', {
          what: `connect ${formatEndpoint(target)}: no answer in ${options.timeoutMs} ms`,
        });
      }
      last = error;
    }
  }
  throw last;
}
