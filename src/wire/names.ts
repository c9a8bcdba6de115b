/** Names of numbers, for people. */

/** EtherTypes of the IEEE registry that are met most. */
const ETHER_TYPES: Readonly<Record<number, string>> = {
  2048: 'IPv4',
  2054: 'ARP',
  33024: '802.1Q',
  34525: 'IPv6',
  34887: 'MPLS',
  34915: 'PPPoE discovery',
  34916: 'PPPoE session',
  34984: '802.1ad',
  35020: 'LLDP',
  35063: 'PTP',
};

/** Protocols of IANA's registry that are met most. */
const IP_PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'hop-by-hop options',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMP6',
  88: 'EIGRP',
  89: 'OSPF',
  103: 'PIM',
  112: 'VRRP',
  132: 'SCTP',
};

export function etherTypeName(number: number): string {
  return ETHER_TYPES[number] ?? `ethertype 0x${number.toString(16).padStart(4, '0')}`;
}

export function ipProtocolName(number: number): string {
  return IP_PROTOCOLS[number] ?? `ip-proto-${number}`;
}

const UNREACHABLE = [
  'net unreachable',
  'host unreachable',
  'protocol unreachable',
  'port unreachable',
  'fragmentation needed',
  'source route failed',
  'net unknown',
  'host unknown',
  'source host isolated',
  'net administratively prohibited',
  'host administratively prohibited',
  'net unreachable for this type of service',
  'host unreachable for this type of service',
  'communication administratively prohibited',
  'host precedence violation',
  'precedence cutoff',
];

const UNREACHABLE6 = [
  'no route to destination',
  'communication administratively prohibited',
  'beyond the scope of the source address',
  'address unreachable',
  'port unreachable',
  'source address failed policy',
  'route rejected',
];

const ICMP: Readonly<Record<number, string>> = {
  0: 'echo reply',
  4: 'source quench',
  5: 'redirect',
  8: 'echo request',
  9: 'router advertisement',
  10: 'router solicitation',
  12: 'parameter problem',
  13: 'timestamp request',
  14: 'timestamp reply',
  17: 'address mask request',
  18: 'address mask reply',
  42: 'extended echo request',
  43: 'extended echo reply',
};

/** The words for an ICMP type and code (IANA, RFC 792, RFC 1812). */
export function icmpName(type: number, code: number): string {
  if (type === 3) return UNREACHABLE[code] ?? `destination unreachable, code ${code}`;
  if (type === 11) return code === 1 ? 'fragment reassembly time exceeded' : 'time to live exceeded';
  return ICMP[type] ?? `type ${type}, code ${code}`;
}

const ICMPV6: Readonly<Record<number, string>> = {
  2: 'packet too big',
  4: 'parameter problem',
  128: 'echo request',
  129: 'echo reply',
  130: 'multicast listener query',
  131: 'multicast listener report',
  132: 'multicast listener done',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
  137: 'redirect',
  143: 'multicast listener report v2',
  160: 'extended echo request',
  161: 'extended echo reply',
};

/** The words for an ICMPv6 type and code (IANA, RFC 4443). */
export function icmpv6Name(type: number, code: number): string {
  if (type === 1) return UNREACHABLE6[code] ?? `destination unreachable, code ${code}`;
  if (type === 3) return code === 1 ? 'fragment reassembly time exceeded' : 'hop limit exceeded';
  return ICMPV6[type] ?? `type ${type}, code ${code}`;
}
