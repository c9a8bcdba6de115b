/** What carries other packets: GRE, VXLAN, Geneve, MPLS. */
import { encodeGre, type GreMessage } from '../../../wire/gre.js';
import { encodeMpls, type MplsMessage } from '../../../wire/mpls.js';
import { EtherType, IPProtocol } from '../../../wire/numbers.js';
import { encodeGeneve, encodeVxlan, type GeneveMessage, type VxlanMessage } from '../../../wire/overlay.js';
import { PppProtocol } from '../../../wire/ppp.js';
import { hexText } from '../kinds/bytes.js';
import { AUTO, computedUnlessGiven } from '../kinds/kind.js';
import { boolean, number, unsigned } from '../kinds/numbers.js';
import { listOf, record } from '../kinds/structures.js';
import { ETHER_TYPES, numberOfInner } from './numbers.js';
import { field, filled, given, headed, type LayerSpec } from './spec.js';

const VXLAN_PORT = 4789;
const GENEVE_PORT = 6081;

const protocolType = () =>
  field(unsigned(16, { names: ETHER_TYPES }), ['protocol', 'proto', 'type'], 'by what follows');

export const gre: LayerSpec = {
  protocol: 'gre',
  names: ['gre'],
  fields: {
    version: field(number(0, 7), ['ver'], '1 with an acknowledgment'),
    protocolType: protocolType(),
    checksum: field(computedUnlessGiven(unsigned(16)), ['chksum', 'sum', 'cksum'], 'none; auto computes one'),
    key: field(unsigned(32), [], 'none'),
    sequence: field(unsigned(32), ['seq'], 'none'),
    acknowledgment: field(unsigned(32), ['ack'], 'none'),
  },
  numbers: () => ({ ipProtocol: IPProtocol.gre }),
  complete: (fields, place) => {
    const complete = filled(fields, {
      version: given(fields, 'acknowledgment') === undefined ? 0 : 1,
      protocolType: given(fields, 'protocolType') ?? numberOfInner(place, 'etherType', 'protocol', '0x88b5'),
    });
    return fields.checksum === AUTO ? { ...complete, checksum: AUTO } : complete;
  },
  encode: (
    { checksum, ...fields }: Omit<GreMessage, 'checksum'> & { readonly checksum?: number | typeof AUTO },
    inner,
  ) =>
    typeof checksum === 'number'
      ? encodeGre({ ...fields, checksum }, inner)
      : encodeGre(fields, inner, checksum === AUTO),
};

const VALID_NETWORK = 0x08;
const VALID_POLICY = 0x80;

export const vxlan: LayerSpec = {
  protocol: 'vxlan',
  names: ['vxlan'],
  fields: {
    vni: field(unsigned(24)),
    flags: field(unsigned(8), [], '0x08'),
    groupPolicy: field(unsigned(16), ['gpid']),
  },
  positional: 'vni',
  numbers: () => ({ udp: { destinationPort: VXLAN_PORT } }),
  complete: (fields) => {
    const policy = given(fields, 'groupPolicy') === undefined ? 0 : VALID_POLICY;
    return filled(fields, { vni: 0, flags: VALID_NETWORK | policy, groupPolicy: 0 });
  },
  encode: (fields: VxlanMessage, inner) => headed(inner, (into) => encodeVxlan(fields, into)),
};

/** Five bits of length, in words of four bytes. */
const geneveOption = record(
  'option',
  { class: field(unsigned(16)), type: field(unsigned(8)), data: field(hexText({ max: 124, unit: 4 })) },
  { complete: (fields) => ({ class: 0, type: 0, data: '', ...fields }) },
);

/** Six bits of length, in words of four bytes. */
const MAX_OPTIONS = 252;

export const geneve: LayerSpec = {
  protocol: 'geneve',
  names: ['geneve'],
  fields: {
    vni: field(unsigned(24)),
    version: field(number(0, 3), ['ver']),
    control: field(boolean, ['oam', 'o']),
    critical: field(boolean, ['c']),
    protocolType: protocolType(),
    options: field(listOf(geneveOption, 63), ['option'], 'none'),
  },
  positional: 'vni',
  numbers: () => ({ udp: { destinationPort: GENEVE_PORT } }),
  complete: (fields, place) => {
    const options = given<GeneveMessage['options']>(fields, 'options') ?? [];
    const length = options.reduce((sum, { data }) => sum + 4 + data.length / 2, 0);
    if (length > MAX_OPTIONS) throw place.fault(`its options take ${length} bytes, at most ${MAX_OPTIONS} fit`);
    return filled(fields, {
      vni: 0,
      version: 0,
      control: false,
      critical: options.some(({ type }) => type >= 0x80),
      protocolType: given(fields, 'protocolType') ?? numberOfInner(place, 'etherType', 'protocol', '0x88b5'),
      options,
    });
  },
  encode: (fields: GeneveMessage, inner) => headed(inner, (into) => encodeGeneve(fields, into)),
};

const LABELS = { 'ipv4-explicit-null': 0, 'router-alert': 1, 'ipv6-explicit-null': 2, 'implicit-null': 3 };

export const mpls: LayerSpec = {
  protocol: 'mpls',
  names: ['mpls'],
  fields: {
    label: field(unsigned(20, { names: LABELS })),
    trafficClass: field(number(0, 7), ['tc', 'exp', 'cos']),
    bottomOfStack: field(boolean, ['s', 'bottom', 'bos'], 'whether no label follows'),
    ttl: field(unsigned(8), [], '64'),
  },
  positional: 'label',
  numbers: () => ({
    etherType: EtherType.mpls,
    ipProtocol: IPProtocol.mplsInIp,
    pppProtocol: PppProtocol.mpls,
  }),
  complete: (fields, place) =>
    filled(fields, { label: 0, trafficClass: 0, bottomOfStack: place.innerProtocol !== 'mpls', ttl: 64 }),
  encode: (fields: MplsMessage, inner) => headed(inner, (into) => encodeMpls(fields, into)),
};
