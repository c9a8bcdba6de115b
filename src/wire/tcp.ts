/**
 * TCP (RFC 9293 section 3.1, RFC 3168 for ECE and CWR); its options are in tcp-options.ts.
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
import { addressSum, checksum } from './checksum.js';
import { IPProtocol } from './numbers.js';
import { type Next, NOTHING, type Packet, payload, portKey } from './packet.js';
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
  /** In the order of {@link TCP_FLAGS}. */
  readonly flags: readonly TcpFlag[];
  /** As it stands in the header, unscaled. */
  readonly window: number;
  /** In bytes, options included. */
  readonly headerLength: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  /** The urgent pointer, whether or not URG is set. */
  readonly urgent: number;
  readonly options: readonly TcpOption[];
  /** Bytes as sent, by the length of the IP header; the capture may hold fewer. */
  readonly payloadLength: number;
}

/** The first eight bytes of a header whose rest is not there: what RFC 792 has ICMP errors quote. */
export interface TcpPartialMessage {
  readonly protocol: 'tcp-partial';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
}

export const TCP_HEADER = 20;
export const TCP_PROTOCOL = IPProtocol.tcp;
const QUOTED = 8;

/** Nine bits of flags as a list, each list made once. */
export const TCP_FLAG_LISTS: readonly (readonly TcpFlag[])[] = Array.from(
  { length: 1 << TCP_FLAGS.length },
  (_, bits) => Object.freeze(TCP_FLAGS.filter((_flag, bit) => (bits & (1 << bit)) !== 0)),
);

export function decodeTcp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('tcp', at, end, TCP_HEADER)) return decodePartial(packet, at, end);
  const { view } = packet;
  const word = view.getUint16(at + 12);
  const headerLength = (word >> 12) * 4;
  const headerEnd = at + Math.max(headerLength, TCP_HEADER);
  if (headerLength < TCP_HEADER) packet.fail('tcp', at, TCP_HEADER, headerLength, 'headerLength');
  else packet.has('tcp', at, end, headerLength, 'headerLength');
  const optionsEnd = Math.min(headerEnd, end);
  const field = view.getUint16(at + 16);
  const sourcePort = view.getUint16(at);
  const destinationPort = view.getUint16(at + 2);
  packet.layers.push({
    protocol: 'tcp',
    sourcePort,
    destinationPort,
    sequence: view.getUint32(at + 4),
    acknowledgment: view.getUint32(at + 8),
    flags: TCP_FLAG_LISTS[word & 0x1ff] as readonly TcpFlag[],
    window: view.getUint16(at + 14),
    headerLength,
    checksum: field,
    checksumValid: packet.judge(TCP_PROTOCOL, at, end, field),
    urgent: view.getUint16(at + 18),
    options: decodeTcpOptions(packet, at + TCP_HEADER, optionsEnd),
    payloadLength: Math.max(0, packet.wireEnd - headerEnd),
  });
  packet.carries(optionsEnd, end);
  if (optionsEnd >= end) return NOTHING;
  // A message may go on in the next segment: whatever it claims is no fault of this one.
  packet.enterPiece();
  return { table: 'tcpPort', key: portKey(sourcePort, destinationPort), at: optionsEnd, end };
}

function decodePartial(packet: Packet, at: number, end: number): Next {
  if (end - at < QUOTED || !packet.incomplete) return payload(at, end);
  const { view } = packet;
  packet.layers.push({
    protocol: 'tcp-partial',
    sourcePort: view.getUint16(at),
    destinationPort: view.getUint16(at + 2),
    sequence: view.getUint32(at + 4),
  });
  return payload(at + QUOTED, end);
}

export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly flags?: readonly TcpFlag[];
  /** Default 65,535. */
  readonly window?: number;
  readonly urgent?: number;
  readonly options?: readonly TcpOption[];
  /** In bytes; left out, it is that of the header with its options. */
  readonly headerLength?: number;
  /** Left out, it is computed where the addresses are given. */
  readonly checksum?: number;
}

/**
 * Header, options (filled up with zeros to four bytes) and payload.
 *
 * @param addresses source and destination, 8 or 32 bytes (pseudoAddresses), for the checksum; without them it is 0
 * @throws RangeError for more than 40 bytes of options, or addresses of another length
 */
export function encodeTcp(fields: TcpFields, data: Uint8Array, addresses?: Uint8Array): Uint8Array {
  const options = encodeTcpOptions(fields.options ?? []);
  const bytes = new Uint8Array(TCP_HEADER + options.length + data.length);
  writeSegment(fields, options, data, addresses, bytes, 0);
  return bytes;
}

/** Like {@link encodeTcp}, into `into` at `offset`; returns the end. */
export function writeTcp(
  fields: TcpFields,
  data: Uint8Array,
  addresses: Uint8Array | undefined,
  into: Uint8Array,
  offset = 0,
): number {
  return writeSegment(fields, encodeTcpOptions(fields.options ?? []), data, addresses, into, offset);
}

function writeSegment(
  fields: TcpFields,
  options: Uint8Array,
  data: Uint8Array,
  addresses: Uint8Array | undefined,
  into: Uint8Array,
  offset: number,
): number {
  const headerLength = TCP_HEADER + options.length;
  if (headerLength > 60) throw new RangeError(`TCP options take ${options.length} bytes, at most 40 fit`);
  const end = offset + headerLength + data.length;
  const view = new DataView(into.buffer, into.byteOffset + offset, headerLength + data.length);
  view.setUint16(0, fields.sourcePort);
  view.setUint16(2, fields.destinationPort);
  view.setUint32(4, fields.sequence ?? 0);
  view.setUint32(8, fields.acknowledgment ?? 0);
  let bits = 0;
  for (const flag of fields.flags ?? []) bits |= 1 << TCP_FLAGS.indexOf(flag);
  view.setUint16(12, (((fields.headerLength ?? headerLength) >> 2) << 12) | bits);
  view.setUint16(14, fields.window ?? 0xffff);
  view.setUint16(16, fields.checksum ?? 0);
  view.setUint16(18, fields.urgent ?? 0);
  into.set(options, offset + TCP_HEADER);
  into.set(data, offset + headerLength);
  if (fields.checksum === undefined && addresses !== undefined) {
    view.setUint16(16, checksum(into, offset, end, addressSum(addresses, TCP_PROTOCOL, end - offset)));
  }
  return end;
}
