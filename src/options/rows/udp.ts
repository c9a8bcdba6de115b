/** IPPROTO_UDP (udp(7)): options of UDP sockets. */
import { DATAGRAM, level } from '../row.js';
import { flag, integer, oneOf } from '../types/number.js';

/** UDP_ENCAP_* of linux/udp.h. */
const ENCAPSULATIONS = { none: 0, espinudp: 2, l2tpinudp: 3, gtp0: 4, gtp1u: 5, rxrpc: 6 } as const;

export const UDP_ROWS = level('IPPROTO_UDP', 'udp(7)', [
  ['UDP_CORK', 1, flag, DATAGRAM, 'any', 'Gather writes into one datagram.'],
  [
    'UDP_ENCAP',
    100,
    oneOf(ENCAPSULATIONS),
    DATAGRAM,
    'any',
    'Take packets of a tunnel out of datagrams in the kernel.',
    { manual: 'linux/udp.h' },
  ],
  [
    'UDP_NO_CHECK6_TX',
    101,
    flag,
    DATAGRAM,
    'any',
    'Send over IPv6 without a checksum (RFC 6935).',
    { manual: 'linux/udp.h' },
  ],
  [
    'UDP_NO_CHECK6_RX',
    102,
    flag,
    DATAGRAM,
    'any',
    'Accept datagrams over IPv6 without a checksum (RFC 6935).',
    { manual: 'linux/udp.h' },
  ],
  ['UDP_SEGMENT', 103, integer('bytes', 0, 65_507), DATAGRAM, 'any', 'Cut one send into datagrams of this size.'],
  ['UDP_GRO', 104, flag, DATAGRAM, 'any', 'Take several datagrams with one receive.'],
]);

/* Left out: UDPLITE_SEND_CSCOV and UDPLITE_RECV_CSCOV (of another protocol). */
