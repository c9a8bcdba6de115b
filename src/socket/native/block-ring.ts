/**
 * The memory of a ring of blocks (TPACKET_V3, packet(7)), seen by its reader: blocks are handed over by the kernel in
 * order, and given back in that order.
 *
 * Ownership: a block belongs to the kernel until {@link BlockRing.take} hands it over, and to the kernel again from
 * {@link BlockRing.release} on. Whoever holds it may write to it.
 */
import { BlockWord, RingStatus } from './layout.js';

export interface RingShape {
  /** Bytes of a block: a multiple of the page size. No packet is longer than its block. */
  readonly blockSize: number;
  readonly blocks: number;
  /** Milliseconds after which a block with a packet is handed over though it is not full. */
  readonly timeoutMs: number;
}

export class BlockRing {
  /** The whole ring. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly #shape: RingShape;
  #next = 0;

  /** @param memory what mmap(2) has given for the socket of the ring */
  constructor(memory: ArrayBuffer, shape: RingShape) {
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    this.#shape = shape;
  }

  /** Where the next block begins in {@link bytes}, if the kernel has handed it over. */
  take(): number | undefined {
    const at = this.#next * this.#shape.blockSize;
    const status = Atomics.load(this.words, at / 4 + BlockWord.status);
    return (status & RingStatus.user) === 0 ? undefined : at;
  }

  /** Gives the block that was taken back to the kernel. */
  release(): void {
    const at = this.#next * this.#shape.blockSize;
    Atomics.store(this.words, at / 4 + BlockWord.status, RingStatus.kernel);
    this.#next = (this.#next + 1) % this.#shape.blocks;
  }
}
