/** TCP, UDP and SCTP. */
import { IPProtocol } from '../../../wire/numbers.js';
import { encodeSctp, SctpChunkType, type SctpFields } from '../../../wire/sctp.js';
import { encodeTcp, type TcpFields } from '../../../wire/tcp.js';
import { encodeUdp, type UdpFields } from '../../../wire/udp.js';
import { hexText } from '../kinds/bytes.js';
import { computedUnlessGiven } from '../kinds/kind.js';
import { number, port, tcpFlags, unsigned } from '../kinds/numbers.js';
import { listOf, record, type Variant, variants } from '../kinds/structures.js';
import { field, filled, type Given, given, joined, type LayerSpec, type Place, type Ports, standsFor } from './spec.js';

/** From where packets come whose sender has not said: any port that no service is registered for. */
const SOURCE_PORT = 40_000;
const MAX_DATAGRAM = 0xffff;

const checksum = () =>
  field(computedUnlessGiven(unsigned(16, { names: { none: 0 } })), ['chksum', 'sum', 'cksum'], 'computed');

/** Ports, by what follows where they are not given. */
function ports(fields: Given, place: Place, by: Ports = {}) {
  const destinationPort = given<number>(fields, 'destinationPort') ?? by.destinationPort;
  if (destinationPort === undefined) throw place.fault('the port that it goes to is not said', 'write dport=…');
  return { sourcePort: given<number>(fields, 'sourcePort') ?? by.sourcePort ?? SOURCE_PORT, destinationPort };
}

const block = record(
  'block',
  { left: field(unsigned(32)), right: field(unsigned(32)) },
  { complete: (fields) => ({ left: 0, right: 0, ...fields }) },
);
const single = (
  name: string,
  kind: ReturnType<typeof hexText>,
  of: string,
  unlessGiven: unknown,
  aliases: string[] = [],
): Variant => ({
  aliases,
  fields: { [name]: field(kind) },
  positional: name,
  make: (fields) => ({ kind: of, [name]: unlessGiven, ...fields }),
});

const tcpOption = variants('option of TCP', {
  mss: single('value', unsigned(16), 'mss', 1460),
  nop: { make: () => ({ kind: 'nop' }) },
  end: { aliases: ['eol'], make: () => ({ kind: 'end' }) },
  'window-scale': single('shift', unsigned(8), 'windowScale', 7, ['wscale', 'ws']),
  'sack-permitted': { aliases: ['sackok', 'sack-ok'], make: () => ({ kind: 'sackPermitted' }) },
  sack: single('blocks', listOf(block, 4), 'sack', []),
  timestamps: {
    aliases: ['timestamp', 'ts'],
    fields: { value: field(unsigned(32), ['val']), echo: field(unsigned(32), ['ecr']) },
    positional: 'value',
    make: (fields) => ({ kind: 'timestamps', value: 0, echo: 0, ...fields }),
  },
  'fast-open': { ...single('cookie', hexText({ max: 38 }), 'fastOpen', '', ['tfo']) },
  mptcp: {
    fields: { data: field(hexText({ max: 38 })) },
    positional: 'data',
    make: ({ data = '00' }) => ({
      kind: 'mptcp',
      subtype: Number.parseInt((data as string).slice(0, 1), 16) || 0,
      data,
    }),
  },
  md5: single('digest', hexText({ length: 16 }), 'md5', '00'.repeat(16)),
  authentication: {
    aliases: ['ao'],
    fields: {
      keyId: field(unsigned(8)),
      nextKeyId: field(unsigned(8)),
      mac: field(hexText({ max: 36 })),
    },
    make: (fields) => ({ kind: 'authentication', keyId: 0, nextKeyId: 0, mac: '00'.repeat(12), ...fields }),
  },
  'user-timeout': single('timeout', number(0, 0x7fff, { unit: 'seconds' }), 'userTimeout', 0, ['uto']),
  option: {
    fields: { number: field(unsigned(8), ['kind', 'type']), data: field(hexText({ max: 38 })) },
    make: (fields) => ({ kind: 'unknown', number: 253, data: '', ...fields }),
  },
});

export const tcp: LayerSpec = {
  protocol: 'tcp',
  names: ['tcp'],
  fields: {
    sourcePort: field(port('tcp'), ['sport', 'src'], `${SOURCE_PORT}`),
    destinationPort: field(port('tcp'), ['dport', 'dst', 'port'], 'by what follows'),
    sequence: field(unsigned(32), ['seq']),
    acknowledgment: field(unsigned(32), ['ack', 'acknowledgement']),
    flags: field(tcpFlags, [], 'SYN'),
    window: field(unsigned(16), ['win'], '65535'),
    urgent: field(unsigned(16), ['urp', 'urgptr', 'urg']),
    headerLength: field(computedUnlessGiven(number(0, 60, { multipleOf: 4, unit: 'bytes' })), ['hlen'], 'computed'),
    dataofs: standsFor(number(0, 15), (fields, value) => {
      fields.headerLength = 4 * (value as number);
    }),
    checksum: checksum(),
    options: field(listOf(tcpOption, 40)),
  },
  numbers: () => ({ ipProtocol: IPProtocol.tcp }),
  complete: (fields, place) =>
    filled(fields, {
      ...ports(fields, place, place.innerNumbers.tcp),
      sequence: 0,
      acknowledgment: 0,
      flags: ['SYN'],
      window: 0xffff,
      urgent: 0,
    }),
  encode: (fields: TcpFields, inner, place) => encodeTcp(fields, inner, place.addresses),
};

