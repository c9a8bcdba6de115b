/** Programs of any instructions, for property tests. */
import fc from 'fast-check';
import type { Program } from '../../../capture/filter/program/instruction.js';

const word = fc.oneof(
  fc.integer({ min: 0, max: 70 }),
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.constantFrom(0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0xffff_f000, 0xffff_ffff),
);

/** Shifts by the index register: the kernel takes its lowest five bits, everybody else all of it. */
const SHIFTS_BY_INDEX = [0x6c, 0x7c];

const CODES = [
  ...[0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x01, 0x61, 0x81, 0xb1, 0x02, 0x03, 0x07, 0x87],
  ...[0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x74, 0x84],
  ...[0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16],
];

/** Loads whose place is `k`, or `k` and the index register. */
const isLoad = (code: number): boolean => [0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xb1].includes(code);

function programs(codes: readonly number[], { back, nearLoads }: { back: boolean; nearLoads: boolean }) {
  const instruction = fc.record({
    code: fc.constantFrom(...codes),
    jt: fc.nat(9),
    jf: fc.nat(9),
    k: word,
    back: back ? fc.nat(60) : fc.constant(1),
  });
  return fc.array(instruction, { maxLength: 30 }).map((list): Program => {
    const length = list.length + 1;
    const sound = list.map(({ code, jt, jf, k, back: leadsBack }, at) => {
      const room = length - at - 2;
      const kind = code & 7;
      if (kind === 5 && (code & 0xf0) === 0) {
        const leads = leadsBack === 0 ? -1 - (k % (at + 1)) : k % (room + 1);
        return { code, jt: 0, jf: 0, k: leads >>> 0 };
      }
      if (kind === 5) return { code, jt: jt % (room + 1), jf: jf % (room + 1), k };
      const memory = kind === 2 || kind === 3 || code === 0x60 || code === 0x61;
      if (memory) return { code, jt: 0, jf: 0, k: k % 16 };
      if (code === 0x64 || code === 0x74) return { code, jt: 0, jf: 0, k: k % 32 };
      if (code === 0x34 || code === 0x94) return { code, jt: 0, jf: 0, k: k || 1 };
      return { code, jt: 0, jf: 0, k: nearLoads && isLoad(code) ? k % 0x8000_0000 : k };
    });
    return [...sound, { code: 0x16, jt: 0, jf: 0, k: 0 }];
  });
}

/** Sound ones, some of them with a jump back. */
export const anyProgram = programs([...CODES, ...SHIFTS_BY_INDEX], { back: true, nearLoads: false });

/** All words of memory are set before anything else: the kernel wants to see that. */
const SETS_MEMORY: Program = [
  { code: 0x00, jt: 0, jf: 0, k: 0 },
  ...Array.from({ length: 16 }, (_, k) => ({ code: 0x02, jt: 0, jf: 0, k })),
];

/** Those that the kernel takes, and runs as everybody else does: without places that only the kernel knows. */
export const kernelProgram = programs(CODES, { back: false, nearLoads: true }).map((program) => [
  ...SETS_MEMORY,
  ...program,
]);

/** Instructions that nobody has looked at, with a return at the end or without. */
export const wildProgram: fc.Arbitrary<Program> = fc
  .tuple(
    fc.array(
      fc.record({
        code: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...CODES) }, fc.nat(0xff), fc.nat(0xffff)),
        jt: fc.nat(3),
        jf: fc.nat(3),
        k: fc.oneof(fc.nat(3), fc.nat(40), word),
      }),
      { maxLength: 6 },
    ),
    fc.nat(4),
  )
  .map(([list, ends]) => (ends === 0 ? list : [...list, { code: 0x06, jt: 0, jf: 0, k: 1 }]));
