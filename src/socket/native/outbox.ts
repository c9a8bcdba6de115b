/**
 * What sendmmsg(2) takes: a batch of messages, runs of equal size in one header each with UDP_SEGMENT (udp(7)), so
 * that the kernel goes through its stack once for many datagrams.
 */
import { type Endpoint, mapEndpoint } from '../../sockaddr/endpoint.js';
import { encodeSockaddr } from '../../sockaddr/struct.js';
import type { OutgoingMessage } from '../port.js';
import { CMSG_LENGTH_SEGMENT, CMSG_SPACE_SEGMENT, CmsgHeader, Control } from './layout.js';
import type { Libc } from './libc.js';
import { MessageVector } from './message-vector.js';

/** UDP_MAX_SEGMENTS of the kernels before 6.9; newer ones take 128. */
const SEGMENTS_MAX = 64;
/** The largest payload of UDP over IPv4: a run is one datagram to the kernel until it is cut. */
const RUN_MAX = 65_507;
/**
 * Shorter runs go one by one: a capture on this machine sees a segmented run as one large packet, which is a price
 * that only throughput is worth.
 */
const RUN_MIN = 16;

export interface OutboxOptions {
  /** Messages, or runs of them, that one call takes at most. */
  readonly count: number;
  /** Bytes that one call takes at most. */
  readonly arena: number;
  /** Whether IPv4 destinations must be mapped for an IPv6 socket. */
  readonly mapped: boolean;
  /** Whether runs of equal size may go as one. */
  readonly segments: boolean;
}

export class Outbox {
  readonly #vector: MessageVector;
  readonly #options: OutboxOptions;
  #segments: boolean;
  /** Messages behind each header of the batch. */
  readonly #messages: Uint8Array;
  #headers = 0;

  constructor(libc: Libc, options: OutboxOptions) {
    this.#options = options;
    this.#segments = options.segments;
    this.#vector = new MessageVector(libc, options.count, options.arena);
    this.#messages = new Uint8Array(options.count);
  }

  get address(): bigint {
    return this.#vector.address;
  }

  /** Headers of the batch that {@link fill} has made. */
  get headers(): number {
    return this.#headers;
  }

  /** Whether the first header holds several messages. */
  get segmented(): boolean {
    return (this.#messages[0] ?? 0) > 1;
  }

  /** Messages behind the first `headers` headers. */
  messagesIn(headers: number): number {
    let sum = 0;
    for (let i = 0; i < headers; i++) sum += this.#messages[i] ?? 0;
    return sum;
  }

  /** From now on every message has a header of its own: the path does not take runs. */
  stopSegmenting(): void {
    this.#segments = false;
  }

  /** Copies messages from `first` on, as many as there is room for. */
  fill(messages: readonly OutgoingMessage[], first: number): void {
    const { arena, count } = this.#options;
    let used = 0;
    let next = first;
    let i = 0;
    for (; i < count && next < messages.length; i++) {
      const message = messages[next] as OutgoingMessage;
      const room = arena - used;
      if (i > 0 && message.bytes.length > room) break;
      const run = this.#segments ? runLength(messages, next, Math.min(room, RUN_MAX)) : 1;
      const start = used;
      for (let k = 0; k < run; k++) used += this.#copy((messages[next + k] as OutgoingMessage).bytes, used);
      this.#vector.setPayload(i, start, used - start);
      this.#vector.setNameLength(i, this.#setName(i, message.to));
      if (run > 1) this.#setSegmentSize(i, message.bytes.length);
      else this.#vector.setControlLength(i, 0);
      this.#messages[i] = run;
      next += run;
    }
    this.#headers = i;
  }

  /** A message beyond the arena is beyond every socket too; the kernel says EMSGSIZE to its length. */
  #copy(bytes: Uint8Array, at: number): number {
    const length = Math.min(bytes.length, this.#options.arena - at);
    const part = length === bytes.length ? bytes : bytes.subarray(0, length);
    this.#vector.memory.bytes.set(part, this.#vector.payloads + at);
    return length;
  }

  #setSegmentSize(i: number, size: number): void {
    const { view } = this.#vector.memory;
    const at = this.#vector.controlAt(i);
    view.setUint32(at + CmsgHeader.length, CMSG_LENGTH_SEGMENT, true);
    view.setUint32(at + CmsgHeader.length + 4, 0, true);
    view.setInt32(at + CmsgHeader.level, Control.udpSegment >> 16, true);
    view.setInt32(at + CmsgHeader.type, Control.udpSegment & 0xffff, true);
    view.setUint16(at + CmsgHeader.data, size, true);
    this.#vector.setControlLength(i, CMSG_SPACE_SEGMENT);
  }

  #lastTo: Endpoint | undefined;
  #lastName: Uint8Array = new Uint8Array(0);

  #setName(i: number, to: Endpoint | undefined): number {
    if (to === undefined) return 0;
    if (to !== this.#lastTo) {
      this.#lastName = encodeSockaddr(this.#options.mapped ? mapEndpoint(to) : to);
      this.#lastTo = to;
    }
    this.#vector.memory.bytes.set(this.#lastName, this.#vector.nameAt(i));
    return this.#lastName.length;
  }

  release(): void {
    this.#vector.release();
  }
}

/**
 * How many messages from `first` on can go as one: to the same place, of the same size but for the last, which may be
 * shorter, and together at most `room` bytes; 1 where the run is not worth it.
 */
function runLength(messages: readonly OutgoingMessage[], first: number, room: number): number {
  const head = messages[first] as OutgoingMessage;
  const size = head.bytes.length;
  if (size === 0 || size * RUN_MIN > room) return 1;
  const most = Math.min(messages.length - first, SEGMENTS_MAX);
  let run = 1;
  let total = size;
  while (run < most) {
    const { bytes, to } = messages[first + run] as OutgoingMessage;
    total += bytes.length;
    if (to !== head.to || bytes.length === 0 || bytes.length > size || total > room) break;
    run++;
    if (bytes.length < size) break;
  }
  return run < RUN_MIN ? 1 : run;
}
