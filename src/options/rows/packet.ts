/** SOL_PACKET (packet(7)): options of AF_PACKET sockets. */
import { level, PACKET, READ, WRITE } from '../row.js';
import { flag, integer, oneOf, someOf } from '../types/number.js';
import { fanout, packetMembership, ring } from '../types/packet.js';
import { struct } from '../types/struct.js';

const KERNEL = { manual: 'linux/if_packet.h' } as const;
const JOINED = 'PACKET_ADD_MEMBERSHIP=promisc@lo';

export const PACKET_ROWS = level('SOL_PACKET', 'packet(7)', [
  [
    'PACKET_ADD_MEMBERSHIP',
    1,
    packetMembership,
    PACKET,
    'any',
    'Receive more than the own packets of an interface.',
    WRITE,
  ],
  ['PACKET_DROP_MEMBERSHIP', 2, packetMembership, PACKET, 'any', 'Take that back.', { ...WRITE, requires: [JOINED] }],
  [
    'PACKET_RX_RING',
    5,
    ring,
    PACKET,
    'any',
    'A ring of received packets to be mapped into memory.',
    { ...WRITE, requires: ['PACKET_VERSION=v3'] },
  ],
  [
    'PACKET_STATISTICS',
    6,
    struct('tpacket_stats', [
      ['packets', 0, 4],
      ['drops', 4, 4],
      ['freezes', 8, 4],
    ]),
    PACKET,
    'any',
    'Packets and drops since it was last read.',
    READ,
  ],
  [
    'PACKET_COPY_THRESH',
    7,
    integer('bytes'),
    PACKET,
    'any',
    'Packets above this are queued as well as put into the ring.',
    WRITE,
  ],
  ['PACKET_AUXDATA', 8, flag, PACKET, 'any', 'Give each message its length and VLAN tag.'],
  [
    'PACKET_ORIGDEV',
    9,
    flag,
    PACKET,
    'any',
    'Tell the interface that a packet came in by, not the one above it.',
    KERNEL,
  ],
  ['PACKET_VERSION', 10, oneOf({ v1: 0, v2: 1, v3: 2 }), PACKET, 'any', 'The layout of the ring.'],
  ['PACKET_RESERVE', 12, integer('bytes'), PACKET, 'any', 'Room in front of each packet of the ring.'],
  [
    'PACKET_TX_RING',
    13,
    ring,
    PACKET,
    'any',
    'A ring of packets to be sent.',
    { ...WRITE, requires: ['PACKET_VERSION=v2'] },
  ],
  ['PACKET_LOSS', 14, flag, PACKET, 'any', 'Pass over packets of the ring that cannot be sent.'],
  ['PACKET_VNET_HDR', 15, flag, PACKET, 'any', 'A virtio header in front of each packet.', KERNEL],
  [
    'PACKET_TIMESTAMP',
    17,
    someOf({ 'raw-hardware': 64, software: 16 }),
    PACKET,
    'any',
    'Who takes the timestamps of the ring.',
  ],
  ['PACKET_FANOUT', 18, fanout, PACKET, 'any', 'Share the packets of an interface among the sockets of a group.'],
  ['PACKET_TX_HAS_OFF', 19, flag, PACKET, 'any', 'Sent packets of the ring begin where their header says.', KERNEL],
  ['PACKET_QDISC_BYPASS', 20, flag, PACKET, 'any', 'Send past the queues of traffic control.'],
  [
    'PACKET_ROLLOVER_STATS',
    21,
    struct('tpacket_rollover_stats', [
      ['all', 0, 8],
      ['huge', 8, 8],
      ['failed', 16, 8],
    ]),
    PACKET,
    'any',
    'How often packets went to another socket of the group.',
    { ...READ, ...KERNEL, requires: ['PACKET_FANOUT=rollover:4711'] },
  ],
  ['PACKET_IGNORE_OUTGOING', 23, flag, PACKET, 'any', 'Leave out what this machine sends.'],
  [
    'PACKET_VNET_HDR_SZ',
    24,
    integer('bytes'),
    PACKET,
    'any',
    'Size of the virtio header in front of each packet.',
    { ...KERNEL, since: '6.6' },
  ],
]);

/*
 * Left out: PACKET_RECV_OUTPUT and PACKET_TX_TIMESTAMP (numbers without an option), PACKET_HDRLEN (asks with a value),
 * PACKET_FANOUT_DATA (the program of a group of mode cbpf or ebpf).
 */
