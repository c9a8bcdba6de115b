/**
 * A program as one JavaScript function: no object is made for a packet, and V8 makes machine code of it as of any other.
 *
 * Jumps that lead forward become blocks that are left; programs with a jump back, and those with so many targets that
 * blocks within blocks were too deep, become a switch in a loop.
 */
import { Alu, Class, Jump, jumpTarget, Misc, Mode, type Program, Size, Source } from './instruction.js';
import { MAX_STEPS } from './interpret.js';

/**
 * What {@link compileProgram} makes: what the program returns for the packet `bytes[start, end)`.
 *
 * @param length bytes on the wire
 */
export type CompiledProgram = (bytes: Uint8Array, start: number, end: number, length: number) => number;

/** Blocks within blocks, at most: the parser goes down a level for each. */
const MAX_BLOCKS = 200;

/** @param program one in which validate.ts finds no fault */
export function compileProgram(program: Program): CompiledProgram {
  // The text is made of the program's own numbers, and of nothing else.
  return new Function('bytes', 'start', 'end', 'length', programText(program)) as CompiledProgram;
}

/** The body of the function. */
function programText(program: Program): string {
  const targets = targetsOf(program);
  const back = program.some(({ code, k }, at) => code === (Class.jmp | Jump.ja) && jumpTarget(at, k) <= at);
  const words = new Set(program.filter(usesMemory).map(({ k }) => k));
  const head = ['let a = 0, x = 0, t = 0;', 'const n = end - start;', ...[...words].map((k) => `let m${k} = 0;`)];
  const body = back || targets.length > MAX_BLOCKS ? loopText(program, targets) : blockText(program, targets);
  return [...head, ...body].join('\n');
}

function usesMemory({ code }: Program[number]): boolean {
  const kind = code & 7;
  const loads = kind === Class.ld || kind === Class.ldx;
  return kind === Class.st || kind === Class.stx || (loads && (code & 0xe0) === Mode.mem);
}

/** Where jumps lead that pass over something, from the first to the last. */
function targetsOf(program: Program): number[] {
  const targets = new Set<number>();
  program.forEach(({ code, jt, jf, k }, at) => {
    if ((code & 7) !== Class.jmp) return;
    if ((code & 0xf0) === Jump.ja) targets.add(jumpTarget(at, k));
    else for (const skip of [jt, jf]) if (skip > 0) targets.add(at + 1 + skip);
  });
  return [...targets].sort((a, b) => a - b);
}

function blockText(program: Program, targets: readonly number[]): string[] {
  const lines = targets.map((target) => `L${target}: {`).reverse();
  const ends = new Set(targets);
  program.forEach((_, at) => {
    if (ends.has(at)) lines.push('}');
    lines.push(...statements(program, at, (target) => (target === at + 1 ? '' : `break L${target};`)));
  });
  return lines;
}

function loopText(program: Program, targets: readonly number[]): string[] {
  const lines = ['let at = 0;', `for (let steps = 0; steps < ${MAX_STEPS}; steps++) switch (at) {`, 'case 0:'];
  const starts = new Set(targets);
  program.forEach((_, at) => {
    if (at > 0 && starts.has(at)) lines.push(`case ${at}:`);
    lines.push(...statements(program, at, (target) => (target === at + 1 ? '' : `at = ${target}; continue;`)));
  });
  return [...lines, '}', 'return 0;'];
}

