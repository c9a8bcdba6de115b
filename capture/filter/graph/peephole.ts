/** Few statements that stand together, made fewer; and stores that nobody reads. */
import { Alu, Class, Jump, Misc, Mode, Source } from '../program/instruction.js';
import { A, isReturn, type Node, readRegisters, writtenRegister, X } from './analysis.js';
import { JUMP_ANY, JUMP_EQUAL, JUMP_EQUAL_X, type Statement } from './block.js';
import { LOAD_LENGTH_OF_IPV4, NOTHING, type Values } from './values.js';

const LOAD_CONSTANT = Class.ld | Mode.imm;
const TAX = Class.misc | Misc.tax;
const ADD_X = Class.alu | Alu.add | Source.x;

const has = (set: number, register: number): boolean => (set & (1 << register)) !== 0;

/** Takes the statements that do nothing out of the block. */
export function compact(node: Node): void {
  const { block } = node;
  if (block.statements.some((one) => one.code === NOTHING)) {
    block.statements = block.statements.filter((one) => one.code !== NOTHING);
  }
}

export function peephole(node: Node, values: Values): void {
  compact(node);
  const { statements } = node.block;
  for (let i = 0; i + 1 < statements.length; i++) joinStatements(node, i, values);
  joinJump(node, values);
  compact(node);
  foldJump(node, values);
}

function joinStatements(node: Node, i: number, values: Values): void {
  const { statements } = node.block;
  const [one, next] = [statements[i], statements[i + 1]] as [Statement, Statement];
  if (one.code === NOTHING) return;
  // st M[k], ldx M[k]: what is stored is in the accumulator still.
  if (one.code === Class.st && next.code === (Class.ldx | Mode.mem) && one.k === next.k) {
    next.code = TAX;
    values.changed = true;
  }
  if (one.code === LOAD_CONSTANT && next.code === TAX) {
    one.code = Class.ldx | Mode.imm;
    next.code = Class.misc | Misc.txa;
    values.changed = true;
  }
  if (one.code === LOAD_CONSTANT && !has(node.usedBehind, X)) joinIndexedLoad(statements, i, values);
}

/** ld #k, (ldxb 4*([n]&0xf)), add x, tax, ld [x + m]: the constant goes into the last load. */
function joinIndexedLoad(statements: readonly Statement[], i: number, values: Values): void {
  const real = statements.slice(i + 1).filter((one) => one.code !== NOTHING);
  const [first] = real;
  const at = first?.code === LOAD_LENGTH_OF_IPV4 ? 1 : 0;
  const [add, tax, load] = [real[at], real[at + 1], real[at + 2]];
  if (add?.code !== ADD_X || tax?.code !== TAX || load === undefined) return;
  if ((load.code & 7) !== Class.ld || (load.code & 0xe0) !== Mode.ind) return;
  const constant = statements[i] as Statement;
  load.k = (load.k + constant.k) >>> 0;
  for (const one of [constant, add, tax]) one.code = NOTHING;
  values.changed = true;
}

/** What a comparison for equality can do itself. */
function joinJump(node: Node, values: Values): void {
  const { block } = node;
  if (block.code !== JUMP_EQUAL || has(node.usedBehind, A)) return;
  const last = block.statements.findLast((one) => one.code !== NOTHING);
  if (last === undefined) return;
  const index = values.constant(node.values[X] as number);
  switch (last.code) {
    case Class.alu | Alu.sub | Source.x:
      if (index !== undefined) block.k = (block.k + index) >>> 0;
      else if (block.k === 0) block.code = JUMP_EQUAL_X;
      else return;
      break;
    case Class.alu | Alu.sub:
      block.k = (block.k + last.k) >>> 0;
      break;
    case Class.alu | Alu.and:
      if (block.k !== 0) return;
      block.k = last.k;
      block.code = JUMP_ANY;
      [block.whenTrue, block.whenFalse] = [block.whenFalse, block.whenTrue];
      break;
    default:
      return;
  }
  last.code = NOTHING;
  values.changed = true;
}

/** Jumps whose result is known lead to one place. */
function foldJump(node: Node, values: Values): void {
  const { block } = node;
  if (isReturn(block)) return;
  if (block.code === JUMP_ANY && block.k === 0) block.whenTrue = block.whenFalse;
  const index = values.constant(node.values[X] as number);
  if ((block.code & Source.x) !== 0 && index !== undefined) {
    block.code &= ~Source.x;
    block.k = index;
  }
  const value = values.constant(node.values[A] as number);
  if ((block.code & Source.x) !== 0 || value === undefined) return;
  if (block.whenTrue !== block.whenFalse) values.changed = true;
  if (holds(block.code & 0xf0, value, block.k)) block.whenFalse = block.whenTrue;
  else block.whenTrue = block.whenFalse;
}

function holds(jump: number, value: number, operand: number): boolean {
  switch (jump) {
    case Jump.jeq:
      return value === operand;
    case Jump.jgt:
      return value > operand;
    case Jump.jge:
      return value >= operand;
    default:
      return (value & operand) !== 0;
  }
}

/** Takes out what sets a register that is set again before it is read, or not read behind the block. */
export function removeDeadStores(node: Node, values: Values, registers: readonly number[]): void {
  const { block } = node;
  if (block.statements.length === 0) return;
  const last: (Statement | undefined)[] = [];
  const remove = (one: Statement | undefined) => {
    if (one === undefined) return;
    one.code = NOTHING;
    values.changed = true;
  };
  const read = (one: Statement) => {
    const set = readRegisters(one);
    for (const register of registers) if (has(set, register)) last[register] = undefined;
  };
  for (const one of block.statements) {
    if (one.code === NOTHING) continue;
    read(one);
    const register = writtenRegister(one);
    if (register < 0) continue;
    remove(last[register]);
    last[register] = one;
  }
  read(block);
  for (const register of registers) {
    const one = last[register];
    if (one === undefined || has(node.usedBehind, register)) continue;
    remove(one);
    // Blocks behind must not count on it.
    node.values[register] = values.unknown();
  }
  compact(node);
}
