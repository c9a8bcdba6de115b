/** The wire's own numbers, by the names used here. Texts for people are in names.ts. */

/** EtherTypes, IEEE 802 numbers. */
export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  /** IEEE 802.1Q customer tag. */
  vlan: 0x8100,
  ipv6: 0x86dd,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoeDiscovery: 0x8863,
  pppoeSession: 0x8864,
  lldp: 0x88cc,
  /** IEEE 802.1ad service tag. */
  serviceVlan: 0x88a8,
  /** Service tags as they were before 802.1ad. */
  oldServiceVlan: 0x9100,
} as const;

/** Protocol numbers of IP, IANA's registry; those of IPv6 extension headers among them. */
export const IPProtocol = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  authentication: 51,
  icmpv6: 58,
  noNextHeader: 59,
  destinationOptions: 60,
  ospf: 89,
  vrrp: 112,
  sctp: 132,
  mplsInIp: 137,
  ethernet: 143,
} as const;
