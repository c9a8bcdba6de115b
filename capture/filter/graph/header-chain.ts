/** `protochain`: the headers behind an IP header, followed one after the other. */
import type { Condition } from '../conditions/condition.js';
import { IP } from '../conditions/numbers.js';
import { Alu, Class, Mode, Size, Source } from '../program/instruction.js';
import { type Block, JUMP_EQUAL, type Statement, statement } from './block.js';
import { ALU, type Builder, LD, LDX, TAX } from './builder.js';

type HeaderChain = Condition & { type: 'header-chain' };

/** Headers behind an IP header that are followed in the kernel. */
const KERNEL_HEADERS = 10;

/**
 * RFC 8200 section 4.1 and RFC 4302: with the number of a header in the accumulator and its place in the index register,
 * on to the next one, until it is the protocol, or one that has no next. In files that is a loop; the kernel takes none,
 * so there it is as many steps as headers can stand in a row and make sense.
 */
export function lowerHeaderChain(builder: Builder, chain: HeaderChain, whenTrue: Block, whenFalse: Block): Block {
  const { version, protocol, base } = chain;
  const header = base.constant;
  const word = builder.take();
  const compare = (statements: Statement[]) => builder.block(statements, JUMP_EQUAL, protocol, whenTrue, whenFalse);
  const step = (again: Block) => nextHeader(builder, chain, word, again, whenFalse);
  const begin = compare(
    version === 4
      ? [statement(LD | Mode.abs | Size.b, header + 9), statement(LDX | Mode.msh | Size.b, header)]
      : [statement(LD | Mode.abs | Size.b, header + 6), statement(LDX | Mode.imm, 40)],
  );
  if (loopsAllowed(builder)) {
    const again = compare([]);
    again.whenFalse = step(again);
    begin.whenFalse = again.whenFalse;
  } else {
    for (let left = KERNEL_HEADERS; left > 0; left--) {
      const again = compare([]);
      again.whenFalse = begin.whenFalse;
      begin.whenFalse = step(again);
    }
  }
  builder.free(word);
  return begin;
}

/** Whether programs may jump back. */
export const loopsAllowed = ({ state }: Builder): boolean => state.context.target === 'file';

/** From one header to the next, and on to `again` with its number; to `end` from one that has no next. */
function nextHeader(builder: Builder, { version, base }: HeaderChain, word: number, again: Block, end: Block): Block {
  const load = (offset: number) => statement(LD | Mode.ind | Size.b, base.constant + offset);
  const isNumber = (number: number, is: Block, isNot: Block) => builder.block([], JUMP_EQUAL, number, is, isNot);
  // The header's first byte is the next one's number; the second its length, in units of `size` beyond `units` of them.
  const over = (units: number, size: number): Block =>
    builder.always(
      [
        load(0),
        statement(Class.st, word),
        load(1),
        statement(ALU | Alu.add, units),
        statement(ALU | Alu.mul, size),
        statement(ALU | Alu.add | Source.x),
        statement(TAX),
        statement(LD | Mode.mem, word),
      ],
      again,
    );
  let next = isNumber(IP.ah, over(2, 4), end);
  if (version === 6) {
    const overExtension = over(1, 8);
    const extensions = [IP.hopByHop, IP.destinationOptions, IP.routing, IP.fragment];
    next = extensions.reduceRight<Block>((isNot, number) => isNumber(number, overExtension, isNot), next);
  }
  return isNumber(IP.none, end, next);
}
