/**
 * A table of messages for sendmmsg(2), in one pinned region. Headers, vectors and the constant part of the names are
 * written once; what is left for each message are its address and what its writer changes of its bytes:
 *
 *     mmsghdr[capacity] iovec[capacity] name[capacity] payload[capacity]
 */

import { SocketError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import { AddressFamily } from '../../sockaddr/struct.js';
import type { MessageTable, MessageTableOptions, TableOutcome } from '../columns.js';
import { type Descriptor, lastFailure } from './descriptor.js';
import {
  IOVEC_SIZE,
  MMSGHDR_SIZE,
  Msghdr,
  SOCKADDR_IN_SIZE,
  SOCKADDR_IN6_SIZE,
  SockaddrIn,
  SockaddrIn6,
} from './layout.js';
import { C } from './libc.js';
import { acquireMemory, type PinnedMemory } from './memory.js';
import { DescriptorWatch } from './poller.js';
import { QueueWait } from './queue-wait.js';

/** What a table needs of the socket that it belongs to. */
export interface TableSocket {
  readonly ipv6: boolean;
  readonly logger: Logger;
  /** Waits for room in the socket itself; libuv has one watch of a descriptor. */
  untilWritable(): Promise<void>;
  /** Messages have been taken. */
  taken(count: number): void;
}

/** Names begin at multiples of this: room for a sockaddr_in6. */
const NAME_STRIDE = 32;
const FLAGS = C.MSG_DONTWAIT | C.MSG_NOSIGNAL;

export class NativeMessageTable implements MessageTable {
  readonly capacity: number;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly stride: number;
  readonly threaded: boolean;
  readonly #descriptor: Descriptor;
  readonly #socket: TableSocket;
  readonly #memory: PinnedMemory;
  readonly #names: number;
  /** The call that a thread is at. */
  #call: Promise<number> | undefined;
  #watch: DescriptorWatch | undefined;
  #wake: (() => void) | undefined;
  #closed = false;
  readonly #queueWait = new QueueWait();

  /** @param thread whether it sends from one; its descriptor is then the table's own to close */
  constructor(descriptor: Descriptor, socket: TableSocket, { capacity, size }: MessageTableOptions, thread: boolean) {
    this.capacity = capacity;
    this.size = size;
    this.stride = (size + 7) & ~7;
    this.threaded = thread;
    this.#descriptor = descriptor;
    this.#socket = socket;
    const iovecs = capacity * MMSGHDR_SIZE;
    this.#names = iovecs + capacity * IOVEC_SIZE;
    const payloads = this.#names + capacity * NAME_STRIDE;
    this.#memory = acquireMemory(descriptor.libc, payloads + capacity * this.stride);
    this.bytes = this.#memory.bytes.subarray(payloads, payloads + capacity * this.stride);
    const { bytes, view, address } = this.#memory;
    bytes.fill(0, 0, payloads);
    const { ipv6 } = socket;
    for (let i = 0; i < capacity; i++) {
      const header = i * MMSGHDR_SIZE;
      const iovec = iovecs + i * IOVEC_SIZE;
      const name = this.#names + i * NAME_STRIDE;
      view.setBigUint64(header + Msghdr.name, address + BigInt(name), true);
      view.setUint32(header + Msghdr.nameLength, ipv6 ? SOCKADDR_IN6_SIZE : SOCKADDR_IN_SIZE, true);
      view.setBigUint64(header + Msghdr.iov, address + BigInt(iovec), true);
      view.setUint32(header + Msghdr.iovLength, 1, true);
      view.setBigUint64(iovec, address + BigInt(payloads + i * this.stride), true);
      view.setUint32(iovec + 8, size, true);
      view.setUint16(name, ipv6 ? AddressFamily.AF_INET6 : AddressFamily.AF_INET, true);
    }
  }

  toIPv4(i: number, address: number): void {
    this.#memory.view.setUint32(this.#names + i * NAME_STRIDE + SockaddrIn.address, address);
  }

  toIPv6(i: number, address: Uint8Array, zone: number): void {
    const name = this.#names + i * NAME_STRIDE;
    this.#memory.bytes.set(address, name + SockaddrIn6.address);
    this.#memory.view.setUint32(name + SockaddrIn6.scope, zone, true);
  }

  async send(from: number, to: number): Promise<TableOutcome> {
    const { libc, fd } = this.#descriptor;
    const headers = this.#memory.address + BigInt(from * MMSGHDR_SIZE);
    const count = to - from;
    let inThread = this.threaded;
    for (;;) {
      if (this.#closed) throw new SocketError({ syscall: 'sendmmsg', code: 'EBADF', errno: 9 });
      if (inThread) this.#call = libc.sendmmsgInThread(fd, headers, count, FLAGS);
      const sent = this.#call === undefined ? libc.sendmmsg(fd, headers, count, FLAGS) : await this.#call;
      this.#call = undefined;
      if (sent > 0) {
        this.#queueWait.moved();
        this.#taken(from, sent);
        return { sent };
      }
      if (inThread) {
        // The reason of a failure stays in the thread: the call is made again here.
        inThread = false;
        continue;
      }
      const failure = lastFailure(libc, 'sendmmsg');
      if (failure.code === 'EAGAIN') {
        await this.#untilWritable();
        return { sent: 0 };
      }
      if (failure.code === 'ENOBUFS' && (await this.#queueWait.again())) return { sent: 0 };
      if (failure.code !== 'EINTR') return { sent: 0, refused: new SocketError(failure) };
    }
  }

  interrupt(): void {
    this.#wake?.();
  }

  /** No more is sent; resolves when no thread uses the memory any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.close();
    this.interrupt();
    await this.#call;
    if (this.threaded) this.#descriptor.close();
    this.#memory.release();
  }

  #untilWritable(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (!this.threaded) {
        void this.#socket.untilWritable().then(resolve);
        return;
      }
      const { libc, fd } = this.#descriptor;
      this.#watch ??= new DescriptorWatch(libc, fd, () => {
        this.#watch?.want(false, false);
        this.#wake?.();
      });
      this.#watch.want(false, true);
    });
  }

  #taken(from: number, sent: number): void {
    this.#socket.taken(sent);
    const { logger } = this.#socket;
    if (!logger.enabled('trace')) return;
    let bytes = 0;
    for (let i = from; i < from + sent; i++) {
      bytes += this.#memory.view.getUint32(i * MMSGHDR_SIZE + Msghdr.length, true);
    }
    logger.log('trace', { event: 'sendmmsg', fd: this.#descriptor.fd, messages: sent, bytes });
  }
}
