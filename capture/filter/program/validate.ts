/** What a program must keep to, so that running it can't read, write or jump where it should not. */
import {
  Alu,
  Class,
  Jump,
  jumpTarget,
  MAX_INSTRUCTIONS,
  MEMORY_WORDS,
  Mode,
  type Program,
  Size,
  Source,
} from './instruction.js';

/** Of a program that can be run: what is wrong with another one. */
export interface ProgramFault {
  /** Of the instruction. */
  readonly at: number;
  readonly reason: string;
}

/**
 * The first thing that is wrong with a program; undefined for a sound one. The rules are those of bpf_check_classic in
 * the kernel, with one exception: `ja` may lead back, as libpcap's `protochain` does.
 */
export function findProgramFault(program: Program): ProgramFault | undefined {
  if (program.length === 0) return { at: 0, reason: 'there is no instruction' };
  if (program.length > MAX_INSTRUCTIONS) {
    return {
      at: MAX_INSTRUCTIONS,
      reason: `there are ${program.length} instructions, at most ${MAX_INSTRUCTIONS} fit`,
    };
  }
  for (let at = 0; at < program.length; at++) {
    const reason = reasonOf(program, at);
    if (reason !== undefined) return { at, reason };
  }
  const last = program[program.length - 1];
  if (last === undefined || (last.code & 7) !== Class.ret) {
    return { at: program.length - 1, reason: 'the last instruction does not return' };
  }
  return undefined;
}

const CODES: ReadonlySet<number> = new Set(allCodes());

function* allCodes(): Generator<number> {
  for (const size of Object.values(Size)) for (const mode of [Mode.abs, Mode.ind]) yield Class.ld | size | mode;
  for (const mode of [Mode.imm, Mode.mem, Mode.len]) yield* [Class.ld | mode, Class.ldx | mode];
  yield Class.ldx | Size.b | Mode.msh;
  yield* [Class.st, Class.stx, Class.jmp | Jump.ja];
  for (const operation of Object.values(Alu)) {
    yield Class.alu | operation;
    if (operation !== Alu.neg) yield Class.alu | operation | Source.x;
  }
  for (const jump of [Jump.jeq, Jump.jgt, Jump.jge, Jump.jset]) yield* [Class.jmp | jump, Class.jmp | jump | Source.x];
  yield* [Class.ret | Source.k, Class.ret | Source.a, Class.misc, Class.misc | 0x80];
}

function reasonOf(program: Program, at: number): string | undefined {
  const { code, jt, jf, k } = program[at] as Program[number];
  if (!CODES.has(code)) return `there is no code 0x${code.toString(16)}`;
  const inside = (target: number) => target >= 0 && target < program.length;
  switch (code & 7) {
    case Class.ld:
    case Class.ldx:
      return (code & 0xe0) === Mode.mem ? memoryReason(k) : undefined;
    case Class.st:
    case Class.stx:
      return memoryReason(k);
    case Class.alu: {
      const operation = code & 0xf0;
      if ((code & Source.x) !== 0) return undefined;
      if ((operation === Alu.div || operation === Alu.mod) && k === 0) return 'it divides by 0';
      return (operation === Alu.lsh || operation === Alu.rsh) && k > 31 ? `it shifts by ${k}` : undefined;
    }
    case Class.jmp:
      if ((code & 0xf0) === Jump.ja) return inside(jumpTarget(at, k)) ? undefined : 'it leads out of the program';
      return inside(at + 1 + jt) && inside(at + 1 + jf) ? undefined : 'it leads out of the program';
    default:
      return undefined;
  }
}

const memoryReason = (k: number): string | undefined =>
  k < MEMORY_WORDS ? undefined : `there is no word ${k} of memory, the last is ${MEMORY_WORDS - 1}`;
