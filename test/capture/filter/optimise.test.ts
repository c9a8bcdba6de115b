/** The optimiser beside the program that it is given: the same packets pass. */
import { describe, expect, it } from 'vitest';
import { compileFilter } from '../../../capture/filter/compile.js';
import { FilterError } from '../../../capture/filter/error.js';
import type { Program } from '../../../capture/filter/program/instruction.js';
import { runProgram } from '../../../capture/filter/program/interpret.js';
import { findProgramFault } from '../../../capture/filter/program/validate.js';
import { generateExpression, generatePacket } from '../../../scripts/filters/generate.mjs';
import { seeded } from '../../seeded.js';

const LINK_TYPES = [0, 1, 9, 101, 105, 113, 127, 276];
const EXPRESSIONS = 200;

/** What it once got wrong; libpcap 1.10 still does with the first. */
const MET = [
  '(ip6 or vlan) and ip or arp',
  'geneve and vlan 1 and ip',
  '(len = 2 and ip proto 58 or not len <= ip[8] * 8) && not udp[21:2] = 5',
];
const PACKETS = 60;

/** Of one program, and of the other: undefined where either is none. */
function both(expression: string, linkType: number, target: 'file' | 'kernel'): [Program, Program] | undefined {
  try {
    const options = { linkType, target, allowNone: true };
    return [compileFilter(expression, { ...options, optimise: false }), compileFilter(expression, options)];
  } catch (error) {
    // What constants come to shows only to the optimiser: divisions by 0, shifts by more than 31.
    expect(error).toBeInstanceOf(FilterError);
    return undefined;
  }
}

/** What only the kernel knows as constants, so that everybody can run the program. */
function knowing(program: Program, known: number): Program {
  return program.map((one) =>
    [0x20, 0x28, 0x30].includes(one.code) && one.k >= 0xffff_f000 ? { ...one, code: 0, k: known } : one,
  );
}

const REJECTED = 1;

/** Returns 1 where the program rejects a packet, so that 0 is left for one that a load or a division has ended. */
function telling(program: Program): Program {
  return program.map((one) => (one.code === 0x06 && one.k === 0 ? { ...one, k: REJECTED } : one));
}

describe('the optimiser', () => {
  it.each(LINK_TYPES)('changes nothing on links of type %i', (linkType) => {
    const seed = Date.now() % 1e9;
    const random = seeded(seed + linkType);
    const below = (limit: number) => Math.floor(random() * limit);
    // Zeros behind the packet, so that few loads are out of bounds.
    const packets = Array.from({ length: PACKETS }, () => {
      const packet = generatePacket(below, linkType);
      const padded = new Uint8Array(packet.length + 4096);
      padded.set(packet);
      return padded;
    });
    let [compiled, passed, plainLength, length] = [0, 0, 0, 0];
    for (let i = 0; i < EXPRESSIONS; i++) {
      const expression = MET[i] ?? generateExpression(below);
      for (const target of ['file', 'kernel'] as const) {
        const programs = both(expression, linkType, target);
        if (programs === undefined) continue;
        const [plain, optimised] = programs.map((one) => telling(knowing(one, i & 1))) as [Program, Program];
        compiled++;
        plainLength += plain.length;
        length += optimised.length;
        for (const program of programs) expect(findProgramFault(program), expression).toBeUndefined();
        for (const packet of packets) {
          const expected = runProgram(plain, packet);
          // A load beyond the packet that nobody asks for may go; nothing else ends a program early.
          if (expected === 0) continue;
          if (expected !== REJECTED) passed++;
          expect(runProgram(optimised, packet), `${expression}, seed ${seed}, ${target}`).toBe(expected);
        }
      }
    }
    expect(compiled).toBeGreaterThan(EXPRESSIONS / 2);
    expect(passed).toBeGreaterThan(EXPRESSIONS);
    expect(length).toBeLessThan(plainLength);
  });
});
