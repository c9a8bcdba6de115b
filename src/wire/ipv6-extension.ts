/**
 * IPv6 extension headers (RFC 8200 section 4; AH: RFC 4302; segment routing: RFC 8754), each a layer of its own.
 *
 *     hop-by-hop, routing, destination options   next header:1 length in 8 bytes, the first not counted:1 …
 *     fragment                                   next header:1 reserved:1 offset and M:2 identification:4
 *     authentication                             next header:1 length in 4 bytes, less 2:1 reserved:2 SPI:4 sequence:4 …
 */
import { ByteList } from './byte-list.js';
import { Cursor } from './cursor.js';
import { decodeIPv6Options, encodeIPv6Options, type IPv6Option } from './ipv6-options.js';
import { type Next, type Packet, payload } from './packet.js';
import { hex } from './text.js';

export interface HopByHopMessage {
  readonly protocol: 'ipv6-hop-by-hop';
  readonly nextHeader: number;
  /** In bytes. */
  readonly length: number;
  readonly options: readonly IPv6Option[];
}

export interface DestinationMessage {
  readonly protocol: 'ipv6-destination';
  readonly nextHeader: number;
  /** In bytes. */
  readonly length: number;
  readonly options: readonly IPv6Option[];
}

export interface RoutingMessage {
  readonly protocol: 'ipv6-routing';
  readonly nextHeader: number;
  /** In bytes. */
  readonly length: number;
  readonly routingType: number;
  readonly segmentsLeft: number;
  /** Types 0 and 2: the addresses; type 4: the segments, the last one of the path first. */
  readonly addresses?: readonly string[];
  /** Type 4. */
  readonly lastEntry?: number;
  readonly flags?: number;
  readonly tag?: number;
  /** What is behind the addresses, or all of it in other types; in hex, absent where there is none. */
  readonly data?: string;
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
  /** Integrity check value with its padding, in hex. */
  readonly check: string;
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
  const options = decodeIPv6Options(packet, 'ipv6-hop-by-hop', at + 2, at + length);
  packet.layers.push({ protocol: 'ipv6-hop-by-hop', nextHeader, length, options });
  const start = packet.jumboFrom;
  let to = end;
  for (const option of options) {
    // RFC 2675 section 3: only with a payload length of 0, and only above what that field can say.
    if (option.kind !== 'jumboPayload' || start < 0 || option.length <= 0xffff) continue;
    to = packet.claim('ipv6', start, option.length, end, 'jumboPayloadLength');
    break;
  }
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end: Math.max(to, at + length) };
}

export function decodeDestination(packet: Packet, at: number, end: number): Next {
  const length = sizedLength('ipv6-destination', packet, at, end);
  if (length < 0) return payload(at, end);
  const nextHeader = packet.view.getUint8(at);
  const options = decodeIPv6Options(packet, 'ipv6-destination', at + 2, at + length);
  packet.layers.push({ protocol: 'ipv6-destination', nextHeader, length, options });
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end };
}

export function decodeRouting(packet: Packet, at: number, end: number): Next {
  const length = sizedLength('ipv6-routing', packet, at, end);
  if (length < 0) return payload(at, end);
  const { view } = packet;
  const nextHeader = view.getUint8(at);
  const routingType = view.getUint8(at + 2);
  const segmentsLeft = view.getUint8(at + 3);
  const rest = new Cursor(packet, 'ipv6-routing', at + 4, at + length);
  const head = { protocol: 'ipv6-routing' as const, nextHeader, length, routingType, segmentsLeft };
  packet.layers.push({ ...head, ...readRoute(rest, routingType) });
  if (segmentsLeft > 0) packet.destination = finalDestination(at, length, routingType);
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end };
}

function readRoute(
  rest: Cursor,
  type: number,
): Pick<RoutingMessage, 'addresses' | 'lastEntry' | 'flags' | 'tag' | 'data'> {
  if (type === 4) {
    const head = { lastEntry: rest.u8(), flags: rest.u8(), tag: rest.u16() };
    // The header's own length bounds what the last entry claims.
    const addresses = rest.ipv6s(Math.min(16 * (head.lastEntry + 1), rest.left));
    return { ...head, addresses, ...remaining(rest) };
  }
  if (type !== 0 && type !== 2) return remaining(rest);
  rest.at += 4;
  return { addresses: rest.ipv6s(rest.left), ...remaining(rest) };
}

const remaining = (rest: Cursor): { data?: string } => (rest.left > 0 ? { data: rest.hex() } : {});

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
    check: hex(packet.bytes, at + 12, at + length),
  });
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end };
}

/** An extension header to write; a length that is left out follows from what is in it. */
export type ExtensionFields =
  | (Omit<HopByHopMessage, 'length' | 'options'> & {
      readonly length?: number;
      readonly options?: readonly IPv6Option[];
    })
  | (Omit<DestinationMessage, 'length' | 'options'> & {
      readonly length?: number;
      readonly options?: readonly IPv6Option[];
    })
  | (Omit<RoutingMessage, 'length'> & { readonly length?: number })
  | FragmentMessage
  | (Omit<AuthenticationMessage, 'length' | 'check'> & { readonly length?: number; readonly check?: string });

/**
 * Writes an extension header into `into` at `offset`; returns where the next header goes. It is filled up to its unit,
 * for options with Pad1, otherwise with zeros (the same byte).
 *
 * @throws AddressError, UsageError for text of another form, RangeError for more than its length can say (2,048 bytes, of
 *   AH 1,028)
 */
export function encodeExtension(fields: ExtensionFields, into: Uint8Array, offset = 0): number {
  const bytes = new ByteList().u8(fields.nextHeader);
  switch (fields.protocol) {
    case 'ipv6-fragment':
      bytes.u8(0).u16((fields.fragmentOffset & 0xfff8) | (fields.moreFragments ? 1 : 0));
      bytes.u32(fields.identification);
      break;
    case 'ah':
      bytes
        .u8(0)
        .u16(0)
        .u32(fields.spi)
        .u32(fields.sequence)
        .hex(fields.check ?? '');
      break;
    case 'ipv6-routing':
      bytes.u8(0).u8(fields.routingType).u8(fields.segmentsLeft);
      if (fields.routingType === 4)
        bytes
          .u8(fields.lastEntry ?? 0)
          .u8(fields.flags ?? 0)
          .u16(fields.tag ?? 0);
      else if (fields.addresses !== undefined) bytes.u32(0);
      for (const address of fields.addresses ?? []) bytes.ipv6(address);
      bytes.hex(fields.data ?? '');
      break;
    default:
      bytes.u8(0).bytes(encodeIPv6Options(fields.options ?? []));
  }
  // AH over IPv6 is a multiple of eight bytes too (RFC 4302 section 3.3.3.2.1), over IPv4 one of four.
  const unit = fields.protocol === 'ah' && fields.length !== undefined && fields.length % 8 === 4 ? 4 : 8;
  const whole = bytes.align(unit).toBytes();
  if (fields.protocol !== 'ipv6-fragment') {
    const ah = fields.protocol === 'ah';
    if (whole.length > (ah ? 1028 : 2048)) throw new RangeError(`an extension header of ${whole.length} bytes`);
    const length = fields.length ?? whole.length;
    whole[1] = ah ? length / 4 - 2 : length / 8 - 1;
  }
  into.set(whole, offset);
  return offset + whole.length;
}
