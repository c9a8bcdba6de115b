/**
 * ICMP (RFC 792; RFC 1191 for the next hop's MTU; RFC 4884 for the length of what is quoted).
 *
 *     +---------------+---------------+-------------------------------+
 *     |     type      |     code      |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |  by type: identifier and sequence, gateway, pointer, MTU      |
 *     +---------------------------------------------------------------+
 *     |  data, or the packet that an error is about                   |
 *     +---------------------------------------------------------------+
 */
import { formatIPv4, parseIPv4 } from '../sockaddr/ip.js';
import { checksum } from './checksum.js';
import type { Next, Packet } from './packet.js';

export interface IcmpMessage {
  readonly protocol: 'icmp';
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  /** Echo, timestamp, information and address mask. */
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
}

export const ICMP_HEADER = 8;

/** Types by number, RFC 792 and RFC 950. */
export const IcmpType = {
  echoReply: 0,
  destinationUnreachable: 3,
  sourceQuench: 4,
  redirect: 5,
  echoRequest: 8,
  timeExceeded: 11,
  parameterProblem: 12,
  timestampRequest: 13,
  timestampReply: 14,
} as const;

const WITH_IDENTIFIER = [0, 8, 13, 14, 15, 16, 17, 18];
/** Types that quote the packet that they are about. */
const ERRORS = [3, 4, 5, 11, 12];

export function decodeIcmp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('icmp', at, end, ICMP_HEADER)) return { table: 'payload', key: 0, at, end };
  const { view, bytes } = packet;
  const icmpType = view.getUint8(at);
  const icmpCode = view.getUint8(at + 1);
  const timestamps = (icmpType === 13 || icmpType === 14) && end - at >= 20;
  packet.layers.push({
    protocol: 'icmp',
    icmpType,
    icmpCode,
    checksum: view.getUint16(at + 2),
    checksumValid: packet.incomplete ? null : checksum(bytes, at, end) === 0,
    ...(WITH_IDENTIFIER.includes(icmpType)
      ? { identifier: view.getUint16(at + 4), sequence: view.getUint16(at + 6) }
      : {}),
    ...(icmpType === 3 && icmpCode === 4 ? { nextHopMtu: view.getUint16(at + 6) } : {}),
    ...(icmpType === 5 ? { gateway: formatIPv4(bytes, at + 4) } : {}),
    ...(icmpType === 12 ? { pointer: view.getUint8(at + 4) } : {}),
    ...(timestamps
      ? { originate: view.getUint32(at + 8), receive: view.getUint32(at + 12), transmit: view.getUint32(at + 16) }
      : {}),
  });
  const data = at + ICMP_HEADER;
  if (ERRORS.includes(icmpType)) {
    // What is quoted is a part of a packet: nothing in it can be checked, and its lengths claim more than is there.
    packet.incomplete = true;
    return { table: 'etherType', key: 0x0800, at: data, end };
  }
  return { table: 'payload', key: 0, at: timestamps ? at + 20 : data, end };
}

export interface IcmpFields {
  readonly icmpType: number;
  readonly icmpCode?: number;
  readonly identifier?: number;
  readonly sequence?: number;
  readonly nextHopMtu?: number;
  readonly gateway?: string;
  readonly pointer?: number;
  /** Left out, it is computed. */
  readonly checksum?: number;
}

/** A whole message: header, then `data`. */
export function encodeIcmp(fields: IcmpFields, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ICMP_HEADER + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, fields.icmpType);
  view.setUint8(1, fields.icmpCode ?? 0);
  if (fields.gateway !== undefined) bytes.set(parseIPv4(fields.gateway).toBytes(), 4);
  if (fields.pointer !== undefined) view.setUint8(4, fields.pointer);
  if (fields.identifier !== undefined) view.setUint16(4, fields.identifier);
  if (fields.sequence !== undefined) view.setUint16(6, fields.sequence);
  if (fields.nextHopMtu !== undefined) view.setUint16(6, fields.nextHopMtu);
  bytes.set(data, ICMP_HEADER);
  view.setUint16(2, fields.checksum ?? checksum(bytes, 0, bytes.length));
  return bytes;
}
