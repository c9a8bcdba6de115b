/** ICMPv6, with neighbour discovery and multicast listeners. */
import { parseIPv6 } from '../../../sockaddr/ip.js';
import { encodeIcmpv6, type Icmpv6Fields, Icmpv6Type } from '../../../wire/icmpv6.js';
import type { NeighborOption } from '../../../wire/neighbor-discovery.js';
import { IPProtocol } from '../../../wire/numbers.js';
import { hex } from '../../../wire/text.js';
import { address, hardware, ipv6Prefix } from '../kinds/addresses.js';
import { domainName, hexText } from '../kinds/bytes.js';
import { ofSender } from '../kinds/kind.js';
import { boolean, number, unsigned } from '../kinds/numbers.js';
import { listOf, type Variant, variants } from '../kinds/structures.js';
import { checkCode, groupRecord } from './groups.js';
import { commonFields } from './icmp.js';
import { field, filled, type Given, given, type LayerSpec, type Place, standsFor, type Towards } from './spec.js';

/** RFC 4443: of unreachable; of others what their type says. */
const CODES = {
  'no-route': 0,
  prohibited: 1,
  'beyond-scope': 2,
  address: 3,
  port: 4,
  'failed-policy': 5,
  reject: 6,
  transit: 0,
  reassembly: 1,
};

const PREFERENCES = { low: -1, medium: 0, high: 1 };
/** RFC 4861 section 6.2.1, in seconds: 30 and 7 days. */
const VALID = 2_592_000;
const PREFERRED = 604_800;

const linkLayer = (type: number, aliases: readonly string[]): Variant => ({
  aliases,
  fields: { address: field(ofSender(hardware())) },
  positional: 'address',
  make: ({ address: linkLayerAddress = '00:00:00:00:00:00' }) => ({ type, linkLayerAddress }),
});

const prefixFields = {
  prefix: standsFor(ipv6Prefix, (fields, value) => Object.assign(fields, value)),
  prefixLength: field(number(0, 128), ['length', 'len']),
};

const neighborOption = variants('option of neighbour discovery', {
  'source-link-layer-address': linkLayer(1, ['slla', 'source']),
  'target-link-layer-address': linkLayer(2, ['tlla', 'target']),
  prefix: {
    fields: {
      ...prefixFields,
      onLink: field(boolean, ['l']),
      autonomous: field(boolean, ['a']),
      routerAddress: field(boolean, ['r']),
      validLifetime: field(unsigned(32), ['valid']),
      preferredLifetime: field(unsigned(32), ['preferred']),
    },
    positional: 'prefix',
    make: (fields) => ({
      type: 3,
      prefix: '::',
      prefixLength: 64,
      onLink: true,
      autonomous: true,
      routerAddress: false,
      validLifetime: VALID,
      preferredLifetime: PREFERRED,
      ...fields,
    }),
  },
  mtu: {
    fields: { mtu: field(unsigned(32)) },
    positional: 'mtu',
    make: (fields) => ({ type: 5, mtu: 1500, ...fields }),
  },
  route: {
    fields: {
      ...prefixFields,
      preference: field(number(-1, 1, { names: PREFERENCES }), ['pref']),
      lifetime: field(unsigned(32)),
    },
    positional: 'prefix',
    make: (fields) => ({ type: 24, prefix: '::', prefixLength: 0, preference: 0, lifetime: 1800, ...fields }),
  },
  'dns-servers': {
    aliases: ['rdnss'],
    fields: { servers: field(listOf(address('ipv6'), 127)), lifetime: field(unsigned(32)) },
    positional: 'servers',
    make: (fields) => ({ type: 25, lifetime: 1800, servers: [], ...fields }),
  },
  'search-list': {
    aliases: ['dnssl'],
    fields: { domains: field(listOf(domainName, 7)), lifetime: field(unsigned(32)) },
    positional: 'domains',
    make: (fields) => ({ type: 31, lifetime: 1800, domains: [], ...fields }),
  },
  option: {
    fields: { type: field(unsigned(8)), data: field(hexText({ max: 2038, unit: 8, less: 2 })) },
    make: (fields) => ({ type: 253, data: '00'.repeat(6), ...fields }),
  },
});

const { redirect, neighborSolicitation, neighborAdvertisement, routerSolicitation, routerAdvertisement } = Icmpv6Type;
const { listenerQuery, listenerReport, listenerDone, listenerReportV2 } = Icmpv6Type;
const EXTENDED: ReadonlySet<number> = new Set([Icmpv6Type.extendedEchoRequest, Icmpv6Type.extendedEchoReply]);

const typeOf = (fields: Given): number => given<number>(fields, 'icmpType') ?? Icmpv6Type.echoRequest;

