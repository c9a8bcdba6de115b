/**
 * Ethernet II and IEEE 802.3.
 *
 *     +-------------------+-------------------+-----------+----------
 *     | destination (48)  |    source (48)    | type (16) | payload …
 *     +-------------------+-------------------+-----------+----------
 *
 * A type below 1536 is the length of an 802.3 frame (IEEE 802.3 section 3.2.6), which goes on with LLC.
 */
import { type Next, type Packet, payload } from './packet.js';
import { formatHardware, hardwareBytes } from './text.js';

export interface EthernetMessage {
  readonly protocol: 'ethernet';
  readonly source: string;
  readonly destination: string;
  /** The EtherType; below 1536 the length of an 802.3 frame, in bytes. */
  readonly etherType: number;
}

export const ETHERNET_HEADER = 14;

/** The lowest EtherType. */
const FIRST_TYPE = 0x600;

export function decodeEthernet(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ethernet', at, end, ETHERNET_HEADER)) return payload(at, end);
  const etherType = packet.view.getUint16(at + 12);
  const { bytes } = packet;
  packet.layers.push({
    protocol: 'ethernet',
    source: formatHardware(bytes, at + 6),
    destination: formatHardware(bytes, at),
    etherType,
  });
  return frameNext('ethernet', packet, etherType, at + ETHERNET_HEADER, end);
}

/** What follows a type-or-length field. Bytes beyond a length are padding. */
export function frameNext(layer: string, packet: Packet, etherType: number, at: number, end: number): Next {
  if (etherType >= FIRST_TYPE) return { table: 'etherType', key: etherType, at, end };
  return { table: 'llc', key: 0, at, end: packet.claim(layer, at, etherType, end, 'etherType') };
}

/**
 * Writes the header into `into` at `offset`; returns where the payload goes.
 *
 * @throws UsageError for what is no hardware address of six bytes
 */
export function encodeEthernet(message: Omit<EthernetMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  into.set(hardwareBytes(message.destination, 6), offset);
  into.set(hardwareBytes(message.source, 6), offset + 6);
  into[offset + 12] = message.etherType >> 8;
  into[offset + 13] = message.etherType & 255;
  return offset + ETHERNET_HEADER;
}
