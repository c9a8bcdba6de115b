/** Writes pcapng, one little-endian section with nanoseconds: draft-ietf-opsawg-pcapng. */
import { UsageError } from '../../src/errors.js';
import { portableWallClock } from '../../src/measure/clock.js';
import { LinkType } from '../../src/wire/link-types.js';
import type { FrameBatch } from '../frames.js';
import {
  ANY_INTERFACE,
  type CapturedPacket,
  type CaptureInterface,
  type OtherBlock,
  type OtherOption,
} from '../record.js';
import type { CaptureStatistics } from '../source.js';
import type { ByteWriter } from './bytes.js';
import { BlockTime, BlockType, BYTE_ORDER_MAGIC, FLAG_INBOUND, FLAG_OUTBOUND, OptionCode } from './pcapng-blocks.js';
import { littleEndianBody } from './pcapng-other.js';
import type { CaptureWriter } from './port.js';
import { copyWords, FEW_WORDS } from './words.js';

/** What the section header says about where the file was made. */
export interface SectionText {
  readonly hardware?: string | undefined;
  readonly operatingSystem?: string | undefined;
  readonly application?: string | undefined;
  readonly comments?: readonly string[] | undefined;
}

/** What is known of all interfaces of a capture. */
export interface InterfaceText {
  /** Which packets were captured, pcap-filter(7). */
  readonly filter?: string | undefined;
  readonly operatingSystem?: string | undefined;
}

/** if_tsresol: 10^-9 s. */
const NANOSECONDS = 9;
/** A section header up to its options. */
const SECTION_FIXED = 24;
/** An option's value has at most this many bytes. */
const MAX_OPTION = 0xffff;

/** An enhanced packet block up to its data, and without any, in words of 32 bits; its flags, with the end of the options. */
const PACKET_HEAD_WORDS = 7;
const PACKET_WORDS = PACKET_HEAD_WORDS + 1;
const FLAGS_WORDS = 3;
/** Code and length of the flags in one word. */
const FLAGS_OPTION = OptionCode.packet.flags | (4 << 16);

interface Written {
  readonly id: number;
  readonly snapshotLength: number;
  packets: number;
}

/**
 * Interfaces are described when they first appear. Counters that are known are written at the end, for each interface that
 * they are of. Times before 1970 and after 2554 do not fit and become the nearest that do.
 * A packet without a time becomes a Simple Packet Block where that can express it, else one of 1970.
 *
 * libpcap refuses files whose interfaces have different snapshot lengths: unless all agree, no limit is stated. It refuses
 * a second interface of link type RAW as well, which it has another number for than files: where the first is `any`, which
 * stands for all of them, packets of the others are recorded as its own.
 */
export class PcapngWriter implements CaptureWriter {
  readonly #section: SectionText;
  readonly #common: InterfaceText;
  readonly #interfaces = new Map<CaptureInterface, Written>();
  readonly #time = new BlockTime();
  #agreed = true;
  #described = 0;
  /** The interface that stands for all that raw sockets hear; see {@link PcapngWriter}. */
  #rawOfAny: Written | undefined;

