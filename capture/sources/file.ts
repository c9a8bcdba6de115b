/** A capture file, or standard input, as a source: constant memory, whatever the file's size. */

import { stat } from 'node:fs/promises';
import { type CaptureFormat, openReader } from '../format/open.js';
import { PcapReader } from '../format/pcap.js';
import { type CaptureDetails, type CaptureReader, faultError, type SectionDetails } from '../format/port.js';
import type { CapturedPacket, CaptureInterface, OtherBlock } from '../record.js';
import type { CaptureSource, CaptureStatistics, RecordBatch } from '../source.js';
import { fileRecords } from './file-records.js';
import { type Compression, type Input, inputName, openInput } from './input.js';

/**
 * Opens a pcap or pcapng file, told by its content, gzip or zstd around it allowed.
 *
 * @param path `-` is standard input
 * @param signal ends the opening, which on a pipe waits for the file's head
 * @throws SocketError when it can't be opened; SockctlError BAD_CAPTURE when it is something else; the reason of `signal`
 */
export async function openFileSource(path: string, signal?: AbortSignal): Promise<FileSource> {
  const name = inputName(path);
  const input = await openInput(path, signal);
  try {
    const source = new FileSource(name, input, openReader(name, input.start), await isPlain(path, input));
    signal?.throwIfAborted();
    signal?.addEventListener('abort', input.destroy, { once: true });
    await source.readHead();
    signal?.throwIfAborted();
    return source;
  } catch (error) {
    input.destroy();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', input.destroy);
  }
}

/** Whether the bytes of the file are its own, and can be read again. */
async function isPlain(path: string, { compression }: Input): Promise<boolean> {
  return path !== '-' && compression === null && (await stat(path)).isFile();
}

export class FileSource implements CaptureSource {
  readonly name: string;
  readonly timestampSource = 'file';
  readonly #input: Input;
  readonly #reader: CaptureReader;
  readonly #plain: boolean;
  /** Packets that came with the file's head. */
  #early: CapturedPacket[] = [];
  #closed = false;

  /** @param plain whether the file called `name` can be read again */
  constructor(name: string, input: Input, reader: CaptureReader, plain: boolean) {
    this.name = name;
    this.#input = input;
    this.#reader = reader;
    this.#plain = plain;
  }

  get format(): CaptureFormat {
    return this.#reader.format;
  }

  get details(): CaptureDetails {
    return this.#reader.details;
  }

  get section(): SectionDetails | undefined {
    return this.#reader.details.sections[0];
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

  records(signal?: AbortSignal): AsyncGenerator<RecordBatch, undefined, ArrayBuffer | undefined> | undefined {
    const layout = this.#plain && this.#reader instanceof PcapReader ? this.#reader.layout : undefined;
    if (layout === undefined) return undefined;
    this.#input.destroy();
    return fileRecords(this.name, layout, signal);
  }

  #stopped(signal: AbortSignal | undefined): boolean {
    return this.#closed || signal?.aborted === true;
  }

  get trailing(): readonly OtherBlock[] {
    return this.#reader.trailing;
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
