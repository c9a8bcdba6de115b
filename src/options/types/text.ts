/** Names, times and plain bytes. */
import { readDuration, readInteger, readSwitch } from './number.js';
import { ints, LITTLE, type OptionType, viewOf } from './type.js';

const INT_MAX = 0x7fffffff;

/** Text without a zero byte: a device, an algorithm. */
export function text(max: number): OptionType {
  return {
    kind: 'text',
    describe: `a name of at most ${max} characters`,
    parse: (value) =>
      value !== '' && !value.includes('\0') && new TextEncoder().encode(value).length <= max ? value : undefined,
    encode: (value) => new TextEncoder().encode(`${value}\0`),
    decode: (bytes) => {
      const end = bytes.indexOf(0);
      return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    },
    format: String,
  };
}

/** Between `min` and `max` bytes in hex. */
export function bytes(min: number, max = min): OptionType {
  const hex: OptionType['decode'] = (data) => Buffer.from(data).toString('hex');
  return {
    kind: 'bytes',
    describe: min === max ? `${min} bytes in hex` : `${min} to ${max} bytes in hex`,
    parse: (value) => {
      const fits = value.length % 2 === 0 && value.length >= 2 * min && value.length <= 2 * max;
      return fits && /^[0-9a-f]*$/i.test(value) ? value.toLowerCase() : undefined;
    },
    encode: (value) => Uint8Array.from(Buffer.from(String(value), 'hex')),
    decode: hex,
    format: String,
  };
}

/** struct timeval of socket(7), in seconds. */
export const timeval: OptionType = {
  kind: 'timeval',
  describe: 'a number of seconds, or a time such as 200ms; 0 for none',
  parse: (value) => {
    const duration = readDuration(value);
    const seconds =
      duration === undefined ? (/^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN) : duration / 1000;
    return seconds <= INT_MAX ? seconds : undefined;
  },
  encode: (value) => {
    const seconds = Math.floor(Number(value));
    const data = new Uint8Array(16);
    const view = viewOf(data);
    view.setBigInt64(0, BigInt(seconds), LITTLE);
    view.setBigInt64(8, BigInt(Math.min(999_999, Math.round((Number(value) - seconds) * 1e6))), LITTLE);
    return data;
  },
  decode: (data) => {
    if (data.length < 16) return undefined;
    const view = viewOf(data);
    return Number(view.getBigInt64(0, LITTLE)) + Number(view.getBigInt64(8, LITTLE)) / 1e6;
  },
  format: String,
};

/** struct linger of socket(7): off, or seconds; -1 stands for off. */
export const linger: OptionType = {
  kind: 'linger',
  describe: 'off or a number of seconds',
  parse: (value) => {
    if (readSwitch(value) === 0) return -1;
    const seconds = readInteger(value);
    return seconds !== undefined && seconds >= 0 && seconds <= INT_MAX ? seconds : undefined;
  },
  encode: (value) => (Number(value) < 0 ? ints(0, 0) : ints(1, Number(value))),
  decode: (data) => {
    if (data.length < 8) return undefined;
    const view = viewOf(data);
    return view.getInt32(0, LITTLE) === 0 ? -1 : view.getInt32(4, LITTLE);
  },
  format: (value) => (Number(value) < 0 ? 'off' : String(value)),
};
