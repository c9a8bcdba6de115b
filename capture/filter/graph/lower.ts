/**
 * Conditions to blocks. Each condition is told where to go on when it holds and when not, so `and`, `or` and `not` cost
 * nothing: they only lead elsewhere.
 */
import type { Base, Cell, Comparison, Condition, Field, Term, TunnelPlaces } from '../conditions/condition.js';
import type { LinkState } from '../conditions/link-state.js';
import { Ether, IP, Kernel } from '../conditions/numbers.js';
import { Alu, Class, Jump, MEMORY_WORDS, Misc, Mode, Size, Source } from '../program/instruction.js';
import { Block, JUMP_ANY, JUMP_EQUAL, JUMP_EQUAL_X, RETURN, type Statement, statement } from './block.js';

const LD = Class.ld;
const LDX = Class.ldx;
const ALU = Class.alu;
const TAX = statement(Class.misc | Misc.tax).code;
const TXA = statement(Class.misc | Misc.txa).code;

/** Blocks before the optimiser; an expression that comes to more would not fit into a program. */
export const MAX_BLOCKS = 16_384;

const SIZES = { 1: Size.b, 2: Size.h, 4: Size.w } as const;
const JUMPS: Readonly<Record<Comparison, number>> = { '=': Jump.jeq, '>': Jump.jgt, '>=': Jump.jge, any: Jump.jset };

/** Which words of scratch memory are taken. */
class Scratch {
  readonly #taken = new Set<number>();
  readonly #cells = new Map<Cell, number>();
  readonly #state: LinkState;

  constructor(state: LinkState) {
    this.#state = state;
  }

  take(): number {
    for (let word = 0; word < MEMORY_WORDS; word++) {
      if (this.#taken.has(word)) continue;
      this.#taken.add(word);
      return word;
    }
    this.#state.span = { start: 0, end: this.#state.expression.length };
    throw this.#state.fail(
      `it needs more than the ${MEMORY_WORDS} words that programs can keep numbers in`,
      'ask for less at once',
    );
  }

  free(word: number): void {
    this.#taken.delete(word);
  }

  /** The word of a cell, its own from here on. */
  of(cell: Cell): number {
    const known = this.#cells.get(cell);
    if (known !== undefined) return known;
    const word = this.take();
    this.#cells.set(cell, word);
    return word;
  }
}

export interface Graph {
  readonly root: Block;
  /** Chains of headers are followed in loops. */
  readonly loops: boolean;
}

/**
 * @param accepted what is returned for a packet that passes: how many of its bytes are wanted
 * @throws FilterError where it comes to too much
 */
export function lower(condition: Condition, state: LinkState, accepted: number): Graph {
  const lowering = new Lowering(state);
  const accept = new Block([], RETURN, accepted);
  const reject = new Block([], RETURN, 0);
  const root = lowering.lower(condition, accept, reject);
  return { root: lowering.prologue(root, reject), loops: lowering.loops };
}

class Lowering {
  loops = false;
  readonly #state: LinkState;
  readonly #scratch: Scratch;
  #blocks = 0;

  constructor(state: LinkState) {
    this.#state = state;
    this.#scratch = new Scratch(state);
  }

