/**
 * Reads pcap, the classic format of libpcap: draft-ietf-opsawg-pcap, pcap-savefile(5).
 *
 *     magic (4) | major (2) | minor (2) | reserved (8) | snapshot length (4) | link type (4)
 *     seconds (4) | micro- or nanoseconds (4) | captured length (4) | original length (4) | bytes …
 *
 * The magic number gives the byte order and the unit of the fraction.
 */
import { type CapturedPacket, type CaptureInterface, linkDirection } from '../record.js';
import { type CaptureStatistics, NO_STATISTICS } from '../source.js';
import { ByteWindow } from './bytes.js';
import { type CaptureDetails, type CaptureFault, type CaptureReader, MAX_RECORD_LENGTH } from './port.js';

export const MAGIC_MICROSECONDS = 0xa1b2c3d4;
export const MAGIC_NANOSECONDS = 0xa1b23c4d;

export const FILE_HEADER_LENGTH = 24;
export const RECORD_HEADER_LENGTH = 16;

/** libpcap's MAXIMUM_SNAPLEN: a larger record is taken for corruption, unless the file's own limit is higher. */
export const MAX_SNAPSHOT_LENGTH = 262_144;

/**
 * The lower 16 bits are the link type, the upper six the length of the frame check sequence; those between are reserved,
 * and zero (pcap-savefile(5)).
 */
const LINK_TYPE_MASK = 0xffff;
const RESERVED_MASK = 0x03ff_0000;

/** Files of minor version 2 and below have the two lengths exchanged; of 3, some do (libpcap, sf-pcap.c). */
const ALWAYS_SWAPPED_BEFORE = 3;

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

function tooLong(captured: number, largest: number): Omit<CaptureFault, 'offset'> {
  return { code: 'BAD_CAPTURE', reason: `a packet record claims ${captured} bytes, more than ${largest},` };
}

export const CUT_RECORD = 'the file ends inside the packet record';

export class PcapReader implements CaptureReader {
  readonly format = 'pcap';
  readonly interfaces: CaptureInterface[] = [];
  readonly statistics: CaptureStatistics = NO_STATISTICS;
  readonly trailing = [];
  readonly #window = new ByteWindow();
  readonly #interfaceName: string | null;
  #fault: CaptureFault | undefined;
  #interface: CaptureInterface | undefined;
  #littleEndian = true;
  #nanosecondsPerUnit = 1;
  #largest = MAX_SNAPSHOT_LENGTH;
  #minor = 4;
  #number = 0;

  /** @param interfaceName the name that the stream itself can't carry */
  constructor(interfaceName: string | null = null) {
    this.#interfaceName = interfaceName;
  }

  /**
   * A reader of records without the header.
   *
   * @param before packets that were read elsewhere
   */
  static resume(layout: PcapLayout, before: number): PcapReader {
    const reader = new PcapReader();
    reader.#littleEndian = layout.littleEndian;
    reader.#nanosecondsPerUnit = layout.nanosecondsPerUnit;
    reader.#largest = layout.largest;
    reader.#interface = layout.interface;
    reader.interfaces.push(layout.interface);
    reader.#number = before;
    return reader;
  }