  constructor(section: SectionText = {}, interfaces: InterfaceText = {}) {
    this.#section = section;
    this.#common = interfaces;
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
      this.#time.set(packet.timestamp.seconds, packet.timestamp.nanoseconds);
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

  /** Enhanced packet blocks, put together in place; their words of 32 bits stand at multiples of four, as in all blocks. */
  frames(
    out: ByteWriter,
    batch: FrameBatch,
    interfaces: readonly CaptureInterface[],
    from = 0,
    limit = Number.POSITIVE_INFINITY,
  ): number {
    const { count, starts, lengths, originalLengths, seconds, nanoseconds, flags } = batch;
    const time = this.#time;
    let { bytes, words } = out.memory;
    let at = out.length >> 2;
    let index = from;
    let known = -1;
    let written: Written = NOWHERE;
    for (; index < count && at * 4 <= limit; index++) {
      const place = batch.interfaces[index] as number;
      if (place !== known) {
        out.advance(at * 4);
        const one = interfaces[place] as CaptureInterface;
        written = this.#interfaces.get(one) ?? this.#describe(out, one);
        ({ bytes, words } = out.memory);
        at = out.length >> 2;
        known = place;
      }
      const length = lengths[index] as number;
      const inWords = (length + 3) >> 2;
      const flag = flags[index] as number;
      const total = PACKET_WORDS + inWords + (flag === 0 ? 0 : FLAGS_WORDS);
      if (at + total > words.length) {
        out.advance(at * 4);
        out.reserve(total * 4);
        ({ bytes, words } = out.memory);
      }
      time.set(seconds[index] as number, nanoseconds[index] as number);
      words[at] = BlockType.enhancedPacket;
      words[at + 1] = total * 4;
      words[at + 2] = written.id;
      words[at + 3] = time.high;
      words[at + 4] = time.low;
      words[at + 5] = length;
      words[at + 6] = originalLengths[index] as number;
      const start = starts[index] as number;
      const data = at + PACKET_HEAD_WORDS;
      let end = data + inWords;
      if (inWords <= FEW_WORDS) {
        copyWords(batch.words, start >>> 2, inWords, words, data);
        // What stands behind a packet is nobody's business.
        if ((length & 3) !== 0) words[end - 1] = (words[end - 1] as number) & ((1 << (8 * (length & 3))) - 1);
      } else {
        words[end - 1] = 0;
        bytes.set(batch.bytes.subarray(start, start + length), data * 4);
      }
      if (flag !== 0) {
        words[end] = FLAGS_OPTION;
        words[end + 1] = flag;
        words[end + 2] = OptionCode.end;
        end += FLAGS_WORDS;
      }
      words[end] = total * 4;
      at += total;
      written.packets += 1;
    }
    out.advance(at * 4);
    return index;
  }

  blocks(out: ByteWriter, blocks: readonly OtherBlock[]): void {
    writeBlocks(out, blocks);
  }

  close(out: ByteWriter, statistics: CaptureStatistics, trailing: readonly OtherBlock[]): void {
    writeBlocks(out, trailing);
    const all = [...this.#interfaces];
    // As of the last packet, or of now where there was none.
    if (all.every(([, { packets }]) => packets === 0)) {
      const now = portableWallClock();
      this.#time.set(now.seconds, now.nanoseconds);
    }
    for (const [index, [one, written]] of all.entries()) {
      const only = this.#described === 1 && index === 0;
      const counted = statistics.interfaces?.get(one) ?? (only ? statistics : undefined);
      if (counted !== undefined) this.#count(out, written, counted);
    }
  }

  #count(out: ByteWriter, { id, packets }: Written, statistics: CaptureStatistics): void {
    const { received, droppedInterface, droppedKernel } = statistics;
    if (received === null && droppedInterface === null && droppedKernel === null) return;
    const start = begin(out, BlockType.interfaceStatistics);
    out.u32(id);
    this.#timestamp(out);
    counterOption(out, OptionCode.statistics.received, received);
    counterOption(out, OptionCode.statistics.droppedInterface, droppedInterface);
    counterOption(out, OptionCode.statistics.droppedKernel, droppedKernel);
    counterOption(out, OptionCode.statistics.delivered, packets);
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
    if (one.linkType === LinkType.RAW && this.#rawOfAny !== undefined) {
      this.#interfaces.set(one, this.#rawOfAny);
      return this.#rawOfAny;
    }
    const start = begin(out, BlockType.interfaceDescription);
    out.u16(one.linkType);
    out.u16(0);
    const snapshotLength = this.#agreed ? one.snapshotLength : 0;
    out.u32(snapshotLength);
    const { interface: code } = OptionCode;
    textOption(out, code.name, one.name ?? undefined);
    textOption(out, code.description, one.description);
    byteOption(out, code.resolution, NANOSECONDS);
    const { filter, operatingSystem } = this.#common;
    const { options = [] } = one;
    if (filter !== undefined && options.every((option) => option.code !== code.filter)) {
      // The first byte is the language: 0 for pcap-filter(7).
      textOption(out, code.filter, `\0${filter}`);
    }
    textOption(out, code.operatingSystem, one.operatingSystem ?? operatingSystem);
    textOption(out, code.hardware, one.hardware);
    for (const option of options) otherOption(out, option);
    endOptions(out);
    finish(out, start);
    const written = { id: this.#described, snapshotLength, packets: 0 };
    this.#interfaces.set(one, written);
    this.#described += 1;
    if (one.linkType === LinkType.RAW && one.name === ANY_INTERFACE) this.#rawOfAny = written;
    return written;
  }
}

/** Stands for an interface until there is a packet. */
const NOWHERE: Written = { id: 0, snapshotLength: 0, packets: 0 };

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
