/**
 * The packets of reliable delivery, one in each datagram; README.md in this folder says what they are for. All numbers
 * in network order. Every packet begins with
 *
 *      0  'S' 'K' 'R'    magic
 *      3  type           8 bits
 *      4  check          CRC-32 (ISO 3309) of all that follows, begun with the seed of the connection, see below
 *      8  connection     64 bits: the id that the packet's receiver has chosen; in HELLO and WELCOME the sender's
 *
 * and goes on, by its type, with
 *
 *     HELLO    zeros, up to 1,200 bytes
 *     WELCOME  16 receiver's id (64)
 *     START    16 sender's id (64)  24 size (64; all ones: not known yet)  32 flags (8)  33 length of the name (8)
 *              34 name (UTF-8)
 *     READY    16 offset (64)  24 window end (64)  32 SHA-256 of what is there before the offset (256)
 *     DATA     16 number (64)  24 offset (64)  32 data
 *     ACK      16 largest number (64)  24 delay in microseconds (32)  28 ranges (16)  30 zero (16)
 *              32 all data before this offset has come (64)  40 window end (64)
 *              48 ranges: how many numbers have come, how many before those have not (16 each), from the largest down
 *     FIN      16 size (64)  24 SHA-256 of all of it (256)
 *     DONE     16 SHA-256 (256)
 *     CLOSE    nothing
 *     ABORT    16 reason (8)  17 length of the text (8)  18 text (UTF-8)
 *
 * The seed is the CRC-32 of both ids, the sender's first; of HELLO and WELCOME, which are before there are two, 0. So a
 * packet whose bytes were changed on the way is dropped, and one from whoever does not know both ids as well.
 */
import { crc32 } from 'node:zlib';

