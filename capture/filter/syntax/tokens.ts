/**
 * The words of an expression. As in every scanner of longest matches: `host` is a keyword, `host-a` is a name, `10.1` an
 * address, `10-19` a name (of a range), `1:2:3:4:5:6` a hardware address, `1::2` an IPv6 address.
 */
import { IPv6Address, tryParseIP } from '../../../src/sockaddr/ip.js';
import { FilterError, type Span } from '../error.js';
import { CONSTANTS, KEYWORDS, type Keyword } from './keywords.js';

/** Characters of an expression, at most: more than 4,096 instructions can come of. */
export const MAX_TEXT = 262_144;

export type SymbolText =
  | '!'
  | '('
  | ')'
  | '['
  | ']'
  | ':'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>'
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>=';

export type Token = Span &
  (
    | { readonly kind: 'keyword'; readonly keyword: Keyword }
    | { readonly kind: 'symbol'; readonly symbol: SymbolText }
    /** From 0 to 2^32 - 1. */
    | { readonly kind: 'number'; readonly value: number }
    /** A host, a port, a protocol: whatever the words before ask for. */
    | { readonly kind: 'name'; readonly name: string }
    /** Two to four parts with dots between; what they stand for depends on the words before. */
    | { readonly kind: 'ipv4'; readonly text: string }
    | { readonly kind: 'ipv6'; readonly address: IPv6Address }
    | { readonly kind: 'mac'; readonly bytes: Uint8Array }
    /** `$1f`, an address of a single byte (ARCnet). */
    | { readonly kind: 'mac8'; readonly value: number }
    | { readonly kind: 'end' }
  );

type Word = Exclude<Token['kind'], 'keyword' | 'symbol' | 'end'> | 'broken-mac';

const SPACE = /[ \r\n\t]*/y;
const SYMBOL = /&&|\|\||<<|>>|<=|>=|==|!=|[-+*/%:[\]!<>()&|^=]/y;
const NUMBER = /(?:0[xX][0-9A-Fa-f]+|[0-9]+)/.source;
const BYTE = '[0-9A-Fa-f]{1,2}';
/** In the order in which they count where several match the same text. */
const WORDS: readonly (readonly [Word, RegExp])[] = [
  ['mac8', new RegExp(`\\$${BYTE}`, 'y')],
  [
    'mac',
    new RegExp(
      `(?:${BYTE}(?::${BYTE}){5}|${BYTE}(?:-${BYTE}){5}|${BYTE}(?:\\.${BYTE}){5}|[0-9A-Fa-f]{4}(?:\\.[0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{12})`,
      'y',
    ),
  ],
  ['number', new RegExp(NUMBER, 'y')],
  ['ipv4', new RegExp(`${NUMBER}(?:\\.${NUMBER}){1,3}`, 'y')],
  ['broken-mac', new RegExp(`${BYTE}:+(?:${BYTE}:+)+`, 'y')],
  ['name', /[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?/y],
  ['name', /\\[^ !()\n\t]+/y],
];
/** What an IPv6 address may be made of; 39 characters, or 45 with an IPv4 address at its end. */
const IPV6 = /[0-9A-Fa-f:.]{2,46}/y;

/**
 * The words of `text`, and an end.
 *
 * @throws FilterError for what is no word
 */
export function tokenize(text: string): Token[] {
  if (text.length > MAX_TEXT) {
    throw new FilterError(text, { start: MAX_TEXT, end: text.length }, `longer than ${MAX_TEXT} characters`);
  }
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchLength(SPACE, text, at);
    if (at >= text.length) break;
    const token = readToken(text, at);
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: 'end', start: text.length, end: text.length });
  return tokens;
}

function matchLength(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex - at : 0;
}

