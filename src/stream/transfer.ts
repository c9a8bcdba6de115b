/**
 * Moving bytes between a connection and the program, with back-pressure in both directions.
 *
 * What the peer's data is worth: every byte that reached this machine is delivered, also when the connection fails
 * afterwards, be it in Node's buffer or still in the kernel's.
 */
import type { Readable } from 'node:stream';
import { type SockctlError, toSockctlError } from '../errors.js';
import { formatEndpoint } from '../sockaddr/endpoint.js';
import { descriptorKind } from '../socket/descriptor-kind.js';
import type { Deliver, StreamConnection, StreamPump } from '../socket/port.js';

/** The most that is read out of the kernel after a connection has failed: its largest receive buffer. */
const RESCUE_LIMIT = 64 << 20;

export interface TransferOptions {
  /** Goes through the connection's pump where it has one; both directions must agree on it. */
  readonly pump?: boolean;
}

export interface ReceiveOptions extends TransferOptions {
  /**
   * A pipe that takes what comes instead of `deliver`, where the connection can do that by itself; there it is an error
   * EPIPE when nobody reads from the pipe any more.
   */
  readonly pipe?: number | undefined;
}

export interface SendOptions extends TransferOptions {
  /** Called with each chunk as it is handed to the socket; without it, files and pipes go without passing through. */
  readonly onChunk?: ((chunk: Uint8Array) => void) | undefined;
}

/**
 * Delivers what the peer sends until it shuts its half down.
 *
 * @throws SocketError when the connection fails, after everything that had arrived is delivered; whatever `deliver`
 *   throws, after the connection is destroyed
 */
export async function receiveAll(
  connection: StreamConnection,
  deliver: Deliver,
  options: ReceiveOptions = {},
): Promise<void> {
  const pump = options.pump === true ? connection.pump : undefined;
  if (pump === undefined) return receiveStream(connection, deliver);
  try {
    return await (options.pipe === undefined ? pump.receive(deliver) : pump.receiveInto(options.pipe));
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

async function receiveStream(connection: StreamConnection, deliver: Deliver): Promise<void> {
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
    // It may have failed or ended before anybody asked.
    if (duplex.errored) return resolve(toSockctlError(duplex.errored, formatEndpoint(connection.remote)));
    if (duplex.destroyed || duplex.readableEnded) return resolve(undefined);
    duplex.on('data', onData);
    duplex.resume();
    return undefined;
  });
  duplex.off('data', onData);
  const rescued = failure === undefined ? [] : leftovers(connection);
  // A TLS session that the peer has ended with an alert would stay open otherwise.
  if (failure !== undefined) connection.destroy();
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
 * @throws what the input fails with; with a pump, SocketError when the peer takes no more
 */
export function sendAll(connection: StreamConnection, input: Readable, options: SendOptions = {}): Promise<void> {
  const pump = options.pump === true ? connection.pump : undefined;
  return pump === undefined
    ? sendStream(connection, input, options.onChunk)
    : sendPumped(connection, pump, input, options.onChunk);
}

async function sendPumped(
  connection: StreamConnection,
  pump: StreamPump,
  input: Readable & { readonly fd?: unknown },
  onChunk: SendOptions['onChunk'],
): Promise<void> {
  const kind = onChunk === undefined ? descriptorKind(input.fd) : 'other';
  // What a stream has read already is no longer in its pipe.
  if (kind === 'file') await pump.sendFile(input.fd as number);
  else if (kind === 'pipe' && input.readableLength === 0) await pump.sendPipe(input.fd as number);
  else await pumpChunks(connection, pump, input, onChunk);
  pump.shutdown();
}

/** One chunk after the other: the next is asked for when the kernel has taken the last. */
function pumpChunks(
  connection: StreamConnection,
  pump: StreamPump,
  input: Readable,
  onChunk: SendOptions['onChunk'],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sending: Promise<void> = Promise.resolve();
    const finish = (then: () => void) => {
      input.off('data', onData).off('end', onEnd).off('error', onError);
      input.pause();
      then();
    };
    const onData = (chunk: Uint8Array) => {
      input.pause();
      onChunk?.(chunk);
      sending = pump.send(chunk);
      sending.then(
        () => input.resume(),
        (error: unknown) => finish(() => reject(error)),
      );
    };
    const onEnd = () => finish(() => void sending.then(resolve, reject));
    const onError = (error: Error) => finish(() => reject(error));
    input.on('data', onData).once('end', onEnd).once('error', onError);
    void connection.closed.then(() => finish(resolve));
    // An input that has ended before says nothing any more.
    if (input.readableEnded) onEnd();
    else input.resume();
  });
}
function sendStream(connection: StreamConnection, input: Readable, onChunk: SendOptions['onChunk']): Promise<void> {
  const { duplex } = connection;
  return new Promise((resolve, reject) => {
    const onData = (chunk: Uint8Array) => {
      onChunk?.(chunk);
      if (!duplex.write(chunk)) input.pause();
    };
    const onDrain = () => input.resume();
    const finish = (then: () => void) => {
      input.off('data', onData).off('end', onEnd).off('error', onError);
      duplex.off('drain', onDrain).off('close', onClose);
      then();
    };
    // A stream that is destroyed never says that it has ended, only that it is closed.
    const onEnd = () => (duplex.destroyed ? onClose() : void duplex.end(() => finish(resolve)));
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

/**
 * Sends one chunk, whose memory may be used again when this returns; resolves when the next one is welcome.
 *
 * @throws SocketError when the peer takes no more
 */
export function sendChunk(connection: StreamConnection, chunk: Uint8Array, options: TransferOptions): Promise<void> {
  if (options.pump === true && connection.pump !== undefined) return connection.pump.send(chunk);
  const { duplex } = connection;
  return new Promise((resolve, reject) => {
    // A stream keeps the chunk until it is written.
    duplex.write(Uint8Array.from(chunk), (error) =>
      error === null || error === undefined ? resolve() : reject(error),
    );
  });
}

/** shutdown(2) of the writing half, after what is being sent. */
export function endHalf(connection: StreamConnection, { pump }: TransferOptions): void {
  if (pump === true && connection.pump !== undefined) connection.pump.shutdown();
  else connection.duplex.end();
}
