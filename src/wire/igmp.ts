/**
 * IGMP (RFC 1112, RFC 2236, RFC 3376).
 *
 *     type:1 max response time:1 checksum:2 group:4, and in version 3 what the type adds
 */
import { formatIPv4 } from '../sockaddr/ip.js';
import { checksum } from './checksum.js';
import type { Next, Packet } from './packet.js';

export interface IgmpMessage {
  readonly protocol: 'igmp';
  /** 1, 2 or 3 where the message tells. */
  readonly version: number | null;
  readonly igmpType: number;
  /** In tenths of a second as the byte says; RFC 3376 section 4.1.1 packs longer ones. */
  readonly maxResponseTime: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  readonly group: string;
}

const HEADER = 8;
const REPORT_V3 = 0x22;

export function decodeIgmp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('igmp', at, end, HEADER)) return { table: 'payload', key: 0, at, end };
  const { view, bytes } = packet;
  const igmpType = view.getUint8(at);
  packet.layers.push({
    protocol: 'igmp',
    version: versionOf(igmpType, view.getUint8(at + 1), end - at),
    igmpType,
    maxResponseTime: view.getUint8(at + 1),
    checksum: view.getUint16(at + 2),
    checksumValid: packet.incomplete ? null : checksum(bytes, at, end) === 0,
    group: igmpType === REPORT_V3 ? '0.0.0.0' : formatIPv4(bytes, at + 4),
  });
  return { table: 'payload', key: 0, at: at + HEADER, end };
}

/** RFC 3376 section 7.1: queries tell their version by their length. */
function versionOf(type: number, maxResponseTime: number, length: number): number | null {
  if (type === 0x11) return length >= 12 ? 3 : maxResponseTime === 0 ? 1 : 2;
  return { 18: 1, 22: 2, 23: 2, [REPORT_V3]: 3 }[type] ?? null;
}
