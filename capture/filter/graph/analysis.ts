/**
 * What the optimiser knows of a graph without loops: levels, dominators, which registers are used later. All of it holds
 * until an edge is moved.
 */
import { Class, MEMORY_WORDS, Misc, Mode, Source } from '../program/instruction.js';
import type { Block, Statement } from './block.js';

/** Registers as numbers: the words of scratch memory, the accumulator, the index register. */
export const A = MEMORY_WORDS;
export const X = MEMORY_WORDS + 1;
export const REGISTERS = MEMORY_WORDS + 2;

/** One of the two ways out of a block. */
export interface Edge {
  readonly from: Node;
  readonly sense: boolean;
  /** Numbers of edges give the order in which they are tried. */
  readonly id: number;
}

/** A block, and what is known of it. */
export class Node {
  readonly block: Block;
  readonly id: number;
  readonly whenTrueEdge: Edge;
  readonly whenFalseEdge: Edge;
  /** Blocks on the longest way to a return. */
  level = 0;
  /** Edges that lead here, the last found first. */
  incoming: Edge[] = [];
  /** The nearest block on every way here. */
  dominator: Node | undefined;
  /** How many dominate it. */
  depth = 0;
  /** Of the tree of dominators: numbers at the way in and out of it. */
  #enter = 0;
  #leave = 0;
  /** Sets of registers as bits: used before they are set, set before they are used, used behind the block. */
  uses = 0;
  kills = 0;
  usedBehind = 0;
  /** Numbers of the values that the registers have at the end. */
  readonly values: number[] = new Array<number>(REGISTERS).fill(0);
  /** Of what the jump compares with. */
  operand = 0;

  constructor(block: Block, id: number, count: number) {
    block.id = id;
    this.block = block;
    this.id = id;
    this.whenTrueEdge = { from: this, sense: true, id };
    this.whenFalseEdge = { from: this, sense: false, id: count + id };
  }

  /** Whether every way to `other` comes through here. */
  dominates(other: Node): boolean {
    return this.#enter <= other.#enter && other.#leave <= this.#leave;
  }

  numberDominated(enter: number, leave: number): void {
    this.#enter = enter;
    this.#leave = leave;
  }
}

export const isReturn = (block: Block): boolean => (block.code & 7) === Class.ret;

/** Numbers of the registers that a statement or jump reads: bits. */
export function readRegisters({ code, k }: Statement): number {
  switch (code & 7) {
    case Class.ret:
      return (code & 0x18) === Source.a ? 1 << A : (code & 0x18) === Source.x ? 1 << X : 0;
    case Class.ld:
    case Class.ldx:
      return (code & 0xe0) === Mode.ind ? 1 << X : (code & 0xe0) === Mode.mem ? 1 << k : 0;
    case Class.st:
      return 1 << A;
    case Class.stx:
      return 1 << X;
    case Class.alu:
    case Class.jmp:
      return (code & Source.x) !== 0 ? (1 << A) | (1 << X) : 1 << A;
    default:
      return (code & 0xf8) === Misc.txa ? 1 << X : 1 << A;
  }
}

/** The register that a statement sets; -1 for none. */
export function writtenRegister({ code, k }: Statement): number {
  switch (code & 7) {
    case Class.ld:
    case Class.alu:
      return A;
    case Class.ldx:
      return X;
    case Class.st:
    case Class.stx:
      return k;
    case Class.misc:
      return (code & 0xf8) === Misc.txa ? A : X;
    default:
      return -1;
  }
}

/** The graph from its root, known anew after each pass. */
export class Analysis {
  /** By level, from 0 at the returns; within a level the last one found first. */
  readonly levels: Node[][] = [];
  /** Those that something reads or writes; nobody need ask about the others. */
  registers: readonly number[] = [];
  readonly #nodes: readonly Node[];

  /** @param nodes of every block that the root has ever led to, by their numbers, which stay */
  constructor(nodes: readonly Node[], root: Block) {
    this.#nodes = nodes;
    this.#findLevels(this.node(root));
    this.findIncoming();
    this.#findDominators();
    this.#findUses();
  }

  node(block: Block): Node {
    return this.#nodes[block.id] as Node;
  }

  /** From the root to the returns: each node behind all that lead to it. */
  *downwards(): Generator<Node> {
    for (let level = this.levels.length - 1; level >= 0; level--) yield* this.levels[level] as Node[];
  }

