/**
 * The memory of recvmmsg(2) and sendmmsg(2): one pinned region with all that a batch of messages needs, laid out once:
 *
 *     mmsghdr[count] iovec[count] name[count] control[count] payload…
 */
import { SOCKADDR_MAX } from '../../sockaddr/struct.js';
import { IOVEC_SIZE, MMSGHDR_SIZE, Msghdr } from './layout.js';
import type { Libc } from './libc.js';
import { acquireMemory, type PinnedMemory } from './memory.js';

/** Room for the control messages of one message: timestamp, TTL, TOS, packet information, GRO, error. */
export const CONTROL_SIZE = 256;

export class MessageVector {
  readonly memory: PinnedMemory;
  readonly count: number;
  /** Offset of the payload room. */
  readonly payloads: number;
  readonly #iovecs: number;
  readonly #names: number;
  readonly #controls: number;

  /** @param payload bytes of payload room for all messages together */
  constructor(libc: Libc, count: number, payload: number) {
    this.count = count;
    this.#iovecs = count * MMSGHDR_SIZE;
    this.#names = this.#iovecs + count * IOVEC_SIZE;
    this.#controls = this.#names + count * SOCKADDR_MAX;
    this.payloads = this.#controls + count * CONTROL_SIZE;
    this.memory = acquireMemory(libc, this.payloads + payload);
    const { view, address } = this.memory;
    for (let i = 0; i < count; i++) {
      const header = i * MMSGHDR_SIZE;
      view.setBigUint64(header + Msghdr.name, address + BigInt(this.nameAt(i)), true);
      view.setBigUint64(header + Msghdr.iov, address + BigInt(this.#iovecs + i * IOVEC_SIZE), true);
      view.setBigUint64(header + Msghdr.iovLength, 1n, true);
      view.setBigUint64(header + Msghdr.control, address + BigInt(this.controlAt(i)), true);
      this.setControlLength(i, 0);
    }
  }

  get address(): bigint {
    return this.memory.address;
  }

  nameAt(i: number): number {
    return this.#names + i * SOCKADDR_MAX;
  }

  nameLength(i: number): number {
    return Math.min(this.memory.view.getUint32(i * MMSGHDR_SIZE + Msghdr.nameLength, true), SOCKADDR_MAX);
  }

  setNameLength(i: number, length: number): void {
    this.memory.view.setUint32(i * MMSGHDR_SIZE + Msghdr.nameLength, length, true);
  }

  controlAt(i: number): number {
    return this.#controls + i * CONTROL_SIZE;
  }

  controlLength(i: number): number {
    return Math.min(this.memory.view.getUint32(i * MMSGHDR_SIZE + Msghdr.controlLength, true), CONTROL_SIZE);
  }

  setControlLength(i: number, length: number): void {
    // A size_t; its upper half stays zero.
    this.memory.view.setUint32(i * MMSGHDR_SIZE + Msghdr.controlLength, length, true);
    this.memory.view.setUint32(i * MMSGHDR_SIZE + Msghdr.controlLength + 4, 0, true);
  }

  /** Bytes that the call moved, or with MSG_TRUNC the length that the message had. */
  lengthOf(i: number): number {
    return this.memory.view.getUint32(i * MMSGHDR_SIZE + Msghdr.length, true);
  }

  /** Points message `i` at `length` bytes of the payload room from `start` on. */
  setPayload(i: number, start: number, length: number): void {
    const iovec = this.#iovecs + i * IOVEC_SIZE;
    this.memory.view.setBigUint64(iovec, this.memory.address + BigInt(this.payloads + start), true);
    this.memory.view.setBigUint64(iovec + 8, BigInt(length), true);
  }

  release(): void {
    this.memory.release();
  }
}
