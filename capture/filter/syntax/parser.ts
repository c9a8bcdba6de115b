/**
 * Words to a tree, as pcap-filter(7) groups them: `not` binds tightest, `and` and `or` bind alike and from the left, and an
 * address without words of its own takes those of the address before (`tcp port 80 or 443`).
 *
 * What a parenthesis holds shows only behind it: `(80 or 443)` are ports, `(80 + 1) = 81` is arithmetic, `(port 80 or 81)` an
 * expression. So its contents are read first, and asked afterwards what they are.
 */
import { FilterError, type Span } from '../error.js';
import { type Keyword, PROTOCOLS, type Protocol } from './keywords.js';
import { type SymbolText, type Token, tokenize } from './tokens.js';
import type {
  AddressKind,
  Arithmetic,
  ByteOperator,
  Direction,
  Id,
  Link,
  Node,
  Operator,
  Plain,
  Qualifiers,
  Relation,
} from './tree.js';
import { frameDirection, frameSubtype, frameType, frameTypeAndSubtype } from './wireless-names.js';

/** Parentheses within parentheses, and whatever else is read by going deeper. */
const MAX_DEPTH = 1200;
/** Operators of arithmetic in one comparison; a program has 16 words to keep what is between them. */
const MAX_OPERATORS = 1000;

/** The tree of `text`; undefined where it says nothing, which every packet passes. */
export function parse(text: string): Node | undefined {
  return new Parser(text).parse();
}

/** What was read: an expression, addresses that carry on the words before, a number alone, or other arithmetic. */
type Piece =
  | { readonly type: 'expression'; readonly node: Node; readonly qualifiers: Qualifiers | undefined }
  | { readonly type: 'addresses'; readonly node: Node; readonly qualifiers: Qualifiers | undefined }
  | { readonly type: 'number'; readonly value: number; readonly span: Span }
  | { readonly type: 'arithmetic'; readonly value: Arithmetic };

/** The addresses of a chain, not yet a tree. */
interface Chained {
  readonly node: Node;
  /** What the next address takes over; undefined where it would have nothing to take. */
  readonly qualifiers: Qualifiers | undefined;
}

const PRECEDENCE: Readonly<Partial<Record<SymbolText, number>>> = {
  '|': 1,
  '&': 2,
  '<<': 3,
  '>>': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
};
/** Binds tighter than any operator with a precedence. */
const UNARY = 6;

