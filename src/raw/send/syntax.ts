/**
 * The tree of a packet expression, before any layer or field is known.
 *
 *     packet  = layer { "/" layer }
 *     layer   = string | word [ "(" entries ")" ]
 *     entries = [ entry { "," entry } ]
 *     entry   = value | word "=" value
 *     value   = word [ "(" entries ")" ] | string | "(" entries ")" | "[" value { "," value } "]"
 *
 * Brackets hold values of which each packet has one; parentheses hold what stands together in one packet: the fields of a
 * record, the elements of a list. Strings have the escapes \n \t \r \0 \\ \" \' and \xNN. Within `hex( )` are digits and
 * blanks alone.
 */
import type { TextSpan } from '../../errors.js';
import { hexBytes } from '../../wire/text.js';
import { PacketExpressionError } from './packet-error.js';

export type ValueNode =
  | { readonly type: 'word'; readonly text: string; readonly span: TextSpan }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array; readonly span: TextSpan }
  | { readonly type: 'choice'; readonly items: readonly ValueNode[]; readonly span: TextSpan }
  | { readonly type: 'group'; readonly entries: readonly Entry[]; readonly span: TextSpan }
  | CallNode;

export interface CallNode {
  readonly type: 'call';
  readonly name: string;
  readonly nameSpan: TextSpan;
  readonly entries: readonly Entry[];
  readonly span: TextSpan;
}

export interface Entry {
  /** What stands before `=`; undefined for a value alone. */
  readonly name: string | undefined;
  readonly nameSpan: TextSpan;
  readonly value: ValueNode;
  readonly span: TextSpan;
}

/** A word alone is a layer without fields. */
export type LayerNode = CallNode | Extract<ValueNode, { type: 'bytes' }>;

/** The longest expression, in characters. */
const MAX_TEXT = 0x1_0000;
/** Parentheses and brackets within one another. */
const MAX_DEPTH = 16;
const MAX_LAYERS = 64;

const BLANK = /[\s\u200b\ufeff]/;
const WORD = /[^\s,()[\]="'\u200b\ufeff]/;
const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, '0': 0, '\\': 92, '"': 34, "'": 39 };
const UTF8 = new TextEncoder();

/** @throws PacketExpressionError */
export function parseSyntax(text: string): readonly LayerNode[] {
  if (text.length > MAX_TEXT) {
    const span = { start: MAX_TEXT, end: text.length };
    throw new PacketExpressionError(text, span, `more than ${MAX_TEXT} characters`, 'put long payloads into a file');
  }
  return new SyntaxParser(text).packet();
}

