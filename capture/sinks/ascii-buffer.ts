/**
 * Bytes of ASCII text that is put together from many short pieces: characters go straight into memory, for strings made
 * of strings cost more than what they say.
 */
import { formatIPv6, isMapped, longestZeroRun } from '../../src/sockaddr/ip-text.js';

/** A text that is written often, eight characters to a number: so many go into memory at once. */
export interface Ascii {
  /** Eight bytes each, the last one filled up with zeros; of ASCII none is NaN, which would not stay what it is. */
  readonly words: Float64Array;
  /** In bytes. */
  readonly length: number;
}

/** @param text printable ASCII */
export function ascii(text: string): Ascii {
  const bytes = Buffer.alloc(Math.ceil(text.length / WORD) * WORD);
  bytes.write(text, 'latin1');
  const words = Float64Array.from({ length: bytes.length / WORD }, (_, i) => bytes.readDoubleLE(WORD * i));
  return { words, length: text.length };
}

const WORD = 8;

/** Two characters as a number that is written in one step, the first one in the lower byte. */
const pair = (text: string): number => text.charCodeAt(0) | (text.charCodeAt(1) << 8);

const HEX = Uint8Array.from(Buffer.from('0123456789abcdef', 'latin1'));
const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64 = Uint8Array.from(Buffer.from(BASE64_DIGITS, 'latin1'));
/** `00` to `99`. */
const DECIMAL_PAIRS = Uint16Array.from({ length: 100 }, (_, n) => pair(String(n).padStart(2, '0')));
/** `00` to `ff`. */
const HEX_PAIRS = Uint16Array.from({ length: 256 }, (_, n) => pair(n.toString(16).padStart(2, '0')));
/** Twelve bits each. */
const BASE64_PAIRS = Uint16Array.from({ length: 4096 }, (_, n) =>
  pair(`${BASE64_DIGITS[n >> 6]}${BASE64_DIGITS[n & 63]}`),
);
/** A number of an address with the dot behind it, and how long that is. */
const OCTETS = Uint32Array.from({ length: 256 }, (_, n) => Buffer.from(`${n}.\0\0`, 'latin1').readUInt32LE(0));
const OCTET_LENGTHS = Uint8Array.from({ length: 256 }, (_, n) => String(n).length + 1);

const COLON = 58;
const EQUALS = 61;

/** From this length on one call that copies is cheaper than a loop. */
const COPIED_FROM = 64;

function countDigits(value: number): number {
  if (value < 1000) return value < 100 ? 2 : 3;
  if (value < 100_000) return value < 10_000 ? 4 : 5;
  if (value < 10_000_000) return value < 1_000_000 ? 6 : 7;
  return value < 100_000_000 ? 8 : 9;
}

/** Each call that writes may write up to a word too much behind its end; the next one writes over it. */
export class AsciiBuffer {
  #bytes: Uint8Array & Buffer;
  #view: DataView;
  #length = 0;

