/** Bytes of a message that is put together field by field, in network order. */
import { parseIPv4, parseIPv6 } from '../sockaddr/ip.js';
import { hardwareBytes, hexBytes, unescapeText } from './text.js';

export class ByteList {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u8(value: number): this {
    this.#bytes.push(value & 255);
    return this;
  }

  u16(value: number): this {
    this.#bytes.push((value >> 8) & 255, value & 255);
    return this;
  }

  u24(value: number): this {
    return this.u8(value >> 16).u16(value);
  }

  u32(value: number): this {
    this.#bytes.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
    return this;
  }

  u64(value: bigint): this {
    return this.u32(Number((value >> 32n) & 0xffff_ffffn)).u32(Number(value & 0xffff_ffffn));
  }

  bytes(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  zeros(count: number): this {
    for (let i = 0; i < count; i++) this.#bytes.push(0);
    return this;
  }

  /** @throws AddressError */
  ipv4(text: string): this {
    return this.bytes(parseIPv4(text).toBytes());
  }

  /** @throws AddressError */
  ipv6(text: string): this {
    return this.bytes(parseIPv6(text).toBytes());
  }

  /** @throws UsageError */
  hardware(text: string, length?: number): this {
    return this.bytes(hardwareBytes(text, length));
  }

  /** @throws UsageError */
  hex(text: string): this {
    return this.bytes(hexBytes(text));
  }

  /** What escapeText (text.ts) has made of bytes. */
  text(text: string): this {
    return this.bytes(unescapeText(text));
  }

  /** Overwrites two bytes at `at`. */
  patch16(at: number, value: number): this {
    this.#bytes[at] = (value >> 8) & 255;
    this.#bytes[at + 1] = value & 255;
    return this;
  }

  /** Zeros up to a multiple of `unit` bytes. */
  align(unit: number): this {
    while (this.#bytes.length % unit !== 0) this.#bytes.push(0);
    return this;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