class SyntaxParser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  packet(): readonly LayerNode[] {
    const layers: LayerNode[] = [];
    do {
      if (layers.length === MAX_LAYERS) throw this.#fault(this.#at, `more than ${MAX_LAYERS} layers`);
      layers.push(this.#layer());
    } while (this.#takes('/'));
    const rest = this.#peek();
    if (rest !== '') throw this.#fault(this.#at, "expected '/' and another layer, or the end");
    return layers;
  }

  #layer(): LayerNode {
    const start = this.#skip();
    const next = this.#peek();
    if (next === '"' || next === "'") return this.#string();
    // Between layers, '/' is no part of a word.
    const name = this.#word(/[^\s,()[\]="'/\u200b\ufeff]/);
    if (name === '') throw this.#fault(start, 'expected a layer', 'such as ip(dst=192.0.2.1), hex(00ff) or "text"');
    const nameSpan = { start, end: this.#at };
    const opened = this.#peek() === '(';
    const called = opened ? this.#call(name, nameSpan) : undefined;
    return called ?? { type: 'call', name, nameSpan, entries: [], span: nameSpan };
  }

  #value(): ValueNode {
    const start = this.#skip();
    switch (this.#peek()) {
      case '"':
      case "'":
        return this.#string();
      case '(': {
        const entries = this.#entries();
        return { type: 'group', entries, span: { start, end: this.#at } };
      }
      case '[':
        return this.#choice(start);
    }
    const text = this.#word(WORD);
    if (text === '') throw this.#fault(start, 'expected a value');
    const span = { start, end: this.#at };
    return this.#peek() === '(' ? this.#call(text, span) : { type: 'word', text, span };
  }

  #call(name: string, nameSpan: TextSpan): LayerNode {
    if (name.toLowerCase() === 'hex') return this.#hex(nameSpan.start);
    const entries = this.#entries();
    return { type: 'call', name, nameSpan, entries, span: { start: nameSpan.start, end: this.#at } };
  }

  #choice(start: number): ValueNode {
    this.#enter();
    const items: ValueNode[] = [];
    do items.push(this.#value());
    while (this.#takes(','));
    if (!this.#takes(']')) throw this.#fault(this.#at, "expected ',' or ']'");
    this.#depth--;
    return { type: 'choice', items, span: { start, end: this.#at } };
  }

  #entries(): Entry[] {
    this.#enter();
    const entries: Entry[] = [];
    if (this.#takes(')')) {
      this.#depth--;
      return entries;
    }
    do entries.push(this.#entry());
    while (this.#takes(','));
    if (!this.#takes(')')) throw this.#fault(this.#at, "expected ',' or ')'");
    this.#depth--;
    return entries;
  }

  #entry(): Entry {
    const first = this.#value();
    const { start } = first.span;
    if (!this.#takes('=')) return { name: undefined, nameSpan: first.span, value: first, span: first.span };
    if (first.type !== 'word') throw this.#fault(start, "expected a name before '='", undefined, first.span.end);
    const value = this.#value();
    return { name: first.text, nameSpan: first.span, value, span: { start, end: value.span.end } };
  }

  #string(): Extract<ValueNode, { type: 'bytes' }> {
    const text = this.#text;
    const start = this.#at;
    const quote = text[start];
    const bytes: number[] = [];
    let at = start + 1;
    for (; text[at] !== quote; ) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      if (at >= text.length) throw this.#fault(start, `a string without its closing ${quote}`, undefined, text.length);
      if (character !== '\\') {
        bytes.push(...UTF8.encode(character));
        at += character.length;
        continue;
      }
      const letter = text[at + 1] ?? '';
      const hex = /^[0-9a-f]{2}/i.exec(text.slice(at + 2, at + 4))?.[0];
      if (letter === 'x' && hex !== undefined) {
        bytes.push(Number.parseInt(hex, 16));
        at += 4;
        continue;
      }
      const byte = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
      if (byte === undefined)
        throw this.#fault(at, 'unknown escape', '\\n \\t \\r \\0 \\\\ \\" \\\' and \\xNN are', at + 2);
      bytes.push(byte);
      at += 2;
    }
    this.#at = at + 1;
    return { type: 'bytes', bytes: Uint8Array.from(bytes), span: { start, end: this.#at } };
  }

  /** The parenthesis of `hex( )`. */
  #hex(start: number): Extract<ValueNode, { type: 'bytes' }> {
    const from = this.#at + 1;
    const end = this.#text.indexOf(')', from);
    if (end < 0) throw this.#fault(start, "hex( without its ')'", undefined, this.#text.length);
    const digits = this.#text.slice(from, end);
    const bad = digits.search(/[^0-9a-f\s:]/i);
    if (bad >= 0)
      throw this.#fault(from + bad, 'not a hex digit', 'write pairs of them: hex(00 ff 1b)', from + bad + 1);
    const pairs = digits.replace(/[\s:]/g, '');
    if (pairs.length % 2 === 1) throw this.#fault(from, 'an odd number of hex digits', 'two are a byte', end);
    this.#at = end + 1;
    return { type: 'bytes', bytes: hexBytes(pairs), span: { start, end: this.#at } };
  }

  #enter(): void {
    if (++this.#depth > MAX_DEPTH) throw this.#fault(this.#at, `nested deeper than ${MAX_DEPTH}`);
    this.#at++;
  }

  #word(allowed: RegExp): string {
    const start = this.#at;
    while (this.#at < this.#text.length && allowed.test(this.#text[this.#at] as string)) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  /** Behind blanks. */
  #skip(): number {
    while (this.#at < this.#text.length && BLANK.test(this.#text[this.#at] as string)) this.#at++;
    return this.#at;
  }

  #peek(): string {
    return this.#text[this.#skip()] ?? '';
  }

  #takes(character: string): boolean {
    const there = this.#peek() === character;
    if (there) this.#at++;
    return there;
  }

  #fault(start: number, reason: string, advice?: string, end = start + 1): PacketExpressionError {
    const span = { start: Math.min(start, this.#text.length), end: Math.min(end, this.#text.length) };
    return new PacketExpressionError(this.#text, span, reason, advice);
  }
}
