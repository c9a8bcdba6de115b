/**
 * What proves that a reply is to a probe of this run: the payload begins with 16 bytes that only the holder of a key can
 * have made, and that say which probe it was.
 *
 *     +---------------+---------------+
 *     |        code of the number     |   HalfSipHash-2-4 with 64 bits, under a key of this run
 *     +---------------+---------------+
 *     |        number of the probe    |   counted over all hosts, big-endian
 *     +---------------+---------------+
 *
 * HalfSipHash is SipHash (Aumasson and Bernstein, 2012) in words of 32 bits: a keyed code for short messages, which costs
 * a twentieth of an HMAC of node:crypto. A smaller payload has as much of the 16 bytes as fits.
 */

export const TOKEN_LENGTH = 16;

/** Computes codes under one key; the last one stands in {@link first} and {@link second}. */
export class TokenCode {
  /** The code of the last number: bytes 0 to 3, and 4 to 7, as big-endian words. */
  first = 0;
  second = 0;
  readonly #low: number;
  readonly #high: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  /** @param key 8 random bytes */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, 8);
    this.#low = view.getInt32(0, true);
    this.#high = view.getInt32(4, true);
  }

  /** @param low and high the words of the message of 8 bytes, as they stand in it in little-endian order */
  compute(low: number, high: number): void {
    this.#v0 = this.#low;
    this.#v1 = this.#high ^ 0xee;
    this.#v2 = 0x6c796765 ^ this.#low;
    this.#v3 = 0x74656462 ^ this.#high;
    this.#absorb(low | 0);
    this.#absorb(high | 0);
    // The length of the message, in the highest byte of a last word.
    this.#absorb(8 << 24);
    this.#v2 ^= 0xee;
    this.#rounds(4);
    this.first = swap(this.#v1 ^ this.#v3);
    this.#v1 ^= 0xdd;
    this.#rounds(4);
    this.second = swap(this.#v1 ^ this.#v3);
  }

  #absorb(word: number): void {
    this.#v3 ^= word;
    this.#rounds(2);
    this.#v0 ^= word;
  }

  #rounds(count: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}

/** The word with its bytes in the other order, unsigned. */
function swap(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
