/**
 * Numbers for values: two registers with the same number hold the same, whatever the packet. After J. Cocke and J. Schwartz,
 * Programming Languages and Their Compilers (1970).
 */
import { Alu, Class, Misc, Mode, Size, Source } from '../program/instruction.js';
import { A, X } from './analysis.js';
import type { Statement } from './block.js';

/** The code of a statement that does nothing; the block's end takes it out. */
export const NOTHING = -1;

const LOAD_CONSTANT = Class.ld | Mode.imm;

export class Values {
  /** Set where a pass changed more than where edges lead. */
  changed = false;
  #count = 0;
  /** By the second operand, and by code and first operand together. */
  readonly #numbers: (Map<number, number> | undefined)[] = [];
  readonly #constants = new Map<number, number>();

  /** The number of what an operation makes of two operands: constants, or numbers of values. */
  of(code: number, first: number, second: number): number {
    this.#numbers[second] ??= new Map();
    const numbers = this.#numbers[second] as Map<number, number>;
    const key = code * 0x1_0000_0000 + first;
    let number = numbers.get(key);
    if (number === undefined) {
      number = ++this.#count;
      numbers.set(key, number);
      if (code === LOAD_CONSTANT) this.#constants.set(number, first);
    }
    return number;
  }

  /** The number of a value of which nothing is known: it is like no other, for a block runs once at the most. */
  unknown(): number {
    return ++this.#count;
  }

  ofConstant(k: number): number {
    return this.of(LOAD_CONSTANT, k, 0);
  }

  /** What a value is, where it is the same for every packet. */
  constant(value: number): number | undefined {
    return this.#constants.get(value);
  }

  /**
   * What a statement does to the registers.
   *
   * @param alter whether the statement may be made simpler for what is known
   * @throws RangeError for a division by a constant 0, or a shift by more than 31
   */
  run(one: Statement, registers: number[], alter: boolean): void {
    const { code } = one;
    switch (code & 7) {
      case Class.ld:
        this.#load(one, registers, alter);
        break;
      case Class.ldx:
        this.#loadIndex(one, registers, alter);
        break;
      case Class.st:
        this.#set(one, registers, one.k, registers[A] as number, alter);
        break;
      case Class.stx:
        this.#set(one, registers, one.k, registers[X] as number, alter);
        break;
      case Class.alu:
        this.#calculate(one, registers, alter);
        break;
      case Class.misc:
        if ((code & 0xf8) === Misc.txa) this.#set(one, registers, A, registers[X] as number, alter);
        else this.#set(one, registers, X, registers[A] as number, alter);
    }
  }

