/**
 * What sendmmsg(2) takes: a batch of messages, runs of equal size in one header each with UDP_SEGMENT (udp(7)), so
 * that the kernel goes through its stack once for many datagrams.
 */
import { type Endpoint, mapEndpoint } from '../../sockaddr/endpoint.js';
import { encodeSockaddr } from '../../sockaddr/struct.js';
import type { OutgoingMessage } from '../port.js';
import {
  CMSG_LENGTH_INT,
  CMSG_LENGTH_SEGMENT,
  CMSG_SPACE_INT,
  CMSG_SPACE_SEGMENT,
  CmsgHeader,
  Control,
} from './layout.js';
import type { Libc } from './libc.js';
import { MessageVector } from './message-vector.js';

/** UDP_MAX_SEGMENTS: since Linux 6.9, and before. */
const SEGMENTS_MAX = 128;
const SEGMENTS_OLD = 64;
/** The largest payload of UDP over IPv4: a run is one datagram to the kernel until it is cut. */
const RUN_MAX = 65_507;
/**
 * Equal messages that happen to follow each other go one by one where they are fewer: a capture on this machine sees a
 * segmented run as one large packet, which is a price that only throughput is worth.
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
  /** Of the socket: whose control messages it takes. */
  readonly ipv6: boolean;
}

/** A place among messages: behind `offset` bytes of message `index`, which is a run where that is not 0. */
export interface Position {
  readonly index: number;
  readonly offset: number;
}

export class Outbox {
  readonly #vector: MessageVector;
  readonly #options: OutboxOptions;
  /** Datagrams that one header may hold. */
  #segments: number;
  /** Datagrams behind each header of the batch, and where the messages go on after it. */
  readonly #datagrams: Uint8Array;
  readonly #nextIndex: Float64Array;
  readonly #nextOffset: Float64Array;
  #headers = 0;

  constructor(libc: Libc, options: OutboxOptions) {
    this.#options = options;
    this.#segments = options.segments ? SEGMENTS_MAX : 1;
    this.#vector = new MessageVector(libc, options.count, options.arena);
    this.#datagrams = new Uint8Array(options.count);
    this.#nextIndex = new Float64Array(options.count);
    this.#nextOffset = new Float64Array(options.count);
  }

  get address(): bigint {
    return this.#vector.address;
  }

  /** Headers of the batch that {@link fill} has made. */
  get headers(): number {
    return this.#headers;
  }

