/**
 * The receiving end of a reliable transfer: a state machine over packets and a clock, which does no input or output
 * itself. Its owner gives it what arrives, asks it for what to send, and takes the data out of it in order.
 */
import {
  type AbortReason,
  ACK_RANGES,
  type AckRange,
  type ConnectionId,
  DATA_HEADER,
  encodeAbort,
  encodeAck,
  encodeDone,
  encodeReady,
  isIntact,
  PacketType,
  type ReceivedPacket,
  readAbort,
  readDataNumber,
  readDataOffset,
  readFin,
  readStart,
  type Start,
} from './packets.js';
import { RangeSet } from './ranges.js';

export interface ReceiverOptions {
  readonly start: Start;
  /** CRC seed of the connection. */
  readonly seed: number;
  /** Bytes that are held until they are in order and taken; a power of two. */
  readonly window: number;
  readonly now: number;
}

/**
 * What its owner has to do next:
 *
 * - `preparing`: look at what is there already, then call {@link ReliableReceiver.begin}
 * - `check`: all data is there: compare the SHA-256 with `expected.digest`, then {@link ReliableReceiver.finish} or
 *   {@link ReliableReceiver.abort}
 * - `finished`: answer for a while, since the sender may not have heard of it; `closed` when it has
 */
export type ReceiverState = 'preparing' | 'receiving' | 'check' | 'finished' | 'closed' | 'aborted';

/** Bytes of data after which an acknowledgement goes out, even in the middle of a batch. */
const ACK_BYTES = 256 << 10;
/** Pieces with gaps between them that are held at most: no path leaves so many, but somebody could send them. */
const PIECES = 16_384;
/** Once the file is kept, DONE goes out so often without being asked for, in milliseconds. */
const DONE_MS = 250;
/** For so long after the sender was last heard, and never for longer than {@link LINGER_MAX_MS}, in milliseconds. */
const LINGER_MS = 3000;
const LINGER_MAX_MS = 30_000;
/** A range of an ACK has 16 bits: of a longer one the newest numbers are told, and what is before by the offset. */
const RANGE_MAX = 0xffff;

export class ReliableReceiver {
  readonly start: Start;
  readonly #seed: number;
  readonly #ring: Uint8Array;
  #state: ReceiverState = 'preparing';
  /** Why the sender has ended it. */
  aborted: { readonly reason: number; readonly text: string } | undefined;
  /** Size and digest as the sender has them. */
  expected: { readonly size: number; readonly digest: Uint8Array } | undefined;
  /** Packets with data, and those that brought nothing new. */
  packets = 0;
  duplicates = 0;

  #lastHeard: number;
  readonly #numbers = new RangeSet();
  readonly #data = new RangeSet();
  #largest = -1;
  #largestAt = 0;
  #offset = 0;
  #digest: Uint8Array = new Uint8Array(32);
  #inOrder = 0;
  #taken = 0;
  #unacknowledged = 0;
  /** Packets to be sent at the next {@link transmit}. */
  #acknowledge = false;
  #answer: 'ready' | 'done' | 'abort' | undefined;
  #abortion: { readonly reason: AbortReason; readonly text: string } | undefined;
  #windowTold = 0;
  #doneAt = Number.POSITIVE_INFINITY;
  #finishedAt = 0;

  constructor({ start, seed, window, now }: ReceiverOptions) {
    this.start = start;
    this.#seed = seed;
    this.#ring = new Uint8Array(window);
    this.#lastHeard = now;
  }

  get state(): ReceiverState {
    return this.#state;
  }

  /** When the sender was last heard, in milliseconds of the owner's clock. */
  get lastHeard(): number {
    return this.#lastHeard;
  }

  /** Bytes from the start that are there, in order. */
  get inOrder(): number {
    return this.#inOrder;
  }

