/** One open file of a capture: whole pieces, in order, and never a part of one by choice. */
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { takesAll } from '../../../src/socket/descriptor-kind.js';

const write = promisify(fs.write);
const close = promisify(fs.close);
const fdatasync = promisify(fs.fdatasync);
const sleep = promisify(setTimeout);

const STDOUT = 1;
const RETRY_MS = 2;

export class FileOutput {
  readonly name: string;
  /** Packets that it was given. */
  packets = 0;
  /** Bytes that it was given, before compression, and how many of them are written. */
  given = 0;
  written = 0;
  #fd: number | undefined;
  /** Bytes of whole pieces that the file holds. */
  #committed = 0;

  /** @param fd where it is open already */
  constructor(name: string, fd?: number) {
    this.name = name;
    this.#fd = fd;
  }

  /** Bytes of whole pieces that are written. */
  get size(): number {
    return this.#committed;
  }

  opened(fd: number): void {
    this.#fd = fd;
  }

  /** Whether it takes whatever it is given, as files do, and pipes don't. */
  get isFile(): boolean {
    return this.#fd !== undefined && takesAll(this.#fd);
  }

  /**
   * Writes all of a piece; what a full disk has taken of it is cut off again, so that the file stays readable.
   *
   * @throws the error of write(2)
   */
  async write(bytes: Uint8Array): Promise<void> {
    const fd = this.#fd;
    if (fd === undefined) return;
    let done = 0;
    while (done < bytes.length) {
      try {
        done += (await write(fd, bytes, done, bytes.length - done, null)).bytesWritten;
      } catch (error) {
        // Whoever shares the pipe may have made it non-blocking.
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') await sleep(RETRY_MS);
        else {
          if (done > 0) this.#cutPartialPiece(fd);
          throw error;
        }
      }
    }
    this.#committed += bytes.length;
  }

  /** What is written is on the disk; pipes and terminals have none. */
  async sync(): Promise<void> {
    try {
      if (this.#fd !== undefined) await fdatasync(this.#fd);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined && fd !== STDOUT) await close(fd);
  }

  #cutPartialPiece(fd: number): void {
    try {
      if (fs.fstatSync(fd).isFile() && fd !== STDOUT) fs.ftruncateSync(fd, this.#committed);
    } catch {
      // The failure that is reported is the write's.
    }
  }
}
