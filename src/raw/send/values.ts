/**
 * Values of which each packet has one: a value alone, a range, a list, and what is put together of several, whose product
 * is never made but asked for by index.
 *
 * Counts are exact up to 2^53 - 1, which stands for all that are larger. Indexes below that are right all the same: they
 * do not reach the end of a factor that is larger than they are.
 */
import type { Random } from './random.js';

export interface Values<T> {
  readonly count: number;
  /** @param index from 0 up to `count` */
  at(index: number, random: Random): T;
  /** The first and the last of each run of them, for values that have an order; of a value alone both are the same. */
  readonly runs?: readonly (readonly [T, T])[] | undefined;
}

export const MANY = Number.MAX_SAFE_INTEGER;

export function constant<T>(value: T): Values<T> {
  return { count: 1, at: () => value, runs: [[value, value]] };
}

/** One value for each packet, made for it. */
export function drawn<T>(draw: (random: Random) => T): Values<T> {
  return { count: 1, at: (_, random) => draw(random) };
}

/** Values by their place; a count beyond 2^53 is cut. */
export function computed<T>(count: number, at: (index: number) => T): Values<T> {
  return { count: Math.min(count, MANY), at };
}

/** All of one, then all of the next. */
export function concatenated<T>(parts: readonly Values<T>[]): Values<T> {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const ends: number[] = [];
  let total = 0;
  for (const { count } of parts) {
    total = Math.min(MANY, total + count);
    ends.push(total);
  }
  return {
    count: total,
    runs: parts.every(({ runs }) => runs !== undefined) ? parts.flatMap(({ runs = [] }) => runs) : undefined,
    at: (index, random) => {
      let low = 0;
      for (let high = ends.length - 1; low < high; ) {
        const middle = (low + high) >> 1;
        if (index < (ends[middle] as number)) high = middle;
        else low = middle + 1;
      }
      return (parts[low] as Values<T>).at(index - (low === 0 ? 0 : (ends[low - 1] as number)), random);
    },
  };
}

/** Every combination, the last part fastest. */
export function combined<T>(parts: readonly Values<unknown>[], make: (values: readonly unknown[]) => T): Values<T> {
  let count = 1;
  for (const part of parts) count = part.count > MANY / count ? MANY : count * part.count;
  return {
    count,
    at: (index, random) => {
      const values: unknown[] = new Array(parts.length);
      const places: number[] = new Array(parts.length);
      let rest = index;
      for (let i = parts.length - 1; i >= 0; i--) {
        const size = (parts[i] as Values<unknown>).count;
        places[i] = rest % size;
        rest = Math.floor(rest / size);
      }
      for (let i = 0; i < parts.length; i++) {
        values[i] = (parts[i] as Values<unknown>).at(places[i] as number, random);
      }
      return make(values);
    },
  };
}

export function mapped<T, U>(values: Values<T>, map: (value: T) => U): Values<U> {
  return { count: values.count, at: (index, random) => map(values.at(index, random)) };
}
