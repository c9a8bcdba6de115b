/**
 * DNS (RFC 1035; EDNS: RFC 6891; over TCP: RFC 7766; multicast: RFC 6762).
 *
 *     [length:2, over TCP] id:2 flags:2 counts of questions, answers, authorities, additionals: 2 each
 *     question: name type:2 class:2      record: name type:2 class:2 ttl:4 length:2 data
 */
import { ByteList } from '../byte-list.js';
import { Cursor } from '../cursor.js';
import { readName, writeName } from '../dns-name.js';
import { type Next, NOTHING, type Packet, payload } from '../packet.js';
import { type DnsData, readDnsData, writeDnsData } from './dns-data.js';
import { dnsClassName, dnsClassNumber, dnsTypeName, dnsTypeNumber } from './dns-types.js';

export interface DnsQuestion {
  readonly name: string;
  /** `A`, or `TYPE4711`. */
  readonly type: string;
  /** `IN`, or `CLASS4711`. */
  readonly class: string;
  /** Multicast DNS: the answer may come to the asker alone. */
  readonly unicastResponse?: true;
}

export interface DnsRecord extends DnsData {
  readonly name: string;
  readonly type: string;
  readonly class: string;
  /** In seconds. */
  readonly ttl: number;
  /** Multicast DNS: what was known of the name before is over. */
  readonly cacheFlush?: true;
}

/** The pseudo record of type OPT, by what its fields mean. */
export interface DnsExtension {
  readonly version: number;
  /** Of the sender, in bytes. */
  readonly payloadSize: number;
  /** The upper eight bits of the response code. */
  readonly extendedResponseCode: number;
  readonly dnssecOk: boolean;
  /** The other fifteen flags. */
  readonly flags: number;
  readonly options: readonly { readonly code: number; readonly data: string }[];
}

export interface DnsMessage {
  readonly protocol: 'dns' | 'mdns';
  readonly id: number;
  readonly response: boolean;
  /** 0 query, 4 notify, 5 update. */
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** Without the upper bits that an extension has. */
  readonly responseCode: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  readonly extension?: DnsExtension;
}

const HEADER = 12;
const OPT = 41;
/** Of classes in multicast DNS. */
const TOP_BIT = 0x8000;

export function decodeDns(packet: Packet, at: number, end: number): Next {
  return decodeMessage('dns', packet, at, end);
}

export function decodeMdns(packet: Packet, at: number, end: number): Next {
  return decodeMessage('mdns', packet, at, end);
}

/** Messages with their lengths in front, one after the other. */
export function decodeDnsStream(packet: Packet, at: number, end: number, key: number): Next {
  if (!packet.has('dns', at, end, 2)) return payload(at, end);
  const length = packet.view.getUint16(at);
  const from = at + 2;
  // A length that no message has: this is the middle of a stream.
  if (length < HEADER) return payload(at, end);
  const to = packet.has('dns', from, end, length, 'length') ? from + length : end;
  if (to - from < HEADER) return payload(at, end);
  decodeMessage('dns', packet, from, to);
  return to < end ? { table: 'tcpPort', key, at: to, end } : NOTHING;
}

function decodeMessage(protocol: 'dns' | 'mdns', packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, protocol, at, end);
  if (!cursor.has(HEADER)) return payload(at, end);
  const id = cursor.u16();
  const flags = cursor.u16();
  const counts = [cursor.u16(), cursor.u16(), cursor.u16(), cursor.u16()] as const;
  const questions: DnsQuestion[] = [];
  const answers: DnsRecord[] = [];
  const authorities: DnsRecord[] = [];
  const additionals: DnsRecord[] = [];
  const message: { -readonly [Key in keyof DnsMessage]: DnsMessage[Key] } = {
    protocol,
    id,
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & 0x400) !== 0,
    truncated: (flags & 0x200) !== 0,
    recursionDesired: (flags & 0x100) !== 0,
    recursionAvailable: (flags & 0x80) !== 0,
    authenticData: (flags & 0x20) !== 0,
    checkingDisabled: (flags & 0x10) !== 0,
    responseCode: flags & 15,
    questions,
    answers,
    authorities,
    additionals,
  };
  packet.layers.push(message);
  const multicast = protocol === 'mdns';
  if (!readQuestions(cursor, at, counts[0], multicast, questions)) return NOTHING;
  for (const [count, records] of [
    [counts[1], answers],
    [counts[2], authorities],
    [counts[3], additionals],
  ] as const) {
    for (let i = 0; i < count; i++) {
      const record = readRecord(cursor, at, multicast);
      if (record === undefined) return NOTHING;
      if ('payloadSize' in record) message.extension = record;
      else records.push(record);
    }
  }
  return cursor.left > 0 ? payload(cursor.at, end) : NOTHING;
}

