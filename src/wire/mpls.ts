/**
 * MPLS label stack entries (RFC 3032, RFC 5462), each a layer.
 *
 *     +---------------------------------------+-----+-+---------------+
 *     |              label (20)               | TC  |S|      TTL      |
 *     +---------------------------------------+-----+-+---------------+
 *
 * Nothing says what is behind the last entry: as others do, it is told by its first four bits, 4 and 6 being IP.
 */
import { EtherType } from './numbers.js';
import { type Next, type Packet, payload } from './packet.js';

export interface MplsMessage {
  readonly protocol: 'mpls';
  /** 0 to 0xfffff. */
  readonly label: number;
  /** 0 to 7. */
  readonly trafficClass: number;
  readonly bottomOfStack: boolean;
  readonly ttl: number;
}

export const MPLS_ENTRY = 4;

export function decodeMpls(packet: Packet, at: number, end: number): Next {
  if (!packet.has('mpls', at, end, MPLS_ENTRY)) return payload(at, end);
  const word = packet.view.getUint32(at);
  const bottomOfStack = (word & 0x100) !== 0;
  packet.layers.push({
    protocol: 'mpls',
    label: word >>> 12,
    trafficClass: (word >>> 9) & 7,
    bottomOfStack,
    ttl: word & 255,
  });
  const from = at + MPLS_ENTRY;
  if (!bottomOfStack) return { table: 'etherType', key: EtherType.mpls, at: from, end };
  const version = from < end ? packet.view.getUint8(from) >> 4 : 0;
  if (version === 4) return { table: 'etherType', key: EtherType.ipv4, at: from, end };
  return version === 6 ? { table: 'etherType', key: EtherType.ipv6, at: from, end } : payload(from, end);
}

/** Writes the entry into `into` at `offset`; returns where the payload goes. */
export function encodeMpls(message: Omit<MplsMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  const { label, trafficClass, bottomOfStack, ttl } = message;
  const word = ((label << 12) | ((trafficClass & 7) << 9) | (bottomOfStack ? 0x100 : 0) | (ttl & 255)) >>> 0;
  new DataView(into.buffer, into.byteOffset + offset, MPLS_ENTRY).setUint32(0, word);
  return offset + MPLS_ENTRY;
}
