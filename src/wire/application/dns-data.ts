/** The data of DNS resource records, by their types; what is not known, or does not fit its type, is hex. */
import { ByteList } from '../byte-list.js';
import type { Cursor } from '../cursor.js';
import { readName, writeName } from '../dns-name.js';
import { hexBytes } from '../text.js';
import { dnsTypeName, dnsTypeNumber } from './dns-types.js';

/** Of each type some fields; names are those of the RFC that has the type. */
export interface DnsData {
  /** A, AAAA. */
  readonly address?: string;
  /** NS, CNAME, PTR, DNAME, SRV, AFSDB, KX, SVCB, HTTPS, URI. */
  readonly target?: string;
  /** MX, AFSDB, KX, NAPTR. */
  readonly preference?: number;
  /** MX. */
  readonly exchange?: string;
  /** TXT, SPF, HINFO: the strings, escaped as in text.ts. */
  readonly texts?: readonly string[];
  /** SOA. */
  readonly primary?: string;
  readonly mailbox?: string;
  readonly serial?: number;
  readonly refresh?: number;
  readonly retry?: number;
  readonly expire?: number;
  readonly minimum?: number;
  /** SRV, URI, SVCB, HTTPS. */
  readonly priority?: number;
  readonly weight?: number;
  readonly port?: number;
  /** NAPTR. */
  readonly order?: number;
  readonly naptrFlags?: string;
  readonly services?: string;
  readonly pattern?: string;
  readonly replacement?: string;
  /** DS, DNSKEY, RRSIG, SSHFP, CDS, CDNSKEY. */
  readonly keyTag?: number;
  readonly algorithm?: number;
  readonly digestType?: number;
  readonly digest?: string;
  readonly keyFlags?: number;
  readonly keyProtocol?: number;
  readonly publicKey?: string;
  /** RRSIG. */
  readonly typeCovered?: string;
  readonly labels?: number;
  readonly originalTtl?: number;
  /** Seconds since 1970, modulo 2^32. */
  readonly expiration?: number;
  readonly inception?: number;
  readonly signer?: string;
  readonly signature?: string;
  /** NSEC, NSEC3. */
  readonly nextName?: string;
  readonly types?: readonly string[];
  /** NSEC3, NSEC3PARAM. */
  readonly hashAlgorithm?: number;
  readonly hashFlags?: number;
  readonly iterations?: number;
  readonly salt?: string;
  readonly nextHash?: string;
  /** TLSA, SMIMEA. */
  readonly usage?: number;
  readonly selector?: number;
  readonly matchingType?: number;
  /** TLSA: certificate data; SSHFP: fingerprint. */
  readonly association?: string;
  /** SVCB, HTTPS: key, and value in hex. */
  readonly parameters?: readonly { readonly key: number; readonly value: string }[];
  /** CAA. */
  readonly critical?: boolean;
  readonly tag?: string;
  readonly value?: string;
  /** What is not named above, in hex. */
  readonly data?: string;
}

interface Kind {
  /** Whether names in it may be pointers when they are written (RFC 3597 section 4). */
  readonly compresses?: boolean;
  /** Undefined where a name is broken. Reading beyond the end of the data shows afterwards. */
  read(part: Cursor, base: number): DnsData | undefined;
  write(bytes: ByteList, data: DnsData, known: Map<string, number> | undefined): void;
}

const nameKind = (compresses: boolean): Kind => ({
  compresses,
  read: (part, base) => named(readName(part, base), (target) => ({ target })),
  write: (bytes, { target = '.' }, known) => writeName(bytes, target, known),
});

const preferenceKind = (field: 'exchange' | 'target', compresses: boolean): Kind => ({
  compresses,
  read: (part, base) => {
    if (part.left < 2) return undefined;
    const preference = part.u16();
    return named(readName(part, base), (name) => ({ preference, [field]: name }));
  },
  write: (bytes, data, known) => writeName(bytes.u16(data.preference ?? 0), data[field] ?? '.', known),
});