  /** Whether the first header holds several datagrams. */
  get segmented(): boolean {
    return (this.#datagrams[0] ?? 0) > 1;
  }

  /** Datagrams behind the first `headers` headers. */
  datagramsIn(headers: number): number {
    let sum = 0;
    for (let i = 0; i < headers; i++) sum += this.#datagrams[i] ?? 0;
    return sum;
  }

  /** Where the messages go on when the kernel has taken `headers` (one at least) headers. */
  after(headers: number): Position {
    return { index: this.#nextIndex[headers - 1] ?? 0, offset: this.#nextOffset[headers - 1] ?? 0 };
  }

  /** From now on fewer datagrams share a header: as many as older kernels take, and if that was too much, one. */
  segmentLess(): void {
    const taken = this.#datagrams[0] ?? 0;
    this.#segments = taken > SEGMENTS_OLD ? SEGMENTS_OLD : 1;
  }

  /** Copies messages from `start` on, as many as there is room for. */
  fill(messages: readonly OutgoingMessage[], start: Position): void {
    const { arena, count } = this.#options;
    let used = 0;
    let { index, offset } = start;
    let i = 0;
    for (; i < count && index < messages.length; i++) {
      const message = messages[index] as OutgoingMessage;
      const room = arena - used;
      const size = message.segmentSize ?? message.bytes.length;
      if (i > 0 && size > room) break;
      const begin = used;
      let datagrams = 1;
      if (message.segmentSize !== undefined) {
        const left = message.bytes.length - offset;
        datagrams = Math.min(this.#segments, Math.floor(Math.min(room, RUN_MAX) / size), Math.ceil(left / size)) || 1;
        const length = Math.min(datagrams * size, left);
        used += this.#copy(message.bytes, offset, length, used);
        offset += length;
        if (offset >= message.bytes.length) {
          index++;
          offset = 0;
        }
      } else {
        datagrams = runLength(messages, index, Math.min(room, RUN_MAX), this.#segments);
        for (let k = 0; k < datagrams; k++) {
          const { bytes } = messages[index + k] as OutgoingMessage;
          used += this.#copy(bytes, 0, bytes.length, used);
        }
        index += datagrams;
      }
      this.#vector.setPayload(i, begin, used - begin);
      this.#vector.setNameLength(i, this.#setName(i, message.to));
      let control = 0;
      if (datagrams > 1) control = this.#addSegmentSize(i, size);
      if (hasControl(message)) control = this.#addHeaderFields(i, control, message);
      this.#vector.setControlLength(i, control);
      this.#datagrams[i] = datagrams;
      this.#nextIndex[i] = index;
      this.#nextOffset[i] = offset;
    }
    this.#headers = i;
  }

  /** A message beyond the arena is beyond every socket too; the kernel says EMSGSIZE to its length. */
  #copy(bytes: Uint8Array, from: number, wanted: number, at: number): number {
    const length = Math.min(wanted, this.#options.arena - at);
    const part = from === 0 && length === bytes.length ? bytes : bytes.subarray(from, from + length);
    this.#vector.memory.bytes.set(part, this.#vector.payloads + at);
    return length;
  }

  #addSegmentSize(i: number, size: number): number {
    const data = this.#addControl(i, 0, Control.udpSegment, CMSG_LENGTH_SEGMENT);
    this.#vector.memory.view.setUint16(data, size, true);
    return CMSG_SPACE_SEGMENT;
  }

  /** The fields of the IP header that this message has of its own; returns the end of the control messages. */
  #addHeaderFields(i: number, from: number, { hopLimit, trafficClass }: OutgoingMessage): number {
    const { ipv6 } = this.#options;
    let end = from;
    for (const [value, type] of [
      [hopLimit, ipv6 ? Control.ipv6HopLimit : Control.ipTtl],
      [trafficClass, ipv6 ? Control.ipv6TrafficClass : Control.ipTos],
    ] as const) {
      if (value === undefined) continue;
      this.#vector.memory.view.setInt32(this.#addControl(i, end, type, CMSG_LENGTH_INT), value, true);
      end += CMSG_SPACE_INT;
    }
    return end;
  }

  /** The header of a control message, `from` bytes into those of message `i`; returns where its data goes. */
  #addControl(i: number, from: number, type: number, length: number): number {
    const { view } = this.#vector.memory;
    const at = this.#vector.controlAt(i) + from;
    view.setUint32(at + CmsgHeader.length, length, true);
    view.setUint32(at + CmsgHeader.length + 4, 0, true);
    view.setInt32(at + CmsgHeader.level, type >> 16, true);
    view.setInt32(at + CmsgHeader.type, type & 0xffff, true);
    return at + CmsgHeader.data;
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
 * shorter, and together at most `room` bytes and `most` messages; 1 where the run is not worth it.
 */
function runLength(messages: readonly OutgoingMessage[], first: number, room: number, most: number): number {
  const head = messages[first] as OutgoingMessage;
  const size = head.bytes.length;
  if (size === 0 || size * RUN_MIN > room || hasControl(head)) return 1;
  const end = Math.min(messages.length - first, most);
  let run = 1;
  let total = size;
  while (run < end) {
    const next = messages[first + run] as OutgoingMessage;
    const { bytes, to, segmentSize } = next;
    total += bytes.length;
    if (to !== head.to || segmentSize !== undefined || hasControl(next)) break;
    if (bytes.length === 0 || bytes.length > size || total > room) break;
    run++;
    if (bytes.length < size) break;
  }
  return run < RUN_MIN ? 1 : run;
}

function hasControl({ hopLimit, trafficClass }: OutgoingMessage): boolean {
  return hopLimit !== undefined || trafficClass !== undefined;
}
