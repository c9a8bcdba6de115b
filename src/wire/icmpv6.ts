/**
 * ICMPv6 (RFC 4443) with the targets of neighbour discovery (RFC 4861). The header is that of ICMP; its checksum
 * covers the pseudo header of IPv6 as well.
 */
import { formatIPv6 } from '../sockaddr/ip.js';
import { checksum, pseudoHeaderSum } from './checksum.js';
import type { Next, Packet } from './packet.js';

export interface Icmpv6Message {
  readonly protocol: 'icmpv6';
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  /** Echo. */
  readonly identifier?: number;
  readonly sequence?: number;
  /** Packet too big, in bytes. */
  readonly mtu?: number;
  /** Parameter problem: which byte. */
  readonly pointer?: number;
  /** Neighbour solicitation, advertisement and redirect. */
  readonly target?: string;
}

export const ICMPV6_HEADER = 8;
export const ICMPV6_PROTOCOL = 58;

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
} as const;

export function decodeIcmpv6(packet: Packet, at: number, end: number): Next {
  // Four bytes are a whole header; the errors and echoes have four more.
  if (!packet.has('icmpv6', at, end, ICMPV6_HEADER)) return { table: 'payload', key: 0, at, end };
  const { view, bytes } = packet;
  const icmpType = view.getUint8(at);
  const echo = icmpType === Icmpv6Type.echoRequest || icmpType === Icmpv6Type.echoReply;
  const target = icmpType >= 135 && icmpType <= 137 && end - at >= 24;
  packet.layers.push({
    protocol: 'icmpv6',
    icmpType,
    icmpCode: view.getUint8(at + 1),
    checksum: view.getUint16(at + 2),
    checksumValid: verify(packet, at, end),
    ...(echo ? { identifier: view.getUint16(at + 4), sequence: view.getUint16(at + 6) } : {}),
    ...(icmpType === Icmpv6Type.packetTooBig ? { mtu: view.getUint32(at + 4) } : {}),
    ...(icmpType === Icmpv6Type.parameterProblem ? { pointer: view.getUint32(at + 4) } : {}),
    ...(target ? { target: formatIPv6(bytes, at + 8) } : {}),
  });
  const data = at + ICMPV6_HEADER;
  // Types below 128 are errors (section 2.1) and quote the packet that they are about.
  if (icmpType >= 1 && icmpType <= 4) {
    packet.incomplete = true;
    return { table: 'etherType', key: 0x86dd, at: data, end };
  }
  return { table: 'payload', key: 0, at: target ? at + 24 : data, end };
}

function verify(packet: Packet, at: number, end: number): boolean | null {
  if (packet.incomplete || packet.addressLength !== 16) return null;
  const { bytes, addresses, destination } = packet;
  return checksum(bytes, at, end, pseudoHeaderSum(bytes, addresses, destination, 16, ICMPV6_PROTOCOL, end - at)) === 0;
}

export interface Icmpv6Fields {
  readonly icmpType: number;
  readonly icmpCode?: number;
  readonly identifier?: number;
  readonly sequence?: number;
  readonly mtu?: number;
  readonly pointer?: number;
  /** Left out, it is computed where the addresses are given, and 0 for the kernel to fill in where they are not. */
  readonly checksum?: number;
}

/**
 * A whole message: header, then `data`.
 *
 * @param addresses source and destination, 32 bytes, for the checksum
 */
export function encodeIcmpv6(fields: Icmpv6Fields, data: Uint8Array, addresses?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ICMPV6_HEADER + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, fields.icmpType);
  view.setUint8(1, fields.icmpCode ?? 0);
  if (fields.identifier !== undefined) view.setUint16(4, fields.identifier);
  if (fields.sequence !== undefined) view.setUint16(6, fields.sequence);
  if (fields.mtu !== undefined) view.setUint32(4, fields.mtu);
  if (fields.pointer !== undefined) view.setUint32(4, fields.pointer);
  bytes.set(data, ICMPV6_HEADER);
  if (fields.checksum !== undefined) view.setUint16(2, fields.checksum);
  else if (addresses !== undefined) {
    const sum = pseudoHeaderSum(addresses, 0, 16, 16, ICMPV6_PROTOCOL, bytes.length);
    view.setUint16(2, checksum(bytes, 0, bytes.length, sum));
  }
  return bytes;
}
