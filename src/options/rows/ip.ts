/** IPPROTO_IP (ip(7)): options of AF_INET sockets. */
import { DATAGRAM, INET, level, MESSAGES, RAW, READ, type SocketKind, STREAM, WRITE } from '../row.js';
import { membership4, multicastInterface, networkInterface, portRange, sourceMembership } from '../types/address.js';
import { flag, integer, oneOf, serviceClass } from '../types/number.js';
import { bytes } from '../types/text.js';

/** IP_PMTUDISC_* and their IPv6 sisters. */
export const PMTU_DISCOVERY = oneOf({ dont: 0, want: 1, do: 2, probe: 3, interface: 4, omit: 5 });

const PORTS: readonly SocketKind[] = [...STREAM, ...DATAGRAM];
const JOINED = 'IP_ADD_MEMBERSHIP=239.255.42.42@lo';
const JOINED_SOURCE = 'MCAST_JOIN_SOURCE_GROUP=232.42.42.42,127.0.0.1@lo';
const RFC3678 = { ...WRITE, manual: 'RFC 3678' } as const;

export const IP_ROWS = level('IPPROTO_IP', 'ip(7)', [
  ['IP_TOS', 1, serviceClass(0), INET, 'before-connect', 'DSCP and ECN bits of sent packets.'],
  ['IP_TTL', 2, integer('hops', 1, 255), INET, 'before-connect', 'Time to live of sent packets.'],
  ['IP_HDRINCL', 3, flag, RAW, 'any', 'The program supplies the IP header itself.'],
  ['IP_OPTIONS', 4, bytes(0, 40), INET, 'before-connect', 'IP options of sent packets.'],
  [
    'IP_ROUTER_ALERT',
    5,
    flag,
    RAW,
    'any',
    'Receive packets with the router alert option that are to be forwarded.',
    WRITE,
  ],
  ['IP_RECVOPTS', 6, flag, INET, 'any', 'Give each message its IP options.'],
  ['IP_RETOPTS', 7, flag, INET, 'any', 'Give each message its IP options, unprocessed.'],
  ['IP_PKTINFO', 8, flag, INET, 'any', 'Give each message its destination and interface.'],
  ['IP_MTU_DISCOVER', 10, PMTU_DISCOVERY, INET, 'before-connect', 'Whether packets may be fragmented.'],
  ['IP_RECVERR', 11, flag, INET, 'any', 'Keep ICMP errors in the error queue.'],
  ['IP_RECVTTL', 12, flag, INET, 'any', 'Give each message its time to live.'],
  ['IP_RECVTOS', 13, flag, INET, 'any', 'Give each message its TOS byte.'],
  ['IP_MTU', 14, integer('bytes'), INET, 'connected', "The MTU that is known of the peer's path.", READ],
  ['IP_FREEBIND', 15, flag, INET, 'before-bind', 'Bind to an address that this machine does not have yet.'],
  ['IP_PASSSEC', 18, flag, INET, 'any', 'Give each message its security label.'],
  ['IP_TRANSPARENT', 19, flag, INET, 'before-bind', 'Bind to foreign addresses.', { capability: 'CAP_NET_ADMIN' }],
  ['IP_RECVORIGDSTADDR', 20, flag, INET, 'any', 'Give each message its destination before redirection.'],
  [
    'IP_MINTTL',
    21,
    integer('hops', 0, 255),
    INET,
    'any',
    'Drop TCP segments that arrive with less (RFC 5082).',
    { manual: 'linux/in.h' },
  ],
  ['IP_NODEFRAG', 22, flag, RAW, 'any', 'Deliver fragments before they are put together.'],
  ['IP_CHECKSUM', 23, flag, INET, 'any', 'Give each message the checksum of its payload.', { manual: 'linux/in.h' }],
  ['IP_BIND_ADDRESS_NO_PORT', 24, flag, INET, 'before-bind', 'Choose the port at connect(2), not at bind(2).'],
  [
    'IP_RECVFRAGSIZE',
    25,
    flag,
    MESSAGES,
    'any',
    'Give each message the size of its largest fragment.',
    { manual: 'linux/in.h' },
  ],
  [
    'IP_RECVERR_RFC4884',
    26,
    flag,
    MESSAGES,
    'any',
    'Tell where the extensions of an ICMP error begin.',
    { manual: 'RFC 4884' },
  ],
  ['IP_MULTICAST_IF', 32, multicastInterface, MESSAGES, 'any', 'The interface that multicasts leave through.'],
  ['IP_MULTICAST_TTL', 33, integer('hops', 0, 255), MESSAGES, 'any', 'Time to live of sent multicasts.'],
  ['IP_MULTICAST_LOOP', 34, flag, INET, 'any', 'Whether own multicasts come back to this machine.'],
  ['IP_ADD_MEMBERSHIP', 35, membership4, MESSAGES, 'any', 'Join a multicast group.', WRITE],
  [
    'IP_DROP_MEMBERSHIP',
    36,
    membership4,
    MESSAGES,
    'any',
    'Leave a multicast group.',
    { ...WRITE, requires: [JOINED] },
  ],
  ['MCAST_JOIN_SOURCE_GROUP', 46, sourceMembership('ipv4'), MESSAGES, 'any', 'Join a group for one source.', RFC3678],
  [
    'MCAST_LEAVE_SOURCE_GROUP',
    47,
    sourceMembership('ipv4'),
    MESSAGES,
    'any',
    'Leave a group for one source.',
    { ...RFC3678, requires: [JOINED_SOURCE] },
  ],
  [
    'MCAST_BLOCK_SOURCE',
    43,
    sourceMembership('ipv4'),
    MESSAGES,
    'any',
    'Hear all of a group but one source.',
    { ...RFC3678, requires: [JOINED] },
  ],
  [
    'MCAST_UNBLOCK_SOURCE',
    44,
    sourceMembership('ipv4'),
    MESSAGES,
    'any',
    'Hear a blocked source again.',
    { ...RFC3678, requires: [JOINED, 'MCAST_BLOCK_SOURCE=239.255.42.42,127.0.0.1@lo'] },
  ],
  ['IP_MULTICAST_ALL', 49, flag, INET, 'any', 'Hear groups that other sockets have joined.'],
  [
    'IP_UNICAST_IF',
    50,
    networkInterface('network'),
    INET,
    'before-connect',
    'The interface that packets leave through.',
    { manual: 'linux/in.h' },
  ],
  ['IP_LOCAL_PORT_RANGE', 51, portRange, PORTS, 'before-bind', 'The ports that an automatic choice is made from.'],
  [
    'IP_PROTOCOL',
    52,
    integer('protocol'),
    RAW,
    'any',
    'The IP protocol of a raw socket.',
    { ...READ, manual: 'linux/in.h' },
  ],
]);

/*
 * Left out: IP_PKTOPTIONS (what control messages tell), IP_IPSEC_POLICY and IP_XFRM_POLICY (structures of another
 * program), IP_UNBLOCK_SOURCE, IP_BLOCK_SOURCE, IP_ADD_SOURCE_MEMBERSHIP and IP_DROP_SOURCE_MEMBERSHIP (older names of
 * the MCAST_ options), IP_MSFILTER and MCAST_MSFILTER (lists; join and block one by one), MCAST_JOIN_GROUP and
 * MCAST_LEAVE_GROUP (the same as the membership options), IPT_* and MRT_* (tools of firewalls and routers).
 */
