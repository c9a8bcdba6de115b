/**
 * Instructions of classic BPF (S. McCanne, V. Jacobson: The BSD Packet Filter, 1993; linux/filter.h).
 *
 *     struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; }      in the order of the machine
 *
 * The code is a class in its lowest three bits, and by class: where a load takes its value from and how wide it is, the
 * operation of arithmetic or a jump, and whether its operand is `k` or the index register.
 */

export interface Instruction {
  readonly code: number;
  /** Instructions to skip where a condition holds, and where it does not; 0 in others. */
  readonly jt: number;
  readonly jf: number;
  /** From 0 to 2^32 - 1. */
  readonly k: number;
}

export type Program = readonly Instruction[];

/** The lowest three bits of a code. */
export const Class = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const;
/** Of loads: a width, and a place. */
export const Size = { w: 0x00, h: 0x08, b: 0x10 } as const;
export const Mode = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, len: 0x80, msh: 0xa0 } as const;
/** Of arithmetic. */
export const Alu = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
} as const;
export const Jump = { ja: 0x00, jeq: 0x10, jgt: 0x20, jge: 0x30, jset: 0x40 } as const;
/** The operand of arithmetic and jumps, and what is returned. */
export const Source = { k: 0x00, x: 0x08, a: 0x10 } as const;
export const Misc = { tax: 0x00, txa: 0x80 } as const;

/** Words of scratch memory. */
export const MEMORY_WORDS = 16;
/** BPF_MAXINSNS of linux/filter.h: what the kernel takes. */
export const MAX_INSTRUCTIONS = 4096;
export const INSTRUCTION_LENGTH = 8;

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The program as the kernel takes it, an array of struct sock_filter. */
export function encodeProgram(program: Program, littleEndian: boolean = LITTLE_ENDIAN): Uint8Array {
  const bytes = new Uint8Array(INSTRUCTION_LENGTH * program.length);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jt, jf, k }, i) => {
    const at = INSTRUCTION_LENGTH * i;
    view.setUint16(at, code, littleEndian);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, littleEndian);
  });
  return bytes;
}

/** @throws RangeError for bytes that are no whole instructions */
export function decodeProgram(bytes: Uint8Array, littleEndian: boolean = LITTLE_ENDIAN): Program {
  if (bytes.length % INSTRUCTION_LENGTH !== 0) throw new RangeError(`${bytes.length} bytes are no whole instructions`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / INSTRUCTION_LENGTH }, (_, i) => {
    const at = INSTRUCTION_LENGTH * i;
    return {
      code: view.getUint16(at, littleEndian),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, littleEndian),
    };
  });
}

/** Where a `ja` at `at` leads: its operand is signed, since chains of headers are followed in loops. */
export const jumpTarget = (at: number, k: number): number => at + 1 + (k | 0);