  /** From those above the returns to the root. */
  *upwards(): Generator<Node> {
    for (let level = 1; level < this.levels.length; level++) yield* this.levels[level] as Node[];
  }

  #findLevels(root: Node): void {
    const seen = new Set<Node>([root]);
    const stack = [{ node: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1) as { node: Node; next: number };
      const { node } = top;
      const { whenTrue, whenFalse } = node.block;
      const target = [whenTrue, whenFalse][top.next++];
      if (top.next > 2) {
        stack.pop();
        const below =
          whenTrue === undefined || whenFalse === undefined
            ? -1
            : Math.max(this.node(whenTrue).level, this.node(whenFalse).level);
        node.level = below + 1;
        this.levels[node.level] ??= [];
        this.levels[node.level]?.push(node);
      } else if (target !== undefined && !seen.has(this.node(target))) {
        seen.add(this.node(target));
        stack.push({ node: this.node(target), next: 0 });
      }
    }
    for (const level of this.levels) level.reverse();
  }

  /** Again after edges were moved, while levels and dominators stay those of before. */
  findIncoming(): void {
    for (const node of this.#nodes) node.incoming = [];
    for (const node of this.downwards()) {
      const { whenTrue, whenFalse } = node.block;
      if (whenTrue === undefined || whenFalse === undefined) continue;
      this.node(whenTrue).incoming.push(node.whenTrueEdge);
      this.node(whenFalse).incoming.push(node.whenFalseEdge);
    }
    for (const node of this.#nodes) node.incoming.reverse();
  }

  /** K. Cooper, T. Harvey, K. Kennedy: A Simple, Fast Dominance Algorithm; without loops one pass is enough. */
  #findDominators(): void {
    const children = new Map<Node, Node[]>();
    let root: Node | undefined;
    for (const node of this.downwards()) {
      let common: Node | undefined;
      for (const { from } of node.incoming) common = common === undefined ? from : nearest(common, from);
      node.dominator = common;
      node.depth = common === undefined ? 0 : common.depth + 1;
      if (common === undefined) root ??= node;
      else {
        const siblings = children.get(common);
        if (siblings === undefined) children.set(common, [node]);
        else siblings.push(node);
      }
    }
    if (root !== undefined) numberTree(root, children);
  }

  #findUses(): void {
    let used = 0;
    for (const node of this.downwards()) {
      used |= countUses(node);
      node.usedBehind = 0;
    }
    this.registers = Array.from({ length: REGISTERS }, (_, register) => register).filter(
      (register) => (used & (1 << register)) !== 0,
    );
    for (const node of this.upwards()) {
      const { whenTrue, whenFalse } = node.block;
      if (whenTrue === undefined || whenFalse === undefined) continue;
      node.usedBehind = this.node(whenTrue).uses | this.node(whenFalse).uses;
      node.uses |= node.usedBehind & ~node.kills;
    }
  }
}

function nearest(a: Node, b: Node): Node {
  let [x, y] = [a, b];
  while (x !== y) {
    if (x.depth >= y.depth) x = x.dominator as Node;
    else y = y.dominator as Node;
  }
  return x;
}

function numberTree(root: Node, children: ReadonlyMap<Node, readonly Node[]>): void {
  let clock = 0;
  const stack: { node: Node; enter: number; next: number }[] = [{ node: root, enter: clock++, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1) as { node: Node; enter: number; next: number };
    const child = children.get(top.node)?.[top.next++];
    if (child === undefined) {
      top.node.numberDominated(top.enter, clock++);
      stack.pop();
    } else stack.push({ node: child, enter: clock++, next: 0 });
  }
}

/** @returns the registers that the block has to do with */
function countUses(node: Node): number {
  const { block } = node;
  let [uses, sets, kills] = [0, 0, 0];
  const read = (one: Statement) => {
    uses |= readRegisters(one) & ~sets;
  };
  for (const one of block.statements) {
    read(one);
    const written = writtenRegister(one);
    if (written < 0) continue;
    if ((uses & (1 << written)) === 0) kills |= 1 << written;
    sets |= 1 << written;
  }
  // libpcap counts what jumps read, and not returns, which return constants here.
  if (!isReturn(block)) read(block);
  node.uses = uses;
  node.kills = kills;
  return uses | sets | (1 << A) | (1 << X);
}