const texts: Kind = {
  read: (part) => {
    const found: string[] = [];
    while (part.left > 0) {
      const text = characterString(part);
      if (text === undefined) return undefined;
      found.push(text);
    }
    return { texts: found };
  },
  write: (bytes, data) => {
    for (const text of data.texts ?? []) writeString(bytes, text);
  },
};

const ds: Kind = {
  read: (part) =>
    part.left < 4 ? undefined : { keyTag: part.u16(), algorithm: part.u8(), digestType: part.u8(), digest: part.hex() },
  write: (bytes, { keyTag = 0, algorithm = 0, digestType = 0, digest = '' }) =>
    bytes.u16(keyTag).u8(algorithm).u8(digestType).hex(digest),
};

const dnskey: Kind = {
  read: (part) =>
    part.left < 4
      ? undefined
      : { keyFlags: part.u16(), keyProtocol: part.u8(), algorithm: part.u8(), publicKey: part.hex() },
  write: (bytes, { keyFlags = 0, keyProtocol = 3, algorithm = 0, publicKey = '' }) =>
    bytes.u16(keyFlags).u8(keyProtocol).u8(algorithm).hex(publicKey),
};

const tlsa: Kind = {
  read: (part) =>
    part.left < 3
      ? undefined
      : { usage: part.u8(), selector: part.u8(), matchingType: part.u8(), association: part.hex() },
  write: (bytes, { usage = 0, selector = 0, matchingType = 0, association = '' }) =>
    bytes.u8(usage).u8(selector).u8(matchingType).hex(association),
};

const svcb: Kind = {
  read: (part, base) => {
    if (part.left < 2) return undefined;
    const priority = part.u16();
    const target = readName(part, base);
    if (target === undefined) return undefined;
    const parameters = [];
    while (part.left >= 4) {
      const key = part.u16();
      const length = part.u16();
      if (length > part.left) return undefined;
      parameters.push({ key, value: part.hex(length) });
    }
    return part.left > 0 ? undefined : { priority, target, parameters };
  },
  write: (bytes, { priority = 0, target = '.', parameters = [] }) => {
    writeName(bytes.u16(priority), target);
    for (const { key, value } of parameters)
      bytes
        .u16(key)
        .u16(value.length / 2)
        .hex(value);
  },
};

