import { describe, expect, it } from 'vitest';
import { dissect } from '../../../src/wire/dissect.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { summarize } from '../../../src/wire/summary.js';
import { ethernetSamples, rawSamples } from './samples.js';

const lines = (samples: typeof rawSamples, linkType: number, link = false) =>
  samples.map(({ bytes }) => summarize(dissect(bytes, linkType), bytes.length, { link }));

describe('the line of a packet', () => {
  it('reads as tcpdump has it', () => {
    expect(lines(rawSamples, LinkType.RAW)).toEqual([
      'IP 192.0.2.1.12345 > 192.0.2.2.80: Flags [SEW], seq 1, win 65535, options [mss 1460,sackOK,TS val 16 ecr 0,nop,wscale 7], length 0',
      'IP6 2001:db8::1.53 > 2001:db8::2.4096: frag (id 1, offset 0) UDP, length 4',
      'IP 192.0.2.2 > 192.0.2.1: ICMP port unreachable, length 36',
      'IP 192.0.2.1 > 224.0.0.22: igmp type 0x16, group 224.0.0.2, length 8',
    ]);
  });

  it('has the link header in front when asked', () => {
    expect(lines(ethernetSamples, LinkType.ETHERNET, true)).toEqual([
      '02:00:00:00:00:01 > 02:00:00:00:00:02, IPv4, length 46: IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 12',
      '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ARP, length 60: ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 60',
      '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.1ad, length 60: vlan 100, p 1: vlan 4095, p 3, DEI: IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 12',
      '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 20: ethertype 0x0003, length 20',
    ]);
  });

  it('says what is malformed', () => {
    const bytes = (rawSamples[0]?.bytes ?? new Uint8Array()).slice(0, 12);
    expect(summarize(dissect(bytes, LinkType.RAW), 12)).toBe(
      'unknown, length 12 [malformed: ipv4 at 0: need 20 bytes, have 12]',
    );
  });
});
