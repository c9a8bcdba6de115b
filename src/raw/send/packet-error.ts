/** What is wrong with a packet expression, and where. */
import { atSpan, pointAt, type TextSpan, UsageError } from '../../errors.js';

export class PacketExpressionError extends UsageError {
  override readonly name: string = 'PacketExpressionError';
  readonly expression: string;
  /** Where the fault is, indexes into `expression`. */
  override readonly span: TextSpan;

  /**
   * @param reason what is wrong there
   * @param advice what to write instead
   */
  constructor(expression: string, span: TextSpan, reason: string, advice?: string) {
    super(`bad packet, ${atSpan(expression, span)}: ${reason}`, advice, 'BAD_PACKET');
    this.expression = expression;
    this.span = { start: span.start, end: span.end };
  }

  /** The expression, and carets below the fault; a part of it where it is long. */
  override get detail(): readonly string[] {
    return pointAt(this.expression, this.span);
  }
}
