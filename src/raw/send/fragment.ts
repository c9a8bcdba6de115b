/**
 * Fragments of a packet (RFC 791 section 3.2; RFC 8200 section 4.5).
 *
 *     IPv4   each has the header, the first with all its options, others with those that are to be copied
 *     IPv6   each has what routers look at (up to hop-by-hop and routing headers), a fragment header, and its part
 */
import { UsageError } from '../../errors.js';
import { checksum } from '../../wire/checksum.js';
import { dissectTraced, type Extent } from '../../wire/dissect.js';
import { IPV6_HEADER } from '../../wire/ipv6.js';
import { encodeExtension } from '../../wire/ipv6-extension.js';
import type { Layer } from '../../wire/layer.js';
import { IPProtocol } from '../../wire/numbers.js';
import { type BuiltPacket, builtPacket, LINK_TYPES } from './built-packet.js';

/** Offsets count these many bytes. */
const UNIT = 8;
const FRAGMENT_HEADER = 8;
const MORE = 0x2000;
/** Offsets have 13 bits. */
const LAST_OFFSET = 0x1fff * UNIT;

/**
 * The fragments of a packet, in order; the packet itself, alone, where it fits.
 *
 * @param size the largest IP packet in bytes (a link header does not count)
 * @param identification of IPv6 fragments, 32 bits; IPv4 has its own in its header
 * @throws UsageError for a size that leaves no room, a packet that must not be fragmented (`dontFragment`), one without
 *   an IP header, and an IPv6 packet that has a fragment header already
 */
export function fragmentPacket(packet: BuiltPacket, size: number, identification: number): BuiltPacket[] {
  const extents: Extent[] = [];
  const { layers } = dissectTraced(packet.bytes, LINK_TYPES[packet.link], {}, extents);
  const index = layers.findIndex(({ protocol }) => protocol === 'ipv4' || protocol === 'ipv6');
  const layer = layers[index];
  const extent = extents[index];
  if (layer === undefined || extent === undefined) {
    throw new UsageError('a packet without an IP header has no fragments', 'leave out --fragment');
  }
  const end = endOf(packet.bytes, extent.at, layer);
  if (end - extent.at <= size) return [packet];
  const pieces =
    layer.protocol === 'ipv4'
      ? fragments4(packet.bytes, extent.at, end, size)
      : fragments6(packet.bytes, extent.at, end, size, identification, layers.slice(index), extents.slice(index));
  const link = packet.bytes.subarray(0, extent.at);
  return pieces.map((piece) => builtPacket(packet.link, concat(link, piece), packet.destination));
}

/** Where the IP packet ends: bytes beyond what it says are padding of the frame, which fragments have none of. */
function endOf(bytes: Uint8Array, at: number, layer: Layer): number {
  const said =
    layer.protocol === 'ipv4' ? layer.totalLength : layer.protocol === 'ipv6' ? IPV6_HEADER + layer.payloadLength : 0;
  return said === 0 ? bytes.length : Math.min(bytes.length, at + said);
}

function fragments4(bytes: Uint8Array, at: number, end: number, size: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const word = view.getUint16(at + 6);
  if ((word & 0x4000) !== 0) {
    throw new UsageError('the packet must not be fragmented: dontFragment is set', 'leave out df, or --fragment');
  }
  const headerLength = ((bytes[at] as number) & 15) * 4;
  const first = bytes.slice(at, at + headerLength);
  const other = copiedHeader(first);
  const before = (word & 0x1fff) * UNIT;
  const data = bytes.subarray(at + headerLength, end);
  return parts(data.length, size, first.length, other.length).map(({ from, to, header }) => {
    const piece = concat(header === 'first' ? first : other, data.subarray(from, to));
    const head = new DataView(piece.buffer);
    // Of a fragment that is fragmented, only the last can be the last.
    const more = to < data.length || (word & MORE) !== 0;
    head.setUint16(2, piece.length);
    head.setUint16(6, (word & 0x8000) | (more ? MORE : 0) | (offsetWithin(before + from) / UNIT));
    head.setUint16(10, 0);
    head.setUint16(10, checksum(piece, 0, ((piece[0] as number) & 15) * 4));
    return piece;
  });
}

function offsetWithin(offset: number): number {
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
  const copied = concat(header.subarray(0, 20), Uint8Array.from(options));
  copied[0] = 0x40 | (copied.length / 4);
  return copied;
}

function fragments6(
  bytes: Uint8Array,
  at: number,
  end: number,
  size: number,
  identification: number,
  layers: readonly Layer[],
  extents: readonly Extent[],
): Uint8Array[] {
  const { from, nextAt, next } = fragmentable(layers, extents, at);
  const head = bytes.slice(at, from);
  const data = bytes.subarray(from, end);
  head[nextAt - at] = IPProtocol.fragment;
  const headerLength = head.length + FRAGMENT_HEADER;
  return parts(data.length, size, headerLength, headerLength).map(({ from: offset, to }) => {
    const piece = new Uint8Array(headerLength + to - offset);
    piece.set(head);
    encodeExtension(
      {
        protocol: 'ipv6-fragment',
        nextHeader: next,
        fragmentOffset: offsetWithin(offset),
        moreFragments: to < data.length,
        identification: identification >>> 0,
      },
      piece,
      head.length,
    );
    piece.set(data.subarray(offset, to), headerLength);
    new DataView(piece.buffer).setUint16(4, piece.length - IPV6_HEADER);
    return piece;
  });
}

/**
 * RFC 8200 section 4.5: headers up to the routing header, or else the hop-by-hop header, are in every fragment.
 *
 * @returns where the rest begins, and where the number of its header stands, and what that is
 */
function fragmentable(layers: readonly Layer[], extents: readonly Extent[], at: number) {
  let found = { from: at + IPV6_HEADER, nextAt: at + 6, next: (layers[0] as { nextHeader: number }).nextHeader };
  for (let i = 1; i < layers.length; i++) {
    const layer = layers[i] as Layer;
    if (layer.protocol === 'ipv6-fragment') {
      throw new UsageError('the packet has a fragment header already', 'leave out fragment(), or --fragment');
    }
    const extension = layer.protocol === 'ipv6-hop-by-hop' || layer.protocol === 'ipv6-routing';
    const { at: start, innerAt } = extents[i] as Extent;
    if (extension) found = { from: innerAt, nextAt: start, next: layer.nextHeader };
    else if (layer.protocol !== 'ipv6-destination') break;
  }
  return found;
}

interface Part {
  readonly from: number;
  readonly to: number;
  readonly header: 'first' | 'other';
}

/** Parts of `length` bytes, each but the last as large as fits and a multiple of eight. */
function parts(length: number, size: number, firstHeader: number, otherHeader: number): Part[] {
  const list: Part[] = [];
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

function concat(front: Uint8Array, behind: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(front.length + behind.length);
  bytes.set(front);
  bytes.set(behind, front.length);
  return bytes;
}
