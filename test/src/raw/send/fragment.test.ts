/** Fragments: what each is, and that together they are the packet. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Defragmenter } from '../../../../capture/analysis/defragment.js';
import type { BuiltPacket } from '../../../../src/raw/send/built-packet.js';
import { fragmentPacket } from '../../../../src/raw/send/expression.js';
import { dissect } from '../../../../src/wire/dissect.js';
import { build, LINKS, layersOf, read } from './building.js';

/** What a receiver puts together, from the last fragment on. */
function together(fragments: readonly BuiltPacket[]): Uint8Array | undefined {
  const defragmenter = new Defragmenter();
  let whole: Uint8Array | undefined;
  for (const { bytes, link } of fragments) {
    const found = defragmenter.add(bytes, dissect(bytes, LINKS[link]), 0);
    if (found !== undefined && found.length !== bytes.length) whole = found;
  }
  return whole;
}

const payloadOf = (bytes: Uint8Array, link: BuiltPacket['link']) =>
  dissect(bytes, LINKS[link]).layers.filter(
    ({ protocol }) => protocol !== 'ethernet' && protocol !== 'ipv4' && protocol !== 'ipv6',
  );

describe('fragments', () => {
  it('of IPv4: offsets, flags and lengths', () => {
    const packet = build('ip(dst=10.0.0.1,id=7)/udp(dport=9)/pattern(100)');
    const fragments = fragmentPacket(packet, 60, 0);
    expect(fragments.map(({ bytes }) => bytes.length)).toEqual([60, 60, 48]);
    expect(fragments.map((fragment) => layersOf(fragment)[0])).toMatchObject([
      { identification: 7, fragmentOffset: 0, moreFragments: true, totalLength: 60, checksumValid: true },
      { identification: 7, fragmentOffset: 40, moreFragments: true, totalLength: 60, checksumValid: true },
      { identification: 7, fragmentOffset: 80, moreFragments: false, totalLength: 48, checksumValid: true },
    ]);
    expect(fragments.map(({ destination }) => String(destination))).toEqual(['10.0.0.1', '10.0.0.1', '10.0.0.1']);
  });

  it('of IPv6, behind the headers that routers look at', () => {
    const packet = build(
      'ip6(dst=2001:db8::1)/hop-by-hop(padn=4)/destination-options(padn=4)/udp(dport=9)/pattern(100)',
    );
    const fragments = fragmentPacket(packet, 120, 0x89abcdef);
    const heads = fragments.map((fragment) => layersOf(fragment).slice(0, 3));
    expect(heads[0]).toMatchObject([
      { protocol: 'ipv6', nextHeader: 0, payloadLength: 80 },
      { protocol: 'ipv6-hop-by-hop', nextHeader: 44 },
      { protocol: 'ipv6-fragment', nextHeader: 60, fragmentOffset: 0, moreFragments: true, identification: 0x89abcdef },
    ]);
    expect(heads[1]?.[2]).toMatchObject({ nextHeader: 60, fragmentOffset: 64, moreFragments: false });
  });

  it('have the options that are to be copied, and the first all', () => {
    const packet = build('ip(dst=10.0.0.1,options=(record-route(slots=1),router-alert))/udp(dport=9)/zero(80)');
    const [first, second] = fragmentPacket(packet, 72, 0).map((fragment) => layersOf(fragment)[0]);
    expect(first).toMatchObject({
      headerLength: 32,
      options: [{ kind: 'recordRoute' }, { kind: 'routerAlert' }, { kind: 'end' }],
    });
    expect(second).toMatchObject({ headerLength: 24, options: [{ kind: 'routerAlert' }] });
  });

  it('are the packet together, whatever their size', () => {
    const texts = [
      (size: number) => `ip(dst=10.0.0.1)/udp(dport=9)/random(${size})`,
      (size: number) => `eth(dst=02:00:00:00:00:09)/ip(dst=10.0.0.1)/icmp/random(${size})`,
      (size: number) => `ip6(dst=2001:db8::1)/udp(dport=9)/random(${size})`,
      (size: number) => `eth(dst=02:00:00:00:00:09)/vlan(5)/ip6(dst=2001:db8::1)/icmp6/random(${size})`,
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.integer({ min: 200, max: 4000 }),
        fc.integer({ min: 80, max: 190 }),
        (text, size, mtu) => {
          const packet = build(text(size));
          const fragments = fragmentPacket(packet, mtu, 5);
          expect(fragments.length).toBeGreaterThan(1);
          for (const fragment of fragments) {
            expect(read(fragment).malformed).toBeUndefined();
            expect(fragment.bytes.length).toBeLessThanOrEqual(mtu + 18);
          }
          const whole = together(fragments);
          expect(whole).toBeDefined();
          expect(payloadOf(whole as Uint8Array, packet.link)).toEqual(payloadOf(packet.bytes, packet.link));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('of a fragment are fragments', () => {
    const packet = build('ip(dst=10.0.0.1,frag=800,mf,protocol=17)/pattern(100)');
    expect(fragmentPacket(packet, 68, 0).map((fragment) => layersOf(fragment)[0])).toMatchObject([
      { fragmentOffset: 800, moreFragments: true },
      { fragmentOffset: 848, moreFragments: true },
      { fragmentOffset: 896, moreFragments: true },
    ]);
  });

  it('are not made of what fits, and not of what must not be', () => {
    const packet = build('ip(dst=10.0.0.1)/udp(dport=9)/zero(100)');
    expect(fragmentPacket(packet, 128, 0)).toEqual([packet]);
    expect(() => fragmentPacket(packet, 27, 0)).toThrow(/no room/);
    expect(() => fragmentPacket(build('ip(dst=10.0.0.1,df)/udp(dport=9)/zero(100)'), 60, 0)).toThrow(
      /dontFragment is set/,
    );
    expect(() => fragmentPacket(build('eth/arp(target=10.0.0.1)'), 60, 0)).toThrow(/without an IP header/);
    const atomic = build('ip6(dst=::1)/fragment/udp(dport=9)/zero(100)');
    expect(() => fragmentPacket(atomic, 80, 0)).toThrow(/a fragment header already/);
  });
});
