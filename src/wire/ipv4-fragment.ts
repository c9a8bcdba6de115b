/**
 * Fragments of an IPv4 packet (RFC 791 section 3.2), and how a payload is cut into fragments' parts for both families.
 * Each fragment has the header, the first with all its options, others with those that are to be copied.
 */
import { UsageError } from '../errors.js';
import { checksum } from './checksum.js';

/** Offsets count these many bytes. */
const UNIT = 8;
const MORE = 0x2000;
/** Offsets have 13 bits. */
const LAST_OFFSET = 0x1fff * UNIT;

/**
 * The fragments of `packet`, in order; a packet that fits is one.
 *
 * @param packet a whole IPv4 packet, its header included; a fragment may be fragmented again
 * @param size bytes of the largest fragment, its header included
 * @throws UsageError for a size that leaves no room, a packet that must not be fragmented, and offsets beyond 65,528
 */
export function fragmentIPv4(packet: Uint8Array, size: number): Uint8Array[] {
  if (packet.length <= size) return [packet];
  const word = ((packet[6] as number) << 8) | (packet[7] as number);
  if ((word & 0x4000) !== 0) {
    throw new UsageError('the packet must not be fragmented: dontFragment is set', 'leave out df, or --fragment');
  }
  const headerLength = ((packet[0] as number) & 15) * 4;
  const first = packet.slice(0, headerLength);
  const other = copiedHeader(first);
  const before = (word & 0x1fff) * UNIT;
  const data = packet.subarray(headerLength);
  return fragmentParts(data.length, size, first.length, other.length).map(({ from, to, header }) => {
    const front = header === 'first' ? first : other;
    const piece = new Uint8Array(front.length + to - from);
    piece.set(front);
    piece.set(data.subarray(from, to), front.length);
    const head = new DataView(piece.buffer);
    // Of a fragment that is fragmented, only the last can be the last.
    const more = to < data.length || (word & MORE) !== 0;
    head.setUint16(2, piece.length);
    head.setUint16(6, (word & 0x8000) | (more ? MORE : 0) | (fragmentOffset(before + from) / UNIT));
    head.setUint16(10, 0);
    head.setUint16(10, checksum(piece, 0, front.length));
    return piece;
  });
}

/** @throws UsageError for an offset in bytes that a fragment can't have */
export function fragmentOffset(offset: number): number {
  if (offset <= LAST_OFFSET) return offset;
  throw new UsageError(`a fragment at ${offset} is beyond ${LAST_OFFSET}, the last that can be said`);
}

/** RFC 791 section 3.1: the highest bit of an option's type says that every fragment has it. */
function copiedHeader(header: Uint8Array): Uint8Array {
  const options: number[] = [];
  for (let at = 20; at < header.length; ) {
    const type = header[at] as number;
    if (type === 0) break;
    if (type === 1) {
      at++;
      continue;
    }
    const length = Math.max(2, header[at + 1] ?? 2);
    if ((type & 0x80) !== 0) options.push(...header.subarray(at, at + length));
    at += length;
  }
  while (options.length % 4 !== 0) options.push(0);
  const copied = Uint8Array.of(...header.subarray(0, 20), ...options);
  copied[0] = 0x40 | (copied.length / 4);
  return copied;
}

export interface FragmentPart {
  readonly from: number;
  readonly to: number;
  readonly header: 'first' | 'other';
}

/** Parts of `length` bytes, each but the last as large as fits and a multiple of eight. */
export function fragmentParts(length: number, size: number, firstHeader: number, otherHeader: number): FragmentPart[] {
  const list: FragmentPart[] = [];
  for (let from = 0; from < length; ) {
    const header = from === 0 ? firstHeader : otherHeader;
    const room = size - header;
    const to = length - from <= room ? length : from + Math.floor(room / UNIT) * UNIT;
    if (to <= from) {
      const what = `fragments of ${size} bytes have no room behind a header of ${header}`;
      throw new UsageError(what, `at least ${header + UNIT}: RFC 791 has 68 bytes, RFC 8200 1280`);
    }
    list.push({ from, to, header: from === 0 ? 'first' : 'other' });
    from = to;
  }
  return list;
}
