/**
 * ICMPv6 (RFC 4443) with extended echo (RFC 8335); neighbour discovery and multicast listeners have their own files. The
 * header is that of ICMP; its checksum covers the pseudo header of IPv6 as well.
 *
 *     +---------------+---------------+-------------------------------+
 *     |     type      |     code      |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |  by type: identifier and sequence, MTU, pointer, reserved     |
 *     +---------------------------------------------------------------+
 *     |  data; the packet that an error is about; a body by type      |
 *     +---------------------------------------------------------------+
 */
import { addressSum, checksum } from './checksum.js';
import { type ExtendedReply, extendedReply, extendedReplyBits } from './extended-echo.js';
import { extendedData, type IcmpExtension, readRequest, splitQuote } from './icmp-extension.js';
import { encodeMld, type MldFields, MldType, readMld } from './mld.js';
import { encodeNeighbor, type NeighborFields, NeighborType, readNeighbor } from './neighbor-discovery.js';
import { EtherType, IPProtocol } from './numbers.js';
import { type Next, type Packet, payload } from './packet.js';

export interface Icmpv6Message extends NeighborFields, MldFields {
  readonly protocol: 'icmpv6';
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  /** Echo; extended echo, whose sequence is one byte. */
  readonly identifier?: number;
  readonly sequence?: number;
  /** Packet too big, in bytes. */
  readonly mtu?: number;
  /** Parameter problem: which byte. */
  readonly pointer?: number;
  /** Extended echo request: the interface is one of the node itself (RFC 8335 section 2). */
  readonly local?: boolean;
  /** Extended echo reply: of the neighbour cache, and whether the interface is up and has an address of a family. */
  readonly state?: number;
  readonly active?: boolean;
  readonly hasIPv4?: boolean;
  readonly hasIPv6?: boolean;
  /** Of errors, where they say so: the length of the packet that they quote, padding included, in bytes (RFC 4884). */
  readonly quoteLength?: number;
  /** Of errors and of extended echo requests, where they carry any. */
  readonly extensions?: readonly IcmpExtension[];
}

export const ICMPV6_HEADER = 8;
export const ICMPV6_PROTOCOL = IPProtocol.icmpv6;

export const Icmpv6Type = {
  destinationUnreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echoRequest: 128,
  echoReply: 129,
  listenerQuery: MldType.query,
  listenerReport: MldType.report,
  listenerDone: MldType.done,
  ...NeighborType,
  listenerReportV2: MldType.reportV2,
  extendedEchoRequest: 160,
  extendedEchoReply: 161,
} as const;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export function decodeIcmpv6(packet: Packet, at: number, end: number): Next {
  // Four bytes are common to all; every type that is assigned has four more.
  if (!packet.has('icmpv6', at, end, ICMPV6_HEADER)) return payload(at, end);
  const { view } = packet;
  const field = view.getUint16(at + 2);
  const message: Writable<Icmpv6Message> = {
    protocol: 'icmpv6',
    icmpType: view.getUint8(at),
    icmpCode: view.getUint8(at + 1),
    checksum: field,
    checksumValid: packet.addressLength === 16 ? packet.judge(ICMPV6_PROTOCOL, at, end, field) : null,
  };
  packet.layers.push(message);
  switch (message.icmpType) {
    case Icmpv6Type.echoRequest:
    case Icmpv6Type.echoReply:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint16(at + 6);
      break;
    case Icmpv6Type.extendedEchoRequest:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint8(at + 6);
      message.local = (view.getUint8(at + 7) & 1) !== 0;
      return readRequest(packet, message, at + ICMPV6_HEADER, end);
    case Icmpv6Type.extendedEchoReply:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint8(at + 6);
      Object.assign(message, extendedReply(view.getUint8(at + 7)));
      break;
    case Icmpv6Type.routerSolicitation:
    case Icmpv6Type.routerAdvertisement:
    case Icmpv6Type.neighborSolicitation:
    case Icmpv6Type.neighborAdvertisement:
      return payload(readNeighbor(packet, message.icmpType, message, at + 4, end), end);
    case Icmpv6Type.redirect:
      return redirected(packet, message, at, readNeighbor(packet, message.icmpType, message, at + 4, end), end);
    case Icmpv6Type.listenerQuery:
    case Icmpv6Type.listenerReport:
    case Icmpv6Type.listenerDone:
    case Icmpv6Type.listenerReportV2:
      return payload(readMld(packet, message.icmpType, message, at + 4, end), end);
    case Icmpv6Type.destinationUnreachable:
    case Icmpv6Type.timeExceeded:
      return quoted(packet, message, at, end, true);
    case Icmpv6Type.packetTooBig:
      message.mtu = view.getUint32(at + 4);
      return quoted(packet, message, at, end, false);
    case Icmpv6Type.parameterProblem:
      message.pointer = view.getUint32(at + 4);
      return quoted(packet, message, at, end, false);
  }
  return payload(at + ICMPV6_HEADER, end);
}

