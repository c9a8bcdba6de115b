/** A bounded queue in front of a pipe: packets wait in it while the reader is busy, and are counted when they can't. */
import { ByteWriter } from '../format/bytes.js';

/** Bytes handed to one write, about what a pipe takes at once. */
const PIECE = 64 * 1024;
const RETRY_EVERY = 64;

export class Outlet {
  readonly #limit: number;
  readonly #write: (bytes: Uint8Array) => number;
  /** Full pieces in order; the first one may be partly written. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #written = 0;
  #filling = new ByteWriter(PIECE);
  #dropped = 0;

  /**
   * @param limit bytes that may wait
   * @param write writes what it can at once, and says how many bytes it was; 0 while the pipe is full
   */
  constructor(limit: number, write: (bytes: Uint8Array) => number) {
    this.#limit = limit;
    this.#write = write;
  }

  /** Records refused for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#waitingBytes + this.#filling.length;
  }

  /**
   * Queues one record, which `encode` writes in `length` bytes; writes when a piece is full.
   *
   * @returns whether there was room
   */
  add(length: number, encode: (out: ByteWriter) => void): boolean {
    if (this.length + length > this.#limit) {
      // A refused write costs more than a packet: under pressure the pipe is tried again now and then only.
      if (this.#dropped % RETRY_EVERY === 0) this.flush();
      if (this.length + length > this.#limit) {
        this.#dropped += 1;
        return false;
      }
    }
    encode(this.#filling);
    if (this.#filling.length >= PIECE) this.flush();
    return true;
  }

  /** Writes as much as the pipe takes now; true when nothing is left. */
  flush(): boolean {
    if (this.#filling.length > 0) {
      if (this.#waiting.length === 0) {
        // The common case: straight from the buffer into the pipe, and what did not fit is kept.
        const bytes = this.#filling.written();
        const sent = this.#write(bytes);
        if (sent < bytes.length) this.#keep(bytes.slice(sent));
        this.#filling.clear();
      } else if (this.#filling.length >= PIECE) {
        this.#keep(this.#filling.written().slice());
        this.#filling.clear();
      }
    }
    while (this.#waiting.length > 0) {
      const head = this.#waiting[0] as Uint8Array;
      const sent = this.#write(this.#written === 0 ? head : head.subarray(this.#written));
      this.#waitingBytes -= sent;
      this.#written += sent;
      if (this.#written < head.length) return false;
      this.#waiting.shift();
      this.#written = 0;
    }
    return this.#filling.length === 0 || this.flush();
  }

  #keep(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }
}
