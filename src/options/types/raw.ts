/** The value of an option that the table does not know: as much as a user says of it. */
import { readInteger } from './number.js';
import { ints, type OptionType, readInt } from './type.js';

/** `5` or `0x1f` for a C int, `hex:DEADBEEF` for bytes, `text:NAME` for text with its zero byte. */
export const rawValue: OptionType = {
  kind: 'raw',
  describe: 'a C int such as 5 or 0x1f, hex:DEADBEEF for bytes, or text:NAME',
  parse: (text) => {
    if (text.startsWith('text:')) return text.length > 5 && !text.includes('\0') ? text : undefined;
    if (text.startsWith('hex:')) {
      const digits = text.slice(4);
      return digits.length % 2 === 0 && digits.length <= 2048 && /^[0-9a-f]*$/i.test(digits)
        ? text.toLowerCase()
        : undefined;
    }
    const number = readInteger(text);
    return number !== undefined && number >= -0x80000000 && number <= 0xffffffff ? number : undefined;
  },
  encode: (value) => {
    if (typeof value === 'number') return ints(value);
    if (value.startsWith('text:')) return new TextEncoder().encode(`${value.slice(5)}\0`);
    return Uint8Array.from(Buffer.from(value.slice(4), 'hex'));
  },
  // Four bytes are most likely an int; anything else is shown as it is.
  decode: (bytes) => (bytes.length === 4 ? readInt(bytes) : `hex:${Buffer.from(bytes).toString('hex')}`),
  format: String,
};
