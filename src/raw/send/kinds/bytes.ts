/** Bytes and texts. */
import { clip } from '../../../errors.js';
import { dnsClassName, dnsClassNumber, dnsTypeName, dnsTypeNumber } from '../../../wire/application/dns-types.js';
import { ByteList } from '../../../wire/byte-list.js';
import { writeName } from '../../../wire/dns-name.js';
import { escapeText, hex, hexBytes } from '../../../wire/text.js';
import { Random } from '../random.js';
import type { CallNode, ValueNode } from '../syntax.js';
import { combined, constant, mapped, type Values } from '../values.js';
import { type Kind, named, type Reading, readValues, type SingleNode } from './kind.js';
import { number } from './numbers.js';

/** The most bytes that a packet can have, and so any part of it. */
export const MAX_BYTES = 0xffff;

const SIZE = number(0, MAX_BYTES, { unit: 'bytes' });

type Maker = (node: CallNode, reading: Reading) => Values<Uint8Array>;

/** What makes bytes; `hex( )` is a value already. */
const MAKERS: Readonly<Record<string, Maker>> = {
  zero: (node, reading) => mapped(sizes(node, reading, 1), (size) => new Uint8Array(size)),
  zeros: (node, reading) => mapped(sizes(node, reading, 1), (size) => new Uint8Array(size)),
  random: (node, reading) => {
    const lengths = sizes(node, reading, 1);
    reading.random = true;
    return { count: lengths.count, at: (index, random) => random.bytes(lengths.at(index, random)) };
  },
  pattern: (node, reading) => {
    const [, what] = node.entries;
    const repeated = what === undefined ? constant(COUNTING) : readBytes(what.value, reading);
    return combined([sizes(node, reading, 2), repeated], ([size, unit]) => repeat(unit as Uint8Array, size as number));
  },
  file: (node, reading) => {
    const [entry, ...more] = node.entries;
    const value = entry?.name === undefined ? entry?.value : undefined;
    const path = value?.type === 'word' ? value.text : value?.type === 'bytes' ? TEXT.decode(value.bytes) : undefined;
    if (path === undefined || more.length > 0) throw reading.fault(node.span, 'expected file("PATH")');
    const bytes = reading.file(path);
    if (bytes.length > MAX_BYTES) {
      throw reading.fault(node.span, `${clip(path)} has ${bytes.length} bytes, and a packet at most ${MAX_BYTES}`);
    }
    return constant(bytes);
  },
};

const TEXT = new TextDecoder();
/** As ping fills what nobody has chosen. */
const COUNTING = Uint8Array.from({ length: 256 }, (_, i) => i);

/** Names of what makes bytes, for lists. */
export const BYTE_MAKERS: Readonly<Record<string, string>> = {
  '"text"': 'its bytes in UTF-8; \\n \\t \\r \\0 \\\\ \\" and \\xNN are escapes',
  'hex(00 ff)': 'bytes by their digits',
  'file("PATH")': 'what a file has in it',
  'zero(SIZE)': 'zeros',
  'pattern(SIZE[,BYTES])': '0, 1, 2 and so on, or BYTES again and again',
  'random(SIZE)': 'random bytes, other ones in each packet',
};

/** Whether `name(…)` makes bytes. */
export const makesBytes = (name: string): boolean => named(MAKERS, name) !== undefined;

function sizes(node: CallNode, reading: Reading, most: number): Values<number> {
  const [first, ...more] = node.entries;
  if (first === undefined || node.entries.some(({ name }) => name !== undefined) || more.length >= most) {
    throw reading.fault(node.span, `expected ${node.name}(SIZE${most > 1 ? ' or SIZE,BYTES' : ''})`);
  }
  return readValues(SIZE, first.value, reading) as Values<number>;
}

function repeat(unit: Uint8Array, size: number): Uint8Array {
  return unit.length === 0
    ? new Uint8Array(0)
    : Uint8Array.from({ length: size }, (_, i) => unit[i % unit.length] ?? 0);
}

/** Any bytes: what {@link BYTE_MAKERS} lists, and hex digits alone. */
export function readBytes(node: ValueNode, reading: Reading): Values<Uint8Array> {
  return readValues(BYTES, node, reading) as Values<Uint8Array>;
}

