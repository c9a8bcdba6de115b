/** Numbers of protocols that filters name, besides those of the wire's codecs. */

/** EtherTypes: IEEE 802 numbers. */
export const Ether = {
  ns: 0x0600,
  ip: 0x0800,
  arp: 0x0806,
  mopDumpLoad: 0x6001,
  mopRemoteConsole: 0x6002,
  decnet: 0x6003,
  lat: 0x6004,
  sca: 0x6007,
  transparentBridging: 0x6558,
  rarp: 0x8035,
  appleTalk: 0x809b,
  appleTalkArp: 0x80f3,
  vlan: 0x8100,
  ip6: 0x86dd,
  mpls: 0x8847,
  pppoeDiscovery: 0x8863,
  pppoeSession: 0x8864,
  serviceVlan: 0x88a8,
  oldServiceVlan: 0x9100,
  ipx: 0x8137,
} as const;

/** The largest length of IEEE 802.3; a greater number in its place is an EtherType. */
export const MAX_LENGTH = 1500;

/** Service access points of IEEE 802.2. */
export const Sap = { ip: 0x06, stp: 0x42, snap: 0xaa, ipx: 0xe0, netbeui: 0xf0, iso: 0xfe } as const;

export const IP = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  tcp: 6,
  igrp: 9,
  udp: 17,
  routing: 43,
  fragment: 44,
  esp: 50,
  ah: 51,
  icmp6: 58,
  none: 59,
  destinationOptions: 60,
  pim: 103,
  vrrp: 112,
  carp: 112,
  sctp: 132,
} as const;

/** Network layer identifiers of ISO/IEC TR 9577. */
export const Nlpid = { clnp: 0x81, esis: 0x82, isis: 0x83 } as const;

/** PDU types of IS-IS, ISO/IEC 10589 section 9. */
export const Isis = {
  l1Hello: 15,
  l2Hello: 16,
  pointToPointHello: 17,
  l1Link: 18,
  l2Link: 20,
  l1Complete: 24,
  l2Complete: 25,
  l1Partial: 26,
  l2Partial: 27,
} as const;

/** The protocol field of PPP, RFC 1661 and IANA's registry. */
export const Ppp = {
  ip: 0x0021,
  osi: 0x0023,
  ns: 0x0025,
  decnet: 0x0027,
  appleTalk: 0x0029,
  ipx: 0x002b,
  bridge: 0x0031,
  ip6: 0x0057,
  mpls: 0x0281,
} as const;

/** Protocols of Linux's cooked headers that are no EtherTypes, linux/if_ether.h. */
export const Cooked = { novell8023: 0x0001, llc: 0x0004 } as const;
/** packet(7): frames that this machine sent. */
export const PACKET_OUTGOING = 4;

/**
 * What the kernel knows besides a packet's bytes, as offsets of loads: linux/filter.h, SKF_AD_OFF.
 */
const KERNEL = 0xffff_f000;
export const Kernel = {
  /** An EtherType, or one of {@link Cooked}. */
  protocol: KERNEL + 0,
  packetType: KERNEL + 4,
  interfaceIndex: KERNEL + 8,
  /** ARPHRD_ number of the interface. */
  hardwareType: KERNEL + 28,
  vlanTag: KERNEL + 44,
  vlanTagPresent: KERNEL + 48,
} as const;

/** SKF_LL_OFF of linux/filter.h: from there on, loads are of the link's header, though a socket's data begin behind it. */
export const KERNEL_LINK = 0xffe0_0000;

/** UDP ports of tunnels: RFC 8926 section 3.3, RFC 7348 section 5. */
export const GENEVE_PORT = 6081;
export const VXLAN_PORT = 4789;
