/** The numbers by which layers call what they carry: by name in fields, and of what follows. */
import { EtherType, IPProtocol } from '../../../wire/numbers.js';
import type { Place } from './spec.js';

export const BRIDGED = 0x6558;

export const ETHER_TYPES: Readonly<Record<string, number>> = {
  ip: EtherType.ipv4,
  ipv4: EtherType.ipv4,
  arp: EtherType.arp,
  vlan: EtherType.vlan,
  'service-vlan': EtherType.serviceVlan,
  ip6: EtherType.ipv6,
  ipv6: EtherType.ipv6,
  mpls: EtherType.mpls,
  'mpls-multicast': EtherType.mplsMulticast,
  'pppoe-discovery': EtherType.pppoeDiscovery,
  'pppoe-session': EtherType.pppoeSession,
  lldp: EtherType.lldp,
  ethernet: BRIDGED,
};

/** IANA's protocol numbers, in the words of protocols(5) and of layers here. */
export const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: IPProtocol.icmp,
  icmp6: IPProtocol.icmpv6,
  icmpv6: IPProtocol.icmpv6,
  igmp: IPProtocol.igmp,
  tcp: IPProtocol.tcp,
  udp: IPProtocol.udp,
  sctp: IPProtocol.sctp,
  ip: IPProtocol.ipv4,
  ipip: IPProtocol.ipv4,
  ipv4: IPProtocol.ipv4,
  ip6: IPProtocol.ipv6,
  ipv6: IPProtocol.ipv6,
  gre: IPProtocol.gre,
  esp: IPProtocol.esp,
  ah: IPProtocol.authentication,
  ospf: IPProtocol.ospf,
  vrrp: IPProtocol.vrrp,
  mpls: IPProtocol.mplsInIp,
  ethernet: IPProtocol.ethernet,
  'hop-by-hop': IPProtocol.hopByHop,
  routing: IPProtocol.routing,
  fragment: IPProtocol.fragment,
  'destination-options': IPProtocol.destinationOptions,
  none: IPProtocol.noNextHeader,
  egp: 8,
  dccp: 33,
  rsvp: 46,
  eigrp: 88,
  pim: 103,
  l2tp: 115,
  udplite: 136,
};

/**
 * The number of what a layer carries.
 *
 * @param none what it is where nothing follows; undefined where nothing says so
 * @throws PacketExpressionError where what follows has no such number
 */
export function numberOfInner(
  place: Place,
  table: 'etherType' | 'ipProtocol' | 'pppProtocol' | 'llcSap',
  fieldName: string,
  example: string,
  none?: number,
): number {
  const found = place.innerNumbers[table];
  if (found !== undefined) return found;
  if (place.inner === undefined && none !== undefined) return none;
  const { protocol } = (place.layers[place.index] as (typeof place.layers)[number]).spec;
  const what = place.innerProtocol ?? (place.inner === undefined ? 'nothing' : 'a payload');
  const reason = `${protocol} carries ${what}, which tells no ${fieldName}`;
  throw place.fault(reason, `write ${fieldName}=… here, such as ${fieldName}=${example}`);
}
