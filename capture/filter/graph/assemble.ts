/** Blocks in a row: a block stands before the one that it leads to when it holds, and that before the other. */
import { Class, type Instruction, Jump, MAX_INSTRUCTIONS, type Program } from '../program/instruction.js';
import { type Block, bottomUp } from './block.js';

/** Conditional jumps skip so many instructions at most; further ones go by a jump that always jumps. */
const FARTHEST = 255;
const ALWAYS = Class.jmp | Jump.ja;

/** A block's end, when it is known where it stands. */
interface Placed {
  readonly block: Block;
  /** Extra jumps behind the conditional one: for its true side, for its false one. */
  longTrue: boolean;
  longFalse: boolean;
  start: number;
}

/** The program; undefined where it has more instructions than programs may have. */
export function assemble(root: Block): Program | undefined {
  const order = bottomUp(root)
    .reverse()
    .map((block): Placed => ({ block, longTrue: false, longFalse: false, start: 0 }));
  const places = new Map(order.map((placed) => [placed.block, placed]));
  // A jump that became long moves what is behind it, which may make another one long.
  for (;;) {
    let at = 0;
    for (const [i, placed] of order.entries()) {
      placed.start = at;
      at += lengthOf(placed, order[i + 1]);
    }
    if (at > 2 * MAX_INSTRUCTIONS) return undefined;
    let longer = false;
    for (const [i, placed] of order.entries()) longer = lengthen(placed, order[i + 1], places) || longer;
    if (!longer) break;
  }
  const program = order.flatMap((placed, i) => instructions(placed, order[i + 1], places));
  return program.length > MAX_INSTRUCTIONS ? undefined : program;
}

/** Blocks that go on in one way need no jump where that way is the next block. */
function lengthOf({ block, longTrue, longFalse }: Placed, next: Placed | undefined): number {
  const { statements, whenTrue, whenFalse } = block;
  if (whenTrue !== undefined && whenTrue === whenFalse) return statements.length + (next?.block === whenTrue ? 0 : 1);
  return statements.length + 1 + (longTrue ? 1 : 0) + (longFalse ? 1 : 0);
}

function lengthen(placed: Placed, next: Placed | undefined, places: ReadonlyMap<Block, Placed>): boolean {
  const { block } = placed;
  const { whenTrue, whenFalse } = block;
  if (whenTrue === undefined || whenFalse === undefined || whenTrue === whenFalse) return false;
  const behind = placed.start + block.statements.length + 1;
  const reaches = (target: Block): boolean => {
    const skip = (places.get(target) as Placed).start - behind;
    return skip >= 0 && skip <= FARTHEST;
  };
  const before = lengthOf(placed, next);
  if (!placed.longTrue && !reaches(whenTrue)) placed.longTrue = true;
  if (!placed.longFalse && !reaches(whenFalse)) placed.longFalse = true;
  return lengthOf(placed, next) > before;
}

function instructions(placed: Placed, next: Placed | undefined, places: ReadonlyMap<Block, Placed>): Instruction[] {
  const { block, start, longTrue, longFalse } = placed;
  const { statements, code, k, whenTrue, whenFalse } = block;
  const result: Instruction[] = statements.map((one) => ({ code: one.code, jt: 0, jf: 0, k: one.k }));
  if (whenTrue === undefined || whenFalse === undefined) return [...result, { code, jt: 0, jf: 0, k }];
  const at = start + statements.length;
  const skip = (target: Block, from: number) => (places.get(target) as Placed).start - from - 1;
  const always = (target: Block, from: number) => ({ code: ALWAYS, jt: 0, jf: 0, k: skip(target, from) >>> 0 });
  if (whenTrue === whenFalse) return next?.block === whenTrue ? result : [...result, always(whenTrue, at)];
  const jt = longTrue ? 0 : skip(whenTrue, at);
  const jf = longFalse ? (longTrue ? 1 : 0) : skip(whenFalse, at);
  result.push({ code, jt, jf, k });
  if (longTrue) result.push(always(whenTrue, at + 1));
  if (longFalse) result.push(always(whenFalse, at + (longTrue ? 2 : 1)));
  return result;
}
