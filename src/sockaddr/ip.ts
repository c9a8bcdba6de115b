/**
 * IP addresses as immutable values: strict numeric parsing, canonical text, network-order bytes.
 *
 * Text follows RFC 5952 (IPv6) and RFC 4007 section 11 (zones). Parsing is strict: four decimal parts without
 * leading zeros for IPv4 (no octal, no short forms, inet_pton(3)), RFC 4291 section 2.2 for IPv6.
 * An IPv4-mapped IPv6 address stays an IPv6 address until `unmap` is asked for.
 */
import { AddressError } from '../errors.js';

export type IPFamily = 'ipv4' | 'ipv6';

const V4_FORM = 'write four numbers from 0 to 255: 192.0.2.1';
const V6_FORM = 'write up to eight groups of hex digits: 2001:db8::1 or fe80::1%eth0';

export class IPv4Address {
  readonly family = 'ipv4';
  /** The address as an unsigned 32-bit number, first byte most significant. */
  readonly value: number;

  constructor(value: number) {
    this.value = value >>> 0;
  }

  static fromBytes(bytes: Uint8Array, offset = 0): IPv4Address {
    checkRoom(bytes, offset, 4);
    return new IPv4Address(readUint32(bytes, offset));
  }

  /** Four bytes in network order. */
  toBytes(): Uint8Array {
    const v = this.value;
    return Uint8Array.of(v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255);
  }

  /** The IPv4-mapped IPv6 address, as a dual-stack socket takes it (RFC 4291 section 2.5.5.2). */
  toMapped(): IPv6Address {
    const bytes = new Uint8Array(16);
    bytes.fill(0xff, 10, 12);
    bytes.set(this.toBytes(), 12);
    return new IPv6Address(bytes);
  }

  equals(other: IPAddress): boolean {
    return other.family === 'ipv4' && other.value === this.value;
  }

  get isUnspecified(): boolean {
    return this.value === 0;
  }

  /** 127.0.0.0/8, RFC 1122 section 3.2.1.3. */
  get isLoopback(): boolean {
    return this.value >>> 24 === 127;
  }

  /** 224.0.0.0/4, RFC 5771. */
  get isMulticast(): boolean {
    return this.value >>> 28 === 0xe;
  }

  /** 169.254.0.0/16, RFC 3927. */
  get isLinkLocal(): boolean {
    return this.value >>> 16 === 0xa9fe;
  }

