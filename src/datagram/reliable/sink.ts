/**
 * Where the data of a reliable transfer goes. A file is written beside its place, as NAME.part, and gets its name only
 * when all of it is there and right; what is left of an interrupted transfer is where the next one goes on.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, read, renameSync, rmSync, write } from 'node:fs';
import { SockctlError, toSockctlError } from '../../errors.js';

export interface ReliableSink {
  /** Who else goes to the same place: one transfer at a time. */
  readonly key: string;
  /** For the log. */
  readonly name: string;
  /**
   * Looks at what is there already.
   *
   * @param anew whether that is of no use, and is dropped
   * @returns how many bytes there are
   */
  prepare(anew: boolean): Promise<number>;
  /** Keeps bytes after those before; they are the caller's again when this resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** SHA-256 of all that is there. */
  digest(): Uint8Array;
  /** All is there and right. */
  commit(): Promise<void>;
  /** Lets go; what is there stays, unless it is known to be `wrong`. */
  close(wrong?: boolean): void;
}

const BLOCK = 1 << 20;
/** What others put there to be followed, in a folder of everybody's, is not. */
const PART_FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/**
 * A file at `path`.
 *
 * @throws SocketError where it can't be written
 */
export function fileSink(path: string, name: string): ReliableSink {
  return new FileSink(path, name);
}

class FileSink implements ReliableSink {
  readonly key: string;
  readonly name: string;
  readonly #path: string;
  readonly #part: string;
  readonly #file: number;
  #hash = createHash('sha256');
  #length = 0;
  #closed = false;

  constructor(path: string, name: string) {
    this.key = path;
    this.name = name;
    this.#path = path;
    this.#part = `${path}.part`;
    try {
      this.#file = openSync(this.#part, PART_FLAGS, 0o666);
    } catch (error) {
      throw toSockctlError(error, this.#part);
    }
  }

  async prepare(anew: boolean): Promise<number> {
    const hash = createHash('sha256');
    try {
      if (anew) ftruncateSync(this.#file, 0);
      const length = fstatSync(this.#file).size;
      const block = Buffer.allocUnsafeSlow(BLOCK);
      for (let at = 0; at < length; ) {
        const count = await this.#read(block, Math.min(BLOCK, length - at), at);
        if (count === 0) break;
        hash.update(block.subarray(0, count));
        at += count;
      }
      this.#hash = hash;
      this.#length = length;
      return length;
    } catch (error) {
      throw toSockctlError(error, this.#part);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    const put = () =>
      new Promise<number>((resolve, reject) => {
        // Opened to append: where it is written is where it ends.
        write(this.#file, bytes, at, bytes.length - at, null, (error, count) =>
          error === null ? resolve(count) : reject(toSockctlError(error, this.#part)),
        );
      });
    let writing = put();
    // While another thread writes.
    this.#hash.update(bytes);
    at = await writing;
    while (at < bytes.length) {
      writing = put();
      at += await writing;
    }
    this.#length += bytes.length;
  }

  digest(): Uint8Array {
    return this.#hash.copy().digest();
  }

  async commit(): Promise<void> {
    try {
      renameSync(this.#part, this.#path);
    } catch (error) {
      throw toSockctlError(error, this.#path);
    }
    this.#length = 0;
    this.#closed = true;
    closeSync(this.#file);
  }

  close(wrong = false): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
    if (wrong || this.#length === 0) rmSync(this.#part, { force: true });
  }

  #read(block: Uint8Array, length: number, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#file, block, 0, length, at, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }
}

/**
 * A stream, such as stdout. What is gone is gone: a second transfer can only go on after it.
 *
 * @param deliver copies what it keeps: the bytes are only lent until it returns
 */
export function streamSink(name: string, deliver: (bytes: Uint8Array) => void | Promise<void>): ReliableSink {
  const hash = createHash('sha256');
  let given = 0;
  return {
    key: name,
    name,
    prepare: async (anew) => {
      if (anew && given > 0)
        throw new SockctlError('DELIVERY', { what: `${name}: the beginning of something else is written already` });
      return given;
    },
    write: async (bytes) => {
      given += bytes.length;
      hash.update(bytes);
      await deliver(bytes);
    },
    digest: () => hash.copy().digest(),
    commit: async () => undefined,
    close: () => undefined,
  };
}