const RELATIONS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);
const KINDS: ReadonlySet<string> = new Set(['host', 'net', 'port', 'portrange']);
const DIRECTIONS: ReadonlySet<string> = new Set(['addr1', 'addr2', 'addr3', 'addr4', 'ra', 'ta']);
const PROTOCOL_WORDS: ReadonlySet<string> = new Set(PROTOCOLS);
const BARE_WORDS: ReadonlySet<string> = new Set(['inbound', 'outbound', 'pppoed']);
/** Words that a number in parentheses may follow too, or none. */
const NUMBERED_WORDS: ReadonlySet<string> = new Set(['vlan', 'mpls', 'pppoes', 'geneve', 'vxlan']);
const FOREIGN: Readonly<Partial<Record<Keyword, string>>> = {
  ...Object.fromEntries(
    [
      'lane',
      'metac',
      'bcc',
      'oam',
      'oamf4',
      'oamf4ec',
      'oamf4sc',
      'sc',
      'ilmic',
      'vpi',
      'vci',
      'connectmsg',
      'metaconnect',
    ].map((word) => [word, 'ATM']),
  ),
  ...Object.fromEntries(
    ['ifname', 'ruleset', 'rulenum', 'subrulenum', 'reason', 'action'].map((word) => [word, "pf's log"]),
  ),
  ...Object.fromEntries(
    ['fisu', 'lssu', 'msu', 'hfisu', 'hlssu', 'hmsu', 'sio', 'opc', 'dpc', 'sls', 'hsio', 'hopc', 'hdpc', 'hsls'].map(
      (word) => [word, 'SS7'],
    ),
  ),
};

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #operatorCount = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): Node | undefined {
    if (this.#tokens.length === 1) return undefined;
    const { node } = this.#chain(this.#first(undefined));
    if (this.#next.kind !== 'end') throw this.#unexpected('and, or, or the end');
    return node;
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #take(): Token {
    const token = this.#next;
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  #isSymbol(symbol: SymbolText): boolean {
    const token = this.#next;
    return token.kind === 'symbol' && token.symbol === symbol;
  }

  #takeSymbol(symbol: SymbolText): boolean {
    const found = this.#isSymbol(symbol);
    if (found) this.#at++;
    return found;
  }

  #expect(symbol: SymbolText): void {
    if (!this.#takeSymbol(symbol)) throw this.#unexpected(`'${symbol}'`);
  }

  get #keyword(): Keyword | undefined {
    const token = this.#next;
    return token.kind === 'keyword' ? token.keyword : undefined;
  }

  #error(span: Span, reason: string, advice?: string): FilterError {
    return new FilterError(this.#text, span, reason, advice);
  }

  #unexpected(expected: string): FilterError {
    const token = this.#next;
    const advice =
      token.kind === 'keyword'
        ? `it is a word of the language; write \\${this.#text.slice(token.start, token.end)} for the name`
        : undefined;
    return this.#error(token, `expected ${expected}`, advice);
  }

  /** @throws FilterError where reading went too deep */
  #deeper<T>(read: () => T): T {
    if (this.#depth >= MAX_DEPTH) throw this.#error(this.#next, `nested deeper than ${MAX_DEPTH} levels`);
    this.#depth++;
    const result = read();
    this.#depth--;
    return result;
  }

  /** `and`s and `or`s behind the first part. */
  #chain(first: Chained): Chained {
    const rest: Link[] = [];
    let { qualifiers } = first;
    for (;;) {
      const operator = this.#keyword;
      if (operator !== 'and' && operator !== 'or') break;
      this.#at++;
      const part = this.#part(qualifiers);
      rest.push({ operator, node: part.node });
      qualifiers = part.qualifiers;
    }
    return { node: chainNode(first.node, rest), qualifiers };
  }

  /** The first part of an expression, where nothing is carried on. */
  #first(outer: Qualifiers | undefined): Chained {
    return this.#asExpression(this.#piece(outer), outer, false);
  }

  /** A part behind `and` or `or`: an expression's, or an address that takes over the words before. */
  #part(qualifiers: Qualifiers | undefined): Chained {
    return this.#asExpression(this.#piece(qualifiers), qualifiers, true);
  }

  #asExpression(piece: Piece, qualifiers: Qualifiers | undefined, carried: boolean): Chained {
    switch (piece.type) {
      case 'expression':
        return piece;
      case 'addresses':
        if (!carried) throw this.#alone(piece.node);
        return piece;
      case 'number':
        if (!carried)
          throw this.#error(
            piece.span,
            'a number alone is no test',
            'say what it is of: port, host, proto, or compare it',
          );
        return this.#address({ type: 'number', value: piece.value, ...piece.span }, qualifiers);
      case 'arithmetic':
        throw this.#unexpected('a comparison such as = or > behind the arithmetic');
    }
  }

  #alone(span: Span): FilterError {
    return this.#error(
      span,
      'nothing says what this is',
      "put host, net, port or proto before it; a protocol's name alone is a test only where it is a word of the language",
    );
  }

  /** The longest piece that begins here. */
  #piece(qualifiers: Qualifiers | undefined): Piece {
    return this.#deeper(() => {
      const first = this.#operand(qualifiers);
      return first.type === 'number' || first.type === 'arithmetic' ? this.#relation(first) : first;
    });
  }

  /** Arithmetic that goes on, or is compared; what stands alone is handed back. */
  #relation(first: Piece & { type: 'number' | 'arithmetic' }): Piece {
    const left = this.#operators(first, 0);
    const token = this.#next;
    if (token.kind !== 'symbol' || !RELATIONS.has(token.symbol)) return left;
    this.#at++;
    const right = toArithmetic(this.#operators(this.#arithmeticOperand(), 0));
    this.#operatorCount = 0;
    const node: Node = {
      type: 'relation',
      relation: token.symbol as Relation,
      left: toArithmetic(left),
      right,
      start: toArithmetic(left).start,
      end: right.end,
    };
    return { type: 'expression', node, qualifiers: undefined };
  }

  /** A piece without operators behind it. */
  #operand(qualifiers: Qualifiers | undefined): Piece {
    const token = this.#next;
    switch (token.kind) {
      case 'symbol':
        if (token.symbol === '!') return this.#negation(qualifiers);
        if (token.symbol === '(') return this.#parenthesis(qualifiers);
        if (token.symbol === '-') return this.#arithmeticOperand();
        throw this.#unexpected('a test');
      case 'number':
        this.#at++;
        return { type: 'number', value: token.value, span: token };
      case 'keyword':
        return this.#word(token.keyword);
      case 'end':
        throw this.#unexpected('a test');
      default:
        return { type: 'addresses', ...this.#address(this.#id(), qualifiers) };
    }
  }

  #negation(qualifiers: Qualifiers | undefined): Piece {
    const { start } = this.#take();
    // A row of them is counted, not gone into.
    let odd = true;
    while (this.#takeSymbol('!')) odd = !odd;
    const piece = this.#piece(qualifiers);
    if (piece.type === 'arithmetic') throw this.#unexpected('a comparison such as = or > behind the arithmetic');
    const inner = piece.type === 'number' ? this.#numberAddress(piece, qualifiers) : piece;
    const type = piece.type === 'number' ? 'addresses' : piece.type;
    const node: Node = odd ? { type: 'not', of: inner.node, start, end: inner.node.end } : inner.node;
    return { type, node, qualifiers: inner.qualifiers };
  }

  #numberAddress(piece: Piece & { type: 'number' }, qualifiers: Qualifiers | undefined): Chained {
    return this.#address({ type: 'number', value: piece.value, ...piece.span }, qualifiers);
  }

  #parenthesis(qualifiers: Qualifiers | undefined): Piece {
    return this.#deeper(() => {
      const { start } = this.#take();
      const nested = this.#isSymbol('(');
      const first = this.#piece(qualifiers);
      const operator = this.#keyword;
      if (first.type === 'arithmetic' || (first.type === 'number' && operator !== 'and' && operator !== 'or')) {
        this.#expect(')');
        const span = { start, end: (this.#tokens[this.#at - 1] as Token).end };
        return first.type === 'number'
          ? { ...first, span }
          : { type: 'arithmetic', value: { ...first.value, ...span } };
      }
      if (first.type === 'addresses' && nested) throw this.#alone(first.node);
      const begun = first.type === 'number' ? this.#numberAddress(first, qualifiers) : first;
      const { node } = first.type === 'expression' ? this.#chain(begun) : this.#addressChain(begun, qualifiers);
      this.#expect(')');
      // Behind the parenthesis the words before it hold.
      if (first.type === 'expression') return { type: 'expression', node, qualifiers };
      return { type: 'addresses', node, qualifiers };
    });
  }

  /** `and`s and `or`s between addresses alone. */
  #addressChain(first: Chained, outer: Qualifiers | undefined): Chained {
    const rest: Link[] = [];
    let { qualifiers } = first;
    for (;;) {
      const operator = this.#keyword;
      if (operator !== 'and' && operator !== 'or') break;
      this.#at++;
      const part = this.#onlyAddresses(qualifiers);
      rest.push({ operator, node: part.node });
      qualifiers = part.qualifiers;
    }
    return { node: chainNode(first.node, rest), qualifiers: qualifiers ?? outer };
  }

  /** Addresses, and nothing else. */
  #onlyAddresses(qualifiers: Qualifiers | undefined): Chained {
    const at = this.#next;
    const piece = this.#deeper(() => this.#operand(qualifiers));
    if (piece.type === 'number') return this.#numberAddress(piece, qualifiers);
    if (piece.type === 'addresses') return piece;
    throw this.#error(
      at,
      'expected an address, as those before it in these parentheses',
      'repeat the word before each: (host a or port b)',
    );
  }

  #address(id: Id, qualifiers: Qualifiers | undefined): Chained {
    if (qualifiers === undefined) throw this.#alone(id);
    return { node: { type: 'address', qualifiers, id, start: id.start, end: id.end }, qualifiers };
  }

  /** An address, a name or a number with what belongs to it. */
  #id(): Id {
    const token = this.#take();
    const span = { start: token.start, end: token.end };
    switch (token.kind) {
      case 'name':
        return { type: 'name', name: token.name, ...span };
      case 'number':
        return { type: 'number', value: token.value, ...span };
      case 'mac':
        return { type: 'mac', bytes: token.bytes, ...span };
      case 'mac8':
        return { type: 'mac8', value: token.value, ...span };
      case 'ipv6': {
        if (!this.#takeSymbol('/')) return { type: 'ipv6', address: token.address, prefix: 128, ...span };
        const [prefix, end] = this.#plainNumber('the length of the prefix');
        return { type: 'ipv6', address: token.address, prefix, start: span.start, end };
      }
      case 'ipv4': {
        if (this.#takeSymbol('/')) {
          const [prefix, end] = this.#plainNumber('the length of the prefix');
          return { type: 'ipv4', text: token.text, prefix, start: span.start, end };
        }
        if (this.#keyword !== 'mask') return { type: 'ipv4', text: token.text, ...span };
        this.#at++;
        const mask = this.#next;
        if (mask.kind !== 'ipv4') throw this.#unexpected('a mask such as 255.255.0.0');
        this.#at++;
        return { type: 'ipv4', text: token.text, mask: mask.text, start: span.start, end: mask.end };
      }
      default:
        this.#at--;
        throw this.#unexpected('an address, a name or a number');
    }
  }

  /** A number without parentheses, and where it ends. */
  #plainNumber(what: string): [number, number] {
    const token = this.#next;
    if (token.kind !== 'number') throw this.#unexpected(what);
    this.#at++;
    return [token.value, token.end];
  }

  /** A number, in parentheses or not; undefined where none follows. */
  #optionalNumber(): number | undefined {
    let open = 0;
    while (this.#tokens[this.#at + open]?.kind === 'symbol' && isOpen(this.#tokens[this.#at + open])) open++;
    if (open > 0 && this.#tokens[this.#at + open]?.kind !== 'number')
      throw this.#unexpected('a number, and, or, or the end');
    if (this.#tokens[this.#at + open]?.kind !== 'number') return undefined;
    this.#at += open;
    const [value] = this.#plainNumber('a number');
    for (; open > 0; open--) this.#expect(')');
    return value;
  }

  /** A test that begins with a word. */
  #word(keyword: Keyword): Piece {
    const { start } = this.#next;
    if (isProtocol(keyword)) {
      this.#at++;
      if (this.#isSymbol('[')) return { type: 'arithmetic', value: this.#field(keyword, start) };
      return this.#qualified(keyword, start);
    }
    if (keyword === 'len') return this.#arithmeticOperand();
    const foreign = FOREIGN[keyword];
    if (foreign !== undefined) {
      const { end } = this.#take();
      throw this.#error({ start, end }, `'${keyword}' is about ${foreign}, which sockctl does not filter`);
    }
    if (BARE_WORDS.has(keyword)) {
      const { end } = this.#take();
      return expression({ type: 'plain', word: keyword as Plain, number: undefined, start, end });
    }
    if (NUMBERED_WORDS.has(keyword)) {
      this.#at++;
      const number = this.#optionalNumber();
      return expression({ type: 'plain', word: keyword as Plain, number, start, end: this.#lastEnd });
    }
    switch (keyword) {
      case 'less':
      case 'greater':
      case 'ifindex': {
        this.#at++;
        const [number, end] = this.#plainNumber('a number');
        return expression({ type: 'plain', word: keyword, number, start, end });
      }
      case 'byte':
        return this.#byte(start);
      case 'llc':
        return this.#llc(start);
      default:
        return this.#qualified(undefined, start);
    }
  }

  get #lastEnd(): number {
    return (this.#tokens[this.#at - 1] as Token).end;
  }

  /** What follows a protocol, or stands without one: directions, kinds and an address, or a test of its own. */
  #qualified(protocol: Protocol | undefined, start: number): Piece {
    const word = this.#keyword;
    if (word === 'broadcast' || word === 'multicast') {
      const { end } = this.#take();
      return expression({ type: word, protocol, start, end });
    }
    if (word === 'type' || word === 'subtype' || word === 'dir') return this.#frame(start);
    const qualifiers = this.#qualifiers(protocol);
    if (qualifiers === undefined) {
      if (protocol === undefined) throw this.#unexpected('a test');
      return expression({ type: 'protocol', protocol, start, end: this.#lastEnd });
    }
    const { node } = this.#onlyAddresses(qualifiers);
    return { type: 'expression', node: { ...node, start }, qualifiers };
  }

  /** Directions and kinds; undefined where there are none, so that the protocol stands alone. */
  #qualifiers(protocol: Protocol | undefined): Qualifiers | undefined {
    const word = this.#keyword;
    if (word === 'proto' || word === 'protochain' || word === 'gateway') {
      this.#at++;
      return { protocol, direction: undefined, kind: word };
    }
    const direction = this.#direction();
    const kind = this.#keyword;
    if (kind !== undefined && KINDS.has(kind)) {
      this.#at++;
      return { protocol, direction, kind: kind as AddressKind };
    }
    return direction === undefined ? undefined : { protocol, direction, kind: undefined };
  }

  #direction(): Direction | undefined {
    const word = this.#keyword;
    if (word !== undefined && DIRECTIONS.has(word)) {
      this.#at++;
      return word as Direction;
    }
    if (word !== 'src' && word !== 'dst') return undefined;
    this.#at++;
    const operator = this.#keyword;
    const other = this.#tokens[this.#at + 1];
    if (operator !== 'and' && operator !== 'or') return word;
    if (other?.kind !== 'keyword' || other.keyword !== (word === 'src' ? 'dst' : 'src')) {
      this.#at++;
      throw this.#unexpected(word === 'src' ? 'dst' : 'src');
    }
    this.#at += 2;
    return operator === 'and' ? 'src and dst' : 'src or dst';
  }

  #byte(start: number): Piece {
    this.#at++;
    const [index] = this.#plainNumber('the number of the byte');
    const token = this.#next;
    if (token.kind !== 'symbol' || !['&', '|', '<', '>', '='].includes(token.symbol))
      throw this.#unexpected('one of & | < > =');
    this.#at++;
    const [value, end] = this.#plainNumber('a number');
    return expression({ type: 'byte', index, operator: token.symbol as ByteOperator, value, start, end });
  }

  #llc(start: number): Piece {
    this.#at++;
    const token = this.#next;
    const kind = token.kind === 'name' ? token.name : this.#keyword === 'rulenum' ? 'rnr' : undefined;
    if (kind !== undefined) this.#at++;
    return expression({ type: 'llc', kind: kind?.toLowerCase(), start, end: this.#lastEnd });
  }

  /** `type mgt subtype beacon`, `subtype ack`, `dir tods`: IEEE 802.11. */
  #frame(start: number): Piece {
    const word = this.#keyword;
    this.#at++;
    if (word === 'dir') {
      const value = this.#named('a direction: nods, tods, fromds, dstods or a number', frameDirection);
      return expression({ type: 'frame-direction', value, start, end: this.#lastEnd });
    }
    if (word === 'subtype') {
      const token = this.#next;
      if (token.kind !== 'name') throw this.#unexpected('a kind of frame such as beacon or ack');
      const value = this.#named('a kind of frame such as beacon or ack', frameTypeAndSubtype);
      return expression({ type: 'frame-type', value, mask: 0xfc, start, end: this.#lastEnd });
    }
    const type = this.#named('mgt, ctl, data or a number', frameType);
    if (this.#keyword !== 'subtype') {
      return expression({ type: 'frame-type', value: type, mask: 0x0c, start, end: this.#lastEnd });
    }
    this.#at++;
    const subtype = this.#named('a kind of frame such as beacon or ack, or a number', (name) =>
      frameSubtype(type, name),
    );
    return expression({ type: 'frame-type', value: type | subtype, mask: 0xfc, start, end: this.#lastEnd });
  }

  /** A number or a name that `read` knows. */
  #named(expected: string, read: (text: string | number) => number | undefined): number {
    const token = this.#next;
    if (token.kind !== 'name' && token.kind !== 'number') throw this.#unexpected(expected);
    this.#at++;
    const value = read(token.kind === 'name' ? token.name : token.value);
    if (value === undefined) throw this.#error(token, `expected ${expected}`);
    return value;
  }

  /** Operators that bind tighter than `floor`, and what they are between. */
  #operators(
    first: Piece & { type: 'number' | 'arithmetic' },
    floor: number,
  ): Piece & { type: 'number' | 'arithmetic' } {
    let left = first;
    for (;;) {
      const token = this.#next;
      if (token.kind !== 'symbol') return left;
      // libpcap's grammar gives % and ^ no precedence: they bind to the left as tightly as can be, and take all that
      // follows on their right.
      const loose = token.symbol === '%' || token.symbol === '^';
      const precedence = loose ? 0 : PRECEDENCE[token.symbol];
      if (precedence === undefined || (!loose && precedence <= floor)) return left;
      if (++this.#operatorCount > MAX_OPERATORS) throw this.#error(token, `more than ${MAX_OPERATORS} operators`);
      this.#at++;
      const right = toArithmetic(this.#deeper(() => this.#operators(this.#arithmeticOperand(), precedence)));
      const { start } = toArithmetic(left);
      const operator = token.symbol as Operator;
      left = {
        type: 'arithmetic',
        value: { type: 'binary', operator, left: toArithmetic(left), right, start, end: right.end },
      };
    }
  }

  /** A number, a field, a length, or any of these in parentheses or with a sign. */
  #arithmeticOperand(): Piece & { type: 'number' | 'arithmetic' } {
    const token = this.#next;
    if (token.kind === 'number') {
      this.#at++;
      return { type: 'number', value: token.value, span: token };
    }
    if (token.kind === 'symbol' && token.symbol === '-') {
      this.#at++;
      const of = toArithmetic(this.#deeper(() => this.#operators(this.#arithmeticOperand(), UNARY)));
      return { type: 'arithmetic', value: { type: 'negative', of, start: token.start, end: of.end } };
    }
    if (token.kind === 'symbol' && token.symbol === '(') {
      return this.#deeper(() => {
        this.#at++;
        const inner = this.#operators(this.#arithmeticOperand(), 0);
        this.#expect(')');
        const span = { start: token.start, end: this.#lastEnd };
        return inner.type === 'number'
          ? { ...inner, span }
          : { type: 'arithmetic', value: { ...inner.value, ...span } };
      });
    }
    const keyword = this.#keyword;
    if (keyword === 'len') {
      this.#at++;
      return { type: 'arithmetic', value: { type: 'length', start: token.start, end: token.end } };
    }
    if (keyword !== undefined && isProtocol(keyword)) {
      this.#at++;
      return { type: 'arithmetic', value: this.#field(keyword, token.start) };
    }
    throw this.#unexpected('a number, len, or a field such as ip[0]');
  }

  #field(protocol: Protocol, start: number): Arithmetic {
    this.#expect('[');
    const index = toArithmetic(this.#deeper(() => this.#operators(this.#arithmeticOperand(), 0)));
    let size = 1;
    if (this.#takeSymbol(':')) {
      const token = this.#next;
      [size] = this.#plainNumber('a number of bytes: 1, 2 or 4');
      if (size !== 1 && size !== 2 && size !== 4) throw this.#error(token, 'a field is 1, 2 or 4 bytes wide');
    }
    this.#expect(']');
    return { type: 'field', protocol, index, size, start, end: this.#lastEnd };
  }
}

const isProtocol = (word: string): word is Protocol => PROTOCOL_WORDS.has(word);
const isOpen = (token: Token | undefined): boolean => token?.kind === 'symbol' && token.symbol === '(';

function expression(node: Node): Piece {
  return { type: 'expression', node, qualifiers: undefined };
}

function chainNode(first: Node, rest: readonly Link[]): Node {
  const last = rest.at(-1);
  return last === undefined ? first : { type: 'chain', first, rest, start: first.start, end: last.node.end };
}

function toArithmetic(piece: Piece & { type: 'number' | 'arithmetic' }): Arithmetic {
  return piece.type === 'arithmetic' ? piece.value : { type: 'constant', value: piece.value, ...piece.span };
}