function readToken(text: string, start: number): Token {
  let kind: Word | undefined;
  let length = 0;
  for (const [candidate, pattern] of WORDS) {
    const found = matchLength(pattern, text, start);
    if (found > length) [kind, length] = [candidate, found];
  }
  const ipv6 = ipv6Length(text, start);
  if (ipv6 > length || (ipv6 === length && kind !== 'mac' && ipv6 > 0)) [kind, length] = ['ipv6', ipv6];
  if (kind !== undefined) return wordToken(text, kind, { start, end: start + length });
  const end = start + matchLength(SYMBOL, text, start);
  if (end === start) {
    throw new FilterError(
      text,
      { start, end: start + String.fromCodePoint(text.codePointAt(start) ?? 0).length },
      'this character has no meaning here',
      'put names in letters, digits, . _ and -',
    );
  }
  return symbolToken(text.slice(start, end), { start, end });
}

function symbolToken(text: string, span: Span): Token {
  if (text === '&&') return { kind: 'keyword', keyword: 'and', ...span };
  if (text === '||') return { kind: 'keyword', keyword: 'or', ...span };
  return { kind: 'symbol', symbol: (text === '==' ? '=' : text) as SymbolText, ...span };
}

function wordToken(expression: string, kind: Word, span: Span): Token {
  const text = expression.slice(span.start, span.end);
  switch (kind) {
    case 'number':
      return { kind, value: readNumber(expression, span), ...span };
    case 'ipv4':
      return { kind, text, ...span };
    case 'ipv6':
      return { kind, address: tryParseIP(text) as IPv6Address, ...span };
    case 'mac':
      return { kind, bytes: macBytes(text), ...span };
    case 'mac8':
      return { kind, value: Number.parseInt(text.slice(1), 16), ...span };
    case 'broken-mac':
      throw new FilterError(expression, span, 'no whole hardware address', 'write six bytes: 00:11:22:33:44:55');
    default:
      return nameToken(text, span);
  }
}

function nameToken(text: string, span: Span): Token {
  if (text.startsWith('\\')) return { kind: 'name', name: text.slice(1), ...span };
  const keyword = KEYWORDS.get(text);
  if (keyword === 'not') return { kind: 'symbol', symbol: '!', ...span };
  if (keyword !== undefined) return { kind: 'keyword', keyword, ...span };
  const value = CONSTANTS.get(text);
  return value === undefined ? { kind: 'name', name: text, ...span } : { kind: 'number', value, ...span };
}

/**
 * As strtoul(3) with base 0 reads it: decimal, octal after 0, hexadecimal after 0x.
 *
 * @throws FilterError for a number with digits that its base lacks, or above 32 bits
 */
function readNumber(expression: string, span: Span): number {
  const text = expression.slice(span.start, span.end);
  const octal = /^0[0-9]/.test(text);
  if (octal && /[89]/.test(text)) {
    throw new FilterError(
      expression,
      span,
      'a number that begins with 0 is octal, and 8 and 9 are not',
      'leave the 0 out',
    );
  }
  const value = octal ? Number.parseInt(text, 8) : Number(text);
  if (value > 0xffff_ffff) throw new FilterError(expression, span, 'above 4294967295, the largest number of 32 bits');
  return value;
}

function macBytes(text: string): Uint8Array {
  if (/^[0-9A-Fa-f]{12}$/.test(text) || /^[0-9A-Fa-f]{4}\./.test(text)) {
    return Uint8Array.from(text.replaceAll('.', '').match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  }
  return Uint8Array.from(text.split(/[-:.]/), (byte) => Number.parseInt(byte, 16));
}

/** Characters from `start` that are an IPv6 address, the longest such beginning; 0 for none. */
function ipv6Length(text: string, start: number): number {
  const all = matchLength(IPV6, text, start);
  // No address has three colons in a row, or twice two of them.
  const [run = ''] = /^(?:(?!:::).)*(?:::(?!:)(?:(?!::).)*|::)?/.exec(text.slice(start, start + all)) ?? [];
  if (!run.includes('::') && run.split(':').length < 7) return 0;
  for (let { length } = run; length >= 2; length--) {
    if (tryParseIP(run.slice(0, length)) instanceof IPv6Address) return length;
  }
  return 0;
}
