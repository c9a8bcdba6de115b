/**
 * IGMP (version 1: RFC 1112, 2: RFC 2236, 3: RFC 3376).
 *
 *     +---------------+---------------+-------------------------------+
 *     |     type      | max resp code |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |           group; in version 3 reports the number of records   |
 *     +-------+-+-----+---------------+-------------------------------+
 *     | resv  |S| QRV |     QQIC      |  number of sources            |   version 3 queries, then the sources
 *     +-------+-+-----+---------------+-------------------------------+
 *     | record's type | aux, 4 bytes  |  number of sources            |   version 3 reports, then group, sources, aux
 *     +---------------+---------------+-------------------------------+
 */
import { parseIPv4 } from '../sockaddr/ip.js';
import { formatIPv4 } from '../sockaddr/ip-text.js';
import { checksum } from './checksum.js';
import { compressCode, expandCode } from './float-code.js';
import { type Next, type Packet, payload } from './packet.js';

export interface IgmpRecord {
  /** RFC 3376 section 4.2.12: 1 and 2 is include, exclude; 3 and 4 changes to them; 5 and 6 allow, block sources. */
  readonly recordType: number;
  readonly group: string;
  readonly sources: readonly string[];
}

export interface IgmpMessage {
  readonly protocol: 'igmp';
  /** 1, 2 or 3 where the message tells. */
  readonly version: number | null;
  readonly igmpType: number;
  /** In tenths of a second. */
  readonly maxResponseTime: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  /** Null in version 3 reports, whose records have one each, and in what is carried under IGMP's number. */
  readonly group: string | null;
  /** Version 3 queries: routers shall not act on it. */
  readonly suppress?: boolean;
  /** Version 3 queries. */
  readonly robustness?: number;
  /** Version 3 queries, in seconds. */
  readonly queryInterval?: number;
  /** Version 3 queries. */
  readonly sources?: readonly string[];
  /** Version 3 reports. */
  readonly records?: readonly IgmpRecord[];
}

export const IGMP_HEADER = 8;
const QUERY_V3_HEADER = 12;

export const IgmpType = { query: 0x11, reportV1: 0x12, reportV2: 0x16, leave: 0x17, reportV3: 0x22 } as const;

const VERSIONS: Readonly<Record<number, number>> = {
  [IgmpType.reportV1]: 1,
  [IgmpType.reportV2]: 2,
  [IgmpType.leave]: 2,
  [IgmpType.reportV3]: 3,
};

export function decodeIgmp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('igmp', at, end, IGMP_HEADER)) return payload(at, end);
  const { view, bytes } = packet;
  const igmpType = view.getUint8(at);
  const code = view.getUint8(at + 1);
  const version = versionOf(igmpType, code, end - at);
  const message: IgmpMessage = {
    protocol: 'igmp',
    version,
    igmpType,
    maxResponseTime: version === 3 ? expandCode(code, 8) : code,
    checksum: view.getUint16(at + 2),
    checksumValid: packet.incomplete ? null : checksum(bytes, at, end) === 0,
    group: version === null || igmpType === IgmpType.reportV3 ? null : formatIPv4(bytes, at + 4),
  };
  if (igmpType === IgmpType.reportV3) {
    const { records, at: to } = readRecords(packet, at + IGMP_HEADER, end, view.getUint16(at + 6));
    packet.layers.push({ ...message, records });
    return payload(to, end);
  }
  if (version !== 3) {
    packet.layers.push(message);
    return payload(at + IGMP_HEADER, end);
  }
  const count = view.getUint16(at + 10);
  const from = at + QUERY_V3_HEADER;
  const fits = packet.has('igmp', from, end, 4 * count, 'number of sources') ? count : Math.floor((end - from) / 4);
  packet.layers.push({
    ...message,
    suppress: (view.getUint8(at + 8) & 8) !== 0,
    robustness: view.getUint8(at + 8) & 7,
    queryInterval: expandCode(view.getUint8(at + 9), 8),
    sources: readSources(bytes, from, fits),
  });
  return payload(from + 4 * fits, end);
}

