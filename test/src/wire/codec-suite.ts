/** What every codec must pass: known bytes both ways, every shorter length, any bytes at all. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dissect, dissectProtocol } from '../../../src/wire/dissect.js';
import type { Dissection, Layer } from '../../../src/wire/layer.js';

export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly layers: readonly object[];
}

export const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));

export const layersOf = ({ layers }: Dissection): string[] => layers.map((layer) => layer.protocol);

export function layer<Name extends Layer['protocol']>(
  { layers }: Dissection,
  protocol: Name,
): Extract<Layer, { protocol: Name }> {
  const found = layers.find((candidate) => candidate.protocol === protocol);
  if (found === undefined) throw new Error(`no ${protocol} among ${layers.map((l) => l.protocol).join(', ')}`);
  return found as Extract<Layer, { protocol: Name }>;
}

/** Either a LINKTYPE_ number or the protocol that an IP header would name. */
export type Start = { readonly linkType: number } | { readonly protocol: number };

export function read(start: Start, bytes: Uint8Array, originalLength = bytes.length): Dissection {
  return 'linkType' in start
    ? dissect(bytes, start.linkType, { originalLength })
    : dissectProtocol(bytes, start.protocol);
}

/** Declares the tests that every decoder passes. */
export function decoderSuite(start: Start, samples: readonly Sample[]): void {
  it.each(samples.map((sample) => [sample.name, sample] as const))('reads %s', (_, { bytes, layers }) => {
    const found = read(start, bytes);
    expect(found.malformed).toBeUndefined();
    expect(found.layers).toMatchObject(layers);
    expect(found.layers.length).toBe(layers.length);
  });

  it.each(samples.map((sample) => [sample.name, sample] as const))(
    'reads every beginning of %s',
    (_, { bytes, layers }) => {
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.slice(0, length);
        // As a packet that is too short in itself: either a fault, or less was read; never an exception.
        const short = read(start, cut);
        const least = Math.min(...[short.malformed?.have ?? 0]);
        expect(least).toBeLessThan(bytes.length);
        if (short.malformed !== undefined) expect(short.malformed.need).toBeGreaterThan(short.malformed.have);
        expect(short.layers.length).toBeLessThanOrEqual(layers.length + 1);
        // As a capture that was cut: the sums over what is missing are not judged.
        for (const found of read(start, cut, bytes.length).layers) {
          if (found.protocol !== 'ipv4' && 'checksumValid' in found && 'linkType' in start)
            expect(found.checksumValid).toBeNull();
        }
      }
    },
  );

  it('takes any bytes', () => {
    const bases = samples.map(({ bytes }) => bytes);
    fc.assert(
      fc.property(
        fc.constantFrom(...bases),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
        fc.uint8Array({ maxLength: 80 }),
        (base, changes, tail) => {
          const bytes = Uint8Array.from([...base, ...tail]);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const { layers, malformed } = read(start, bytes);
          expect(layers.length).toBeLessThanOrEqual(65);
          if (malformed !== undefined) expect(malformed.offset).toBeLessThanOrEqual(bytes.length);
          // Every number that a layer gives is a number, whatever was in the bytes.
          for (const one of layers) for (const value of Object.values(one)) expect(value).not.toBeNaN();
        },
      ),
      { numRuns: 500 },
    );
  });
}
