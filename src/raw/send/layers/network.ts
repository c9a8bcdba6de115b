/** IPv4 and IPv6. */
import { SockctlError } from '../../../errors.js';
import { CODE_POINTS, ECN } from '../../../options/types/number.js';
import { parseIP } from '../../../sockaddr/ip.js';
import { encodeIPv4, type IPv4Header } from '../../../wire/ipv4.js';
import { encodeIPv6, type IPv6Header } from '../../../wire/ipv6.js';
import { LlcSap } from '../../../wire/llc.js';
import { EtherType, IPProtocol } from '../../../wire/numbers.js';
import { PppProtocol } from '../../../wire/ppp.js';
import { address } from '../kinds/addresses.js';
import { hexText } from '../kinds/bytes.js';
import { computedUnlessGiven, ofSender } from '../kinds/kind.js';
import { boolean, number, unsigned } from '../kinds/numbers.js';
import { listOf, record, variants } from '../kinds/structures.js';
import { numberOfInner, PROTOCOLS } from './numbers.js';
import {
  field,
  filled,
  type Given,
  given,
  headed,
  type LayerSpec,
  type Place,
  standsFor,
  type Towards,
} from './spec.js';

const MAX_PACKET = 0xffff;
const CODES = CODE_POINTS;

const checksum = () => computedUnlessGiven(unsigned(16, { names: { none: 0 } }));
const length = () => computedUnlessGiven(unsigned(16));
const route = (kind: string) => ({
  fields: {
    addresses: field(listOf(address('ipv4'), 9)),
    slots: standsFor(number(0, 9), (fields, value) => {
      fields.addresses = new Array(value as number).fill('0.0.0.0');
    }),
    pointer: field(unsigned(8)),
  },
  positional: 'addresses',
  make: (fields: object) => ({ kind, pointer: 4, addresses: [], ...fields }),
});

const timestampEntry = record(
  'entry',
  { address: field(address('ipv4')), timestamp: field(unsigned(32)) },
  { positional: 'timestamp', complete: (fields) => ({ timestamp: 0, ...fields }) },
);

const ipv4Option = variants('option of IPv4', {
  nop: { make: () => ({ kind: 'nop' }) },
  end: { make: () => ({ kind: 'end' }) },
  'router-alert': {
    fields: { value: field(unsigned(16)) },
    positional: 'value',
    make: (fields) => ({ kind: 'routerAlert', value: 0, ...fields }),
  },
  'record-route': { ...route('recordRoute'), aliases: ['rr'] },
  'loose-source-route': { ...route('looseSourceRoute'), aliases: ['lsrr'] },
  'strict-source-route': { ...route('strictSourceRoute'), aliases: ['ssrr'] },
  timestamp: {
    fields: {
      entries: field(listOf(timestampEntry, 9)),
      flag: field(unsigned(8, { names: { times: 0, addresses: 1, prespecified: 3 } })),
      pointer: field(unsigned(8)),
      overflow: field(number(0, 15)),
    },
    positional: 'entries',
    make: timestampOption,
  },
  option: {
    fields: { type: field(unsigned(8)), data: field(hexText({ max: 38 })) },
    make: (fields) => ({ kind: 'unknown', type: 0, data: '', ...fields }),
  },
});

/** RFC 791 section 3.1: with addresses, where any entry has one. */
function timestampOption(fields: Given) {
  const entries = (fields.entries ?? []) as readonly { readonly address?: string; readonly timestamp: number }[];
  const flag = (fields.flag as number | undefined) ?? (entries.some((entry) => entry.address !== undefined) ? 1 : 0);
  const plain = entries.map(({ address: of, timestamp }) =>
    flag === 0 ? { timestamp } : { address: of ?? '0.0.0.0', timestamp },
  );
  return { kind: 'timestamp', pointer: 5, overflow: 0, ...fields, flag, entries: plain };
}

export const ipv4: LayerSpec = {
  protocol: 'ipv4',
  names: ['ip', 'ipv4', 'ip4'],
  fields: {
    source: field(ofSender(address('ipv4')), ['src', 's'], "this machine's towards the destination"),
    destination: field(address('ipv4'), ['dst', 'd'], 'of groups, by what follows'),
    ttl: field(unsigned(8), ['hoplimit', 'hops'], '64, or by what follows'),
    protocolNumber: field(unsigned(8, { names: PROTOCOLS }), ['protocol', 'proto', 'p'], 'by what follows'),
    identification: field(unsigned(16), ['id', 'ipid'], 'the next one'),
    dontFragment: field(boolean, ['df']),
    moreFragments: field(boolean, ['mf']),
    fragmentOffset: field(number(0, 0xfff8, { multipleOf: 8, unit: 'bytes' }), ['frag', 'fragoff', 'offset']),
    dscp: field(number(0, 63, { names: CODES })),
    ecn: field(number(0, 3, { names: ECN })),
    tos: standsFor(unsigned(8), (fields, value) => {
      fields.dscp = (value as number) >> 2;
      fields.ecn = (value as number) & 3;
    }),
    version: field(number(0, 15), ['ver'], '4'),
    headerLength: field(computedUnlessGiven(number(0, 60, { multipleOf: 4, unit: 'bytes' })), ['hlen'], 'computed'),
    ihl: standsFor(number(0, 15), (fields, value) => {
      fields.headerLength = 4 * (value as number);
    }),
    totalLength: field(length(), ['length', 'len', 'totlen'], 'computed'),
    checksum: field(checksum(), ['chksum', 'sum', 'cksum'], 'computed'),
    options: field(listOf(ipv4Option, 40)),
  },
  numbers: () => ({
    etherType: EtherType.ipv4,
    ipProtocol: IPProtocol.ipv4,
    pppProtocol: PppProtocol.ipv4,
    llcSap: LlcSap.ip,
  }),
  complete: (fields, place) => {
    const towards = towardsOf(place, 'ipv4');
    const protocolNumber =
      given<number>(fields, 'protocolNumber') ?? numberOfInner(place, 'ipProtocol', 'protocol', '253');
    if (given(fields, 'protocolNumber') === undefined && place.innerProtocol === 'icmpv6') {
      throw place.fault('icmp6 is carried by IPv6', 'over IPv4 it is icmp()');
    }
    return filled(fields, {
      ...ends(fields, place, 'ipv4', towards),
      ttl: towards?.hopLimit ?? 64,
      protocolNumber,
      identification: place.defaults.nextIdentification() & 0xffff,
    });
  },
  encode: (fields: IPv4Header, inner, place) => {
    const bytes = headed(inner, (into) => encodeIPv4(fields, inner.length, into));
    return fitting(bytes, bytes.length, place);
  },
};

