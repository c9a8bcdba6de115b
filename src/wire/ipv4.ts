/**
 * IPv4 (RFC 791; DSCP and ECN by RFC 2474 and RFC 3168).
 *
 *      0                   1                   2                   3
 *     +-------+-------+-----------+---+-------------------------------+
 *     |version|  IHL  |   DSCP    |ECN|         total length          |
 *     +-------+-------+-----------+---+-----+-------------------------+
 *     |        identification         |flags|     fragment offset     |
 *     +---------------+---------------+-----+-------------------------+
 *     |      TTL      |   protocol    |        header checksum        |
 *     +---------------+---------------+-------------------------------+
 *     |                        source address                         |
 *     |                      destination address                      |
 *     |                    options, 0 to 40 bytes                     |
 *     +---------------------------------------------------------------+
 */
import { formatIPv4, parseIPv4 } from '../sockaddr/ip.js';
import { checksum } from './checksum.js';
import { hex, type Next, type Packet } from './packet.js';

export interface IPv4Message {
  readonly protocol: 'ipv4';
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  readonly protocolNumber: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes. */
  readonly fragmentOffset: number;
  readonly dscp: number;
  readonly ecn: number;
  /** In bytes, options included. */
  readonly headerLength: number;
  /** As the header says; 0 where segmentation was left to hardware and the packet is larger than it can say. */
  readonly totalLength: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  /** Hex, absent where there are none. */
  readonly options?: string;
}

const FIXED = 20;

export function decodeIPv4(packet: Packet, at: number, end: number): Next {
  const rest: Next = { table: 'payload', key: 0, at, end };
  if (!packet.has('ipv4', at, end, FIXED)) return rest;
  const { view, bytes } = packet;
  const headerLength = (view.getUint8(at) & 15) * 4;
  if (headerLength < FIXED) {
    packet.fail('ipv4', at, FIXED, headerLength, 'headerLength');
    return rest;
  }
  if (end - at < headerLength) {
    packet.fail('ipv4', at, headerLength, end - at, 'headerLength');
    return rest;
  }
  const totalLength = view.getUint16(at + 2);
  const flags = view.getUint16(at + 6);
  const fragmentOffset = (flags & 0x1fff) * 8;
  const moreFragments = (flags & 0x2000) !== 0;
  const protocolNumber = view.getUint8(at + 9);
  packet.layers.push({
    protocol: 'ipv4',
    source: formatIPv4(bytes, at + 12),
    destination: formatIPv4(bytes, at + 16),
    ttl: view.getUint8(at + 8),
    protocolNumber,
    identification: view.getUint16(at + 4),
    dontFragment: (flags & 0x4000) !== 0,
    moreFragments,
    fragmentOffset,
    dscp: view.getUint8(at + 1) >> 2,
    ecn: view.getUint8(at + 1) & 3,
    headerLength,
    totalLength,
    checksum: view.getUint16(at + 10),
    checksumValid: checksum(bytes, at, at + headerLength) === 0,
    ...(headerLength > FIXED ? { options: hex(bytes, at + FIXED, at + headerLength) } : {}),
  });
  packet.addresses = at + 12;
  packet.addressLength = 4;
  packet.destination = at + 16;
  const payload = at + headerLength;
  // A claim below the header is nonsense, except for 0: the hardware was to cut the packet up.
  if (totalLength !== 0 && totalLength < headerLength) {
    packet.fail('ipv4', at, headerLength, totalLength, 'totalLength');
    return { table: 'payload', key: 0, at: payload, end };
  }
  const to = totalLength === 0 ? end : packet.claim('ipv4', at, totalLength, end, 'totalLength');
  if (fragmentOffset > 0) return { table: 'payload', key: 0, at: payload, end: to };
  if (moreFragments) packet.incomplete = true;
  return { table: 'ipProtocol', key: protocolNumber, at: payload, end: to };
}

export interface IPv4Header {
  readonly source: string;
  readonly destination: string;
  readonly ttl?: number;
  readonly protocolNumber: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  readonly dscp?: number;
  readonly ecn?: number;
  /** Header and payload; left out, it is `payloadLength` and the header. */
  readonly totalLength?: number;
  /** Left out, it is computed. */
  readonly checksum?: number;
}

/** Writes a header without options for `payloadLength` bytes behind it; returns where those go. */
export function encodeIPv4(header: IPv4Header, payloadLength: number, into: Uint8Array, offset = 0): number {
  const view = new DataView(into.buffer, into.byteOffset + offset, FIXED);
  view.setUint8(0, 0x45);
  view.setUint8(1, ((header.dscp ?? 0) << 2) | (header.ecn ?? 0));
  view.setUint16(2, header.totalLength ?? FIXED + payloadLength);
  view.setUint16(4, header.identification ?? 0);
  const flags = (header.dontFragment === true ? 0x4000 : 0) | (header.moreFragments === true ? 0x2000 : 0);
  view.setUint16(6, flags | ((header.fragmentOffset ?? 0) >> 3));
  view.setUint8(8, header.ttl ?? 64);
  view.setUint8(9, header.protocolNumber);
  view.setUint16(10, 0);
  into.set(parseIPv4(header.source).toBytes(), offset + 12);
  into.set(parseIPv4(header.destination).toBytes(), offset + 16);
  view.setUint16(10, header.checksum ?? checksum(into, offset, offset + FIXED));
  return offset + FIXED;
}
