/**
 * Conditions to blocks. Each condition is told where to go on when it holds and when not, so `and`, `or` and `not` cost
 * nothing: they only lead elsewhere.
 */
import type { Comparison, Condition, CookedTag, Field, Length, Term, TunnelPlaces } from '../conditions/condition.js';
import type { LinkState } from '../conditions/link-state.js';
import { Ether, KERNEL_LINK, Kernel, PACKET_OUTGOING } from '../conditions/numbers.js';
import { Alu, Class, Jump, Mode, Size, Source } from '../program/instruction.js';
import { Block, JUMP_EQUAL, JUMP_EQUAL_X, RETURN, type Statement, statement } from './block.js';
import { ALU, Builder, LD, LDX, TAX, TXA } from './builder.js';
import { loopsAllowed, lowerHeaderChain } from './header-chain.js';
import { addPrologue, isVlan } from './prologue.js';

const SIZES = { 1: Size.b, 2: Size.h, 4: Size.w } as const;
const JUMP_AT_LEAST = Class.jmp | Jump.jge | Source.k;
const JUMPS: Readonly<Record<Comparison, number>> = { '=': Jump.jeq, '>': Jump.jgt, '>=': Jump.jge, any: Jump.jset };

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
  const builder = new Builder(state);
  const lowering = new Lowering(builder);
  const accept = new Block([], RETURN, accepted);
  const reject = new Block([], RETURN, 0);
  const root = lowering.lower(condition, accept, reject);
  return { root: addPrologue(builder, root, reject), loops: lowering.loops };
}

class Lowering {
  loops = false;
  readonly #builder: Builder;

  constructor(builder: Builder) {
    this.#builder = builder;
  }

  /** The block that `condition` begins with. */
  lower(condition: Condition, whenTrue: Block, whenFalse: Block): Block {
    switch (condition.type) {
      case 'constant':
        return this.#builder.block(
          [statement(LD | Mode.imm, condition.value ? 0 : 1)],
          JUMP_EQUAL,
          0,
          whenTrue,
          whenFalse,
        );
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
        return this.#builder.block(this.#loadLength(condition.length), jump, condition.value, whenTrue, whenFalse);
      }
      case 'terms':
        return this.#lowerTerms(condition, whenTrue, whenFalse);
      case 'cells-differ': {
        const load = [this.#builder.loadCell(LD, condition.left), this.#builder.loadCell(LDX, condition.right)];
        return this.#builder.block(load, JUMP_EQUAL_X, 0, whenFalse, whenTrue);
      }
      case 'header-chain':
        this.loops ||= loopsAllowed(this.#builder);
        return lowerHeaderChain(this.#builder, condition, whenTrue, whenFalse);
      case 'tunnel':
        return this.#lowerTunnel(condition.tunnel, whenTrue);
      case 'tag-in-packet':
        return this.#lowerTagInPacket(condition, whenTrue, whenFalse);
      case 'cooked-tag':
        return this.#lowerCookedTag(condition.cells, whenTrue, whenFalse);
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
    return this.#builder.block(statements, Class.jmp | JUMPS[comparison] | Source.k, value, whenTrue, whenFalse);
  }

  /** The field in the accumulator. */
  #load({ base, offset, width }: Field): Statement[] {
    if (base.isValue === true && base.cell !== undefined) return [this.#builder.loadCell(LD, base.cell)];
    const at = base.constant + offset;
    const [before, mode] = this.#builder.index(base);
    return [...before, statement(LD | mode | SIZES[width], at)];
  }

  #loadLength({ cell, hidden }: Length): Statement[] {
    const load = cell === undefined ? statement(LD | Mode.len) : this.#builder.loadCell(LD, cell);
    return hidden === 0 ? [load] : [load, statement(ALU | Alu.add, hidden)];
  }

  #lowerTerms(condition: Condition & { type: 'terms' }, whenTrue: Block, whenFalse: Block): Block {
    const statements: Statement[] = [];
    const left = this.#term(condition.left, statements);
    const right = this.#term(condition.right, statements);
    statements.push(statement(LDX | Mode.mem, right), statement(LD | Mode.mem, left));
    this.#builder.free(left);
    this.#builder.free(right);
    return this.#builder.block(statements, Class.jmp | JUMPS[condition.comparison] | Source.x, 0, whenTrue, whenFalse);
  }