  /** A register that has the value already needs no statement. */
  #set(one: Statement, registers: number[], register: number, value: number, alter: boolean): void {
    if (alter && registers[register] === value) one.code = NOTHING;
    else registers[register] = value;
  }

  #load(one: Statement, registers: number[], alter: boolean): void {
    const { code, k } = one;
    switch (code & 0xe0) {
      case Mode.imm:
        this.#set(one, registers, A, this.ofConstant(k), alter);
        break;
      case Mode.mem:
        this.#loadWord(one, registers, A, LOAD_CONSTANT, alter);
        break;
      case Mode.ind: {
        const index = registers[X] as number;
        const constant = this.constant(index);
        if (alter && constant !== undefined) {
          one.code = Class.ld | Mode.abs | (code & 0x18);
          one.k = (k + constant) >>> 0;
          this.changed = true;
          this.#set(one, registers, A, this.of(one.code, one.k, 0), alter);
        } else this.#set(one, registers, A, this.of(code, k, index), alter);
        break;
      }
      default:
        this.#set(one, registers, A, this.of(code, (code & 0xe0) === Mode.len ? 0 : k, 0), alter);
    }
  }

  #loadIndex(one: Statement, registers: number[], alter: boolean): void {
    const { code, k } = one;
    if ((code & 0xe0) === Mode.imm) this.#set(one, registers, X, this.ofConstant(k), alter);
    else if ((code & 0xe0) === Mode.mem) this.#loadWord(one, registers, X, Class.ldx | Mode.imm, alter);
    else this.#set(one, registers, X, this.of(code, k, 0), alter);
  }

  #loadWord(one: Statement, registers: number[], register: number, asConstant: number, alter: boolean): void {
    const value = registers[one.k] as number;
    const constant = this.constant(value);
    if (alter && constant !== undefined) {
      one.code = asConstant;
      one.k = constant;
      this.changed = true;
    }
    this.#set(one, registers, register, value, alter);
  }

  #calculate(one: Statement, registers: number[], alter: boolean): void {
    const operation = one.code & 0xf0;
    const value = registers[A] as number;
    const constant = this.constant(value);
    if (operation === Alu.neg) {
      if (alter && constant !== undefined) this.#becomes(one, registers, -constant >>> 0);
      else registers[A] = this.of(one.code, value, 0);
    } else if ((one.code & Source.x) === 0) this.#calculateWithConstant(one, registers, alter);
    else this.#calculateWithIndex(one, registers, alter);
  }

  #calculateWithConstant(one: Statement, registers: number[], alter: boolean): void {
    const operation = one.code & 0xf0;
    const value = registers[A] as number;
    const constant = this.constant(value);
    if (alter && one.k === 0) {
      if (KEEPS_WITH_ZERO.has(operation)) {
        one.code = NOTHING;
        return;
      }
      if (operation === Alu.mul || operation === Alu.and) {
        one.code = LOAD_CONSTANT;
        registers[A] = this.ofConstant(0);
        return;
      }
      if (operation === Alu.div || operation === Alu.mod) throw new RangeError(DIVISION_BY_ZERO);
    }
    if (alter && constant !== undefined) {
      this.changed = true;
      this.#becomes(one, registers, calculate(operation, constant, one.k));
    } else registers[A] = this.of(one.code, value, this.ofConstant(one.k));
  }

  #calculateWithIndex(one: Statement, registers: number[], alter: boolean): void {
    const operation = one.code & 0xf0;
    const [a, x] = [registers[A] as number, registers[X] as number];
    const [left, right] = [this.constant(a), this.constant(x)];
    if (alter && right !== undefined) {
      this.changed = true;
      if (left !== undefined) {
        this.#becomes(one, registers, calculate(operation, left, right));
        return;
      }
      one.code = Class.alu | operation;
      one.k = right;
      if ((operation === Alu.lsh || operation === Alu.rsh) && right > 31)
        throw new RangeError('a number of 32 bits shifted by more than 31');
      registers[A] = this.of(one.code, a, this.ofConstant(right));
      return;
    }
    if (alter && left === 0) {
      if (operation === Alu.add || operation === Alu.or || operation === Alu.xor) {
        one.code = Class.misc | Misc.txa;
        this.#set(one, registers, A, x, alter);
        return;
      }
      if (STAYS_ZERO.has(operation)) {
        one.code = LOAD_CONSTANT;
        one.k = 0;
        this.#set(one, registers, A, this.ofConstant(0), alter);
        return;
      }
    }
    registers[A] = this.of(one.code, a, x);
  }

  #becomes(one: Statement, registers: number[], result: number): void {
    one.code = LOAD_CONSTANT;
    one.k = result;
    registers[A] = this.ofConstant(result);
  }
}

const DIVISION_BY_ZERO = 'a division by 0';
const KEEPS_WITH_ZERO: ReadonlySet<number> = new Set([Alu.add, Alu.lsh, Alu.rsh, Alu.or, Alu.xor]);
const STAYS_ZERO: ReadonlySet<number> = new Set([Alu.mul, Alu.div, Alu.mod, Alu.and, Alu.lsh, Alu.rsh]);

/** @throws RangeError for a division by 0 */
function calculate(operation: number, a: number, b: number): number {
  switch (operation) {
    case Alu.add:
      return (a + b) >>> 0;
    case Alu.sub:
      return (a - b) >>> 0;
    case Alu.mul:
      return Math.imul(a, b) >>> 0;
    case Alu.div:
      if (b === 0) throw new RangeError(DIVISION_BY_ZERO);
      return Math.floor(a / b);
    case Alu.mod:
      if (b === 0) throw new RangeError(DIVISION_BY_ZERO);
      return a % b;
    case Alu.and:
      return (a & b) >>> 0;
    case Alu.or:
      return (a | b) >>> 0;
    case Alu.xor:
      return (a ^ b) >>> 0;
    case Alu.lsh:
      return b < 32 ? (a << b) >>> 0 : 0;
    default:
      return b < 32 ? a >>> b : 0;
  }
}

export const LOAD_LENGTH_OF_IPV4 = Class.ldx | Mode.msh | Size.b;
