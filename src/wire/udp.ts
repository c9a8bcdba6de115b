/**
 * UDP (RFC 768, RFC 8200 section 8.1).
 *
 *     source port:2 destination port:2 length, header included:2 checksum, 0 for none:2
 */
import { checksum, pseudoHeaderSum } from './checksum.js';
import type { Next, Packet } from './packet.js';

export interface UdpMessage {
  readonly protocol: 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length: number;
  readonly checksum: number;
  /** Null also where the sender has computed none. */
  readonly checksumValid: boolean | null;
  /** Bytes of payload that the length claims. */
  readonly payloadLength: number;
}

export const UDP_HEADER = 8;
export const UDP_PROTOCOL = 17;

export function decodeUdp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('udp', at, end, UDP_HEADER)) return { table: 'payload', key: 0, at, end };
  const { view, bytes } = packet;
  const length = view.getUint16(at + 4);
  const claimed = length === 0 ? end - at : length;
  if (claimed < UDP_HEADER) packet.fail('udp', at, UDP_HEADER, length, 'length');
  const to = claimed < UDP_HEADER ? end : packet.claim('udp', at, claimed, end, 'length');
  const sum = view.getUint16(at + 6);
  const valid =
    sum === 0 || packet.incomplete || packet.addressLength === 0 || claimed < UDP_HEADER
      ? null
      : checksum(
          bytes,
          at,
          to,
          pseudoHeaderSum(bytes, packet.addresses, packet.destination, packet.addressLength, UDP_PROTOCOL, to - at),
        ) === 0;
  packet.layers.push({
    protocol: 'udp',
    sourcePort: view.getUint16(at),
    destinationPort: view.getUint16(at + 2),
    length,
    checksum: sum,
    checksumValid: valid,
    payloadLength: Math.max(0, claimed - UDP_HEADER),
  });
  return { table: 'payload', key: 0, at: at + UDP_HEADER, end: to };
}

export interface UdpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length?: number;
  readonly checksum?: number;
}

/**
 * Header and payload.
 *
 * @param addresses source and destination, 8 or 32 bytes; without them the checksum is 0, for none
 */
export function encodeUdp(fields: UdpFields, payload: Uint8Array, addresses?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(UDP_HEADER + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, fields.sourcePort);
  view.setUint16(2, fields.destinationPort);
  view.setUint16(4, fields.length ?? bytes.length);
  bytes.set(payload, UDP_HEADER);
  if (fields.checksum !== undefined) view.setUint16(6, fields.checksum);
  else if (addresses !== undefined) {
    const half = addresses.length / 2;
    const sum = pseudoHeaderSum(addresses, 0, half, half, UDP_PROTOCOL, bytes.length);
    // A sum of 0 is sent as all ones, since 0 says that there is none.
    view.setUint16(6, checksum(bytes, 0, bytes.length, sum) || 0xffff);
  }
  return bytes;
}
