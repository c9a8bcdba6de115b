/** What a server does with a connection: one function for each behaviour, each from accept to the connection's end. */
import { spawn } from 'node:child_process';
import { createReadStream, fstatSync, openSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { UsageError } from '../errors.js';
import { type Endpoint, endpointRecord, formatEndpoint } from '../sockaddr/endpoint.js';
import type { StreamConnection } from '../socket/port.js';
import { type ConnectStreamOptions, connectStream } from './connect.js';
import { endHalf, receiveAll, sendAll, sendChunk } from './transfer.js';

/** What goes on with one accepted connection, from accept to its end; a failure ends that connection only. */
export type ConnectionHandler = (connection: StreamConnection, number: number) => Promise<void>;

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

/** RFC 864: lines of 72 printable characters, each beginning one further on. */
const CHARGEN = Buffer.from(
  Array.from(
    { length: 95 },
    (_, line) => `${Array.from({ length: 72 }, (_, i) => String.fromCharCode(32 + ((line + i) % 95))).join('')}\r\n`,
  ).join(''),
);

/** Sends the character pattern of RFC 864 until the client closes; what it sends is dropped. */
export const generate: ConnectionHandler = async (connection) => {
  const dropping = discardInput(connection);
  const { pump } = connection;
  const sending =
    pump === undefined ? untilClosed(connection, () => sendChunk(connection, CHARGEN, {})) : pump.generate(CHARGEN);
  await sending.catch(peerIsGone);
  await dropping;
};

/**
 * Sends the file from its beginning, then ends; what the client sends is dropped. The file is opened once, now: who the
 * server becomes later may not be allowed to.
 *
 * @throws the system's error when it can't be opened; UsageError for what is no regular file
 */
export function sendFile(path: string): ConnectionHandler {
  const file = openSync(path, 'r');
  if (!fstatSync(file).isFile()) throw new UsageError(`${path}: not a regular file`, 'name a file to send');
  return async (connection) => {
    const dropping = discardInput(connection);
    if (connection.pump === undefined) {
      const options = { fd: file, start: 0, autoClose: false, highWaterMark: 1 << 18 };
      await sendAll(connection, createReadStream(path, options));
    } else {
      await connection.pump.sendFile(file, 0);
      connection.pump.shutdown();
    }
    await dropping;
  };
}

/** Writes what each client sends into a file of its own in `folder`, named after the number and the client. */
export function saveTo(folder: string): ConnectionHandler {
  return async (connection, number) => {
    await mkdir(folder, { recursive: true });
    const file = await createNew(folder, `${String(number).padStart(6, '0')}-${fileName(connection.remote)}`);
    const out = file.createWriteStream({ highWaterMark: 1 << 20 });
    let failure: Error | undefined;
    out.once('error', (error) => {
      failure = error;
      connection.destroy();
    });
    try {
      await receiveAll(connection, (chunk) => writeTo(out, Buffer.from(chunk)), { pump: true });
    } finally {
      if (failure === undefined) {
        out.end();
        await finished(out).catch((error: Error) => {
          failure = error;
        });
      }
    }
    if (failure !== undefined) throw failure;
  };
}

/** A file that was not there before: an earlier run's are not written over. */
async function createNew(folder: string, name: string): Promise<FileHandle> {
  for (let copy = 0; ; copy++) {
    try {
      return await open(join(folder, copy === 0 ? name : `${name}.${copy}`), 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || copy > 10_000) throw error;
    }
  }
}

/** An endpoint as a part of a file's name. */
function fileName(endpoint: Endpoint): string {
  return formatEndpoint(endpoint).replace(/[^\w.-]+/g, '_');
}

/** A promise while more is waiting to be written than should be. */
function writeTo(out: Writable, chunk: Uint8Array): Promise<void> | void {
  if (out.destroyed || out.write(chunk)) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      out.off('drain', done).off('close', done);
      resolve();
    };
    out.once('drain', done).once('close', done);
  });
}

/** Joins each client with a connection of its own to one of `targets`, both halves each way. */
export function proxyTo(targets: readonly Endpoint[], options: ConnectStreamOptions): ConnectionHandler {
  return async (connection) => {
    const upstream = await connectStream(targets, options);
    try {
      await Promise.all([forward(connection, upstream), forward(upstream, connection)]);
    } finally {
      upstream.destroy();
      connection.destroy();
    }
  };
}

/** Everything from one to the other, then the end of that half. */
async function forward(from: StreamConnection, to: StreamConnection): Promise<void> {
  try {
    await receiveAll(from, (chunk) => sendChunk(to, chunk, { pump: true }), { pump: true });
    endHalf(to, { pump: true });
  } catch (error) {
    // One side has failed: the other has nobody to talk to.
    from.destroy();
    to.destroy();
    throw error;
  }
}

/**
 * Runs `command` with sh(1) for each client, its stdin and stdout being the connection. The addresses are in
 * SOCKCTL_REMOTE_ADDRESS, _PORT, SOCKCTL_LOCAL_ADDRESS, _PORT and SOCKCTL_CONNECTION; stderr is the server's own.
 */
export function runCommand(command: string): ConnectionHandler {
  return async (connection, number) => {
    const child = spawn('/bin/sh', ['-c', command], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...process.env,
        SOCKCTL_CONNECTION: String(number),
        ...addressVariables('REMOTE', connection.remote),
        ...addressVariables('LOCAL', connection.local),
      },
    });
    const exited = new Promise<void>((resolve, reject) => {
      child.once('error', reject).once('close', () => resolve());
    });
    exited.catch(() => undefined);
    // A client that goes away takes its command along, as the end of a terminal would.
    const hangUp = () => child.kill('SIGHUP');
    void connection.closed.then(hangUp);
    // A command that does not read its input, or ends first, closes it: that is no failure.
    child.stdin.on('error', () => undefined);
    const input = receiveAll(connection, (chunk) => writeTo(child.stdin, Buffer.from(chunk)), {
      pump: true,
    }).finally(() => child.stdin.end());
    // Its failure closes the connection, which ends the output too.
    input.catch(() => undefined);
    const output = sendAll(connection, child.stdout, { pump: true });
    try {
      await output;
      // What the command still says after the client has gone is for nobody, but it must not get stuck with it.
      child.stdout.resume();
      await exited;
    } finally {
      connection.destroy();
      await input.catch(() => undefined);
    }
  };
}

function addressVariables(which: string, endpoint: Endpoint): Record<string, string> {
  const { address, port } = endpointRecord(endpoint);
  return {
    [`SOCKCTL_${which}_ADDRESS`]: address,
    ...(port === undefined ? {} : { [`SOCKCTL_${which}_PORT`]: String(port) }),
  };
}

/** Reads and drops beside something else; the peer's failure is told by what is sent to it. */
async function discardInput(connection: StreamConnection): Promise<void> {
  if (connection.pump !== undefined) return connection.pump.discard().catch(peerIsGone);
  connection.duplex.resume();
}

/** Repeats `send` while the connection is open. */
async function untilClosed(connection: StreamConnection, send: () => Promise<void>): Promise<void> {
  let open = true;
  void connection.closed.then(() => {
    open = false;
  });
  while (open) await send();
}

/** A client that has seen enough closes, and resets when more is on its way: that is how such a connection ends. */
function peerIsGone(error: unknown): void {
  const { code } = error as { code?: unknown };
  if (code !== 'ECONNRESET' && code !== 'EPIPE' && code !== 'ERR_STREAM_DESTROYED') throw error;
}
