/**
 * UDP (RFC 768; over IPv6 RFC 8200 section 8.1).
 *
 *     +-------------------------------+-------------------------------+
 *     |          source port          |       destination port        |
 *     +-------------------------------+-------------------------------+
 *     |   length, header included     |      checksum, 0 for none     |
 *     +-------------------------------+-------------------------------+
 */
import { addressSum, checksum } from './checksum.js';
import { IPProtocol } from './numbers.js';
import { type Next, NOTHING, type Packet, payload, portKey } from './packet.js';

export interface UdpMessage {
  readonly protocol: 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** As the header says, in bytes; 0 in what is too large for it. */
  readonly length: number;
  readonly checksum: number;
  /** Null also where the sender has computed none. */
  readonly checksumValid: boolean | null;
  /** Bytes of payload that the length claims. */
  readonly payloadLength: number;
}

export const UDP_HEADER = 8;
export const UDP_PROTOCOL = IPProtocol.udp;

export function decodeUdp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('udp', at, end, UDP_HEADER)) return payload(at, end);
  const { view } = packet;
  const length = view.getUint16(at + 4);
  // RFC 2675 section 4: 0 in a jumbogram, whose length is that of the IP payload; so do the kernel's large segments.
  const claimed = length === 0 && (packet.addressLength === 16 || end - at > 0xffff) ? end - at : length;
  const sound = claimed >= UDP_HEADER;
  if (!sound) packet.fail('udp', at, UDP_HEADER, length, 'length');
  const to = sound ? packet.claim('udp', at, claimed, end, 'length') : end;
  const field = view.getUint16(at + 6);
  const sourcePort = view.getUint16(at);
  const destinationPort = view.getUint16(at + 2);
  packet.layers.push({
    protocol: 'udp',
    sourcePort,
    destinationPort,
    length,
    checksum: field,
    checksumValid: field === 0 || !sound ? null : packet.judge(UDP_PROTOCOL, at, to, field),
    payloadLength: sound ? claimed - UDP_HEADER : 0,
  });
  packet.carries(at + UDP_HEADER, to);
  if (to <= at + UDP_HEADER) return NOTHING;
  return { table: 'udpPort', key: portKey(sourcePort, destinationPort), at: at + UDP_HEADER, end: to };
}

export interface UdpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Left out, it is that of header and payload; above 65,535 it is written as 0. */
  readonly length?: number;
  /** Left out, it is computed where the addresses are given. */
  readonly checksum?: number;
}

/**
 * Header and payload.
 *
 * @param addresses source and destination, 8 or 32 bytes (pseudoAddresses); without them the checksum is 0, for none
 * @throws RangeError for addresses of another length
 */
export function encodeUdp(fields: UdpFields, data: Uint8Array, addresses?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(UDP_HEADER + data.length);
  writeUdp(fields, data, addresses, bytes);
  return bytes;
}

/** Like {@link encodeUdp}, into `into` at `offset`; returns the end. */
export function writeUdp(
  fields: UdpFields,
  data: Uint8Array,
  addresses: Uint8Array | undefined,
  into: Uint8Array,
  offset = 0,
): number {
  const size = UDP_HEADER + data.length;
  const length = fields.length ?? size;
  const view = new DataView(into.buffer, into.byteOffset + offset, size);
  view.setUint16(0, fields.sourcePort);
  view.setUint16(2, fields.destinationPort);
  view.setUint16(4, length > 0xffff ? 0 : length);
  view.setUint16(6, fields.checksum ?? 0);
  into.set(data, offset + UDP_HEADER);
  if (fields.checksum === undefined && addresses !== undefined) {
    const sum = addressSum(addresses, UDP_PROTOCOL, size);
    // A sum of 0 is sent as all ones, since 0 says that there is none.
    view.setUint16(6, checksum(into, offset, offset + size, sum) || 0xffff);
  }
  return offset + size;
}
