/**
 * IPv6 extension headers (RFC 8200 section 4; AH: RFC 4302), each a layer of its own.
 *
 *     hop-by-hop, routing, destination options   next header:1 length in 8 bytes, the first not counted:1 …
 *     fragment                                   next header:1 reserved:1 offset and M:2 identification:4
 *     authentication                             next header:1 length in 4 bytes, less 2:1 reserved:2 SPI:4 sequence:4 …
 */
import { type Next, type Packet, payload } from './packet.js';

export interface HopByHopMessage {
  readonly protocol: 'ipv6-hop-by-hop';
  readonly nextHeader: number;
  /** In bytes. */
  readonly length: number;
  /** Of the jumbo option (RFC 2675), in bytes after the IPv6 header. */
  readonly jumboPayloadLength?: number;
}

export interface DestinationMessage {
  readonly protocol: 'ipv6-destination';
  readonly nextHeader: number;
  /** In bytes. */
  readonly length: number;
}

export interface RoutingMessage {
  readonly protocol: 'ipv6-routing';
  readonly nextHeader: number;
  /** In bytes. */
  readonly length: number;
  readonly routingType: number;
  readonly segmentsLeft: number;
}

export interface FragmentMessage {
  readonly protocol: 'ipv6-fragment';
  readonly nextHeader: number;
  /** In bytes. */
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  readonly identification: number;
}

export interface AuthenticationMessage {
  readonly protocol: 'ah';
  readonly nextHeader: number;
  /** In bytes. */
  readonly length: number;
  readonly spi: number;
  readonly sequence: number;
}

export type ExtensionMessage =
  | HopByHopMessage
  | DestinationMessage
  | RoutingMessage
  | FragmentMessage
  | AuthenticationMessage;

/** The length of a header that counts in units of eight bytes, or -1 where it is not all there. */
function sizedLength(layer: string, packet: Packet, at: number, end: number): number {
  if (!packet.has(layer, at, end, 8)) return -1;
  const length = (packet.view.getUint8(at + 1) + 1) * 8;
  return packet.has(layer, at, end, length, 'length') ? length : -1;
}

export function decodeHopByHop(packet: Packet, at: number, end: number): Next {
  const length = sizedLength('ipv6-hop-by-hop', packet, at, end);
  if (length < 0) return payload(at, end);
  const nextHeader = packet.view.getUint8(at);
  const jumbo = jumboLength(packet, at, length);
  let to = end;
  if (jumbo < 0) {
    packet.layers.push({ protocol: 'ipv6-hop-by-hop', nextHeader, length });
  } else {
    packet.layers.push({ protocol: 'ipv6-hop-by-hop', nextHeader, length, jumboPayloadLength: jumbo });
    const start = packet.jumboFrom;
    // RFC 2675 section 3: only with a payload length of 0, and only above what that field can say.
    if (start >= 0 && jumbo > 0xffff) to = packet.claim('ipv6', start, jumbo, end, 'jumboPayloadLength');
  }
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end: Math.max(to, at + length) };
}

/** The value of the jumbo option among the options of a header, or -1. */
function jumboLength({ view }: Packet, at: number, length: number): number {
  const end = at + length;
  for (let option = at + 2; option + 1 < end; ) {
    const type = view.getUint8(option);
    if (type === 0) {
      option++;
      continue;
    }
    const size = view.getUint8(option + 1);
    if (type === 0xc2 && size === 4 && option + 6 <= end) return view.getUint32(option + 2);
    option += 2 + size;
  }
  return -1;
}

export function decodeDestination(packet: Packet, at: number, end: number): Next {
  const length = sizedLength('ipv6-destination', packet, at, end);
  if (length < 0) return payload(at, end);
  const nextHeader = packet.view.getUint8(at);
  packet.layers.push({ protocol: 'ipv6-destination', nextHeader, length });
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end };
}

export function decodeRouting(packet: Packet, at: number, end: number): Next {
  const length = sizedLength('ipv6-routing', packet, at, end);
  if (length < 0) return payload(at, end);
  const { view } = packet;
  const nextHeader = view.getUint8(at);
  const routingType = view.getUint8(at + 2);
  const segmentsLeft = view.getUint8(at + 3);
  packet.layers.push({ protocol: 'ipv6-routing', nextHeader, length, routingType, segmentsLeft });
  if (segmentsLeft > 0) packet.destination = finalDestination(at, length, routingType);
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end };
}

