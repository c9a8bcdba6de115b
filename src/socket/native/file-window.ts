/**
 * A file as memory, a window at a time, for send(2): mmap(2) of the page cache costs one copy into the socket, and on
 * a loopback less CPU than sendfile(2), which passes single pages through a pipe of its own.
 */
import { C, type Libc } from './libc.js';

/** Bytes mapped at a time: a multiple of every page size; larger windows fall out of the caches before they are sent. */
const WINDOW = 2 << 20;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

export class FileWindow {
  readonly #libc: Libc;
  readonly #file: number;
  readonly #size: number;
  readonly #moves: boolean;
  #at: number;
  /** The mapped window: where it is, and which part of the file. */
  #mapped: { address: bigint; start: number; length: number } | undefined;

  /**
   * @param file an open regular file
   * @param size of the file, in bytes
   * @param from where it begins; without it at the file's offset, which is left behind what was sent
   */
  constructor(libc: Libc, file: number, size: number, from?: number) {
    this.#libc = libc;
    this.#file = file;
    this.#size = size;
    this.#moves = from === undefined;
    this.#at = from ?? Math.max(0, libc.lseek(file, 0, C.SEEK_CUR));
  }

  /** What comes next; undefined at the end of the file as it was at first, or where it can't be mapped. */
  next(): { address: bigint; length: number } | undefined {
    if (this.#at >= this.#size) return undefined;
    let window = this.#mapped;
    if (window === undefined || this.#at >= window.start + window.length) {
      this.#unmap();
      window = this.#map(this.#at - (this.#at % WINDOW));
      if (window === undefined) return undefined;
    }
    const inside = this.#at - window.start;
    return { address: window.address + BigInt(inside), length: window.length - inside };
  }

  /** Where the next byte to be sent stands in the file. */
  get offset(): number {
    return this.#at;
  }

  /** So many bytes are sent. */
  advance(bytes: number): void {
    this.#at += bytes;
  }

  /** Unmaps, and leaves the file's offset after what was sent, where it began there. */
  close(): void {
    this.#unmap();
    if (this.#moves) this.#libc.lseek(this.#file, this.#at, C.SEEK_SET);
  }

  #map(start: number): { address: bigint; start: number; length: number } | undefined {
    const length = Math.min(WINDOW, this.#size - start);
    const flags = C.MAP_SHARED | C.MAP_POPULATE;
    const address = this.#libc.mmap(null, length, C.PROT_READ, flags, this.#file, start);
    if (BigInt.asUintN(64, address) === MAP_FAILED) return undefined;
    this.#mapped = { address, start, length };
    return this.#mapped;
  }

  #unmap(): void {
    if (this.#mapped !== undefined) this.#libc.munmap(this.#mapped.address, this.#mapped.length);
    this.#mapped = undefined;
  }
}
