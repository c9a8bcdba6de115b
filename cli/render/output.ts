/**
 * What goes to stdout. Writes happen in the background, in order, so that a slow reader holds back the one command
 * that waits for it and not the whole process; what can't be written ends the command, with one line about why.
 */
import { write as fsWrite, writeSync } from 'node:fs';
import { type SockctlError, SocketError } from '../../src/errors.js';
import { descriptorKind, takesAll } from '../../src/socket/descriptor-kind.js';

/** Bytes that may wait before `write` asks its caller to wait. */
const HIGH_WATER = 256 * 1024;

export class Output {
  readonly #fd: number;
  readonly #failing = new AbortController();
  #queue: Uint8Array[] = [];
  #queued = 0;
  #written = 0;
  #writing = false;
  #givenUp = false;
  #failure: SockctlError | undefined;
  #waiters: (() => void)[] = [];

  /** What it goes to: pipes can be spliced into. */
  readonly kind: 'file' | 'pipe' | 'other';
  readonly #takesAll: boolean;

  constructor(fd: number) {
    this.#fd = fd;
    this.kind = descriptorKind(fd);
    this.#takesAll = takesAll(fd);
  }

  /** Fires when stdout can't be written to any more. */
  get failing(): AbortSignal {
    return this.#failing.signal;
  }

  get failure(): SockctlError | undefined {
    return this.#failure;
  }

  /** Bytes that are not written yet, or never will be. */
  get pending(): number {
    return this.#queued;
  }

  /** Bytes that are written. */
  get written(): number {
    return this.#written;
  }

  /** Nobody waits any more for what is not written, and nothing is added to it. */
  giveUp(): void {
    this.#givenUp = true;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /**
   * Queues bytes or text; returns a promise to wait for when there is much in the queue already.
   *
   * The bytes are kept until they are written: copy what will change.
   */
  write(data: Uint8Array | string): void | Promise<void> {
    if (this.#failure !== undefined) return;
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    if (bytes.length === 0) return;
    this.#queued += bytes.length;
    if (this.#givenUp) return;
    this.#queue.push(bytes);
    if (!this.#writing) this.#next();
    return this.#queued > HIGH_WATER ? this.flush() : undefined;
  }

  /**
   * Writes a chunk whose memory is its owner's again when this returns: straight into a file, otherwise as a copy of it.
   */
  writeBorrowed(chunk: Uint8Array): void | Promise<void> {
    if (!this.#takesAll || this.#queued > 0) return this.write(Buffer.from(chunk));
    if (this.#failure !== undefined) return undefined;
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at);
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException);
    }
    return undefined;
  }

  /** Whoever wrote into the pipe instead has been refused. */
  refused(error: SocketError): void {
    this.#fail(error);
  }

  line(text: string): void | Promise<void> {
    return this.write(`${text}\n`);
  }

  /** One NDJSON record. */
  record(record: object): void | Promise<void> {
    return this.line(JSON.stringify(record, jsonValue));
  }

  /** Waits until everything is written, or can't be. */
  flush(): Promise<void> {
    if (this.#queued === 0 || this.#failure !== undefined || this.#givenUp) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #next(): void {
    const chunk = this.#queue.length === 1 ? this.#queue[0] : Buffer.concat(this.#queue);
    this.#queue = [];
    if (chunk === undefined) return;
    this.#writing = true;
    this.#attempt(chunk);
  }

  #attempt(chunk: Uint8Array): void {
    fsWrite(this.#fd, chunk, (error, written) => {
      if (error !== null && error.code !== 'EAGAIN') return this.#fail(error);
      const done = error === null ? written : 0;
      this.#written += done;
      this.#queued -= done;
      if (done < chunk.length) {
        // A reader of a non-blocking pipe that is behind; a timer is all that fs offers to wait for it.
        if (done === 0) setTimeout(() => this.#attempt(chunk), 1);
        else this.#attempt(chunk.subarray(done));
        return undefined;
      }
      this.#writing = false;
      if (this.#queue.length > 0) this.#next();
      else for (const wake of this.#waiters.splice(0)) wake();
      return undefined;
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    const code = error.code ?? 'EIO';
    this.#failure = new SocketError({
      syscall: 'write',
      code,
      errno: Math.abs(error.errno ?? 0),
      address: 'stdout',
      cause: error,
    });
    this.#queue = [];
    this.#queued = 0;
    this.#failing.abort(this.#failure);
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** Values that JSON lacks: bytes become base64, large integers text. */
function jsonValue(this: Record<string, unknown>, key: string, value: unknown): unknown {
  // A Buffer has made an object of itself by now.
  const raw = this[key];
  if (raw instanceof Uint8Array) return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('base64');
  return typeof value === 'bigint' ? value.toString() : value;
}
