/** Words to arithmetic: numbers, lengths and fields, and the operators between them. */
import type { Cursor } from './cursor.js';
import { isProtocol, type Protocol } from './keywords.js';
import type { SymbolText } from './tokens.js';
import type { Arithmetic, Operator } from './tree.js';

/** Operators of arithmetic in one comparison; a program has 16 words to keep what is between them. */
const MAX_OPERATORS = 1000;

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

export class ArithmeticParser {
  readonly #cursor: Cursor;
  #operatorCount = 0;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** All of the arithmetic that begins here. */
  read(): Arithmetic {
    return this.operators(this.operand());
  }

  /** What a comparison is made of counts for itself. */
  restart(): void {
    this.#operatorCount = 0;
  }

  /** Operators that bind tighter than `floor`, and what they are between. */
  operators(first: Arithmetic, floor = 0): Arithmetic {
    const cursor = this.#cursor;
    let left = first;
    for (;;) {
      const token = cursor.next;
      if (token.kind !== 'symbol') return left;
      // libpcap's grammar gives % and ^ no precedence: they bind to the left as tightly as can be, and take all that
      // follows on their right.
      const loose = token.symbol === '%' || token.symbol === '^';
      const precedence = loose ? 0 : PRECEDENCE[token.symbol];
      if (precedence === undefined || (!loose && precedence <= floor)) return left;
      if (++this.#operatorCount > MAX_OPERATORS) throw cursor.error(token, `more than ${MAX_OPERATORS} operators`);
      cursor.skip();
      const right = cursor.deeper(() => this.operators(this.operand(), precedence));
      const operator = token.symbol as Operator;
      left = { type: 'binary', operator, left, right, start: left.start, end: right.end };
    }
  }

  /** A number, a field, a length, or any of these in parentheses or with a sign. */
  operand(): Arithmetic {
    const cursor = this.#cursor;
    const token = cursor.next;
    const { start, end } = token;
    if (token.kind === 'number') {
      cursor.skip();
      return { type: 'constant', value: token.value, start, end };
    }
    if (cursor.takeSymbol('-')) {
      const of = cursor.deeper(() => this.operators(this.operand(), UNARY));
      return { type: 'negative', of, start, end: of.end };
    }
    if (cursor.takeSymbol('(')) {
      const inner = cursor.deeper(() => this.read());
      cursor.expect(')');
      return { ...inner, start, end: cursor.lastEnd };
    }
    const { keyword } = cursor;
    if (keyword === 'len') {
      cursor.skip();
      return { type: 'length', start, end };
    }
    if (keyword !== undefined && isProtocol(keyword)) {
      cursor.skip();
      return this.field(keyword, start);
    }
    throw cursor.unexpected('a number, len, or a field such as ip[0]');
  }

  /** What follows a protocol: `[index:size]`. */
  field(protocol: Protocol, start: number): Arithmetic {
    const cursor = this.#cursor;
    cursor.expect('[');
    const index = cursor.deeper(() => this.read());
    let size = 1;
    if (cursor.takeSymbol(':')) {
      const token = cursor.next;
      [size] = cursor.number('a number of bytes: 1, 2 or 4');
      if (size !== 1 && size !== 2 && size !== 4) throw cursor.error(token, 'a field is 1, 2 or 4 bytes wide');
    }
    cursor.expect(']');
    return { type: 'field', protocol, index, size, start, end: cursor.lastEnd };
  }
}
