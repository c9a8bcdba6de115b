/**
 * A socket to the kernel's routing tables, netlink(7) and rtnetlink(7): requests go out, answers and news come in. What
 * any other process may have sent to it is dropped: only the kernel (port 0) is believed.
 */
import { SocketError } from '../../../errors.js';
import type { Logger } from '../../../log/events.js';
import { setting } from '../../../options/settings.js';
import { AddressFamily, SOCKADDR_MAX } from '../../../sockaddr/struct.js';
import { Descriptor, lastFailure } from '../descriptor.js';
import { SOCKADDR_NL_SIZE, SockaddrNl } from '../layout.js';
import { C, type Libc } from '../libc.js';
import { MessageVector } from '../message-vector.js';
import { DescriptorWatch } from '../poller.js';
import {
  encodeNetlinkMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_NOOP,
  netlinkMessages,
} from './message.js';

export interface NetlinkOwner {
  /** One message; its body is valid until this returns. */
  message(message: NetlinkMessage): void;
  /** News are lost: the buffer was full (ENOBUFS), or a message longer than the room for it. */
  lost(): void;
  /** Everything that had come by now is told. */
  drained(): void;
  /** The socket is of no use any more. */
  failed(error: SocketError): void;
}

/** A multicast group, with its name for the log. */
export interface NetlinkGroup {
  /** RTMGRP_ of rtnetlink(7). */
  readonly bit: number;
  readonly name: string;
}

/** netlink(7): the kernel's messages fit into 8 KiB, unless a driver has much to say. */
const SLOT_SIZE = 8192;
const SLOT_MAX = 1 << 20;
/** Payload room in all; with the rest of a vector it is a little less than a power of two. */
const ROOM = 14 * SLOT_SIZE;
/** Holds the news of a few hundred changes while the loop is busy; what goes beyond is read again. */
const RECEIVE_BUFFER = setting('SO_RCVBUF', 1 << 20);
/** After so many calls everything else in the loop has its turn. */
const CALLS_A_TURN = 32;

export class NetlinkSocket {
  /** Its address, as the kernel has given it (nl_pid). */
  readonly port: number;
  readonly #libc: Libc;
  readonly #descriptor: Descriptor;
  readonly #watch: DescriptorWatch;
  readonly #logger: Logger;
  readonly #owner: NetlinkOwner;
  #vector: MessageVector;
  #slotSize = SLOT_SIZE;
  #sequence = 0;
  #reading = true;
  #closed = false;

  /**
   * socket(2) and bind(2), for the news of `groups`.
   *
   * @throws SocketError
   */
  constructor(libc: Libc, groups: readonly NetlinkGroup[], logger: Logger, owner: NetlinkOwner) {
    this.#libc = libc;
    this.#logger = logger;
    this.#owner = owner;
    const descriptor = Descriptor.open(
      libc,
      // No kind of socket of the option table; netlink(7): datagrams and raw are the same.
      { family: 'AF_NETLINK', type: 'SOCK_DGRAM', protocol: 0, protocolName: 'NETLINK_ROUTE', kind: 'datagram' },
      logger,
    );
    this.#descriptor = descriptor;
    descriptor.wish(RECEIVE_BUFFER);
    this.#bind(groups);
    this.port = this.#name();
    this.#vector = this.#makeVector();
    this.#watch = new DescriptorWatch(libc, descriptor.fd, () => this.#readAll());
    this.#watch.want(true, false);
  }

  /** Whether it is read, which it is at first. Where it is not for long, the kernel's buffer fills up and news are lost. */
  read(wanted: boolean): void {
    this.#reading = wanted;
    this.#watch.want(wanted, false);
  }

  /** Whether it keeps the process running, which it does unless told otherwise. */
  hold(process: boolean): void {
    this.#watch.hold(process);
  }

  /**
   * Asks for all entries of a table: `type` is RTM_GETLINK or another, `body` its structure.
   *
   * @returns the number that the answers will have; undefined when it can't be sent, which the owner has been told
   */
  dump(type: number, body: Uint8Array): number | undefined {
    return this.request(type, NLM_F_DUMP, body);
  }

  /** Asks for one entry, or for a change: what the kernel answers has the number that this returns, as with {@link dump}. */
  request(type: number, flags: number, body: Uint8Array): number | undefined {
    this.#sequence = nextSequence(this.#sequence);
    return this.#send(type, flags, body);
  }

  /**
   * Asks for an acknowledgement of nothing. The kernel goes on with a dump when a message is taken from the socket: one
   * that had stopped because there was no memory for its next part goes on when the acknowledgement is.
   */
  nudge(): void {
    this.request(NLMSG_NOOP, NLM_F_ACK, new Uint8Array(0));
  }

  #send(type: number, flags: number, body: Uint8Array): number | undefined {
    const header = { type, flags: NLM_F_REQUEST | flags, sequence: this.#sequence, port: this.port };
    const bytes = encodeNetlinkMessage({ ...header, body });
    // Nobody is connected to; a message without a destination goes to the kernel.
    const sent = this.#libc.send(this.#descriptor.fd, bytes, bytes.length, C.MSG_DONTWAIT);
    if (sent === bytes.length) {
      this.#logger.log('trace', { event: 'send', fd: this.#descriptor.fd, bytes: sent });
      return this.#sequence;
    }
    this.#fail('send');
    return undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#descriptor.close();
    this.#vector.release();
  }