const KINDS: Readonly<Record<string, Kind>> = {
  A: {
    read: (part) => (part.left === 4 ? { address: part.ipv4() } : undefined),
    write: (bytes, { address = '0.0.0.0' }) => bytes.ipv4(address),
  },
  AAAA: {
    read: (part) => (part.left === 16 ? { address: part.ipv6() } : undefined),
    write: (bytes, { address = '::' }) => bytes.ipv6(address),
  },
  NS: nameKind(true),
  CNAME: nameKind(true),
  PTR: nameKind(true),
  DNAME: nameKind(false),
  MX: preferenceKind('exchange', true),
  AFSDB: preferenceKind('target', false),
  KX: preferenceKind('target', false),
  TXT: texts,
  SPF: texts,
  HINFO: texts,
  DS: ds,
  CDS: ds,
  DNSKEY: dnskey,
  CDNSKEY: dnskey,
  TLSA: tlsa,
  SMIMEA: tlsa,
  SVCB: svcb,
  HTTPS: svcb,
  SOA: {
    compresses: true,
    read: (part, base) => {
      const primary = readName(part, base);
      const mailbox = primary === undefined ? undefined : readName(part, base);
      if (primary === undefined || mailbox === undefined || part.left < 20) return undefined;
      const [serial, refresh, retry, expire, minimum] = [part.u32(), part.u32(), part.u32(), part.u32(), part.u32()];
      return { primary, mailbox, serial, refresh, retry, expire, minimum };
    },
    write: (bytes, data, known) => {
      writeName(bytes, data.primary ?? '.', known);
      writeName(bytes, data.mailbox ?? '.', known);
      bytes
        .u32(data.serial ?? 0)
        .u32(data.refresh ?? 0)
        .u32(data.retry ?? 0);
      bytes.u32(data.expire ?? 0).u32(data.minimum ?? 0);
    },
  },
  SRV: {
    read: (part, base) => {
      if (part.left < 6) return undefined;
      const head = { priority: part.u16(), weight: part.u16(), port: part.u16() };
      return named(readName(part, base), (target) => ({ ...head, target }));
    },
    write: (bytes, { priority = 0, weight = 0, port = 0, target = '.' }) =>
      writeName(bytes.u16(priority).u16(weight).u16(port), target),
  },
  NAPTR: {
    read: (part, base) => {
      if (part.left < 4) return undefined;
      const head = { order: part.u16(), preference: part.u16() };
      const [naptrFlags, services, pattern] = [characterString(part), characterString(part), characterString(part)];
      if (naptrFlags === undefined || services === undefined || pattern === undefined) return undefined;
      return named(readName(part, base), (replacement) => ({ ...head, naptrFlags, services, pattern, replacement }));
    },
    write: (bytes, data) => {
      bytes.u16(data.order ?? 0).u16(data.preference ?? 0);
      for (const text of [data.naptrFlags, data.services, data.pattern]) writeString(bytes, text ?? '');
      writeName(bytes, data.replacement ?? '.');
    },
  },
  SSHFP: {
    read: (part) =>
      part.left < 2 ? undefined : { algorithm: part.u8(), matchingType: part.u8(), association: part.hex() },
    write: (bytes, { algorithm = 0, matchingType = 0, association = '' }) =>
      bytes.u8(algorithm).u8(matchingType).hex(association),
  },
  RRSIG: {
    read: (part, base) => {
      if (part.left < 18) return undefined;
      const head = { typeCovered: dnsTypeName(part.u16()), algorithm: part.u8(), labels: part.u8() };
      const times = { originalTtl: part.u32(), expiration: part.u32(), inception: part.u32(), keyTag: part.u16() };
      return named(readName(part, base), (signer) => ({ ...head, ...times, signer, signature: part.hex() }));
    },
    write: (bytes, data) => {
      bytes
        .u16(dnsTypeNumber(data.typeCovered ?? 'A'))
        .u8(data.algorithm ?? 0)
        .u8(data.labels ?? 0);
      bytes
        .u32(data.originalTtl ?? 0)
        .u32(data.expiration ?? 0)
        .u32(data.inception ?? 0)
        .u16(data.keyTag ?? 0);
      writeName(bytes, data.signer ?? '.');
      bytes.hex(data.signature ?? '');
    },
  },
  NSEC: {
    read: (part, base) => {
      const nextName = readName(part, base);
      const types = nextName === undefined ? undefined : readTypes(part);
      return nextName === undefined || types === undefined ? undefined : { nextName, types };
    },
    write: (bytes, { nextName = '.', types = [] }) => {
      writeName(bytes, nextName);
      writeTypes(bytes, types);
    },
  },
  NSEC3: {
    read: (part) => {
      const head = readHash(part);
      if (head === undefined || part.left < 1) return undefined;
      const length = part.u8();
      if (part.left < length) return undefined;
      const nextHash = part.hex(length);
      const types = readTypes(part);
      return types === undefined ? undefined : { ...head, nextHash, types };
    },
    write: (bytes, data) => {
      const { nextHash = '', types = [] } = data;
      writeHash(bytes, data);
      bytes.u8(nextHash.length / 2).hex(nextHash);
      writeTypes(bytes, types);
    },
  },
  NSEC3PARAM: { read: readHash, write: writeHash },
  URI: {
    read: (part) => (part.left < 4 ? undefined : { priority: part.u16(), weight: part.u16(), target: part.text() }),
    write: (bytes, { priority = 0, weight = 0, target = '' }) => bytes.u16(priority).u16(weight).text(target),
  },
  CAA: {
    read: (part) => {
      if (part.left < 2) return undefined;
      const flags = part.u8();
      const length = part.u8();
      if ((flags & 0x7f) !== 0 || length > part.left) return undefined;
      return { critical: flags !== 0, tag: part.text(length), value: part.text() };
    },
    write: (bytes, { critical = false, tag = '', value = '' }) => {
      writeString(bytes.u8(critical ? 0x80 : 0), tag);
      bytes.text(value);
    },
  },
};

