/** A capture file, or standard input, as a source: constant memory, whatever the file's size. */

import { type CaptureFormat, openReader } from '../format/open.js';
import { type CaptureDetails, type CaptureReader, faultError } from '../format/port.js';
import type { CapturedPacket, CaptureInterface } from '../record.js';
import type { CaptureSource, CaptureStatistics } from '../source.js';
import { type Compression, type Input, inputName, openInput } from './input.js';

/**
 * Opens a pcap or pcapng file, told by its content, gzip or zstd around it allowed.
 *
 * @param path `-` is standard input
 * @throws SocketError when it can't be opened; SockctlError BAD_CAPTURE when it is something else
 */
export async function openFileSource(path: string): Promise<FileSource> {
  const name = inputName(path);
  const input = await openInput(path);
  try {
    const source = new FileSource(name, input, openReader(name, input.start));
    await source.readHead();
    return source;
  } catch (error) {
    input.destroy();
    throw error;
  }
}

export class FileSource implements CaptureSource {
  readonly name: string;
  readonly timestampSource = 'file';
  readonly #input: Input;
  readonly #reader: CaptureReader;
  /** Packets that came with the file's head. */
  #early: CapturedPacket[] = [];
  #closed = false;

  constructor(name: string, input: Input, reader: CaptureReader) {
    this.name = name;
    this.#input = input;
    this.#reader = reader;
  }

  get format(): CaptureFormat {
    return this.#reader.format;
  }

  get details(): CaptureDetails {
    return this.#reader.details;
  }

  get compression(): Compression | null {
    return this.#input.compression;
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#reader.interfaces;
  }

  /** Reads on until an interface is described, so that whoever writes the packets on knows it beforehand. */
  async readHead(): Promise<void> {
    const reader = this.#reader;
    while (reader.interfaces.length === 0 && reader.fault === undefined) {
      const { done, value } = await this.#input.chunks.next();
      if (done === true) return;
      this.#early = reader.push(value);
    }
  }

  /**
   * Every whole packet; then, where the file is cut or corrupt, one error that says at which byte.
   *
   * @throws SockctlError TRUNCATED_CAPTURE, BAD_CAPTURE; SocketError when reading fails
   */
  async *packets(signal?: AbortSignal): AsyncGenerator<readonly CapturedPacket[], undefined> {
    const reader = this.#reader;
    const stop = (): void => this.#input.destroy();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      let packets = this.#early;
      while (!this.#stopped(signal)) {
        if (packets.length > 0) yield packets;
        if (reader.fault !== undefined) break;
        const { done, value } = await this.#input.chunks.next();
        if (done === true) break;
        packets = reader.push(value);
      }
      if (this.#stopped(signal)) return;
      reader.end();
      if (reader.fault !== undefined) throw faultError(this.name, reader.fault);
    } catch (error) {
      // Destroying a stream that is being read shows as an error; it was asked for.
      if (!this.#stopped(signal)) throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#input.destroy();
    }
  }

  #stopped(signal: AbortSignal | undefined): boolean {
    return this.#closed || signal?.aborted === true;
  }

  statistics(): CaptureStatistics {
    return this.#reader.statistics;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#input.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
