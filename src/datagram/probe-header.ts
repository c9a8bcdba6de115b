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
 * Flag 1 (END) marks the last datagram of a stream; its sequence is the number of those before it. It may be sent
 * several times, since it can be lost like any other.
 */
import type { Timestamp } from '../measure/clock.js';

export const PROBE_HEADER_SIZE = 40;
const MAGIC = 0x534b5052;
const VERSION = 1;
const FLAG_END = 1;

export interface ProbeHeader {
  /** Random, chosen by the sender; 64 bits as hex text. */
  readonly stream: string;
  readonly sequence: number;
  readonly end: boolean;
  readonly sent: Timestamp;
  /** Bytes of the whole datagram. */
  readonly length: number;
}

/** Writes the header into the first 40 bytes of `bytes`. */
export function encodeProbeHeader(bytes: Uint8Array, header: ProbeHeader): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, PROBE_HEADER_SIZE);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setUint8(5, header.end ? FLAG_END : 0);
  view.setUint16(6, PROBE_HEADER_SIZE);
  view.setBigUint64(8, BigInt(`0x${header.stream}`));
  setUint53(view, 16, header.sequence);
  setUint53(view, 24, header.sent.seconds);
  view.setUint32(32, header.sent.nanoseconds);
  view.setUint32(36, header.length);
}

/** The header at the start of `bytes`, or undefined for a datagram that is no probe. */
export function decodeProbeHeader(bytes: Uint8Array): ProbeHeader | undefined {
  if (bytes.length < PROBE_HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, PROBE_HEADER_SIZE);
  if (view.getUint32(0) !== MAGIC || view.getUint8(4) !== VERSION) return undefined;
  const sequence = getUint53(view, 16);
  const seconds = getUint53(view, 24);
  const nanoseconds = view.getUint32(32);
  if (sequence === undefined || seconds === undefined || nanoseconds > 999_999_999) return undefined;
  return {
    stream: view.getBigUint64(8).toString(16).padStart(16, '0'),
    sequence,
    end: (view.getUint8(5) & FLAG_END) !== 0,
    sent: { seconds, nanoseconds },
    length: view.getUint32(36),
  };
}

/** Numbers beyond 2^53 are no sequence of ours and no time of this age; they can't be held exactly either. */
function getUint53(view: DataView, at: number): number | undefined {
  const high = view.getUint32(at);
  return high > 0x1fffff ? undefined : high * 0x1_0000_0000 + view.getUint32(at + 4);
}

function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}
