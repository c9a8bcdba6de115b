/** Ethernet, VLAN tags, LLC and SNAP, ARP. */
import { type IPAddress, IPv4Address, parseIP } from '../../../sockaddr/ip.js';
import { type ArpMessage, encodeArp } from '../../../wire/arp.js';
import { type EthernetMessage, encodeEthernet } from '../../../wire/ethernet.js';
import { encodeLlc, encodeSnap, type LlcMessage, LlcSap, type SnapMessage } from '../../../wire/llc.js';
import { EtherType, IPProtocol } from '../../../wire/numbers.js';
import { formatHardware } from '../../../wire/text.js';
import { encodeVlan, type VlanMessage } from '../../../wire/vlan.js';
import { address, hardware } from '../kinds/addresses.js';
import { ofSender } from '../kinds/kind.js';
import { boolean, number, unsigned } from '../kinds/numbers.js';
import { ETHER_TYPES, numberOfInner } from './numbers.js';
import { field, filled, type Given, given, headed, type LayerSpec, type Place } from './spec.js';

const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const NOBODY = '00:00:00:00:00:00';
/** IEEE 802.1D section 7.12.3 and 802.1AB section 7.1. */
const BRIDGES = '01:80:c2:00:00:00';
const NEAREST_BRIDGE = '01:80:c2:00:00:0e';
const REQUEST = 1;
/** Discovery of PPPoE begins with it. */
const PADI = 9;
/** The largest length of a frame of 802.3. */
const MAX_LENGTH = 1500;

const etherType = () => unsigned(16, { names: ETHER_TYPES });

export const ethernet: LayerSpec = {
  protocol: 'ethernet',
  names: ['eth', 'ethernet', 'ether'],
  fields: {
    destination: field(hardware(), ['dst'], 'by what follows'),
    source: field(ofSender(hardware()), ['src'], 'that of the interface'),
    etherType: field(etherType(), ['type', 'length', 'len'], 'by what follows'),
  },
  numbers: () => ({ etherType: ETHER_TYPES.ethernet as number, ipProtocol: IPProtocol.ethernet }),
  complete: (fields, place) => {
    const source = given<string>(fields, 'source') ?? place.defaults.sourceHardware?.()?.toString();
    if (source === undefined) throw place.fault('which hardware address it is from is not known', 'write src=…');
    return filled(fields, {
      source,
      destination: given(fields, 'destination') ?? hardwareDestination(place),
      etherType: given(fields, 'etherType') ?? typeOrLength(place),
    });
  },
  encode: (fields: EthernetMessage, inner, place) =>
    headed(inner, (into) => encodeEthernet({ ...fields, etherType: fields.etherType ?? lengthOf(inner, place) }, into)),
};

/** Undefined for what says a length instead (IEEE 802.3 section 3.2.6). */
function typeOrLength(place: Place): number | undefined {
  return place.inner?.spec.protocol === 'llc' ? undefined : numberOfInner(place, 'etherType', 'etherType', '0x88b5');
}

function lengthOf(inner: Uint8Array, place: Place): number {
  if (inner.length <= MAX_LENGTH) return inner.length;
  throw place.fault(`a frame of 802.3 has at most ${MAX_LENGTH} bytes behind its header, and this one ${inner.length}`);
}

/** By what goes over the link: groups have addresses of their own, for a host somebody is asked. */
function hardwareDestination(place: Place): string {
  for (const { spec, fields } of place.layers.slice(place.index + 1)) {
    switch (spec.protocol) {
      case 'vlan':
      case 'mpls':
      case 'snap':
      case 'llc':
        continue;
      case 'stp':
        return BRIDGES;
      case 'lldp':
        return NEAREST_BRIDGE;
      case 'arp': {
        const target = given<string>(fields, 'targetHardware');
        return target === undefined || target === NOBODY ? BROADCAST : target;
      }
      case 'ipv4':
      case 'ipv6': {
        const destination = given<string>(fields, 'destination') ?? destinationOf(place, spec.protocol);
        if (destination !== undefined) return hardwareOf(parseIP(destination), place);
        break;
      }
      case 'pppoe':
        // RFC 2516 section 5.1: whoever is there is asked.
        if ((given<number>(fields, 'code') ?? (given(fields, 'tags') === undefined ? 0 : PADI)) === PADI)
          return BROADCAST;
    }
    break;
  }
  throw place.fault('which hardware address it goes to is not known', 'write dst=02:… or dst=broadcast');
}

/** Where what IP carries goes by its nature. */
export function destinationOf(place: Place, family: 'ipv4' | 'ipv6'): string | undefined {
  for (const { spec, fields } of place.layers.slice(place.index + 1)) {
    const towards = spec.towards?.(fields, family);
    if (towards?.destination !== undefined) return towards.destination;
  }
  return undefined;
}

