/** Option values: from the text of `--opt` to a value, and between values and the bytes of setsockopt(2). */
import { endianness } from 'node:os';
import { clip, UsageError } from '../errors.js';
import type { OptionValueType, SocketOption } from './table.js';

/** A flag is 0 or 1; linger is -1 for off; bytes are hex; everything else is the number or text itself. */
export type OptionValue = number | string;

const LITTLE = endianness() === 'LE';
const SUFFIXES: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const WORDS: Readonly<Record<string, number>> = { on: 1, true: 1, yes: 1, off: 0, false: 0, no: 0 };

/**
 * Reads the value of `option`; a flag without a value is on.
 *
 * @throws UsageError BAD_OPTION saying what the option takes
 */
export function parseOptionValue(option: SocketOption, text: string | undefined): OptionValue {
  const value = text === undefined ? (option.type.kind === 'flag' ? 1 : undefined) : read(option.type, text);
  if (value !== undefined) return value;
  const got = text === undefined ? 'no value' : `'${clip(text)}'`;
  throw new UsageError(
    `--opt ${option.name}: ${got} given, it takes ${describeType(option.type)}`,
    option.summary,
    'BAD_OPTION',
  );
}

function read(type: OptionValueType, text: string): OptionValue | undefined {
  switch (type.kind) {
    case 'flag':
      return /^[01]$/.test(text) ? Number(text) : WORDS[text.toLowerCase()];
    case 'integer': {
      const number = readInteger(text);
      return number !== undefined && number >= type.min && number <= type.max ? number : undefined;
    }
    case 'enum': {
      if (Object.hasOwn(type.names, text)) return type.names[text];
      const number = readInteger(text);
      return Object.values(type.names).includes(number ?? Number.NaN) ? number : undefined;
    }
    case 'text':
      return text !== '' && !text.includes('\0') && new TextEncoder().encode(text).length <= type.max
        ? text
        : undefined;
    case 'timeval': {
      const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      return seconds <= 0x7fffffff ? seconds : undefined;
    }
    case 'linger': {
      if (WORDS[text.toLowerCase()] === 0) return -1;
      const seconds = readInteger(text);
      return seconds !== undefined && seconds >= 0 && seconds <= 0x7fffffff ? seconds : undefined;
    }
    case 'mask': {
      const number = readInteger(text);
      return number !== undefined && number >= 0 && number <= 0xffffffff ? number : undefined;
    }
    case 'bytes':
      return /^[0-9a-f]*$/i.test(text) && text.length === 2 * type.length ? text.toLowerCase() : undefined;
  }
}

/** Decimal or 0x hexadecimal, with k, M or G for powers of 1,024. */
function readInteger(text: string): number | undefined {
  const match = /^(-?\d+|0x[0-9a-f]+)([kmg]?)$/i.exec(text);
  if (match === null) return undefined;
  const number = Number(match[1]) * (SUFFIXES[match[2]?.toLowerCase() ?? ''] ?? 1);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** What a type takes, for messages and help. */
export function describeType(type: OptionValueType): string {
  switch (type.kind) {
    case 'flag':
      return 'on or off';
    case 'integer':
      return `a number of ${type.unit} from ${type.min} to ${type.max}`;
    case 'enum':
      return `one of ${Object.keys(type.names).join(', ')}`;
    case 'text':
      return `a name of at most ${type.max} characters`;
    case 'timeval':
      return 'a number of seconds';
    case 'linger':
      return 'off or a number of seconds';
    case 'mask':
      return 'a 32-bit mask such as 0xfffffffe';
    case 'bytes':
      return `${type.length} bytes in hex`;
  }
}

/** The bytes that setsockopt(2) takes for `value`. */
export function encodeOptionValue(type: OptionValueType, value: OptionValue): Uint8Array {
  switch (type.kind) {
    case 'text':
      return new TextEncoder().encode(`${value}\0`);
    case 'timeval': {
      const seconds = Math.floor(Number(value));
      const bytes = new Uint8Array(16);
      const view = new DataView(bytes.buffer);
      view.setBigInt64(0, BigInt(seconds), LITTLE);
      view.setBigInt64(8, BigInt(Math.round((Number(value) - seconds) * 1e6)), LITTLE);
      return bytes;
    }
    case 'bytes':
      return Uint8Array.from(Buffer.from(String(value), 'hex'));
    case 'linger':
      return Number(value) < 0 ? ints(0, 0) : ints(1, Number(value));
    default:
      return ints(Number(value));
  }
}

/** The value in the bytes that getsockopt(2) gave; undefined when there are too few. */
export function decodeOptionValue(type: OptionValueType, bytes: Uint8Array): OptionValue | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (type.kind) {
    case 'text': {
      const end = bytes.indexOf(0);
      return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    }
    case 'timeval':
      if (bytes.length < 16) return undefined;
      return Number(view.getBigInt64(0, LITTLE)) + Number(view.getBigInt64(8, LITTLE)) / 1e6;
    case 'bytes':
      return Buffer.from(bytes).toString('hex');
    case 'linger':
      if (bytes.length < 8) return undefined;
      return view.getInt32(0, LITTLE) === 0 ? -1 : view.getInt32(4, LITTLE);
    default:
      // Some IP options answer with one byte where that holds the value (ip(7)).
      if (bytes.length === 1) return bytes[0];
      if (bytes.length < 4) return undefined;
      return type.kind === 'mask' ? view.getUint32(0, LITTLE) : view.getInt32(0, LITTLE);
  }
}

/** A value as `--opt` would take it. */
export function formatOptionValue(type: OptionValueType, value: OptionValue): string {
  switch (type.kind) {
    case 'flag':
      return value === 0 ? 'off' : 'on';
    case 'enum':
      return Object.entries(type.names).find(([, number]) => number === value)?.[0] ?? String(value);
    case 'linger':
      return Number(value) < 0 ? 'off' : String(value);
    case 'mask':
      return `0x${Number(value).toString(16)}`;
    default:
      return String(value);
  }
}

function ints(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setInt32(4 * i, value | 0, LITTLE);
  });
  return bytes;
}
