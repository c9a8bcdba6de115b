/** Where the data of a reliable transfer comes from: a file, which can be read again, or a stream, which can't. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SockctlError, toSockctlError } from '../../errors.js';
import type { OutgoingData } from './sender.js';

export interface ReliableSource extends OutgoingData {
  /** Whether a receiver that has a part of it already may go on after that. */
  readonly resumable: boolean;
  /** Is called when there is more to be sent than before, or it has ended or failed. */
  onChange: (() => void) | undefined;
  /** Why there will be no more. */
  readonly error: SockctlError | undefined;
  /** SHA-256 of the first `length` bytes; undefined where they can't be had any more, or there are not so many. */
  prefixDigest(length: number): Promise<Uint8Array | undefined>;
  /** SHA-256 of all of it, when it has ended. */
  digest(): Promise<Uint8Array>;
  close(): void;
}

const BLOCK = 1 << 20;
/** Blocks that are kept: more than a window holds. */
const BLOCKS = 20;
/** Pieces from so many bytes on are read into their packets, and again where they are lost: that is one copy less. */
const DIRECT = 8 << 10;
/** Bytes of a stream that are held until the receiver has them. */
const HELD = 8 << 20;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * A file, by its name or its descriptor, which is closed at the end; what is no regular file is for
 * {@link streamSource}.
 *
 * @returns undefined for what is no regular file
 * @throws SocketError where it can't be opened
 */
export function fileSource(from: string | number): ReliableSource | undefined {
  const path = typeof from === 'number' ? 'stdin' : from;
  let file: number;
  try {
    file = typeof from === 'number' ? from : openSync(from, 'r');
  } catch (error) {
    throw toSockctlError(error, path);
  }
  const stat = fstatSync(file);
  if (stat.isDirectory()) {
    closeSync(file);
    throw new SockctlError('EISDIR', {
      what: `${path}: is a directory`,
      advice: 'tar it: tar c DIR | sockctl udp send --reliable …',
    });
  }
  if (stat.isFile()) return new FileSource(path, file, stat.size);
  if (typeof from === 'string') closeSync(file);
  return undefined;
}

class FileSource implements ReliableSource {
  readonly resumable = true;
  readonly error = undefined;
  readonly end: number;
  onChange: (() => void) | undefined;
  readonly #path: string;
  readonly #file: number;
  readonly #blocks = new Map<number, Uint8Array>();
  /** Memory of blocks that are done with: fresh memory costs as much as reading into it. */
  readonly #free: Uint8Array[] = [];
  #hash = createHash('sha256');
  #hashed = 0;

  constructor(path: string, file: number, size: number) {
    this.#path = path;
    this.#file = file;
    this.end = size;
  }

  get available(): number {
    return this.end;
  }

  copy(offset: number, length: number, target: Uint8Array, at: number): void {
    if (length >= DIRECT) {
      const piece = target.subarray(at, at + length);
      this.#fill(piece, offset);
      this.#hashNew(piece, offset);
      return;
    }
    let done = 0;
    while (done < length) {
      const index = Math.floor((offset + done) / BLOCK);
      const block = this.#block(index);
      const from = offset + done - index * BLOCK;
      const count = Math.min(length - done, block.length - from);
      target.set(block.subarray(from, from + count), at + done);
      done += count;
    }
  }

  release(offset: number): void {
    const first = Math.floor(offset / BLOCK);
    for (const index of this.#blocks.keys()) if (index < first) this.#drop(index);
  }

  async prefixDigest(length: number): Promise<Uint8Array | undefined> {
    if (length > this.end) return undefined;
    if (length >= this.#hashed) {
      await this.#hashTo(length);
      return this.#hash.copy().digest();
    }
    const hash = createHash('sha256');
    for (let at = 0; at < length; at += BLOCK) {
      const bytes = this.#read(at, Math.min(BLOCK, length - at));
      hash.update(bytes);
      if (bytes.length === BLOCK) this.#free.push(bytes);
      await turn();
    }
    return hash.digest();
  }

  async digest(): Promise<Uint8Array> {
    await this.#hashTo(this.end);
    return this.#hash.copy().digest();
  }

  close(): void {
    closeSync(this.#file);
    this.#blocks.clear();
  }

  async #hashTo(end: number): Promise<void> {
    while (this.#hashed < end) {
      const bytes = this.#read(this.#hashed, Math.min(BLOCK, end - this.#hashed));
      this.#hashNew(bytes, this.#hashed);
      if (bytes.length === BLOCK) this.#free.push(bytes);
      await turn();
    }
  }

  /** What is read for the first time comes in order, and is hashed while it is in the cache. */
  #hashNew(bytes: Uint8Array, offset: number): void {
    if (this.#hashed < offset || this.#hashed >= offset + bytes.length) return;
    this.#hash.update(bytes.subarray(this.#hashed - offset));
    this.#hashed = offset + bytes.length;
  }

  #block(index: number): Uint8Array {
    let block = this.#blocks.get(index);
    if (block !== undefined) return block;
    const start = index * BLOCK;
    block = this.#read(start, Math.min(BLOCK, this.end - start));
    this.#hashNew(block, start);
    if (this.#blocks.size >= BLOCKS) this.#drop(Math.min(...this.#blocks.keys()));
    this.#blocks.set(index, block);
    return block;
  }

  #drop(index: number): void {
    const block = this.#blocks.get(index);
    this.#blocks.delete(index);
    if (block?.length === BLOCK) this.#free.push(block);
  }

