/** ICMP of IPv4, and what both versions have behind an error. */
import type { IPFamily } from '../../../sockaddr/ip.js';
import { encodeIcmp, type IcmpFields, IcmpType } from '../../../wire/icmp.js';
import { ICMP_TYPE_NAMES } from '../../../wire/icmp-types.js';
import { IPProtocol } from '../../../wire/numbers.js';
import { address } from '../kinds/addresses.js';
import { hexText, text } from '../kinds/bytes.js';
import type { Fields } from '../kinds/fields.js';
import { computedUnlessGiven } from '../kinds/kind.js';
import { boolean, number, oneOf, unsigned } from '../kinds/numbers.js';
import { listOf, record, variants } from '../kinds/structures.js';
import { field, filled, given, type LayerSpec, standsFor } from './spec.js';

/** Of a name that stands for several, the first. */
export function icmpTypes(family: IPFamily): Record<string, number> {
  const names: Record<string, number> = {};
  for (const [name, types] of Object.entries(ICMP_TYPE_NAMES)) {
    const [first] = types[family];
    if (first !== undefined) names[name] = first;
  }
  return names;
}

/** RFC 792, RFC 1122 and RFC 1812; names of codes of other types than unreachable at the end. */
const CODES = {
  net: 0,
  host: 1,
  protocol: 2,
  port: 3,
  'fragmentation-needed': 4,
  'source-route-failed': 5,
  'net-unknown': 6,
  'host-unknown': 7,
  'host-isolated': 8,
  'net-prohibited': 9,
  'host-prohibited': 10,
  'net-tos': 11,
  'host-tos': 12,
  prohibited: 13,
  precedence: 14,
  cutoff: 15,
  transit: 0,
  reassembly: 1,
};

const label = record(
  'label',
  {
    label: field(unsigned(20)),
    trafficClass: field(number(0, 7), ['tc', 'exp']),
    bottomOfStack: field(boolean, ['s', 'bottom']),
    ttl: field(unsigned(8)),
  },
  {
    positional: 'label',
    complete: (fields) => ({ label: 0, trafficClass: 0, bottomOfStack: true, ttl: 1, ...fields }),
  },
);

const interfaceFields = {
  index: field(unsigned(32)),
  address: field(address('either')),
  // A length byte counts itself and padding.
  name: field(text(63)),
};

const extension = variants('extension of ICMP', {
  mpls: {
    fields: { labels: field(listOf(label)) },
    positional: 'labels',
    make: (fields) => ({ kind: 'mpls', labels: [], ...fields }),
  },
  interface: {
    fields: {
      role: field(oneOf(['incoming', 'sub-ip', 'outgoing', 'next-hop'])),
      ...interfaceFields,
      mtu: field(unsigned(32)),
    },
    make: (fields) => ({ kind: 'interface', role: 'incoming', ...fields }),
  },
  'interface-identification': {
    fields: interfaceFields,
    make: (fields) => ({ kind: 'interface-identification', ...fields }),
  },
  extension: {
    fields: { class: field(unsigned(8)), type: field(unsigned(8)), data: field(hexText()) },
    make: (fields) => ({ kind: 'unknown', class: 0, type: 0, data: '', ...fields }),
  },
});

/** Fields that both versions have. @param unit of bytes in which a quote is counted */
export function commonFields(family: IPFamily, codes: Readonly<Record<string, number>>, unit: 4 | 8): Fields {
  return {
    icmpType: field(unsigned(8, { names: icmpTypes(family) }), ['type'], 'echo'),
    icmpCode: field(unsigned(8, { names: codes }), ['code']),
    checksum: field(computedUnlessGiven(unsigned(16)), ['chksum', 'sum', 'cksum'], 'computed'),
    identifier: field(unsigned(16), ['id'], 'of this run, in requests'),
    sequence: field(unsigned(16), ['seq'], 'the number of the packet, in requests'),
    rest: standsFor(unsigned(32), (fields, value) => {
      fields.identifier = Math.floor((value as number) / 0x1_0000);
      fields.sequence = (value as number) % 0x1_0000;
    }),
    pointer: field(unsigned(family === 'ipv4' ? 8 : 32), ['ptr']),
    local: field(boolean),
    state: field(number(0, 7)),
    active: field(boolean),
    hasIPv4: field(boolean),
    hasIPv6: field(boolean),
    quoteLength: field(number(0, 255 * unit, { multipleOf: unit, unit: 'bytes' }), ['length', 'len']),
    extensions: field(listOf(extension), ['extension'], 'none'),
  };
}

/** Types whose sequence is one byte. */
const EXTENDED: ReadonlySet<number> = new Set([IcmpType.extendedEchoRequest, IcmpType.extendedEchoReply]);

/** Types whose replies repeat identifier and sequence; the sequence of extended echo has no room for any number. */
const ASKING: ReadonlySet<number> = new Set([
  IcmpType.echoRequest,
  IcmpType.timestampRequest,
  IcmpType.informationRequest,
  IcmpType.addressMaskRequest,
]);

const router = record(
  'router',
  { address: field(address('ipv4')), preference: field(number(-0x8000_0000, 0x7fff_ffff)) },
  { positional: 'address', complete: (fields) => ({ address: '0.0.0.0', preference: 0, ...fields }) },
);

export const icmp: LayerSpec = {
  protocol: 'icmp',
  names: ['icmp', 'icmp4'],
  fields: {
    ...commonFields('ipv4', CODES, 4),
    nextHopMtu: field(unsigned(16), ['mtu']),
    gateway: field(address('ipv4'), ['gw']),
    originate: field(unsigned(32), ['orig']),
    receive: field(unsigned(32), ['recv']),
    transmit: field(unsigned(32), ['trans']),
    addressMask: field(address('ipv4'), ['mask']),
    lifetime: field(unsigned(16)),
    routers: field(listOf(router, 255), ['router']),
  },
  numbers: () => ({ ipProtocol: IPProtocol.icmp }),
  complete: (fields, place) => {
    const icmpType = given<number>(fields, 'icmpType') ?? IcmpType.echoRequest;
    const sequence = given<number>(fields, 'sequence') ?? 0;
    if (EXTENDED.has(icmpType) && sequence > 255) {
      throw place.fault(`sequence ${sequence} is outside of 0 to 255, which extended echo has`);
    }
    const mask = icmpType === IcmpType.addressMaskRequest || icmpType === IcmpType.addressMaskReply;
    const own = ASKING.has(icmpType) ? place.defaults.nextEcho() : {};
    return filled(fields, { icmpType, icmpCode: 0, addressMask: mask ? '0.0.0.0' : undefined, ...own });
  },
  encode: (fields: IcmpFields, inner) => encodeIcmp(fields, inner),
};
