/**
 * ICMPv6 (RFC 4443) with the targets of neighbour discovery (RFC 4861) and extended echo (RFC 8335). The header is that
 * of ICMP; its checksum covers the pseudo header of IPv6 as well.
 *
 *     +---------------+---------------+-------------------------------+
 *     |     type      |     code      |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |  by type: identifier and sequence, MTU, pointer, reserved     |
 *     +---------------------------------------------------------------+
 *     |  data; the packet that an error is about; a target (128)      |
 *     +---------------------------------------------------------------+
 */
import { parseIPv6 } from '../sockaddr/ip.js';
import { formatIPv6 } from '../sockaddr/ip-text.js';
import { addressSum, checksum } from './checksum.js';
import { type IcmpExtension, splitQuote } from './icmp-extension.js';
import { EtherType, IPProtocol } from './numbers.js';
import { type Next, type Packet, payload } from './packet.js';

export interface Icmpv6Message {
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
  /** Neighbour solicitation, advertisement and redirect. */
  readonly target?: string;
  /** Of errors, where they carry any (RFC 4884). */
  readonly extensions?: readonly IcmpExtension[];
}

export const ICMPV6_HEADER = 8;
export const ICMPV6_PROTOCOL = IPProtocol.icmpv6;
/** Header and one address. */
const TARGET_LENGTH = 24;

export const Icmpv6Type = {
  destinationUnreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
  redirect: 137,
  extendedEchoRequest: 160,
  extendedEchoReply: 161,
} as const;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export function decodeIcmpv6(packet: Packet, at: number, end: number): Next {
  // Four bytes are common to all; every type that is assigned has four more.
  if (!packet.has('icmpv6', at, end, ICMPV6_HEADER)) return payload(at, end);
  const { view, bytes } = packet;
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
    case Icmpv6Type.extendedEchoReply:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint8(at + 6);
      break;
    case Icmpv6Type.neighborSolicitation:
    case Icmpv6Type.neighborAdvertisement:
    case Icmpv6Type.redirect:
      if (!packet.has('icmpv6', at, end, TARGET_LENGTH)) break;
      message.target = formatIPv6(bytes, at + 8);
      return payload(at + TARGET_LENGTH, end);
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

function quoted(packet: Packet, message: Writable<Icmpv6Message>, at: number, end: number, extensible: boolean): Next {
  let quoteEnd = end;
  if (extensible) {
    // RFC 4884 section 4.4: the first byte of the rest of the header counts the quote in units of eight bytes.
    const split = splitQuote(packet, at + ICMPV6_HEADER, end, packet.view.getUint8(at + 4) * 8);
    if (split.extensions !== undefined) message.extensions = split.extensions;
    quoteEnd = split.end;
  }
  packet.enterPiece();
  return { table: 'etherType', key: EtherType.ipv6, at: at + ICMPV6_HEADER, end: quoteEnd };
}

export interface Icmpv6Fields {
  readonly icmpType: number;
  /** Default 0. */
  readonly icmpCode?: number;
  readonly identifier?: number;
  readonly sequence?: number;
  readonly mtu?: number;
  readonly pointer?: number;
  /** Of neighbour discovery: it comes in front of the data. */
  readonly target?: string;
  /** Left out, it is computed where the addresses are given, and 0 for the kernel to fill in where they are not. */
  readonly checksum?: number;
}

const headerLength = ({ target }: Icmpv6Fields): number => (target === undefined ? ICMPV6_HEADER : TARGET_LENGTH);

/**
 * A whole message: header, then `data`.
 *
 * @param addresses source and destination, 32 bytes, for the checksum; see pseudoAddresses in checksum.ts
 * @throws AddressError for a target that is no IPv6 address, RangeError for addresses of another length
 */
export function encodeIcmpv6(fields: Icmpv6Fields, data: Uint8Array, addresses?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerLength(fields) + data.length);
  writeIcmpv6(fields, data, addresses, bytes);
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
  const length = headerLength(fields);
  const end = offset + length + data.length;
  const view = new DataView(into.buffer, into.byteOffset + offset, length + data.length);
  into.fill(0, offset, offset + length);
  view.setUint8(0, fields.icmpType);
  view.setUint8(1, fields.icmpCode ?? 0);
  if (fields.identifier !== undefined) view.setUint16(4, fields.identifier);
  if (fields.sequence !== undefined) {
    const { extendedEchoRequest, extendedEchoReply } = Icmpv6Type;
    if (fields.icmpType === extendedEchoRequest || fields.icmpType === extendedEchoReply) {
      view.setUint8(6, fields.sequence);
    } else view.setUint16(6, fields.sequence);
  }
  if (fields.mtu !== undefined) view.setUint32(4, fields.mtu);
  if (fields.pointer !== undefined) view.setUint32(4, fields.pointer);
  if (fields.target !== undefined) into.set(parseIPv6(fields.target).toBytes(), offset + ICMPV6_HEADER);
  into.set(data, offset + length);
  if (fields.checksum !== undefined) view.setUint16(2, fields.checksum);
  else if (addresses !== undefined) {
    view.setUint16(2, checksum(into, offset, end, addressSum(addresses, ICMPV6_PROTOCOL, end - offset)));
  }
  return end;
}
