/** Writes packets to a capture file or to standard output: few, large writes, and never a part of a packet by choice. */
import * as fs from 'node:fs';
import { cpus, machine, release, type as systemType } from 'node:os';
import { promisify } from 'node:util';
import { type SockctlError, SocketError, toSockctlError } from '../../src/errors.js';
import { ByteWriter } from '../format/bytes.js';
import { type CaptureFormat, openWriter } from '../format/open.js';
import type { SectionText } from '../format/pcapng-writer.js';
import type { CaptureWriter } from '../format/port.js';
import type { CapturedPacket, CaptureInterface, OtherBlock } from '../record.js';
import type { CaptureSink } from '../sink.js';
import type { CaptureStatistics } from '../source.js';

export interface FileSinkOptions {
  /** Default pcapng. */
  readonly format?: CaptureFormat | undefined;
  /** Write each batch at once; otherwise packets wait for 100 ms at most. */
  readonly unbuffered?: boolean | undefined;
  /** What the section header of a pcapng file says; default this machine and `sockctl`. */
  readonly section?: SectionText | undefined;
}

const FLUSH_BYTES = 256 * 1024;
const FLUSH_MS = 100;
const RETRY_MS = 2;

const write = promisify(fs.write);
const close = promisify(fs.close);
const sleep = promisify(setTimeout);

/**
 * Opens the file, which is emptied; `-` is standard output.
 *
 * @throws SocketError when it can't be opened
 */
export async function openFileSink(path: string, options: FileSinkOptions = {}): Promise<CaptureSink> {
  const { format = 'pcapng', unbuffered = false, section = thisMachine() } = options;
  const writer = openWriter(format, section);
  if (path === '-') return new FileSink(1, 'stdout', writer, unbuffered);
  try {
    return new FileSink(await promisify(fs.open)(path, 'w', 0o666), path, writer, unbuffered);
  } catch (error) {
    throw toSockctlError(error, path);
  }
}

function thisMachine(): SectionText {
  const model = cpus()[0]?.model.trim();
  return {
    hardware: model === undefined || model === '' || model === 'unknown' ? machine() : model,
    operatingSystem: `${systemType()} ${release()}`,
    application: 'sockctl',
  };
}

class FileSink implements CaptureSink {
  readonly #fd: number;
  readonly #name: string;
  readonly #writer: CaptureWriter;
  readonly #unbuffered: boolean;
  readonly #failed = new AbortController();
  #filling = new ByteWriter(2 * FLUSH_BYTES);
  #spare = new ByteWriter(2 * FLUSH_BYTES);
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes of whole packets that the file holds. */
  #committed = 0;
  #failure: SockctlError | undefined;

  constructor(fd: number, name: string, writer: CaptureWriter, unbuffered: boolean) {
    this.#fd = fd;
    this.#name = name;
    this.#writer = writer;
    this.#unbuffered = unbuffered;
  }

  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** The head goes out at once: a reader at the other end of a pipe waits for it. */
  async open(interfaces: readonly CaptureInterface[]): Promise<void> {
    this.#writer.open(this.#filling, interfaces);
    await this.#flush();
  }

  /** @throws SocketError ENOSPC, EPIPE, …; UsageError for what the format can't hold */
  write(batch: readonly CapturedPacket[]): void | Promise<void> {
    for (let index = 0; index < batch.length; index++) {
      if (this.#failure !== undefined) throw this.#failure;
      this.#writer.packet(this.#filling, batch[index] as CapturedPacket);
      // One buffer is on its way while the next is filled; when both are full, the source waits.
      if (this.#filling.length >= FLUSH_BYTES) {
        if (this.#writing !== undefined) return this.#flush().then(() => this.write(batch.slice(index + 1)));
        this.#flush().catch(() => undefined);
      }
    }
    if (this.#unbuffered) return this.#flush();
    if (this.#filling.length > 0 && this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#flush().catch(() => undefined), FLUSH_MS);
    }
    return undefined;
  }

  writeBlocks(blocks: readonly OtherBlock[]): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#writer.blocks?.(this.#filling, blocks);
    if (this.#filling.length >= FLUSH_BYTES) return this.#flush();
  }

  async close(statistics: CaptureStatistics, trailing: readonly OtherBlock[] = []): Promise<void> {
    try {
      if (this.#failure === undefined) {
        this.#writer.close(this.#filling, statistics, trailing);
        await this.#flush();
      }
      await this.#writing;
    } finally {
      clearTimeout(this.#timer);
      if (this.#fd !== 1) await close(this.#fd);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Everything encoded so far is written when this resolves. */
  async #flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#filling.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const full = this.#filling;
    this.#filling = this.#spare;
    this.#spare = full;
    this.#writing = this.#writeAll(full.written());
    try {
      await this.#writing;
    } finally {
      this.#writing = undefined;
      full.clear();
    }
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      try {
        done += (await write(this.#fd, bytes, done, bytes.length - done, null)).bytesWritten;
      } catch (error) {
        // Whoever shares the pipe may have made it non-blocking.
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') await sleep(RETRY_MS);
        else throw this.#fail(error, done > 0);
      }
    }
    this.#committed += bytes.length;
  }

  #fail(error: unknown, partly: boolean): SockctlError {
    const { code = 'EIO', errno = 0 } = error as NodeJS.ErrnoException;
    const init = { syscall: 'write', code, errno: Math.abs(errno), address: this.#name, cause: error };
    this.#failure = new SocketError(init);
    if (partly) this.#cutPartialPacket();
    this.#failed.abort(this.#failure);
    return this.#failure;
  }

  /** A file that ran out of space ends with a whole packet, and stays readable. */
  #cutPartialPacket(): void {
    try {
      if (fs.fstatSync(this.#fd).isFile() && this.#fd !== 1) fs.ftruncateSync(this.#fd, this.#committed);
    } catch {
      // The failure that is reported is the write's.
    }
  }
}
