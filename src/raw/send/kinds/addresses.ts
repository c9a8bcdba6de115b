/**
 * Addresses of IP and of links: one, a range `10.0.0.1..10.0.0.9`, and of IP a prefix `10.0.0.0/24`, whose addresses are
 * made one by one. At random only within what is written: `random(10.0.0.0/8)`.
 */
import { AddressError } from '../../../errors.js';
import { type IPAddress, type IPFamily, IPv4Address, IPv6Address, parseIP } from '../../../sockaddr/ip.js';
import { parseHardwareAddress } from '../../../sockaddr/link-layer.js';
import { parsePrefix } from '../../../sockaddr/prefix.js';
import { formatHardware } from '../../../wire/text.js';
import type { ValueNode } from '../syntax.js';
import { computed, constant, drawn, MANY, type Values } from '../values.js';
import { type Kind, type Reading, randomNode } from './kind.js';

type Word = Extract<ValueNode, { type: 'word' }>;

/** A run of numbers that stand for addresses. */
interface Run {
  readonly first: bigint;
  readonly count: bigint;
  text(value: bigint): string;
}

const WORDS: Readonly<Record<IPFamily | 'either', string>> = {
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  either: 'an IP address',
};

/** The text of an address, with its zone where it has one. */
export function address(family: IPFamily | 'either'): Kind {
  const kind: Kind = {
    expects: `${WORDS[family]}, a range, or a prefix`,
    read: (node, reading) => {
      const random = randomNode(node);
      if (random !== undefined) {
        if (random.within?.type !== 'word' || !/\.\.|\//.test(random.within.text)) {
          const advice = 'random(10.0.0.0/8) or random(10.0.0.1..10.0.0.9)';
          throw reading.fault(node.span, 'an address is random only within a prefix or a range', advice);
        }
        return randomly(runOf(random.within, family, reading), reading);
      }
      if (node.type !== 'word') throw reading.expected(node, kind);
      if (/\.\.|\//.test(node.text)) return inOrder(runOf(node, family, reading));
      return constant(readAddress(node.text, node, 0, family, reading).toString());
    },
  };
  return kind;
}

function inOrder(run: Run): Values<string> {
  const count = run.count > BigInt(MANY) ? MANY : Number(run.count);
  return { ...computed(count, (index) => run.text(run.first + BigInt(index))), runs: [endsOf(run)] };
}

function endsOf({ first, count, text }: Run): readonly [string, string] {
  return [text(first), text(first + count - 1n)];
}

/** Of more than 2^53 addresses, any: each 32 bits are drawn on their own. */
function randomly(run: Run, reading: Reading): Values<string> {
  reading.random = true;
  const values = drawn((random) => {
    let offset = 0n;
    for (let bits = 0; bits < 160; bits += 32) offset = (offset << 32n) | BigInt(random.next());
    return run.text(run.first + (offset % run.count));
  });
  return { ...values, runs: [endsOf(run)] };
}

function runOf(node: Word, family: IPFamily | 'either', reading: Reading): Run {
  const { text } = node;
  const dots = text.indexOf('..');
  if (dots < 0) {
    const prefix = withPlace(node, reading, 0, () => parsePrefix(text, { hostBits: 'clear' }));
    checkFamily(prefix.first, family, node, reading);
    return { first: toBits(prefix.first), count: prefix.count, text: textOf(prefix.first) };
  }
  const from = readAddress(text.slice(0, dots), node, 0, family, reading);
  const to = readAddress(text.slice(dots + 2), node, dots + 2, from.family, reading);
  if (zoneOf(from) !== zoneOf(to) && zoneOf(to) !== '') throw reading.fault(node.span, 'a range has one zone');
  const [first, last] = [toBits(from), toBits(to)];
  if (last < first) throw reading.fault(node.span, 'a range of addresses ends below its beginning');
  return { first, count: last - first + 1n, text: textOf(from) };
}

const HOST_NAME = /^(?=.*[a-z])[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/i;

function readAddress(
  text: string,
  node: Word,
  offset: number,
  family: IPFamily | 'either',
  reading: Reading,
): IPAddress {
  if (HOST_NAME.test(text) && !/^[0-9a-f.:]+$/i.test(text)) {
    const found = reading.host?.(text, family === 'either' ? 'ipv4' : family);
    if (found === undefined) throw reading.fault(node.span, `no address is known for the name ${text}`, WORDS[family]);
    return found;
  }
  const found = withPlace(node, reading, offset, () => parseIP(text));
  checkFamily(found, family, node, reading);
  return found;
}

function checkFamily(found: IPAddress, family: IPFamily | 'either', node: Word, reading: Reading): void {
  if (family === 'either' || found.family === family) return;
  const other = found.family === 'ipv6' ? 'IPv6: its layer is ip6()' : 'IPv4: its layer is ip()';
  throw reading.fault(node.span, `expected ${WORDS[family]}, and this is ${other}`);
}

/** Errors of addresses, at their place in the expression. */
function withPlace<T>(node: Word, reading: Reading, offset: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    const start = Math.min(node.span.start + offset + error.offset, node.span.end);
    throw reading.fault({ start: start === node.span.end ? node.span.start : start, end: node.span.end }, error.reason);
  }
}

const zoneOf = (of: IPAddress): string => (of.family === 'ipv6' ? of.zone : '');

const toBits = (of: IPAddress): bigint => bitsOf(of.toBytes());

function bitsOf(bytes: Uint8Array): bigint {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  return bits;
}

function bytesOf(bits: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let rest = bits;
  for (let i = length - 1; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return bytes;
}

const textOf = (like: IPAddress) => (bits: bigint) =>
  like.family === 'ipv4'
    ? new IPv4Address(Number(bits)).toString()
    : new IPv6Address(bytesOf(bits, 16), like.zone).toString();

const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** Six bytes, or any number of them where `anyLength` says so; the text of records. */
export function hardware(anyLength = false): Kind {
  const kind: Kind = {
    expects: 'a hardware address such as 02:00:5e:10:00:01, a range, or broadcast',
    read: (node, reading) => {
      const random = randomNode(node);
      if (random !== undefined) {
        if (random.within === undefined) return anyStation(reading);
        if (random.within.type !== 'word' || !random.within.text.includes('..')) throw reading.expected(node, kind);
        return randomly(hardwareRun(random.within), reading);
      }
      if (node.type !== 'word') throw reading.expected(node, kind);
      if (node.text.toLowerCase() === 'broadcast') return constant(BROADCAST);
      if (node.text.includes('..')) return inOrder(hardwareRun(node));
      return constant(formatBytes(readHardware(node.text, 0)));

      function hardwareRun(word: Word): Run {
        const dots = word.text.indexOf('..');
        const first = readHardware(word.text.slice(0, dots), 0, word);
        const last = readHardware(word.text.slice(dots + 2), dots + 2, word);
        const count = bitsOf(last) - bitsOf(first) + 1n;
        if (last.length !== first.length || count < 1n) {
          throw reading.fault(word.span, 'a range of addresses ends below its beginning');
        }
        return { first: bitsOf(first), count, text: (bits) => formatBytes(bytesOf(bits, first.length)) };
      }

      function readHardware(text: string, offset: number, word: Word = node as Word): Uint8Array {
        const bytes = withPlace(word, reading, offset, () => parseHardwareAddress(text)).toBytes();
        if (!anyLength && bytes.length !== 6) throw reading.fault(word.span, 'a hardware address has six bytes here');
        return bytes;
      }
    },
  };
  return kind;
}

const formatBytes = (bytes: Uint8Array): string => formatHardware(bytes, 0, bytes.length);

/** Of one station, and of nobody's: IEEE 802's local bit is set, the group bit is not. */
function anyStation(reading: Reading): Values<string> {
  reading.random = true;
  return drawn((random) => {
    const bytes = random.bytes(6);
    bytes[0] = ((bytes[0] as number) & 0xfc) | 2;
    return formatBytes(bytes);
  });
}

/** A prefix as one value: `2001:db8::/64`, or an address alone, whose length is another field. */
export const ipv6Prefix: Kind = {
  expects: 'an IPv6 prefix such as 2001:db8::/64',
  read: (node, reading) => {
    if (node.type !== 'word') throw reading.expected(node, ipv6Prefix);
    if (!node.text.includes('/'))
      return constant({ prefix: readAddress(node.text, node, 0, 'ipv6', reading).toString() });
    const prefix = withPlace(node, reading, 0, () => parsePrefix(node.text));
    checkFamily(prefix.first, 'ipv6', node, reading);
    return constant({ prefix: prefix.first.toString(), prefixLength: prefix.length });
  },
};