  #read(offset: number, length: number): Uint8Array {
    const known = length === BLOCK ? this.#free.pop() : undefined;
    const bytes = known ?? Buffer.allocUnsafeSlow(length);
    this.#fill(bytes, offset);
    return bytes;
  }

  /** Reads all of `bytes` from `offset` on. */
  #fill(bytes: Uint8Array, offset: number): void {
    let done = 0;
    while (done < bytes.length) {
      let count: number;
      try {
        count = readSync(this.#file, bytes, done, bytes.length - done, offset + done);
      } catch (error) {
        throw toSockctlError(error, this.#path);
      }
      if (count === 0) {
        const what = `${this.#path}: the file has become shorter while it was sent`;
        throw new SockctlError('EIO', { what, advice: 'send it again when nobody writes to it' });
      }
      done += count;
    }
  }
}

/** A stream, such as stdin: held as far as the receiver does not have it yet. */
export function streamSource(stream: AsyncIterable<Uint8Array>): ReliableSource {
  return new StreamSource(stream);
}

class StreamSource implements ReliableSource {
  readonly resumable = false;
  end: number | undefined;
  available = 0;
  error: SockctlError | undefined;
  onChange: (() => void) | undefined;
  /** The pieces from `#released` on, and where each begins. */
  readonly #pieces: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  #released = 0;
  /** Of what is released. */
  readonly #hash: Hash = createHash('sha256');
  #hashed = 0;
  #room: (() => void) | undefined;
  #closed = false;

  constructor(stream: AsyncIterable<Uint8Array>) {
    void this.#read(stream);
  }

  copy(offset: number, length: number, target: Uint8Array, at: number): void {
    let done = 0;
    for (const { start, bytes } of this.#pieces) {
      if (start + bytes.length <= offset + done) continue;
      const from = offset + done - start;
      const count = Math.min(length - done, bytes.length - from);
      target.set(bytes.subarray(from, from + count), at + done);
      done += count;
      if (done === length) return;
    }
  }

  release(offset: number): void {
    if (offset <= this.#released) return;
    this.#hashInto(this.#hash, this.#hashed, offset);
    this.#hashed = offset;
    this.#released = offset;
    while (this.#pieces.length > 0) {
      const { start, bytes } = this.#pieces[0] as { start: number; bytes: Uint8Array };
      if (start + bytes.length > offset) break;
      this.#pieces.shift();
    }
    this.#room?.();
  }

  async prefixDigest(length: number): Promise<Uint8Array | undefined> {
    if (length < this.#released || length > this.available) return undefined;
    const hash = this.#hash.copy();
    this.#hashInto(hash, this.#hashed, length);
    return hash.digest();
  }

  async digest(): Promise<Uint8Array> {
    return (await this.prefixDigest(this.available)) ?? new Uint8Array(0);
  }

  close(): void {
    this.#closed = true;
    this.#room?.();
  }

  #hashInto(hash: Hash, from: number, to: number): void {
    for (const { start, bytes } of this.#pieces) {
      if (start + bytes.length <= from || start >= to) continue;
      hash.update(bytes.subarray(Math.max(0, from - start), Math.min(bytes.length, to - start)));
    }
  }

  async #read(stream: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of stream) {
        this.#pieces.push({ start: this.available, bytes });
        this.available += bytes.length;
        this.onChange?.();
        while (this.available - this.#released > HELD && !this.#closed) {
          await new Promise<void>((resolve) => {
            this.#room = resolve;
          });
        }
        if (this.#closed) return;
      }
      this.end = this.available;
    } catch (error) {
      this.error = toSockctlError(error, 'stdin');
    }
    this.onChange?.();
  }
}
