/**
 * The optimiser of S. McCanne and V. Jacobson's packet filter (1993), and of A. Begel, S. McCanne and S. Graham's BPF+ (1999):
 * values are numbered, jumps whose result an earlier one has decided are passed over, tests of the same field are brought
 * together, and what nobody reads goes. A load is only left out where its value is there already or nobody asks for it.
 */
import { Source } from '../program/instruction.js';
import { A, Analysis, type Edge, isReturn, Node, readRegisters, writtenRegister, X } from './analysis.js';
import { type Block, bottomUp, JUMP_EQUAL, reachable } from './block.js';
import { peephole, removeDeadStores } from './peephole.js';
import { Values } from './values.js';

/** Passes that do nothing but lead edges elsewhere, and may go round in circles. */
const MAX_MOVES = 100;

/**
 * The root of the graph made smaller; its blocks are changed.
 *
 * @param root of a graph without loops
 * @throws RangeError for a division by a constant 0, or a shift by more than 31, which the constants' values come to
 */
export function optimise(root: Block): Block {
  const blocks = reachable(root);
  const nodes = blocks.map((block, id) => new Node(block, id, blocks.length));
  repeat(nodes, root, false);
  repeat(nodes, root, true);
  share(root);
  return skipDecided(root);
}

/** Takes out what a block need not do, where it has got statements of another one. */
function tidy(root: Block): void {
  const blocks = reachable(root);
  const nodes = blocks.map((block, id) => new Node(block, id, blocks.length));
  const analysis = new Analysis(nodes, root);
  removeDeadStores(analysis.node(root), new Values(), analysis.registers);
}

function repeat(nodes: readonly Node[], root: Block, alter: boolean): void {
  for (let moves = 0; moves < MAX_MOVES; ) {
    const pass = new Pass(nodes, root, alter);
    pass.run();
    if (pass.values.changed) moves = 0;
    else if (pass.moved) moves++;
    else return;
  }
}

class Pass {
  /** Whether an edge was led elsewhere. */
  moved = false;
  readonly values = new Values();
  readonly #analysis: Analysis;
  readonly #deciding = new Map<number, Node[]>();
  readonly #alter: boolean;

  constructor(nodes: readonly Node[], root: Block, alter: boolean) {
    this.#analysis = new Analysis(nodes, root);
    this.#alter = alter;
  }

  run(): void {
    for (const node of this.#analysis.downwards()) this.#simplify(node);
    if (this.#alter) return;
    this.#indexDeciding();
    for (const node of this.#analysis.upwards()) {
      this.#shorten(node.whenTrueEdge);
      this.#shorten(node.whenFalseEdge);
    }
    this.#analysis.findIncoming();
    for (const node of this.#analysis.upwards()) {
      this.#pullUp(node, 'or');
      this.#pullUp(node, 'and');
    }
  }

  #node(block: Block): Node {
    return this.#analysis.node(block);
  }

  /** Numbers the values of a block, and takes out what it need not do. */
  #simplify(node: Node): void {
    const { block, values } = node;
    const [first, ...others] = node.incoming;
    const unknown = () => this.values.unknown();
    const { registers } = this.#analysis;
    for (const i of registers) values[i] = first === undefined ? unknown() : (first.from.values[i] as number);
    for (const { from } of others) {
      for (const i of registers) if (values[i] !== from.values[i]) values[i] = unknown();
    }
    const [a, x] = [values[A], values[X]];
    for (const one of block.statements) this.values.run(one, values, this.#alter);
    const same = values[A] === a && values[X] === x;
    if (this.#alter && ((node.usedBehind === 0 && same) || isReturn(block))) {
      if (block.statements.length > 0) {
        block.statements = [];
        this.values.changed = true;
      }
    } else {
      peephole(node, this.values);
      removeDeadStores(node, this.values, registers);
    }
    node.operand = (block.code & Source.x) === 0 ? this.values.ofConstant(block.k) : (values[X] as number);
  }

  /** Leads an edge past blocks whose jump is decided already. */
  #shorten(edge: Edge): void {
    const { from } = edge;
    let next = targetOf(edge);
    if (isReturn(next)) return;
    if (next.whenTrue !== undefined && next.whenTrue === next.whenFalse && this.#canSkip(from, next, next.whenTrue)) {
      next = next.whenTrue;
      setTarget(edge, next);
      this.moved = true;
      this.values.changed = true;
    }
    for (;;) {
      const target = this.#decidedBefore(edge, next);
      if (target === undefined) return;
      next = target;
      setTarget(edge, next);
      this.moved = true;
    }
  }

  /**
   * Where the jump of `next` leads for all who come over `edge`, decided by it or by another edge that every way to it
   * takes: of several that of the lowest number.
   */
  #decidedBefore(edge: Edge, next: Block): Block | undefined {
    if (isReturn(next)) return undefined;
    const node = this.#node(next);
    let [found, id]: [Block | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
    const ask = (earlier: Edge) => {
      if (earlier.id > id) return;
      const target = decided(node, earlier);
      if (target !== undefined && this.#canSkip(edge.from, next, target)) [found, id] = [target, earlier.id];
    };
    ask(edge);
    for (const operand of [node.operand, ANY_OPERAND]) {
      for (const to of this.#deciding.get(decisionKey(node, operand)) ?? []) {
        if (to.dominates(edge.from)) ask(to.incoming[0] as Edge);
      }
    }
    return found;
  }

  /** The nodes that one edge alone leads to, by what that edge decides: a test for an operand, or all tests for others. */
  #indexDeciding(): void {
    for (const node of this.#analysis.downwards()) {
      const [only, other] = node.incoming;
      if (only === undefined || other !== undefined) continue;
      const { from, sense } = only;
      const add = (operand: number) => {
        const key = decisionKey(from, operand);
        const list = this.#deciding.get(key);
        if (list === undefined) this.#deciding.set(key, [node]);
        else list.push(node);
      };
      add(from.operand);
      if (sense && from.block.code === JUMP_EQUAL) add(ANY_OPERAND);
    }
  }

