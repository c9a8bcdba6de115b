/** What a file format is: a reader that is pushed bytes, and a writer that fills a buffer. */
import { SockctlError } from '../../src/errors.js';
import type { FrameBatch } from '../frames.js';
import type { CapturedPacket, CaptureInterface, OtherBlock } from '../record.js';
import type { CaptureStatistics } from '../source.js';
import type { ByteWriter } from './bytes.js';

/** Why reading stopped for good. */
export interface CaptureFault {
  readonly code: 'TRUNCATED_CAPTURE' | 'BAD_CAPTURE';
  readonly reason: string;
  /** Where the record or block that can't be read begins, in bytes from the start of the (uncompressed) file. */
  readonly offset: number;
}

/** What a file says of itself, as far as it was read. */
export interface CaptureDetails {
  /** `2.4`, `1.0` */
  readonly version: string;
  readonly byteOrder: 'little' | 'big';
  /** Digits of a second that timestamps have: 6, 9; null where each interface has its own. */
  readonly timeDigits: number | null;
  readonly sections: readonly SectionDetails[];
  /** Blocks that are neither packets nor interfaces nor counters, by name. */
  readonly otherBlocks: Readonly<Record<string, number>>;
}

export interface SectionDetails {
  readonly hardware?: string | undefined;
  readonly operatingSystem?: string | undefined;
  readonly application?: string | undefined;
  readonly comments: readonly string[];
}

/**
 * An incremental parser. Any cutting of the bytes into pieces gives the same packets; memory is bounded by the largest
 * record the format allows and by what was really pushed, never by what a length field claims.
 */
export interface CaptureReader {
  readonly format: 'pcap' | 'pcapng';
  readonly details: CaptureDetails;
  readonly interfaces: readonly CaptureInterface[];
  /** Set when a record can't be read; every whole packet before it has been handed out. */
  readonly fault: CaptureFault | undefined;
  /** What the file itself says was lost. */
  readonly statistics: CaptureStatistics;
  /** Blocks behind the last packet. */
  readonly trailing: readonly OtherBlock[];
  /** The packets that `piece` completed. After a fault, none. Their bytes may be views of `piece`. */
  push(piece: Uint8Array): CapturedPacket[];
  /** Says that no more will come: what is left over then is a fault. */
  end(): void;
}

/** Encodes into a {@link ByteWriter}; the caller carries the bytes away whenever it likes. */
export interface CaptureWriter {
  /** The file's head, as far as the interfaces known so far allow. */
  open(out: ByteWriter, interfaces: readonly CaptureInterface[]): void;
  packet(out: ByteWriter, packet: CapturedPacket): void;
  /**
   * The packets of `batch` from index `from` on, byte for byte as {@link packet} writes them, until `out` holds more than
   * `limit` bytes.
   *
   * @returns the index of the first that is not written, `count` when all are
   */
  frames(
    out: ByteWriter,
    batch: FrameBatch,
    interfaces: readonly CaptureInterface[],
    from?: number,
    limit?: number,
  ): number;
  /** Blocks between packets; formats without them have no such method. */
  blocks?(out: ByteWriter, blocks: readonly OtherBlock[]): void;
  /** @param trailing blocks behind the last packet */
  close(out: ByteWriter, statistics: CaptureStatistics, trailing: readonly OtherBlock[]): void;
}

/** The error that a fault becomes, for the file called `name`. */
export function faultError(name: string, fault: CaptureFault): SockctlError {
  return new SockctlError(fault.code, { what: `${name}: ${fault.reason} at byte ${fault.offset}` });
}

/** The largest record that is read, in bytes: what libpcap and Wireshark allow for their largest link types. */
export const MAX_RECORD_LENGTH = 128 * 1024 * 1024;
