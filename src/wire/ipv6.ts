/**
 * IPv6 (RFC 8200); its extension headers are in ipv6-extension.ts.
 *
 *     +-------+---------------+---------------------------------------+
 *     |version| traffic class |              flow label               |
 *     +-------+---------------+-------+---------------+---------------+
 *     |        payload length         |  next header  |   hop limit   |
 *     +-------------------------------+---------------+---------------+
 *     |                  source address, 16 bytes                     |
 *     |               destination address, 16 bytes                   |
 *     +---------------------------------------------------------------+
 */
import { parseIPv6 } from '../sockaddr/ip.js';
import { formatIPv6 } from '../sockaddr/ip-text.js';
import { IPProtocol } from './numbers.js';
import { type Next, NOTHING, type Packet, payload } from './packet.js';

export interface IPv6Message {
  readonly protocol: 'ipv6';
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  readonly nextHeader: number;
  /** 0 to 0xfffff. */
  readonly flowLabel: number;
  readonly trafficClass: number;
  /** As the header says; 0 in a jumbogram (RFC 2675) and where segmentation was left to hardware. */
  readonly payloadLength: number;
}

export const IPV6_HEADER = 40;

export function decodeIPv6(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ipv6', at, end, 1)) return payload(at, end);
  const { view, bytes } = packet;
  const version = view.getUint8(at) >> 4;
  if (version !== 6) {
    packet.fail('ipv6', at, 6, version, 'version');
    return payload(at, end);
  }
  if (!packet.has('ipv6', at, end, IPV6_HEADER)) return payload(at, end);
  const first = view.getUint32(at);
  const payloadLength = view.getUint16(at + 4);
  const nextHeader = view.getUint8(at + 6);
  packet.layers.push({
    protocol: 'ipv6',
    source: formatIPv6(bytes, at + 8),
    destination: formatIPv6(bytes, at + 24),
    hopLimit: view.getUint8(at + 7),
    nextHeader,
    flowLabel: first & 0xfffff,
    trafficClass: (first >>> 20) & 0xff,
    payloadLength,
  });
  packet.networks++;
  packet.source = at + 8;
  packet.addressLength = 16;
  packet.destination = at + 24;
  const from = at + IPV6_HEADER;
  if (payloadLength === 0) {
    // Without a length the packet reaches as far as the capture: a jumbogram, one of GSO, or nothing but padding.
    packet.jumboFrom = from;
    return nextHeader === IPProtocol.noNextHeader ? NOTHING : { table: 'ipProtocol', key: nextHeader, at: from, end };
  }
  packet.jumboFrom = -1;
  const to = packet.claim('ipv6', from, payloadLength, end, 'payloadLength');
  return { table: 'ipProtocol', key: nextHeader, at: from, end: to };
}

export interface IPv6Header {
  /** Default 6; no decoder here reads on behind another. */
  readonly version?: number;
  readonly source: string;
  readonly destination: string;
  /** Default 64. */
  readonly hopLimit?: number;
  readonly nextHeader: number;
  readonly flowLabel?: number;
  readonly trafficClass?: number;
  /** Left out, it is the length given; above 65,535 it is written as 0 (RFC 2675). */
  readonly payloadLength?: number;
}

/**
 * Writes the header for `payloadLength` bytes behind it, extension headers counted; returns where those go.
 *
 * @throws AddressError for an address in another form
 */
export function encodeIPv6(header: IPv6Header, payloadLength: number, into: Uint8Array, offset = 0): number {
  const length = header.payloadLength ?? payloadLength;
  const view = new DataView(into.buffer, into.byteOffset + offset, IPV6_HEADER);
  view.setUint32(
    0,
    (((header.version ?? 6) << 28) |
      (((header.trafficClass ?? 0) & 255) << 20) |
      ((header.flowLabel ?? 0) & 0xfffff)) >>>
      0,
  );
  view.setUint16(4, length > 0xffff ? 0 : length);
  view.setUint8(6, header.nextHeader);
  view.setUint8(7, header.hopLimit ?? 64);
  into.set(parseIPv6(header.source).toBytes(), offset + 8);
  into.set(parseIPv6(header.destination).toBytes(), offset + 24);
  return offset + IPV6_HEADER;
}
