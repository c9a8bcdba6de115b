/**
 * Fragments of a packet (RFC 791 section 3.2; RFC 8200 section 4.5).
 *
 *     IPv4   each has the header, the first with all its options, others with those that are to be copied
 *     IPv6   each has what routers look at (up to hop-by-hop and routing headers), a fragment header, and its part
 */
import { UsageError } from '../../errors.js';
import { dissectTraced, type Extent } from '../../wire/dissect.js';
import { fragmentIPv4, fragmentOffset, fragmentParts } from '../../wire/ipv4-fragment.js';
import { IPV6_HEADER } from '../../wire/ipv6.js';
import { encodeExtension } from '../../wire/ipv6-extension.js';
import type { Layer } from '../../wire/layer.js';
import { IPProtocol } from '../../wire/numbers.js';
import { type BuiltPacket, builtPacket, LINK_TYPES } from './built-packet.js';

const FRAGMENT_HEADER = 8;

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
      ? fragmentIPv4(packet.bytes.subarray(extent.at, end), size)
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
  return fragmentParts(data.length, size, headerLength, headerLength).map(({ from: offset, to }) => {
    const piece = new Uint8Array(headerLength + to - offset);
    piece.set(head);
    encodeExtension(
      {
        protocol: 'ipv6-fragment',
        nextHeader: next,
        fragmentOffset: fragmentOffset(offset),
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

function concat(front: Uint8Array, behind: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(front.length + behind.length);
  bytes.set(front);
  bytes.set(behind, front.length);
  return bytes;
}