/** @param jump the statement that goes on at an instruction; none for the next one */
function statements(program: Program, at: number, jump: (target: number) => string): string[] {
  const { code, jt, jf, k } = program[at] as Program[number];
  const operand = (code & Source.x) === 0 ? String(k) : 'x';
  switch (code & 7) {
    case Class.ld:
      return loadText('a', code, k);
    case Class.ldx:
      return loadText('x', code, k);
    case Class.st:
      return [`m${k} = a;`];
    case Class.stx:
      return [`m${k} = x;`];
    case Class.alu:
      return arithmeticText(code & 0xf0, operand, (code & Source.x) !== 0);
    case Class.jmp: {
      if ((code & 0xf0) === Jump.ja) return [jump(jumpTarget(at, k))];
      const condition = conditionText(code & 0xf0, operand);
      const [then, otherwise] = [jump(at + 1 + jt), jump(at + 1 + jf)];
      if (jt === jf) return [then];
      if (then === '') return [`if (!(${condition})) { ${otherwise} }`];
      return otherwise === ''
        ? [`if (${condition}) { ${then} }`]
        : [`if (${condition}) { ${then} } else { ${otherwise} }`];
    }
    case Class.ret:
      return [`return ${(code & 0x18) === Source.a ? 'a' : k};`];
    default:
      return [(code & 0xf8) === Misc.txa ? 'a = x;' : 'x = a;'];
  }
}

function loadText(into: string, code: number, k: number): string[] {
  switch (code & 0xe0) {
    case Mode.imm:
      return [`${into} = ${k};`];
    case Mode.mem:
      return [`${into} = m${k};`];
    case Mode.len:
      return [`${into} = length >>> 0;`];
    case Mode.msh:
      return [`if (${k} >= n) return 0;`, `${into} = (bytes[start + ${k}] & 15) << 2;`];
  }
  const width = (code & 0x18) === Size.w ? 4 : (code & 0x18) === Size.h ? 2 : 1;
  if ((code & 0xe0) === Mode.abs) {
    if (k >= 0x8000_0000) return ['return 0;'];
    return [`if (${k + width} > n) return 0;`, `${into} = ${bytesText(`start + ${k}`, width)};`];
  }
  return [
    `t = (x + ${k}) >>> 0;`,
    `if (t + ${width} > n) return 0;`,
    `t += start;`,
    `${into} = ${bytesText('t', width)};`,
  ];
}

function bytesText(at: string, width: 1 | 2 | 4): string {
  if (width === 1) return `bytes[${at}]`;
  if (width === 2) return `(bytes[${at}] << 8) | bytes[${at} + 1]`;
  return `((bytes[${at}] << 24) | (bytes[${at} + 1] << 16) | (bytes[${at} + 2] << 8) | bytes[${at} + 3]) >>> 0`;
}

function arithmeticText(operation: number, operand: string, byIndex: boolean): string[] {
  const safe = (statement: string) => (byIndex ? ['if (x === 0) return 0;', statement] : [statement]);
  const shifted = (statement: string) => [byIndex ? `a = x > 31 ? 0 : ${statement};` : `a = ${statement};`];
  switch (operation) {
    case Alu.add:
      return [`a = (a + ${operand}) >>> 0;`];
    case Alu.sub:
      return [`a = (a - ${operand}) >>> 0;`];
    case Alu.mul:
      return [`a = Math.imul(a, ${operand}) >>> 0;`];
    case Alu.div:
      return safe(`a = Math.floor(a / ${operand});`);
    case Alu.mod:
      return safe(`a = a % ${operand};`);
    case Alu.or:
      return [`a = (a | ${operand}) >>> 0;`];
    case Alu.and:
      return [`a = (a & ${operand}) >>> 0;`];
    case Alu.xor:
      return [`a = (a ^ ${operand}) >>> 0;`];
    case Alu.lsh:
      return shifted(`(a << ${operand}) >>> 0`);
    case Alu.rsh:
      return shifted(`a >>> ${operand}`);
    default:
      return ['a = -a >>> 0;'];
  }
}

const OPERATORS: Readonly<Record<number, string>> = { [Jump.jeq]: '===', [Jump.jgt]: '>', [Jump.jge]: '>=' };

function conditionText(jump: number, operand: string): string {
  return jump === Jump.jset ? `(a & ${operand}) !== 0` : `a ${OPERATORS[jump]} ${operand}`;
}
