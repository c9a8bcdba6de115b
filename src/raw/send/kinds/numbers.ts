/** Numbers, by their digits or a name; ranges `1..30` and `0..100:10`, `random` and `random(1024..65535)`. */
import { servicePort } from '../../../sockaddr/services.js';
import { TCP_FLAG_LISTS, TCP_FLAGS, type TcpFlag } from '../../../wire/tcp.js';
import type { ValueNode } from '../syntax.js';
import { computed, constant, drawn, type Values } from '../values.js';
import { type Kind, named, type Reading, randomNode, type SingleNode } from './kind.js';

export interface NumberOptions {
  readonly names?: Readonly<Record<string, number>>;
  /** For names that are in no table here. */
  readonly lookUp?: (name: string) => number | undefined;
  readonly multipleOf?: number;
  /** Behind the bounds: `bytes`. */
  readonly unit?: string;
}

/** Names that are told of those that there are. */
const TOLD = 8;

export function number(min: number, max: number, options: NumberOptions = {}): Kind {
  const { names = {}, lookUp, multipleOf = 1, unit } = options;
  const known = Object.keys(names);
  const told = known.slice(0, TOLD).join(', ');
  const words = known.length === 0 ? '' : ` or ${told}${known.length > TOLD ? ', …' : ''}`;
  const step = multipleOf === 1 ? '' : ` in steps of ${multipleOf}`;
  const expects = `a number from ${min} to ${max}${unit === undefined ? '' : ` ${unit}`}${step}${words}`;
  const kind: Kind = {
    expects,
    read: (node, reading) => {
      const random = randomNode(node);
      if (random !== undefined) return readRandom(random.within, node, reading);
      if (node.type !== 'word') throw reading.expected(node, kind);
      const range = rangeOf(node, reading);
      if (range === undefined) return constant(one(node.text, node, reading));
      const { from, to, step } = range;
      const [direction, count] = [to < from ? -step : step, Math.floor(Math.abs(to - from) / step) + 1];
      return computed(count, (index) => from + index * direction);
    },
  };
  return kind;

  function one(text: string, node: SingleNode, reading: Reading): number {
    const value = readNumber(text) ?? named(names, text) ?? lookUp?.(text.toLowerCase());
    if (value === undefined) throw reading.expected(node, kind);
    if (value < min || value > max) throw reading.fault(node.span, `${text} is outside of ${min} to ${max}`);
    if (value % multipleOf !== 0) throw reading.fault(node.span, `${text} is no multiple of ${multipleOf}`);
    return value;
  }

  function rangeOf(node: Extract<ValueNode, { type: 'word' }>, reading: Reading) {
    const found = /^(.*?)\.\.(.*?)(?::(.*))?$/.exec(node.text);
    if (found === null) return undefined;
    const [, first = '', last = '', stepText] = found;
    const step = stepText === undefined ? multipleOf : readNumber(stepText);
    if (step === undefined || step < 1 || step % multipleOf !== 0) {
      const advice = 'write FROM..TO or FROM..TO:STEP, such as 0..100:10';
      throw reading.fault(node.span, `the step is no number from ${multipleOf} up`, advice);
    }
    return { from: one(first, node, reading), to: one(last, node, reading), step };
  }

  function readRandom(within: ValueNode | undefined, node: SingleNode, reading: Reading): Values<number> {
    let [from, to, step] = [min, max, multipleOf];
    if (within !== undefined) {
      const range = within.type === 'word' ? rangeOf(within, reading) : undefined;
      if (range === undefined) throw reading.fault(node.span, 'expected a range: random(FROM..TO)');
      from = Math.min(range.from, range.to);
      to = Math.max(range.from, range.to);
      step = range.step;
    }
    reading.random = true;
    const count = Math.floor((to - from) / step) + 1;
    return drawn((random) => from + step * random.below(count));
  }
}

