/** What is wrong with a filter, and where. */
import { clip, type TextSpan, UsageError } from '../../src/errors.js';

/** A part of the expression's text. */
export type Span = TextSpan;

/** Characters of the expression that are shown around the fault. */
const SHOWN = 72;

export class FilterError extends UsageError {
  override readonly name: string = 'FilterError';
  readonly expression: string;
  /** Where the fault is, indexes into `expression`. */
  override readonly span: Span;

  /**
   * @param reason what is wrong there
   * @param advice what to write instead
   */
  constructor(expression: string, span: Span, reason: string, advice?: string) {
    const where = expression.slice(span.start, span.end);
    const place = span.start >= expression.trimEnd().length ? 'at its end' : `at '${clip(where, 40)}'`;
    super(`bad filter, ${place}: ${reason}`, advice, 'BAD_FILTER');
    this.expression = expression;
    this.span = { start: span.start, end: span.end };
  }

  /** The expression, and carets below the fault; a part of it where it is long. */
  override get detail(): readonly string[] {
    const { start, end } = this.span;
    const from =
      this.expression.length <= SHOWN ? 0 : Math.max(0, Math.min(start - 24, this.expression.length - SHOWN));
    const part = this.expression.slice(from, from + SHOWN);
    const before = from > 0 ? '...' : '';
    const after = from + SHOWN < this.expression.length ? '...' : '';
    const carets = Math.max(1, Math.min(end, from + part.length) - start);
    // A character for each, whatever the terminal would make of it.
    const line = Array.from({ length: part.length }, (_, i) => printable(part.charCodeAt(i))).join('');
    return [`${before}${line}${after}`, `${' '.repeat(before.length + start - from)}${'^'.repeat(carets)}`];
  }
}

/** For what the kernel can't tell of a packet, and who looks at the captured one can. */
export class KernelFilterError extends FilterError {}

/** For a name of a host that nobody has asked to look up. */
export function unaskedName(expression: string, span: Span, name: string): FilterError {
  const reason = `'${clip(name)}' is a name, and names of hosts are not looked up unless you ask`;
  return new FilterError(expression, span, reason, 'add --resolve, or write the address');
}

const printable = (code: number): string => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '?');
