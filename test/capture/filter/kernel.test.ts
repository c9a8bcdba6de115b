/** The three that run programs: the interpreter, the JavaScript function, and the kernel. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFilter } from '../../../capture/filter/compile.js';
import type { Program } from '../../../capture/filter/program/instruction.js';
import { runProgram } from '../../../capture/filter/program/interpret.js';
import { compileProgram } from '../../../capture/filter/program/javascript.js';
import { findProgramFault } from '../../../capture/filter/program/validate.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { createFilterPair, type FilterPair } from '../../hosts/filter-pair.js';
import { ethernetSamples } from '../../src/wire/samples.js';
import { kernelProgram, wildProgram } from './random-programs.js';

let pair: FilterPair | string = 'not asked yet';
beforeAll(async () => {
  pair = await createFilterPair();
});
afterAll(() => {
  if (typeof pair !== 'string') pair.close();
});

/** What the kernel leaves of a packet when a program returns this: it never cuts a packet to nothing. */
function leaves(returned: number, packet: Uint8Array): number | undefined {
  return returned === 0 ? undefined : Math.min(packet.length, Math.max(1, returned));
}

/** @returns what the interpreter and the function, which must agree, and the kernel make of the packets */
function everywhere(kernel: FilterPair, program: Program, packets: readonly Uint8Array[]) {
  expect(findProgramFault(program)).toBeUndefined();
  expect(kernel.attach(program)).toBe(true);
  const compiled = compileProgram(program);
  return packets.map((packet) => {
    const returned = runProgram(program, packet);
    expect(compiled(packet, 0, packet.length, packet.length)).toBe(returned);
    return [leaves(returned, packet), kernel.run(packet)] as const;
  });
}

describe('the kernel agrees', () => {
  it('on 100,000 pairs of random programs and random packets', (ctx) => {
    if (typeof pair === 'string') return ctx.skip(pair);
    const kernel = pair;
    const packets = fc.array(fc.uint8Array({ maxLength: 80 }), { minLength: 10, maxLength: 10 });
    let [pairs, passed] = [0, 0];
    fc.assert(
      fc.property(kernelProgram, packets, (program, list) => {
        for (const [own, theirs] of everywhere(kernel, program, list)) {
          expect(theirs).toBe(own);
          pairs++;
          if (own !== undefined) passed++;
        }
      }),
      { numRuns: 10_000 },
    );
    expect(pairs).toBe(100_000);
    // Both answers are met often enough.
    expect(passed).toBeGreaterThan(10_000);
    expect(pairs - passed).toBeGreaterThan(10_000);
    return undefined;
  }, 120_000);

  it('on which programs may be run at all', (ctx) => {
    if (typeof pair === 'string') return ctx.skip(pair);
    const kernel = pair;
    let [taken, refused] = [0, 0];
    fc.assert(
      fc.property(wildProgram, (program) => {
        // Differences on purpose: jumps back are for files, words of memory may be read before they are set, and loads
        // from where the kernel has something else to tell are out of bounds for others.
        const asksKernel = program.some(({ code, k }) => [0x20, 0x28, 0x30].includes(code) && k >= 0xffff_f000);
        const jumpsBack = program.some(({ code, k }) => code === 0x05 && k >= 0x8000_0000);
        const readsMemory = program.some(({ code }) => code === 0x60 || code === 0x61);
        const sound = findProgramFault(program) === undefined;
        const attached = kernel.attach(program);
        if (attached) taken++;
        else refused++;
        if (attached || !(jumpsBack || readsMemory || asksKernel)) expect(attached).toBe(sound);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(1000);
    return undefined;
  }, 60_000);

  it('on what expressions let pass, shifts and chains of headers among them', (ctx) => {
    if (typeof pair === 'string') return ctx.skip(pair);
    const kernel = pair;
    const packets = ethernetSamples.flatMap(({ bytes }) => [bytes, bytes.subarray(0, bytes.length >> 1)]);
    for (const expression of [
      'ip',
      'tcp portrange 1-1024 or udp',
      'ip[0] << ip[8] = 0 or ip[8] >> ip[0] = 1',
      '1 << (len - 40) != 0 and ip',
      'ip6 protochain 6 or ip protochain 17 or protochain 58',
      'geneve 7 or vxlan 5 and ip',
      'len & 3 = 1 and not (ip6 or arp)',
      'ether[0] & 1 = 0 and ip[ip[0] & 15] > 3',
    ]) {
      const options = { linkType: LinkType.ETHERNET, allowNone: true };
      // The same as in files, though programs for the kernel are written in another way.
      const inFiles = compileFilter(expression, options);
      const results = everywhere(kernel, compileFilter(expression, { ...options, target: 'kernel' }), packets);
      for (const [i, [own, theirs]] of results.entries()) {
        expect(theirs, expression).toBe(own);
        expect(own, expression).toBe(leaves(runProgram(inFiles, packets[i] as Uint8Array), packets[i] as Uint8Array));
      }
    }
    return undefined;
  });
});