  /** The owner has the data before `offset` already, with this SHA-256. */
  begin(offset: number, digest: Uint8Array): void {
    if (this.#state !== 'preparing') return;
    this.#offset = offset;
    this.#digest = digest;
    this.#inOrder = offset;
    this.#taken = offset;
    this.#data.add(0, offset);
    this.#state = 'receiving';
    this.#answer = 'ready';
  }

  /** The owner has found all as it should be, and kept it. */
  finish(now: number): void {
    if (this.#state !== 'check') return;
    this.#state = 'finished';
    this.#finishedAt = now;
    this.#doneAt = now;
  }

  /** It can't go on; the sender is told, now and whenever it is heard again. */
  abort(reason: AbortReason, text: string): void {
    if (this.#state === 'closed' || this.#state === 'aborted' || this.#state === 'finished') return;
    this.#abortion = { reason, text };
    this.#state = 'aborted';
    this.#answer = 'abort';
  }

  /** The packet is of this connection, by its id; whether it counts, its check says. */
  receive(packet: ReceivedPacket, now: number): void {
    if (!isIntact(packet, this.#seed)) return;
    this.#lastHeard = now;
    switch (packet.type) {
      case PacketType.start: {
        const again = readStart(packet);
        if (this.#state === 'receiving' && again?.anew === this.start.anew) this.#answer = 'ready';
        else this.#acknowledge = true;
        break;
      }
      case PacketType.data:
        this.#onData(packet, now);
        break;
      case PacketType.fin: {
        const fin = readFin(packet);
        this.#acknowledge = true;
        if (this.#state === 'finished') this.#answer = 'done';
        else if (this.#state === 'receiving' && fin !== undefined && fin.size === this.#inOrder) {
          this.expected = fin;
          if (this.#taken === this.#inOrder) this.#state = 'check';
        }
        break;
      }
      case PacketType.close:
        if (this.#state === 'finished') this.#state = 'closed';
        break;
      case PacketType.abort:
        if (this.#state === 'finished' || this.#state === 'closed' || this.#state === 'aborted') break;
        this.aborted = readAbort(packet);
        this.#state = 'aborted';
        break;
      default:
        break;
    }
    if (this.#state === 'aborted' && this.#abortion !== undefined) this.#answer = 'abort';
  }

  /** Data that is there in order and not taken yet, as far as it lies in one piece; it stays until {@link taken}. */
  readable(): Uint8Array {
    const at = this.#taken & (this.#ring.length - 1);
    const length = Math.min(this.#inOrder - this.#taken, this.#ring.length - at);
    return this.#ring.subarray(at, at + length);
  }

  /** The owner has kept so many bytes of {@link readable}. */
  taken(bytes: number): void {
    this.#taken += bytes;
    // A sender that waits for room has to be told.
    if (this.#windowEnd() - this.#windowTold >= this.#ring.length / 4) this.#acknowledge = true;
    if (this.#state === 'receiving' && this.expected !== undefined && this.#taken === this.#inOrder) {
      this.#state = 'check';
    }
  }

  /** Whether an acknowledgement should not wait for the end of the batch. */
  get urgent(): boolean {
    return this.#unacknowledged >= ACK_BYTES;
  }

  /** When {@link transmit} is to be called again, if nothing arrives before; Infinity for never. */
  nextTime(): number {
    return this.#state === 'finished' ? Math.min(this.#doneAt, this.#lingersUntil()) : Number.POSITIVE_INFINITY;
  }

  /** The next packet to be sent; undefined when there is none. */
  transmit(now: number): Uint8Array | undefined {
    const id: ConnectionId = this.start.senderId;
    if (this.#state === 'finished') {
      if (now >= this.#lingersUntil()) this.#state = 'closed';
      else if (now >= this.#doneAt) this.#answer = 'done';
    }
    const answer = this.#answer;
    if (answer !== undefined) {
      this.#answer = undefined;
      if (answer === 'ready') return encodeReady(id, this.#offset, this.#windowEnd(), this.#digest, this.#seed);
      if (answer === 'done') this.#doneAt = now + DONE_MS;
      if (answer === 'done') return encodeDone(id, this.expected?.digest ?? new Uint8Array(32), this.#seed);
      if (this.#abortion === undefined) return undefined;
      return encodeAbort(id, this.#abortion.reason, this.#abortion.text, this.#seed);
    }
    if (!this.#acknowledge) return undefined;
    this.#acknowledge = false;
    this.#unacknowledged = 0;
    this.#windowTold = this.#windowEnd();
    const ack = {
      largest: this.#largest,
      delayMs: this.#largest < 0 ? 0 : now - this.#largestAt,
      inOrder: this.#inOrder,
      windowEnd: this.#windowTold,
      ranges: this.#ranges(),
    };
    return encodeAck(id, ack, this.#seed);
  }

  #onData(packet: ReceivedPacket, now: number): void {
    this.#acknowledge = true;
    const number = readDataNumber(packet);
    const offset = readDataOffset(packet);
    const { bytes } = packet;
    const length = bytes.length - DATA_HEADER;
    const end = offset + length;
    // NaN is less than nothing; what is beyond the window was not asked for, and is not acknowledged.
    if (!(number >= 0 && end <= this.#windowEnd()) || this.#state !== 'receiving') return;
    if (this.#data.count >= PIECES && offset > this.#inOrder) return;
    if (number > this.#largest) {
      this.#largest = number;
      this.#largestAt = now;
    }
    this.#numbers.add(number, number + 1);
    this.#numbers.trim(2 * ACK_RANGES);
    if (length === 0) return;
    this.packets++;
    this.#unacknowledged += length;
    if (this.#data.add(offset, end) === 0) {
      this.duplicates++;
      return;
    }
    this.#keep(offset, bytes);
    this.#inOrder = Math.max(this.#inOrder, this.#data.endFrom(0));
  }

  /** Into the ring, but for what is taken already; the same bytes twice are the same bytes. */
  #keep(offset: number, packet: Uint8Array): void {
    const skip = Math.max(0, this.#taken - offset);
    const mask = this.#ring.length - 1;
    let from = DATA_HEADER + skip;
    let at = (offset + skip) & mask;
    while (from < packet.length) {
      const length = Math.min(packet.length - from, this.#ring.length - at);
      this.#ring.set(from + length === packet.length && from === 0 ? packet : packet.subarray(from, from + length), at);
      from += length;
      at = 0;
    }
  }

  /** A sender that has not heard DONE asks again; one that says nothing has heard it, or is gone. */
  #lingersUntil(): number {
    return Math.min(Math.max(this.#lastHeard, this.#finishedAt) + LINGER_MS, this.#finishedAt + LINGER_MAX_MS);
  }

  #windowEnd(): number {
    return this.#taken + this.#ring.length;
  }

  #ranges(): AckRange[] {
    const ranges: AckRange[] = [];
    const numbers = this.#numbers;
    for (let i = numbers.count - 1; i >= 0 && ranges.length < ACK_RANGES; i--) {
      const length = numbers.end(i) - numbers.start(i);
      const gap = i === 0 ? 0 : numbers.start(i) - numbers.end(i - 1);
      if (length > RANGE_MAX || gap > RANGE_MAX) {
        ranges.push({ length: Math.min(length, RANGE_MAX), gap: 0 });
        break;
      }
      ranges.push({ length, gap });
    }
    return ranges;
  }
}
