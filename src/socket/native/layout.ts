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
 */
export const IOVEC_SIZE = 16;
export const MMSGHDR_SIZE = 64;
export const CMSGHDR_SIZE = 16;
export const CmsgHeader = { length: 0, level: 8, type: 12, data: CMSGHDR_SIZE } as const;
/** CMSG_LEN(2) and CMSG_SPACE(2): a control message with UDP_SEGMENT's 16 bits, udp(7). */
export const CMSG_LENGTH_SEGMENT = CMSGHDR_SIZE + 2;
export const CMSG_SPACE_SEGMENT = CMSGHDR_SIZE + 8;

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

export const ExtendedError = { errno: 0, origin: 4, type: 5, code: 6, info: 8, data: 12, size: 16 } as const;

/** sock_extended_err's ee_origin: who raised the error. */
export const ErrorOrigin = { local: 1, icmp: 2, icmp6: 3, zeroCopy: 5 } as const;

/** SO_EE_CODE_ZEROCOPY_COPIED, the code of a notice: the kernel has copied all the same. */
export const ZEROCOPY_COPIED = 1;

/** Control message levels and types, `level << 16 | type`. */
export const Control = {
  timestampNs: (1 << 16) | 35,
  rxqOverflow: (1 << 16) | 40,
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

/** Control messages begin at multiples of this (CMSG_ALIGN). */
export const CMSG_ALIGN = 8;