  #block(statements: Statement[], code: number, k: number, whenTrue: Block, whenFalse: Block): Block {
    if (++this.#blocks > MAX_BLOCKS) {
      this.#state.span = { start: 0, end: this.#state.expression.length };
      throw this.#state.fail(`it comes to more than ${MAX_BLOCKS} tests`, 'ask for networks in place of single hosts');
    }
    return new Block(statements, code, k >>> 0, whenTrue, whenFalse);
  }

  /** The block that `condition` begins with. */
  lower(condition: Condition, whenTrue: Block, whenFalse: Block): Block {
    switch (condition.type) {
      case 'constant':
        return this.#block([statement(LD | Mode.imm, condition.value ? 0 : 1)], JUMP_EQUAL, 0, whenTrue, whenFalse);
      case 'not':
        return this.lower(condition.of, whenFalse, whenTrue);
      case 'and':
        return condition.parts.reduceRight<Block>((next, part) => this.lower(part, next, whenFalse), whenTrue);
      case 'or':
        return condition.parts.reduceRight<Block>((next, part) => this.lower(part, whenTrue, next), whenFalse);
      case 'chain':
        return this.#lowerChain(condition, whenTrue, whenFalse);
      case 'field':
        return this.#lowerField(condition, whenTrue, whenFalse);
      case 'length': {
        const jump = Class.jmp | JUMPS[condition.comparison] | Source.k;
        return this.#block([statement(LD | Mode.len)], jump, condition.value, whenTrue, whenFalse);
      }
      case 'terms':
        return this.#lowerTerms(condition, whenTrue, whenFalse);
      case 'cells-differ': {
        const load = [this.#loadCell(LD, condition.left), this.#loadCell(LDX, condition.right)];
        return this.#block(load, JUMP_EQUAL_X, 0, whenFalse, whenTrue);
      }
      case 'header-chain':
        return this.#lowerHeaderChain(condition, whenTrue, whenFalse);
      case 'tunnel':
        return this.#lowerTunnel(condition.tunnel, whenTrue);
      case 'tag-in-packet':
        return this.#lowerTagInPacket(condition, whenTrue, whenFalse);
      case 'vlan-tag':
        return this.#lowerVlanTag(condition, whenTrue, whenFalse);
    }
  }

  /** From the end, so that long rows need no stack: the part before knows where to go on. */
  #lowerChain({ first, rest }: Condition & { type: 'chain' }, whenTrue: Block, whenFalse: Block): Block {
    let [t, f] = [whenTrue, whenFalse];
    for (const { operator, condition } of rest.toReversed()) {
      const next = this.lower(condition, t, f);
      if (operator === 'and') t = next;
      else f = next;
    }
    return this.lower(first, t, f);
  }

  #lowerField(condition: Condition & { type: 'field' }, whenTrue: Block, whenFalse: Block): Block {
    const { field, mask, set, comparison, value } = condition;
    const statements = this.#load(field);
    if (mask !== undefined) statements.push(statement(ALU | Alu.and, mask));
    if (set !== undefined) statements.push(statement(ALU | Alu.or, set));
    return this.#block(statements, Class.jmp | JUMPS[comparison] | Source.k, value, whenTrue, whenFalse);
  }

  /** The field in the accumulator. */
  #load({ base, offset, width }: Field): Statement[] {
    const at = base.constant + offset;
    const [before, mode] = this.#index(base);
    return [...before, statement(LD | mode | SIZES[width], at)];
  }

  /** What puts the part of a place that is not known before into the index register. */
  #index(base: Base): [Statement[], number] {
    if (base.behindIPv4 === true) return [this.#headerLength(base), Mode.ind];
    if (base.cell === undefined) return [[], Mode.abs];
    return [[this.#loadCell(LDX, base.cell)], Mode.ind];
  }

  /** The length of the IPv4 header at `base`, and what the cell says, in the index register. */
  #headerLength(base: Base): Statement[] {
    if (base.cell === undefined) return [statement(LDX | Mode.msh | Size.b, base.constant)];
    return [
      this.#loadCell(LDX, base.cell),
      statement(LD | Mode.ind | Size.b, base.constant),
      statement(ALU | Alu.and, 0x0f),
      statement(ALU | Alu.lsh, 2),
      statement(ALU | Alu.add | Source.x),
      statement(TAX),
    ];
  }

  #loadCell(register: number, cell: Cell): Statement {
    return statement(register | Mode.mem, this.#scratch.of(cell));
  }

  #lowerTerms(condition: Condition & { type: 'terms' }, whenTrue: Block, whenFalse: Block): Block {
    const statements: Statement[] = [];
    const left = this.#term(condition.left, statements);
    const right = this.#term(condition.right, statements);
    statements.push(statement(LDX | Mode.mem, right), statement(LD | Mode.mem, left));
    this.#scratch.free(left);
    this.#scratch.free(right);
    return this.#block(statements, Class.jmp | JUMPS[condition.comparison] | Source.x, 0, whenTrue, whenFalse);
  }

  /** Calculates a term; the number of the word that has it, which the caller frees. */
  #term(term: Term, into: Statement[]): number {
    switch (term.type) {
      case 'constant':
        return this.#store(into, statement(LD | Mode.imm, term.value));
      case 'length':
        return this.#store(into, statement(LD | Mode.len));
      case 'negative': {
        const word = this.#term(term.of, into);
        into.push(statement(LD | Mode.mem, word), statement(ALU | Alu.neg), statement(Class.st, word));
        return word;
      }
      case 'binary': {
        const left = this.#term(term.left, into);
        const right = this.#term(term.right, into);
        into.push(statement(LDX | Mode.mem, right), statement(LD | Mode.mem, left));
        this.#scratch.free(left);
        this.#scratch.free(right);
        return this.#store(into, statement(ALU | term.operation | Source.x));
      }
      case 'load': {
        const index = this.#term(term.index, into);
        const load = statement(LD | Mode.ind | SIZES[term.width], term.base.constant);
        const [before] = this.#index(term.base);
        if (before.length === 0) into.push(statement(LDX | Mode.mem, index));
        else into.push(...before, statement(LD | Mode.mem, index), statement(ALU | Alu.add | Source.x), statement(TAX));
        this.#scratch.free(index);
        return this.#store(into, load);
      }
    }
  }

  #store(into: Statement[], ...statements: Statement[]): number {
    const word = this.#scratch.take();
    into.push(...statements, statement(Class.st, word));
    return word;
  }

  /**
   * RFC 8200 section 4.1 and RFC 4302: with the number of a header in the accumulator and its place in the index register,
   * on to the next one, until it is the protocol, or one that has no next.
   */
  #lowerHeaderChain(condition: Condition & { type: 'header-chain' }, whenTrue: Block, whenFalse: Block): Block {
    this.loops = true;
    const { version, protocol, base } = condition;
    const word = this.#scratch.take();
    const header = base.constant;
    const load = (offset: number) => statement(LD | Mode.ind | Size.b, header + offset);
    const again = this.#block([], JUMP_EQUAL, protocol, whenTrue, whenFalse);
    const always = (statements: Statement[]) => this.#then(statements, again);
    // The header's first byte is the next one's number; the second its length, in units of `size` beyond `units` of them.
    const over = (units: number, size: number): Block =>
      always([
        load(0),
        statement(Class.st, word),
        load(1),
        statement(ALU | Alu.add, units),
        statement(ALU | Alu.mul, size),
        statement(ALU | Alu.add | Source.x),
        statement(TAX),
        statement(LD | Mode.mem, word),
      ]);
    const isAuthentication = this.#block([], JUMP_EQUAL, IP.ah, over(2, 4), whenFalse);
    let next = isAuthentication;
    if (version === 6) {
      const overExtension = over(1, 8);
      const extensions = [IP.hopByHop, IP.destinationOptions, IP.routing, IP.fragment];
      next = extensions.reduceRight<Block>(
        (otherwise, number) => this.#block([], JUMP_EQUAL, number, overExtension, otherwise),
        isAuthentication,
      );
    }
    again.whenFalse = this.#block([], JUMP_EQUAL, IP.none, whenFalse, next);
    this.#scratch.free(word);
    const begin =
      version === 4
        ? [statement(LD | Mode.abs | Size.b, header + 9), statement(LDX | Mode.msh | Size.b, header)]
        : [statement(LD | Mode.abs | Size.b, header + 6), statement(LDX | Mode.imm, 40)];
    return this.#block(begin, JUMP_EQUAL, protocol, whenTrue, again.whenFalse);
  }

  /** Keeps where the frame within the tunnel is: its link's header, the field that says what it carries, and that. */
  #lowerTunnel(places: TunnelPlaces, next: Block): Block {
    const { base, overIPv4, kind } = places;
    const [linkHeader, linkType, payload] = [places.linkHeader, places.linkType, places.payload].map((cell) =>
      this.#scratch.of(cell),
    ) as [number, number, number];
    // Where UDP begins, without what the base says: in the index register, or in the constant.
    const begin: Statement[] = overIPv4
      ? this.#headerLength(base)
      : base.cell === undefined
        ? [statement(LDX | Mode.imm, 40)]
        : [
            this.#loadCell(LDX, base.cell),
            statement(LD | Mode.imm, 40),
            statement(ALU | Alu.add | Source.x),
            statement(TAX),
          ];
    begin.push(statement(TXA), statement(ALU | Alu.add, base.constant + 8));
    const ethernet = [
      statement(ALU | Alu.add, 12),
      statement(Class.st, linkType),
      statement(ALU | Alu.add, 2),
      statement(Class.st, payload),
    ];
    if (kind === 'vxlan') {
      return this.#then([...begin, statement(ALU | Alu.add, 8), statement(Class.st, linkHeader), ...ethernet], next);
    }
    // RFC 8926 section 3.4: options of 4 * length bytes, and an EtherType, which is that of the frame, or bridging.
    return this.#block(
      [
        ...begin,
        statement(TAX),
        statement(ALU | Alu.add, 2),
        statement(Class.st, linkType),
        statement(LD | Mode.ind | Size.b, 0),
        statement(ALU | Alu.and, 0x3f),
        statement(ALU | Alu.mul, 4),
        statement(ALU | Alu.add, 8),
        statement(ALU | Alu.add | Source.x),
        statement(Class.st, linkHeader),
        statement(Class.st, payload),
        statement(LD | Mode.ind | Size.h, 2),
      ],
      JUMP_EQUAL,
      Ether.transparentBridging,
      this.#then([statement(LD | Mode.mem, linkHeader), ...ethernet], next),
      next,
    );
  }

  #lowerTagInPacket(condition: Condition & { type: 'tag-in-packet' }, whenTrue: Block, whenFalse: Block): Block {
    const tests = this.lower(condition.of, whenTrue, whenFalse);
    for (const cell of condition.cells.toReversed()) {
      const word = this.#scratch.of(cell);
      tests.statements.unshift(statement(LD | Mode.mem, word), statement(ALU | Alu.add, 4), statement(Class.st, word));
    }
    return tests;
  }

  #lowerVlanTag({ field, tag }: Condition & { type: 'vlan-tag' }, whenTrue: Block, whenFalse: Block): Block {
    const compare = (statements: Statement[]) =>
      this.#block([...statements, statement(ALU | Alu.and, 0x0fff)], JUMP_EQUAL, tag, whenTrue, whenFalse);
    const known = compare([statement(LD | Mode.abs | Size.h, Kernel.vlanTag)]);
    const inPacket = compare(this.#load(field));
    return this.#block([statement(LD | Mode.abs | Size.b, Kernel.vlanTagPresent)], JUMP_EQUAL, 1, known, inPacket);
  }

  /** What fills the cells that something uses, in front of `root`. */
  prologue(root: Block, reject: Block): Block {
    const { prefixCell, wirelessCell, foundCells, prefix } = this.#state;
    let begin = root;
    if (foundCells.length > 0) {
      // The kernel takes no program that may read what nothing has written.
      const zero = foundCells.map((cell) => statement(Class.st, this.#scratch.of(cell)));
      begin = this.#then([statement(LD | Mode.imm, 0), ...zero], root);
    }
    if (wirelessCell?.used === true) begin = this.#wirelessLength(wirelessCell, prefixCell, root);
    if (prefixCell !== undefined && (prefixCell.used || wirelessCell?.used === true)) {
      begin = this.#prefixLength(prefixCell, begin);
    }
    if (prefix === 'ppi') {
      // The link type of what is within, in the order of the least significant byte first: IEEE 802.11.
      begin = this.#block([statement(LD | Mode.abs | Size.w, 4)], JUMP_EQUAL, 0x6900_0000, begin, reject);
    }
    return begin;
  }

  /** A block that always goes on. */
  #then(statements: Statement[], next: Block): Block {
    return this.#block(statements, JUMP_EQUAL, 0, next, next);
  }

  #prefixLength(cell: Cell, next: Block): Block {
    const store = statement(Class.st, this.#scratch.of(cell));
    switch (this.#state.prefix) {
      case 'avs':
        return this.#then([statement(LD | Mode.abs | Size.w, 4), store], next);
      case 'prism': {
        // Some drivers put AVS's header where they say Prism's; that one is always 144 bytes long.
        const avs = this.#then([statement(LD | Mode.abs | Size.w, 4), store], next);
        const prism = this.#then([statement(LD | Mode.imm, 144), store], next);
        const isAvs = [statement(LD | Mode.abs | Size.w, 0), statement(ALU | Alu.and, 0xffff_f000)];
        return this.#block(isAvs, JUMP_EQUAL, 0x8021_1000, avs, prism);
      }
      default:
        // Radiotap, and PPI alike: two bytes, the least significant first.
        return this.#then(
          [
            statement(LD | Mode.abs | Size.b, 3),
            statement(ALU | Alu.lsh, 8),
            statement(TAX),
            statement(LD | Mode.abs | Size.b, 2),
            statement(ALU | Alu.or | Source.x),
            store,
          ],
          next,
        );
    }
  }

  /** IEEE 802.11: 24 bytes, two more with quality of service, and filling where radiotap says so. */
  #wirelessLength(cell: Cell, prefix: Cell | undefined, next: Block): Block {
    const word = this.#scratch.of(cell);
    const [load, store] = [statement(LD | Mode.mem, word), statement(Class.st, word)];
    let done = next;
    if (this.#state.prefix === 'radiotap') {
      // Of the fields that may be present, the time (bit 0) stands before the flags (bit 1), in which 0x20 means filling.
      const fill = this.#then([load, statement(ALU | Alu.add, 3), statement(ALU | Alu.and, 0xffff_fffc), store], next);
      const flags = (at: number) => this.#block([statement(LD | Mode.abs | Size.b, at)], JUMP_ANY, 0x20, fill, next);
      const hasTime = this.#block([], JUMP_ANY, 0x0100_0000, flags(16), flags(8));
      const hasMore = this.#block([], JUMP_ANY, 0x0000_0080, next, hasTime);
      done = this.#block([statement(LD | Mode.abs | Size.w, 4)], JUMP_ANY, 0x0200_0000, hasMore, next);
    }
    const quality = this.#then([load, statement(ALU | Alu.add, 2), store], done);
    const hasQuality = this.#block([], JUMP_ANY, 0x80, quality, done);
    const isControl = this.#block([], JUMP_ANY, 0x04, next, hasQuality);
    const begin = prefix === undefined ? statement(LDX | Mode.imm, 0) : this.#loadCell(LDX, prefix);
    return this.#block(
      [begin, statement(TXA), statement(ALU | Alu.add, 24), store, statement(LD | Mode.ind | Size.b, 0)],
      JUMP_ANY,
      0x08,
      isControl,
      next,
    );
  }
}
