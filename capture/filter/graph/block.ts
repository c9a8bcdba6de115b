/** A program as blocks: statements that run one after the other, and a jump or a return at the end. */
import { Class, Jump, Source } from '../program/instruction.js';

/** An instruction that goes on to the next one. */
export interface Statement {
  code: number;
  /** From 0 to 2^32 - 1. */
  k: number;
}

export class Block {
  /** For whoever goes over all blocks and numbers them. */
  id = -1;
  statements: Statement[];
  /** A conditional jump, or a return. */
  code: number;
  k: number;
  /** Where the jump leads; undefined for returns. */
  whenTrue: Block | undefined;
  whenFalse: Block | undefined;

  /** @param statements are copied: the optimiser changes them, in each block for itself */
  constructor(statements: readonly Statement[], code: number, k: number, whenTrue?: Block, whenFalse?: Block) {
    this.statements = statements.map((one) => ({ ...one }));
    this.code = code;
    this.k = k;
    this.whenTrue = whenTrue;
    this.whenFalse = whenFalse;
  }
}

export const statement = (code: number, k = 0): Statement => ({ code, k: k >>> 0 });

export const JUMP_EQUAL = Class.jmp | Jump.jeq | Source.k;
export const JUMP_EQUAL_X = Class.jmp | Jump.jeq | Source.x;
export const JUMP_ANY = Class.jmp | Jump.jset | Source.k;
export const RETURN = Class.ret | Source.k;

/** The blocks that `root` leads to, a block before those it leads to when it is true, and these before the rest. */
export function reachable(root: Block): Block[] {
  const blocks: Block[] = [];
  const seen = new Set<Block>();
  const stack: (Block | undefined)[] = [root];
  while (stack.length > 0) {
    const block = stack.pop();
    if (block === undefined || seen.has(block)) continue;
    seen.add(block);
    blocks.push(block);
    stack.push(block.whenFalse, block.whenTrue);
  }
  return blocks;
}

/** The blocks that `root` leads to, each behind those that it leads to itself; of a loop, as far as that can be. */
export function bottomUp(root: Block): Block[] {
  const blocks: Block[] = [];
  const seen = new Set<Block>([root]);
  const stack: { block: Block; next: number }[] = [{ block: root, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1) as { block: Block; next: number };
    const { block } = top;
    const step = top.next++;
    const target = step === 0 ? block.whenFalse : step === 1 ? block.whenTrue : undefined;
    if (step === 2) {
      blocks.push(block);
      stack.pop();
    } else if (target !== undefined && !seen.has(target)) {
      seen.add(target);
      stack.push({ block: target, next: 0 });
    }
  }
  return blocks;
}
