/** Packets byte by byte, and what they say; put together by hand from the RFCs' drawings. */
import type { Sample } from './codec-suite.js';
import { fromHex } from './codec-suite.js';

const ETHERNET = '020000000002 020000000001';

/** 192.0.2.1 > 192.0.2.2, ICMP echo request 7/1 with "abcd". */
const IPV4_ECHO = `
  4500 0020 1234 4000 4001 a4a5 c0000201 c0000202
  0800 3331 0007 0001 61626364`;

export const ethernetSamples: Sample[] = [
  {
    name: 'an ICMP echo request',
    bytes: fromHex(`${ETHERNET} 0800 ${IPV4_ECHO}`),
    layers: [
      { protocol: 'ethernet', source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02', etherType: 0x0800 },
      {
        protocol: 'ipv4',
        source: '192.0.2.1',
        destination: '192.0.2.2',
        ttl: 64,
        protocolNumber: 1,
        identification: 0x1234,
        dontFragment: true,
        moreFragments: false,
        fragmentOffset: 0,
        dscp: 0,
        ecn: 0,
        headerLength: 20,
        totalLength: 32,
        checksumValid: true,
      },
      { protocol: 'icmp', icmpType: 8, icmpCode: 0, identifier: 7, sequence: 1, checksumValid: true },
      { protocol: 'payload', length: 4, data: fromHex('61626364') },
    ],
  },
  {
    name: 'an ARP request with padding',
    padding: 18,
    bytes: fromHex(`ffffffffffff 020000000001 0806
      0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202 ${'00'.repeat(18)}`),
    layers: [
      { protocol: 'ethernet', etherType: 0x0806 },
      {
        protocol: 'arp',
        operation: 1,
        senderHardware: '02:00:00:00:00:01',
        senderProtocol: '192.0.2.1',
        targetHardware: '00:00:00:00:00:00',
        targetProtocol: '192.0.2.2',
      },
    ],
  },
  {
    name: 'two VLAN tags and Ethernet padding that is no payload',
    padding: 6,
    bytes: fromHex(`${ETHERNET} 88a8 2064 8100 7fff 0800 ${IPV4_ECHO} ${'00'.repeat(6)}`),
    layers: [
      { protocol: 'ethernet', etherType: 0x88a8 },
      { protocol: 'vlan', id: 100, priority: 1, dropEligible: false, etherType: 0x8100 },
      { protocol: 'vlan', id: 4095, priority: 3, dropEligible: true, etherType: 0x0800 },
      { protocol: 'ipv4', totalLength: 32 },
      { protocol: 'icmp' },
      { protocol: 'payload', length: 4 },
    ],
  },
  {
    name: 'an 802.3 frame, whose type is a length',
    padding: 3,
    bytes: fromHex(`${ETHERNET} 0003 f0f003 000000`),
    layers: [
      { protocol: 'ethernet', etherType: 3 },
      { protocol: 'llc', destinationSap: 0xf0, sourceSap: 0xf0, control: 3 },
    ],
  },
];

export const rawSamples: Sample[] = [
  {
    name: 'a TCP SYN with options',
    bytes: fromHex(`
      4500 003c 0000 4000 4006 b6b8 c0000201 c0000202
      3039 0050 00000001 00000000 a0c2 ffff 92a2 0000
      0204 05b4 0402 080a 0000 0010 0000 0000 01 0303 07`),
    layers: [
      { protocol: 'ipv4', protocolNumber: 6, checksumValid: true },
      {
        protocol: 'tcp',
        sourcePort: 12345,
        destinationPort: 80,
        sequence: 1,
        acknowledgment: 0,
        flags: ['SYN', 'ECE', 'CWR'],
        window: 65535,
        headerLength: 40,
        urgent: 0,
        checksumValid: true,
        options: [
          { kind: 'mss', value: 1460 },
          { kind: 'sackPermitted' },
          { kind: 'timestamps', value: 16, echo: 0 },
          { kind: 'nop' },
          { kind: 'windowScale', shift: 7 },
        ],
        payloadLength: 0,
      },
    ],
  },
  {
    name: 'UDP over IPv6 behind extension headers',
    bytes: fromHex(`
      6012 3456 0024 0040 20010db8000000000000000000000001 20010db8000000000000000000000002
      2c 00 0104 00000000  3c 00 0000 00000001  11 00 0104 00000000
      0036 1000 000c ac51 74657374`),
    layers: [
      {
        protocol: 'ipv6',
        source: '2001:db8::1',
        destination: '2001:db8::2',
        hopLimit: 64,
        nextHeader: 0,
        flowLabel: 0x23456,
        trafficClass: 1,
        payloadLength: 36,
      },
      { protocol: 'ipv6-hop-by-hop', nextHeader: 44, length: 8 },
      { protocol: 'ipv6-fragment', nextHeader: 60, fragmentOffset: 0, moreFragments: false, identification: 1 },
      { protocol: 'ipv6-destination', nextHeader: 17, length: 8 },
      { protocol: 'udp', sourcePort: 54, destinationPort: 4096, length: 12, payloadLength: 4, checksumValid: true },
      { protocol: 'payload', length: 4 },
    ],
  },
  {
    name: 'a port unreachable that quotes a UDP datagram',
    bytes: fromHex(`
      45c0 0038 0001 0000 4001 f600 c0000202 c0000201
      0303 5cf0 0000 0000
      4500 0020 0000 4000 4011 b6c9 c0000201 c0000202
      1000 9000 000c 0000`),
    layers: [
      { protocol: 'ipv4', dscp: 48, checksumValid: true },
      { protocol: 'icmp', icmpType: 3, icmpCode: 3, checksumValid: true },
      { protocol: 'ipv4', source: '192.0.2.1', destination: '192.0.2.2', totalLength: 32 },
      { protocol: 'udp', sourcePort: 4096, destinationPort: 36864, length: 12, checksumValid: null },
    ],
  },
  {
    name: 'an IGMPv2 report with the router alert option',
    bytes: fromHex('46c0 0020 0000 4000 0102 4200 c0000201 e0000016 94040000 1600 09fd e0000002'),
    layers: [
      { protocol: 'ipv4', headerLength: 24, options: [{ kind: 'routerAlert', value: 0 }], ttl: 1 },
      { protocol: 'igmp', version: 2, igmpType: 0x16, group: '224.0.0.2', checksumValid: true },
    ],
  },
];

/** Their bytes were put together by the encoders, and every field of them agrees with what tshark 4 says. */
export const networkSamples: Sample[] = [
  {
    name: 'an ICMP timestamp request',
    bytes: fromHex(`
      45000028 00010000 4001f6d0 c0000201 c0000202 0d00db86 00070002 000003e8 000007d0 00000bb8`),
    layers: [
      { protocol: 'ipv4', checksumValid: true },
      {
        protocol: 'icmp',
        icmpType: 13,
        identifier: 7,
        sequence: 2,
        originate: 1000,
        receive: 2000,
        transmit: 3000,
        checksumValid: true,
      },
    ],
  },
  {
    name: 'a redirect that quotes an echo request',
    bytes: fromHex(`
      45000038 00010000 4001f5c4 c00002fe c0000201 05013801 c00002fd 4500001c 00010000 40018eaa c0000201 c6336401
      0800f7f8 00030004`),
    layers: [
      { protocol: 'ipv4' },
      { protocol: 'icmp', icmpType: 5, icmpCode: 1, gateway: '192.0.2.253', checksumValid: true },
      { protocol: 'ipv4', destination: '198.51.100.1' },
      { protocol: 'icmp', identifier: 3, sequence: 4, checksumValid: null },
    ],
  },
  {
    name: 'fragmentation needed, quoting eight bytes of TCP',
    bytes: fromHex(`
      45000038 00010000 4001f5c4 c00002fe c0000201 0304f214 00000578 450005dc 00014000 400648e5 c0000201 c6336401
      04d20050 0000004d`),
    layers: [
      { protocol: 'ipv4' },
      { protocol: 'icmp', icmpType: 3, icmpCode: 4, nextHopMtu: 1400, checksumValid: true },
      { protocol: 'ipv4', totalLength: 1500, dontFragment: true },
      { protocol: 'tcp-partial', sourcePort: 1234, destinationPort: 80, sequence: 77 },
    ],
  },
  {
    name: 'time exceeded with MPLS labels and an interface behind the quote',
    bytes: fromHex(`
      450000c8 00010000 4001f534 c00002fe c0000201 0b00e12f 00200000 4500001c 00010000 0111cd9a c0000201 c6336401
      0fa0829a 0008816d 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
      00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
      00000000 00000000 00000000 2000e5fe 00080101 03e81101 0020020f 00000003 00010000 c63364fe 0c657468 30000000
      00000000 000005dc`),
    layers: [
      { protocol: 'ipv4' },
      {
        protocol: 'icmp',
        icmpType: 11,
        checksumValid: true,
        extensions: [
          { kind: 'mpls', labels: [{ label: 16001, trafficClass: 0, bottomOfStack: true, ttl: 1 }] },
          { kind: 'interface', role: 'incoming', index: 3, address: '198.51.100.254', name: 'eth0', mtu: 1500 },
        ],
      },
      { protocol: 'ipv4', source: '192.0.2.1', ttl: 1 },
      { protocol: 'udp', destinationPort: 33434, checksumValid: null },
    ],
  },
  {
    name: 'a neighbour solicitation',
    bytes: fromHex(`
      60000000 00203aff fe800000 00000000 00000000 00000001 ff020000 00000000 00000001 ff000002 87007a97 00000000
      fe800000 00000000 00000000 00000002 01010200 00000001`),
    layers: [
      { protocol: 'ipv6', hopLimit: 255, destination: 'ff02::1:ff00:2' },
      {
        protocol: 'icmpv6',
        icmpType: 135,
        target: 'fe80::2',
        options: [{ type: 1, linkLayerAddress: '02:00:00:00:00:01' }],
        checksumValid: true,
      },
    ],
  },
  {
    name: 'packet too big, quoting a datagram',
    bytes: fromHex(`
      60000000 003a3a40 20010db8 00000000 00000000 000000fe 20010db8 00000000 00000000 00000001 02002aeb 00000500
      60000000 000a1140 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002 03e807d0 000a2034
      7879`),
    layers: [
      { protocol: 'ipv6' },
      { protocol: 'icmpv6', icmpType: 2, mtu: 1280, checksumValid: true },
      { protocol: 'ipv6', destination: '2001:db8::2' },
      { protocol: 'udp', sourcePort: 1000, destinationPort: 2000, checksumValid: null },
      { protocol: 'payload', length: 2 },
    ],
  },
  {
    name: 'an authentication header, destination options, and no next header',
    bytes: fromHex(`
      60000000 00203340 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002 3c040000 00000100
      00000002 00112233 44556677 8899aabb 3b000104 00000000`),
    layers: [
      { protocol: 'ipv6' },
      { protocol: 'ah', nextHeader: 60, length: 24, spi: 256, sequence: 2 },
      { protocol: 'ipv6-destination', nextHeader: 59, length: 8 },
    ],
  },
  {
    name: 'a routing header of type 0, whose last address is in the pseudo header',
    bytes: fromHex(`
      60000000 00222b40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000003 11020001 00000000
      20010db8 00000000 00000000 00000002 00050006 000a31e6 7274`),
    layers: [
      { protocol: 'ipv6', destination: '2001:db8::3' },
      { protocol: 'ipv6-routing', nextHeader: 17, length: 24, routingType: 0, segmentsLeft: 1 },
      { protocol: 'udp', checksumValid: true },
      { protocol: 'payload', length: 2 },
    ],
  },
  {
    name: 'a segment routing header, whose first address is in the pseudo header',
    bytes: fromHex(`
      60000000 00322b40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000003 11040401 01000000
      20010db8 00000000 00000000 00000002 20010db8 00000000 00000000 00000003 00050006 000a31e6 7274`),
    layers: [
      { protocol: 'ipv6', destination: '2001:db8::3' },
      { protocol: 'ipv6-routing', length: 40, routingType: 4, segmentsLeft: 1 },
      { protocol: 'udp', checksumValid: true },
      { protocol: 'payload', length: 2 },
    ],
  },
  {
    name: 'the first fragment of a datagram',
    bytes: fromHex(`
      60000000 00182c40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002 11000001 00000005
      00050006 00180000 31323334 35363738`),
    layers: [
      { protocol: 'ipv6' },
      { protocol: 'ipv6-fragment', nextHeader: 17, fragmentOffset: 0, moreFragments: true, identification: 5 },
      { protocol: 'udp', length: 24, payloadLength: 16, checksumValid: null },
      { protocol: 'payload', length: 8 },
    ],
  },
  {
    name: 'the last fragment of a datagram',
    bytes: fromHex(`
      60000000 000c2c40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002 11000010 00000005
      72657374`),
    layers: [
      { protocol: 'ipv6' },
      { protocol: 'ipv6-fragment', fragmentOffset: 16, moreFragments: false },
      { protocol: 'payload', length: 4 },
    ],
  },
  {
    name: 'IPv4 in IPv4',
    bytes: fromHex(`
      45000032 00010000 4004f6c3 c0000201 c0000202 4500001e 00010000 401166cc 0a000001 0a000002 00070008 000a825a
      696e`),
    layers: [
      { protocol: 'ipv4', destination: '192.0.2.2' },
      { protocol: 'ipv4', destination: '10.0.0.2' },
      { protocol: 'udp', checksumValid: true },
      { protocol: 'payload', length: 2 },
    ],
  },
  {
    name: 'IPv6 in IPv4',
    bytes: fromHex(`
      45000046 00010000 4029f68a c0000201 c0000202 60000000 000a1140 20010db8 00000000 00000000 00000001 20010db8
      00000000 00000000 00000002 00070008 000a3ae8 696e`),
    layers: [
      { protocol: 'ipv4', protocolNumber: 41 },
      { protocol: 'ipv6' },
      { protocol: 'udp', checksumValid: true },
      { protocol: 'payload', length: 2 },
    ],
  },
  {
    name: 'a loose source route, whose last hop is in the pseudo header',
    bytes: fromHex(`
      47000026 00010000 40113291 c0000201 c0000202 830704c6 33640700 00070008 000aaa20 696e`),
    layers: [
      {
        protocol: 'ipv4',
        headerLength: 28,
        options: [{ kind: 'looseSourceRoute', pointer: 4, addresses: ['198.51.100.7'] }, { kind: 'end' }],
      },
      { protocol: 'udp', checksumValid: true },
      { protocol: 'payload', length: 2 },
    ],
  },
  {
    name: 'a datagram without a checksum',
    bytes: fromHex(`
      4500001e 00010000 4011f6ca c0000201 c0000202 00070008 000a0000 6e6f`),
    layers: [
      { protocol: 'ipv4' },
      { protocol: 'udp', checksum: 0, checksumValid: null },
      { protocol: 'payload', length: 2 },
    ],
  },
  {
    name: 'an IGMPv3 query',
    bytes: fromHex(`
      45000028 00010000 010217d1 c0000201 e0000001 118a76db e8010101 0a810002 c0000209 c000020a`),
    layers: [
      { protocol: 'ipv4' },
      {
        protocol: 'igmp',
        version: 3,
        igmpType: 0x11,
        maxResponseTime: 208,
        group: '232.1.1.1',
        suppress: true,
        robustness: 2,
        queryInterval: 136,
        sources: ['192.0.2.9', '192.0.2.10'],
        checksumValid: true,
      },
    ],
  },
  {
    name: 'an IGMPv3 report',
    bytes: fromHex(`
      45000030 00010000 010217b4 c0000201 e0000016 22003ded 00000002 04000000 ef010101 01000001 e8010101 c0000209`),
    layers: [
      { protocol: 'ipv4' },
      {
        protocol: 'igmp',
        version: 3,
        igmpType: 0x22,
        group: null,
        checksumValid: true,
        records: [
          { recordType: 4, group: '239.1.1.1', sources: [] },
          { recordType: 1, group: '232.1.1.1', sources: ['192.0.2.9'] },
        ],
      },
    ],
  },
  {
    name: 'an IGMPv1 report',
    bytes: fromHex(`
      4500001c 00010000 010217d5 c0000201 e0000009 12000df6 e0000009`),
    layers: [
      { protocol: 'ipv4' },
      { protocol: 'igmp', version: 1, igmpType: 0x12, group: '224.0.0.9', checksumValid: true },
    ],
  },
  {
    name: 'TCP with selective acknowledgments and an option nobody knows',
    bytes: fromHex(`
      45000043 00010000 4006f6b0 c0000201 c0000202 00501388 00000001 00000002 b0110200 3b920000 01010512 00000064
      000000c8 0000012c 00000190 fd04abcd 627965`),
    layers: [
      { protocol: 'ipv4' },
      {
        protocol: 'tcp',
        flags: ['FIN', 'ACK'],
        sequence: 1,
        acknowledgment: 2,
        window: 512,
        checksumValid: true,
        payloadLength: 3,
        options: [
          { kind: 'nop' },
          { kind: 'nop' },
          {
            kind: 'sack',
            blocks: [
              { left: 100, right: 200 },
              { left: 300, right: 400 },
            ],
          },
          { kind: 'unknown', number: 253, data: 'abcd' },
        ],
      },
      { protocol: 'payload', length: 3 },
    ],
  },
];

/** By link type, of the loopback interface. */
export const linkSamples: ReadonlyMap<number, Sample> = new Map([
  [
    0,
    {
      name: 'LINKTYPE_NULL in the order of a little-endian host',
      bytes: fromHex(`
      1e000000 60000000 00083a40 00000000 00000000 00000000 00000001 00000000 00000000 00000000 00000001 81007eb8
      00010002`),
      layers: [
        { protocol: 'loopback', addressFamily: 30 },
        { protocol: 'ipv6' },
        { protocol: 'icmpv6', identifier: 1, sequence: 2, checksumValid: true },
      ],
    },
  ],
  [
    108,
    {
      name: 'LINKTYPE_LOOP',
      bytes: fromHex(`
      00000002 4500001c 00010000 40017cde 7f000001 7f000001 0800f7fc 00010002`),
      layers: [
        { protocol: 'loopback', addressFamily: 2 },
        { protocol: 'ipv4' },
        { protocol: 'icmp', identifier: 1, sequence: 2, checksumValid: true },
      ],
    },
  ],
  [
    113,
    {
      name: 'a cooked packet',
      bytes: fromHex(`
      00040001 00060200 00000001 00000800 4500001c 00010000 40017cde 7f000001 7f000001 0800f7fc 00010002`),
      layers: [
        { protocol: 'sll', version: 1, packetType: 4, hardwareType: 1, source: '02:00:00:00:00:01', etherType: 0x0800 },
        { protocol: 'ipv4' },
        { protocol: 'icmp', identifier: 1, sequence: 2, checksumValid: true },
      ],
    },
  ],
  [
    276,
    {
      name: 'a cooked packet of version 2',
      bytes: fromHex(`
      86dd0000 00000003 03040006 00000000 00000000 60000000 00083a40 00000000 00000000 00000000 00000001 00000000
      00000000 00000000 00000001 81007eb8 00010002`),
      layers: [
        {
          protocol: 'sll',
          version: 2,
          packetType: 0,
          hardwareType: 772,
          source: '00:00:00:00:00:00',
          interfaceIndex: 3,
          etherType: 0x86dd,
        },
        { protocol: 'ipv6' },
        { protocol: 'icmpv6', identifier: 1, sequence: 2, checksumValid: true },
      ],
    },
  ],
]);
