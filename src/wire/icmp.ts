/**
 * ICMP (RFC 792; RFC 950 for address masks; RFC 1191 for the next hop's MTU; RFC 1256 for routers; RFC 4884 for the length
 * of what is quoted; RFC 8335 for 42 and 43).
 *
 *     +---------------+---------------+-------------------------------+
 *     |     type      |     code      |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |  by type: identifier and sequence, gateway, pointer, MTU      |
 *     +---------------------------------------------------------------+
 *     |  data, or the packet that an error is about                   |
 *     +---------------------------------------------------------------+
 */
import { parseIPv4 } from '../sockaddr/ip.js';
import { formatIPv4 } from '../sockaddr/ip-text.js';
import { ByteList } from './byte-list.js';
import { checksum } from './checksum.js';
import { type ExtendedReply, extendedReply, extendedReplyBits } from './extended-echo.js';
import { extendedData, type IcmpExtension, readRequest, splitQuote } from './icmp-extension.js';
import { EtherType } from './numbers.js';
import { type Next, type Packet, payload } from './packet.js';

export interface IcmpMessage {
  readonly protocol: 'icmp';
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  /** Echo, timestamp, information, address mask; extended echo, whose sequence is one byte. */
  readonly identifier?: number;
  readonly sequence?: number;
  /** Fragmentation needed: RFC 1191, in bytes. */
  readonly nextHopMtu?: number;
  /** Redirect. */
  readonly gateway?: string;
  /** Parameter problem: which byte. */
  readonly pointer?: number;
  /** Timestamps of RFC 792, milliseconds since midnight UTC. */
  readonly originate?: number;
  readonly receive?: number;
  readonly transmit?: number;
  /** Address mask request and reply. */
  readonly addressMask?: string;
  /** Router advertisement, in seconds. */
  readonly lifetime?: number;
  readonly routers?: readonly { readonly address: string; readonly preference: number }[];
  /** Extended echo request: the interface is one of the node itself. */
  readonly local?: boolean;
  /** Extended echo reply: see extended-echo.ts. */
  readonly state?: number;
  readonly active?: boolean;
  readonly hasIPv4?: boolean;
  readonly hasIPv6?: boolean;
  /** Of errors, where they say so: the length of the packet that they quote, padding included, in bytes (RFC 4884). */
  readonly quoteLength?: number;
  /** Of errors and of extended echo requests, where they carry any. */
  readonly extensions?: readonly IcmpExtension[];
}

export const ICMP_HEADER = 8;
/** Header and three timestamps. */
const TIMESTAMP_LENGTH = 20;

