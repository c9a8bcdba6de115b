/**
 * The text of IP addresses: strict numeric text to numbers and bytes in network order, and canonical text back.
 *
 * Strict means four decimal parts without leading zeros for IPv4 (no octal, no short forms, inet_pton(3)) and
 * RFC 4291 section 2.2 for IPv6. What is written follows RFC 5952 (IPv6) and RFC 4007 section 11 (zones).
 */
import { AddressError } from '../errors.js';

const V4_FORM = 'write four numbers from 0 to 255: 192.0.2.1';
const V6_FORM = 'write up to eight groups of hex digits: 2001:db8::1 or fe80::1%eth0';

/**
 * The number that a dotted quad stands for; it takes up the rest of `text` from `start`.
 *
 * @throws AddressError saying which part is wrong
 */
export function readDottedQuad(text: string, start = 0): number {
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

/** What no zone can hold: white space, separators, brackets (RFC 4007 section 11 leaves the characters open). */
const NO_ZONE = /[^\w.@+~-]/;

/** True when `name` can stand behind the '%' of an address. */
export function isZoneText(name: string): boolean {
  return name !== '' && !NO_ZONE.test(name);
}

/**
 * The 16 bytes and the zone that an IPv6 address stands for; the zone is empty for none.
 *
 * @throws AddressError saying which part is wrong
 */
export function readIPv6(text: string): { bytes: Uint8Array; zone: string } {
  const percent = text.indexOf('%');
  if (percent < 0) return { bytes: readIPv6Bytes(text), zone: '' };
  checkZone(text, percent + 1);
  return { bytes: readIPv6Bytes(text.slice(0, percent)), zone: text.slice(percent + 1) };
}

function checkZone(text: string, start: number): void {
  const zone = text.slice(start);
  if (zone === '') throw new AddressError(text, start, "the zone after '%' is empty", V6_FORM);
  const bad = zone.search(NO_ZONE);
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
      new DataView(bytes.buffer).setUint32(filled, readDottedQuad(text, begin));
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
  const { start, length } = longestZeroRun(bytes, offset, groups);
  let text = '';
  for (let i = 0; i < groups; i++) {
    if (i === start) {
      text += '::';
      i += length - 1;
      continue;
    }
    if (text !== '' && !text.endsWith(':')) text += ':';
    text += readUint16(bytes, offset + 2 * i).toString(16);
  }
  // Section 5: a prefix known to hold an IPv4 address shows it in dotted form.
  return mapped ? `${text}:${formatIPv4(bytes, offset + 12)}` : text;
}

/**
 * RFC 5952 section 4.2: '::' replaces the longest run of zero groups, the first of equals, and never a single group.
 *
 * @param groups how many there are at `offset`
 * @returns the run, its start -1 where there is none
 */
export function longestZeroRun(
  bytes: Uint8Array,
  offset: number,
  groups: number,
): { readonly start: number; readonly length: number } {
  let start = -1;
  let length = 1;
  for (let i = 0; i < groups; i++) {
    let zeros = 0;
    while (i + zeros < groups && readUint16(bytes, offset + 2 * (i + zeros)) === 0) zeros++;
    if (zeros > length) {
      start = i;
      length = zeros;
    }
    i += zeros;
  }
  return { start, length };
}

/** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
export function isMapped(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function hexDigit(code: number): number {
  if (isDigit(code)) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
