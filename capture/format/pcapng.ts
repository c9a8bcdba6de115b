/**
 * Reads pcapng: draft-ietf-opsawg-pcapng.
 *
 *     type (4) | length (4) | body … | length again (4)
 *
 * A file is a row of sections, each with its own byte order and interfaces. Blocks that hold neither packets nor
 * interfaces nor counters (names, secrets, custom and unknown ones) go with the packet behind them, for whoever copies the
 * file; large ones are passed over without being kept in memory.
 */
import { type CapturedPacket, type CaptureInterface, linkDirection, type OtherBlock } from '../record.js';
import { addStatistics, type CaptureStatistics } from '../source.js';
import { ByteWindow } from './bytes.js';
import { BLOCK_OVERHEAD, BlockType, BYTE_ORDER_MAGIC, blockName } from './pcapng-blocks.js';
import { describeInterface, readPacket, readSection, readStatistics, type SectionInterface } from './pcapng-bodies.js';
import {
  type CaptureDetails,
  type CaptureFault,
  type CaptureReader,
  MAX_RECORD_LENGTH,
  type SectionDetails,
} from './port.js';

const SECTION_HEADER_LENGTH = 28;
/** Larger blocks, and more of them without a packet between, are passed over. */
const MAX_OTHER_BLOCK = 1 << 20;
const MAX_WAITING_BYTES = 16 << 20;
/** Sections whose texts are kept. */
const MAX_SECTIONS = 1000;

export class PcapngReader implements CaptureReader {
  readonly format = 'pcapng';
  readonly interfaces: CaptureInterface[] = [];
  readonly #window = new ByteWindow();
  readonly #statistics = new Map<CaptureInterface, CaptureStatistics>();
  #fault: CaptureFault | undefined;
  #littleEndian = true;
  /** The interfaces of the present section, by their number in it. */
  #section: SectionInterface[] = [];
  #inSection = false;
  #minor = 0;
  /** Of hostile files no more than these are told. */
  readonly #sections: SectionDetails[] = [];
  readonly #otherBlocks = new Map<string, number>();
  /** A block that is being passed over: what is left of its body, its length, and where it began. */
  #skipping: { left: number; readonly total: number; readonly offset: number } | undefined;
  #number = 0;
  /** Blocks since the last packet. */
  #waiting: OtherBlock[] = [];
  #waitingBytes = 0;

  get trailing(): readonly OtherBlock[] {
    return this.#waiting;
  }

  get fault(): CaptureFault | undefined {
    return this.#fault;
  }

