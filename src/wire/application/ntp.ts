/**
 * NTP (version 4: RFC 5905 section 7.3; versions 1 to 3 have the same header; control and private modes are hex).
 *
 *     leap:2 version:3 mode:3 (8 bits) stratum:1 poll:1 precision:1
 *     root delay:4 root dispersion:4 reference id:4 reference, originate, receive, transmit timestamps: 8 each
 */
import { formatIPv4 } from '../../sockaddr/ip-text.js';
import { ByteList } from '../byte-list.js';
import { Cursor } from '../cursor.js';
import { type Next, type Packet, payload } from '../packet.js';

export interface NtpMessage {
  readonly protocol: 'ntp';
  /** 3 is: not synchronised. */
  readonly leap: number;
  readonly version: number;
  /** 1 and 2 symmetric, 3 client, 4 server, 5 broadcast, 6 control, 7 private. */
  readonly mode: number;
  readonly stratum?: number;
  /** Binary logarithms of seconds. */
  readonly poll?: number;
  readonly precision?: number;
  /** In seconds; the wire has 2^16ths. */
  readonly rootDelay?: number;
  readonly rootDispersion?: number;
  /** Of stratum 0 and 1 four characters, otherwise as an IPv4 address. */
  readonly referenceId?: string;
  /** As the wire has them: 32 bits of seconds since 1900, then 32 of their fraction, in hex. */
  readonly referenceTime?: string;
  readonly originateTime?: string;
  readonly receiveTime?: string;
  readonly transmitTime?: string;
}

export const NTP_HEADER = 48;

export function decodeNtp(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'ntp', at, end);
  if (!cursor.has(1)) return payload(at, end);
  const first = cursor.u8();
  const head = { protocol: 'ntp' as const, leap: first >> 6, version: (first >> 3) & 7, mode: first & 7 };
  const usual = head.mode >= 1 && head.mode <= 5;
  if (!usual || !new Cursor(packet, 'ntp', at, end).has(NTP_HEADER)) {
    packet.layers.push(head);
    return payload(cursor.at, end);
  }
  const stratum = cursor.u8();
  const { view } = packet;
  const logarithms = { poll: view.getInt8(at + 2), precision: view.getInt8(at + 3) };
  cursor.at += 2;
  packet.layers.push({
    ...head,
    stratum,
    ...logarithms,
    rootDelay: cursor.i32() / 0x1_0000,
    rootDispersion: cursor.u32() / 0x1_0000,
    referenceId: stratum < 2 ? cursor.text(4) : readReference(cursor),
    referenceTime: cursor.hex(8),
    originateTime: cursor.hex(8),
    receiveTime: cursor.hex(8),
    transmitTime: cursor.hex(8),
  });
  return payload(cursor.at, end);
}

function readReference(cursor: Cursor): string {
  cursor.at += 4;
  return formatIPv4(cursor.packet.bytes, cursor.at - 4);
}

/** @throws AddressError, UsageError for text of another form */
export function encodeNtp(message: Omit<NtpMessage, 'protocol'>): Uint8Array {
  const bytes = new ByteList().u8((message.leap << 6) | ((message.version & 7) << 3) | (message.mode & 7));
  if (message.stratum === undefined) return bytes.toBytes();
  bytes
    .u8(message.stratum)
    .u8(message.poll ?? 0)
    .u8(message.precision ?? 0);
  bytes.u32(Math.round((message.rootDelay ?? 0) * 0x1_0000)).u32(Math.round((message.rootDispersion ?? 0) * 0x1_0000));
  const reference = message.referenceId ?? '';
  const id = message.stratum < 2 ? new ByteList().text(reference) : new ByteList().ipv4(reference);
  bytes.bytes(id.toBytes().subarray(0, 4)).zeros(Math.max(0, 4 - id.length));
  for (const time of [message.referenceTime, message.originateTime, message.receiveTime, message.transmitTime]) {
    bytes.hex(time ?? '0'.repeat(16));
  }
  return bytes.toBytes();
}