/** A redirect quotes in an option (RFC 4861 section 4.6.3), whose first eight bytes are no packet. */
function redirected(packet: Packet, message: Writable<Icmpv6Message>, at: number, behind: number, end: number): Next {
  const { bytes } = packet;
  if (message.options === undefined) return payload(behind, end);
  for (let option = at + 40; option + 8 < behind; option += 8 * (bytes[option + 1] as number)) {
    if (bytes[option] !== 4) continue;
    packet.enterPiece();
    const to = Math.min(behind, option + 8 * (bytes[option + 1] as number));
    return { table: 'etherType', key: EtherType.ipv6, at: option + 8, end: to };
  }
  return payload(behind, end);
}

function quoted(packet: Packet, message: Writable<Icmpv6Message>, at: number, end: number, extensible: boolean): Next {
  let quoteEnd = end;
  if (extensible) {
    // RFC 4884 section 4.4: the first byte of the rest of the header counts the quote in units of eight bytes.
    const quoteLength = packet.view.getUint8(at + 4) * 8;
    if (quoteLength > 0) message.quoteLength = quoteLength;
    const split = splitQuote(packet, at + ICMPV6_HEADER, end, quoteLength);
    if (split.extensions !== undefined) message.extensions = split.extensions;
    quoteEnd = split.end;
  }
  packet.enterPiece();
  return { table: 'etherType', key: EtherType.ipv6, at: at + ICMPV6_HEADER, end: quoteEnd };
}

export interface Icmpv6Fields extends NeighborFields, MldFields, Partial<ExtendedReply> {
  readonly icmpType: number;
  /** Default 0. */
  readonly icmpCode?: number;
  readonly identifier?: number;
  readonly sequence?: number;
  readonly mtu?: number;
  readonly pointer?: number;
  readonly local?: boolean;
  /** Of errors, in bytes, a multiple of eight; what is quoted is filled up to it where extensions follow. */
  readonly quoteLength?: number;
  /** Of errors, behind what they quote, and of extended echo requests. */
  readonly extensions?: readonly IcmpExtension[];
  /** Left out, it is computed where the addresses are given, and 0 for the kernel to fill in where they are not. */
  readonly checksum?: number;
}

/**
 * A whole message: header, the body that its type has, then `data`.
 *
 * @param addresses source and destination, 32 bytes, for the checksum; see pseudoAddresses in checksum.ts
 * @throws AddressError for what is no IPv6 address, RangeError for addresses of another length
 */
export function encodeIcmpv6(fields: Icmpv6Fields, data: Uint8Array, addresses?: Uint8Array): Uint8Array {
  const body = bodyOf(fields);
  const behind = behindOf(fields, data);
  const bytes = new Uint8Array(4 + body.length + behind.length);
  writeMessage(fields, body, behind, addresses, bytes, 0);
  return bytes;
}

/** Like {@link encodeIcmpv6}, into `into` at `offset`; returns the end. */
export function writeIcmpv6(
  fields: Icmpv6Fields,
  data: Uint8Array,
  addresses: Uint8Array | undefined,
  into: Uint8Array,
  offset = 0,
): number {
  return writeMessage(fields, bodyOf(fields), behindOf(fields, data), addresses, into, offset);
}

const behindOf = (fields: Icmpv6Fields, data: Uint8Array): Uint8Array =>
  extendedData(data, fields, fields.icmpType === Icmpv6Type.extendedEchoRequest);

function writeMessage(
  fields: Icmpv6Fields,
  body: Uint8Array,
  data: Uint8Array,
  addresses: Uint8Array | undefined,
  into: Uint8Array,
  offset: number,
): number {
  const end = offset + 4 + body.length + data.length;
  const view = new DataView(into.buffer, into.byteOffset + offset, end - offset);
  view.setUint8(0, fields.icmpType);
  view.setUint8(1, fields.icmpCode ?? 0);
  view.setUint16(2, fields.checksum ?? 0);
  into.set(body, offset + 4);
  into.set(data, offset + 4 + body.length);
  if (fields.checksum === undefined && addresses !== undefined) {
    view.setUint16(2, checksum(into, offset, end, addressSum(addresses, ICMPV6_PROTOCOL, end - offset)));
  }
  return end;
}

const NEIGHBOR_TYPES: ReadonlySet<number> = new Set(Object.values(NeighborType));
const MLD_TYPES: ReadonlySet<number> = new Set(Object.values(MldType));

/** What stands behind the checksum, at least four bytes. */
function bodyOf(fields: Icmpv6Fields): Uint8Array {
  const { icmpType, identifier, sequence } = fields;
  if (NEIGHBOR_TYPES.has(icmpType)) return encodeNeighbor(icmpType, fields);
  if (MLD_TYPES.has(icmpType)) return encodeMld(icmpType, fields);
  const body = new Uint8Array(4);
  const view = new DataView(body.buffer);
  if (identifier !== undefined) view.setUint16(0, identifier);
  const { extendedEchoRequest, extendedEchoReply } = Icmpv6Type;
  if (icmpType === extendedEchoRequest || icmpType === extendedEchoReply) {
    view.setUint8(2, sequence ?? 0);
    view.setUint8(3, icmpType === extendedEchoReply ? extendedReplyBits(fields) : fields.local === true ? 1 : 0);
  } else if (sequence !== undefined) view.setUint16(2, sequence);
  if (fields.quoteLength !== undefined) view.setUint8(0, fields.quoteLength >> 3);
  if (fields.mtu !== undefined) view.setUint32(0, fields.mtu);
  if (fields.pointer !== undefined) view.setUint32(0, fields.pointer);
  return body;
}
