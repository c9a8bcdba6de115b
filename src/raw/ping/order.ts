/**
 * The order in which the hosts of a set are pinged. A random one is a keyed permutation that is worked out number by
 * number, either way (a Feistel network with cycle walking: Black and Rogaway, "Ciphers with Arbitrary Finite Domains").
 */
import { randomInt } from 'node:crypto';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { PingTarget, TargetSet } from './targets.js';

const ROUNDS = 4;

export interface PingOrder {
  /** How many there are. */
  readonly size: number;
  /** Who is the `step`-th, from 0. */
  at(step: number): PingTarget;
  /** The address of that one. */
  addressAt(step: number): IPAddress;
  /** When that address has its turn; undefined where it never has. */
  stepOf(address: IPAddress): number | undefined;
}

/** The set in its own order, or in a random one. */
export function pingOrder(set: TargetSet, random: boolean | { readonly seed: number } | undefined): PingOrder {
  if (random === undefined || random === false || set.size === 1) {
    return {
      size: set.size,
      at: (step) => set.at(step),
      addressAt: (step) => set.addressAt(step),
      stepOf: (address) => set.indexOf(address),
    };
  }
  const seed = random === true ? randomInt(2 ** 47) : random.seed;
  const permutation = new Permutation(set.size, seed);
  const spread = permutation.key | 1;
  return {
    size: set.size,
    at: (step) => set.at(permutation.forward(step), spread),
    addressAt: (step) => set.addressAt(permutation.forward(step), spread),
    stepOf: (address) => {
      const index = set.indexOf(address, spread);
      return index === undefined ? undefined : permutation.backward(index);
    },
  };
}

/** A permutation of the numbers from 0 to below `size`, which a seed chooses. */
export class Permutation {
  /** 32 bits that the seed has made. */
  readonly key: number;
  readonly #size: number;
  /** Values of each half. */
  readonly #half: number;
  readonly #keys = new Uint32Array(ROUNDS);

  /** @param size 1 to 2^53 */
  constructor(size: number, seed: number) {
    this.#size = size;
    this.#half = Math.max(2, Math.ceil(Math.sqrt(size)));
    let state = (seed % 2 ** 32) ^ Math.floor(seed / 2 ** 32);
    const next = () => {
      state = (state + 0x9e3779b9) | 0;
      return round(state, 0x2545f491);
    };
    for (let i = 0; i < ROUNDS; i++) this.#keys[i] = next();
    this.key = next();
  }

  forward(number: number): number {
    let value = number;
    do value = this.#encrypt(value);
    while (value >= this.#size);
    return value;
  }

  backward(number: number): number {
    let value = number;
    do value = this.#decrypt(value);
    while (value >= this.#size);
    return value;
  }

  #encrypt(value: number): number {
    const half = this.#half;
    let left = Math.floor(value / half);
    let right = value % half;
    for (let i = 0; i < ROUNDS; i++) {
      const next = (left + round(right, this.#keys[i] as number)) % half;
      left = right;
      right = next;
    }
    return left * half + right;
  }

  #decrypt(value: number): number {
    const half = this.#half;
    let left = Math.floor(value / half);
    let right = value % half;
    for (let i = ROUNDS - 1; i >= 0; i--) {
      const before = (right - (round(left, this.#keys[i] as number) % half) + half) % half;
      right = left;
      left = before;
    }
    return left * half + right;
  }
}

/** 32 bits out of a half (below 2^27) and a key. */
function round(half: number, key: number): number {
  let h = Math.imul(half ^ key, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ (key >>> 7), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f);
  return (h ^ (h >>> 16)) >>> 0;
}
