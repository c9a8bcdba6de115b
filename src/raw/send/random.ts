/** Random numbers that come again: each packet has its own, by the seed and its index alone. */

export class Random {
  #state: number;

  /** @param seed 32 bits; @param index of the packet, up to 2^53 */
  constructor(seed: number, index: number) {
    this.#state = mix(
      mix(seed ^ 0x9e37_79b9) + mix((index % 0x1_0000_0000) ^ 0x85eb_ca6b) + Math.floor(index / 2 ** 32),
    );
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x9e37_79b9) | 0;
    return mix(this.#state) >>> 0;
  }

  /** 0 to `count - 1`, each as likely as the next; `count` is at most 2^53. */
  below(count: number): number {
    const word = () => (this.next() >>> 11) * 0x1_0000_0000 + this.next();
    // What is left over at the end would make small numbers likelier.
    const limit = 2 ** 53 - (2 ** 53 % count);
    let value = word();
    while (value >= limit) value = word();
    return value % count;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.next() & 255;
    return bytes;
  }
}

/** Each bit of what comes out depends on each bit that went in. */
function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
  return mixed ^ (mixed >>> 15);
}
