/** Where recvmmsg(2) puts a batch of messages, and what they are once they are there. */
import type { Timestamp } from '../../measure/clock.js';
import { SOCKADDR_MAX } from '../../sockaddr/struct.js';
import type { ReceivedMessage } from '../port.js';
import { Ancillary } from './ancillary.js';
import { InboxColumns } from './inbox-columns.js';
import type { Libc } from './libc.js';
import { CONTROL_SIZE, MessageVector } from './message-vector.js';
import { SenderCache } from './sender-cache.js';

export class Inbox {
  readonly #vector: MessageVector;
  readonly #slotSize: number;
  /** Whether runs that the kernel has put together are kept so. */
  readonly #coalesce: boolean;
  readonly #told = new Ancillary();
  readonly #senders = new SenderCache();
  #columns: InboxColumns | undefined;

  /** @param slotSize bytes of each message that are kept */
  constructor(libc: Libc, count: number, slotSize: number, coalesce: boolean) {
    this.#slotSize = slotSize;
    this.#coalesce = coalesce;
    this.#vector = new MessageVector(libc, count, count * slotSize);
    for (let i = 0; i < count; i++) this.#vector.setPayload(i, i * slotSize, slotSize);
    this.prepare(count);
  }

  get address(): bigint {
    return this.#vector.address;
  }

  /** Sets the lengths that the kernel has overwritten in the first `count` messages to the room that there is. */
  prepare(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#vector.setNameLength(i, SOCKADDR_MAX);
      this.#vector.setControlLength(i, CONTROL_SIZE);
    }
  }

  /**
   * Appends message `i` to `batch`: one, or as many as UDP_GRO had put together (udp(7)), unless those are wanted as
   * they came.
   *
   * @param now the clock for a message without the kernel's timestamp
   */
  read(i: number, batch: ReceivedMessage[], now: () => Timestamp): void {
    const vector = this.#vector;
    const { bytes } = vector.memory;
    const told = this.readControl(i);
    const from = this.#senders.decode(vector.memory, vector.nameAt(i), vector.nameLength(i));
    const length = vector.lengthOf(i);
    const there = Math.min(length, this.#slotSize);
    const segment = told.segmentSize > 0 && told.segmentSize < length ? told.segmentSize : length;
    const start = vector.payloads + i * this.#slotSize;
    const timestamp = told.timestamp ?? now();
    const timestampSource = told.timestamp === undefined ? 'user' : 'kernel';
    const step = this.#coalesce ? length : segment;
    let at = 0;
    do {
      const whole = Math.min(step, length - at);
      const kept = Math.max(0, Math.min(whole, there - at));
      batch.push({
        bytes: bytes.subarray(start + at, start + at + kept),
        from,
        length: whole,
        truncated: kept < whole,
        segmentSize: Math.min(segment, whole),
        timestamp,
        timestampSource,
        hopLimit: told.hopLimit,
        trafficClass: told.trafficClass,
        destination: told.destination,
        interfaceIndex: told.interfaceIndex,
      });
      at += step;
    } while (at < length);
  }

  /** The first `count` messages in columns, valid until the next ones come in. */
  columns(count: number, now: () => Timestamp): InboxColumns {
    this.#columns ??= new InboxColumns(this.#vector, this.#slotSize, (i) => {
      const one: ReceivedMessage[] = [];
      this.read(i, one, now);
      return one[0] as ReceivedMessage;
    });
    this.#columns.read(count, now);
    return this.#columns;
  }

  /** The control messages of message `i`; valid until the next call. */
  readControl(i: number): Ancillary {
    const start = this.#vector.controlAt(i);
    this.#told.read(this.#vector.memory, start, start + this.#vector.controlLength(i));
    return this.#told;
  }

  /** The address that came with message `i`. */
  sender(i: number): ReceivedMessage['from'] {
    return this.#senders.decode(this.#vector.memory, this.#vector.nameAt(i), this.#vector.nameLength(i));
  }

  /** The first `length` bytes of message `i`, as far as there was room. */
  payload(i: number, length: number): Uint8Array {
    const start = this.#vector.payloads + i * this.#slotSize;
    return this.#vector.memory.bytes.subarray(start, start + Math.min(length, this.#slotSize));
  }

  release(): void {
    this.#vector.release();
  }
}
