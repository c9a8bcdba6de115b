/** Flags, integers and bits: a C int to the kernel. */
import { ints, LITTLE, type OptionType, readInt, viewOf } from './type.js';

const INT_MAX = 0x7fffffff;
const ON_OFF: Readonly<Record<string, number>> = { on: 1, true: 1, yes: 1, off: 0, false: 0, no: 0 };
const SUFFIXES: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
/** What a text may end with, in milliseconds. */
const DURATIONS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** Units of time that integers are in, in milliseconds. */
const TIME_UNITS: Readonly<Record<string, number>> = { microseconds: 0.001, milliseconds: 1, seconds: 1000 };

/** Decimal or 0x hexadecimal, with k, M or G for powers of 1,024. */
export function readInteger(text: string): number | undefined {
  const match = /^(-?\d+|0x[0-9a-f]+)([kmg]?)$/i.exec(text);
  if (match === null) return undefined;
  const number = Number(match[1]) * (SUFFIXES[match[2]?.toLowerCase() ?? ''] ?? 1);
  // Adding zero makes 0 of -0.
  return Number.isSafeInteger(number) ? number + 0 : undefined;
}

/** What `on`, `off` and their like mean. */
export function readSwitch(text: string): number | undefined {
  const word = text.toLowerCase();
  return Object.hasOwn(ON_OFF, word) ? ON_OFF[word] : undefined;
}

/** `200ms`, `2s`: in milliseconds. */
export function readDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (DURATIONS[match[2] ?? ''] ?? Number.NaN);
}

/** On or off. */
export const flag: OptionType = {
  kind: 'flag',
  describe: 'on or off',
  parse: (text) => (/^[01]$/.test(text) ? Number(text) : readSwitch(text)),
  encode: (value) => ints(Number(value)),
  // The kernel answers with whatever number it keeps.
  decode: (bytes) => {
    const number = readInt(bytes);
    return number === undefined ? undefined : Number(number !== 0);
  },
  format: (value) => (value === 0 ? 'off' : 'on'),
};

/** A whole number in `unit`; where the unit is one of time, `200ms` and `2s` are understood as well. */
export function integer(unit: string, min = 0, max = INT_MAX): OptionType {
  const time = TIME_UNITS[unit];
  return {
    kind: 'integer',
    describe: `a number of ${unit} from ${min} to ${max}${time === undefined ? '' : ', or a time such as 200ms'}`,
    parse: (text) => {
      const duration = time === undefined ? undefined : readDuration(text);
      const number = duration === undefined || time === undefined ? readInteger(text) : Math.round(duration / time);
      return number !== undefined && number >= min && number <= max ? number : undefined;
    },
    encode: (value) => ints(Number(value)),
    decode: readInt,
    format: String,
  };
}

/** An unsigned number of 64 bits, as decimal text. */
export function unsigned64(unit: string): OptionType {
  return {
    kind: 'unsigned64',
    describe: `a number of ${unit}`,
    readLength: 8,
    parse: (text) => (/^\d{1,20}$/.test(text) && BigInt(text) < 1n << 64n ? BigInt(text).toString() : undefined),
    encode: (value) => {
      const bytes = new Uint8Array(8);
      viewOf(bytes).setBigUint64(0, BigInt(value), LITTLE);
      return bytes;
    },
    decode: (bytes) => {
      if (bytes.length >= 8) return viewOf(bytes).getBigUint64(0, LITTLE).toString();
      return bytes.length >= 4 ? viewOf(bytes).getUint32(0, LITTLE).toString() : undefined;
    },
    format: String,
  };
}

/** One of several names for a C int; any of the numbers is understood too. */
export function oneOf(names: Readonly<Record<string, number>>): OptionType {
  const numbers = Object.values(names);
  return {
    kind: 'enum',
    describe: `one of ${Object.keys(names).join(', ')}`,
    parse: (text) => {
      if (Object.hasOwn(names, text)) return names[text];
      const number = readInteger(text);
      return number !== undefined && numbers.includes(number) ? number : undefined;
    },
    encode: (value) => ints(Number(value)),
    decode: readInt,
    format: (value) => Object.entries(names).find(([, number]) => number === value)?.[0] ?? String(value),
  };
}

