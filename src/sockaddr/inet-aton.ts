/**
 * The forms of IPv4 addresses that inet_aton(3) takes besides four decimal parts:
 *
 *     a.b.c.d   8 bits each        a.b     8 bits and 24 bits
 *     a.b.c     8, 8 and 16 bits   a       32 bits
 *
 * each part decimal, octal after a leading 0, or hexadecimal after 0x. Read only where a caller asks for them: the
 * same text is another address to a program that reads decimal alone, which has been used to get past filters.
 */
import { AddressError } from '../errors.js';

const FORM =
  'write one to four parts, each decimal, octal (leading 0) or hexadecimal (leading 0x): 127.1 or 0x7f000001';

/**
 * The number that `text` stands for. Unlike inet_aton(3), nothing may follow the address, not even white space.
 *
 * @throws AddressError saying which part is wrong
 */
export function readInetAton(text: string): number {
  const parts = text.split('.');
  let value = 0;
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if (index === 4) throw new AddressError(text, at - 1, 'more than four parts', FORM);
    const last = index === parts.length - 1;
    // The last part fills the bytes that the parts before it left.
    const bits = last ? 8 * (4 - index) : 8;
    const number = readPart(text, part, at, index + 1);
    if (number >= 2 ** bits) {
      const room = last && bits > 8 ? `does not fit into the last ${bits} bits` : 'is above 255';
      throw new AddressError(text, at, `part ${index + 1} ${room}`, FORM);
    }
    value = value * 2 ** bits + number;
    at += part.length + 1;
  }
  return value;
}

/** The number that one part stands for, as strtoul(3) with base 0 reads it; more than 32 bits are the caller's to refuse. */
function readPart(text: string, part: string, at: number, position: number): number {
  if (part === '') throw new AddressError(text, at, `part ${position} has no digits`, FORM);
  const prefix = /^0x/i.test(part) ? 2 : part.startsWith('0') ? 1 : 0;
  const [digit, name, radix] = RADIX[prefix];
  const digits = part.slice(prefix);
  if (prefix === 2 && digits === '') throw new AddressError(text, at, `part ${position} has no digits after 0x`, FORM);
  const bad = digits.search(digit);
  if (bad >= 0) throw new AddressError(text, at + prefix + bad, `part ${position}: no ${name} digit`, FORM);
  return digits === '' ? 0 : Number.parseInt(digits, radix);
}

/** By the length of what stands before the digits: what is no digit, the name of the notation, its base. */
const RADIX = {
  0: [/[^0-9]/, 'decimal', 10],
  1: [/[^0-7]/, 'octal', 8],
  2: [/[^0-9a-f]/i, 'hexadecimal', 16],
} as const;
