/**
 * The value that flows from a source to the sinks: one captured packet, the interface it was seen on, and its record
 * for `--json`.
 */
import { formatTimestamp, type Timestamp } from '../src/measure/clock.js';
import type { Kept } from '../src/wire/encode.js';
import type { Dissection } from '../src/wire/layer.js';
import { LinkType, linkTypeName } from '../src/wire/link-types.js';

/** The name that stands for all interfaces of a machine. */
export const ANY_INTERFACE = 'any';

/** Where packets were captured: a live interface, or an interface description of a file. */
export interface CaptureInterface {
  /** From 0, unique within its source; files with several sections go on counting. */
  readonly id: number;
  /** The system's name, `eth0`; null where a file does not say (pcap never does). */
  readonly name: string | null;
  /** A LINKTYPE_ number (https://www.tcpdump.org/linktypes.html), not the DLT_ value of one system. */
  readonly linkType: number;
  /** Of the machine that captured; loopback headers are in it. */
  readonly byteOrder?: 'little' | 'big' | undefined;
  /** The most bytes that were kept of a packet; 0 means no limit. */
  readonly snapshotLength: number;
  readonly description?: string | undefined;
  readonly operatingSystem?: string | undefined;
  readonly hardware?: string | undefined;
  /** What else a pcapng file says of it, for whoever copies the file. */
  readonly options?: readonly OtherOption[] | undefined;
}

export type Direction = 'in' | 'out';

/** What an interface says of its order of bytes: only for the link whose headers are in the order of the machine. */
export function loopbackOrder(linkType: number, littleEndian: boolean): Pick<CaptureInterface, 'byteOrder'> {
  return linkType === LinkType.NULL ? { byteOrder: littleEndian ? 'little' : 'big' } : {};
}

/** A block of a pcapng file that is neither packet nor interface nor counters: names, secrets, what others have put there. */
export interface OtherBlock {
  readonly type: number;
  /** The order of its numbers. */
  readonly littleEndian: boolean;
  /** Between its two lengths; a copy. */
  readonly body: Uint8Array;
}

/** An option of a block in a pcapng file that is only carried along: a hash, a drop count, an address of the interface. */
export interface OtherOption {
  readonly code: number;
  /** A copy, its numbers in little-endian order. */
  readonly value: Uint8Array;
}

/**
 * One packet as captured.
 *
 * Ownership: `bytes` is a view of its source's memory. It may be read until the consumer asks the source for the next
 * batch; whoever keeps it longer copies it. Nobody writes to it.
 */
export interface CapturedPacket {
  /** From 1, in the order of the source, before any filter of the pipeline. */
  readonly number: number;
  /** UTC; null where the file holds none (Simple Packet Blocks). */
  readonly timestamp: Timestamp | null;
  readonly interface: CaptureInterface;
  /** Null where neither the link nor the file says. */
  readonly direction: Direction | null;
  /** Bytes on the link; `bytes.length` of them were captured. */
  readonly originalLength: number;
  readonly bytes: Uint8Array;
  readonly comments?: readonly string[] | undefined;
  readonly options?: readonly OtherOption[] | undefined;
  /** Blocks between the packet before and this one, for whoever copies the file. */
  readonly before?: readonly OtherBlock[] | undefined;
  /** The whole epb_flags word of pcapng, of which `direction` is the lowest two bits. */
  readonly flags?: number | undefined;
}

/** The `packet` record of `--json`. */
export interface PacketRecord {
  readonly type: 'packet';
  /** RFC 3339 in UTC with nanoseconds; null where the file holds no time. */
  readonly time: string | null;
  readonly number: number;
  readonly interface: string | null;
  readonly direction: Direction | null;
  readonly length: number;
  readonly capturedLength: number;
  readonly linkType: string;
  readonly layers: readonly unknown[];
  /** What the fields of a layer, by its index, do not say of its bytes; absent where they say everything. */
  readonly kept?: readonly { readonly layer: number; readonly front?: string; readonly back?: string }[];
  readonly malformed?: unknown;
  readonly comments?: readonly string[];
}

/** The fields of a packet's record that do not need it to be taken apart. */
export function packetHead(
  packet: CapturedPacket,
): Omit<PacketRecord, 'type' | 'layers' | 'kept' | 'malformed' | 'comments'> {
  const { timestamp, interface: from } = packet;
  return {
    time: timestamp === null ? null : formatTimestamp(timestamp),
    number: packet.number,
    interface: from.name,
    direction: packet.direction,
    length: packet.originalLength,
    capturedLength: packet.bytes.length,
    linkType: linkTypeName(from.linkType),
  };
}

/** A dissection, of dissectExactly (src/wire/exact.ts) where the record shall be the packet to the byte. */
export type RecordedDissection = Dissection & { readonly kept?: readonly (Kept | undefined)[] };

/** The record of `packet`, ready for JSON.stringify: bytes are base64, integers beyond 2^53 are decimal text. */
export function packetRecord(packet: CapturedPacket, dissection: RecordedDissection): PacketRecord {
  const { malformed, kept = [] } = dissection;
  const unsaid = kept.flatMap((of, layer) => (of === undefined ? [] : [{ layer, ...(jsonValue(of) as object) }]));
  return {
    type: 'packet',
    ...packetHead(packet),
    layers: dissection.layers.map(jsonValue),
    ...(unsaid.length === 0 ? {} : { kept: unsaid }),
    ...(malformed === undefined ? {} : { malformed: jsonValue(malformed) }),
    ...(packet.comments === undefined ? {} : { comments: packet.comments }),
  };
}

/** `value` with what JSON lacks replaced; values that need nothing are handed back as they are. */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  }
  if (Array.isArray(value)) return value.map(jsonValue);
  const plain: Record<string, unknown> = {};
  for (const key of Object.keys(value)) plain[key] = jsonValue((value as Record<string, unknown>)[key]);
  return plain;
}

/**
 * The direction that Linux's cooked headers carry in their packet type (packet(7): PACKET_HOST 0, BROADCAST 1,
 * MULTICAST 2, OTHERHOST 3, OUTGOING 4); null for other links, and for frames between other hosts.
 */
export function linkDirection(linkType: number, bytes: Uint8Array): Direction | null {
  let packetType: number | undefined;
  if (linkType === LinkType.LINUX_SLL) packetType = bytes[0] === 0 ? bytes[1] : undefined;
  else if (linkType === LinkType.LINUX_SLL2) packetType = bytes[10];
  if (packetType === undefined || packetType === 3 || packetType > 4) return null;
  return packetType === 4 ? 'out' : 'in';
}
