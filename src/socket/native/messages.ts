/**
 * Message sockets on recvmmsg(2) and sendmmsg(2): datagram, raw and ping sockets alike.
 *
 * The headers, the buffers and the addresses that the kernel reads and writes lie in one pinned region each for
 * receiving and sending; both are released after the descriptor is closed.
 */

import { SocketError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import type { Timestamp } from '../../measure/clock.js';
import { LET_NOTHING_IN } from '../../options/settings.js';
import { type Endpoint, formatEndpoint } from '../../sockaddr/endpoint.js';
import type { MessageTable, MessageTableOptions } from '../columns.js';
import type { MessageFailure, MessageHandlers, OutgoingMessage, RawSocket, ReceivedMessage } from '../port.js';
import type { Descriptor } from './descriptor.js';
import { lastFailure } from './descriptor.js';
import { DropCounter } from './drop-counter.js';
import { Inbox } from './inbox.js';
import { C, type Libc } from './libc.js';
import { NativeMessageTable, type TableSocket } from './message-table.js';
import { Outbox, type Position } from './outbox.js';
import { DescriptorWatch } from './poller.js';
import { QueueWait } from './queue-wait.js';

/** Messages, or runs of them, that one call moves at most. */
const BATCH = 64;
/** The same of messages that are received in columns. */
const COLUMN_BATCH = 256;
/** Calls in one turn of the event loop at most, so that timers and signals get theirs. */
const CALLS_PER_TURN = 16;
/** Bytes of payload that one sendmmsg(2) takes at most. */
const SEND_ARENA = 1 << 20;
/** Reports taken from the error queue in one turn at most. */
const FAILURES_PER_TURN = 64;
const RECEIVE_FLAGS = C.MSG_DONTWAIT | C.MSG_TRUNC;
/** What the kernel reckons for a message at least, of a receive buffer: its own administration of one. */
const SMALLEST_MESSAGE = 256;
/** udp(7): a size beyond the path's MTU, an interface without checksum offload, a socket whose state forbids it. */
const SEGMENT_REFUSALS: ReadonlySet<string> = new Set(['EINVAL', 'EMSGSIZE', 'EIO', 'EOPNOTSUPP']);

/**
 * What the kernel's count of drops means: what there was no room for; that, together with what a filter would have kept
 * out had it been asked; or both at any time, room or not.
 */
export type DropMeaning = 'room' | 'room-before-filter' | 'room-or-filter';

export interface NativeMessageOptions {
  readonly logger: Logger;
  readonly local: Endpoint | undefined;
  /** Largest message to be received whole, in bytes. */
  readonly messageSize: number;
  /** Whether IP_RECVERR is on, so that the error queue is worth a look. */
  readonly errorQueue: boolean;
  /** What the kernel's count of drops means. */
  readonly drops: DropMeaning;
  /** What it said before the socket was ready. */
  readonly dropsBefore: number;
  /** An IPv6 socket that takes IPv4 as well: IPv4 destinations go out mapped. */
  readonly dualStack: boolean;
  /** AF_INET6 */
  readonly ipv6: boolean;
  /** Whether runs of equal size may be sent as one (UDP_SEGMENT). */
  readonly segments: boolean;
  /** Whether runs that have come as one (UDP_GRO) are delivered so. */
  readonly coalesce: boolean;
  /** Of getsockopt(2), SO_RCVBUF. */
  readonly receiveBuffer: number;
  /** Whether each message is one, so that batches may be delivered in columns. */
  readonly single: boolean;
  /** Whether the kernel makes a message with MSG_PROBE and does not send it: packet sockets do. */
  readonly rehearses: boolean;
  /** Opens a second socket that sends as this one does and receives nothing; undefined where that is another one to the peer. */
  readonly sibling: (() => Descriptor) | undefined;
}

export class NativeMessageSocket implements RawSocket {
  readonly backend = 'native';
  readonly local: Endpoint | undefined;
  sent = 0;

  readonly #descriptor: Descriptor;
  readonly #libc: Libc;
  readonly #options: NativeMessageOptions;
  readonly #watch: DescriptorWatch;
  readonly #drops: DropCounter;
  /** The last word of {@link #drops}, once nothing more is let in. */
  #finalDrops: { readonly count: number | undefined } | undefined;
  /** Messages that may still be taken, once reception has ended. */
  #remaining = Number.POSITIVE_INFINITY;
  readonly #time = new Uint8Array(16);
  readonly #timeView = new DataView(this.#time.buffer);
  #inbox: Inbox | undefined;
  #outbox: Outbox | undefined;
  #handlers: MessageHandlers | undefined;
  #paused = false;
  #closed = false;
  readonly #tables: NativeMessageTable[] = [];
  #writable: (() => void)[] = [];
  /** Messages that one call of recvmmsg(2) brings at most. */
  #batch = BATCH;
  readonly #readClock = (): Timestamp => this.now();
  /** Sends run one after the other: the outgoing region has one user at a time. */
  #sending: Promise<unknown> = Promise.resolve();
  #queued = 0;
  readonly #queueWait = new QueueWait();

  constructor(descriptor: Descriptor, options: NativeMessageOptions) {
    this.#descriptor = descriptor;
    this.#libc = descriptor.libc;
    this.#options = options;
    this.local = options.local;
    this.#drops = new DropCounter(descriptor, options.dropsBefore);
    this.#watch = new DescriptorWatch(this.#libc, descriptor.fd, () => this.#onReady());
  }

  get receiveBuffer(): number {
    return this.#options.receiveBuffer;
  }

  get dropped(): number | null {
    const count = this.droppedAtMost;
    if (count === null || this.#options.drops === 'room-or-filter') return null;
    return count > 0 && this.#options.drops === 'room-before-filter' ? null : count;
  }

  get droppedAtMost(): number | null {
    return (this.#finalDrops === undefined ? this.#drops.read() : this.#finalDrops.count) ?? null;
  }

  pathMtu(): number | null {
    return this.#closed ? null : this.#descriptor.pathMtu();
  }

  now(): Timestamp {
    this.#libc.clock_gettime(C.CLOCK_REALTIME, this.#time);
    return readTimespec(this.#timeView);
  }

  receive(handlers: MessageHandlers): void {
    const { messageSize, coalesce, single } = this.#options;
    this.#batch = handlers.columns !== undefined && single ? COLUMN_BATCH : BATCH;
    this.#inbox = new Inbox(this.#libc, this.#batch, messageSize, coalesce);
    this.#handlers = handlers;
    this.#rearm();
  }

  pause(): void {
    this.#paused = true;
    this.#rearm();
  }

  resume(): void {
    this.#paused = false;
    this.#rearm();
  }

  drain(): boolean {
    if (this.#closed || this.#handlers === undefined) return false;
    if (this.#finalDrops === undefined) this.#endReception();
    if (this.#remaining <= 0) return false;
    const count = this.#receiveBatch(this.#handlers);
    this.#remaining -= count;
    return count > 0;
  }

  /** Nothing is let in from here on; where a filter may not be set (SO_LOCK_FILTER), no more is taken than can be there. */
  #endReception(): void {
    this.pause();
    const closed = this.#descriptor.wish(LET_NOTHING_IN);
    this.#finalDrops = { count: this.#drops.read() };
    if (!closed) this.#remaining = Math.ceil(this.#options.receiveBuffer / SMALLEST_MESSAGE);
  }

  table(options: MessageTableOptions): MessageTable {
    const { sibling, logger, ipv6 } = this.#options;
    const own = options.thread === true && sibling !== undefined ? this.#openSibling(sibling) : undefined;
    const socket: TableSocket = {
      ipv6,
      logger,
      untilWritable: () => this.#untilWritable(),
      taken: (count) => {
        this.sent += count;
      },
    };
    const table = new NativeMessageTable(own ?? this.#descriptor, socket, options, own !== undefined);
    this.#tables.push(table);
    return table;
  }

  /** Without one, a table goes through the socket itself. */
  #openSibling(sibling: () => Descriptor): Descriptor | undefined {
    try {
      return sibling();
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      const message = `${error.message}: sending from one thread fewer`;
      this.#options.logger.log('info', { event: 'fallback', message });
      return undefined;
    }
  }

  send(messages: readonly OutgoingMessage[]): Promise<Timestamp> {
    // With nothing before them they go at once, in this very turn.
    const run = this.#queued === 0 ? this.#sendAll(messages) : this.#sending.then(() => this.#sendAll(messages));
    this.#queued++;
    const over = () => {
      this.#queued--;
    };
    this.#sending = run.then(over, over);
    return run;
  }

  takeMessages(): void {
    this.#receiveAll(() => false);
  }

  takeFailures(): void {
    if (this.#closed || this.#handlers === undefined || this.#reportFailures(undefined)) return;
    const errno = this.#descriptor.takeError();
    if (errno === 0) return;
    const code = this.#libc.errnoName(errno);
    this.#handlers.failure({
      error: new SocketError({ syscall: 'recvmmsg', code, errno, address: endpointText(this.local) }),
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#finalDrops ??= { count: this.#drops.read() };
    this.#closed = true;
    this.#watch.close();
    this.#descriptor.close();
    for (const wake of this.#writable) wake();
    if (this.#tables.length > 0) await Promise.all(this.#tables.map((table) => table.close()));
    this.#inbox?.release();
    this.#outbox?.release();
  }

  #rearm(): void {
    const readable = this.#handlers !== undefined && !this.#paused;
    this.#watch.want(readable, this.#writable.length > 0);
  }

  #onReady(): void {
    const waiting = this.#writable;
    this.#writable = [];
    this.#rearm();
    for (const wake of waiting) wake();
    if (!this.#paused) this.#receiveAll(() => this.#paused);
  }

  /** As much as one turn of the event loop may take. */
  #receiveAll(stopped: () => boolean): void {
    this.#drops.tick();
    for (let call = 0; call < CALLS_PER_TURN && !this.#closed && !stopped(); call++) {
      if (this.#handlers === undefined || this.#receiveBatch(this.#handlers) < this.#batch) return;
    }
  }

  /** One recvmmsg(2): how many it has brought, as many as it takes when there may be more. */
  #receiveBatch(handlers: MessageHandlers): number {
    const inbox = this.#inbox;
    if (inbox === undefined) return 0;
    const count = this.#libc.recvmmsg(this.#descriptor.fd, inbox.address, this.#batch, RECEIVE_FLAGS, null);
    if (count < 0) {
      const failure = lastFailure(this.#libc, 'recvmmsg');
      if (failure.code === 'EAGAIN' || failure.code === 'EINTR') return 0;
      this.#reportFailures(new SocketError({ ...failure, address: endpointText(this.local) }));
      return 0;
    }
    if (handlers.columns !== undefined && this.#options.single) {
      const columns = inbox.columns(count, this.#readClock);
      if (this.#options.logger.enabled('trace')) this.#traceReceive(count, columns.kept.subarray(0, count));
      handlers.columns(columns);
      inbox.prepare(count);
      return count;
    }
    const batch: ReceivedMessage[] = [];
    for (let i = 0; i < count; i++) inbox.read(i, batch, this.#readClock);
    inbox.prepare(count);
    if (this.#options.logger.enabled('trace'))
      this.#traceReceive(
        count,
        batch.map(({ bytes }) => bytes.length),
      );
    handlers.messages(batch);
    return count;
  }

  #traceReceive(
    messages: number,
    lengths: { reduce(sum: (a: number, b: number) => number, from: number): number },
  ): void {
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    this.#options.logger.log('trace', { event: 'recvmmsg', fd: this.#descriptor.fd, messages, bytes });
  }

  /**
   * Hands over what the error queue holds; where that is nothing, `pending` itself.
   *
   * @returns whether there was anything in the queue
   */
  #reportFailures(pending: SocketError | undefined): boolean {
    let found = false;
    if (this.#options.errorQueue) {
      for (let i = 0; i < FAILURES_PER_TURN && this.#readErrorQueue(); i++) found = true;
    }
    if (!found && pending !== undefined) this.#handlers?.failure({ error: pending });
    return found;
  }

  /** One recvmsg(2) with MSG_ERRQUEUE; false when the queue is empty. */
  #readErrorQueue(): boolean {
    const inbox = this.#inbox;
    if (inbox === undefined) return false;
    const length = this.#libc.recvmsg(this.#descriptor.fd, inbox.address, C.MSG_ERRQUEUE | C.MSG_DONTWAIT);
    if (length < 0) return false;
    this.#options.logger.log('trace', { event: 'recvmsg', fd: this.#descriptor.fd, bytes: length });
    const { error: told, timestamp, hopLimit, trafficClass } = inbox.readControl(0);
    const to = inbox.sender(0);
    inbox.prepare(1);
    if (told === undefined) return true;
    const code = this.#libc.errnoName(told.errno);
    const message = inbox.payload(0, length);
    const quoteEnd = told.extensionsAt > 0 && told.extensionsAt < message.length ? told.extensionsAt : message.length;
    const failure: MessageFailure = {
      error: new SocketError({ syscall: 'sendmmsg', code, errno: told.errno, address: endpointText(to) }),
      to,
      sent: message.subarray(0, quoteEnd),
      ...(quoteEnd < message.length ? { extensions: message.subarray(quoteEnd) } : {}),
      timestamp,
      ...(told.icmp ? { icmpType: told.icmpType, icmpCode: told.icmpCode } : {}),
      ...(told.icmp ? { hopLimit: hopLimit ?? undefined, trafficClass: trafficClass ?? undefined } : {}),
      ...(code === 'EMSGSIZE' ? { mtu: told.info } : {}),
      ...(told.offender === undefined || told.offender.family === 'unix' ? {} : { reporter: told.offender.address }),
    };
    this.#handlers?.failure(failure);
    return true;
  }

  async #sendAll(messages: readonly OutgoingMessage[]): Promise<Timestamp> {
    const { dualStack: mapped, segments, ipv6 } = this.#options;
    this.#outbox ??= new Outbox(this.#libc, { count: BATCH, arena: SEND_ARENA, mapped, segments, ipv6 });
    const outbox = this.#outbox;
    let next: Position = { index: 0, offset: 0 };
    const clock = new Uint8Array(16);
    this.#libc.clock_gettime(C.CLOCK_REALTIME, clock);
    /** Sends of the same message that ended with an error of an earlier one. */
    let echoes = 0;
    while (next.index < messages.length) {
      if (this.#closed) throw new SocketError({ syscall: 'sendmmsg', code: 'EBADF', errno: 9 });
      outbox.fill(messages, next);
      const flags = C.MSG_DONTWAIT | C.MSG_NOSIGNAL;
      // After a pause the way into the kernel is cold, and its first steps would be part of the time between the clock
      // and the packet: a call that sends nothing takes them before. What it says is of no interest.
      if (this.#options.single && outbox.headers === 1) {
        const messages = this.#options.rehearses ? 1 : 0;
        this.#libc.sendmmsg(this.#descriptor.fd, outbox.address, messages, flags | C.MSG_PROBE);
      }
      // What it says is read afterwards.
      this.#libc.clock_gettime(C.CLOCK_REALTIME, clock);
      const taken = this.#libc.sendmmsg(this.#descriptor.fd, outbox.address, outbox.headers, flags);
      if (taken > 0) {
        const datagrams = outbox.datagramsIn(taken);
        const after = outbox.after(taken);
        this.#traceSend(messages, next, after, taken, datagrams);
        this.sent += datagrams;
        next = after;
        echoes = 0;
        this.#queueWait.moved();
        continue;
      }
      const failure = lastFailure(this.#libc, 'sendmmsg');
      if (failure.code === 'EAGAIN') {
        await this.#untilWritable();
        continue;
      }
      if (failure.code === 'ENOBUFS' && (await this.#queueWait.again())) continue;
      if (failure.code === 'EINTR') continue;
      if (outbox.segmented && SEGMENT_REFUSALS.has(failure.code)) {
        outbox.segmentLess();
        const message = `fd ${this.#descriptor.fd}: UDP_SEGMENT refused (${failure.code}), sending less at once`;
        this.#options.logger.log('debug', { event: 'fallback', message });
        continue;
      }
      const to = messages[next.index]?.to;
      const error = new SocketError({ ...failure, address: endpointText(to) });
      // The kernel reports an ICMP error for an earlier message at the next call, which then has sent nothing.
      const earlier = this.#reportFailures(failure.code === 'ECONNREFUSED' ? error : undefined);
      if ((earlier || failure.code === 'ECONNREFUSED') && ++echoes <= 3) continue;
      throw error;
    }
    return readTimespec(new DataView(clock.buffer));
  }

  /** @param taken what the call has returned; a run of equal datagrams is one message to it */
  #traceSend(
    messages: readonly OutgoingMessage[],
    from: Position,
    to: Position,
    taken: number,
    datagrams: number,
  ): void {
    if (!this.#options.logger.enabled('trace')) return;
    let bytes = to.offset - from.offset;
    for (let i = from.index; i < to.index; i++) bytes += messages[i]?.bytes.length ?? 0;
    const more = datagrams === taken ? {} : { datagrams };
    this.#options.logger.log('trace', { event: 'sendmmsg', fd: this.#descriptor.fd, messages: taken, ...more, bytes });
  }

  #untilWritable(): Promise<void> {
    return new Promise((resolve) => {
      this.#writable.push(resolve);
      this.#rearm();
    });
  }
}

/** A struct timespec. */
function readTimespec(view: DataView): Timestamp {
  return { seconds: Number(view.getBigInt64(0, true)), nanoseconds: view.getUint32(8, true) };
}

/** The text of an endpoint that may be missing. */
function endpointText(endpoint: Endpoint | undefined): string | undefined {
  return endpoint === undefined ? undefined : formatEndpoint(endpoint);
}
