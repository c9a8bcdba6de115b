/** Packets that are taken apart and put together again are the same, whatever they were. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { encodePacket } from '../../../src/wire/encode.js';
import { dissectExactly } from '../../../src/wire/exact.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { DECODERS } from '../../../src/wire/registry.js';
import { fromHex } from './codec-suite.js';
import { ethernetSamples, linkSamples, networkSamples, rawSamples } from './samples.js';

const samples: [string, number, Uint8Array][] = [
  ...ethernetSamples.map(({ name, bytes }): [string, number, Uint8Array] => [name, LinkType.ETHERNET, bytes]),
  ...[...rawSamples, ...networkSamples].map(({ name, bytes }): [string, number, Uint8Array] => [
    name,
    LinkType.RAW,
    bytes,
  ]),
  ...[...linkSamples].map(([linkType, { name, bytes }]): [string, number, Uint8Array] => [name, linkType, bytes]),
];

describe('exactly', () => {
  it.each(samples)('%s, and every beginning of it', (_, linkType, bytes) => {
    for (let length = 0; length <= bytes.length; length++) {
      const cut = bytes.slice(0, length);
      for (const originalLength of [length, bytes.length]) {
        expect(encodePacket(dissectExactly(cut, linkType, { originalLength }))).toEqual(cut);
      }
    }
  });

  it('a header that breaks off behind what it began with', () => {
    const bytes = fromHex('ff0300');
    const { layers, malformed } = dissectExactly(bytes, LinkType.PPP);
    expect(layers).toEqual([{ protocol: 'payload', length: 3, data: bytes }]);
    expect(malformed).toMatchObject({ layer: 'ppp', need: 2, have: 1 });
    expect(encodePacket({ layers })).toEqual(bytes);
  });

  it('any bytes, at random and changed from packets', () => {
    const linkTypes = [...DECODERS.linkType.keys(), 40_000];
    const base = fc.oneof(
      fc.tuple(fc.constantFrom(...linkTypes), fc.uint8Array({ maxLength: 120 })),
      fc.constantFrom(...samples.map(([, linkType, bytes]): [number, Uint8Array] => [linkType, bytes])),
    );
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(base, changes, fc.nat(60), ([linkType, from], list, more) => {
        const bytes = from.slice();
        for (const [at, value] of list) if (bytes.length > 0) bytes[at % bytes.length] = value;
        expect(encodePacket(dissectExactly(bytes, linkType))).toEqual(bytes);
        expect(encodePacket(dissectExactly(bytes, linkType, { originalLength: bytes.length + more }))).toEqual(bytes);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('what is kept', () => {
  const frame = fromHex(`020000000002 020000000001 0800
    4500 0020 1234 4000 4001 a4a5 c0000201 c0000202 0800 3331 0007 0001 61626364`);

  it('is nothing where the fields say everything', () => {
    const { layers, kept } = dissectExactly(frame, LinkType.ETHERNET);
    expect(kept).toEqual([undefined, undefined, undefined, undefined]);
    expect(encodePacket({ layers })).toEqual(frame);
  });

  it('is what follows the packet in its frame', () => {
    const padded = Uint8Array.from([...frame, 0, 0, 9]);
    const { kept } = dissectExactly(padded, LinkType.ETHERNET);
    expect(kept).toEqual([undefined, { back: Uint8Array.of(0, 0, 9) }, undefined, undefined]);
  });

  it('is a header whose reserved bits are set', () => {
    const odd = frame.slice();
    odd[20] = 0xc0;
    const { layers, kept } = dissectExactly(odd, LinkType.ETHERNET);
    expect(kept[1]).toEqual({ front: odd.slice(14, 34) });
    expect(encodePacket({ layers, kept })).toEqual(odd);
    // Without it, the bit is gone.
    expect(encodePacket({ layers })[20]).toBe(0x40);
  });

  it('may be left out for a layer that is changed', () => {
    const { layers, kept } = dissectExactly(frame, LinkType.ETHERNET);
    const changed = layers.map((layer) => (layer.protocol === 'ipv4' ? { ...layer, ttl: 9 } : layer));
    const written = encodePacket({ layers: changed, kept });
    expect(written[22]).toBe(9);
    expect(written.length).toBe(frame.length);
  });

  it('is asked for where no field has the bytes', () => {
    const layers = [{ protocol: 'tls', records: [{ contentType: 23, version: 0x303, length: 100 }] }] as const;
    expect(() => encodePacket({ layers })).toThrow(UsageError);
  });
});
