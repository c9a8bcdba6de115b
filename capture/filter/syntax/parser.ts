/**
 * Words to a tree, as pcap-filter(7) groups them: `not` binds tightest, `and` and `or` bind alike and from the left, and an
 * address without words of its own takes those of the address before (`tcp port 80 or 443`).
 *
 * What a parenthesis holds shows only behind it: `(80 or 443)` are ports, `(80 + 1) = 81` is arithmetic, `(port 80 or 81)` an
 * expression. So its contents are read first, and asked afterwards what they are.
 */
import type { FilterError, Span } from '../error.js';
import { ArithmeticParser } from './arithmetic-parser.js';
import { Cursor } from './cursor.js';
import { isProtocol, type Keyword, type Protocol } from './keywords.js';
import type { AddressKind, Arithmetic, Direction, Id, Link, Node, Qualifiers, Relation } from './tree.js';
import { frameTest, wordTest } from './word-tests.js';

/** The tree of `text`; undefined where it says nothing, which every packet passes. */
export function parse(text: string): Node | undefined {
  return new Parser(text).parse();
}

/** What was read: an expression, addresses that carry on the words before, or arithmetic, a number alone among it. */
type Piece =
  | { readonly type: 'expression'; readonly node: Node; readonly qualifiers: Qualifiers | undefined }
  | { readonly type: 'addresses'; readonly node: Node; readonly qualifiers: Qualifiers | undefined }
  | { readonly type: 'arithmetic'; readonly value: Arithmetic };

/** The addresses of a chain, not yet a tree. */
interface Chained {
  readonly node: Node;
  /** What the next address takes over; undefined where it would have nothing to take. */
  readonly qualifiers: Qualifiers | undefined;
}

const RELATIONS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);
const KINDS: ReadonlySet<string> = new Set(['host', 'net', 'port', 'portrange']);
const DIRECTIONS: ReadonlySet<string> = new Set(['addr1', 'addr2', 'addr3', 'addr4', 'ra', 'ta']);

class Parser {
  readonly #cursor: Cursor;
  readonly #arithmetic: ArithmeticParser;

  constructor(text: string) {
    this.#cursor = new Cursor(text);
    this.#arithmetic = new ArithmeticParser(this.#cursor);
  }

  parse(): Node | undefined {
    if (this.#cursor.isEmpty) return undefined;
    const first = this.#asExpression(this.#piece(undefined), undefined, false);
    const { node } = this.#chain(first, this.#part);
    if (this.#cursor.next.kind !== 'end') throw this.#cursor.unexpected('and, or, or the end');
    return node;
  }

  /** What `and`s and `or`s join to the first part, each with the words that the one before it carries on. */
  #chain(first: Chained, read: (qualifiers: Qualifiers | undefined) => Chained): Chained {
    const rest: Link[] = [];
    let { qualifiers } = first;
    for (;;) {
      const operator = this.#cursor.keyword;
      if (operator !== 'and' && operator !== 'or') break;
      this.#cursor.skip();
      const part = read(qualifiers);
      rest.push({ operator, node: part.node });
      qualifiers = part.qualifiers;
    }
    return { node: chainNode(first.node, rest), qualifiers };
  }

  /** A part behind `and` or `or`: an expression's, or an address that takes over the words before. */
  readonly #part = (qualifiers: Qualifiers | undefined): Chained =>
    this.#asExpression(this.#piece(qualifiers), qualifiers, true);

  /** @param carried whether there is something before that an address or a number alone may go on with */
  #asExpression(piece: Piece, qualifiers: Qualifiers | undefined, carried: boolean): Chained {
    if (piece.type === 'expression') return piece;
    if (piece.type === 'addresses') {
      if (!carried) throw this.#alone(piece.node);
      return piece;
    }
    if (!isNumber(piece)) throw this.#cursor.unexpected('a comparison such as = or > behind the arithmetic');
    if (!carried) {
      const advice = 'say what it is of: port, host, proto, or compare it';
      throw this.#cursor.error(piece.value, 'a number alone is no test', advice);
    }
    return this.#numberAddress(piece, qualifiers);
  }

