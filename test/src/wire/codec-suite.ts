/** What every codec must pass: known bytes both ways, every shorter length, any bytes at all. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dissect, dissectProtocol } from '../../../src/wire/dissect.js';
import type { Dissection, Layer } from '../../../src/wire/layer.js';

export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly layers: readonly object[];
  /** Bytes at the end that belong to no header: without them the packet is whole. */
  readonly padding?: number;
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

/** As a capture that was cut: the sums over what is missing are not judged, and nothing is called malformed. */
function expectUnjudged(start: Start, cut: Uint8Array, originalLength: number): void {
  if (!('linkType' in start)) return;
  const { layers, malformed } = read(start, cut, originalLength);
  expect(malformed).toBeUndefined();
  for (const found of layers) {
    if (found.protocol !== 'ipv4' && 'checksumValid' in found) expect(found.checksumValid).toBeNull();
  }
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
    (_, { bytes, layers, padding = 0 }) => {
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.slice(0, length);
        // As a packet that is too short in itself: either a fault, or less was read; never an exception.
        const short = read(start, cut);
        const { malformed } = short;
        if (malformed !== undefined) expect(malformed.need).toBeGreaterThan(malformed.have);
        expect(short.layers.length).toBeLessThanOrEqual(layers.length + 1);
        if (length < bytes.length - padding) expectUnjudged(start, cut, bytes.length);
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
          expect(layers.length).toBeLessThanOrEqual(64);
          if (malformed !== undefined) expect(malformed.offset).toBeLessThanOrEqual(bytes.length);
          // Every number that a layer gives is a number, whatever was in the bytes.
          for (const one of layers) for (const value of Object.values(one)) expect(value).not.toBeNaN();
        },
      ),
      { numRuns: 500 },
    );
  });
}

/** What an encoder must do: write its bytes and no others, into a dirty buffer at any offset, to be read back the same. */
export function encoderSuite<Fields>(
  fields: fc.Arbitrary<Fields>,
  write: (fields: Fields, into: Uint8Array, offset: number) => number,
  read: (bytes: Uint8Array, fields: Fields) => void,
): void {
  it('writes into a dirty buffer at an offset what is read back', () => {
    const into = new Uint8Array(600);
    fc.assert(
      fc.property(fields, fc.nat(40), (value, offset) => {
        into.fill(0xff);
        const end = write(value, into, offset);
        expect(into.subarray(0, offset).every((byte) => byte === 0xff)).toBe(true);
        expect(into.subarray(end).every((byte) => byte === 0xff)).toBe(true);
        const dirty = into.slice(offset, end);
        into.fill(0);
        expect(write(value, into, offset)).toBe(end);
        expect(into.slice(offset, end)).toEqual(dirty);
        read(dirty, value);
      }),
    );
  });
}
