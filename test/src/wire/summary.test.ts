import { describe, expect, it } from 'vitest';
import { dissect } from '../../../src/wire/dissect.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { summarize } from '../../../src/wire/summary.js';
import type { Sample } from './codec-suite.js';
import { ethernetSamples, linkSamples, networkSamples, rawSamples } from './samples.js';

const line = ({ bytes }: Sample, linkType: number, link = false) =>
  summarize(dissect(bytes, linkType), bytes.length, { link });
const lines = (samples: readonly Sample[], linkType: number, link = false) =>
  samples.map((sample) => line(sample, linkType, link));

describe('the line of a packet', () => {
  it('reads as tcpdump has it', () => {
    expect(lines([...rawSamples, ...networkSamples], LinkType.RAW)).toEqual([
      'IP 192.0.2.1.12345 > 192.0.2.2.80: Flags [SEW], seq 1, win 65535, options [mss 1460,sackOK,TS val 16 ecr 0,nop,wscale 7], length 0',
      'IP6 2001:db8::1.54 > 2001:db8::2.4096: HBH frag (id 1, offset 0) DSTOPT UDP, length 4',
      'IP 192.0.2.2 > 192.0.2.1: ICMP 192.0.2.2 udp port 36864 unreachable, length 36',
      'IP 192.0.2.1 > 224.0.0.22: igmp v2 report 224.0.0.2, length 8',
      'IP 192.0.2.1 > 192.0.2.2: ICMP timestamp request, id 7, seq 2, length 20',
      'IP 192.0.2.254 > 192.0.2.1: ICMP redirect 198.51.100.1 to host 192.0.2.253, length 36',
      'IP 192.0.2.254 > 192.0.2.1: ICMP 198.51.100.1 unreachable - need to frag (mtu 1400), length 36',
      'IP 192.0.2.254 > 192.0.2.1: ICMP time exceeded in-transit, length 180',
      'IP6 fe80::1 > ff02::1:ff00:2: ICMP6, neighbor solicitation, who has fe80::2, length 32',
      'IP6 2001:db8::fe > 2001:db8::1: ICMP6, packet too big, mtu 1280, length 58',
      'IP6 2001:db8::1 > 2001:db8::2: AH(spi=0x00000100,seq=0x2): DSTOPT no next header, length 0',
      'IP6 2001:db8::1.5 > 2001:db8::3.6: RT6 (type=0, segleft=1) UDP, length 2',
      'IP6 2001:db8::1.5 > 2001:db8::3.6: RT6 (type=4, segleft=1) UDP, length 2',
      'IP6 2001:db8::1.5 > 2001:db8::2.6: frag (id 5, offset 0, more) UDP, length 16',
      'IP6 2001:db8::1 > 2001:db8::2: frag (id 5, offset 16) UDP, length 4',
      'IP 192.0.2.1 > 192.0.2.2: IP 10.0.0.1.7 > 10.0.0.2.8: UDP, length 2',
      'IP 192.0.2.1 > 192.0.2.2: IP6 2001:db8::1.7 > 2001:db8::2.8: UDP, length 2',
      'IP 192.0.2.1.7 > 192.0.2.2.8: UDP, length 2',
      'IP 192.0.2.1.7 > 192.0.2.2.8: UDP, length 2',
      'IP 192.0.2.1 > 224.0.0.1: igmp query v3 [max resp time 20.8s] [gaddr 232.1.1.1], length 20',
      'IP 192.0.2.1 > 224.0.0.22: igmp v3 report, 2 group record(s), length 28',
      'IP 192.0.2.1 > 224.0.0.9: igmp v1 report 224.0.0.9, length 8',
      'IP 192.0.2.1.80 > 192.0.2.2.5000: Flags [F.], seq 1:4, ack 2, win 512, options [nop,nop,sack 2 {100:200}{300:400},unknown-253 0xabcd], length 3',
    ]);
  });

  it('counts what follows the link header', () => {
    expect(lines(ethernetSamples, LinkType.ETHERNET)).toEqual([
      'IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 12',
      'ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 46',
      'IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 12',
      'LLC, dsap 0xf0, ssap 0xf0, ctrl 0x03, length 6',
    ]);
  });

  it('has the link header in front when asked, as tcpdump -e', () => {
    expect(lines(ethernetSamples, LinkType.ETHERNET, true)).toEqual([
      '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 46: 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 12',
      '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 60: Request who-has 192.0.2.2 tell 192.0.2.1, length 46',
      '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q-QinQ (0x88a8), length 60: vlan 100, p 1, ethertype 802.1Q (0x8100), vlan 4095, p 3, DEI, ethertype IPv4 (0x0800), 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 12',
      '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 20: LLC, dsap 0xf0, ssap 0xf0, ctrl 0x03, length 6',
    ]);
    expect([...linkSamples].map(([linkType, sample]) => line(sample, linkType, true))).toEqual([
      'AF 30, length 52: ::1 > ::1: ICMP6, echo reply, id 1, seq 2, length 8',
      'AF 2, length 32: 127.0.0.1 > 127.0.0.1: ICMP echo request, id 1, seq 2, length 8',
      'Out 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 44: 127.0.0.1 > 127.0.0.1: ICMP echo request, id 1, seq 2, length 8',
      'if3   In  ifindex 3 00:00:00:00:00:00 ethertype IPv6 (0x86dd), length 68: ::1 > ::1: ICMP6, echo reply, id 1, seq 2, length 8',
    ]);
  });

  it('has the way in front of the link header of the first cooked version, and of all of the second', () => {
    const [first, second] = [113, 276].map((linkType) => linkSamples.get(linkType)?.bytes.slice() as Uint8Array);
    (first as Uint8Array)[1] = 0;
    (second as Uint8Array)[10] = 9;
    const link = { link: true, interfaceName: 'lo' };
    const text = (bytes: Uint8Array, linkType: number) => summarize(dissect(bytes, linkType), bytes.length, link);
    expect(text(first as Uint8Array, 113)).toMatch(/^ In 02:00:00:00:00:01 ethertype IPv4/);
    expect(text(second as Uint8Array, 276)).toMatch(/^lo {4}\? {3}ifindex 3 00:00:00:00:00:00 ethertype IPv6/);
  });

  const syn = rawSamples[0]?.bytes ?? new Uint8Array();

  it('says what is malformed', () => {
    expect(summarize(dissect(syn.slice(0, 12), LinkType.RAW), 12)).toBe(
      'unknown, length 12 [malformed: ipv4 at 0: need 20 bytes, have 12]',
    );
    expect(summarize(dissect(syn, LinkType.IPV6), syn.length)).toBe(
      'unknown, length 60 [malformed: ipv6 at 0: version 4]',
    );
  });

  it('does not call malformed what the snapshot length cut', () => {
    const found = dissect(syn.slice(0, 32), LinkType.RAW, { originalLength: 60 });
    expect(summarize(found, 60)).toBe('IP 192.0.2.1.12345 > 192.0.2.2.80: TCP, seq 1 [|tcp]');
  });
});
