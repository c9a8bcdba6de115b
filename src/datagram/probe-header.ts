/**
 * The header that `udp send --probe` puts at the start of each datagram. All numbers in network order.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------+---------------+---------------+---------------+
 *     |      'S'      |      'K'      |      'P'      |      'R'      |
 *     +---------------+---------------+---------------+---------------+
 *     |  version = 1  |     flags     |       header length = 40      |
 *     +---------------+---------------+---------------+---------------+
 *     |                     stream id (64 bits)                       |
 *     |                                                               |
 *     +---------------------------------------------------------------+
 *     |                     sequence (64 bits), from 0                |
 *     |                                                               |
 *     +---------------------------------------------------------------+
 *     |              send time: seconds since 1970 (64 bits)          |
 *     |                                                               |
 *     +---------------------------------------------------------------+
 *     |                 send time: nanoseconds (32 bits)              |
 *     +---------------------------------------------------------------+
 *     |             datagram length, header included (32 bits)        |
 *     +---------------------------------------------------------------+
 *
 * Flags:
 *
 *     1 END       the sender has sent `sequence` datagrams, and that was all; it asks for the report
 *     2 TWO_WAY   the receiver is to send this datagram back, with REPLY set
 *     4 REPLY     a datagram that came back
 *     8 REPORT    the receiver's report follows the header (probe-report.ts); sent in answer to END
 *    16 CONFIRM   with END: the report has come
 *
 * END is repeated until the report comes, since each can be lost like any other datagram. It is padded with zeros to the
 * size of a report, and a reply has the size of what it replies to: a forged source address gains nothing.
 */
import type { Timestamp } from '../measure/clock.js';

export const PROBE_HEADER_SIZE = 40;
export const PROBE_MAGIC = 0x534b5052;
const VERSION = 1;
/** The version in the byte above the flags: the upper half of the second word. */
export const PROBE_VERSION_WORD = (VERSION << 24) | PROBE_HEADER_SIZE;
/** What of the second word is not flags. */
export const PROBE_VERSION_MASK = 0xff00ffff | 0;
export const FLAGS_AT = 5;
export const ProbeFlag = { end: 1, twoWay: 2, reply: 4, report: 8, confirm: 16 } as const;

export interface ProbeHeader {
  /** Random, chosen by the sender; 64 bits as hex text. */
  readonly stream: string;
  readonly sequence: number;
  /** Of {@link ProbeFlag}. */
  readonly flags: number;
  readonly sent: Timestamp;
  /** Bytes of the whole datagram. */
  readonly length: number;
}

/** Writes the header of the datagram `bytes` into its first 40 bytes. */
export function encodeProbeHeader(bytes: Uint8Array, header: Omit<ProbeHeader, 'length'>): void {
  encodeProbeRun(bytes, bytes.length, header);
}

/**
 * Writes the headers of a run of datagrams of `size` bytes each, numbered from the header's sequence on; the last one
 * may be shorter, but not than its header. {@link encodeProbeHeader} for millions a second.
 */
export function encodeProbeRun(bytes: Uint8Array, size: number, header: Omit<ProbeHeader, 'length'>): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const high = Number.parseInt(header.stream.slice(0, 8), 16);
  const low = Number.parseInt(header.stream.slice(8), 16);
  const { seconds, nanoseconds } = header.sent;
  const secondsHigh = Math.floor(seconds / 0x1_0000_0000);
  const second = PROBE_VERSION_WORD | (header.flags << 16);
  let sequence = header.sequence;
  for (let at = 0; at < bytes.length; at += size) {
    view.setUint32(at, PROBE_MAGIC);
    view.setInt32(at + 4, second);
    view.setUint32(at + 8, high);
    view.setUint32(at + 12, low);
    view.setUint32(at + 16, Math.floor(sequence / 0x1_0000_0000));
    view.setUint32(at + 20, sequence >>> 0);
    view.setUint32(at + 24, secondsHigh);
    view.setUint32(at + 28, seconds >>> 0);
    view.setUint32(at + 32, nanoseconds);
    view.setUint32(at + 36, Math.min(size, bytes.length - at));
    sequence++;
  }
}

/** The header at the start of `bytes`, or undefined for a datagram that is no probe. */
export function decodeProbeHeader(bytes: Uint8Array): ProbeHeader | undefined {
  if (bytes.length < PROBE_HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, PROBE_HEADER_SIZE);
  if (view.getUint32(0) !== PROBE_MAGIC || (view.getInt32(4) & PROBE_VERSION_MASK) !== PROBE_VERSION_WORD) {
    return undefined;
  }
  const sequence = getUint53(view, 16);
  const seconds = getUint53(view, 24);
  const nanoseconds = view.getUint32(32);
  if (sequence === undefined || seconds === undefined || nanoseconds > 999_999_999) return undefined;
  return {
    stream: streamText(view.getUint32(8), view.getUint32(12)),
    sequence,
    flags: view.getUint8(FLAGS_AT),
    sent: { seconds, nanoseconds },
    length: view.getUint32(36),
  };
}

/** A stream id as text: 16 hex digits. */
export function streamText(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** Numbers beyond 2^53 are no sequence of ours and no time of this age; they can't be held exactly either. */
export function getUint53(view: DataView, at: number): number | undefined {
  const high = view.getUint32(at);
  return high > 0x1fffff ? undefined : high * 0x1_0000_0000 + view.getUint32(at + 4);
}

export function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}
