/** What blocks are made with: as many as there may be, and the words of scratch memory that they share. */
import type { Base, Cell } from '../conditions/condition.js';
import type { LinkState } from '../conditions/link-state.js';
import { Alu, Class, MEMORY_WORDS, Misc, Mode, Size, Source } from '../program/instruction.js';
import { Block, JUMP_EQUAL, type Statement, statement } from './block.js';

export const LD = Class.ld;
export const LDX = Class.ldx;
export const ALU = Class.alu;
export const TAX = Class.misc | Misc.tax;
export const TXA = Class.misc | Misc.txa;

/** Blocks before the optimiser; an expression that comes to more would not fit into a program. */
const MAX_BLOCKS = 16_384;

export class Builder {
  readonly state: LinkState;
  readonly #taken = new Set<number>();
  readonly #cells = new Map<Cell, number>();
  #blocks = 0;

  constructor(state: LinkState) {
    this.state = state;
    // Before any others are taken: what the program's beginning finds out must not be written over.
    const { prefixCell, wirelessCell, lengthCell, protocolCell, foundCells } = state;
    if (wirelessCell?.used === true && prefixCell !== undefined) prefixCell.used = true;
    for (const cell of [prefixCell, wirelessCell, lengthCell, protocolCell, ...foundCells]) {
      if (cell?.used === true) this.#cells.set(cell, this.take());
    }
  }

  /** @throws FilterError where there are too many */
  block(statements: Statement[], code: number, k: number, whenTrue: Block, whenFalse: Block): Block {
    if (++this.#blocks > MAX_BLOCKS) {
      throw this.#tooMuch(`it comes to more than ${MAX_BLOCKS} tests`, 'ask for networks in place of single hosts');
    }
    return new Block(statements, code, k >>> 0, whenTrue, whenFalse);
  }

  /** A block that always goes on. */
  always(statements: Statement[], next: Block): Block {
    return this.block(statements, JUMP_EQUAL, 0, next, next);
  }

  /**
   * A word of scratch memory, until it is freed.
   *
   * @throws FilterError where all are taken
   */
  take(): number {
    for (let word = 0; word < MEMORY_WORDS; word++) {
      if (this.#taken.has(word)) continue;
      this.#taken.add(word);
      return word;
    }
    throw this.#tooMuch(
      `it needs more than the ${MEMORY_WORDS} words that programs can keep numbers in`,
      'ask for less at once',
    );
  }

  free(word: number): void {
    this.#taken.delete(word);
  }

  /** The word of a cell that something uses. */
  wordOf(cell: Cell): number {
    return this.#cells.get(cell) as number;
  }

  loadCell(register: number, cell: Cell): Statement {
    return statement(register | Mode.mem, this.wordOf(cell));
  }

  storeCell(cell: Cell): Statement {
    return statement(Class.st, this.wordOf(cell));
  }

  /** What puts the part of a place that is not known before into the index register, and how loads then find it. */
  index(base: Base): [Statement[], number] {
    if (base.behindIPv4 === true) return [this.#headerLength(base), Mode.ind];
    if (base.cell === undefined) return [[], Mode.abs];
    return [[this.loadCell(LDX, base.cell)], Mode.ind];
  }

  /** The length of the IPv4 header at `base`, and what the cell says, in the index register. */
  #headerLength(base: Base): Statement[] {
    if (base.cell === undefined) return [statement(LDX | Mode.msh | Size.b, base.constant)];
    return [
      this.loadCell(LDX, base.cell),
      statement(LD | Mode.ind | Size.b, base.constant),
      statement(ALU | Alu.and, 0x0f),
      statement(ALU | Alu.lsh, 2),
      statement(ALU | Alu.add | Source.x),
      statement(TAX),
    ];
  }

  #tooMuch(reason: string, advice: string) {
    this.state.span = { start: 0, end: this.state.expression.length };
    return this.state.fail(reason, advice);
  }
}
