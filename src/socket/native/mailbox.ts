/** The memory of recvmmsg(2) and sendmmsg(2): one region with all that a batch of messages needs. */
import { type Endpoint, mapEndpoint } from '../../sockaddr/endpoint.js';
import { encodeSockaddr, SOCKADDR_MAX } from '../../sockaddr/struct.js';
import type { OutgoingMessage } from '../port.js';
import { IOVEC_SIZE, MMSGHDR_SIZE, Msghdr } from './layout.js';
import type { Libc } from './libc.js';
import { acquireMemory, type PinnedMemory } from './memory.js';

/** Room for the control messages of one message: timestamp, TTL, packet information, overflow, error. */
const CONTROL_SIZE = 256;

/**
 * Headers, vectors, addresses, control room and payload room for a batch of messages, laid out once:
 *
 *     mmsghdr[count] iovec[count] name[count] control[count] payload…
 */
export class Mailbox {
  readonly memory: PinnedMemory;
  readonly slotSize: number;
  readonly #count: number;
  readonly #iovecs: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #payloads: number;
  readonly #arena: number;
  readonly #mapped: boolean;

  /**
   * @param slotSize payload bytes of each message when receiving; 0 to send from a shared arena of `arena` bytes
   * @param mapped whether IPv4 destinations must be mapped for an IPv6 socket
   */
  constructor(libc: Libc, count: number, slotSize: number, arena = 0, mapped = false) {
    this.#mapped = mapped;
    this.#count = count;
    this.slotSize = slotSize;
    this.#arena = arena;
    this.#iovecs = count * MMSGHDR_SIZE;
    this.#names = this.#iovecs + count * IOVEC_SIZE;
    this.#controls = this.#names + count * SOCKADDR_MAX;
    this.#payloads = this.#controls + count * CONTROL_SIZE;
    this.memory = acquireMemory(libc, this.#payloads + (slotSize === 0 ? arena : count * slotSize));
    const { view, address } = this.memory;
    for (let i = 0; i < count; i++) {
      const header = i * MMSGHDR_SIZE;
      const iovec = this.#iovecs + i * IOVEC_SIZE;
      view.setBigUint64(header + Msghdr.name, address + BigInt(this.nameAt(i)), true);
      view.setBigUint64(header + Msghdr.iov, address + BigInt(iovec), true);
      view.setBigUint64(header + Msghdr.iovLength, 1n, true);
      view.setBigUint64(header + Msghdr.control, slotSize === 0 ? 0n : address + BigInt(this.controlAt(i)), true);
      view.setBigUint64(header + Msghdr.controlLength, 0n, true);
      view.setBigUint64(iovec, address + BigInt(this.#payloads + i * slotSize), true);
      view.setBigUint64(iovec + 8, BigInt(slotSize), true);
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

  controlAt(i: number): number {
    return this.#controls + i * CONTROL_SIZE;
  }

  controlEnd(i: number): number {
    const length = this.memory.view.getUint32(i * MMSGHDR_SIZE + Msghdr.controlLength, true);
    return this.controlAt(i) + Math.min(length, CONTROL_SIZE);
  }

  lengthOf(i: number): number {
    return this.memory.view.getUint32(i * MMSGHDR_SIZE + Msghdr.length, true);
  }

  payload(i: number, length: number): Uint8Array {
    const start = this.#payloads + i * this.slotSize;
    return this.memory.bytes.subarray(start, start + length);
  }

  /** Sets the lengths that the kernel overwrites to the room that there is. */
  prepareToReceive(count = this.#count): void {
    const { view } = this.memory;
    for (let i = 0; i < count; i++) {
      const header = i * MMSGHDR_SIZE;
      view.setUint32(header + Msghdr.nameLength, SOCKADDR_MAX, true);
      view.setUint32(header + Msghdr.controlLength, CONTROL_SIZE, true);
    }
  }

  /** Copies messages from `first` on, as many as there is room for, and returns how many. */
  fill(messages: readonly OutgoingMessage[], first: number): number {
    const { bytes, view, address } = this.memory;
    let used = 0;
    let i = 0;
    for (; i < this.#count && first + i < messages.length; i++) {
      const message = messages[first + i];
      if (message === undefined || (i > 0 && used + message.bytes.length > this.#arena)) break;
      // A message beyond the arena is beyond every socket too; the kernel says EMSGSIZE to its length.
      const length = Math.min(message.bytes.length, this.#arena);
      bytes.set(
        length === message.bytes.length ? message.bytes : message.bytes.subarray(0, length),
        this.#payloads + used,
      );
      const iovec = this.#iovecs + i * IOVEC_SIZE;
      view.setBigUint64(iovec, address + BigInt(this.#payloads + used), true);
      view.setBigUint64(iovec + 8, BigInt(length), true);
      view.setUint32(i * MMSGHDR_SIZE + Msghdr.nameLength, this.#setName(i, message.to), true);
      used += length;
    }
    return i;
  }

  #lastTo: Endpoint | undefined;
  #lastName: Uint8Array = new Uint8Array(0);

  #setName(i: number, to: Endpoint | undefined): number {
    if (to === undefined) return 0;
    if (to !== this.#lastTo) {
      this.#lastName = encodeSockaddr(this.#mapped ? mapEndpoint(to) : to);
      this.#lastTo = to;
    }
    this.memory.bytes.set(this.#lastName, this.nameAt(i));
    return this.#lastName.length;
  }

  release(): void {
    this.memory.release();
  }
}