  /** Calculates a term; the number of the word that has it, which the caller frees. */
  #term(term: Term, into: Statement[]): number {
    switch (term.type) {
      case 'constant':
        return this.#store(into, statement(LD | Mode.imm, term.value));
      case 'length':
        return this.#store(into, ...this.#loadLength(term));
      case 'field':
        return this.#store(into, ...this.#load(term.field));
      case 'negative': {
        const word = this.#term(term.of, into);
        into.push(statement(LD | Mode.mem, word), statement(ALU | Alu.neg), statement(Class.st, word));
        return word;
      }
      case 'binary': {
        const left = this.#term(term.left, into);
        const right = this.#term(term.right, into);
        const shifts = term.operation === Alu.lsh || term.operation === Alu.rsh;
        if (shifts && term.right.type !== 'constant' && this.#builder.state.context.target !== 'file') {
          return this.#shiftInKernel(term.operation, left, right, into);
        }
        into.push(statement(LDX | Mode.mem, right), statement(LD | Mode.mem, left));
        this.#builder.free(left);
        this.#builder.free(right);
        return this.#store(into, statement(ALU | term.operation | Source.x));
      }
      case 'load': {
        const index = this.#term(term.index, into);
        const load = statement(LD | Mode.ind | SIZES[term.width], term.base.constant);
        const [before] = this.#builder.index(term.base);
        if (before.length === 0) into.push(statement(LDX | Mode.mem, index));
        else into.push(...before, statement(LD | Mode.mem, index), statement(ALU | Alu.add | Source.x), statement(TAX));
        this.#builder.free(index);
        return this.#store(into, load);
      }
    }
  }

  /** The kernel shifts by the lowest five bits; everybody else shifts everything away from 32 on, and so is done here. */
  #shiftInKernel(operation: number, left: number, right: number, into: Statement[]): number {
    // 1 where the right side is below 32, 0 otherwise.
    const fits = this.#store(
      into,
      statement(LD | Mode.mem, right),
      statement(ALU | Alu.rsh, 5),
      statement(TAX),
      statement(ALU | Alu.neg),
      statement(ALU | Alu.or | Source.x),
      statement(ALU | Alu.rsh, 31),
      statement(ALU | Alu.xor, 1),
    );
    into.push(statement(LDX | Mode.mem, right), statement(LD | Mode.mem, left), statement(ALU | operation | Source.x));
    into.push(statement(LDX | Mode.mem, fits), statement(ALU | Alu.mul | Source.x));
    for (const word of [left, right, fits]) this.#builder.free(word);
    return this.#store(into);
  }

  #store(into: Statement[], ...statements: Statement[]): number {
    const word = this.#builder.take();
    into.push(...statements, statement(Class.st, word));
    return word;
  }

  /** Keeps where the frame within the tunnel is: its link's header, the field that says what it carries, and that. */
  #lowerTunnel(places: TunnelPlaces, next: Block): Block {
    const { transport, kind } = places;
    const [linkHeader, linkType, payload] = [places.linkHeader, places.linkType, places.payload].map((cell) =>
      this.#builder.wordOf(cell),
    ) as [number, number, number];
    const [before] = this.#builder.index(transport);
    const begin = before.length > 0 ? before : [statement(LDX | Mode.imm, 0)];
    begin.push(statement(TXA), statement(ALU | Alu.add, transport.constant + 8));
    const ethernet = [
      statement(ALU | Alu.add, 12),
      statement(Class.st, linkType),
      statement(ALU | Alu.add, 2),
      statement(Class.st, payload),
    ];
    if (kind === 'vxlan') {
      return this.#builder.always(
        [...begin, statement(ALU | Alu.add, 8), statement(Class.st, linkHeader), ...ethernet],
        next,
      );
    }
    // RFC 8926 section 3.4: options of 4 * length bytes, and an EtherType, which is that of the frame, or bridging.
    return this.#builder.block(
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
      this.#builder.always([statement(LD | Mode.mem, linkHeader), ...ethernet], next),
      next,
    );
  }

  #lowerTagInPacket(condition: Condition & { type: 'tag-in-packet' }, whenTrue: Block, whenFalse: Block): Block {
    const tests = this.lower(condition.of, whenTrue, whenFalse);
    for (const cell of condition.cells.toReversed()) {
      const word = this.#builder.wordOf(cell);
      tests.statements.unshift(statement(LD | Mode.mem, word), statement(ALU | Alu.add, 4), statement(Class.st, word));
    }
    return tests;
  }

  #lowerCookedTag({ protocol, payload, tag }: CookedTag, whenTrue: Block, whenFalse: Block): Block {
    const builder = this.#builder;
    const half = (at: number) => statement(LD | Mode.abs | Size.h, at);
    const storeTag = (at: number) => (tag === undefined ? [] : [half(at), builder.storeCell(tag)]);
    const known = builder.always(storeTag(Kernel.vlanTag), whenTrue);
    const inHeader = builder.always(storeTag(KERNEL_LINK + 14), whenTrue);
    // Where it is in neither place, all that follows looks behind a tag in the packet, as on other links.
    const isOld = builder.block([], JUMP_EQUAL, Ether.oldServiceVlan, whenTrue, whenFalse);
    const behind = [statement(LD | Mode.imm, 4), builder.storeCell(payload), half(Kernel.protocol)];
    const isTagged = isVlan(builder, behind, whenTrue, isOld);
    const inner = builder.always([...storeTag(0), half(2), builder.storeCell(protocol)], isTagged);
    const inPacket = builder.block([statement(LD | Mode.len)], JUMP_AT_LEAST, 4, inner, isTagged);
    // What goes out is shown from behind its tags on.
    const isOutgoing = builder.block([half(Kernel.packetType)], JUMP_EQUAL, PACKET_OUTGOING, inHeader, inPacket);
    const unknown = isVlan(builder, [half(Kernel.protocol)], isOutgoing, inPacket);
    return builder.block([statement(LD | Mode.abs | Size.b, Kernel.vlanTagPresent)], JUMP_EQUAL, 1, known, unknown);
  }

  #lowerVlanTag({ field, tag }: Condition & { type: 'vlan-tag' }, whenTrue: Block, whenFalse: Block): Block {
    const compare = (statements: Statement[]) =>
      this.#builder.block([...statements, statement(ALU | Alu.and, 0x0fff)], JUMP_EQUAL, tag, whenTrue, whenFalse);
    const known = compare([statement(LD | Mode.abs | Size.h, Kernel.vlanTag)]);
    const inPacket = compare(this.#load(field));
    return this.#builder.block(
      [statement(LD | Mode.abs | Size.b, Kernel.vlanTagPresent)],
      JUMP_EQUAL,
      1,
      known,
      inPacket,
    );
  }
}