  /** Whether `from` may go on to `target` at once: whatever is read from there on is the same without `skipped`. */
  #canSkip(from: Node, skipped: Block, target: Block): boolean {
    const { uses, usedBehind, values } = this.#node(target);
    const end = this.#node(skipped).values;
    for (const register of this.#analysis.registers) {
      const value = from.values[register];
      const bit = 1 << register;
      if ((usedBehind & bit) !== 0 && values[register] !== value) return false;
      if ((uses & bit) !== 0 && end[register] !== value) return false;
    }
    return true;
  }

  /**
   * Brings tests of one value together. In a row of blocks that all leave to the same place when they hold (`or`), or when
   * they don't (`and`), one that asks for the value of the row's beginning is pulled up behind those that do.
   */
  #pullUp(node: Node, kind: 'or' | 'and'): void {
    const [leave, go] = kind === 'or' ? (['whenTrue', 'whenFalse'] as const) : (['whenFalse', 'whenTrue'] as const);
    const { block, incoming } = node;
    const [first] = incoming;
    if (first === undefined) return;
    const value = first.from.values[A];
    if (incoming.some(({ from }) => from.values[A] !== value)) return;
    const inRow = (one: Block | undefined): one is Block =>
      one !== undefined && one[leave] === block[leave] && node.dominates(this.#node(one));
    // The block whose way on leads to the first that asks for something else; undefined for the ways into the row.
    let before: Block | undefined;
    let different: Block | undefined = block;
    for (;;) {
      if (!inRow(different)) return;
      if (this.#node(different).values[A] !== value) break;
      before = different;
      different = different[go];
    }
    let behind = different;
    let written = 0;
    for (;;) {
      written |= writtenBy(behind);
      const next: Block | undefined = behind[go];
      if (!inRow(next)) return;
      if (this.#node(next).values[A] === value) break;
      behind = next;
    }
    const pulled = behind[go] as Block;
    // Places that a block of the row finds out must be found before they are used, and not before it is their turn.
    if (writtenBy(pulled) !== 0 || (written & readBy(pulled)) !== 0) return;
    behind[go] = pulled[go];
    pulled[go] = different;
    if (before === undefined) for (const edge of incoming) redirect(edge.from.block, block, pulled);
    else before[go] = pulled;
    this.moved = true;
  }
}

const SCRATCH = (1 << A) - 1;

/** Words of scratch memory, as bits. */
function writtenBy({ statements }: Block): number {
  return (
    statements.reduce((set, one) => {
      const register = writtenRegister(one);
      return register < 0 ? set : set | (1 << register);
    }, 0) & SCRATCH
  );
}

function readBy({ statements }: Block): number {
  return statements.reduce((set, one) => set | readRegisters(one), 0) & SCRATCH;
}

function redirect(block: Block, from: Block, to: Block): void {
  if (block.whenTrue === from) block.whenTrue = to;
  else block.whenFalse = to;
}

const targetOf = ({ from, sense }: Edge): Block => (sense ? from.block.whenTrue : from.block.whenFalse) as Block;

function setTarget({ from, sense }: Edge, to: Block): void {
  if (sense) from.block.whenTrue = to;
  else from.block.whenFalse = to;
}

/** In place of an operand's number, all of which are greater. */
const ANY_OPERAND = 0;

/** A number for a jump, what it tests, and what it compares that with. */
function decisionKey({ block, values }: Node, operand: number): number {
  return ((values[A] as number) * 0x100 + block.code) * 0x20_0000 + operand;
}

/** Where a block's jump leads for who came over `edge`, if that decides it. */
function decided({ block, values, operand }: Node, { from, sense }: Edge): Block | undefined {
  if (block.code !== from.block.code || values[A] !== from.values[A]) return undefined;
  if (operand === from.operand) return sense ? block.whenTrue : block.whenFalse;
  // Equal to one constant is not equal to another.
  return sense && block.code === JUMP_EQUAL ? block.whenFalse : undefined;
}

/** Blocks that do the same become one. */
function share(root: Block): void {
  const ids = new Map<Block | undefined, number>();
  const same = new Map<string, Block>();
  const replaced = new Map<Block, Block>();
  const shared = (block: Block | undefined) => (block === undefined ? undefined : (replaced.get(block) ?? block));
  // From the end: those that a block leads to are shared already.
  for (const block of bottomUp(root)) {
    block.whenTrue = shared(block.whenTrue);
    block.whenFalse = shared(block.whenFalse);
    let key = `${block.code} ${block.k} ${ids.get(block.whenTrue)} ${ids.get(block.whenFalse)}`;
    for (const { code, k } of block.statements) key += ` ${code} ${k}`;
    const other = same.get(key);
    if (other !== undefined) replaced.set(block, other);
    else {
      same.set(key, block);
      ids.set(block, same.size);
    }
  }
}

/** The first block that decides something. */
function skipDecided(root: Block): Block {
  let block = root;
  const { statements } = root;
  while (block.whenTrue !== undefined && block.whenTrue === block.whenFalse) block = block.whenTrue;
  if (block === root) return root;
  block.statements = isReturn(block) ? [] : [...statements, ...block.statements];
  if (!isReturn(block)) tidy(block);
  return block;
}