  /** @param memory is written into, where it is large enough */
  constructor(capacity: number, memory?: ArrayBuffer) {
    const fits = memory !== undefined && memory.byteLength >= capacity + WORD;
    this.#bytes = fits ? Buffer.from(memory) : Buffer.allocUnsafeSlow(capacity + WORD);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Makes sure that `more` bytes fit: whoever writes without asking first has asked for enough. */
  reserve(more: number): void {
    const need = this.#length + more + WORD;
    if (need <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(need, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Room for it was reserved. */
  constant({ words, length }: Ascii): this {
    const view = this.#view;
    const at = this.#length;
    for (let i = 0; i < words.length; i++) view.setFloat64(at + WORD * i, words[i] as number, true);
    this.#length = at + length;
    return this;
  }

  /** ASCII alone; room for it was reserved. */
  text(text: string): this {
    const { length } = text;
    if (length >= COPIED_FROM) {
      this.#length += this.#bytes.write(text, this.#length, 'latin1');
      return this;
    }
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
    return this;
  }

  /** Room for it was reserved: 24 bytes are enough. */
  number(value: number): this {
    if (!(value >= 0 && value <= 0xffff_ffff) || Math.floor(value) !== value) return this.text(String(value));
    if (value < 10) {
      this.#bytes[this.#length++] = 48 + value;
      return this;
    }
    // Below 2^31 all is done with integers.
    if (value < 1_000_000_000) return this.#digits(value | 0, countDigits(value | 0));
    const high = Math.floor(value / 100_000);
    return this.#digits(high | 0, high < 100_000 ? 5 : countDigits(high | 0)).#digits((value - high * 100_000) | 0, 5);
  }

  /** Exactly six digits, of a number from 0 to 999,999; room for them was reserved. */
  sixDigits(value: number): this {
    return this.#digits(value | 0, 6);
  }

  /** Exactly nine digits, of a number from 0 to 999,999,999; room for them was reserved. */
  nineDigits(value: number): this {
    return this.#digits(value | 0, 9);
  }

  #digits(value: number, count: number): this {
    const view = this.#view;
    const start = this.#length;
    let at = start + count - 2;
    let rest = value | 0;
    for (; at > start; at -= 2) {
      const next = (rest / 100) | 0;
      view.setUint16(at, DECIMAL_PAIRS[rest - next * 100] as number, true);
      rest = next;
    }
    if (at === start) view.setUint16(at, DECIMAL_PAIRS[rest] as number, true);
    else this.#bytes[start] = 48 + rest;
    this.#length = start + count;
    return this;
  }

  /** A dotted address from the four bytes at `at` of `from`; room for it was reserved. */
  ipv4(from: Uint8Array, at: number): this {
    const view = this.#view;
    let to = this.#length;
    for (let i = 0; i < 4; i++) {
      const value = from[at + i] as number;
      view.setUint32(to, OCTETS[value] as number, true);
      to += OCTET_LENGTHS[value] as number;
    }
    // Without the last dot.
    this.#length = to - 1;
    return this;
  }

  /** An address from the 16 bytes at `at` of `from`, as formatIPv6 writes it; room for it was reserved. */
  ipv6(from: Uint8Array, at: number): this {
    if (isMapped(from, at)) return this.text(formatIPv6(from, at));
    const bytes = this.#bytes;
    const { start, length } = longestZeroRun(from, at, 8);
    let to = this.#length;
    for (let i = 0; i < 8; i++) {
      if (i === start) {
        bytes[to++] = COLON;
        i += length - 1;
        if (i === 7) bytes[to++] = COLON;
        continue;
      }
      if (i > 0) bytes[to++] = COLON;
      const group = ((from[at + 2 * i] as number) << 8) | (from[at + 2 * i + 1] as number);
      if (group > 0xfff) bytes[to++] = HEX[group >> 12] as number;
      if (group > 0xff) bytes[to++] = HEX[(group >> 8) & 15] as number;
      if (group > 0xf) bytes[to++] = HEX[(group >> 4) & 15] as number;
      bytes[to++] = HEX[group & 15] as number;
    }
    this.#length = to;
    return this;
  }

  /** A hardware address from the six bytes at `at` of `from`; room for it was reserved. */
  hardware(from: Uint8Array, at: number): this {
    const view = this.#view;
    const bytes = this.#bytes;
    let to = this.#length;
    for (let i = 0; i < 6; i++) {
      view.setUint16(to, HEX_PAIRS[from[at + i] as number] as number, true);
      bytes[to + 2] = COLON;
      to += 3;
    }
    this.#length = to - 1;
    return this;
  }

  /** Bytes of `from` in base64; room for them was reserved. */
  base64(from: Uint8Array, start: number, end: number): this {
    const view = this.#view;
    let to = this.#length;
    let at = start;
    for (; at + 2 < end; at += 3) {
      const group = ((from[at] as number) << 16) | ((from[at + 1] as number) << 8) | (from[at + 2] as number);
      const digits = (BASE64_PAIRS[group >> 12] as number) | ((BASE64_PAIRS[group & 4095] as number) << 16);
      view.setInt32(to, digits, true);
      to += 4;
    }
    if (at < end) {
      const bytes = this.#bytes;
      const two = at + 1 < end;
      const group = ((from[at] as number) << 16) | (two ? (from[at + 1] as number) << 8 : 0);
      view.setUint16(to, BASE64_PAIRS[group >> 12] as number, true);
      bytes[to + 2] = two ? (BASE64[(group >> 6) & 63] as number) : EQUALS;
      bytes[to + 3] = EQUALS;
      to += 4;
    }
    this.#length = to;
    return this;
  }

  /** What was written; the buffer is given away. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
