/** DNS and multicast DNS. */
import { type DnsMessage, encodeDns } from '../../../wire/application/dns.js';
import { dnsTypeName, dnsTypeNumber } from '../../../wire/application/dns-types.js';
import { address } from '../kinds/addresses.js';
import { dnsClass, dnsType, domainName, hexText, text } from '../kinds/bytes.js';
import type { Field, Fields } from '../kinds/fields.js';
import type { Kind } from '../kinds/kind.js';
import { boolean, number, unsigned } from '../kinds/numbers.js';
import { listOf, record, type Variant, variants } from '../kinds/structures.js';
import { field, filled, type Given, given, joined, type LayerSpec, type Place, type Ports } from './spec.js';

const OPCODES = { query: 0, iquery: 1, status: 2, notify: 4, update: 5 };
const RESPONSE_CODES = { noerror: 0, formerr: 1, servfail: 2, nxdomain: 3, notimp: 4, refused: 5, notauth: 9 };
/** In seconds. */
const TTL = 300;

const u8 = () => field(unsigned(8));
const u16 = (...aliases: string[]) => field(unsigned(16), aliases);
const u32 = (...aliases: string[]) => field(unsigned(32), aliases);
const name = (...aliases: string[]) => field(domainName, aliases);
const string = () => field(text(255));
const hex = () => field(hexText());
const types = () => field(listOf(dnsType));

const questionFields: Fields = {
  name: name('qname'),
  class: field(dnsClass, ['qclass']),
  unicastResponse: field(boolean, ['qu']),
};

/** Names that are not given are those of the message's first question; see {@link completeDns}. */
const question = variants(
  'question',
  {
    question: {
      fields: { ...questionFields, type: field(dnsType, ['qtype']) },
      positional: 'name',
      make: (fields) => ({ type: 'A', class: 'IN', ...truthy(fields, 'unicastResponse') }),
    },
  },
  (word) => {
    const type = typeOf(word);
    return type === undefined
      ? undefined
      : {
          fields: questionFields,
          positional: 'name',
          make: (fields) => ({ type, class: 'IN', ...truthy(fields, 'unicastResponse') }),
        };
  },
);

/** Records have a mark only where it is true. */
function truthy(fields: Given, mark: string): Given {
  const { [mark]: set, ...others } = fields;
  return set === true ? fields : others;
}

function typeOf(word: string): string | undefined {
  try {
    return dnsTypeName(dnsTypeNumber(word.toUpperCase()));
  } catch {
    return undefined;
  }
}

const target = { target: name() };
const preferred = (field: string) => ({ preference: u16('pref'), [field]: name() });
const texts = { texts: field(listOf(text(255)), ['text']) };
const ds = { keyTag: u16(), algorithm: u8(), digestType: u8(), digest: hex() };
const key = { keyFlags: u16('flags'), keyProtocol: u8(), algorithm: u8(), publicKey: hex() };
const certificate = { usage: u8(), selector: u8(), matchingType: u8(), association: hex() };
const parameter = record(
  'parameter',
  { key: u16(), value: hex() },
  { complete: (fields) => ({ key: 0, value: '', ...fields }) },
);
const service = { priority: u16(), target: name(), parameters: field(listOf(parameter)) };
const hash = { hashAlgorithm: u8(), hashFlags: u8(), iterations: u16(), salt: field(hexText({ max: 255 })) };

/** The fields of each type's data, the one first whose value may stand alone. */
const DATA: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  A: { address: field(address('ipv4')) },
  AAAA: { address: field(address('ipv6')) },
  NS: target,
  CNAME: target,
  PTR: target,
  DNAME: target,
  MX: { exchange: name(), ...preferred('exchange') },
  AFSDB: { target: name(), ...preferred('target') },
  KX: { target: name(), ...preferred('target') },
  TXT: texts,
  SPF: texts,
  HINFO: texts,
  DS: ds,
  CDS: ds,
  DNSKEY: key,
  CDNSKEY: key,
  TLSA: certificate,
  SMIMEA: certificate,
  SVCB: service,
  HTTPS: service,
  SOA: {
    primary: name('mname'),
    mailbox: name('rname'),
    serial: u32(),
    refresh: u32(),
    retry: u32(),
    expire: u32(),
    minimum: u32(),
  },
  SRV: { target: name(), priority: u16(), weight: u16(), port: u16() },
  NAPTR: {
    replacement: name(),
    order: u16(),
    preference: u16(),
    naptrFlags: string(),
    services: string(),
    pattern: string(),
  },
  SSHFP: { association: hex(), algorithm: u8(), matchingType: u8() },
  RRSIG: {
    typeCovered: field(dnsType),
    algorithm: u8(),
    labels: u8(),
    originalTtl: u32(),
    expiration: u32(),
    inception: u32(),
    keyTag: u16(),
    signer: name(),
    signature: hex(),
  },
  NSEC: { nextName: name(), types: types() },
  NSEC3: { nextHash: field(hexText({ max: 255 })), ...hash, types: types() },
  NSEC3PARAM: hash,
  URI: { target: field(text(0xffff)), priority: u16(), weight: u16() },
  CAA: { value: field(text(0xffff)), tag: string(), critical: field(boolean) },
};

const ownerFields: Fields = {
  name: name('rrname'),
  class: field(dnsClass, ['rclass']),
  ttl: u32(),
  cacheFlush: field(boolean),
};