  #bind(groups: readonly NetlinkGroup[]): void {
    const address = new Uint8Array(SOCKADDR_NL_SIZE);
    const view = new DataView(address.buffer);
    view.setUint16(SockaddrNl.family, AddressFamily.AF_NETLINK, true);
    view.setUint32(
      SockaddrNl.groups,
      groups.reduce((bits, { bit }) => bits | bit, 0),
      true,
    );
    const { fd } = this.#descriptor;
    const result = this.#libc.bind(fd, address, address.length);
    const local = `netlink:0 ${groups.map(({ name }) => name).join('|')}`;
    const failure = result < 0 ? lastFailure(this.#libc, 'bind') : undefined;
    this.#logger.log('debug', { event: 'bind', fd, local, ...(failure === undefined ? {} : { failure }) });
    if (failure === undefined) return;
    this.#descriptor.close();
    throw new SocketError({ ...failure, address: local });
  }

  /** getsockname(2): the port that the kernel has chosen. */
  #name(): number {
    const address = new Uint8Array(SOCKADDR_NL_SIZE);
    const { fd } = this.#descriptor;
    const result = this.#libc.getsockname(fd, address, new Uint8Array(Uint32Array.of(SOCKADDR_NL_SIZE).buffer));
    if (result < 0) {
      const failure = lastFailure(this.#libc, 'getsockname');
      this.#descriptor.close();
      throw new SocketError(failure);
    }
    const port = new DataView(address.buffer).getUint32(SockaddrNl.port, true);
    this.#logger.log('debug', { event: 'getsockname', fd, local: `netlink:${port}` });
    return port;
  }

  #makeVector(): MessageVector {
    const count = Math.max(1, Math.floor(ROOM / this.#slotSize));
    const vector = new MessageVector(this.#libc, count, count * this.#slotSize);
    for (let i = 0; i < count; i++) {
      vector.setPayload(i, i * this.#slotSize, this.#slotSize);
      vector.setNameLength(i, SOCKADDR_MAX);
    }
    return vector;
  }

  #readAll(): void {
    for (let calls = 0; calls < CALLS_A_TURN && this.#reading && !this.#closed; calls++) {
      const { fd } = this.#descriptor;
      const flags = C.MSG_DONTWAIT | C.MSG_TRUNC;
      const count = this.#libc.recvmmsg(fd, this.#vector.address, this.#vector.count, flags, null);
      if (count >= 0) {
        this.#take(count);
        continue;
      }
      const failure = lastFailure(this.#libc, 'recvmmsg');
      if (failure.code === 'EAGAIN') {
        this.#owner.drained();
        return;
      }
      if (failure.code === 'EINTR') continue;
      this.#logger.log('debug', { event: 'recvmmsg', fd, bytes: 0, failure });
      if (failure.code === 'ENOBUFS') this.#owner.lost();
      else this.#fail('recvmmsg');
    }
    // More is left, as a rule: it is read in the loop's next turn, whatever the watch has seen of it.
    if (this.#reading && !this.#closed) setImmediate(() => this.#readAll());
  }

  /** Tells the first `count` messages of the vector. */
  #take(count: number): void {
    const vector = this.#vector;
    const { bytes, view } = vector.memory;
    let total = 0;
    let longest = 0;
    for (let i = 0; i < count; i++) {
      const length = vector.lengthOf(i);
      total += length;
      const name = vector.nameAt(i);
      const fromKernel =
        vector.nameLength(i) >= SOCKADDR_NL_SIZE &&
        view.getUint16(name + SockaddrNl.family, true) === AddressFamily.AF_NETLINK &&
        view.getUint32(name + SockaddrNl.port, true) === 0;
      vector.setNameLength(i, SOCKADDR_MAX);
      if (!fromKernel) continue;
      if (length > this.#slotSize) {
        longest = Math.max(longest, length);
        this.#owner.lost();
        continue;
      }
      const start = vector.payloads + i * this.#slotSize;
      for (const message of netlinkMessages(bytes.subarray(start, start + length))) {
        this.#owner.message(message);
        if (this.#closed) return;
      }
    }
    this.#logger.log('trace', { event: 'recvmmsg', fd: this.#descriptor.fd, messages: count, bytes: total });
    if (longest > 0) this.#grow(longest);
  }

  /** Makes room for messages of `length` bytes. */
  #grow(length: number): void {
    if (length > SLOT_MAX) {
      this.#owner.failed(new SocketError({ syscall: 'recvmmsg', code: 'EMSGSIZE', address: 'netlink' }));
      return;
    }
    while (this.#slotSize < length) this.#slotSize *= 2;
    this.#vector.release();
    this.#vector = this.#makeVector();
  }

  #fail(syscall: string): void {
    const failure = lastFailure(this.#libc, syscall);
    this.#owner.failed(new SocketError({ ...failure, address: 'netlink' }));
  }
}

/** 1 to 4294967295; what the kernel sends of its own accord has 0. */
function nextSequence(sequence: number): number {
  return (sequence + 1) >>> 0 || 1;
}
