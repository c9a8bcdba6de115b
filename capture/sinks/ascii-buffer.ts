/**
 * Bytes of ASCII text that is put together from many short pieces: characters go straight into memory, for strings made
 * of strings cost more than what they say.
 */

/** The bytes of a text of ASCII that is written often. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

const HEX = ascii('0123456789abcdef');
const BASE64 = ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

/** From this length on one call that copies is cheaper than a loop. */
const COPIED_FROM = 48;

function countDigits(value: number): number {
  if (value < 1000) return value < 100 ? 2 : 3;
  if (value < 100_000) return value < 10_000 ? 4 : 5;
  if (value < 10_000_000) return value < 1_000_000 ? 6 : 7;
  return value < 100_000_000 ? 8 : 9;
}

export class AsciiBuffer {
  #bytes: Uint8Array & Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Makes sure that `more` bytes fit: whoever writes without asking first has asked for enough. */
  reserve(more: number): void {
    const need = this.#length + more;
    if (need <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(need, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  /** Bytes of {@link ascii}; room for them was reserved. */
  constant(constant: Uint8Array): this {
    const bytes = this.#bytes;
    const { length } = constant;
    const at = this.#length;
    for (let i = 0; i < length; i++) bytes[at + i] = constant[i] as number;
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

  /** Exactly nine digits, of a number from 0 to 999,999,999; room for them was reserved. */
  nineDigits(value: number): this {
    return this.#digits(value | 0, 9);
  }

  #digits(value: number, count: number): this {
    const bytes = this.#bytes;
    const start = this.#length;
    let rest = value | 0;
    for (let at = start + count - 1; at >= start; at--) {
      const next = (rest / 10) | 0;
      bytes[at] = (48 + rest - next * 10) | 0;
      rest = next;
    }
    this.#length = start + count;
    return this;
  }

  /** A dotted address from the four bytes at `at` of `from`; room for it was reserved. */
  ipv4(from: Uint8Array, at: number): this {
    const bytes = this.#bytes;
    let to = this.#length;
    for (let i = 0; i < 4; i++) {
      const value = from[at + i] as number;
      if (value >= 100) {
        bytes[to++] = 48 + ((value * 41) >> 12);
        bytes[to++] = 48 + (((value * 205) >> 11) % 10);
      } else if (value >= 10) bytes[to++] = 48 + ((value * 205) >> 11);
      bytes[to++] = 48 + (value % 10);
      bytes[to++] = 46;
    }
    this.#length = to - 1;
    return this;
  }

  /** A hardware address from the six bytes at `at` of `from`; room for it was reserved. */
  hardware(from: Uint8Array, at: number): this {
    const bytes = this.#bytes;
    let to = this.#length;
    for (let i = 0; i < 6; i++) {
      const value = from[at + i] as number;
      bytes[to++] = HEX[value >> 4] as number;
      bytes[to++] = HEX[value & 15] as number;
      bytes[to++] = 58;
    }
    this.#length = to - 1;
    return this;
  }

  /** Bytes of `from` in base64; room for them was reserved. */
  base64(from: Uint8Array, start: number, end: number): this {
    const bytes = this.#bytes;
    let to = this.#length;
    let at = start;
    for (; at + 2 < end; at += 3) {
      const group = ((from[at] as number) << 16) | ((from[at + 1] as number) << 8) | (from[at + 2] as number);
      bytes[to] = BASE64[group >> 18] as number;
      bytes[to + 1] = BASE64[(group >> 12) & 63] as number;
      bytes[to + 2] = BASE64[(group >> 6) & 63] as number;
      bytes[to + 3] = BASE64[group & 63] as number;
      to += 4;
    }
    if (at < end) {
      const two = at + 1 < end;
      const group = ((from[at] as number) << 16) | (two ? (from[at + 1] as number) << 8 : 0);
      bytes[to] = BASE64[group >> 18] as number;
      bytes[to + 1] = BASE64[(group >> 12) & 63] as number;
      bytes[to + 2] = two ? (BASE64[(group >> 6) & 63] as number) : 61;
      bytes[to + 3] = 61;
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
