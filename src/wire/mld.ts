/**
 * Multicast listener discovery (version 1: RFC 2710, version 2: RFC 9777), behind the four bytes that all of ICMPv6 has
 * in common.
 *
 *     query, report, done   max response code:2 reserved:2 group:16
 *     version 2 queries     … S and QRV:1 QQIC:1 number of sources:2 sources
 *     version 2 reports     reserved:2 number of records:2, then type:1 aux, 4 bytes:1 sources:2 group:16 sources aux
 */
import { ByteList } from './byte-list.js';
import { Cursor } from './cursor.js';
import { compressCode, expandCode } from './float-code.js';
import type { IgmpRecord } from './igmp.js';
import type { Packet } from './packet.js';

export interface MldFields {
  /** 1 or 2. */
  readonly mldVersion?: number;
  /** In milliseconds. */
  readonly maxResponseTime?: number;
  readonly group?: string;
  readonly suppress?: boolean;
  readonly robustness?: number;
  /** In seconds. */
  readonly queryInterval?: number;
  readonly sources?: readonly string[];
  /** As those of IGMP version 3. */
  readonly records?: readonly IgmpRecord[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export const MldType = { query: 130, report: 131, done: 132, reportV2: 143 } as const;
/** Behind the checksum: response code and group, and what version 2 adds to it. */
const V1_BODY = 20;
const V2_BODY = 24;

/** Reads the body that begins at `at`, behind the checksum, into `message`; returns where it ended. */
export function readMld(packet: Packet, type: number, message: Writable<MldFields>, at: number, end: number): number {
  const cursor = new Cursor(packet, 'icmpv6', at, end);
  if (type === MldType.reportV2) {
    message.mldVersion = 2;
    cursor.at += 2;
    message.records = readRecords(cursor, cursor.u16());
    return cursor.at;
  }
  if (!cursor.has(V1_BODY)) return at + 4;
  const code = cursor.u16();
  cursor.at += 2;
  message.group = cursor.ipv6();
  // RFC 9777 section 8.1: queries tell their version by their length.
  const second = type === MldType.query && end - at >= V2_BODY;
  message.mldVersion = second ? 2 : 1;
  message.maxResponseTime = second ? expandCode(code, 16) : code;
  if (!second) return cursor.at;
  const flags = cursor.u8();
  message.suppress = (flags & 8) !== 0;
  message.robustness = flags & 7;
  message.queryInterval = expandCode(cursor.u8(), 8);
  message.sources = sourcesOf(cursor, cursor.u16());
  return cursor.at;
}

function sourcesOf(cursor: Cursor, count: number): string[] {
  const part = cursor.part(16 * count, 'number of sources');
  return part.ipv6s(part.left);
}

function readRecords(cursor: Cursor, count: number): IgmpRecord[] {
  const records: IgmpRecord[] = [];
  while (records.length < count && cursor.has(20, 'number of records')) {
    const recordType = cursor.u8();
    const auxiliary = cursor.u8() * 4;
    const sources = cursor.u16();
    const group = cursor.ipv6();
    records.push({ recordType, group, sources: sourcesOf(cursor, sources) });
    cursor.part(auxiliary, 'auxiliary data length');
  }
  return records;
}

/** The body of a message of `type`, from behind the checksum on. */
export function encodeMld(type: number, fields: MldFields): Uint8Array {
  const bytes = new ByteList();
  if (type === MldType.reportV2) {
    const records = fields.records ?? [];
    bytes.u16(0).u16(records.length);
    for (const { recordType, group, sources } of records) {
      bytes.u8(recordType).u8(0).u16(sources.length).ipv6(group);
      for (const source of sources) bytes.ipv6(source);
    }
    return bytes.toBytes();
  }
  const { sources, maxResponseTime = 0 } = fields;
  const second = type === MldType.query && (fields.mldVersion === 2 || sources !== undefined);
  bytes.u16(second ? compressCode(maxResponseTime, 16) : maxResponseTime).u16(0);
  bytes.ipv6(fields.group ?? '::');
  if (!second) return bytes.toBytes();
  bytes.u8((fields.suppress === true ? 8 : 0) | ((fields.robustness ?? 0) & 7));
  bytes.u8(compressCode(fields.queryInterval ?? 0, 8));
  bytes.u16(sources?.length ?? 0);
  for (const source of sources ?? []) bytes.ipv6(source);
  return bytes.toBytes();
}