/** Types by number, RFC 792, RFC 950 and RFC 8335. */
export const IcmpType = {
  echoReply: 0,
  destinationUnreachable: 3,
  sourceQuench: 4,
  redirect: 5,
  echoRequest: 8,
  routerAdvertisement: 9,
  routerSolicitation: 10,
  timeExceeded: 11,
  parameterProblem: 12,
  timestampRequest: 13,
  timestampReply: 14,
  informationRequest: 15,
  informationReply: 16,
  addressMaskRequest: 17,
  addressMaskReply: 18,
  extendedEchoRequest: 42,
  extendedEchoReply: 43,
} as const;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export function decodeIcmp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('icmp', at, end, ICMP_HEADER)) return payload(at, end);
  const { view, bytes } = packet;
  const message: Writable<IcmpMessage> = {
    protocol: 'icmp',
    icmpType: view.getUint8(at),
    icmpCode: view.getUint8(at + 1),
    checksum: view.getUint16(at + 2),
    checksumValid: packet.incomplete ? null : checksum(bytes, at, end) === 0,
  };
  packet.layers.push(message);
  const data = at + ICMP_HEADER;
  switch (message.icmpType) {
    case IcmpType.timestampRequest:
    case IcmpType.timestampReply:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint16(at + 6);
      if (!packet.has('icmp', at, end, TIMESTAMP_LENGTH)) return payload(data, end);
      message.originate = view.getUint32(at + 8);
      message.receive = view.getUint32(at + 12);
      message.transmit = view.getUint32(at + 16);
      return payload(at + TIMESTAMP_LENGTH, end);
    case IcmpType.echoReply:
    case IcmpType.echoRequest:
    case IcmpType.informationRequest:
    case IcmpType.informationReply:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint16(at + 6);
      return payload(data, end);
    case IcmpType.addressMaskRequest:
    case IcmpType.addressMaskReply:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint16(at + 6);
      if (!packet.has('icmp', data, end, 4)) return payload(data, end);
      message.addressMask = formatIPv4(bytes, data);
      return payload(data + 4, end);
    case IcmpType.routerAdvertisement:
      message.lifetime = view.getUint16(at + 6);
      return readRouters(packet, message, at, end);
    case IcmpType.extendedEchoRequest:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint8(at + 6);
      message.local = (view.getUint8(at + 7) & 1) !== 0;
      return readRequest(packet, message, data, end);
    case IcmpType.extendedEchoReply:
      message.identifier = view.getUint16(at + 4);
      message.sequence = view.getUint8(at + 6);
      Object.assign(message, extendedReply(view.getUint8(at + 7)));
      return payload(data, end);
    case IcmpType.destinationUnreachable:
      if (message.icmpCode === 4) message.nextHopMtu = view.getUint16(at + 6);
      return quoted(packet, message, at, end, true);
    case IcmpType.redirect:
      message.gateway = formatIPv4(bytes, at + 4);
      return quoted(packet, message, at, end, false);
    case IcmpType.parameterProblem:
      message.pointer = view.getUint8(at + 4);
      return quoted(packet, message, at, end, true);
    case IcmpType.timeExceeded:
      return quoted(packet, message, at, end, true);
    case IcmpType.sourceQuench:
      return quoted(packet, message, at, end, false);
    default:
      return payload(data, end);
  }
}

/** RFC 1256 section 3: so many entries of so many words, of which the first two are an address and its preference. */
function readRouters(packet: Packet, message: Writable<IcmpMessage>, at: number, end: number): Next {
  const { view, bytes } = packet;
  const count = view.getUint8(at + 4);
  const size = view.getUint8(at + 5) * 4;
  const from = at + ICMP_HEADER;
  if (size < 8) {
    packet.fail('icmp', at + 5, 8, size, 'address entry size');
    return payload(from, end);
  }
  const fits = packet.has('icmp', from, end, count * size, 'number of addresses')
    ? count
    : Math.floor((end - from) / size);
  message.routers = Array.from({ length: fits }, (_, i) => ({
    address: formatIPv4(bytes, from + i * size),
    preference: view.getInt32(from + i * size + 4),
  }));
  return payload(from + fits * size, end);
}

/** The packet that an error is about: a part of one, nothing of which can be checked, and whose lengths claim more. */
function quoted(packet: Packet, message: Writable<IcmpMessage>, at: number, end: number, extensible: boolean): Next {
  let quoteEnd = end;
  if (extensible) {
    // RFC 4884 section 4.1: the second byte of the rest of the header counts the quote in units of four bytes.
    const quoteLength = packet.view.getUint8(at + 5) * 4;
    if (quoteLength > 0) message.quoteLength = quoteLength;
    const split = splitQuote(packet, at + ICMP_HEADER, end, quoteLength);
    if (split.extensions !== undefined) message.extensions = split.extensions;
    quoteEnd = split.end;
  }
  packet.enterPiece();
  return { table: 'etherType', key: EtherType.ipv4, at: at + ICMP_HEADER, end: quoteEnd };
}