  /** Undefined before the header was read, and for old versions whose records are not told apart by their lengths alone. */
  get layout(): PcapLayout | undefined {
    const from = this.#interface;
    if (from === undefined || this.#minor < 4) return undefined;
    return {
      littleEndian: this.#littleEndian,
      nanosecondsPerUnit: this.#nanosecondsPerUnit,
      largest: this.#largest,
      interface: from,
    };
  }

  get fault(): CaptureFault | undefined {
    return this.#fault;
  }

  get details(): CaptureDetails {
    return {
      version: `2.${this.#minor}`,
      byteOrder: this.#littleEndian ? 'little' : 'big',
      timeDigits: this.#nanosecondsPerUnit === 1 ? 9 : 6,
      sections: [],
      otherBlocks: {},
    };
  }

  push(piece: Uint8Array): CapturedPacket[] {
    const packets: CapturedPacket[] = [];
    if (this.#fault !== undefined) return packets;
    const window = this.#window;
    window.push(piece);
    if (this.#interface === undefined && !this.#readHeader()) return packets;
    while (window.length >= RECORD_HEADER_LENGTH) {
      const packet = this.#readRecord();
      if (packet === undefined) break;
      packets.push(packet);
    }
    return packets;
  }

  end(): void {
    const { length, offset } = this.#window;
    if (this.#fault !== undefined || (length === 0 && this.#interface !== undefined)) return;
    const reason = this.#interface === undefined ? 'the file ends inside the pcap header' : CUT_RECORD;
    this.#fault = { code: 'TRUNCATED_CAPTURE', reason, offset };
  }

  #readHeader(): boolean {
    const window = this.#window;
    if (window.length < FILE_HEADER_LENGTH) return false;
    const magic = window.u32(0, true);
    this.#littleEndian = magic === MAGIC_MICROSECONDS || magic === MAGIC_NANOSECONDS;
    const ordered = window.u32(0, this.#littleEndian);
    if (ordered !== MAGIC_MICROSECONDS && ordered !== MAGIC_NANOSECONDS) return this.#bad('no pcap magic number');
    this.#nanosecondsPerUnit = ordered === MAGIC_NANOSECONDS ? 1 : 1000;

    const major = window.u16(4, this.#littleEndian);
    this.#minor = window.u16(6, this.#littleEndian);
    if (major !== 2 || this.#minor > 4) return this.#bad(`unknown pcap version ${major}.${this.#minor}`);
    const snapshotLength = window.u32(16, this.#littleEndian);
    this.#largest = Math.min(Math.max(snapshotLength, MAX_SNAPSHOT_LENGTH), MAX_RECORD_LENGTH);
    const linkType = window.u32(20, this.#littleEndian);
    if ((linkType & RESERVED_MASK) !== 0) {
      return this.#bad(`link type 0x${linkType.toString(16)} has reserved bits set`);
    }
    this.#interface = {
      id: 0,
      name: this.#interfaceName,
      linkType: linkType & LINK_TYPE_MASK,
      snapshotLength,
    };
    this.interfaces.push(this.#interface);
    window.skip(FILE_HEADER_LENGTH);
    return true;
  }

  #readRecord(): CapturedPacket | undefined {
    const window = this.#window;
    const from = this.#interface as CaptureInterface;
    const little = this.#littleEndian;
    let seconds = window.u32(0, little);
    let nanoseconds = window.u32(4, little) * this.#nanosecondsPerUnit;
    let captured = window.u32(8, little);
    let originalLength = window.u32(12, little);
    if (this.#minor < ALWAYS_SWAPPED_BEFORE || (this.#minor === 3 && captured > originalLength)) {
      [captured, originalLength] = [originalLength, captured];
    }
    if (captured > this.#largest) {
      this.#fault = { ...tooLong(captured, this.#largest), offset: window.offset };
      return undefined;
    }
    if (window.length < RECORD_HEADER_LENGTH + captured) return undefined;
    if (nanoseconds > 999_999_999) {
      seconds += Math.floor(nanoseconds / 1e9);
      nanoseconds %= 1e9;
    }
    const bytes = window.peek(RECORD_HEADER_LENGTH, captured);
    window.skip(RECORD_HEADER_LENGTH + captured);
    this.#number += 1;
    return {
      number: this.#number,
      timestamp: { seconds, nanoseconds },
      interface: from,
      direction: linkDirection(from.linkType, bytes),
      originalLength,
      bytes,
    };
  }

  #bad(reason: string): false {
    this.#fault = { code: 'BAD_CAPTURE', reason, offset: this.#window.offset };
    return false;
  }
}
