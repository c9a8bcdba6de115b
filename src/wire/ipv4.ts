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
import { parseIPv4 } from '../sockaddr/ip.js';
import { formatIPv4 } from '../sockaddr/ip-text.js';
import { checksum } from './checksum.js';
import { decodeIPv4Options, encodeIPv4Options, type IPv4Option } from './ipv4-options.js';
import { type Next, type Packet, payload } from './packet.js';

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
  /** 0 to 63. */
  readonly dscp: number;
  /** 0 to 3. */
  readonly ecn: number;
  /** In bytes, options included. */
  readonly headerLength: number;
  /** As the header says; 0 where segmentation was left to hardware and the packet is larger than it can say. */
  readonly totalLength: number;
  readonly checksum: number;
  /** Null where the field is 0 and wrong: the sum was left to hardware. */
  readonly checksumValid: boolean | null;
  /** Absent where there are none. */
  readonly options?: readonly IPv4Option[];
}

export const IPV4_HEADER = 20;

export function decodeIPv4(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ipv4', at, end, 1)) return payload(at, end);
  const { view, bytes } = packet;
  const version = view.getUint8(at) >> 4;
  if (version !== 4) {
    packet.fail('ipv4', at, 4, version, 'version');
    return payload(at, end);
  }
  if (!packet.has('ipv4', at, end, IPV4_HEADER)) return payload(at, end);
  const headerLength = (view.getUint8(at) & 15) * 4;
  if (headerLength < IPV4_HEADER) {
    packet.fail('ipv4', at, IPV4_HEADER, headerLength, 'headerLength');
    return payload(at, end);
  }
  if (!packet.has('ipv4', at, end, headerLength, 'headerLength')) return payload(at, end);
  const totalLength = view.getUint16(at + 2);
  const flags = view.getUint16(at + 6);
  const fragmentOffset = (flags & 0x1fff) * 8;
  const moreFragments = (flags & 0x2000) !== 0;
  const protocolNumber = view.getUint8(at + 9);
  const field = view.getUint16(at + 10);
  const valid = checksum(bytes, at, at + headerLength) === 0;
  const message: IPv4Message = {
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
    checksum: field,
    checksumValid: valid || field !== 0 ? valid : null,
  };
  packet.layers.push(
    headerLength === IPV4_HEADER
      ? message
      : { ...message, options: decodeIPv4Options(packet, at + IPV4_HEADER, at + headerLength) },
  );
  packet.networks++;
  packet.source = at + 12;
  packet.addressLength = 4;
  packet.destination = finalDestination(bytes, at, headerLength);
  packet.jumboFrom = -1;
  const from = at + headerLength;
  // A claim below the header is nonsense, except for 0: the hardware was to cut the packet up.
  if (totalLength !== 0 && totalLength < headerLength) {
    packet.fail('ipv4', at, headerLength, totalLength, 'totalLength');
    return payload(from, end);
  }
  const to = totalLength === 0 ? end : packet.claim('ipv4', at, totalLength, end, 'totalLength');
  if (moreFragments || fragmentOffset > 0) packet.enterPiece();
  return fragmentOffset > 0 ? payload(from, to) : { table: 'ipProtocol', key: protocolNumber, at: from, end: to };
}

/** While a source route (RFC 791 section 3.1) has hops left, the pseudo header takes its last (RFC 9293 section 3.1). */
function finalDestination(bytes: Uint8Array, at: number, headerLength: number): number {
  const end = at + headerLength;
  for (let option = at + IPV4_HEADER; option < end; ) {
    const type = bytes[option] as number;
    if (type === 0) break;
    if (type === 1) {
      option++;
      continue;
    }
    const length = option + 1 < end ? (bytes[option + 1] as number) : 0;
    if (length < 2 || option + length > end) break;
    const sourceRoute = type === 131 || type === 137;
    if (sourceRoute && length >= 7 && (bytes[option + 2] as number) <= length - 3) return option + length - 4;
    option += length;
  }
  return at + 16;
}

export interface IPv4Header {
  readonly source: string;
  readonly destination: string;
  /** Default 64. */
  readonly ttl?: number;
  readonly protocolNumber: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  readonly dscp?: number;
  readonly ecn?: number;
  /** Default 4; no decoder here reads on behind another. */
  readonly version?: number;
  /** In bytes; left out, it is that of the header with its options. */
  readonly headerLength?: number;
  /** Header and payload; left out, it is `payloadLength` and the header. Above 65,535 it is written as 0. */
  readonly totalLength?: number;
  /** Left out, it is computed. */
  readonly checksum?: number;
  /** Zeros fill them up to a multiple of four bytes. */
  readonly options?: readonly IPv4Option[];
}

/**
 * Writes the header with its options for `payloadLength` bytes behind it; returns where those go.
 *
 * @throws AddressError for an address in another form, UsageError for data of options that is no hex, RangeError for
 *   more than 40 bytes of them
 */
export function encodeIPv4(header: IPv4Header, payloadLength: number, into: Uint8Array, offset = 0): number {
  const options = encodeIPv4Options(header.options ?? []);
  const length = IPV4_HEADER + options.length;
  if (length > 60) throw new RangeError(`IPv4 options take ${options.length} bytes, at most 40 fit`);
  const total = header.totalLength ?? length + payloadLength;
  const view = new DataView(into.buffer, into.byteOffset + offset, length);
  view.setUint8(0, ((header.version ?? 4) << 4) | (((header.headerLength ?? length) >> 2) & 15));
  view.setUint8(1, ((header.dscp ?? 0) << 2) | ((header.ecn ?? 0) & 3));
  view.setUint16(2, total > 0xffff ? 0 : total);
  view.setUint16(4, header.identification ?? 0);
  const flags = (header.dontFragment === true ? 0x4000 : 0) | (header.moreFragments === true ? 0x2000 : 0);
  view.setUint16(6, flags | (((header.fragmentOffset ?? 0) >> 3) & 0x1fff));
  view.setUint8(8, header.ttl ?? 64);
  view.setUint8(9, header.protocolNumber);
  view.setUint16(10, 0);
  into.set(parseIPv4(header.source).toBytes(), offset + 12);
  into.set(parseIPv4(header.destination).toBytes(), offset + 16);
  into.set(options, offset + IPV4_HEADER);
  view.setUint16(10, header.checksum ?? checksum(into, offset, offset + length));
  return offset + length;
}
