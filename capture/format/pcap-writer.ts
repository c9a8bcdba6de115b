/** Writes pcap with nanoseconds, little-endian: draft-ietf-opsawg-pcap. */
import { UsageError } from '../../src/errors.js';
import { LinkType, linkTypeName } from '../../src/wire/link-types.js';
import type { CapturedPacket, CaptureInterface } from '../record.js';
import type { ByteWriter } from './bytes.js';
import { MAGIC_NANOSECONDS, MAX_SNAPSHOT_LENGTH } from './pcap.js';
import type { CaptureWriter } from './port.js';

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
    if (this.#linkType === undefined) this.#writeHeader(out, from, [from]);
    if (from.linkType !== this.#linkType) {
      const types = `${linkTypeName(this.#linkType ?? 0)} and ${linkTypeName(from.linkType)}`;
      throw new UsageError(`packet ${packet.number}: pcap holds one link type, not ${types}`, 'use --format pcapng');
    }
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

  close(out: ByteWriter): void {
    // A file must have a head to be one; without a packet and an interface any link type is as true as another.
    if (this.#linkType !== undefined) return;
    this.#writeHeader(out, { id: 0, name: null, linkType: LinkType.ETHERNET, snapshotLength: 0 }, []);
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
