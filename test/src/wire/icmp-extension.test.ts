/** What errors and extended echo requests carry behind their headers, in both versions of ICMP. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IPv4Address, IPv6Address } from '../../../src/sockaddr/ip.js';
import { pseudoAddresses } from '../../../src/wire/checksum.js';
import { encodePacket } from '../../../src/wire/encode.js';
import { dissectExactly } from '../../../src/wire/exact.js';
import { encodeIcmp } from '../../../src/wire/icmp.js';
import type { IcmpExtension } from '../../../src/wire/icmp-extension.js';
import { encodeIcmpv6 } from '../../../src/wire/icmpv6.js';
import { encodeIPv4 } from '../../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../../src/wire/ipv6.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { encodeUdp } from '../../../src/wire/udp.js';
import { layer } from './codec-suite.js';

const u8 = fc.integer({ min: 0, max: 255 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const address = fc.oneof(
  u32.map((value) => new IPv4Address(value).toString()),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new IPv6Address(bytes).toString()),
);
const name = fc.stringMatching(/^[a-z0-9./-]{1,30}$/);
const label = fc.record({ label: fc.nat(0xfffff), trafficClass: fc.nat(7), bottomOfStack: fc.boolean(), ttl: u8 });

/** Each present or not. */
const maybe = <T extends object>(parts: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) =>
  fc.record(parts, { requiredKeys: [] });

const extension: fc.Arbitrary<IcmpExtension> = fc.oneof(
  fc.record({ kind: fc.constant('mpls' as const), labels: fc.array(label, { maxLength: 3 }) }),
  fc
    .tuple(
      fc.constantFrom('incoming' as const, 'sub-ip' as const, 'outgoing' as const, 'next-hop' as const),
      maybe({ index: u32, address, name, mtu: u32 }),
    )
    .map(([role, parts]): IcmpExtension => ({ kind: 'interface', role, ...parts })),
  fc
    .oneof(fc.record({ name }), fc.record({ index: u32 }), fc.record({ address }))
    .map((part): IcmpExtension => ({ kind: 'interface-identification', ...part })),
  fc.record({
    kind: fc.constant('unknown' as const),
    class: fc.integer({ min: 4, max: 255 }),
    type: u8,
    data: fc.constantFrom('', '00112233'),
  }),
);
const extensions = fc.array(extension, { minLength: 1, maxLength: 4 });

const V4 = { source: '192.0.2.1', destination: '192.0.2.2' };
const V6 = { source: '2001:db8::1', destination: '2001:db8::2' };

function inIP(family: 4 | 6, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(40 + body.length);
  const at =
    family === 4
      ? encodeIPv4({ ...V4, protocolNumber: 1 }, body.length, bytes)
      : encodeIPv6({ ...V6, nextHeader: 58 }, body.length, bytes);
  bytes.set(body, at);
  return bytes.slice(0, at + body.length);
}

/** A packet as an error quotes it. */
function quote(family: 4 | 6): Uint8Array {
  const udp = encodeUdp({ sourcePort: 40_000, destinationPort: 33_434, checksum: 7 }, new Uint8Array(12));
  const whole = new Uint8Array(40 + udp.length);
  const at =
    family === 4
      ? encodeIPv4({ ...V4, protocolNumber: 17 }, udp.length, whole)
      : encodeIPv6({ ...V6, nextHeader: 17 }, udp.length, whole);
  whole.set(udp, at);
  return whole.slice(0, at + udp.length);
}

function message(family: 4 | 6, error: boolean, quoteLength: number | undefined, list: IcmpExtension[]): Uint8Array {
  const length = quoteLength === undefined ? {} : { quoteLength };
  const kind = error ? { extensions: list, ...length } : { extensions: list, identifier: 7, sequence: 9, local: true };
  const data = error ? quote(family) : new Uint8Array(0);
  return family === 4
    ? encodeIcmp({ icmpType: error ? 11 : 42, ...kind }, data)
    : encodeIcmpv6({ icmpType: error ? 3 : 160, ...kind }, data, pseudoAddresses(V6.source, V6.destination));
}

it('is read back, and written again from the fields alone', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(4 as const, 6 as const),
      fc.boolean(),
      fc.constantFrom(undefined, 128, 144),
      extensions,
      (family, error, quoteLength, some) => {
        // A request asks about one interface.
        const list = error ? some : some.slice(0, 1);
        const bytes = inIP(family, message(family, error, quoteLength, list));
        const exact = dissectExactly(bytes, LinkType.RAW);
        expect(exact.malformed).toBeUndefined();
        const found = family === 4 ? layer(exact, 'icmp') : layer(exact, 'icmpv6');
        expect(found.checksumValid).toBe(true);
        expect(found.extensions).toEqual(list);
        if (error) expect(found.quoteLength).toBe(quoteLength);
        expect(encodePacket(exact)).toEqual(bytes);
        expect(exact.kept[1]).toBeUndefined();
      },
    ),
    { numRuns: 500 },
  );
});