export interface IcmpFields extends Partial<ExtendedReply> {
  readonly icmpType: number;
  /** Default 0. */
  readonly icmpCode?: number;
  readonly identifier?: number;
  readonly sequence?: number;
  readonly nextHopMtu?: number;
  readonly gateway?: string;
  readonly pointer?: number;
  /** Of types 13 and 14, whose data begins with the three of them; default 0. */
  readonly originate?: number;
  readonly receive?: number;
  readonly transmit?: number;
  /** Of types 17 and 18. */
  readonly addressMask?: string;
  /** Of type 9. */
  readonly lifetime?: number;
  readonly routers?: readonly { readonly address: string; readonly preference: number }[];
  /** Of type 42. */
  readonly local?: boolean;
  /** Of errors, in bytes, a multiple of four; what is quoted is filled up to it where extensions follow. */
  readonly quoteLength?: number;
  /** Of errors, behind what they quote, and of type 42. */
  readonly extensions?: readonly IcmpExtension[];
  /** Left out, it is computed. */
  readonly checksum?: number;
}

/** What the types that have more than eight bytes have behind them. */
function bodyOf(fields: IcmpFields): Uint8Array {
  const body = new ByteList();
  switch (fields.icmpType) {
    case IcmpType.timestampRequest:
    case IcmpType.timestampReply:
      body
        .u32(fields.originate ?? 0)
        .u32(fields.receive ?? 0)
        .u32(fields.transmit ?? 0);
      break;
    case IcmpType.addressMaskRequest:
    case IcmpType.addressMaskReply:
      if (fields.addressMask !== undefined) body.ipv4(fields.addressMask);
      break;
    case IcmpType.routerAdvertisement:
      for (const { address, preference } of fields.routers ?? []) body.ipv4(address).u32(preference);
      break;
  }
  return body.toBytes();
}

/**
 * A whole message: header, the body that its type has, then `data`.
 *
 * @throws AddressError for what is no IPv4 address
 */
export function encodeIcmp(fields: IcmpFields, data: Uint8Array): Uint8Array {
  const body = bodyOf(fields);
  const behind = behindOf(fields, data);
  const bytes = new Uint8Array(ICMP_HEADER + body.length + behind.length);
  writeMessage(fields, body, behind, bytes, 0);
  return bytes;
}

/** Like {@link encodeIcmp}, into `into` at `offset`; returns the end. */
export function writeIcmp(fields: IcmpFields, data: Uint8Array, into: Uint8Array, offset = 0): number {
  return writeMessage(fields, bodyOf(fields), behindOf(fields, data), into, offset);
}

const behindOf = (fields: IcmpFields, data: Uint8Array): Uint8Array =>
  extendedData(data, fields, fields.icmpType === IcmpType.extendedEchoRequest);

function writeMessage(
  fields: IcmpFields,
  body: Uint8Array,
  data: Uint8Array,
  into: Uint8Array,
  offset: number,
): number {
  const from = offset + ICMP_HEADER;
  const end = from + body.length + data.length;
  const view = new DataView(into.buffer, into.byteOffset + offset, end - offset);
  const { icmpType, sequence } = fields;
  into.fill(0, offset, from);
  view.setUint8(0, icmpType);
  view.setUint8(1, fields.icmpCode ?? 0);
  if (fields.gateway !== undefined) into.set(parseIPv4(fields.gateway).toBytes(), offset + 4);
  if (fields.pointer !== undefined) view.setUint8(4, fields.pointer);
  if (fields.identifier !== undefined) view.setUint16(4, fields.identifier);
  if (icmpType === IcmpType.extendedEchoRequest || icmpType === IcmpType.extendedEchoReply) {
    view.setUint8(6, sequence ?? 0);
    view.setUint8(
      7,
      icmpType === IcmpType.extendedEchoReply ? extendedReplyBits(fields) : fields.local === true ? 1 : 0,
    );
  } else if (sequence !== undefined) view.setUint16(6, sequence);
  if (fields.quoteLength !== undefined) view.setUint8(5, fields.quoteLength >> 2);
  if (fields.nextHopMtu !== undefined) view.setUint16(6, fields.nextHopMtu);
  if (icmpType === IcmpType.routerAdvertisement) {
    view.setUint8(4, fields.routers?.length ?? 0);
    view.setUint8(5, 2);
    view.setUint16(6, fields.lifetime ?? 0);
  }
  into.set(body, from);
  into.set(data, from + body.length);
  view.setUint16(2, fields.checksum ?? checksum(into, offset, end));
  return end;
}