  #alone(span: Span): FilterError {
    return this.#cursor.error(
      span,
      'nothing says what this is',
      "put host, net, port or proto before it; a protocol's name alone is a test only where it is a word of the language",
    );
  }

  /** The longest piece that begins here. */
  #piece(qualifiers: Qualifiers | undefined): Piece {
    return this.#cursor.deeper(() => {
      const first = this.#operand(qualifiers);
      return first.type === 'arithmetic' ? this.#relation(first) : first;
    });
  }

  /** Arithmetic that goes on, or is compared; what stands alone is handed back. */
  #relation(first: Piece & { type: 'arithmetic' }): Piece {
    const left = this.#arithmetic.operators(first.value);
    const token = this.#cursor.next;
    if (token.kind !== 'symbol' || !RELATIONS.has(token.symbol)) return { type: 'arithmetic', value: left };
    this.#cursor.skip();
    const right = this.#arithmetic.read();
    this.#arithmetic.restart();
    const relation = token.symbol as Relation;
    return expression({ type: 'relation', relation, left, right, start: left.start, end: right.end });
  }

  /** A piece without operators behind it. */
  #operand(qualifiers: Qualifiers | undefined): Piece {
    const token = this.#cursor.next;
    switch (token.kind) {
      case 'symbol':
        if (token.symbol === '!') return this.#negation(qualifiers);
        if (token.symbol === '(') return this.#parenthesis(qualifiers);
        if (token.symbol === '-') return { type: 'arithmetic', value: this.#arithmetic.operand() };
        throw this.#cursor.unexpected('a test');
      case 'number':
        return { type: 'arithmetic', value: this.#arithmetic.operand() };
      case 'keyword':
        return this.#word(token.keyword, token.start);
      case 'end':
        throw this.#cursor.unexpected('a test');
      default:
        return { type: 'addresses', ...this.#address(this.#id(), qualifiers) };
    }
  }

  #negation(qualifiers: Qualifiers | undefined): Piece {
    const { start } = this.#cursor.take();
    // A row of them is counted, not gone into.
    let odd = true;
    while (this.#cursor.takeSymbol('!')) odd = !odd;
    const piece = this.#piece(qualifiers);
    const type = piece.type === 'expression' ? 'expression' : 'addresses';
    const inner = this.#asExpression(piece, qualifiers, true);
    const node: Node = odd ? { type: 'not', of: inner.node, start, end: inner.node.end } : inner.node;
    return { type, node, qualifiers: inner.qualifiers };
  }

  #parenthesis(qualifiers: Qualifiers | undefined): Piece {
    return this.#cursor.deeper(() => {
      const { start } = this.#cursor.take();
      const nested = this.#cursor.isSymbol('(');
      const first = this.#piece(qualifiers);
      const goesOn = this.#cursor.keyword === 'and' || this.#cursor.keyword === 'or';
      if (first.type === 'arithmetic' && !(isNumber(first) && goesOn)) {
        this.#cursor.expect(')');
        return { type: 'arithmetic', value: { ...first.value, start, end: this.#cursor.lastEnd } };
      }
      if (first.type === 'addresses' && nested) throw this.#alone(first.node);
      const isExpression = first.type === 'expression';
      const begun = this.#asExpression(first, qualifiers, true);
      const { node } = this.#chain(begun, isExpression ? this.#part : this.#onlyAddresses);
      this.#cursor.expect(')');
      // Behind the parenthesis the words before it hold.
      return { type: isExpression ? 'expression' : 'addresses', node, qualifiers };
    });
  }

  /** Addresses, and nothing else. */
  readonly #onlyAddresses = (qualifiers: Qualifiers | undefined): Chained => {
    const at = this.#cursor.next;
    const piece = this.#cursor.deeper(() => this.#operand(qualifiers));
    if (piece.type === 'addresses') return piece;
    if (isNumber(piece)) return this.#numberAddress(piece, qualifiers);
    throw this.#cursor.error(
      at,
      'expected an address, as those before it in these parentheses',
      'repeat the word before each: (host a or port b)',
    );
  };

  #numberAddress({ value: { value, start, end } }: NumberPiece, qualifiers: Qualifiers | undefined): Chained {
    return this.#address({ type: 'number', value, start, end }, qualifiers);
  }

  #address(id: Id, qualifiers: Qualifiers | undefined): Chained {
    if (qualifiers === undefined) throw this.#alone(id);
    return { node: { type: 'address', qualifiers, id, start: id.start, end: id.end }, qualifiers };
  }

  /** An address, a name or a number with what belongs to it. */
  #id(): Id {
    const token = this.#cursor.next;
    const { start, end } = token;
    switch (token.kind) {
      case 'name':
        this.#cursor.skip();
        return { type: 'name', name: token.name, start, end };
      case 'mac':
        this.#cursor.skip();
        return { type: 'mac', bytes: token.bytes, start, end };
      case 'mac8':
        this.#cursor.skip();
        return { type: 'mac8', value: token.value, start, end };
      case 'ipv6': {
        this.#cursor.skip();
        if (!this.#cursor.takeSymbol('/')) return { type: 'ipv6', address: token.address, prefix: 128, start, end };
        const [prefix, last] = this.#cursor.number('the length of the prefix');
        return { type: 'ipv6', address: token.address, prefix, start, end: last };
      }
      case 'ipv4':
        this.#cursor.skip();
        return this.#ipv4(token.text, start, end);
      default:
        throw this.#cursor.unexpected('an address, a name or a number');
    }
  }

  #ipv4(text: string, start: number, end: number): Id {
    if (this.#cursor.takeSymbol('/')) {
      const [prefix, last] = this.#cursor.number('the length of the prefix');
      return { type: 'ipv4', text, prefix, start, end: last };
    }
    if (this.#cursor.keyword !== 'mask') return { type: 'ipv4', text, start, end };
    this.#cursor.skip();
    const mask = this.#cursor.next;
    if (mask.kind !== 'ipv4') throw this.#cursor.unexpected('a mask such as 255.255.0.0');
    this.#cursor.skip();
    return { type: 'ipv4', text, mask: mask.text, start, end: mask.end };
  }

  /** A test that begins with a word. */
  #word(keyword: Keyword, start: number): Piece {
    if (isProtocol(keyword)) {
      this.#cursor.skip();
      if (this.#cursor.isSymbol('[')) return { type: 'arithmetic', value: this.#arithmetic.field(keyword, start) };
      return this.#qualified(keyword, start);
    }
    if (keyword === 'len') return { type: 'arithmetic', value: this.#arithmetic.operand() };
    const test = wordTest(this.#cursor, keyword);
    return test === undefined ? this.#qualified(undefined, start) : expression(test);
  }

  /** What follows a protocol, or stands without one: directions, kinds and an address, or a test of its own. */
  #qualified(protocol: Protocol | undefined, start: number): Piece {
    const word = this.#cursor.keyword;
    if (word === 'broadcast' || word === 'multicast') {
      const { end } = this.#cursor.take();
      return expression({ type: word, protocol, start, end });
    }
    if (word === 'type' || word === 'subtype' || word === 'dir')
      return expression(frameTest(this.#cursor, word, start));
    const qualifiers = this.#qualifiers(protocol);
    if (qualifiers === undefined) {
      if (protocol === undefined) throw this.#cursor.unexpected('a test');
      return expression({ type: 'protocol', protocol, start, end: this.#cursor.lastEnd });
    }
    const { node } = this.#onlyAddresses(qualifiers);
    return { type: 'expression', node: { ...node, start }, qualifiers };
  }

  /** Directions and kinds; undefined where there are none, so that the protocol stands alone. */
  #qualifiers(protocol: Protocol | undefined): Qualifiers | undefined {
    const word = this.#cursor.keyword;
    if (word === 'proto' || word === 'protochain' || word === 'gateway') {
      this.#cursor.skip();
      return { protocol, direction: undefined, kind: word };
    }
    const direction = this.#direction();
    const kind = this.#cursor.keyword;
    if (kind !== undefined && KINDS.has(kind)) {
      this.#cursor.skip();
      return { protocol, direction, kind: kind as AddressKind };
    }
    return direction === undefined ? undefined : { protocol, direction, kind: undefined };
  }

  #direction(): Direction | undefined {
    const word = this.#cursor.keyword;
    if (word !== undefined && DIRECTIONS.has(word)) {
      this.#cursor.skip();
      return word as Direction;
    }
    if (word !== 'src' && word !== 'dst') return undefined;
    this.#cursor.skip();
    const operator = this.#cursor.keyword;
    if (operator !== 'and' && operator !== 'or') return word;
    this.#cursor.skip();
    const other = word === 'src' ? 'dst' : 'src';
    if (this.#cursor.keyword !== other) throw this.#cursor.unexpected(other);
    this.#cursor.skip();
    return operator === 'and' ? 'src and dst' : 'src or dst';
  }
}

/** A number alone, in parentheses or not: what it is of may stand before. */
type NumberPiece = Piece & { type: 'arithmetic'; value: { type: 'constant' } };
const isNumber = (piece: Piece): piece is NumberPiece => piece.type === 'arithmetic' && piece.value.type === 'constant';

function expression(node: Node): Piece {
  return { type: 'expression', node, qualifiers: undefined };
}

function chainNode(first: Node, rest: readonly Link[]): Node {
  const last = rest.at(-1);
  return last === undefined ? first : { type: 'chain', first, rest, start: first.start, end: last.node.end };
}
