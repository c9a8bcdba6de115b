/** What is read off the bytes of packets: where they go, and what the kernel would change of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DestinationReader } from '../../../../src/raw/send/destination.js';
import { rewrittenFields } from '../../../../src/raw/send/kernel-header.js';
import { expression, packetOf } from './packets.js';

const FRAME = 'eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)';

/** An IPv4 header to 192.0.2.9, and one of IPv6 to 2001:db8::9, as bytes alone. */
const IPV4 = '45000014000000004011000001020304c0000209';
const IPV6 = `6000000000003b40${'0'.repeat(32)}20010db8000000000000000000000009`;

describe('where a packet goes', () => {
  it.each([
    ['ip(dst=192.0.2.9)/udp(dport=9)', ['192.0.2.9']],
    ['ip6(dst=2001:db8::9)/udp(dport=9)', ['2001:db8::9']],
    [`${FRAME}/ip(dst=192.0.2.9)/udp(dport=9)`, ['192.0.2.9']],
    [`${FRAME}/vlan(id=5)/vlan(id=6)/ip6(dst=2001:db8::9)/udp(dport=9)`, ['2001:db8::9']],
    [`${FRAME}/arp(op=request,tpa=192.0.2.9,spa=192.0.2.1)`, []],
    // Behind a type of IP any bytes are a header of it.
    [`${FRAME.slice(0, -1)},type=0x800)/hex(${IPV4})`, ['192.0.2.9']],
    [`${FRAME.slice(0, -1)},type=0x86dd)/hex(${IPV6})`, ['2001:db8::9']],
    [`${FRAME.slice(0, -1)},type=0x800)/hex(45)`, []],
    [`${FRAME}/vlan(id=5)/vlan(id=6,type=0x800)/hex(${IPV4})`, ['192.0.2.9']],
    [`${FRAME}/mpls(label=20)/ip(dst=192.0.2.9)/udp(dport=9)`, ['192.0.2.9']],
    [
      'ip(dst=127.0.0.1,options=(nop,lsrr((192.0.2.9,192.0.2.8))))/udp(dport=9)',
      ['127.0.0.1', '192.0.2.9', '192.0.2.8'],
    ],
    ['ip(dst=127.0.0.1,options=(ssrr(192.0.2.9)))/udp(dport=9)', ['127.0.0.1', '192.0.2.9']],
    [`${FRAME}/ip(dst=127.0.0.1,options=(lsrr(192.0.2.9)))/udp(dport=9)`, ['127.0.0.1', '192.0.2.9']],
    ['ip(dst=127.0.0.1,options=(record-route(192.0.2.9)))/udp(dport=9)', ['127.0.0.1']],
    ['ip6(dst=::1)/routing(addresses=(2001:db8::9,2001:db8::8))/udp(dport=9)', ['::1', '2001:db8::9', '2001:db8::8']],
    [
      'ip6(dst=::1)/hop-by-hop()/dstopts()/routing(type=4,addresses=(2001:db8::9))/udp(dport=9)',
      ['::1', '2001:db8::9'],
    ],
    // The other end of a tunnel hands on what it carries.
    ['ip(dst=192.0.2.9)/ip(dst=10.0.0.1)/udp(dport=9)', ['192.0.2.9']],
    ['ip6(dst=2001:db8::9)/ip6(dst=::1)/routing(addresses=(2001:db8::8))/udp(dport=9)', ['2001:db8::9']],
    // Of what is no header the kernel takes the address all the same.
    ['ip(dst=192.0.2.9,version=7)/udp(dport=9)', ['192.0.2.9']],
    ['ip(dst=192.0.2.9,headerLength=0)/udp(dport=9)', ['192.0.2.9']],
    ['ip6(dst=2001:db8::9,version=4)/udp(dport=9)', ['2001:db8::9']],
  ])('%s: %j', (text, destinations) => {
    const { bytes, link } = packetOf(text);
    expect(new DestinationReader().read(bytes, link).map(String)).toEqual(destinations);
  });

  it('is the same array while it is the same address', () => {
    const reader = new DestinationReader();
    const read = (text: string) => reader.read(packetOf(text).bytes, 'ipv4');
    const first = read('ip(dst=192.0.2.9)/udp(dport=9)');
    expect(read('ip(dst=192.0.2.9)/tcp(dport=9)')).toBe(first);
    expect(read('ip(dst=192.0.2.8)/udp(dport=9)').map(String)).toEqual(['192.0.2.8']);
  });

  it('is read off bytes of any kind', () => {
    const reader = new DestinationReader();
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom('ethernet' as const, 'ipv4' as const, 'ipv6' as const),
        (bytes, link) => {
          reader.read(bytes, link).map(String);
        },
      ),
    );
  });
});

describe('what the kernel writes into an IPv4 header itself', () => {
  it.each([
    ['ip(dst=192.0.2.9)/udp(dport=9)', []],
    ['ip(dst=192.0.2.9,checksum=1)/udp(dport=9)', ['checksum']],
    ['ip(dst=192.0.2.9,totalLength=99)/udp(dport=9)', ['totalLength']],
    ['ip(dst=192.0.2.9,src=0.0.0.0)/udp(dport=9)', ['source']],
    ['ip(dst=192.0.2.9,identification=0)/udp(dport=9)', ['identification']],
    ['ip(dst=192.0.2.9,identification=0,dontFragment=true)/udp(dport=9)', []],
    ['ip(dst=192.0.2.9,headerLength=60)/udp(dport=9)', []],
  ])('%s: %j', (text, fields) => {
    expect(rewrittenFields(packetOf(text).bytes)).toEqual(fields);
  });
});

describe('where the packets of an expression go', () => {
  const destinations = (text: string) => expression(text).destinations.map((run) => run.map(String));
  it.each([
    ['ip(dst=192.0.2.9)/udp(dport=[1,2])', [['192.0.2.9', '192.0.2.9']]],
    ['ip(dst=10.0.0.0/8)/udp(dport=9)', [['10.0.0.0', '10.255.255.255']]],
    [
      'ip(dst=[10.0.0.1..10.0.0.9,192.0.2.1],ttl=1..3)/udp(dport=9)',
      [
        ['10.0.0.1', '10.0.0.9'],
        ['192.0.2.1', '192.0.2.1'],
      ],
    ],
    ['ip(dst=random(10.0.0.0/24))/udp(dport=9)', [['10.0.0.0', '10.0.0.255']]],
    [`${FRAME}/ip6(dst=2001:db8::/64)/udp(dport=9)`, [['2001:db8::', '2001:db8::ffff:ffff:ffff:ffff']]],
    [`${FRAME}/arp(tpa=10.0.0.0/8,spa=10.0.0.1)`, []],
    ['ip(dst=192.0.2.9)/ip(dst=10.0.0.0/8)/udp(dport=9)', [['192.0.2.9', '192.0.2.9']]],
    [
      'ip(dst=127.0.0.1,options=(lsrr(192.0.2.9)))/udp(dport=9)',
      [
        ['127.0.0.1', '127.0.0.1'],
        ['192.0.2.9', '192.0.2.9'],
      ],
    ],
    [`${FRAME.slice(0, -1)},type=0x800)/hex(${IPV4})`, [['192.0.2.9', '192.0.2.9']]],
  ])('%s', (text, runs) => {
    expect(destinations(text)).toEqual(runs);
  });
});
