/** A file, standard input, or compressed data as one stream of uncompressed chunks. */
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { SockctlError, toSockctlError } from '../../src/errors.js';
import { openFileStream } from '../../src/socket/file-stream.js';
import { DETECT_LENGTH, detectFormat } from '../format/detect.js';
import { cutFrames } from './zstd-frames.js';

/** What comes out of a decompressor at a time at most. */
const CHUNK = 256 * 1024;

export type Compression = 'gzip' | 'zstd';

export interface Input {
  /** The first bytes, at least DETECT_LENGTH of them unless the file is shorter; {@link chunks} begins with them. */
  readonly start: Uint8Array;
  readonly compression: Compression | null;
  /** Fresh memory each, never written again. */
  readonly chunks: AsyncIterableIterator<Uint8Array>;
  /** Ends a read that waits, for instance on a quiet pipe. */
  destroy(): void;
}

/**
 * Reads the first bytes, which a pipe may let its reader wait for.
 *
 * @param path `-` is standard input
 * @param signal ends the waiting
 * @throws SocketError when it can't be opened or read; SockctlError TRUNCATED_CAPTURE or BAD_CAPTURE when compressed
 *   data is cut or corrupt; the reason of `signal`
 */
export async function openInput(path: string, signal?: AbortSignal): Promise<Input> {
  const name = inputName(path);
  const raw = path === '-' ? process.stdin : await openFileStream(path);
  const plain = new Peeked(raw, name);
  const destroy = (): void => {
    raw.destroy();
  };
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', destroy, { once: true });
    const start = await plain.peek();
    const { kind } = detectFormat(start);
    if (kind !== 'gzip' && kind !== 'zstd') return { start, compression: null, chunks: plain.chunks(), destroy };
    const inflated = new Peeked(await decompress(kind, plain.chunks()), name, kind);
    return { start: await inflated.peek(), compression: kind, chunks: inflated.chunks(), destroy };
  } catch (error) {
    destroy();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', destroy);
  }
}

export function inputName(path: string): string {
  return path === '-' ? 'stdin' : path;
}

async function decompress(kind: Compression, chunks: AsyncIterable<Uint8Array>): Promise<Readable> {
  if (kind === 'gzip') return Readable.from(chunks).pipe(zlib.createGunzip({ chunkSize: CHUNK }));
  const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: object) => zlib.Gunzip };
  if (createZstdDecompress !== undefined) {
    return Readable.from(cutFrames(chunks)).pipe(createZstdDecompress({ chunkSize: CHUNK }));
  }
  const { inflateZstd } = await import('./zstd.js');
  return Readable.from(inflateZstd(chunks));
}

/** A stream whose first bytes can be looked at before it is read. */
class Peeked {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #name: string;
  readonly #compression: Compression | undefined;
  readonly #ahead: Uint8Array[] = [];

  constructor(stream: Readable, name: string, compression?: Compression) {
    this.#iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    this.#name = name;
    this.#compression = compression;
  }

  async peek(): Promise<Uint8Array> {
    let length = 0;
    while (length < DETECT_LENGTH) {
      const chunk = await this.#next();
      if (chunk === undefined) break;
      this.#ahead.push(chunk);
      length += chunk.length;
    }
    return Buffer.concat(this.#ahead);
  }

  async *chunks(): AsyncGenerator<Uint8Array, undefined> {
    for (let chunk = this.#ahead.shift(); chunk !== undefined; chunk = this.#ahead.shift()) yield chunk;
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk;
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#iterator.next();
      return done === true ? undefined : value;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): SockctlError {
    const { code } = error as { code?: string };
    // The file itself fails underneath the decompressor with an error that is explained already.
    if (this.#compression === undefined || error instanceof SockctlError) return toSockctlError(error, this.#name);
    const cut = code === 'Z_BUF_ERROR' || code === 'ZSTD_error_srcSize_wrong';
    return new SockctlError(cut ? 'TRUNCATED_CAPTURE' : 'BAD_CAPTURE', {
      what: `${this.#name}: the ${this.#compression} data ${cut ? 'ends early' : `is corrupt: ${(error as Error).message}`}`,
      cause: error,
    });
  }
}
