/**
 * TCP (RFC 9293 section 3.1, RFC 3168 for ECE and CWR).
 *
 *     +-------------------------------+-------------------------------+
 *     |          source port          |       destination port        |
 *     +-------------------------------+-------------------------------+
 *     |                        sequence number                        |
 *     |                    acknowledgment number                      |
 *     +-------+-------+---------------+-------------------------------+
 *     | offset|  res  |     flags     |            window             |
 *     +-------+-------+---------------+-------------------------------+
 *     |           checksum            |        urgent pointer         |
 *     +-------------------------------+-------------------------------+
 *     |                    options, 0 to 40 bytes                     |
 *     +---------------------------------------------------------------+
 */
import { checksum, pseudoHeaderSum } from './checksum.js';
import type { Next, Packet } from './packet.js';
import { decodeTcpOptions, encodeTcpOptions, type TcpOption } from './tcp-options.js';

/** In the order of their bits, the lowest first; AE by RFC 9768. */
export const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'] as const;
export type TcpFlag = (typeof TCP_FLAGS)[number];

export interface TcpMessage {
  readonly protocol: 'tcp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: readonly TcpFlag[];
  /** As it stands in the header, unscaled. */
  readonly window: number;
  readonly headerLength: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  readonly urgent: number;
  readonly options: readonly TcpOption[];
  readonly payloadLength: number;
}

const FIXED = 20;
export const TCP_PROTOCOL = 6;

export function decodeTcp(packet: Packet, at: number, end: number): Next {
  const rest: Next = { table: 'payload', key: 0, at, end };
  if (!packet.has('tcp', at, end, FIXED)) return rest;
  const { view, bytes } = packet;
  const headerLength = (view.getUint8(at + 12) >> 4) * 4;
  const headerEnd = at + Math.max(headerLength, FIXED);
  if (headerLength < FIXED) packet.fail('tcp', at, FIXED, headerLength, 'headerLength');
  else if (headerEnd > end) packet.fail('tcp', at, headerLength, end - at, 'headerLength');
  const optionsEnd = Math.min(headerEnd, end);
  const { options, fault } = decodeTcpOptions(bytes, view, at + FIXED, optionsEnd);
  if (fault !== undefined) packet.fail('tcp', fault.at, fault.need, optionsEnd - fault.at, 'option length');
  const bits = view.getUint16(at + 12) & 0x1ff;
  packet.layers.push({
    protocol: 'tcp',
    sourcePort: view.getUint16(at),
    destinationPort: view.getUint16(at + 2),
    sequence: view.getUint32(at + 4),
    acknowledgment: view.getUint32(at + 8),
    flags: TCP_FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0),
    window: view.getUint16(at + 14),
    headerLength,
    checksum: view.getUint16(at + 16),
    checksumValid: verify(packet, at, end),
    urgent: view.getUint16(at + 18),
    options,
    payloadLength: Math.max(0, end - headerEnd),
  });
  return { table: 'payload', key: 0, at: optionsEnd, end };
}

function verify(packet: Packet, at: number, end: number): boolean | null {
  if (packet.incomplete || packet.addressLength === 0) return null;
  const { bytes, addresses, destination, addressLength } = packet;
  return (
    checksum(bytes, at, end, pseudoHeaderSum(bytes, addresses, destination, addressLength, TCP_PROTOCOL, end - at)) ===
    0
  );
}

export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly flags?: readonly TcpFlag[];
  readonly window?: number;
  readonly urgent?: number;
  readonly options?: readonly TcpOption[];
  readonly checksum?: number;
}

/**
 * Header, options and payload.
 *
 * @param addresses source and destination, 8 or 32 bytes, for the checksum; without them it is 0
 */
export function encodeTcp(fields: TcpFields, payload: Uint8Array, addresses?: Uint8Array): Uint8Array {
  const options = encodeTcpOptions(fields.options ?? []);
  const headerLength = FIXED + options.length;
  if (headerLength > 60) throw new RangeError(`TCP options take ${options.length} bytes, at most 40 fit`);
  const bytes = new Uint8Array(headerLength + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, fields.sourcePort);
  view.setUint16(2, fields.destinationPort);
  view.setUint32(4, fields.sequence ?? 0);
  view.setUint32(8, fields.acknowledgment ?? 0);
  const bits = (fields.flags ?? []).reduce((sum, flag) => sum | (1 << TCP_FLAGS.indexOf(flag)), 0);
  view.setUint16(12, ((headerLength / 4) << 12) | bits);
  view.setUint16(14, fields.window ?? 65_535);
  view.setUint16(18, fields.urgent ?? 0);
  bytes.set(options, FIXED);
  bytes.set(payload, headerLength);
  if (fields.checksum !== undefined) view.setUint16(16, fields.checksum);
  else if (addresses !== undefined) {
    const half = addresses.length / 2;
    view.setUint16(
      16,
      checksum(bytes, 0, bytes.length, pseudoHeaderSum(addresses, 0, half, half, TCP_PROTOCOL, bytes.length)),
    );
  }
  return bytes;
}