/**
 * RFC 8200 section 8.1: the pseudo header takes the final destination while segments are left. Types 0 (RFC 5095) and
 * 2 (RFC 6275) end with it, type 4 (RFC 8754) begins with it; others, compressed as in RFC 6554, are not read.
 */
function finalDestination(at: number, length: number, type: number): number {
  if (length < 24) return -1;
  if (type === 4) return at + 8;
  return type === 0 || type === 2 ? at + length - 16 : -1;
}

export function decodeFragment(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ipv6-fragment', at, end, 8)) return payload(at, end);
  const { view } = packet;
  const nextHeader = view.getUint8(at);
  const word = view.getUint16(at + 2);
  const fragmentOffset = word & 0xfff8;
  const moreFragments = (word & 1) !== 0;
  const identification = view.getUint32(at + 4);
  packet.layers.push({ protocol: 'ipv6-fragment', nextHeader, fragmentOffset, moreFragments, identification });
  // An offset of 0 without more is a whole packet, an atomic fragment (RFC 6946).
  if (moreFragments || fragmentOffset > 0) packet.enterPiece();
  return fragmentOffset > 0 ? payload(at + 8, end) : { table: 'ipProtocol', key: nextHeader, at: at + 8, end };
}

export function decodeAuthentication(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ah', at, end, 12)) return payload(at, end);
  const { view } = packet;
  const nextHeader = view.getUint8(at);
  const length = (view.getUint8(at + 1) + 2) * 4;
  if (length < 12) {
    packet.fail('ah', at, 12, length, 'length');
    return payload(at, end);
  }
  if (!packet.has('ah', at, end, length, 'length')) return payload(at, end);
  packet.layers.push({
    protocol: 'ah',
    nextHeader,
    length,
    spi: view.getUint32(at + 4),
    sequence: view.getUint32(at + 8),
  });
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end };
}

/** An extension header to write: the message's fields, the length following from the body. */
export type ExtensionFields =
  | Omit<HopByHopMessage, 'length' | 'jumboPayloadLength'>
  | Omit<DestinationMessage, 'length'>
  | Omit<RoutingMessage, 'length'>
  | FragmentMessage
  | Omit<AuthenticationMessage, 'length'>;

const NO_BODY = new Uint8Array(0);
const FIXED = { 'ipv6-hop-by-hop': 2, 'ipv6-destination': 2, 'ipv6-routing': 4, ah: 12 } as const;

/**
 * Writes an extension header into `into` at `offset`; returns where the next header goes.
 *
 * @param body what follows the named fields: options, the routing type's own data, the integrity check value. It is
 *   filled up to the header's unit, for options with Pad1, otherwise with zeros (the same byte). Fragments have none.
 */
export function encodeExtension(
  fields: ExtensionFields,
  into: Uint8Array,
  offset = 0,
  body: Uint8Array = NO_BODY,
): number {
  if (fields.protocol === 'ipv6-fragment') {
    const view = new DataView(into.buffer, into.byteOffset + offset, 8);
    view.setUint16(0, fields.nextHeader << 8);
    view.setUint16(2, (fields.fragmentOffset & 0xfff8) | (fields.moreFragments ? 1 : 0));
    view.setUint32(4, fields.identification);
    return offset + 8;
  }
  const fixed = FIXED[fields.protocol];
  // AH over IPv6 is a multiple of eight bytes too (RFC 4302 section 3.3.3.2.1).
  const length = 8 * Math.ceil((fixed + body.length) / 8);
  into.fill(0, offset, offset + length);
  const view = new DataView(into.buffer, into.byteOffset + offset, length);
  view.setUint8(0, fields.nextHeader);
  view.setUint8(1, fields.protocol === 'ah' ? length / 4 - 2 : length / 8 - 1);
  if (fields.protocol === 'ipv6-routing') {
    view.setUint8(2, fields.routingType);
    view.setUint8(3, fields.segmentsLeft);
  } else if (fields.protocol === 'ah') {
    view.setUint32(4, fields.spi);
    view.setUint32(8, fields.sequence);
  }
  into.set(body, offset + fixed);
  return offset + length;
}
