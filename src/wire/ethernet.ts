/**
 * Ethernet II and IEEE 802.3.
 *
 *     +-------------------+-------------------+-----------+----------
 *     | destination (48)  |    source (48)    | type (16) | payload …
 *     +-------------------+-------------------+-----------+----------
 *
 * A type below 1536 is the length of an 802.3 frame (IEEE 802.3 section 3.2.6).
 */
import { formatHardware, hardwareBytes, type Next, type Packet } from './packet.js';

export interface EthernetMessage {
  readonly protocol: 'ethernet';
  readonly source: string;
  readonly destination: string;
  /** The EtherType; for an 802.3 frame its length. */
  readonly etherType: number;
}

export const ETHERNET_HEADER = 14;

export function decodeEthernet(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ethernet', at, end, ETHERNET_HEADER)) return { table: 'payload', key: 0, at, end };
  const etherType = packet.view.getUint16(at + 12);
  const { bytes } = packet;
  packet.layers.push({
    protocol: 'ethernet',
    source: formatHardware(bytes, at + 6),
    destination: formatHardware(bytes, at),
    etherType,
  });
  return frameNext(etherType, at + ETHERNET_HEADER, end);
}

/** What follows a type-or-length field. */
export function frameNext(etherType: number, at: number, end: number): Next {
  if (etherType >= 0x600) return { table: 'etherType', key: etherType, at, end };
  return { table: 'payload', key: 0, at, end: Math.min(end, at + etherType) };
}

/** Writes the header into `into` at `offset`; returns where the payload goes. */
export function encodeEthernet(message: Omit<EthernetMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  into.set(hardwareBytes(message.destination), offset);
  into.set(hardwareBytes(message.source), offset + 6);
  into[offset + 12] = message.etherType >> 8;
  into[offset + 13] = message.etherType & 255;
  return offset + ETHERNET_HEADER;
}