export const icmpv6: LayerSpec = {
  protocol: 'icmpv6',
  names: ['icmp6', 'icmpv6'],
  fields: {
    ...commonFields('ipv6', CODES, 8),
    mtu: field(unsigned(32)),
    target: field(address('ipv6'), ['tgt']),
    destination: field(address('ipv6'), ['dst']),
    options: field(listOf(neighborOption), ['option']),
    router: field(boolean, ['r']),
    solicited: field(boolean, ['s']),
    override: field(boolean, ['o']),
    hopLimit: field(unsigned(8), ['chlim'], '64'),
    managed: field(boolean, ['m']),
    otherConfiguration: field(boolean, ['other']),
    homeAgent: field(boolean, ['h']),
    proxy: field(boolean, ['p']),
    preference: field(number(-1, 1, { names: PREFERENCES }), ['prf', 'pref']),
    routerLifetime: field(unsigned(16), [], '1800'),
    reachableTime: field(unsigned(32)),
    retransmitTimer: field(unsigned(32), ['retranstimer']),
    group: field(address('ipv6'), ['mladdr']),
    maxResponseTime: field(number(0, 0x7ff_f000, { unit: 'ms' }), ['mrt', 'mrd']),
    mldVersion: field(number(1, 2), ['version'], 'by the other fields'),
    suppress: field(boolean),
    robustness: field(number(0, 7), ['qrv'], '2'),
    queryInterval: field(number(0, 31_744, { unit: 'seconds' }), ['qqi'], '125'),
    sources: field(listOf(address('ipv6'))),
    records: field(listOf(groupRecord('ipv6')), ['record']),
  },
  numbers: () => ({ ipProtocol: IPProtocol.icmpv6 }),
  towards,
  complete,
  encode: (fields: Icmpv6Fields, inner, place) => {
    const redirects = fields.icmpType === redirect && inner.length > 0;
    if (!redirects) return encodeIcmpv6(fields, inner, place.addresses);
    const options = [...(fields.options ?? []), redirected(inner)];
    return encodeIcmpv6({ ...fields, options }, new Uint8Array(0), place.addresses);
  },
};

/** RFC 4861 section 4.6.3: what is redirected stands in an option, behind six reserved bytes. */
function redirected(packet: Uint8Array): NeighborOption {
  const data = new Uint8Array(Math.ceil((packet.length + 8) / 8) * 8 - 2);
  data.set(packet, 6);
  return { type: 4, data: hex(data, 0, data.length) };
}

/** RFC 4861 section 3.1 (neighbours take nothing from further away), RFC 2710 section 3 and RFC 9777 section 5. */
function towards(fields: Given): Towards | undefined {
  const group = given<string>(fields, 'group');
  switch (typeOf(fields)) {
    case routerSolicitation:
      return { destination: 'ff02::2', hopLimit: 255 };
    case routerAdvertisement:
      return { destination: 'ff02::1', hopLimit: 255 };
    case neighborSolicitation: {
      const target = given<string>(fields, 'target');
      return target === undefined ? { hopLimit: 255 } : { destination: solicitedNode(target), hopLimit: 255 };
    }
    case neighborAdvertisement:
      return { destination: 'ff02::1', hopLimit: 255 };
    case redirect:
      return { hopLimit: 255 };
    case listenerQuery:
      return { destination: group === undefined || group === '::' ? 'ff02::1' : group, hopLimit: 1 };
    case listenerReport:
      return group === undefined ? { hopLimit: 1 } : { destination: group, hopLimit: 1 };
    case listenerDone:
      return { destination: 'ff02::2', hopLimit: 1 };
    case listenerReportV2:
      return { destination: 'ff02::16', hopLimit: 1 };
    default:
      return undefined;
  }
}

/** RFC 4291 section 2.7.1. */
function solicitedNode(target: string): string {
  const bytes = parseIPv6(target).toBytes();
  const [a = 0, b = 0, c = 0] = bytes.subarray(13);
  return `ff02::1:ff${a.toString(16).padStart(2, '0')}:${((b << 8) | c).toString(16)}`;
}

function complete(fields: Given, place: Place): Given {
  const icmpType = typeOf(fields);
  const common = { icmpType, icmpCode: 0 };
  if (EXTENDED.has(icmpType) && (given<number>(fields, 'sequence') ?? 0) > 255) {
    throw place.fault('the sequence of extended echo is 0 to 255');
  }
  switch (icmpType) {
    case neighborSolicitation:
    case neighborAdvertisement:
    case redirect:
      if (given(fields, 'target') === undefined)
        throw place.fault('its target is not said', 'write target=2001:db8::1');
      return filled(fields, common);
    case routerAdvertisement:
      return filled(fields, { ...common, hopLimit: 64, routerLifetime: 1800 });
    case listenerQuery: {
      const second = ['suppress', 'robustness', 'queryInterval', 'sources'].some(
        (name) => given(fields, name) !== undefined,
      );
      const mldVersion = given<number>(fields, 'mldVersion') ?? (second ? 2 : 1);
      const time = given<number>(fields, 'maxResponseTime') ?? 10_000;
      const query = filled(fields, { ...common, mldVersion, group: '::', maxResponseTime: time });
      if (mldVersion === 1) {
        if (second) throw place.fault('version 1 of MLD has no sources', 'leave out mldVersion');
        if (time > 0xffff) throw place.fault(`a response time of ${time} ms is above 65,535, which version 1 can say`);
        return query;
      }
      const complete = filled(query, { suppress: false, robustness: 2, queryInterval: 125, sources: [] });
      checkCode(complete, 'maxResponseTime', 16, place);
      checkCode(complete, 'queryInterval', 8, place);
      return complete;
    }
    case listenerReport:
    case listenerDone:
      return filled(fields, { ...common, group: '::', maxResponseTime: 0 });
    case Icmpv6Type.echoRequest:
      return filled(fields, { ...common, ...place.defaults.nextEcho() });
    default:
      return filled(fields, common);
  }
}
