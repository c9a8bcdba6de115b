/** A place among the words of an expression, and what is said of a word that does not belong there. */
import { FilterError, type Span } from '../error.js';
import type { Keyword } from './keywords.js';
import { type SymbolText, type Token, tokenize } from './tokens.js';

/** Parentheses within parentheses, and whatever else is read by going deeper: as deep as the stack has room for, and half. */
const MAX_DEPTH = 1200;

export class Cursor {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  /** @throws FilterError for what is no word */
  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  /** Whether there is no word at all. */
  get isEmpty(): boolean {
    return this.#tokens.length === 1;
  }

  /** The next word; the end, where there is none. */
  get next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  /** The word `ahead` behind the next one. */
  peek(ahead: number): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  /** Of the word before. */
  get lastEnd(): number {
    return (this.#tokens[this.#at - 1] as Token).end;
  }

  /** The next word, where it is one of the language. */
  get keyword(): Keyword | undefined {
    const token = this.next;
    return token.kind === 'keyword' ? token.keyword : undefined;
  }

  take(): Token {
    const token = this.next;
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  skip(count = 1): void {
    this.#at += count;
  }

  isSymbol(symbol: SymbolText, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token?.kind === 'symbol' && token.symbol === symbol;
  }

  takeSymbol(symbol: SymbolText): boolean {
    const found = this.isSymbol(symbol);
    if (found) this.#at++;
    return found;
  }

  /** @throws FilterError where the next word is another one */
  expect(symbol: SymbolText): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected(`'${symbol}'`);
  }

  /**
   * A number without parentheses, and where it ends.
   *
   * @throws FilterError where there is none
   */
  number(what: string): [number, number] {
    const token = this.next;
    if (token.kind !== 'number') throw this.unexpected(what);
    this.#at++;
    return [token.value, token.end];
  }

  error(span: Span, reason: string, advice?: string): FilterError {
    return new FilterError(this.#text, span, reason, advice);
  }

  /** For the next word. */
  unexpected(expected: string): FilterError {
    const token = this.next;
    const advice =
      token.kind === 'keyword'
        ? `it is a word of the language; write \\${this.#text.slice(token.start, token.end)} for the name`
        : undefined;
    return this.error(token, `expected ${expected}`, advice);
  }

  /** @throws FilterError where reading went too deep */
  deeper<T>(read: () => T): T {
    if (this.#depth >= MAX_DEPTH) throw this.error(this.next, `nested deeper than ${MAX_DEPTH} levels`);
    this.#depth++;
    const result = read();
    this.#depth--;
    return result;
  }
}
