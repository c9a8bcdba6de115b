/**
 * GRE (RFC 2784, RFC 2890; the routing of RFC 1701 is not followed) and its version 1 of PPTP (RFC 2637).
 *
 *     C R K S s recur:3 A flags:4 version:3 (16 bits) | protocol (16)
 *     [checksum:2 reserved:2] [key:4] [sequence:4] [acknowledgment:4, version 1]
 */
import { ByteList } from './byte-list.js';
import { checksum } from './checksum.js';
import { Cursor } from './cursor.js';
import { type Next, type Packet, payload } from './packet.js';

export interface GreMessage {
  readonly protocol: 'gre';
  readonly version: number;
  /** An EtherType. */
  readonly protocolType: number;
  readonly checksum?: number;
  readonly checksumValid?: boolean | null;
  /** Version 1: payload length and call id. */
  readonly key?: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
}

const CHECKSUM = 0x8000;
const ROUTING = 0x4000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;
const ACKNOWLEDGMENT = 0x0080;
/** Transparent Ethernet bridging, and PPP, which have tables of their own. */
const BRIDGED = 0x6558;
const PPP = 0x880b;

export function decodeGre(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'gre', at, end);
  if (!cursor.has(4)) return payload(at, end);
  const flags = cursor.u16();
  const version = flags & 7;
  const protocolType = cursor.u16();
  const words = bits(flags & (CHECKSUM | KEY | SEQUENCE)) + (version === 1 && (flags & ACKNOWLEDGMENT) !== 0 ? 1 : 0);
  const message: { -readonly [Key in keyof GreMessage]: GreMessage[Key] } = { protocol: 'gre', version, protocolType };
  packet.layers.push(message);
  // What a source route is followed by can't be told without it.
  if ((flags & ROUTING) !== 0 || version > 1 || !cursor.has(4 * words)) return payload(cursor.at, end);
  if ((flags & CHECKSUM) !== 0) {
    message.checksum = cursor.u16();
    message.checksumValid = packet.incomplete ? null : checksum(packet.bytes, at, end) === 0;
    cursor.at += 2;
  }
  if ((flags & KEY) !== 0) message.key = cursor.u32();
  if ((flags & SEQUENCE) !== 0) message.sequence = cursor.u32();
  if (version === 1 && (flags & ACKNOWLEDGMENT) !== 0) message.acknowledgment = cursor.u32();
  if (protocolType === BRIDGED) return { table: 'linkType', key: 1, at: cursor.at, end };
  if (protocolType === PPP) return { table: 'linkType', key: 9, at: cursor.at, end };
  return { table: 'etherType', key: protocolType, at: cursor.at, end };
}

function bits(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/**
 * Header and payload; a checksum that is given is written as it is, `0` among them.
 *
 * @param withChecksum computes one
 */
export function encodeGre(
  message: Omit<GreMessage, 'protocol' | 'checksumValid'>,
  data: Uint8Array,
  withChecksum = false,
): Uint8Array {
  const { checksum: given, key, sequence, acknowledgment, version } = message;
  const summed = given !== undefined || withChecksum;
  const flags =
    (summed ? CHECKSUM : 0) |
    (key === undefined ? 0 : KEY) |
    (sequence === undefined ? 0 : SEQUENCE) |
    (acknowledgment === undefined ? 0 : ACKNOWLEDGMENT);
  const bytes = new ByteList().u16(flags | (version & 7)).u16(message.protocolType);
  if (summed) bytes.u16(given ?? 0).u16(0);
  for (const word of [key, sequence, acknowledgment]) if (word !== undefined) bytes.u32(word);
  const whole = bytes.bytes(data).toBytes();
  if (summed && given === undefined) {
    const sum = checksum(whole, 0, whole.length);
    whole[4] = sum >> 8;
    whole[5] = sum & 255;
  }
  return whole;
}