/** Any of several bits, by their names joined with '+'; none is `none`. */
export function someOf(names: Readonly<Record<string, number>>): OptionType {
  const all = Object.values(names).reduce((sum, bit) => sum | bit, 0);
  return {
    kind: 'flags',
    describe: `any of ${Object.keys(names).join(', ')} joined by '+', or none`,
    parse: (text) => {
      const number = readInteger(text);
      if (number !== undefined) return number >= 0 && number <= all && (number & ~all) === 0 ? number : undefined;
      if (text === 'none') return 0;
      const bits = text.split('+').map((name) => (Object.hasOwn(names, name) ? names[name] : undefined));
      return bits.includes(undefined) ? undefined : bits.reduce<number>((sum, bit) => sum | (bit ?? 0), 0);
    },
    encode: (value) => ints(Number(value)),
    decode: readInt,
    format: (value) => {
      const number = Number(value);
      const set = Object.entries(names).filter(([, bit]) => (number & bit) !== 0);
      if (number === 0) return 'none';
      return (number & ~all) === 0 ? set.map(([name]) => name).join('+') : String(number);
    },
  };
}

/** 32 bits, written in hex. */
export const mask: OptionType = {
  kind: 'mask',
  describe: 'a 32-bit mask such as 0xfffffffe',
  parse: (text) => {
    const number = readInteger(text);
    return number !== undefined && number >= 0 && number <= 0xffffffff ? number : undefined;
  },
  encode: (value) => ints(Number(value)),
  decode: (bytes) => (bytes.length < 4 ? undefined : viewOf(bytes).getUint32(0, LITTLE)),
  format: (value) => `0x${Number(value).toString(16)}`,
};

/** Differentiated services code points by name: RFC 2474, 2597, 3246, 5865 and 8622. */
export const CODE_POINTS: Readonly<Record<string, number>> = {
  be: 0,
  le: 1,
  cs1: 8,
  af11: 10,
  af12: 12,
  af13: 14,
  cs2: 16,
  af21: 18,
  af22: 20,
  af23: 22,
  cs3: 24,
  af31: 26,
  af32: 28,
  af33: 30,
  cs4: 32,
  af41: 34,
  af42: 36,
  af43: 38,
  cs5: 40,
  va: 44,
  ef: 46,
  cs6: 48,
  cs7: 56,
};
/** RFC 3168 section 5. */
export const ECN: Readonly<Record<string, number>> = { ect1: 1, ect0: 2, ce: 3 };

/** The TOS byte or traffic class: a code point's name, `ef` or `af41+ect0`, or the whole byte as a number. */
export function serviceClass(min: number): OptionType {
  const describe = `a code point such as ef, af41, cs6 or le, with +ect0, +ect1 or +ce, or a byte from ${min} to 255`;
  return {
    kind: 'dscp',
    describe,
    parse: (text) => {
      const number = readInteger(text);
      if (number !== undefined) return number >= min && number <= 255 ? number : undefined;
      const [name = '', ecn] = text.toLowerCase().split('+', 2);
      const code = Object.hasOwn(CODE_POINTS, name) ? CODE_POINTS[name] : undefined;
      const mark = ecn === undefined ? 0 : Object.hasOwn(ECN, ecn) ? ECN[ecn] : undefined;
      return code === undefined || mark === undefined || text.split('+').length > 2 ? undefined : code * 4 + mark;
    },
    encode: (value) => ints(Number(value)),
    decode: readInt,
    format: (value) => {
      const number = Number(value);
      const code = Object.entries(CODE_POINTS).find(([, point]) => point === number >> 2)?.[0];
      const mark = Object.entries(ECN).find(([, bits]) => bits === (number & 3))?.[0];
      if (code === undefined || number < 0) return String(number);
      return mark === undefined ? code : `${code}+${mark}`;
    },
  };
}
