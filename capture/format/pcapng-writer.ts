/** Writes pcapng, one little-endian section with nanoseconds: draft-ietf-opsawg-pcapng. */
import { UsageError } from '../../src/errors.js';
import type { CapturedPacket, CaptureInterface, OtherBlock, OtherOption } from '../record.js';
import type { CaptureStatistics } from '../source.js';
import type { ByteWriter } from './bytes.js';
import { BlockTime, BlockType, BYTE_ORDER_MAGIC, FLAG_INBOUND, FLAG_OUTBOUND, OptionCode } from './pcapng-blocks.js';
import { littleEndianBody } from './pcapng-other.js';
import type { CaptureWriter } from './port.js';

/** What the section header says about where the file was made. */
export interface SectionText {
  readonly hardware?: string | undefined;
  readonly operatingSystem?: string | undefined;
  readonly application?: string | undefined;
  readonly comments?: readonly string[] | undefined;
}

/** if_tsresol: 10^-9 s. */
const NANOSECONDS = 9;
/** A section header up to its options. */
const SECTION_FIXED = 24;
/** An option's value has at most this many bytes. */
const MAX_OPTION = 0xffff;

interface Written {
  readonly id: number;
  readonly snapshotLength: number;
  packets: number;
}

/**
 * Interfaces are described when they first appear. Counters that are known are written at the end, where there is
 * just one interface to attribute them to. Times before 1970 and after 2554 do not fit and become the nearest that do.
 * A packet without a time becomes a Simple Packet Block where that can express it, else one of 1970.
 *
 * libpcap refuses files whose interfaces have different snapshot lengths: unless all agree, no limit is stated.
 */
export class PcapngWriter implements CaptureWriter {
  readonly #section: SectionText;
  readonly #interfaces = new Map<CaptureInterface, Written>();
  readonly #time = new BlockTime();
  #agreed = true;

  constructor(section: SectionText = {}) {
    this.#section = section;
  }

  open(out: ByteWriter, interfaces: readonly CaptureInterface[]): void {
    const { hardware, operatingSystem, application, comments = [] } = this.#section;
    const start = begin(out, BlockType.sectionHeader);
    out.u32(BYTE_ORDER_MAGIC);
    out.u16(1);
    out.u16(0);
    // The section's length is not known ahead: -1.
    out.u64(0xffff_ffff_ffff_ffffn);
    for (const comment of comments) textOption(out, OptionCode.comment, comment);
    textOption(out, OptionCode.section.hardware, hardware);
    textOption(out, OptionCode.section.operatingSystem, operatingSystem);
    textOption(out, OptionCode.section.application, application);
    if (out.length > start + SECTION_FIXED) endOptions(out);
    finish(out, start);
    this.#agreed = interfaces.every((one) => one.snapshotLength === interfaces[0]?.snapshotLength);
    for (const one of interfaces) this.#describe(out, one);
  }

  packet(out: ByteWriter, packet: CapturedPacket): void {
    if (packet.before !== undefined) writeBlocks(out, packet.before);
    const written = this.#interfaces.get(packet.interface) ?? this.#describe(out, packet.interface);
    written.packets += 1;
    if (isSimple(packet, written)) {
      const start = begin(out, BlockType.simplePacket);
      out.u32(packet.originalLength);
      out.bytes(packet.bytes);
      out.align4();
      finish(out, start);
      return;
    }
    const start = begin(out, BlockType.enhancedPacket);
    out.u32(written.id);
    if (packet.timestamp === null) {
      out.u64(0n);
    } else {
      this.#time.set(packet.timestamp);
      this.#timestamp(out);
    }
    out.u32(packet.bytes.length);
    out.u32(packet.originalLength);
    out.bytes(packet.bytes);
    out.align4();
    const flags = flagsOf(packet);
    const optionsAt = out.length;
    for (const comment of packet.comments ?? []) textOption(out, OptionCode.comment, comment);
    if (flags !== 0) {
      out.u16(OptionCode.packet.flags);
      out.u16(4);
      out.u32(flags);
    }
    for (const option of packet.options ?? []) otherOption(out, option);
    if (out.length > optionsAt) endOptions(out);
    finish(out, start);
  }

  blocks(out: ByteWriter, blocks: readonly OtherBlock[]): void {
    writeBlocks(out, blocks);
  }