  /** Statistics blocks hold totals: the last one of each interface counts. */
  get statistics(): CaptureStatistics {
    return addStatistics(this.#statistics.values());
  }

  get details(): CaptureDetails {
    return {
      version: `1.${this.#minor}`,
      byteOrder: this.#littleEndian ? 'little' : 'big',
      timeDigits: null,
      sections: this.#sections,
      otherBlocks: Object.fromEntries(this.#otherBlocks),
    };
  }

  push(piece: Uint8Array): CapturedPacket[] {
    const packets: CapturedPacket[] = [];
    if (this.#fault !== undefined) return packets;
    this.#window.push(piece);
    while (this.#skipping === undefined ? this.#readBlock(packets) : this.#skip(this.#skipping)) {}
    return packets;
  }

  end(): void {
    const { length, offset } = this.#window;
    if (this.#fault !== undefined || (length === 0 && this.#skipping === undefined && this.#inSection)) return;
    const start = this.#skipping?.offset ?? offset;
    this.#fault = { code: 'TRUNCATED_CAPTURE', reason: 'the file ends inside the block', offset: start };
  }

  /** Reads one block if all of it is there; false when more bytes are needed, or none will help. */
  #readBlock(packets: CapturedPacket[]): boolean {
    const window = this.#window;
    if (window.length < BLOCK_OVERHEAD) return false;
    const type = window.u32(0, this.#littleEndian);
    if (type === BlockType.sectionHeader) {
      // Its type reads the same in both orders; the order of its length stands behind it.
      const little = window.u32(8, true) === BYTE_ORDER_MAGIC;
      if (!little && window.u32(8, false) !== BYTE_ORDER_MAGIC) return this.#bad('no byte-order magic in the section');
      this.#littleEndian = little;
    } else if (!this.#inSection) {
      return this.#bad('no section header');
    }

    const total = window.u32(4, this.#littleEndian);
    if (total < BLOCK_OVERHEAD || total % 4 !== 0) return this.#bad(`impossible block length ${total}`);
    if (!KEPT.has(type)) {
      const name = blockName(type);
      if (this.#keeps(total)) return this.#keep(type, total, name);
      this.#otherBlocks.set(name, (this.#otherBlocks.get(name) ?? 0) + 1);
      this.#skipping = { left: total - BLOCK_OVERHEAD, total, offset: window.offset };
      window.skip(8);
      return true;
    }
    if (total > MAX_RECORD_LENGTH) {
      return this.#bad(`a block claims ${total} bytes, more than ${MAX_RECORD_LENGTH},`);
    }
    if (window.length < total) return false;
    if (window.u32(total - 4, this.#littleEndian) !== total) return this.#bad('the two lengths differ in the block');
    if (!this.#readBody(type, total, packets)) return false;
    window.skip(total);
    return true;
  }

  /** Whether a block is small enough to be carried along, with those that wait for a packet already. */
  #keeps(total: number): boolean {
    return total <= MAX_OTHER_BLOCK && this.#waitingBytes + total <= MAX_WAITING_BYTES;
  }

  #keep(type: number, total: number, name: string): boolean {
    const window = this.#window;
    if (window.length < total) return false;
    if (window.u32(total - 4, this.#littleEndian) !== total) return this.#bad('the two lengths differ in the block');
    const body = window.peek(8, total - BLOCK_OVERHEAD).slice();
    this.#otherBlocks.set(name, (this.#otherBlocks.get(name) ?? 0) + 1);
    this.#waiting.push({ type, littleEndian: this.#littleEndian, body });
    this.#waitingBytes += total;
    window.skip(total);
    return true;
  }

  #readBody(type: number, total: number, packets: CapturedPacket[]): boolean {
    const window = this.#window;
    const block = { window, end: total - 4, littleEndian: this.#littleEndian };
    switch (type) {
      case BlockType.sectionHeader: {
        if (total < SECTION_HEADER_LENGTH) return this.#bad(`impossible section header length ${total}`);
        const major = window.u16(12, this.#littleEndian);
        if (major !== 1) {
          return this.#bad(`unknown pcapng version ${major}.${window.u16(14, this.#littleEndian)}`);
        }
        this.#section = [];
        this.#inSection = true;
        this.#minor = window.u16(14, this.#littleEndian);
        if (this.#sections.length < MAX_SECTIONS) this.#sections.push(readSection(block));
        return true;
      }
      case BlockType.interfaceDescription: {
        const described = describeInterface(block, this.interfaces.length);
        if (typeof described === 'string') return this.#bad(described);
        this.#section.push(described);
        this.interfaces.push(described.value);
        return true;
      }
      case BlockType.interfaceStatistics: {
        const counted = readStatistics(block, this.#section);
        // Counters of an interface that nobody described say nothing; the packets do not suffer from it.
        if (counted !== undefined) this.#statistics.set(counted.interface, counted.statistics);
        return true;
      }
      default: {
        const body = readPacket(type, block, this.#section);
        if (typeof body === 'string') return this.#bad(body);
        this.#number += 1;
        const { interface: from, bytes } = body;
        // What the packet itself says is what is shown, and what filters ask.
        const direction = linkDirection(from.linkType, bytes) ?? body.direction;
        if (this.#waiting.length === 0) packets.push({ number: this.#number, ...body, direction });
        else packets.push({ number: this.#number, ...body, direction, before: this.#waiting });
        this.#waiting = [];
        this.#waitingBytes = 0;
        return true;
      }
    }
  }

  /** Passes over what is there of a block; false when more bytes are needed. */
  #skip(block: { left: number; readonly total: number; readonly offset: number }): boolean {
    const window = this.#window;
    const there = Math.min(block.left, window.length);
    window.skip(there);
    block.left -= there;
    if (block.left > 0 || window.length < 4) return false;
    if (window.u32(0, this.#littleEndian) !== block.total) {
      return this.#bad('the two lengths differ in the block', block.offset);
    }
    window.skip(4);
    this.#skipping = undefined;
    return true;
  }

  #bad(reason: string, offset = this.#window.offset): false {
    this.#fault = { code: 'BAD_CAPTURE', reason, offset };
    return false;
  }
}

const KEPT: ReadonlySet<number> = new Set(Object.values(BlockType));
