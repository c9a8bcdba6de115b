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
    bytes: fromHex(`${ETHERNET} 0003 424203 000000`),
    layers: [
      { protocol: 'ethernet', etherType: 3 },
      { protocol: 'payload', length: 3 },
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
      0035 1000 000c ac52 74657374`),
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
      { protocol: 'udp', sourcePort: 53, destinationPort: 4096, length: 12, payloadLength: 4, checksumValid: true },
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
    bytes: fromHex(
      '46c0 0020 0000 4000 0102 4200 c0000201 e0000016 94040000 1600 09fd e0000002'.replace(
        'e0000016 94',
        'e0000016 94',
      ),
    ),
    layers: [
      { protocol: 'ipv4', headerLength: 24, options: '94040000', ttl: 1 },
      { protocol: 'igmp', version: 2, igmpType: 0x16, group: '224.0.0.2', checksumValid: true },
    ],
  },
];
