/**
 * SCTP (RFC 9260): the common header, and chunks. What follows as payload is the data of the last DATA chunk.
 *
 *     source port:2 destination port:2 verification tag:4 checksum:4 (CRC-32C, lowest byte first)
 *     chunk: type:1 flags:1 length:2, header counted and padding not, then its value, filled up to four bytes
 */
import { ByteList } from './byte-list.js';
import { crc32c } from './crc32c.js';
import { Cursor } from './cursor.js';
import { type Next, NOTHING, type Packet, payload } from './packet.js';

export interface SctpChunk {
  readonly type: number;
  readonly flags: number;
  /** Header and value, without padding. */
  readonly length: number;
  /** DATA: transmission sequence number, and what it belongs to. */
  readonly tsn?: number;
  readonly streamId?: number;
  readonly streamSequence?: number;
  readonly payloadProtocol?: number;
  /** INIT and INIT ACK. */
  readonly initiateTag?: number;
  readonly outboundStreams?: number;
  readonly inboundStreams?: number;
  readonly initialTsn?: number;
  /** INIT, INIT ACK and SACK, in bytes. */
  readonly receiverWindow?: number;
  /** SACK and SHUTDOWN. */
  readonly cumulativeTsn?: number;
  /** SACK: from and to, relative to the cumulative number. */
  readonly gaps?: readonly { readonly start: number; readonly end: number }[];
  readonly duplicates?: readonly number[];
  /** What is not named above: parameters, causes, cookies, user data; in hex. */
  readonly data: string;
}

export interface SctpMessage {
  readonly protocol: 'sctp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  readonly chunks: readonly SctpChunk[];
}

export const SCTP_HEADER = 12;
export const SctpChunkType = { data: 0, init: 1, initAck: 2, sack: 3, shutdown: 7 } as const;
/** Chunks whose lengths are all lies end somewhere all the same: a packet holds no more than this many. */
const MAX_CHUNKS = 1024;

export function decodeSctp(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'sctp', at, end);
  if (!cursor.has(SCTP_HEADER)) return payload(at, end);
  const head = {
    protocol: 'sctp' as const,
    sourcePort: cursor.u16(),
    destinationPort: cursor.u16(),
    verificationTag: cursor.u32(),
    checksum: cursor.u32(),
  };
  const chunks: SctpChunk[] = [];
  while (cursor.left > 0 && chunks.length < MAX_CHUNKS && cursor.has(4, 'chunk')) {
    const from = cursor.at;
    const type = cursor.u8();
    const flags = cursor.u8();
    const length = cursor.u16();
    if (length < 4) {
      packet.fail('sctp', from, 4, length, 'chunk length');
      break;
    }
    chunks.push(readChunk(cursor.part(length - 4, 'chunk length'), { type, flags, length }));
    cursor.at = Math.min(cursor.end, from + ((length + 3) & ~3));
  }
  packet.layers.push({ ...head, checksumValid: judge(packet, at, end, head.checksum), chunks });
  return NOTHING;
}

function judge(packet: Packet, at: number, end: number, field: number): boolean | null {
  if (packet.incomplete) return null;
  const sum = crc32c(packet.bytes, at, end, at + 8);
  const swapped = (((sum & 255) << 24) | ((sum & 0xff00) << 8) | ((sum >>> 8) & 0xff00) | (sum >>> 24)) >>> 0;
  if (swapped === field) return true;
  // Left to hardware.
  return field === 0 || packet.checksumPending ? null : false;
}

type Head = Pick<SctpChunk, 'type' | 'flags' | 'length'>;

function readChunk(part: Cursor, head: Head): SctpChunk {
  switch (head.type) {
    case SctpChunkType.data:
      if (!part.has(12)) break;
      return {
        ...head,
        tsn: part.u32(),
        streamId: part.u16(),
        streamSequence: part.u16(),
        payloadProtocol: part.u32(),
        data: part.hex(),
      };
    case SctpChunkType.init:
    case SctpChunkType.initAck:
      if (!part.has(16)) break;
      return {
        ...head,
        initiateTag: part.u32(),
        receiverWindow: part.u32(),
        outboundStreams: part.u16(),
        inboundStreams: part.u16(),
        initialTsn: part.u32(),
        data: part.hex(),
      };
    case SctpChunkType.sack: {
      if (!part.has(12)) break;
      const cumulativeTsn = part.u32();
      const receiverWindow = part.u32();
      const [gapCount, duplicateCount] = [part.u16(), part.u16()];
      const gapPart = part.part(4 * gapCount, 'number of gaps');
      const gaps = Array.from({ length: gapPart.left >> 2 }, () => ({ start: gapPart.u16(), end: gapPart.u16() }));
      const rest = part.part(4 * duplicateCount, 'number of duplicates');
      const duplicates = Array.from({ length: rest.left >> 2 }, () => rest.u32());
      return { ...head, cumulativeTsn, receiverWindow, gaps, duplicates, data: part.hex() };
    }
    case SctpChunkType.shutdown:
      if (!part.has(4)) break;
      return { ...head, cumulativeTsn: part.u32(), data: part.hex() };
  }
  return { ...head, data: part.hex() };
}

/** A chunk to write; a length that is left out follows from what is in it. */
export type SctpChunkFields = Omit<SctpChunk, 'length'> & { readonly length?: number };

export interface SctpFields extends Omit<SctpMessage, 'protocol' | 'checksum' | 'checksumValid' | 'chunks'> {
  /** Left out, it is computed. */
  readonly checksum?: number;
  readonly chunks: readonly SctpChunkFields[];
}

/** A whole packet, its chunks filled up with zeros. */
export function encodeSctp(message: SctpFields): Uint8Array {
  const bytes = new ByteList()
    .u16(message.sourcePort)
    .u16(message.destinationPort)
    .u32(message.verificationTag)
    .u32(message.checksum ?? 0);
  for (const chunk of message.chunks) writeChunk(bytes, chunk);
  const whole = bytes.toBytes();
  if (message.checksum === undefined) {
    new DataView(whole.buffer).setUint32(8, crc32c(whole, 0, whole.length, 8), true);
  }
  return whole;
}

function writeChunk(bytes: ByteList, chunk: SctpChunkFields): void {
  const from = bytes.length;
  bytes
    .u8(chunk.type)
    .u8(chunk.flags)
    .u16(chunk.length ?? 0);
  if (chunk.tsn !== undefined) {
    bytes
      .u32(chunk.tsn)
      .u16(chunk.streamId ?? 0)
      .u16(chunk.streamSequence ?? 0)
      .u32(chunk.payloadProtocol ?? 0);
  } else if (chunk.initiateTag !== undefined) {
    bytes.u32(chunk.initiateTag).u32(chunk.receiverWindow ?? 0);
    bytes
      .u16(chunk.outboundStreams ?? 0)
      .u16(chunk.inboundStreams ?? 0)
      .u32(chunk.initialTsn ?? 0);
  } else if (chunk.cumulativeTsn !== undefined) {
    bytes.u32(chunk.cumulativeTsn);
    if (chunk.gaps !== undefined) {
      const { gaps, duplicates = [] } = chunk;
      bytes
        .u32(chunk.receiverWindow ?? 0)
        .u16(gaps.length)
        .u16(duplicates.length);
      for (const gap of gaps) bytes.u16(gap.start).u16(gap.end);
      for (const tsn of duplicates) bytes.u32(tsn);
    }
  }
  bytes.hex(chunk.data);
  if (chunk.length === undefined) bytes.patch16(from + 2, bytes.length - from);
  bytes.align(4);
}