/** Digits, hex digits behind `0x` or bits behind `0b`, with a sign; undefined for anything else. */
function readNumber(text: string): number | undefined {
  if (/^-?\d{1,16}$/.test(text) || /^0x[0-9a-f]{1,13}$/i.test(text) || /^0b[01]{1,32}$/i.test(text))
    return Number(text);
  return undefined;
}

const UNSIGNED = [8, 12, 16, 20, 24, 32] as const;
/** An unsigned number of so many bits. */
export const unsigned = (bits: (typeof UNSIGNED)[number], options: NumberOptions = {}): Kind =>
  number(0, 2 ** bits - 1, options);

/** A port, by number or the name of a service of services(5). */
export function port(protocol: 'tcp' | 'udp'): Kind {
  const kind = unsigned(16, { lookUp: (name) => servicePort(name, protocol) });
  return { ...kind, expects: 'a port from 0 to 65535 or the name of a service' };
}

/** A number with a fraction: times in seconds. */
export function decimal(min: number, max: number): Kind {
  const kind: Kind = {
    expects: `a number from ${min} to ${max}, fractions allowed`,
    read: (node, reading) => {
      if (node.type !== 'word' || !/^-?\d{1,10}(\.\d{1,10})?$/.test(node.text)) throw reading.expected(node, kind);
      const value = Number(node.text);
      if (value < min || value > max) throw reading.fault(node.span, `${node.text} is outside of ${min} to ${max}`);
      return constant(value);
    },
  };
  return kind;
}

const TRUTHS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

export const boolean: Kind = {
  expects: 'true or false',
  alone: true,
  read: (node, reading) => {
    if (randomNode(node)?.within === undefined && randomNode(node) !== undefined) {
      reading.random = true;
      return drawn((random) => random.below(2) === 1);
    }
    const value = node.type === 'word' ? named(TRUTHS, node.text) : undefined;
    if (value === undefined) throw reading.expected(node, boolean);
    return constant(value);
  },
};

/** One of some words. */
export function oneOf(words: readonly string[]): Kind {
  const kind: Kind = {
    expects: words.join(', '),
    read: (node, reading) => {
      const word =
        node.type === 'word' ? words.find((one) => one.toLowerCase() === node.text.toLowerCase()) : undefined;
      if (word === undefined) throw reading.fault(node.span, `expected one of ${words.join(', ')}`);
      return constant(word);
    },
  };
  return kind;
}

/** In the order of {@link TCP_FLAGS}, as tcpdump and hping have them. */
const FLAG_LETTERS = 'FSRPAUEC';

/** Flags of TCP: `SYN|ACK`, `SA`, the bits as a number, `none`. */
export const tcpFlags: Kind = {
  expects: 'flags of TCP: SYN|ACK, SA, their bits as a number, or none',
  read: (node, reading) => {
    if (randomNode(node) !== undefined && node.type === 'word') {
      reading.random = true;
      return drawn((random) => TCP_FLAG_LISTS[random.below(TCP_FLAG_LISTS.length)]);
    }
    const bits = node.type === 'word' ? flagBits(node.text) : undefined;
    if (bits === undefined) throw reading.expected(node, tcpFlags);
    return constant(TCP_FLAG_LISTS[bits]);
  },
};

function flagBits(text: string): number | undefined {
  if (text.toLowerCase() === 'none') return 0;
  const value = readNumber(text);
  if (value !== undefined) return value >= 0 && value < TCP_FLAG_LISTS.length ? value : undefined;
  let bits = 0;
  for (const part of text.toUpperCase().split(/[|+]/)) {
    const flag = TCP_FLAGS.indexOf(part as TcpFlag);
    if (flag >= 0) {
      bits |= 1 << flag;
      continue;
    }
    if (part === '') return undefined;
    for (const letter of part) {
      const place = FLAG_LETTERS.indexOf(letter);
      if (place < 0) return undefined;
      bits |= 1 << place;
    }
  }
  return bits;
}
