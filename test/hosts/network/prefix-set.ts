/** Addresses by prefixes, as bytes. */
import { parsePrefix } from '../../../src/sockaddr/prefix.js';

export class PrefixSet {
  readonly #prefixes: readonly { readonly first: Uint8Array; readonly length: number }[];

  constructor(texts: readonly string[]) {
    this.#prefixes = texts.map((text) => {
      const { first, length } = parsePrefix(text);
      return { first: first.toBytes(), length };
    });
  }

  has(address: Uint8Array): boolean {
    return this.#prefixes.some(({ first, length }) => sharesBits(address, first, length));
  }
}

/** Whether both are of one family and have the same first bits. */
export function sharesBits(address: Uint8Array, first: Uint8Array, length: number): boolean {
  if (address.length !== first.length) return false;
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== first[i]) return false;
  const rest = length & 7;
  return rest === 0 || ((address[whole] as number) ^ (first[whole] as number)) >> (8 - rest) === 0;
}
