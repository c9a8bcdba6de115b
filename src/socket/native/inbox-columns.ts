/** A batch of received messages as columns: what {@link Inbox.read} makes objects of, read in words and without any. */
import type { Timestamp } from '../../measure/clock.js';
import { AddressFamily } from '../../sockaddr/struct.js';
import type { MessageColumns } from '../columns.js';
import type { ReceivedMessage } from '../port.js';
import { CMSG_ALIGN, CMSGHDR_SIZE, Control, MMSGHDR_SIZE, Msghdr } from './layout.js';
import { CONTROL_SIZE, type MessageVector } from './message-vector.js';

/** In words of 32 bits, as are those of a message's header. */
const HEADER = CMSGHDR_SIZE / 4;
const ALIGN = CMSG_ALIGN / 4;
const NAME_LENGTH = Msghdr.nameLength / 4;
const CONTROL_LENGTH = Msghdr.controlLength / 4;
const LENGTH = Msghdr.length / 4;

export class InboxColumns implements MessageColumns {
  count = 0;
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly kept: Uint32Array;
  readonly lengths: Uint32Array;
  readonly senders: Uint32Array;
  readonly seconds: Float64Array;
  readonly nanoseconds: Uint32Array;
  readonly kernelTimes: Uint8Array;
  readonly hopLimits: Int16Array;
  readonly trafficClasses: Int16Array;
  readonly #vector: MessageVector;
  readonly #words: Int32Array;
  readonly #slotSize: number;
  readonly #message: (index: number) => ReceivedMessage;

  /** @param message the object for one of them */
  constructor(vector: MessageVector, slotSize: number, message: (index: number) => ReceivedMessage) {
    const { count, payloads, memory } = vector;
    this.#vector = vector;
    this.#slotSize = slotSize;
    this.#message = message;
    this.#words = new Int32Array(memory.bytes.buffer);
    this.bytes = memory.bytes;
    this.starts = Uint32Array.from({ length: count }, (_, i) => payloads + i * slotSize);
    this.kept = new Uint32Array(count);
    this.lengths = new Uint32Array(count);
    this.senders = new Uint32Array(4 * count);
    this.seconds = new Float64Array(count);
    this.nanoseconds = new Uint32Array(count);
    this.kernelTimes = new Uint8Array(count);
    this.hopLimits = new Int16Array(count);
    this.trafficClasses = new Int16Array(count);
  }

  message(index: number): ReceivedMessage {
    if (!(index >= 0 && index < this.count)) throw new RangeError(`message ${index} of ${this.count}`);
    return this.#message(index);
  }

  /** The first `count` messages as they lie in the memory; `now` for those without the kernel's timestamp. */
  read(count: number, now: () => Timestamp): void {
    const vector = this.#vector;
    const words = this.#words;
    const slotSize = this.#slotSize;
    const { lengths, kept, kernelTimes } = this;
    this.count = count;
    let late: Timestamp | undefined;
    for (let i = 0; i < count; i++) {
      const header = (i * MMSGHDR_SIZE) >> 2;
      const length = words[header + LENGTH] as number;
      lengths[i] = length;
      kept[i] = Math.min(length, slotSize);
      this.#readSender(4 * i, vector.nameAt(i) >> 2, words[header + NAME_LENGTH] as number);
      const control = vector.controlAt(i) >> 2;
      this.#readControl(i, control, control + (Math.min(words[header + CONTROL_LENGTH] as number, CONTROL_SIZE) >> 2));
      if (kernelTimes[i] === 1) continue;
      late ??= now();
      this.seconds[i] = late.seconds;
      this.nanoseconds[i] = late.nanoseconds;
    }
  }

  #readSender(into: number, at: number, length: number): void {
    const words = this.#words;
    const { senders } = this;
    const family = length < 8 ? 0 : (words[at] as number) & 0xffff;
    const ipv6 = family === AddressFamily.AF_INET6 && length >= 28;
    senders[into] = family === AddressFamily.AF_INET ? swapped(words[at + 1] as number) : 0;
    for (let word = 0; word < 4; word++) {
      if (ipv6) senders[into + word] = swapped(words[at + 2 + word] as number);
      else if (word > 0) senders[into + word] = 0;
    }
  }

  /** The control messages in the words `[start, end)`, as {@link Ancillary.read} reads them. */
  #readControl(i: number, start: number, end: number): void {
    const words = this.#words;
    this.kernelTimes[i] = 0;
    this.hopLimits[i] = -1;
    this.trafficClasses[i] = -1;
    let at = start;
    while (at + HEADER <= end) {
      const length = words[at] as number;
      if (length < CMSGHDR_SIZE || at * 4 + length > end * 4) return;
      const size = length - CMSGHDR_SIZE;
      const data = at + HEADER;
      switch (((words[at + 2] as number) << 16) | (words[at + 3] as number)) {
        case Control.timestampNs:
          if (size < 16) break;
          this.seconds[i] = (words[data + 1] as number) * 0x1_0000_0000 + ((words[data] as number) >>> 0);
          this.nanoseconds[i] = words[data + 2] as number;
          this.kernelTimes[i] = 1;
          break;
        case Control.ipTtl:
        case Control.ipv6HopLimit:
          if (size >= 4) this.hopLimits[i] = words[data] as number;
          break;
        case Control.ipTos:
          if (size >= 1) this.trafficClasses[i] = (words[data] as number) & 255;
          break;
        case Control.ipv6TrafficClass:
          if (size >= 4) this.trafficClasses[i] = words[data] as number;
          break;
        default:
      }
      at += Math.ceil(length / CMSG_ALIGN) * ALIGN;
    }
  }
}

/** A big-endian word that was read as a little-endian one. */
function swapped(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
