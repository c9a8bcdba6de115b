/** The reference: a program run an instruction at a time, as the kernel and libpcap run it. */
import { Alu, Class, Jump, jumpTarget, MEMORY_WORDS, Misc, Mode, type Program, Size, Source } from './instruction.js';

/** A program whose jumps lead back may go on for ever; no chain of headers is as long as this. */
export const MAX_STEPS = 65_536;

/** Bytes from 2^31 on are what the kernel knows besides the packet, and nobody knows of a file. */
const OUTSIDE = 0x8000_0000;

/**
 * What the program returns for a packet: how many of its bytes are wanted, 0 for none of it. A load beyond the packet's
 * end and a division by 0 end it with 0.
 *
 * @param program one in which validate.ts finds no fault
 * @param bytes what was captured
 * @param length bytes on the wire
 */
export function runProgram(program: Program, bytes: Uint8Array, length: number = bytes.length): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const memory = new Uint32Array(MEMORY_WORDS);
  let a = 0;
  let x = 0;
  let at = 0;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const instruction = program[at];
    if (instruction === undefined) return 0;
    const { code, jt, jf, k } = instruction;
    at++;
    switch (code & 7) {
      case Class.ld: {
        const value = load(view, memory, code, k, x, length);
        if (value === undefined) return 0;
        a = value;
        break;
      }
      case Class.ldx: {
        const value = load(view, memory, code, k, x, length);
        if (value === undefined) return 0;
        x = value;
        break;
      }
      case Class.st:
        memory[k] = a;
        break;
      case Class.stx:
        memory[k] = x;
        break;
      case Class.alu: {
        const value = arithmetic(code & 0xf0, a, (code & Source.x) === 0 ? k : x);
        if (value === undefined) return 0;
        a = value;
        break;
      }
      case Class.jmp:
        if ((code & 0xf0) === Jump.ja) at = jumpTarget(at - 1, k);
        else at += holds(code & 0xf0, a, (code & Source.x) === 0 ? k : x) ? jt : jf;
        break;
      case Class.ret:
        return (code & 0x18) === Source.a ? a : k;
      default:
        if ((code & 0xf8) === Misc.txa) a = x;
        else x = a;
    }
  }
  return 0;
}

function load(
  view: DataView,
  memory: Uint32Array,
  code: number,
  k: number,
  x: number,
  length: number,
): number | undefined {
  switch (code & 0xe0) {
    case Mode.imm:
      return k;
    case Mode.mem:
      return memory[k];
    case Mode.len:
      return length >>> 0;
    case Mode.msh:
      return k < view.byteLength ? (view.getUint8(k) & 15) * 4 : undefined;
    default: {
      const size = code & 0x18;
      const width = size === Size.w ? 4 : size === Size.h ? 2 : 1;
      // The kernel adds in 32 bits, libpcap's sums wrap likewise and are then compared.
      const at = (code & 0xe0) === Mode.ind ? (x + k) >>> 0 : k;
      if (at >= OUTSIDE || at + width > view.byteLength) return undefined;
      return width === 4 ? view.getUint32(at) : width === 2 ? view.getUint16(at) : view.getUint8(at);
    }
  }
}

function arithmetic(operation: number, a: number, operand: number): number | undefined {
  switch (operation) {
    case Alu.add:
      return (a + operand) >>> 0;
    case Alu.sub:
      return (a - operand) >>> 0;
    case Alu.mul:
      return Math.imul(a, operand) >>> 0;
    case Alu.div:
      return operand === 0 ? undefined : Math.floor(a / operand);
    case Alu.mod:
      return operand === 0 ? undefined : a % operand;
    case Alu.or:
      return (a | operand) >>> 0;
    case Alu.and:
      return (a & operand) >>> 0;
    case Alu.xor:
      return (a ^ operand) >>> 0;
    case Alu.lsh:
      return operand > 31 ? 0 : (a << operand) >>> 0;
    case Alu.rsh:
      return operand > 31 ? 0 : a >>> operand;
    default:
      return -a >>> 0;
  }
}

function holds(jump: number, a: number, operand: number): boolean {
  switch (jump) {
    case Jump.jeq:
      return a === operand;
    case Jump.jgt:
      return a > operand;
    case Jump.jge:
      return a >= operand;
    default:
      return (a & operand) !== 0;
  }
}