const BYTES: Kind = {
  expects: 'bytes: hex(00ff), "text", zero(SIZE), pattern(SIZE), random(SIZE) or file("PATH")',
  read: (node, reading) => {
    if (node.type === 'bytes') return constant(node.bytes);
    if (node.type === 'call') {
      const make = named(MAKERS, node.name);
      if (make !== undefined) return make(node, reading);
    }
    const digits = node.type === 'word' ? node.text.replace(/^0x/i, '').replaceAll(':', '') : '';
    if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) throw reading.expected(node, BYTES);
    return constant(hexBytes(digits));
  },
};

export interface BytesOptions {
  readonly max?: number;
  /** Exactly so many. */
  readonly length?: number;
  /** In units of so many, of which the first lacks `less`. */
  readonly unit?: number;
  readonly less?: number;
}

/** Bytes as the hex text of records. */
export function hexText({ max = MAX_BYTES, length, unit = 1, less = 0 }: BytesOptions = {}): Kind {
  const size = length !== undefined ? `${length} bytes` : unit > 1 ? `a multiple of ${unit} bytes` : '';
  const kind: Kind = {
    expects: length === undefined ? BYTES.expects : `${size} in hex`,
    read: (node, reading) => {
      const values = BYTES.read(node, reading) as Values<Uint8Array>;
      const texts = mapped(values, (bytes) => {
        const wrong =
          length === undefined ? bytes.length > max || (bytes.length + less) % unit !== 0 : bytes.length !== length;
        if (!wrong) return hex(bytes, 0, bytes.length);
        const wanted = length !== undefined ? `${length}` : unit > 1 ? sizesOf(unit, less) : `at most ${max}`;
        throw reading.fault(node.span, `these are ${bytes.length} bytes, and ${wanted} are expected`);
      });
      // A size that is wrong is told now, not when its packet is made.
      texts.at(0, new Random(0, 0));
      return texts;
    },
  };
  return kind;
}

const sizesOf = (unit: number, less: number): string =>
  [1, 2, 3]
    .map((units) => units * unit - less)
    .join(', ')
    .concat(', …');

/** Bytes as they are, of payloads. */
export const payloadBytes: Kind = BYTES;

/** Text, escaped as in records (text.ts of src/wire). @param max in bytes */
export function text(max: number): Kind {
  const kind: Kind = {
    expects: `a text of at most ${max} bytes`,
    read: (node, reading) => {
      const bytes = textBytes(node);
      if (bytes === undefined) throw reading.expected(node, kind);
      if (bytes.length > max) throw reading.fault(node.span, `${bytes.length} bytes of text, and at most ${max} fit`);
      return constant(escapeText(bytes, 0, bytes.length));
    },
  };
  return kind;
}

const UTF8 = new TextEncoder();

function textBytes(node: SingleNode): Uint8Array | undefined {
  if (node.type === 'bytes') return node.bytes;
  return node.type === 'word' ? UTF8.encode(node.text) : undefined;
}

/** A domain name, in the text of master files (RFC 1035 section 5.1). */
export const domainName: Kind = {
  expects: 'a domain name',
  read: (node, reading) => {
    const name =
      node.type === 'bytes'
        ? escapeText(node.bytes, 0, node.bytes.length)
        : node.type === 'word'
          ? node.text
          : undefined;
    if (name === undefined) throw reading.expected(node, domainName);
    try {
      writeName(new ByteList(), name);
    } catch (error) {
      throw reading.fault(node.span, error instanceof Error ? error.message : String(error));
    }
    // The dot of the root is not told of names below it.
    return constant(name === '.' || name === '' ? '.' : name.replace(/(?<=[^\\])\.$/, ''));
  },
};

/** A type or a class of DNS by its name or number. */
function dnsWord(expects: string, toNumber: (name: string) => number, toName: (number: number) => string): Kind {
  const kind: Kind = {
    expects,
    read: (node, reading) => {
      if (node.type !== 'word') throw reading.expected(node, kind);
      if (/^\d{1,5}$/.test(node.text) && Number(node.text) <= 0xffff) return constant(toName(Number(node.text)));
      try {
        return constant(toName(toNumber(node.text.toUpperCase())));
      } catch {
        throw reading.expected(node, kind);
      }
    },
  };
  return kind;
}

export const dnsType: Kind = dnsWord('a type of DNS: A, AAAA, MX, …, or TYPE4711', dnsTypeNumber, dnsTypeName);
export const dnsClass: Kind = dnsWord('a class of DNS: IN, CH, ANY, …, or CLASS4711', dnsClassNumber, dnsClassName);