function readQuestions(cursor: Cursor, base: number, count: number, multicast: boolean, into: DnsQuestion[]): boolean {
  for (let i = 0; i < count; i++) {
    const name = readName(cursor, base);
    if (name === undefined || !cursor.has(4, 'number of questions')) return false;
    const type = dnsTypeName(cursor.u16());
    const word = cursor.u16();
    if (multicast && (word & TOP_BIT) !== 0) {
      into.push({ name, type, class: dnsClassName(word & ~TOP_BIT), unicastResponse: true });
    } else into.push({ name, type, class: dnsClassName(word) });
  }
  return true;
}

function readRecord(cursor: Cursor, base: number, multicast: boolean): DnsRecord | DnsExtension | undefined {
  const name = readName(cursor, base);
  if (name === undefined || !cursor.has(10, 'number of records')) return undefined;
  const number = cursor.u16();
  const word = cursor.u16();
  const ttl = cursor.u32();
  const length = cursor.u16();
  if (!cursor.has(length, 'data length')) return undefined;
  const part = cursor.part(length, 'data length');
  if (number === OPT && name === '.') return readExtension(part, word, ttl);
  const type = dnsTypeName(number);
  const flush = multicast && (word & TOP_BIT) !== 0;
  const head = { name, type, class: dnsClassName(flush ? word & ~TOP_BIT : word), ttl };
  const data = readDnsData(type, part, base);
  return flush ? { ...head, cacheFlush: true, ...data } : { ...head, ...data };
}

function readExtension(part: Cursor, payloadSize: number, ttl: number): DnsExtension {
  const options = [];
  while (part.left > 0 && part.has(4, 'option')) {
    const code = part.u16();
    options.push({ code, data: part.part(part.u16(), 'option length').hex() });
  }
  return {
    version: (ttl >>> 16) & 255,
    payloadSize,
    extendedResponseCode: ttl >>> 24,
    dnssecOk: (ttl & 0x8000) !== 0,
    flags: ttl & 0x7fff,
    options,
  };
}

/**
 * A whole message, without the length that goes in front over TCP. Names that were written before are pointed to, where
 * RFC 3597 section 4 allows it.
 *
 * @throws AddressError, UsageError, RangeError for what its type does not have
 */
export function encodeDns(message: Omit<DnsMessage, 'protocol'>): Uint8Array {
  const { questions, answers, authorities, additionals, extension } = message;
  const flags =
    (message.response ? 0x8000 : 0) |
    ((message.opcode & 15) << 11) |
    (message.authoritative ? 0x400 : 0) |
    (message.truncated ? 0x200 : 0) |
    (message.recursionDesired ? 0x100 : 0) |
    (message.recursionAvailable ? 0x80 : 0) |
    (message.authenticData ? 0x20 : 0) |
    (message.checkingDisabled ? 0x10 : 0) |
    (message.responseCode & 15);
  const bytes = new ByteList().u16(message.id).u16(flags).u16(questions.length).u16(answers.length);
  bytes.u16(authorities.length).u16(additionals.length + (extension === undefined ? 0 : 1));
  const known = new Map<string, number>();
  for (const question of questions) {
    writeName(bytes, question.name, known);
    const top = question.unicastResponse === true ? TOP_BIT : 0;
    bytes.u16(dnsTypeNumber(question.type)).u16(dnsClassNumber(question.class) | top);
  }
  for (const record of [...answers, ...authorities, ...additionals]) writeRecord(bytes, record, known);
  if (extension !== undefined) writeExtension(bytes, extension);
  return bytes.toBytes();
}

function writeRecord(bytes: ByteList, record: DnsRecord, known: Map<string, number>): void {
  writeName(bytes, record.name, known);
  const top = record.cacheFlush === true ? TOP_BIT : 0;
  bytes
    .u16(dnsTypeNumber(record.type))
    .u16(dnsClassNumber(record.class) | top)
    .u32(record.ttl)
    .u16(0);
  const from = bytes.length;
  writeDnsData(bytes, record.type, record, known);
  bytes.patch16(from - 2, bytes.length - from);
}

function writeExtension(bytes: ByteList, extension: DnsExtension): void {
  const { version, payloadSize, extendedResponseCode, dnssecOk, flags, options } = extension;
  bytes.u8(0).u16(OPT).u16(payloadSize).u8(extendedResponseCode).u8(version);
  bytes.u16((dnssecOk ? 0x8000 : 0) | flags).u16(options.reduce((sum, { data }) => sum + 4 + data.length / 2, 0));
  for (const { code, data } of options)
    bytes
      .u16(code)
      .u16(data.length / 2)
      .hex(data);
}
