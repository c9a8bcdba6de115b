/** Names of numbers, for people. */

/** EtherTypes of the IEEE registry that are met most, in hex as the registry has them. */
const ETHER_TYPES: Readonly<Record<number, string>> = {
  2048: 'IPv4',
  2054: 'ARP',
  2114: 'Wake-on-LAN',
  8944: 'AVTP',
  8947: 'TRILL',
  8938: 'SRP',
  25944: 'Transparent Ethernet Bridging',
  32821: 'Reverse ARP',
  32923: 'AppleTalk',
  33011: 'AppleTalk ARP',
  33024: '802.1Q',
  33079: 'IPX',
  34525: 'IPv6',
  34824: 'MAC Control',
  34825: 'Slow Protocols',
  34887: 'MPLS unicast',
  34888: 'MPLS multicast',
  34915: 'PPPoE D',
  34916: 'PPPoE S',
  34925: 'Intel ANS',
  34958: 'EAPOL',
  34962: 'PROFINET',
  34978: 'ATA over Ethernet',
  34980: 'EtherCAT',
  34984: '802.1Q-QinQ',
  35020: 'LLDP',
  35045: 'MACsec',
  35063: 'PTP',
  35074: 'CFM',
  35078: 'FCoE',
  36864: 'Loopback',
  37120: '802.1Q-9100',
};

/** Protocols of IANA's registry that are met most. */
const IP_PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'hop-by-hop options',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  8: 'EGP',
  17: 'UDP',
  33: 'DCCP',
  41: 'IPv6',
  43: 'IPv6 routing',
  44: 'IPv6 fragment',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMP6',
  59: 'no next header',
  60: 'IPv6 destination options',
  88: 'EIGRP',
  89: 'OSPF',
  94: 'IPIP',
  97: 'EtherIP',
  103: 'PIM',
  108: 'IPComp',
  112: 'VRRP',
  115: 'L2TP',
  132: 'SCTP',
  135: 'mobility header',
  136: 'UDP-Lite',
  137: 'MPLS',
  143: 'Ethernet',
};

/** `IPv4`; `ethertype 0x1234` for a number without a name here. */
export function etherTypeName(number: number): string {
  return ETHER_TYPES[number] ?? `ethertype 0x${number.toString(16).padStart(4, '0')}`;
}

/** `UDP`; `ip-proto-99` for a number without a name here. */
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
