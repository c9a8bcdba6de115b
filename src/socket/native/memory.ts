/**
 * Memory outside the JavaScript heap, for what the kernel reads or writes while a call runs and what it keeps between
 * calls. A Buffer may be moved or collected as soon as its last use is behind it; this memory may not.
 *
 * Ownership: `acquire` gives a region to one owner, who calls `release` after the descriptor that used it is closed.
 * Regions are never unmapped, they go back to a pool by size: a view that outlived its region then reads stale bytes
 * instead of killing the process, and many opens and closes leave the address space flat.
 */
import { SocketError } from '../../errors.js';
import { C, type Libc } from './libc.js';

export class PinnedMemory {
  /** Start of the region, page-aligned. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  #released = false;

  constructor(address: bigint, buffer: ArrayBuffer) {
    this.address = address;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Gives the region back; a second call does nothing. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    pool.get(this.bytes.length)?.push(this);
  }

  reuse(): this {
    this.#released = false;
    return this;
  }
}

const pool = new Map<number, PinnedMemory[]>();

const PAGE = 4096;
/** What mmap(2) returns when it fails, without its sign. */
export const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/**
 * A region of at least `length` bytes (a power of two times the page size). Its content is undefined.
 *
 * @throws SocketError ENOMEM
 */
export function acquireMemory(libc: Libc, length: number): PinnedMemory {
  let size = PAGE;
  while (size < length) size *= 2;
  let free = pool.get(size);
  if (free === undefined) {
    free = [];
    pool.set(size, free);
  }
  const known = free.pop();
  if (known !== undefined) return known.reuse();
  const address = libc.mmap(null, size, C.PROT_READ | C.PROT_WRITE, C.MAP_PRIVATE | C.MAP_ANONYMOUS, -1, 0);
  if (BigInt.asUintN(64, address) === MAP_FAILED) {
    const errno = libc.errno();
    throw new SocketError({ syscall: `mmap(${size})`, code: libc.errnoName(errno), errno });
  }
  return new PinnedMemory(address, libc.view(address, size));
}