export const PacketType = {
  hello: 1,
  welcome: 2,
  start: 3,
  ready: 4,
  data: 5,
  ack: 6,
  fin: 7,
  done: 8,
  close: 9,
  abort: 10,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** Reasons of an ABORT. */
export const AbortReason = {
  /** The SHA-256 of both ends differ. */
  digest: 1,
  /** What came can't be written. */
  write: 2,
  /** What is to be sent can't be read. */
  read: 3,
  /** The receiver takes no more transfers for now. */
  busy: 4,
  /** Somebody stopped it. */
  interrupted: 5,
  /** This name is not taken. */
  name: 6,
} as const;
export type AbortReason = (typeof AbortReason)[keyof typeof AbortReason];

/** Flags of START. */
export const START_ANEW = 1;

const MAGIC = 0x534b52;
const CHECK_AT = 4;
const ID_AT = 8;
const BODY_AT = 16;

/** A HELLO is as long as the longest answer to somebody whose address is not proven, and as the base size of a path. */
export const HELLO_SIZE = 1200;
export const DATA_HEADER = 32;
const ACK_HEADER = 48;
/** Ranges that an ACK holds at most. */
export const ACK_RANGES = 128;
/** The longest name, in bytes (NAME_MAX of limits.h). */
export const NAME_MAX = 255;
export const DIGEST_SIZE = 32;
const SIZE_UNKNOWN = 0xffff_ffff_ffff_ffffn;

/** 64 random bits, as hex: an id of a connection. */
export type ConnectionId = string;

export interface AckRange {
  /** Numbers that have come. */
  readonly length: number;
  /** Numbers before those that have not. */
  readonly gap: number;
}

export interface Start {
  readonly senderId: ConnectionId;
  /** Undefined where the sender does not know it yet. */
  readonly size: number | undefined;
  /** Whether what is there already is to be dropped. */
  readonly anew: boolean;
  readonly name: string;
}

/** The CRC-32 that the checks of a connection begin with. */
export function seedOf(senderId: ConnectionId, receiverId: ConnectionId): number {
  return crc32(Buffer.from(senderId + receiverId, 'hex'));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}

/** A 64-bit number; NaN above 2^53, which no number of this protocol reaches. */
function getNumber(view: DataView, at: number): number {
  const high = view.getUint32(at);
  return high > 0x1fffff ? Number.NaN : high * 0x1_0000_0000 + view.getUint32(at + 4);
}

/** Writes the header; the check follows when the packet is whole. */
function begin(view: DataView, type: PacketType, id: ConnectionId): void {
  view.setUint32(0, (MAGIC << 8) | type);
  view.setUint32(ID_AT, Number.parseInt(id.slice(0, 8), 16));
  view.setUint32(ID_AT + 4, Number.parseInt(id.slice(8), 16));
}

function finish(packet: Uint8Array, view: DataView, seed: number): Uint8Array {
  view.setUint32(CHECK_AT, checkOf(packet, view, seed));
  return packet;
}

function checkOf(packet: Uint8Array, view: DataView, seed: number): number {
  return crc32(packet.subarray(ID_AT), (seed ^ view.getUint32(0)) >>> 0);
}

function small(length: number, type: PacketType, id: ConnectionId): { packet: Uint8Array; view: DataView } {
  const packet = new Uint8Array(length);
  const view = viewOf(packet);
  begin(view, type, id);
  return { packet, view };
}

export function encodeHello(senderId: ConnectionId): Uint8Array {
  const { packet, view } = small(HELLO_SIZE, PacketType.hello, senderId);
  return finish(packet, view, 0);
}

export function encodeWelcome(senderId: ConnectionId, receiverId: ConnectionId): Uint8Array {
  const { packet, view } = small(BODY_AT + 8, PacketType.welcome, senderId);
  packet.set(Buffer.from(receiverId, 'hex'), BODY_AT);
  return finish(packet, view, 0);
}

export function encodeStart(receiverId: ConnectionId, { senderId, size, anew, name }: Start, seed: number): Uint8Array {
  const text = Buffer.from(name).subarray(0, NAME_MAX);
  const { packet, view } = small(34 + text.length, PacketType.start, receiverId);
  packet.set(Buffer.from(senderId, 'hex'), 16);
  view.setBigUint64(24, size === undefined ? SIZE_UNKNOWN : BigInt(size));
  view.setUint8(32, anew ? START_ANEW : 0);
  view.setUint8(33, text.length);
  packet.set(text, 34);
  return finish(packet, view, seed);
}

export function encodeReady(
  id: ConnectionId,
  offset: number,
  windowEnd: number,
  digest: Uint8Array,
  seed: number,
): Uint8Array {
  const { packet, view } = small(32 + DIGEST_SIZE, PacketType.ready, id);
  setNumber(view, 16, offset);
  setNumber(view, 24, windowEnd);
  packet.set(digest, 32);
  return finish(packet, view, seed);
}

/** Completes a DATA packet whose data is in its place, {@link DATA_HEADER} bytes after the start. */
export function finishData(packet: Uint8Array, id: ConnectionId, number: number, offset: number, seed: number): void {
  const view = viewOf(packet);
  begin(view, PacketType.data, id);
  setNumber(view, 16, number);
  setNumber(view, 24, offset);
  finish(packet, view, seed);
}

export interface Ack {
  /** -1 where none has come. */
  readonly largest: number;
  /** From the arrival of the largest to the sending of this, in milliseconds. */
  readonly delayMs: number;
  readonly inOrder: number;
  readonly windowEnd: number;
  /** From the largest number down. */
  readonly ranges: readonly AckRange[];
}

export function encodeAck(id: ConnectionId, ack: Ack, seed: number): Uint8Array {
  const { packet, view } = small(ACK_HEADER + 4 * ack.ranges.length, PacketType.ack, id);
  setNumber(view, 16, ack.largest + 1);
  view.setUint32(24, Math.min(0xffffffff, Math.round(ack.delayMs * 1000)));
  view.setUint16(28, ack.ranges.length);
  setNumber(view, 32, ack.inOrder);
  setNumber(view, 40, ack.windowEnd);
  for (const [i, { length, gap }] of ack.ranges.entries()) {
    view.setUint16(ACK_HEADER + 4 * i, length);
    view.setUint16(ACK_HEADER + 4 * i + 2, gap);
  }
  return finish(packet, view, seed);
}

export function encodeFin(id: ConnectionId, size: number, digest: Uint8Array, seed: number): Uint8Array {
  const { packet, view } = small(24 + DIGEST_SIZE, PacketType.fin, id);
  setNumber(view, 16, size);
  packet.set(digest, 24);
  return finish(packet, view, seed);
}

export function encodeDone(id: ConnectionId, digest: Uint8Array, seed: number): Uint8Array {
  const { packet, view } = small(BODY_AT + DIGEST_SIZE, PacketType.done, id);
  packet.set(digest, BODY_AT);
  return finish(packet, view, seed);
}

export function encodeClose(id: ConnectionId, seed: number): Uint8Array {
  const { packet, view } = small(BODY_AT, PacketType.close, id);
  return finish(packet, view, seed);
}

export function encodeAbort(id: ConnectionId, reason: AbortReason, text: string, seed: number): Uint8Array {
  const bytes = Buffer.from(text).subarray(0, 255);
  const { packet, view } = small(18 + bytes.length, PacketType.abort, id);
  view.setUint8(16, reason);
  view.setUint8(17, bytes.length);
  packet.set(bytes, 18);
  return finish(packet, view, seed);
}

/** The shortest packet of each type. */
const LEAST: Readonly<Record<PacketType, number>> = {
  [PacketType.hello]: HELLO_SIZE,
  [PacketType.welcome]: BODY_AT + 8,
  [PacketType.start]: 34,
  [PacketType.ready]: 32 + DIGEST_SIZE,
  [PacketType.data]: DATA_HEADER,
  [PacketType.ack]: ACK_HEADER,
  [PacketType.fin]: 24 + DIGEST_SIZE,
  [PacketType.done]: BODY_AT + DIGEST_SIZE,
  [PacketType.close]: BODY_AT,
  [PacketType.abort]: 18,
};

/** A packet that was received, of a type that there is and as long as that takes; its check is for later. */
export interface ReceivedPacket {
  readonly type: PacketType;
  readonly id: ConnectionId;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Reads the header; undefined for what is no packet of this protocol. */
export function readPacket(bytes: Uint8Array): ReceivedPacket | undefined {
  if (bytes.length < BODY_AT) return undefined;
  const view = viewOf(bytes);
  const word = view.getUint32(0);
  const type = (word & 0xff) as PacketType;
  const least = LEAST[type];
  if (word >>> 8 !== MAGIC || least === undefined || bytes.length < least) return undefined;
  return { type, id: idAt(view, ID_AT), bytes, view };
}

/** Whether the packet is as it was sent, by somebody who knows the connection's ids. */
export function isIntact({ bytes, view }: ReceivedPacket, seed: number): boolean {
  return view.getUint32(CHECK_AT) === checkOf(bytes, view, seed);
}

let lastHigh = -1;
let lastLow = -1;
let lastId = '';

/** Nearly always the same as before. */
function idAt(view: DataView, at: number): ConnectionId {
  const high = view.getUint32(at);
  const low = view.getUint32(at + 4);
  if (high !== lastHigh || low !== lastLow) {
    lastId = high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
    lastHigh = high;
    lastLow = low;
  }
  return lastId;
}

export function readWelcome({ bytes }: ReceivedPacket): ConnectionId {
  return Buffer.from(bytes.buffer, bytes.byteOffset + BODY_AT, 8).toString('hex');
}

/** Undefined for one whose name is cut, or whose size no file has. */
export function readStart({ bytes, view }: ReceivedPacket): Start | undefined {
  const size = view.getBigUint64(24);
  const length = view.getUint8(33);
  if (34 + length > bytes.length) return undefined;
  if (size !== SIZE_UNKNOWN && size > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return {
    senderId: Buffer.from(bytes.buffer, bytes.byteOffset + 16, 8).toString('hex'),
    size: size === SIZE_UNKNOWN ? undefined : Number(size),
    anew: (view.getUint8(32) & START_ANEW) !== 0,
    name: Buffer.from(bytes.buffer, bytes.byteOffset + 34, length).toString(),
  };
}

export interface Ready {
  readonly offset: number;
  readonly windowEnd: number;
  readonly digest: Uint8Array;
}

export function readReady({ bytes, view }: ReceivedPacket): Ready | undefined {
  const offset = getNumber(view, 16);
  const windowEnd = getNumber(view, 24);
  if (Number.isNaN(offset) || Number.isNaN(windowEnd)) return undefined;
  return { offset, windowEnd, digest: bytes.slice(32, 32 + DIGEST_SIZE) };
}

/** Number and offset of a DATA packet; NaN for what no sender has sent. */
export function readDataNumber({ view }: ReceivedPacket): number {
  return getNumber(view, 16);
}

export function readDataOffset({ view }: ReceivedPacket): number {
  return getNumber(view, 24);
}

export function readAck({ bytes, view }: ReceivedPacket): Ack | undefined {
  const count = view.getUint16(28);
  const next = getNumber(view, 16);
  const inOrder = getNumber(view, 32);
  const windowEnd = getNumber(view, 40);
  if (ACK_HEADER + 4 * count > bytes.length || Number.isNaN(next + inOrder + windowEnd)) return undefined;
  const ranges: AckRange[] = [];
  for (let i = 0; i < count; i++) {
    const at = ACK_HEADER + 4 * i;
    ranges.push({ length: view.getUint16(at), gap: view.getUint16(at + 2) });
  }
  return { largest: next - 1, delayMs: view.getUint32(24) / 1000, inOrder, windowEnd, ranges };
}

export function readFin({ bytes, view }: ReceivedPacket): { size: number; digest: Uint8Array } | undefined {
  const size = getNumber(view, 16);
  return Number.isNaN(size) ? undefined : { size, digest: bytes.slice(24, 24 + DIGEST_SIZE) };
}

export function readDone({ bytes }: ReceivedPacket): Uint8Array {
  return bytes.slice(BODY_AT, BODY_AT + DIGEST_SIZE);
}

export function readAbort({ bytes, view }: ReceivedPacket): { reason: number; text: string } {
  const length = Math.min(view.getUint8(17), bytes.length - 18);
  return { reason: view.getUint8(16), text: Buffer.from(bytes.buffer, bytes.byteOffset + 18, length).toString() };
}
