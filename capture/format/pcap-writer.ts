/** Writes pcap with nanoseconds, little-endian: draft-ietf-opsawg-pcap. */
import { UsageError } from '../../src/errors.js';
import { LinkType, linkTypeName } from '../../src/wire/link-types.js';
import type { FrameBatch } from '../frames.js';
import type { CapturedPacket, CaptureInterface } from '../record.js';
import type { ByteWriter } from './bytes.js';
import { MAGIC_NANOSECONDS, MAX_SNAPSHOT_LENGTH } from './pcap.js';
import { RECORD_HEADER_LENGTH } from './pcap-records.js';
import type { CaptureWriter } from './port.js';
import { copyShifted, copyWords, FEW_WORDS } from './words.js';

/**
 * One link type a file, times from 1970 to 2106, no interface names, comments or counters: what does not fit is an
 * error, what has no place (names, comments) is left out. A packet without a time is written as of 1970.
 */
export class PcapWriter implements CaptureWriter {
  #linkType: number | undefined;

  open(out: ByteWriter, interfaces: readonly CaptureInterface[]): void {
    const [first] = interfaces;
    if (first !== undefined) this.#writeHeader(out, first, interfaces);
  }

  /** @throws UsageError for a second link type, or a time that 32 bits of seconds can't hold */
  packet(out: ByteWriter, packet: CapturedPacket): void {
    const { interface: from, timestamp, bytes } = packet;
    this.#expect(out, from, packet.number);
    const seconds = timestamp?.seconds ?? 0;
    if (seconds < 0 || seconds > 0xffff_ffff) {
      throw new UsageError(
        `packet ${packet.number}: pcap can't hold its time, only 1970 to 2106`,
        'use --format pcapng',
      );
    }
    out.u32(seconds);
    out.u32(timestamp?.nanoseconds ?? 0);
    out.u32(bytes.length);
    out.u32(packet.originalLength);
    out.bytes(bytes);
  }

  /** @throws UsageError for a second link type */
  frames(
    out: ByteWriter,
    batch: FrameBatch,
    interfaces: readonly CaptureInterface[],
    from = 0,
    limit = Number.POSITIVE_INFINITY,
  ): number {
    const { count, starts, lengths, originalLengths, seconds, nanoseconds } = batch;
    let { bytes, words, view } = out.memory;
    let at = out.length;
    let index = from;
    let known = -1;
    for (; index < count && at <= limit; index++) {
      const place = batch.interfaces[index] as number;
      if (place !== known) {
        out.advance(at);
        this.#expect(out, interfaces[place] as CaptureInterface, batch.before + index + 1);
        ({ bytes, words, view } = out.memory);
        at = out.length;
        known = place;
      }
      const length = lengths[index] as number;
      const start = starts[index] as number;
      // A word more: the last one of a packet may reach beyond it.
      if (at + RECORD_HEADER_LENGTH + length + 8 > bytes.length) {
        out.advance(at);
        out.reserve(RECORD_HEADER_LENGTH + length + 8);
        ({ bytes, words, view } = out.memory);
      }
      view.setUint32(at, seconds[index] as number, true);
      view.setUint32(at + 4, nanoseconds[index] as number, true);
      view.setUint32(at + 8, length, true);
      view.setUint32(at + 12, originalLengths[index] as number, true);
      at += RECORD_HEADER_LENGTH;
      const inWords = (length + 3) >> 2;
      if (inWords > FEW_WORDS) bytes.set(batch.bytes.subarray(start, start + length), at);
      else if ((at & 3) === 0) copyWords(batch.words, start >>> 2, inWords, words, at >> 2);
      else copyShifted(batch.words, start >>> 2, inWords, words, at);
      at += length;
    }
    out.advance(at);
    return index;
  }

  close(out: ByteWriter): void {
    // A file must have a head to be one; without a packet and an interface any link type is as true as another.
    if (this.#linkType !== undefined) return;
    this.#writeHeader(out, { id: 0, name: null, linkType: LinkType.ETHERNET, snapshotLength: 0 }, []);
  }

  /** Sees to the header, and to the one link type. */
  #expect(out: ByteWriter, from: CaptureInterface, number: number): void {
    if (this.#linkType === undefined) this.#writeHeader(out, from, [from]);
    if (from.linkType === this.#linkType) return;
    const types = `${linkTypeName(this.#linkType ?? 0)} and ${linkTypeName(from.linkType)}`;
    throw new UsageError(`packet ${number}: pcap holds one link type, not ${types}`, 'use --format pcapng');
  }

  #writeHeader(out: ByteWriter, first: CaptureInterface, all: readonly CaptureInterface[]): void {
    this.#linkType = first.linkType;
    out.u32(MAGIC_NANOSECONDS);
    out.u16(2);
    out.u16(4);
    out.u32(0);
    out.u32(0);
    // pcap knows no 'no limit': readers take 0 for the largest they know, and some refuse it.
    out.u32(Math.max(...all.map((one) => one.snapshotLength || MAX_SNAPSHOT_LENGTH), 0) || MAX_SNAPSHOT_LENGTH);
    out.u32(first.linkType);
  }
}
