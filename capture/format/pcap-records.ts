/**
 * The records of a pcap file without its header (draft-ietf-opsawg-pcap section 5), one behind the other in memory: told
 * apart by their lengths, and read in place.
 *
 *     seconds:4 microseconds or nanoseconds:4 captured length:4 length on the link:4, then the packet
 */
import type { Timestamp } from '../../src/measure/clock.js';
import { type CapturedPacket, type CaptureInterface, linkDirection } from '../record.js';
import type { RecordBatch } from '../source.js';
import type { CaptureFault } from './port.js';

export const RECORD_HEADER_LENGTH = 16;

/** What the header says, as plain values: enough to read records of that file anywhere. */
export interface PcapLayout {
  readonly littleEndian: boolean;
  readonly nanosecondsPerUnit: number;
  /** The largest record that is taken for one, in bytes. */
  readonly largest: number;
  readonly interface: CaptureInterface;
}

/** A run of whole records. */
export interface RecordRun {
  readonly count: number;
  /** Lengths on the link, together. */
  readonly originalBytes: number;
  /** Where the run ends; a record that is not all there begins here. */
  readonly end: number;
  /** Bytes that the record at the end needs, its header counted; 0 where that is not all there either. */
  readonly need: number;
  /** Set where it can't be one. */
  readonly fault: Omit<CaptureFault, 'offset'> | undefined;
}

/** Goes from record to record of `bytes[0, length)` by their lengths alone. */
export function scanRecords(bytes: Uint8Array, length: number, { littleEndian, largest }: PcapLayout): RecordRun {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let count = 0;
  let originalBytes = 0;
  let at = 0;
  while (at + RECORD_HEADER_LENGTH <= length) {
    const captured = view.getUint32(at + 8, littleEndian);
    if (captured > largest) return { count, originalBytes, end: at, need: 0, fault: tooLong(captured, largest) };
    const next = at + RECORD_HEADER_LENGTH + captured;
    if (next > length) return { count, originalBytes, end: at, need: next - at, fault: undefined };
    originalBytes += view.getUint32(at + 12, littleEndian);
    count++;
    at = next;
  }
  return { count, originalBytes, end: at, need: 0, fault: undefined };
}

export function tooLong(captured: number, largest: number): Omit<CaptureFault, 'offset'> {
  return { code: 'BAD_CAPTURE', reason: `a packet record claims ${captured} bytes, more than ${largest},` };
}

export const CUT_RECORD = 'the file ends inside the packet record';

/** A record's time; writers that count beyond a second are understood. */
export function moment(seconds: number, nanoseconds: number): Timestamp {
  if (nanoseconds <= 999_999_999) return { seconds, nanoseconds };
  return { seconds: seconds + Math.floor(nanoseconds / 1e9), nanoseconds: nanoseconds % 1e9 };
}

/** Goes through whole records; its fields hold after {@link PcapRecords.next} was true, until it is called again. */
export class PcapRecords {
  readonly bytes: Uint8Array;
  readonly interface: CaptureInterface;
  number: number;
  seconds = 0;
  /** Above 999,999,999 only where the file says so. */
  nanoseconds = 0;
  originalLength = 0;
  /** The packet is `bytes[start, end)`. */
  start = 0;
  end = 0;
  readonly #view: DataView;
  readonly #layout: PcapLayout;
  readonly #numbers: Float64Array | undefined;
  #index = 0;

  constructor({ bytes, layout, before, numbers }: Pick<RecordBatch, 'bytes' | 'layout' | 'before' | 'numbers'>) {
    this.bytes = bytes;
    this.interface = layout.interface;
    this.number = before;
    this.#numbers = numbers;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#layout = layout;
  }

  next(): boolean {
    const view = this.#view;
    const at = this.end;
    if (at + RECORD_HEADER_LENGTH > view.byteLength) return false;
    const { littleEndian, nanosecondsPerUnit } = this.#layout;
    this.seconds = view.getUint32(at, littleEndian);
    this.nanoseconds = view.getUint32(at + 4, littleEndian) * nanosecondsPerUnit;
    this.originalLength = view.getUint32(at + 12, littleEndian);
    this.start = at + RECORD_HEADER_LENGTH;
    this.end = this.start + view.getUint32(at + 8, littleEndian);
    this.number = this.#numbers === undefined ? this.number + 1 : (this.#numbers[this.#index++] as number);
    return this.end <= view.byteLength;
  }

  /** The record as a packet, whose bytes are a view of these. */
  packet(): CapturedPacket {
    const bytes = this.bytes.subarray(this.start, this.end);
    return {
      number: this.number,
      timestamp: moment(this.seconds, this.nanoseconds),
      interface: this.interface,
      direction: linkDirection(this.interface.linkType, bytes),
      originalLength: this.originalLength,
      bytes,
    };
  }
}
