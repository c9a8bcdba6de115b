/**
 * Layouts of the kernel's structures on 64-bit little-endian Linux, each with its manual page. The one place that
 * knows an offset.
 *
 *     struct iovec     base:8 len:8                                                    16 bytes   readv(2)
 *     struct msghdr    name:8 namelen:4 pad:4 iov:8 iovlen:8 control:8 controllen:8
 *                      flags:4 pad:4                                                   56 bytes   recvmsg(2)
 *     struct mmsghdr   msghdr:56 len:4 pad:4                                           64 bytes   recvmmsg(2)
 *     struct cmsghdr   len:8 level:4 type:4, data, padded to 8                         16 bytes   cmsg(3)
 *     struct timespec  seconds:8 nanoseconds:8                                         16 bytes   clock_gettime(2)
 *     struct itimerspec    interval:16 value:16, each a timespec                       32 bytes   timerfd_settime(2)
 *     struct in_pktinfo    ifindex:4 spec_dst:4 addr:4                                 12 bytes   ip(7)
 *     struct in6_pktinfo   addr:16 ifindex:4                                           20 bytes   ipv6(7)
 *     struct sock_extended_err  errno:4 origin:1 type:1 code:1 pad:1 info:4 data:4, then the offender's sockaddr
 *                                                                                      16 bytes   ip(7) IP_RECVERR
 *     struct sock_fprog    len:2 pad:6 filter:8                                        16 bytes   socket(7)
 *     struct tpacket_stats_v3  packets:4 drops:4 freezes:4                             12 bytes   linux/if_packet.h
 *     struct tpacket_block_desc    version:4 offset_to_priv:4 status:4 packets:4 first:4 length:4 seq:8
 *                      first time:8 last time:8                                        48 bytes   linux/if_packet.h
 *     struct tpacket3_hdr  next:4 sec:4 nsec:4 snaplen:4 len:4 status:4 mac:2 net:2 rxhash:4 vlan_tci:4 vlan_tpid:2
 *                      pad:10, then a sockaddr_ll                                      48 bytes   linux/if_packet.h
 *     struct sockaddr_ll   family:2 protocol:2 (big-endian) ifindex:4 hatype:2 pkttype:1 halen:1 addr:8
 *                                                                                      20 bytes   packet(7)
 *     struct ifreq         name:16 data:8 (a pointer)                                  40 bytes   netdevice(7)
 *     struct hwtstamp_config   flags:4 tx_type:4 rx_filter:4                           12 bytes   linux/net_tstamp.h
 *     struct sockaddr_in   family:2 port:2 (big-endian) addr:4 zero:8                  16 bytes   ip(7)
 *     struct sockaddr_in6  family:2 port:2 (big-endian) flowinfo:4 addr:16 scope:4     28 bytes   ipv6(7)
 *     struct sockaddr_nl   family:2 pad:2 pid:4 groups:4                               12 bytes   netlink(7)
 *     struct nlmsghdr      len:4 type:2 flags:2 seq:4 pid:4, data, padded to 4         16 bytes   netlink(7)
 *     struct nlmsgerr      error:4, then the nlmsghdr that it is about                 20 bytes   netlink(7)
 *     struct rtattr        len:2 type:2, data, padded to 4                              4 bytes   rtnetlink(7)
 *     struct ifinfomsg     family:1 pad:1 type:2 index:4 flags:4 change:4              16 bytes   rtnetlink(7)
 *     struct ifaddrmsg     family:1 prefixlen:1 flags:1 scope:1 index:4                 8 bytes   rtnetlink(7)
 *     struct rtnl_link_stats64  u64s: received and sent packets, bytes, errors, drops, …          linux/if_link.h
 *     sk_meminfo           nine counters of 4 bytes, the last of which is what was dropped
 *                                                                                     36 bytes   sock_diag(7)
 */
export const IOVEC_SIZE = 16;
export const MMSGHDR_SIZE = 64;
export const CMSGHDR_SIZE = 16;
export const CmsgHeader = { length: 0, level: 8, type: 12, data: CMSGHDR_SIZE } as const;
/** CMSG_LEN(2) and CMSG_SPACE(2): a control message with UDP_SEGMENT's 16 bits, udp(7). */
export const CMSG_LENGTH_SEGMENT = CMSGHDR_SIZE + 2;
export const CMSG_SPACE_SEGMENT = CMSGHDR_SIZE + 8;
/** The same of one with an int. */
export const CMSG_LENGTH_INT = CMSGHDR_SIZE + 4;
export const CMSG_SPACE_INT = CMSGHDR_SIZE + 8;

export const Msghdr = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  /** mmsghdr only: bytes moved. */
  length: 56,
} as const;

export const ITIMERSPEC_SIZE = 32;
export const Itimerspec = { valueSeconds: 16, valueNanoseconds: 24 } as const;