export const ipv6: LayerSpec = {
  protocol: 'ipv6',
  names: ['ip6', 'ipv6'],
  fields: {
    source: field(ofSender(address('ipv6')), ['src', 's'], "this machine's towards the destination"),
    destination: field(address('ipv6'), ['dst', 'd'], 'of groups, by what follows'),
    hopLimit: field(unsigned(8), ['hlim', 'ttl', 'hops'], '64, or by what follows'),
    nextHeader: field(unsigned(8, { names: PROTOCOLS }), ['nh', 'protocol', 'proto', 'p'], 'by what follows'),
    flowLabel: field(unsigned(20), ['fl', 'flow', 'flowid']),
    trafficClass: field(unsigned(8), ['tc', 'tos', 'tclass']),
    dscp: standsFor(number(0, 63, { names: CODES }), (fields, value) => {
      fields.trafficClass = (((fields.trafficClass as number) ?? 0) & 3) | ((value as number) << 2);
    }),
    ecn: standsFor(number(0, 3, { names: ECN }), (fields, value) => {
      fields.trafficClass = (((fields.trafficClass as number) ?? 0) & 0xfc) | (value as number);
    }),
    version: field(number(0, 15), ['ver'], '6'),
    payloadLength: field(length(), ['plen', 'length', 'len'], 'computed'),
  },
  numbers: () => ({ etherType: EtherType.ipv6, ipProtocol: IPProtocol.ipv6, pppProtocol: PppProtocol.ipv6 }),
  complete: (fields, place) => {
    const towards = towardsOf(place, 'ipv6');
    if (given(fields, 'nextHeader') === undefined && place.innerProtocol === 'icmp') {
      throw place.fault('icmp is carried by IPv4', 'over IPv6 it is icmp6(); nextHeader=1 sends it all the same');
    }
    return filled(fields, {
      ...ends(fields, place, 'ipv6', towards),
      hopLimit: towards?.hopLimit ?? 64,
      nextHeader:
        given<number>(fields, 'nextHeader') ??
        numberOfInner(place, 'ipProtocol', 'nextHeader', '253', IPProtocol.noNextHeader),
    });
  },
  encode: (fields: IPv6Header, inner, place) => {
    return fitting(
      headed(inner, (into) => encodeIPv6(fields, inner.length, into)),
      inner.length,
      place,
    );
  },
};

/** A length of 16 bits says no more; what is written as 0 (jumbograms, segments left to hardware) nobody asks for. */
function fitting(bytes: Uint8Array, length: number, place: Place): Uint8Array {
  if (length <= MAX_PACKET) return bytes;
  throw place.fault(`a packet of ${length} bytes, and at most ${MAX_PACKET.toLocaleString('en')} fit`);
}

/** What the layers within say of where they go. */
function towardsOf(place: Place, family: 'ipv4' | 'ipv6'): Towards | undefined {
  for (const { spec, fields } of place.layers.slice(place.index + 1)) {
    const towards = spec.towards?.(fields, family);
    if (towards !== undefined) return towards;
    // What lies beyond another IP header is that one's affair.
    if (spec.protocol === 'ipv4' || spec.protocol === 'ipv6') return undefined;
  }
  return undefined;
}

/** Source and destination. */
function ends(fields: Given, place: Place, family: 'ipv4' | 'ipv6', towards: Towards | undefined) {
  const destination = given<string>(fields, 'destination') ?? towards?.destination;
  if (destination === undefined) {
    const example = family === 'ipv4' ? '192.0.2.1' : '2001:db8::1';
    throw place.fault('where it goes is not said', `write dst=${example}`);
  }
  const source = given<string>(fields, 'source') ?? quotedSource(place, family) ?? sourceTowards(destination, place);
  return { source, destination };
}

/** An error goes to who has sent what it quotes. */
function quotedSource(place: Place, family: 'ipv4' | 'ipv6'): string | undefined {
  const carrier = place.layers[place.index - 1]?.spec.protocol;
  const network = place.network;
  if ((carrier !== 'icmp' && carrier !== 'icmpv6') || network?.spec.protocol !== family) return undefined;
  return network.fields.destination as string;
}

function sourceTowards(destination: string, place: Place): string {
  const found = place.defaults.sourceFor(parseIP(destination));
  const reason = `from which address this machine sends to ${destination} is not known`;
  if (found === undefined) throw place.fault(reason, 'write src=…');
  if (found instanceof SockctlError)
    throw place.fault(`${reason}: ${found.message}`, `${found.advice}, or write src=…`);
  return found.toString();
}