function recordOf(type: string): Variant {
  const data = Object.hasOwn(DATA, type) ? DATA[type] : undefined;
  return {
    fields: { ...ownerFields, ...(data ?? { data: hex() }) },
    positional: data === undefined ? 'data' : (Object.keys(data)[0] as string),
    make: (fields) => ({
      type,
      class: 'IN',
      ttl: TTL,
      ...(data === undefined ? { data: '' } : {}),
      ...truthy(fields, 'cacheFlush'),
    }),
  };
}

const table: Record<string, Variant> = {};
for (const type of Object.keys(DATA)) table[type.toLowerCase()] = recordOf(type);
table.record = {
  fields: { ...ownerFields, type: field(dnsType), data: hex() },
  make: (fields) => ({ type: 'NULL', class: 'IN', ttl: TTL, data: '', ...truthy(fields, 'cacheFlush') }),
};

const resource = variants('record of DNS', table, (word) => {
  const type = typeOf(word);
  return type === undefined || type === 'OPT' ? undefined : recordOf(type);
});

const option = record(
  'option',
  { code: u16(), data: hex() },
  { complete: (fields) => ({ code: 0, data: '', ...fields }) },
);

const extension = record('extension', {
  payloadSize: u16('size'),
  version: u8(),
  extendedResponseCode: u8(),
  dnssecOk: field(boolean, ['do']),
  flags: field(number(0, 0x7fff)),
  options: field(listOf(option)),
});
/** RFC 6891; the size is that which fits through nearly every network. */
const EXTENSION = { version: 0, payloadSize: 1232, extendedResponseCode: 0, dnssecOk: false, flags: 0, options: [] };
const QUESTION = Symbol('question');

/** A single question's parts, in the place of a list. */
const alone = (kind: Kind, part: string, aliases: readonly string[]): Field => ({
  kind,
  aliases,
  apply: (fields, value) => {
    fields.questions = QUESTION;
    fields[`question.${part}`] = value;
  },
});

const flag = (...aliases: string[]) => field(boolean, aliases);
const records = (...aliases: string[]) => field(listOf(resource), aliases);

function dnsLayer(protocol: 'dns' | 'mdns', port: number): LayerSpec {
  return {
    protocol,
    names: [protocol],
    fields: {
      name: alone(domainName, 'name', ['qname']),
      type: alone(dnsType, 'type', ['qtype']),
      class: alone(dnsClass, 'class', ['qclass']),
      id: u16(),
      response: flag('qr'),
      opcode: field(number(0, 15, { names: OPCODES })),
      authoritative: flag('aa'),
      truncated: flag('tc'),
      recursionDesired: field(boolean, ['rd'], protocol === 'dns' ? 'true in queries' : undefined),
      recursionAvailable: flag('ra'),
      authenticData: flag('ad'),
      checkingDisabled: flag('cd'),
      responseCode: field(number(0, 15, { names: RESPONSE_CODES }), ['rcode']),
      questions: field(listOf(question), ['question', 'qd']),
      answers: records('answer', 'an'),
      authorities: records('authority', 'ns'),
      additionals: records('additional', 'ar'),
      extension: field(extension, ['edns', 'opt'], 'none'),
    },
    positional: 'name',
    numbers: (fields) => ({
      udp: portsOf(fields, port),
      ...(protocol === 'dns' ? { tcp: portsOf(fields, port) } : {}),
    }),
    towards: (_, family) =>
      protocol === 'mdns' ? { destination: family === 'ipv4' ? '224.0.0.251' : 'ff02::fb', hopLimit: 255 } : undefined,
    complete: (fields) => completeDns(protocol, fields),
    encode: (fields: DnsMessage, inner, place) => joined(message(fields, place), inner),
  };
}

function portsOf(fields: Given, port: number): Ports {
  if (port === MDNS_PORT) return { sourcePort: port, destinationPort: port };
  return given(fields, 'response') === true ? { sourcePort: port } : { destinationPort: port };
}

function completeDns(protocol: 'dns' | 'mdns', fields: Given): Given {
  const query = given(fields, 'response') !== true;
  const { 'question.name': one = '.', 'question.type': type = 'A', 'question.class': of = 'IN', ...others } = fields;
  const said = others.questions === QUESTION ? [{ name: one, type, class: of }] : given<Given[]>(others, 'questions');
  const questions = (said ?? []).map((each) => ({ name: '.', ...each }));
  const owner = questions[0]?.name ?? '.';
  const owned = (list: string) => (given<Given[]>(fields, list) ?? []).map((each) => ({ name: owner, ...each }));
  const edns = given<Given>(fields, 'extension');
  return {
    ...filled(others, {
      id: 0,
      response: false,
      opcode: 0,
      authoritative: false,
      truncated: false,
      recursionDesired: protocol === 'dns' && query,
      recursionAvailable: false,
      authenticData: false,
      checkingDisabled: false,
      responseCode: 0,
    }),
    questions,
    answers: owned('answers'),
    authorities: owned('authorities'),
    additionals: owned('additionals'),
    ...(edns === undefined ? {} : { extension: { ...EXTENSION, ...edns } }),
  };
}

/** RFC 1035 section 4.2.2: over TCP with its length in front. */
function message(fields: DnsMessage, place: Place): Uint8Array {
  const bytes = encodeDns(fields);
  if (place.outer('tcp', 'udp')?.spec.protocol !== 'tcp') return bytes;
  if (bytes.length > 0xffff) throw place.fault(`a message of ${bytes.length} bytes, and at most 65,535 fit`);
  return joined(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes);
}

const DNS_PORT = 53;
const MDNS_PORT = 5353;
export const dns = dnsLayer('dns', DNS_PORT);
export const mdns = dnsLayer('mdns', MDNS_PORT);