/** RFC 1112 section 6.4 and RFC 2464 section 7. */
function hardwareOf(to: IPAddress, place: Place): string {
  const bytes = to.toBytes();
  if (to.isMulticast && to.family === 'ipv4') {
    return formatHardware(
      Uint8Array.of(0x01, 0x00, 0x5e, (bytes[1] as number) & 0x7f, bytes[2] as number, bytes[3] as number),
      0,
    );
  }
  if (to.isMulticast) return formatHardware(Uint8Array.of(0x33, 0x33, ...bytes.subarray(12)), 0);
  if (to.equals(LIMITED_BROADCAST)) return BROADCAST;
  const found = place.defaults.destinationHardware?.(to)?.toString();
  if (found !== undefined) return found;
  throw place.fault(`the hardware address of ${to.toString()} or of its next hop is not known`, 'write dst=02:…');
}

const LIMITED_BROADCAST = new IPv4Address(0xffff_ffff);

export const vlan: LayerSpec = {
  protocol: 'vlan',
  names: ['vlan', 'dot1q'],
  fields: {
    id: field(unsigned(12), ['vid', 'vlan']),
    priority: field(number(0, 7), ['prio', 'pcp']),
    dropEligible: field(boolean, ['dei', 'cfi']),
    etherType: field(etherType(), ['type', 'length', 'len'], 'by what follows'),
  },
  positional: 'id',
  numbers: () => ({ etherType: EtherType.vlan }),
  complete: (fields, place) =>
    filled(fields, {
      id: 0,
      priority: 0,
      dropEligible: false,
      etherType: given(fields, 'etherType') ?? typeOrLength(place),
    }),
  encode: (fields: VlanMessage, inner, place) =>
    headed(inner, (into) => encodeVlan({ ...fields, etherType: fields.etherType ?? lengthOf(inner, place) }, into)),
};

const SAPS = { snap: LlcSap.snap, stp: LlcSap.stp, ip: LlcSap.ip, ipx: LlcSap.ipx, iso: LlcSap.iso };
/** Unnumbered information. */
const INFORMATION = 3;

export const llc: LayerSpec = {
  protocol: 'llc',
  names: ['llc'],
  fields: {
    destinationSap: field(unsigned(8, { names: SAPS }), ['dsap'], 'by what follows'),
    sourceSap: field(unsigned(8, { names: SAPS }), ['ssap'], 'by what follows'),
    control: field(unsigned(16), ['ctrl'], '3'),
  },
  complete: (fields, place) => {
    const destinationSap =
      given(fields, 'destinationSap') ?? numberOfInner(place, 'llcSap', 'destinationSap', '0xfe', 0);
    return filled(fields, { destinationSap, sourceSap: destinationSap, control: INFORMATION });
  },
  encode: (fields: LlcMessage, inner) => headed(inner, (into) => encodeLlc(fields, into)),
};

export const snap: LayerSpec = {
  protocol: 'snap',
  names: ['snap'],
  fields: {
    organization: field(unsigned(24), ['oui']),
    protocolId: field(etherType(), ['type', 'protocol', 'code'], 'by what follows'),
  },
  numbers: () => ({ llcSap: LlcSap.snap }),
  complete: (fields, place) =>
    filled(fields, {
      organization: 0,
      protocolId: given(fields, 'protocolId') ?? numberOfInner(place, 'etherType', 'protocolId', '0x88b5'),
    }),
  encode: (fields: SnapMessage, inner) => headed(inner, (into) => encodeSnap(fields, into)),
};

export const arp: LayerSpec = {
  protocol: 'arp',
  names: ['arp'],
  fields: {
    operation: field(
      unsigned(16, { names: { request: REQUEST, reply: 2, 'who-has': REQUEST, 'is-at': 2 } }),
      ['op'],
      'request',
    ),
    senderHardware: field(ofSender(hardware(true)), ['hwsrc', 'sha'], 'that of the frame'),
    senderProtocol: field(ofSender(address('ipv4')), ['psrc', 'spa', 'sender', 'src'], "this machine's"),
    targetHardware: field(hardware(true), ['hwdst', 'tha'], 'zeros'),
    targetProtocol: field(address('ipv4'), ['pdst', 'tpa', 'target', 'dst']),
    hardwareType: field(unsigned(16), ['hwtype'], '1'),
    protocolType: field(etherType(), ['ptype'], '0x0800'),
  },
  numbers: () => ({ etherType: EtherType.arp }),
  complete: completeArp,
  encode: (fields: ArpMessage, inner) => headed(inner, (into) => encodeArp(fields, into)),
};

function completeArp(fields: Given, place: Place): Given {
  const targetProtocol = given<string>(fields, 'targetProtocol');
  if (targetProtocol === undefined) throw place.fault('whom it asks for is not said', 'write target=192.0.2.1');
  const senderHardware = given<string>(fields, 'senderHardware') ?? (place.outer('ethernet')?.fields.source as string);
  if (senderHardware === undefined) throw place.fault('whom it is from is not known', 'write senderHardware=…');
  const senderProtocol =
    given<string>(fields, 'senderProtocol') ?? place.defaults.sourceFor(parseIP(targetProtocol))?.toString();
  if (senderProtocol === undefined) throw place.fault('whom it is from is not known', 'write sender=…');
  return filled(fields, {
    hardwareType: 1,
    protocolType: EtherType.ipv4,
    operation: REQUEST,
    senderHardware,
    senderProtocol,
    targetHardware: NOBODY,
  });
}
