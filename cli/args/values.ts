/** The values of command-line flags: durations, sizes, counts and rates. Each reader says what it would have taken. */
import { InvalidArgumentError } from 'commander';
import { clip } from '../../src/errors.js';
import { serviceClass } from '../../src/options/types/number.js';
import { type IPPrefix, parsePrefix } from '../../src/sockaddr/prefix.js';
import { linkTypeNumber } from '../../src/wire/link-types.js';

function refuse(text: string, expected: string): InvalidArgumentError {
  return new InvalidArgumentError(`'${clip(text)}' is not ${expected}.`);
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  '': 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  us: 0.001,
};

/** A duration in milliseconds; a bare number means seconds, as ping(8) and nc(1) have it. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(us|ms|s|m|h|)$/.exec(text);
  const milliseconds = match === null ? Number.NaN : Number(match[1]) * (DURATION_UNITS[match[2] ?? ''] ?? Number.NaN);
  if (!(milliseconds <= 0x7fffffff)) throw refuse(text, 'a duration such as 2, 0.5, 200ms, 2s or 1m (at most 596h)');
  return milliseconds;
}

/** A duration above zero. */
export function positiveDuration(text: string): number {
  const milliseconds = duration(text);
  if (milliseconds === 0) throw refuse(text, 'above zero');
  return milliseconds;
}

/** A whole number between `min` and `max`. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max)) throw refuse(text, `a whole number from ${min} to ${max}`);
    return number;
  };
}

/** How many: at least one. */
export const count = integer(1, Number.MAX_SAFE_INTEGER);

/** Bytes, with k, M or G for powers of 1,024. */
export function size(max: number): (text: string) => number {
  return (text) => {
    const match = /^(\d+)([kmg]?)$/i.exec(text);
    const unit = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[match?.[2]?.toLowerCase() ?? ''] ?? Number.NaN;
    const bytes = match === null ? Number.NaN : Number(match[1]) * unit;
    if (!(bytes <= max)) throw refuse(text, `a size in bytes up to ${max}, such as 512 or 64k`);
    return bytes;
  };
}

/** The size of a capture file: millions of bytes, as tcpdump(1) has it, or with K, M or G powers of 1,024. */
export function fileSize(text: string): number {
  const bytes = /^\d+$/.test(text) ? Number(text) * 1_000_000 : size(Number.MAX_SAFE_INTEGER)(text);
  if (!(bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER))
    throw refuse(text, 'a size such as 100 (million bytes), 512K or 2G');
  return bytes;
}

/** How long a capture file is written, in milliseconds: its name has no shorter times than a second. */
export function fileDuration(text: string): number {
  const milliseconds = duration(text);
  if (milliseconds < 1000) throw refuse(text, 'a second or more');
  return milliseconds;
}

/** When packets are written to a file; a time is in milliseconds. */
export function flushPolicy(text: string): 'packet' | 'block' | number {
  return text === 'packet' || text === 'block' ? text : positiveDuration(text);
}

/** One more text, of those given so far. */
export function collectTexts(text: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), text];
}

/** The number of a link type, by its name or as it is. */
export function linkType(text: string): number {
  const number = linkTypeNumber(text);
  if (number === undefined) throw refuse(text, 'a link type such as ETHERNET, RAW, LINUX_SLL2 or a number');
  return number;
}

export interface Rate {
  readonly value: number;
  readonly unit: 'datagrams' | 'bits';
}

/** Seconds of what a rate may be given for. */
const RATE_TIMES: Readonly<Record<string, number>> = { '': 1, '/s': 1, '/m': 60, '/h': 3600 };

/**
 * `500`, `5k` datagrams a second, `10mbit` (powers of 1,000, as network rates are), or `2/m` and `2/h`, by the minute
 * and the hour.
 */
export function rate(text: string): Rate {
  const match = /^(\d+(?:\.\d+)?)([kmg]?)(bit|bps|)(\/[smh]|)$/i.exec(text);
  const unit = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[match?.[2]?.toLowerCase() ?? ''] ?? Number.NaN;
  const seconds = RATE_TIMES[match?.[4]?.toLowerCase() ?? ''] ?? Number.NaN;
  const value = match === null ? Number.NaN : (Number(match[1]) * unit) / seconds;
  if (!(value > 0 && value < 1e15)) throw refuse(text, 'a rate such as 500, 5k, 10mbit or 1/m');
  return { value, unit: match?.[3] === '' ? 'datagrams' : 'bits' };
}

/** One more address prefix, of those given so far. */
export function collectPrefixes(text: string, earlier: IPPrefix[] | undefined): IPPrefix[] {
  return [...(earlier ?? []), parsePrefix(text)];
}

/** Bytes in hex; white space and colons between them are fine. */
export function hexBytes(text: string): Uint8Array {
  const digits = text.replace(/[\s:]/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw refuse(text, 'an even number of hex digits');
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** The bytes that fill a payload in hex, as ping(8) reads them: the last one may be of a single digit. */
export function fillPattern(text: string): Uint8Array {
  if (!/^[0-9a-f]{1,512}$/i.test(text)) throw refuse(text, 'hex digits such as ff or deadbeef, for 256 bytes at most');
  return Uint8Array.from(text.match(/..?/g) ?? [], (digits) => Number.parseInt(digits, 16));
}

/** The TOS byte of IPv4, the traffic class of IPv6. */
export function trafficClass(text: string): number {
  const type = serviceClass(0);
  const value = type.parse(text);
  if (value === undefined) throw refuse(text, type.describe);
  return Number(value);
}

/** Application protocols joined by commas, each of 1 to 255 bytes (RFC 7301 section 3.1). */
export function protocolNames(text: string): string[] {
  const names = text.split(',');
  if (names.some((name) => name === '' || Buffer.byteLength(name) > 255)) {
    throw refuse(text, 'a list of protocols such as h2,http/1.1');
  }
  return names;
}
