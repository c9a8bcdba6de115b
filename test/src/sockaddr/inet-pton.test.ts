/** The text of addresses against inet_pton(3), inet_ntop(3) and inet_aton(3) of the C library, on a million inputs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddressError } from '../../../src/errors.js';
import { type IPAddress, IPv4Address, IPv6Address, parseIPv4, parseIPv6 } from '../../../src/sockaddr/ip.js';
import { type HostLibc, hostLibc } from '../../hosts/libc.js';
import { seeded } from '../../seeded.js';

const TEXTS = 1_000_000;
const ADDRESSES = 1_000_000;
const SHORT_FORMS = 100_000;

const seed = Date.now() >>> 0;
const number = seeded(seed);

/** 0 to `limit` - 1. */
const random = (limit: number) => Math.floor(number() * limit);

const pick = <T>(from: ArrayLike<T>): T => from[random(from.length)] as T;

/** Bytes with runs of zeros and ones, which is what the text is about. */
function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const dense = random(4);
  for (let i = 0; i < length; i++) {
    if (random(4) <= dense) bytes[i] = random(8) === 0 ? 0xff : random(256);
  }
  if (length === 16 && random(4) === 0) {
    bytes.fill(0, 0, 12);
    if (random(2) === 0) bytes.fill(0xff, 10, 12);
  }
  return bytes;
}

const CHARACTERS = '0123456789abcdefABCDEFg:.:.:%x -/\u0660\n';

function mutate(text: string): string {
  const at = random(text.length + 1);
  switch (random(6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + pick(CHARACTERS) + text.slice(at);
    case 2:
      return text.slice(0, at) + pick(CHARACTERS) + text.slice(at + 1);
    case 3:
      return text.slice(0, at) + text.slice(at - random(6));
    case 4:
      return text.slice(0, at) + pick(['::', ':0:', '.0', '00', ':ffff:', '1.2.3.4', '256']) + text.slice(at);
    default:
      return text.slice(0, at);
  }
}

/** A valid text in one of its many ways of writing. */
function validText(): string {
  if (random(3) === 0) return new IPv4Address(random(0x1_0000_0000)).toString();
  const ip = new IPv6Address(randomBytes(16));
  switch (random(4)) {
    case 0: {
      const hex = Buffer.from(ip.toBytes()).toString('hex');
      return (hex.match(/.{4}/g) ?? []).join(':');
    }
    case 1:
      return `${ip.toString().replace(/:[^:.]*:[^:.]*$/, '')}:${new IPv4Address(random(0x1_0000_0000)).toString()}`;
    case 2:
      return ip.toString().toUpperCase();
    default:
      return ip.toString();
  }
}

/** A text of the parts of addresses in any order. */
function grammarText(): string {
  let text = '';
  for (let parts = 1 + random(9); parts > 0; parts--) {
    text += pick(['', '0', '00', '1', '01', 'ffff', '0fff', '12345', '255', '256', 'a', '10', '1.2.3.4', '099']);
    if (parts > 1 || random(6) === 0) text += pick([':', ':', ':', ':', '::', '.', '.', '.', '..']);
  }
  return text;
}

function bytesOf(parse: (text: string) => IPAddress, text: string): Uint8Array | undefined {
  try {
    return parse(text).toBytes();
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}

const libc = await hostLibc();
const obstacle = typeof libc === 'string' ? libc : undefined;

describe('the C library', () => {
  const { stackTraceLimit } = Error;
  beforeAll(() => {
    // Most texts are refused, and a stack for each is half of the time.
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  const against = (name: string, compare: (host: HostLibc) => void) =>
    it(name, { timeout: 60_000 }, (ctx) => {
      if (typeof libc === 'string') ctx.skip(obstacle);
      else compare(libc);
    });

  against(`reads ${TEXTS} texts alike, each as both families`, (host) => {
    let valid = 0;
    for (let count = 0; count < TEXTS; count++) {
      let text = random(2) === 0 ? grammarText() : validText();
      for (let mutations = random(4); mutations > 1; mutations--) text = mutate(text);
      const percent = text.indexOf('%');
      // inet_pton knows no zones: what stands before a zone is its to judge, the zone ours.
      const zoned = percent >= 0 && /^[\w.@+~-]+$/.test(text.slice(percent + 1));
      const wanted4 = host.pton('ipv4', text);
      const wanted6 = host.pton('ipv6', zoned ? text.slice(0, percent) : text);
      if (!same(bytesOf(parseIPv4, text), wanted4) || !same(bytesOf(parseIPv6, text), wanted6)) {
        expect.fail(`${JSON.stringify(text)} is ${wanted4 ?? 'not IPv4'}, ${wanted6 ?? 'not IPv6'}; seed ${seed}`);
      }
      if (wanted4 !== undefined || wanted6 !== undefined) valid++;
    }
    // The comparison is worth something only while a good part of the texts are addresses.
    expect(valid).toBeGreaterThan(TEXTS / 5);
    expect(valid).toBeLessThan((TEXTS * 4) / 5);
  });

  against(`writes ${ADDRESSES} addresses alike`, (host) => {
    for (let count = 0; count < ADDRESSES; count++) {
      const family = random(4) === 0 ? 'ipv4' : 'ipv6';
      const bytes = randomBytes(family === 'ipv4' ? 4 : 16);
      const ip = family === 'ipv4' ? IPv4Address.fromBytes(bytes) : new IPv6Address(bytes);
      const parse = family === 'ipv4' ? parseIPv4 : parseIPv6;
      const ours = ip.toString();
      const theirs = host.ntop(family, bytes);
      // RFC 5952 section 5 has the dotted form for known prefixes, as ::ffff:0:0/96, which both write so. glibc also
      // writes the deprecated IPv4-compatible addresses with it: ::1.2.3.4, here ::102:304.
      const compatible = theirs.startsWith('::') && theirs.includes('.') && !theirs.startsWith('::ffff:');
      const text = compatible ? `::${dottedToGroups(theirs.slice(2))}` : theirs;
      if (ours !== text || !same(host.pton(family, ours), bytes) || !same(bytesOf(parse, theirs), bytes)) {
        expect.fail(`${Buffer.from(bytes).toString('hex')}: ${ours}, by inet_ntop ${theirs}; seed ${seed}`);
      }
    }
  });

  against(`reads ${SHORT_FORMS} short forms alike`, (host) => {
    for (let count = 0; count < SHORT_FORMS; count++) {
      const text = shortForm();
      const wanted = host.aton(text);
      if (
        !same(
          bytesOf((value) => parseIPv4(value, { legacy: true }), text),
          wanted,
        )
      ) {
        expect.fail(`${JSON.stringify(text)} is ${wanted ?? 'refused'} by inet_aton; seed ${seed}`);
      }
    }
  });
});

function dottedToGroups(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** Without white space, behind which inet_aton takes anything at all. */
function shortForm(): string {
  const parts: string[] = [];
  for (let count = random(5) + (random(8) === 0 ? 1 : 0); count >= 0; count--) {
    const value = random(3) === 0 ? random(0x1_0000_0010) : random(random(2) === 0 ? 260 : 0x1_0100);
    parts.push(
      pick([
        String(value),
        String(value),
        `0x${value.toString(16)}`,
        `0X${value.toString(16).toUpperCase()}`,
        `0${value.toString(8)}`,
        `00${value.toString(8)}`,
        '0',
        random(10) === 0 ? pick(['', '0x', '08', '1a', '0xg', '+1', '-1', '4294967296', '18446744073709551617']) : '1',
      ]),
    );
  }
  return parts.join('.');
}