  toString(): string {
    const v = this.value;
    return `${v >>> 24}.${(v >>> 16) & 255}.${(v >>> 8) & 255}.${v & 255}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

export class IPv6Address {
  readonly family = 'ipv6';
  /** The zone (RFC 4007) as written: an interface name or number; empty for none. */
  readonly zone: string;
  readonly #bytes: Uint8Array;

  /** @param bytes 16 bytes in network order; they are copied */
  constructor(bytes: Uint8Array, zone = '') {
    if (bytes.length !== 16) throw new RangeError(`an IPv6 address has 16 bytes, not ${bytes.length}`);
    this.#bytes = Uint8Array.from(bytes);
    this.zone = zone;
  }

  static fromBytes(bytes: Uint8Array, offset = 0, zone = ''): IPv6Address {
    checkRoom(bytes, offset, 16);
    return new IPv6Address(bytes.subarray(offset, offset + 16), zone);
  }

  /** Sixteen bytes in network order, a copy. */
  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  withZone(zone: string): IPv6Address {
    return new IPv6Address(this.#bytes, zone);
  }

  equals(other: IPAddress): boolean {
    return (
      other.family === 'ipv6' && other.zone === this.zone && this.#bytes.every((byte, i) => byte === other.#bytes[i])
    );
  }

  get isUnspecified(): boolean {
    return this.#bytes.every((byte) => byte === 0);
  }

  get isLoopback(): boolean {
    return this.#bytes[15] === 1 && this.#bytes.every((byte, i) => byte === 0 || i === 15);
  }

  /** ff00::/8, RFC 4291 section 2.7. */
  get isMulticast(): boolean {
    return this.#bytes[0] === 0xff;
  }

  /** fe80::/10 and the link-local multicast scope ff02::/16: addresses that mean nothing without a zone. */
  get isLinkLocal(): boolean {
    const [first = 0, second = 0] = this.#bytes;
    return (first === 0xfe && (second & 0xc0) === 0x80) || (first === 0xff && (second & 0x0f) === 2);
  }

  /** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
  get isMapped(): boolean {
    return isMapped(this.#bytes, 0);
  }

  /** The IPv4 address inside a mapped one, otherwise this address. */
  unmap(): IPAddress {
    return this.isMapped ? IPv4Address.fromBytes(this.#bytes, 12) : this;
  }

  toString(): string {
    const text = formatIPv6(this.#bytes, 0);
    return this.zone === '' ? text : `${text}%${this.zone}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

export type IPAddress = IPv4Address | IPv6Address;

/**
 * Parses a numeric address of either family.
 *
 * @throws AddressError saying which part is wrong
 */
export function parseIP(text: string): IPAddress {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text);
}

/** Like {@link parseIP}, but undefined for what is no numeric address. */
export function tryParseIP(text: string): IPAddress | undefined {
  try {
    return parseIP(text);
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** @throws AddressError saying which part is wrong */
export function parseIPv4(text: string): IPv4Address {
  return new IPv4Address(readDottedQuad(text, 0));
}

/** Reads a dotted quad that takes up the rest of `text` from `start`. */
function readDottedQuad(text: string, start: number): number {
  let value = 0;
  let at = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0) {
      if (text[at] !== '.') throw new AddressError(text, at, `expected '.' and part ${part + 1} of four`, V4_FORM);
      at++;
    }
    const begin = at;
    let number = 0;
    while (isDigit(text.charCodeAt(at)) && at - begin < 4) number = number * 10 + text.charCodeAt(at++) - 48;
    const digits = at - begin;
    if (digits === 0) throw new AddressError(text, begin, `part ${part + 1} of four has no digits`, V4_FORM);
    if (digits > 1 && text[begin] === '0') {
      throw new AddressError(text, begin, `part ${part + 1} has a leading zero`, V4_FORM);
    }
    if (number > 255) throw new AddressError(text, begin, `part ${part + 1} is above 255`, V4_FORM);
    value = value * 256 + number;
  }
  if (at !== text.length) throw new AddressError(text, at, 'unexpected text after the fourth part', V4_FORM);
  return value;
}

/** @throws AddressError saying which part is wrong */
export function parseIPv6(text: string): IPv6Address {
  const percent = text.indexOf('%');
  const zone = percent < 0 ? '' : text.slice(percent + 1);
  if (percent >= 0) checkZone(text, percent + 1);
  return new IPv6Address(readIPv6Bytes(percent < 0 ? text : text.slice(0, percent)), zone);
}

/** RFC 4007 section 11: the zone is one or more characters; no white space, separators or brackets here. */
function checkZone(text: string, start: number): void {
  const zone = text.slice(start);
  if (zone === '') throw new AddressError(text, start, "the zone after '%' is empty", V6_FORM);
  const bad = zone.search(/[^\w.@+~-]/);
  if (bad >= 0) throw new AddressError(text, start + bad, 'a zone cannot hold this character', V6_FORM);
}

function readIPv6Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  let filled = 0;
  /** Index in `bytes` at which '::' stands, or -1. */
  let gap = -1;
  let at = 0;
  if (text.startsWith('::')) {
    gap = 0;
    at = 2;
  } else if (text.startsWith(':')) {
    throw new AddressError(text, 0, "a single ':' cannot begin an IPv6 address", V6_FORM);
  }
  while (at < text.length) {
    if (filled === 16) throw new AddressError(text, at, 'more than eight groups', V6_FORM);
    const begin = at;
    let group = 0;
    while (at - begin < 5) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      group = group * 16 + digit;
      at++;
    }
    if (text[at] === '.' && at > begin) {
      if (filled > 12) throw new AddressError(text, begin, 'no room for an IPv4 part', V6_FORM);
      const value = readDottedQuad(text, begin);
      bytes.set(new IPv4Address(value).toBytes(), filled);
      filled += 4;
      at = text.length;
      break;
    }
    if (at === begin) throw new AddressError(text, at, 'expected a group of hex digits', V6_FORM);
    if (at - begin > 4) throw new AddressError(text, begin, 'a group has at most four hex digits', V6_FORM);
    bytes[filled++] = group >> 8;
    bytes[filled++] = group & 255;
    if (at === text.length) break;
    if (text[at] !== ':') throw new AddressError(text, at, "expected ':'", V6_FORM);
    at++;
    if (text[at] === ':') {
      if (gap >= 0) throw new AddressError(text, at - 1, "'::' may stand only once", V6_FORM);
      gap = filled;
      at++;
    } else if (at === text.length) {
      throw new AddressError(text, at - 1, "a single ':' cannot end an IPv6 address", V6_FORM);
    }
  }
  if (gap < 0) {
    if (filled !== 16) throw new AddressError(text, text.length, `only ${filled / 2} of eight groups`, V6_FORM);
    return bytes;
  }
  if (filled === 16) throw new AddressError(text, text.length, "eight groups leave nothing for '::'", V6_FORM);
  const tail = filled - gap;
  bytes.copyWithin(16 - tail, gap, filled);
  bytes.fill(0, gap, 16 - tail);
  return bytes;
}

/** RFC 5952 text of the four bytes at `offset`; the caller has checked that they are there. */
export function formatIPv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/** RFC 5952 text, without a zone, of the 16 bytes at `offset`; the caller has checked that they are there. */
export function formatIPv6(bytes: Uint8Array, offset: number): string {
  const mapped = isMapped(bytes, offset);
  const groups = mapped ? 6 : 8;
  // Section 4.2: '::' replaces the longest run of zero groups, the first of equals, and never a single group.
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < groups; i++) {
    let length = 0;
    while (i + length < groups && readUint16(bytes, offset + 2 * (i + length)) === 0) length++;
    if (length > bestLength) {
      bestStart = i;
      bestLength = length;
    }
    if (length > 0) i += length;
  }
  let text = '';
  for (let i = 0; i < groups; i++) {
    if (i === bestStart) {
      text += '::';
      i += bestLength - 1;
      continue;
    }
    if (text !== '' && !text.endsWith(':')) text += ':';
    text += readUint16(bytes, offset + 2 * i).toString(16);
  }
  // Section 5: a prefix known to hold an IPv4 address shows it in dotted form.
  return mapped ? `${text}:${formatIPv4(bytes, offset + 12)}` : text;
}

/** Orders IPv4 before IPv6, then by address, then by zone; fit for Array.sort. */
export function compareIP(a: IPAddress, b: IPAddress): number {
  if (a.family === 'ipv4') return b.family === 'ipv4' ? a.value - b.value : -1;
  if (b.family === 'ipv4') return 1;
  const left = a.toBytes();
  const right = b.toBytes();
  for (let i = 0; i < 16; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : 0;
}

function isMapped(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

function checkRoom(bytes: Uint8Array, offset: number, need: number): void {
  if (offset < 0 || offset + need > bytes.length) {
    throw new RangeError(`${need} bytes at ${offset} do not fit into ${bytes.length}`);
  }
}

function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((readUint16(bytes, at) << 16) | readUint16(bytes, at + 2)) >>> 0;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function hexDigit(code: number): number {
  if (isDigit(code)) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
