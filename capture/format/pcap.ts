/**
 * Reads pcap, the classic format of libpcap: draft-ietf-opsawg-pcap, pcap-savefile(5).
 *
 *     magic (4) | major (2) | minor (2) | reserved (8) | snapshot length (4) | link type (4)
 *     seconds (4) | micro- or nanoseconds (4) | captured length (4) | original length (4) | bytes …
 *
 * The magic number gives the byte order and the unit of the fraction.
 */
import { type CapturedPacket, type CaptureInterface, linkDirection, loopbackOrder } from '../record.js';
import { type CaptureStatistics, NO_STATISTICS } from '../source.js';
import { ByteWindow } from './bytes.js';
import { CUT_RECORD, moment, type PcapLayout, RECORD_HEADER_LENGTH, tooLong } from './pcap-records.js';
import { type CaptureDetails, type CaptureFault, type CaptureReader, MAX_RECORD_LENGTH } from './port.js';

export const MAGIC_MICROSECONDS = 0xa1b2c3d4;
export const MAGIC_NANOSECONDS = 0xa1b23c4d;

export const FILE_HEADER_LENGTH = 24;

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
      ...loopbackOrder(linkType & LINK_TYPE_MASK, this.#littleEndian),
    };
    this.interfaces.push(this.#interface);
    window.skip(FILE_HEADER_LENGTH);
    return true;
  }

  #readRecord(): CapturedPacket | undefined {
    const window = this.#window;
    const from = this.#interface as CaptureInterface;
    const little = this.#littleEndian;
    const timestamp = moment(window.u32(0, little), window.u32(4, little) * this.#nanosecondsPerUnit);
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
    const bytes = window.peek(RECORD_HEADER_LENGTH, captured);
    window.skip(RECORD_HEADER_LENGTH + captured);
    this.#number += 1;
    return {
      number: this.#number,
      timestamp,
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