export const SOCK_FPROG_SIZE = 16;
export const SockFprog = { length: 0, filter: 8 } as const;

export const SK_MEMINFO_SIZE = 36;
export const SkMeminfo = { drops: 32 } as const;

export const ExtendedError = { errno: 0, origin: 4, type: 5, code: 6, info: 8, data: 12, size: 16 } as const;

/** sock_ee_data_rfc4884 in the place of ee_data: what stands before the extensions, in bytes, and whether they are sound. */
export const Rfc4884 = { length: 12, flags: 14, invalid: 1 } as const;

/** sock_extended_err's ee_origin: who raised the error. */
export const ErrorOrigin = { local: 1, icmp: 2, icmp6: 3, zeroCopy: 5 } as const;

/** SO_EE_CODE_ZEROCOPY_COPIED, the code of a notice: the kernel has copied all the same. */
export const ZEROCOPY_COPIED = 1;

/** Control message levels and types, `level << 16 | type`. */
export const Control = {
  timestampNs: (1 << 16) | 35,
  ipTos: (0 << 16) | 1,
  ipTtl: (0 << 16) | 2,
  ipPktinfo: (0 << 16) | 8,
  ipRecverr: (0 << 16) | 11,
  ipv6Recverr: (41 << 16) | 25,
  ipv6Pktinfo: (41 << 16) | 50,
  ipv6HopLimit: (41 << 16) | 52,
  ipv6TrafficClass: (41 << 16) | 67,
  udpSegment: (17 << 16) | 103,
  udpGro: (17 << 16) | 104,
} as const;

export const PACKET_STATISTICS_SIZE = 12;

/** Of a TPACKET_V3 ring, in words of 32 bits, as it is read: the first and only version of a block's header. */
export const BlockWord = { status: 2, packets: 3, first: 4 } as const;

/** Of a packet in such a ring, in words of 32 bits. `macNet` holds mac in its lower half; `link` begins a sockaddr_ll. */
export const FrameWord = {
  next: 0,
  seconds: 1,
  nanoseconds: 2,
  snapshotLength: 3,
  length: 4,
  status: 5,
  macNet: 6,
  vlanTci: 8,
  vlanTpid: 9,
  linkProtocol: 12,
  linkIndex: 13,
  /** hatype:16 pkttype:8 halen:8 */
  linkType: 14,
  linkAddress: 15,
} as const;

/** TP_STATUS_ of linux/if_packet.h: of blocks, and of packets. */
export const RingStatus = { kernel: 0, user: 1, vlanValid: 0x10, vlanTpidValid: 0x40 } as const;

export const IFREQ_SIZE = 40;
export const Ifreq = { name: 0, nameLength: 16, data: 16 } as const;
export const HWTSTAMP_CONFIG_SIZE = 12;
export const HwtstampConfig = { flags: 0, transmit: 4, receiveFilter: 8 } as const;
/** HWTSTAMP_FILTER_ALL: every packet that comes in. */
export const HWTSTAMP_FILTER_ALL = 1;

/** Control messages begin at multiples of this (CMSG_ALIGN). */
export const CMSG_ALIGN = 8;

export const SOCKADDR_IN_SIZE = 16;
export const SockaddrIn = { address: 4 } as const;
export const SOCKADDR_IN6_SIZE = 28;
export const SockaddrIn6 = { address: 8, scope: 24 } as const;

export const SOCKADDR_NL_SIZE = 12;
export const SockaddrNl = { family: 0, port: 4, groups: 8 } as const;

/** Netlink's messages and attributes begin at multiples of this (NLMSG_ALIGN, RTA_ALIGN). */
export const NLMSG_ALIGN = 4;
export const NLMSGHDR_SIZE = 16;
export const Nlmsghdr = { length: 0, type: 4, flags: 6, sequence: 8, port: 12 } as const;

export const RTATTR_SIZE = 4;
export const Rtattr = { length: 0, type: 2 } as const;

export const IFINFOMSG_SIZE = 16;
export const Ifinfomsg = { family: 0, type: 2, index: 4, flags: 8 } as const;

export const IFADDRMSG_SIZE = 8;
export const Ifaddrmsg = { family: 0, prefixLength: 1, flags: 2, scope: 3, index: 4 } as const;

export const NDMSG_SIZE = 12;
export const Ndmsg = { family: 0, index: 4, state: 8, flags: 10 } as const;

export const RTMSG_SIZE = 12;
export const Rtmsg = { family: 0, destinationLength: 1, type: 7 } as const;

/** The first of rtnl_link_stats64's counters, which every kernel since 2.6.35 has. */
export const LINK_STATS_SIZE = 64;
export const LinkStats64 = {
  receivedPackets: 0,
  sentPackets: 8,
  receivedBytes: 16,
  sentBytes: 24,
  receiveErrors: 32,
  sendErrors: 40,
  receiveDropped: 48,
  sendDropped: 56,
} as const;
