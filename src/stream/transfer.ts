/**
 * Moving bytes between a connection and the program, with back-pressure in both directions.
 *
 * What the peer's data is worth: every byte that reached this machine is delivered, also when the connection fails
 * afterwards, be it in Node's buffer or still in the kernel's.
 */
import type { Readable } from 'node:stream';
import { type SockctlError, toSockctlError } from '../errors.js';
import { formatEndpoint } from '../sockaddr/endpoint.js';
import type { StreamConnection } from '../socket/port.js';

/** Takes a chunk; a promise holds the connection back until it is settled. */
export type Deliver = (chunk: Uint8Array) => void | Promise<void>;

/** The most that is read out of the kernel after a connection has failed: its largest receive buffer. */
const RESCUE_LIMIT = 64 << 20;

/**
 * Delivers what the peer sends until it shuts its half down.
 *
 * @throws SocketError when the connection fails, after everything that had arrived is delivered; whatever `deliver`
 *   throws, after the connection is destroyed
 */
export async function receiveAll(connection: StreamConnection, deliver: Deliver): Promise<void> {
  const { duplex } = connection;
  let pending: Promise<void> | undefined;
  let broken: unknown;
  const onData = (chunk: Uint8Array) => {
    const wait = attempt(deliver, chunk);
    if (wait === undefined) return;
    duplex.pause();
    pending = wait.then(
      () => {
        if (!duplex.destroyed) duplex.resume();
      },
      (error: unknown) => {
        broken = error;
        duplex.destroy();
      },
    );
  };
  const failure = await new Promise<SockctlError | undefined>((resolve) => {
    duplex.once('error', (error) => resolve(toSockctlError(error, formatEndpoint(connection.remote))));
    duplex.once('end', () => resolve(undefined));
    duplex.once('close', () => resolve(undefined));
    duplex.on('data', onData);
    duplex.resume();
  });
  duplex.off('data', onData);
  const rescued = failure === undefined ? [] : leftovers(connection);
  await pending;
  if (broken !== undefined) throw broken;
  for (const chunk of rescued) await deliver(chunk);
  if (failure !== undefined) throw failure;
}

/** `deliver`, with its exceptions as rejections. */
function attempt(deliver: Deliver, chunk: Uint8Array): Promise<void> | undefined {
  try {
    return deliver(chunk) ?? undefined;
  } catch (error) {
    return Promise.reject(error);
  }
}

/** What a failed connection still holds: first what Node has read, then what the kernel has received. */
function leftovers(connection: StreamConnection): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk: Uint8Array | null = connection.duplex.read();
    if (chunk === null) break;
    chunks.push(chunk);
  }
  const rest = connection.rescue(RESCUE_LIMIT);
  if (rest.length > 0) chunks.push(rest);
  return chunks;
}

/**
 * Sends what `input` gives, then shuts the writing half down, and waits until the kernel has taken it all.
 *
 * Resolves early, with the input paused, when the connection closes first.
 *
 * @param onSent called with each chunk as it is handed to the socket
 * @throws what the input fails with
 */
export function sendAll(
  connection: StreamConnection,
  input: Readable,
  onSent?: (chunk: Uint8Array) => void,
): Promise<void> {
  const { duplex } = connection;
  return new Promise((resolve, reject) => {
    const onData = (chunk: Uint8Array) => {
      onSent?.(chunk);
      if (!duplex.write(chunk)) input.pause();
    };
    const onDrain = () => input.resume();
    const finish = (then: () => void) => {
      input.off('data', onData).off('end', onEnd).off('error', onError);
      duplex.off('drain', onDrain).off('close', onClose);
      then();
    };
    const onEnd = () => finish(() => duplex.end(() => resolve()));
    const onError = (error: Error) => finish(() => reject(error));
    const onClose = () => {
      input.pause();
      finish(resolve);
    };
    duplex.on('drain', onDrain).once('close', onClose);
    input.on('data', onData).once('end', onEnd).once('error', onError);
    if (duplex.destroyed) return onClose();
    // An input that has ended before says nothing any more.
    if (input.readableEnded) return onEnd();
    input.resume();
    return undefined;
  });
}
