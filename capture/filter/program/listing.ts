/**
 * Programs as text, in the three forms of tcpdump(8): `-d` for people, `-dd` for C, `-ddd` as decimal numbers; the last is
 * read back too.
 */
import { UsageError } from '../../../src/errors.js';
import { Alu, Class, type Instruction, Jump, jumpTarget, Mode, type Program, Size, Source } from './instruction.js';

export type ListingForm = 'd' | 'dd' | 'ddd';

/** The lines of a program, without newlines. */
export function listProgram(program: Program, form: ListingForm): string[] {
  if (form === 'd') return program.map((one, i) => `(${String(i).padStart(3, '0')}) ${instructionText(one, i)}`);
  if (form === 'dd') {
    return program.map(
      ({ code, jt, jf, k }) => `{ 0x${code.toString(16)}, ${jt}, ${jf}, 0x${k.toString(16).padStart(8, '0')} },`,
    );
  }
  return [String(program.length), ...program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`)];
}

const NUMBERS = /^\s*(\d{1,5}) (\d{1,3}) (\d{1,3}) (\d{1,10})\s*$/;

/**
 * The program that `-ddd` lists.
 *
 * @throws UsageError saying which line is wrong
 */
export function parseListing(text: string): Program {
  const [count = '', ...lines] = text.trimEnd().split('\n');
  if (!/^\s*\d{1,5}\s*$/.test(count) || Number(count) !== lines.length) {
    throw new UsageError(`a program of ${lines.length} instructions begins with '${count.slice(0, 20)}'`, HINT);
  }
  return lines.map((line, i) => {
    const numbers = NUMBERS.exec(line)?.slice(1).map(Number) ?? [];
    const [code = 0x1_0000, jt = 256, jf = 256, k = 2 ** 32] = numbers;
    if (code > 0xffff || jt > 255 || jf > 255 || k >= 2 ** 32) {
      throw new UsageError(`instruction ${i} is '${line.slice(0, 40)}'`, HINT);
    }
    return { code, jt, jf, k };
  });
}

const HINT = 'write the number of instructions, then a line of four decimal numbers each, as tcpdump -ddd does';

function instructionText({ code, jt, jf, k }: Instruction, at: number): string {
  const [operation, operand] = partsOf(code, k, at);
  const text = `${operation.padEnd(8)} ${operand}`;
  const jumps = (code & 7) === Class.jmp && (code & 0xf0) !== Jump.ja;
  return jumps ? `${operation.padEnd(8)} ${operand.padEnd(16)} jt ${at + 1 + jt}\tjf ${at + 1 + jf}` : text;
}

const hex = (k: number): string => `#0x${k.toString(16)}`;
const signed = (k: number): number => k | 0;

function partsOf(code: number, k: number, at: number): readonly [string, string] {
  const source = (code & Source.x) === 0;
  switch (code & 7) {
    case Class.ld:
    case Class.ldx:
      return loadParts(code, k);
    case Class.st:
      return ['st', `M[${signed(k)}]`];
    case Class.stx:
      return ['stx', `M[${signed(k)}]`];
    case Class.alu: {
      const name = ALU_NAMES.get(code & 0xf0);
      if (name === undefined) break;
      if (name === 'neg') return [name, ''];
      return [name, source ? (HEX_OPERANDS.has(name) ? hex(k) : `#${signed(k)}`) : 'x'];
    }
    case Class.jmp: {
      const name = JUMP_NAMES.get(code & 0xf0);
      if (name === undefined) break;
      return name === 'ja' ? [name, String(jumpTarget(at, k))] : [name, source ? hex(k) : 'x'];
    }
    case Class.ret:
      return ['ret', (code & 0x18) === Source.a ? '' : `#${signed(k)}`];
    case Class.misc:
      return [(code & 0xf8) === 0x80 ? 'txa' : 'tax', ''];
  }
  return ['unimp', `0x${code.toString(16)}`];
}

const ALU_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Alu).map(([name, code]) => [code, name]));
const HEX_OPERANDS = new Set(['and', 'or', 'xor']);
const JUMP_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Jump).map(([name, code]) => [code, name]));
const WIDTHS: Readonly<Record<number, string>> = { [Size.w]: '', [Size.h]: 'h', [Size.b]: 'b' };

/** SKF_AD_OFF of linux/filter.h: loads from there on, four apart, are of what the kernel knows besides the packet. */
const KERNEL = 0xffff_f000;
const KERNEL_NAMES = [
  ...[
    'proto',
    'type',
    'ifidx',
    'nla',
    'nlan',
    'mark',
    'queue',
    'hatype',
    'rxhash',
    'cpu',
    'xor_x',
    'vlan_tci',
    'vlanp',
  ],
  ...['pay_offset', 'random', 'vlan_tpid'],
];

function loadParts(code: number, k: number): readonly [string, string] {
  const index = (code & 7) === Class.ldx;
  const name = index ? 'ldx' : 'ld';
  const width = WIDTHS[code & 0x18] ?? '';
  switch (code & 0xe0) {
    case Mode.imm:
      return [name, hex(k)];
    case Mode.abs:
      return [`ld${width}`, `[${KERNEL_NAMES[(k - KERNEL) / 4] ?? signed(k)}]`];
    case Mode.ind:
      return [`ld${width}`, `[x + ${signed(k)}]`];
    case Mode.mem:
      return [name, `M[${signed(k)}]`];
    case Mode.len:
      return [name, '#pktlen'];
    default:
      return ['ldxb', `4*([${signed(k)}]&0xf)`];
  }
}