/** RFC 3376 section 7.1: queries tell their version by their length and response time. */
function versionOf(type: number, code: number, length: number): number | null {
  if (type === IgmpType.query) return length >= QUERY_V3_HEADER ? 3 : code === 0 ? 1 : 2;
  return VERSIONS[type] ?? null;
}

function readSources(bytes: Uint8Array, at: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => formatIPv4(bytes, at + 4 * i));
}

function readRecords(packet: Packet, start: number, end: number, count: number): { records: IgmpRecord[]; at: number } {
  const { view, bytes } = packet;
  const records: IgmpRecord[] = [];
  let at = start;
  while (records.length < count && packet.has('igmp', at, end, 8, 'number of records')) {
    const sources = view.getUint16(at + 2);
    const length = 8 + 4 * (sources + view.getUint8(at + 1));
    if (!packet.has('igmp', at, end, length, 'number of sources')) break;
    records.push({
      recordType: view.getUint8(at),
      group: formatIPv4(bytes, at + 4),
      sources: readSources(bytes, at + 8, sources),
    });
    at += length;
  }
  return { records, at };
}

export interface IgmpFields {
  readonly igmpType: number;
  /** In tenths of a second; default 0. Above 127, version 3 rounds it up to what its code can say. */
  readonly maxResponseTime?: number;
  /** Default 0.0.0.0. */
  readonly group?: string | null;
  /** Any of the next four makes a query one of version 3. */
  readonly suppress?: boolean;
  readonly robustness?: number;
  /** In seconds, rounded as the response time. */
  readonly queryInterval?: number;
  readonly sources?: readonly string[];
  /** Of type 0x22. */
  readonly records?: readonly IgmpRecord[];
  /** Left out, it is computed. */
  readonly checksum?: number;
}

/**
 * A whole message.
 *
 * @throws AddressError for groups and sources that are no IPv4 addresses, RangeError for more than 65,535 bytes of them
 */
export function encodeIgmp(fields: IgmpFields): Uint8Array {
  const { suppress, robustness, queryInterval, sources, records = [] } = fields;
  const report = fields.igmpType === IgmpType.reportV3;
  const query = !report && [suppress, robustness, queryInterval, sources].some((part) => part !== undefined);
  const body = report
    ? records.reduce((sum, record) => sum + 8 + 4 * record.sources.length, 0)
    : query
      ? 4 + 4 * (sources?.length ?? 0)
      : 0;
  if (!(body <= 0xffff)) throw new RangeError(`a message of ${body} bytes`);
  const bytes = new Uint8Array(IGMP_HEADER + body);
  const view = new DataView(bytes.buffer);
  const time = fields.maxResponseTime ?? 0;
  view.setUint8(0, fields.igmpType);
  view.setUint8(1, query || report ? compressCode(time, 8) : time);
  if (report) {
    view.setUint16(6, records.length);
    let at = IGMP_HEADER;
    for (const record of records) {
      view.setUint8(at, record.recordType);
      view.setUint16(at + 2, record.sources.length);
      at = writeAddresses(bytes, at + 4, [record.group, ...record.sources]);
    }
  } else {
    writeAddresses(bytes, 4, [fields.group ?? '0.0.0.0']);
  }
  if (query) {
    view.setUint8(8, (suppress === true ? 8 : 0) | ((robustness ?? 0) & 7));
    view.setUint8(9, compressCode(queryInterval ?? 0, 8));
    view.setUint16(10, sources?.length ?? 0);
    writeAddresses(bytes, QUERY_V3_HEADER, sources ?? []);
  }
  view.setUint16(2, fields.checksum ?? checksum(bytes, 0, bytes.length));
  return bytes;
}

function writeAddresses(bytes: Uint8Array, start: number, addresses: readonly string[]): number {
  let at = start;
  for (const address of addresses) {
    bytes.set(parseIPv4(address).toBytes(), at);
    at += 4;
  }
  return at;
}
