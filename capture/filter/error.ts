/** What is wrong with a filter, and where. */
import { atSpan, clip, pointAt, type TextSpan, UsageError } from '../../src/errors.js';

/** A part of the expression's text. */
export type Span = TextSpan;

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
    super(`bad filter, ${atSpan(expression, span)}: ${reason}`, advice, 'BAD_FILTER');
    this.expression = expression;
    this.span = { start: span.start, end: span.end };
  }

  /** The expression, and carets below the fault; a part of it where it is long. */
  override get detail(): readonly string[] {
    return pointAt(this.expression, this.span);
  }
}

/** For what the kernel can't tell of a packet, and who looks at the captured one can. */
export class KernelFilterError extends FilterError {}

/** For a name of a host that nobody has asked to look up. */
export function unaskedName(expression: string, span: Span, name: string): FilterError {
  const reason = `'${clip(name)}' is a name, and names of hosts are not looked up unless you ask`;
  return new FilterError(expression, span, reason, 'add --resolve, or write the address');
}