  close(out: ByteWriter, statistics: CaptureStatistics, trailing: readonly OtherBlock[]): void {
    writeBlocks(out, trailing);
    const [only, ...more] = this.#interfaces.values();
    const { received, droppedInterface, droppedKernel } = statistics;
    if (only === undefined || more.length > 0) return;
    if (received === null && droppedInterface === null && droppedKernel === null) return;
    const start = begin(out, BlockType.interfaceStatistics);
    out.u32(only.id);
    // As of the last packet.
    this.#timestamp(out);
    counterOption(out, OptionCode.statistics.received, received);
    counterOption(out, OptionCode.statistics.droppedInterface, droppedInterface);
    counterOption(out, OptionCode.statistics.droppedKernel, droppedKernel);
    counterOption(out, OptionCode.statistics.delivered, only.packets);
    endOptions(out);
    finish(out, start);
  }

  /** The upper half goes first in either byte order. */
  #timestamp(out: ByteWriter): void {
    out.u32(this.#time.high);
    out.u32(this.#time.low);
  }

  #describe(out: ByteWriter, one: CaptureInterface): Written {
    if (one.linkType > 0xffff) throw new UsageError(`pcapng can't hold link type ${one.linkType}`);
    const start = begin(out, BlockType.interfaceDescription);
    out.u16(one.linkType);
    out.u16(0);
    const snapshotLength = this.#agreed ? one.snapshotLength : 0;
    out.u32(snapshotLength);
    const { interface: code } = OptionCode;
    textOption(out, code.name, one.name ?? undefined);
    textOption(out, code.description, one.description);
    byteOption(out, code.resolution, NANOSECONDS);
    textOption(out, code.operatingSystem, one.operatingSystem);
    textOption(out, code.hardware, one.hardware);
    for (const option of one.options ?? []) otherOption(out, option);
    endOptions(out);
    finish(out, start);
    const written = { id: this.#interfaces.size, snapshotLength, packets: 0 };
    this.#interfaces.set(one, written);
    return written;
  }
}

/** Blocks that somebody else has put there, as far as their numbers can be had in this file's order. */
function writeBlocks(out: ByteWriter, blocks: readonly OtherBlock[]): void {
  for (const block of blocks) {
    const body = littleEndianBody(block);
    if (body === undefined) continue;
    const start = begin(out, block.type);
    out.bytes(body);
    finish(out, start);
  }
}

/** Whether a Simple Packet Block says everything: interface 0, no time, no options, cut at the snapshot length. */
function isSimple(packet: CapturedPacket, on: Written): boolean {
  const { originalLength, bytes } = packet;
  if (packet.timestamp !== null || on.id !== 0 || flagsOf(packet) !== 0) return false;
  if (packet.comments !== undefined || packet.options !== undefined) return false;
  return bytes.length === Math.min(originalLength, on.snapshotLength || originalLength);
}

function flagsOf(packet: CapturedPacket): number {
  if (packet.flags !== undefined) return packet.flags;
  if (packet.direction === null) return 0;
  return packet.direction === 'in' ? FLAG_INBOUND : FLAG_OUTBOUND;
}

function begin(out: ByteWriter, type: number): number {
  const start = out.length;
  out.u32(type);
  out.u32(0);
  return start;
}

function finish(out: ByteWriter, start: number): void {
  const total = out.length + 4 - start;
  out.u32(total);
  out.patch32(start + 4, total);
}

function textOption(out: ByteWriter, code: number, text: string | undefined): void {
  if (text !== undefined) otherOption(out, { code, value: Buffer.from(text) });
}

function otherOption(out: ByteWriter, { code, value }: OtherOption): void {
  out.u16(code);
  out.u16(Math.min(value.length, MAX_OPTION));
  out.bytes(value.subarray(0, MAX_OPTION));
  out.align4();
}

function byteOption(out: ByteWriter, code: number, value: number): void {
  out.u16(code);
  out.u16(1);
  out.u8(value);
  out.align4();
}

function counterOption(out: ByteWriter, code: number, value: number | null): void {
  if (value === null) return;
  out.u16(code);
  out.u16(8);
  out.u64(BigInt(value));
}

function endOptions(out: ByteWriter): void {
  out.u32(0);
}
