import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressSum,
  checksum,
  foldCarries,
  foldSum,
  pseudoAddresses,
  sumWords,
  updateChecksum,
} from '../../../src/wire/checksum.js';

/** Word by word with end-around carry, as RFC 1071 section 1 has it. */
function slowChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

describe('the checksum', () => {
  it('is that of RFC 1071 section 3', () => {
    const words = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(sumWords(words, 0, 8)).toBe(0x2ddf0);
    expect(checksum(words, 0, 8)).toBe(0x220d);
  });

  it('agrees with the slow one for any length, at any place', () => {
    // Long ones are read by words where their place in memory is even: both sides of that border are tried.
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 480, maxLength: 1600 })),
        fc.nat(5),
        fc.nat(3),
        (bytes, before, base) => {
          const memory = new Uint8Array(bytes.length + 16).fill(0xa5);
          memory.set(bytes, base + before);
          const view = memory.subarray(base);
          expect(checksum(view, before, before + bytes.length)).toBe(slowChecksum(bytes));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('does not lose carries in large packets', () => {
    for (const length of [65_535, 65_536, 131_073, 300_001]) {
      for (const skip of [0, 1]) {
        const bytes = new Uint8Array(length + skip).fill(0xff);
        expect(checksum(bytes, skip, length + skip)).toBe(slowChecksum(bytes.slice(skip)));
      }
    }
  });

  it('adds up parts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), fc.nat(), (bytes, at) => {
        const cut = Math.min(bytes.length, (at % (bytes.length + 1)) & ~1);
        const first = sumWords(bytes, 0, cut);
        expect(foldSum(sumWords(bytes, cut, bytes.length, first))).toBe(checksum(bytes, 0, bytes.length));
      }),
    );
  });

  it('is updated as RFC 1624 says, its own example among others', () => {
    expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4, maxLength: 60 }),
        fc.integer({ min: 0, max: 0xffff }),
        (bytes, word) => {
          // A header that is all zeros has no sum of its own (RFC 1624 section 3).
          bytes[0] = 0x45;
          const before = checksum(bytes, 0, bytes.length);
          const old = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
          bytes[2] = word >> 8;
          bytes[3] = word & 255;
          expect(updateChecksum(before, old, word)).toBe(checksum(bytes, 0, bytes.length));
        },
      ),
    );
  });

  it('adds the pseudo headers of both families', () => {
    // RFC 768: source, destination, zero and protocol, length.
    expect(addressSum(pseudoAddresses('192.0.2.1', '192.0.2.2'), 17, 12)).toBe(2 * 0xc000 + 0x201 + 0x202 + 17 + 12);
    // RFC 8200 section 8.1: the length has 32 bits.
    expect(foldCarries(addressSum(pseudoAddresses('::1', '::2'), 58, 0x1_0002))).toBe(1 + 2 + 58 + 1 + 2);
  });

  it('refuses addresses of two families', () => {
    expect(() => pseudoAddresses('192.0.2.1', '::1')).toThrow(RangeError);
    expect(() => addressSum(new Uint8Array(20), 6, 20)).toThrow(RangeError);
  });
});
