/**
 * The long header of QUIC (RFC 8999, version 1: RFC 9000 section 17.2, version 2: RFC 9369), which is not encrypted but
 * for the packet number. Packets in one datagram are layers one after the other; short headers are payload.
 *
 *     form:1 fixed:1 type:2 type-specific:4 (8 bits) version:4 destination id (length:1 …) source id (length:1 …)
 *     initial: token (length …) length …   0-RTT, handshake: length …   retry: token, tag:16
 */
import { ByteList } from '../byte-list.js';
import { Cursor } from '../cursor.js';
import { type Next, NOTHING, type Packet, payload } from '../packet.js';

export interface QuicMessage {
  readonly protocol: 'quic';
  readonly packetType: 'initial' | '0-rtt' | 'handshake' | 'retry' | 'version-negotiation' | 'unknown';
  /** The first byte, whose lowest four bits are protected. */
  readonly firstByte: number;
  /** 0 where versions are negotiated. */
  readonly version: number;
  /** In hex. */
  readonly destinationConnectionId: string;
  readonly sourceConnectionId: string;
  /** Initial and retry, in hex. */
  readonly token?: string;
  /** Of packet number and payload, which are encrypted. */
  readonly length?: number;
  /** Version negotiation. */
  readonly supportedVersions?: readonly number[];
  /** Retry, in hex. */
  readonly integrityTag?: string;
}

const TYPES_V1 = ['initial', '0-rtt', 'handshake', 'retry'] as const;
const TYPES_V2 = ['retry', 'initial', '0-rtt', 'handshake'] as const;
const VERSION_2 = 0x6b33_43cf;
/** Connection ids of versions 1 and 2; RFC 8999 allows 255. */
const MAX_ID = 20;
const TAG = 16;

export function decodeQuic(packet: Packet, at: number, end: number, key: number): Next {
  const cursor = new Cursor(packet, 'quic', at, end);
  if (cursor.left < 7 || cursor.peek8() < 0x80) return payload(at, end);
  const firstByte = cursor.u8();
  const version = cursor.u32();
  const ids = readIds(cursor);
  const kind = typeOf(version, firstByte);
  // Anything may be on this port: what no version of QUIC has said is left alone.
  if (ids === undefined || (version !== 0 && (kind === 'unknown' || (firstByte & 0x40) === 0))) return payload(at, end);
  const head = { protocol: 'quic' as const, packetType: kind, firstByte, version, ...ids };
  if (kind === 'version-negotiation') {
    const supportedVersions = Array.from({ length: cursor.left >> 2 }, () => cursor.u32());
    packet.layers.push({ ...head, supportedVersions });
    return payload(cursor.at, end);
  }
  if (kind === 'retry') {
    if (!cursor.has(TAG)) return payload(at, end);
    packet.layers.push({ ...head, token: cursor.hex(cursor.left - TAG), integrityTag: cursor.hex(TAG) });
    return NOTHING;
  }
  const token = kind === 'initial' ? readToken(cursor) : {};
  const length = token === undefined ? undefined : readVariable(cursor);
  if (token === undefined || length === undefined) {
    packet.layers.push(head);
    return payload(cursor.at, end);
  }
  packet.layers.push({ ...head, ...token, length });
  cursor.part(length, 'length');
  return cursor.at < end ? { table: 'udpPort', key, at: cursor.at, end } : NOTHING;
}

function typeOf(version: number, firstByte: number): QuicMessage['packetType'] {
  if (version === 0) return 'version-negotiation';
  const bits = (firstByte >> 4) & 3;
  if (version === 1 || version >>> 8 === 0xff_0000) return TYPES_V1[bits] ?? 'unknown';
  return version === VERSION_2 ? (TYPES_V2[bits] ?? 'unknown') : 'unknown';
}

function readIds(cursor: Cursor): Pick<QuicMessage, 'destinationConnectionId' | 'sourceConnectionId'> | undefined {
  const destinationLength = cursor.u8();
  if (destinationLength > MAX_ID || cursor.left < destinationLength + 1) return undefined;
  const destinationConnectionId = cursor.hex(destinationLength);
  const sourceLength = cursor.u8();
  if (sourceLength > MAX_ID || cursor.left < sourceLength) return undefined;
  return { destinationConnectionId, sourceConnectionId: cursor.hex(sourceLength) };
}

function readToken(cursor: Cursor): { token: string } | undefined {
  const length = readVariable(cursor);
  return length === undefined || !cursor.has(length, 'token length') ? undefined : { token: cursor.hex(length) };
}

/** RFC 9000 section 16: the upper two bits of the first byte say how many bytes there are. */
function readVariable(cursor: Cursor): number | undefined {
  if (!cursor.has(1)) return undefined;
  const size = 1 << (cursor.peek8() >> 6);
  if (!cursor.has(size)) return undefined;
  if (size === 1) return cursor.u8() & 0x3f;
  if (size === 2) return cursor.u16() & 0x3fff;
  if (size === 4) return cursor.u32() & 0x3fff_ffff;
  return (cursor.u32() & 0x3fff_ffff) * 0x1_0000_0000 + cursor.u32();
}

/** The header, with `data` (packet number and payload, encrypted) behind it. */
export function encodeQuic(message: Omit<QuicMessage, 'protocol'>, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const { destinationConnectionId, sourceConnectionId, token, length, supportedVersions, integrityTag } = message;
  const bytes = new ByteList().u8(message.firstByte).u32(message.version);
  bytes.u8(destinationConnectionId.length / 2).hex(destinationConnectionId);
  bytes.u8(sourceConnectionId.length / 2).hex(sourceConnectionId);
  for (const version of supportedVersions ?? []) bytes.u32(version);
  if (token !== undefined && integrityTag === undefined) writeVariable(bytes, token.length / 2);
  bytes.hex(token ?? '').hex(integrityTag ?? '');
  if (length !== undefined) writeVariable(bytes, length);
  return bytes.bytes(data).toBytes();
}

/** In two bytes where they hold it: what senders that fill the length in later do. */
function writeVariable(bytes: ByteList, value: number): void {
  if (value < 0x40) bytes.u8(value);
  else if (value < 0x4000) bytes.u16(0x4000 | value);
  else if (value < 0x4000_0000) bytes.u32(0x8000_0000 | value);
  else bytes.u32(0xc000_0000 | Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000);
}