function named<T>(name: string | undefined, build: (name: string) => T): T | undefined {
  return name === undefined ? undefined : build(name);
}

function characterString(part: Cursor): string | undefined {
  if (part.left < 1) return undefined;
  const length = part.u8();
  return length > part.left ? undefined : part.text(length);
}

function writeString(bytes: ByteList, text: string): void {
  const inner = new ByteList().text(text);
  bytes.u8(inner.length).bytes(inner.toBytes());
}

/** The bit maps of RFC 4034 section 4.1.2. */
function readTypes(part: Cursor): string[] | undefined {
  const types: string[] = [];
  while (part.left > 0) {
    if (part.left < 2) return undefined;
    const block = part.u8() << 8;
    const length = part.u8();
    if (length === 0 || length > 32 || length > part.left) return undefined;
    for (let i = 0; i < length; i++) {
      const byte = part.u8();
      for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >> bit)) !== 0) types.push(dnsTypeName(block + 8 * i + bit));
    }
  }
  return types;
}

function writeTypes(bytes: ByteList, types: readonly string[]): void {
  const blocks = new Map<number, number[]>();
  for (const number of types.map(dnsTypeNumber)) {
    const block = blocks.get(number >> 8) ?? [];
    blocks.set(number >> 8, block);
    const index = (number & 255) >> 3;
    while (block.length <= index) block.push(0);
    block[index] = (block[index] as number) | (0x80 >> (number & 7));
  }
  for (const [block, map] of [...blocks].sort(([a], [b]) => a - b)) bytes.u8(block).u8(map.length).bytes(map);
}

function readHash(part: Cursor): DnsData | undefined {
  if (part.left < 5) return undefined;
  const head = { hashAlgorithm: part.u8(), hashFlags: part.u8(), iterations: part.u16() };
  const length = part.u8();
  return length > part.left ? undefined : { ...head, salt: part.hex(length) };
}

function writeHash(bytes: ByteList, data: DnsData): void {
  const { hashAlgorithm = 1, hashFlags = 0, iterations = 0, salt = '' } = data;
  bytes
    .u8(hashAlgorithm)
    .u8(hashFlags)
    .u16(iterations)
    .u8(salt.length / 2)
    .hex(salt);
}

/** The data of a record of `type`, the whole of `part`; hex where it is not what its type has. */
export function readDnsData(type: string, part: Cursor, base: number): DnsData {
  const { at, end } = part;
  const data = KINDS[type]?.read(part, base);
  // A record that is cut, or none of its type: the message goes on behind it.
  return data !== undefined && part.at === end ? data : { data: rawHex(part, at) };
}

function rawHex(part: Cursor, at: number): string {
  part.at = at;
  return part.hex(part.end - at);
}

/** Writes the data of a record of `type` as it goes behind its length. */
export function writeDnsData(bytes: ByteList, type: string, data: DnsData, known: Map<string, number>): void {
  const kind = KINDS[type];
  if (kind === undefined || data.data !== undefined) bytes.bytes(hexBytes(data.data ?? ''));
  else kind.write(bytes, data, kind.compresses === true ? known : undefined);
}

/** The data in a few words, as in master files. */
export function dnsDataText(type: string, data: DnsData): string {
  if (data.data !== undefined) return `\\# ${data.data.length / 2}${data.data === '' ? '' : ` ${data.data}`}`;
  switch (type) {
    case 'TXT':
    case 'SPF':
    case 'HINFO':
      return (data.texts ?? []).map((text) => `"${text.replaceAll('"', '\\"')}"`).join(' ');
    case 'SVCB':
    case 'HTTPS':
      return `${data.priority} ${data.target}${(data.parameters ?? []).map(({ key }) => ` key${key}`).join('')}`;
    case 'RRSIG':
      return `${data.typeCovered} ${data.algorithm} ${data.labels} ${data.originalTtl} ${data.keyTag} ${data.signer}`;
    case 'CAA':
      return `${data.critical === true ? 128 : 0} ${data.tag} "${data.value}"`;
    default:
      return Object.values(data)
        .map((value) => (Array.isArray(value) ? value.join(' ') : String(value)))
        .join(' ');
  }
}
