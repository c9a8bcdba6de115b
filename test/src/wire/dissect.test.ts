import { describe, expect, it } from 'vitest';
import { dissect } from '../../../src/wire/dissect.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { decoderSuite, fromHex, layer, layersOf } from './codec-suite.js';
import { ethernetSamples, linkSamples, networkSamples, rawSamples } from './samples.js';

describe('Ethernet', () => decoderSuite({ linkType: LinkType.ETHERNET }, ethernetSamples));
describe('raw IP', () => decoderSuite({ linkType: LinkType.RAW }, [...rawSamples, ...networkSamples]));
describe.each([...linkSamples])('link type %i', (linkType, sample) => decoderSuite({ linkType }, [sample]));

describe('hostile packets', () => {
  const [syn, , unreachable] = rawSamples.map((sample) => sample.bytes);

  it('keeps what was read before a fault, and says who claimed what', () => {
    const cut = (syn ?? new Uint8Array()).slice(0, 30);
    const { layers, malformed } = dissect(cut, LinkType.RAW);
    expect(layers.map((l) => l.protocol)).toEqual(['ipv4', 'tcp-partial', 'payload']);
    expect(malformed).toEqual({ layer: 'ipv4', offset: 0, need: 60, have: 30, claimedBy: 'totalLength' });
  });

  it('bounds tunnels within tunnels', () => {
    const header = fromHex('4500 0000 0000 0000 4004 0000 c0000201 c0000202');
    const bytes = Uint8Array.from(Array.from({ length: 500 }, () => [...header]).flat());
    const found = dissect(bytes, LinkType.RAW);
    expect(layersOf(found)).toEqual([...Array(16).fill('ipv4'), 'payload']);
    expect(found.layers.at(-1)).toMatchObject({ length: bytes.length - 16 * header.length });
  });

  it('does not judge the sums of what an error quotes, nor call its cut a fault', () => {
    const found = dissect(unreachable ?? new Uint8Array(), LinkType.RAW);
    expect(found.malformed).toBeUndefined();
    expect(layer(found, 'udp').checksumValid).toBeNull();
  });

  it('sees a wrong checksum at every layer', () => {
    for (const [at, protocol] of [
      [10, 'ipv4'],
      [36, 'tcp'],
    ] as const) {
      const bytes = Uint8Array.from(syn ?? []);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(layer(dissect(bytes, LinkType.RAW), protocol).checksumValid).toBe(false);
    }
  });

  it('reads a header length below the minimum as a fault', () => {
    const { malformed } = dissect(fromHex('4400 0014 0000 0000 4001 0000 c0000201 c0000202'), LinkType.RAW);
    expect(malformed).toEqual({ layer: 'ipv4', offset: 0, need: 20, have: 16, claimedBy: 'headerLength' });
  });

  it('reads a fragment that is not the first as payload', () => {
    const found = dissect(fromHex('4500 001c 0001 0001 4006 0000 c0000201 c0000202 0102030405060708'), LinkType.RAW);
    expect(layersOf(found)).toEqual(['ipv4', 'payload']);
    expect(layer(found, 'ipv4').fragmentOffset).toBe(8);
  });

  it('reads an unknown link type as payload', () => {
    expect(dissect(fromHex('0102'), 12_345).layers).toMatchObject([{ protocol: 'payload', length: 2 }]);
  });

  it('reads TCP options whose length lies as a fault', () => {
    const bytes = Uint8Array.from(syn ?? []);
    bytes[41] = 200;
    const found = dissect(bytes, LinkType.RAW);
    expect(found.malformed).toMatchObject({ layer: 'tcp', offset: 40, need: 200, claimedBy: 'option length' });
    expect(layer(found, 'tcp').options).toEqual([]);
  });
});