export const udp: LayerSpec = {
  protocol: 'udp',
  names: ['udp'],
  fields: {
    sourcePort: field(port('udp'), ['sport', 'src'], `by what follows, or ${SOURCE_PORT}`),
    destinationPort: field(port('udp'), ['dport', 'dst', 'port'], 'by what follows'),
    length: field(computedUnlessGiven(unsigned(16)), ['len'], 'computed'),
    checksum: checksum(),
  },
  numbers: () => ({ ipProtocol: IPProtocol.udp }),
  complete: (fields, place) => filled(fields, ports(fields, place, place.innerNumbers.udp)),
  encode: (fields: UdpFields, inner, place) => {
    if (8 + inner.length > MAX_DATAGRAM)
      throw place.fault(`${inner.length} bytes do not fit into UDP, at most 65,527 do`);
    return encodeUdp(fields, inner, place.addresses);
  },
};

const chunkCommon = { flags: field(unsigned(8)), length: field(unsigned(16), ['len'], 'computed') };
const chunk = (type: number, fields: Variant['fields'] = {}, more: object = {}): Variant => ({
  fields: { ...fields, data: field(hexText()), ...chunkCommon },
  positional: 'data',
  make: (values) => ({ type, flags: 0, ...more, data: '', ...values }),
});
const u16 = (...aliases: string[]) => field(unsigned(16), aliases);
const u32 = (...aliases: string[]) => field(unsigned(32), aliases);

const INIT = {
  initiateTag: u32('tag'),
  receiverWindow: u32('window', 'arwnd'),
  outboundStreams: u16('os'),
  inboundStreams: u16('mis'),
  initialTsn: u32('tsn'),
};
const INIT_DEFAULTS = { initiateTag: 1, receiverWindow: 65_535, outboundStreams: 1, inboundStreams: 1, initialTsn: 0 };
const DATA_DEFAULTS = { flags: 3, tsn: 0, streamId: 0, streamSequence: 0, payloadProtocol: 0 };
const gap = record('gap', { start: u16(), end: u16() }, { complete: (fields) => ({ start: 0, end: 0, ...fields }) });

const sctpChunk = variants('chunk of SCTP', {
  data: chunk(
    SctpChunkType.data,
    { tsn: u32(), streamId: u16('stream'), streamSequence: u16('ssn'), payloadProtocol: u32('ppid') },
    DATA_DEFAULTS,
  ),
  init: chunk(SctpChunkType.init, INIT, INIT_DEFAULTS),
  'init-ack': chunk(SctpChunkType.initAck, INIT, INIT_DEFAULTS),
  sack: chunk(
    SctpChunkType.sack,
    {
      cumulativeTsn: u32('tsn'),
      receiverWindow: u32('window', 'arwnd'),
      gaps: field(listOf(gap)),
      duplicates: field(listOf(unsigned(32))),
    },
    { cumulativeTsn: 0, receiverWindow: 65_535, gaps: [], duplicates: [] },
  ),
  heartbeat: chunk(4),
  'heartbeat-ack': chunk(5),
  abort: chunk(6),
  shutdown: chunk(SctpChunkType.shutdown, { cumulativeTsn: u32('tsn') }, { cumulativeTsn: 0 }),
  'shutdown-ack': chunk(8),
  error: chunk(9),
  'cookie-echo': chunk(10),
  'cookie-ack': chunk(11),
  'shutdown-complete': chunk(14),
  chunk: {
    fields: { type: field(unsigned(8)), data: field(hexText()), ...chunkCommon },
    make: (fields) => ({ type: 255, flags: 0, data: '', ...fields }),
  },
});

export const sctp: LayerSpec = {
  protocol: 'sctp',
  names: ['sctp'],
  fields: {
    sourcePort: field(unsigned(16), ['sport', 'src'], `${SOURCE_PORT}`),
    destinationPort: field(unsigned(16), ['dport', 'dst', 'port']),
    verificationTag: field(unsigned(32), ['tag', 'vtag']),
    checksum: field(computedUnlessGiven(unsigned(32, { names: { none: 0 } })), ['chksum', 'sum'], 'computed'),
    chunks: field(listOf(sctpChunk), ['chunk'], 'data of what follows, or init'),
  },
  numbers: () => ({ ipProtocol: IPProtocol.sctp }),
  complete: (fields, place) => {
    const complete = filled(fields, { ...ports(fields, place), verificationTag: 0 });
    // What follows is the data of a chunk, as it is read.
    if (complete.chunks !== undefined || place.inner !== undefined) return complete;
    return { ...complete, chunks: [{ type: SctpChunkType.init, flags: 0, ...INIT_DEFAULTS, data: '' }] };
  },
  encode: (fields: SctpFields, inner) => {
    if (fields.chunks !== undefined) return joined(encodeSctp(fields), inner);
    const data = Array.from(inner, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return encodeSctp({ ...fields, chunks: [{ type: SctpChunkType.data, ...DATA_DEFAULTS, data }] });
  },
};
