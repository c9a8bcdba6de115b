/** Programs of BPF: their text against tcpdump's, and the three ways to run them against each other. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProgram, encodeProgram, type Program } from '../../../capture/filter/program/instruction.js';
import { runProgram } from '../../../capture/filter/program/interpret.js';
import { compileProgram } from '../../../capture/filter/program/javascript.js';
import { type ListingForm, listProgram, parseListing } from '../../../capture/filter/program/listing.js';
import { findProgramFault } from '../../../capture/filter/program/validate.js';
import { UsageError } from '../../../src/errors.js';
import { hasCommand } from '../../hosts/machine.js';
import { fromHex } from '../../src/wire/codec-suite.js';
import { ethernetSamples } from '../../src/wire/samples.js';
import { anyProgram } from './random-programs.js';

const EXPRESSIONS = [
  'icmp',
  'udp port 53',
  'ip6 protochain 6',
  'tcp[2:2] > 80 and (ip[0] & 0xf) * 4 != 20 or not udp and len > 100',
  'ip[2:2] << 3 = 4 or ip[1] | 3 = 4 or ip[1] ^ 3 = 4 or ip[1] % 3 = 1 or ip[1] / 3 = 1 or -ip[1] = 3',
  'ip[1] >> ip[2] = 3 or ip[3] * ip[4] = 9 or ip[5] - ip[6] = 2 or ip[3] / ip[4] = 2 or ip[3] % ip[4] = 1',
  'vlan 100 and (host 192.0.2.1 or net 2001:db8::/32)',
  'mpls 5',
  'pppoes 5 and ip',
  'ether multicast or geneve 7',
  'tcp portrange 20-25 and tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and less 100',
];

const tcpdump = (form: string, expression: string): string =>
  execFileSync('tcpdump', [form, '-y', 'EN10MB', expression], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

describe('a listing', () => {
  for (const expression of EXPRESSIONS) {
    it(`is tcpdump's for: ${expression}`, (ctx) => {
      if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not there');
      const program = parseListing(tcpdump('-ddd', expression));
      for (const form of ['d', 'dd', 'ddd'] as const satisfies ListingForm[]) {
        expect(`${listProgram(program, form).join('\n')}\n`).toBe(tcpdump(`-${form}`, expression));
      }
      expect(findProgramFault(program)).toBeUndefined();
      expect(decodeProgram(encodeProgram(program))).toEqual(program);
      expect(decodeProgram(encodeProgram(program, false), false)).toEqual(program);
    });
  }

  it.each([
    '',
    '2\n6 0 0 0',
    'x\n6 0 0 0',
    '1\n6 0 0',
    '1\n65536 0 0 0',
    '1\n6 256 0 0',
    '1\n6 0 0 4294967296',
    '1\n6 0 0 -1',
  ])('is refused: %j', (text) => expect(() => parseListing(text)).toThrow(UsageError));
});

describe('a program that can do harm', () => {
  const ret = { code: 6, jt: 0, jf: 0, k: 0 };
  it.each([
    ['that is empty', [], 0, /no instruction/],
    ['that is too long', Array.from({ length: 4097 }, () => ret), 4096, /at most 4096/],
    ['that does not return', [{ code: 0, jt: 0, jf: 0, k: 1 }], 0, /does not return/],
    ['with an unknown code', [{ code: 0x1ff, jt: 0, jf: 0, k: 0 }, ret], 0, /no code 0x1ff/],
    ['that jumps out of itself', [{ code: 0x15, jt: 1, jf: 0, k: 0 }, ret], 0, /out of the program/],
    ['that goes on outside', [ret, { code: 5, jt: 0, jf: 0, k: 7 }, ret], 1, /out of the program/],
    ['that goes back too far', [{ code: 5, jt: 0, jf: 0, k: 0xffff_fff0 }, ret], 0, /out of the program/],
    ['that writes beyond memory', [{ code: 2, jt: 0, jf: 0, k: 16 }, ret], 0, /no word 16/],
    ['that reads beyond memory', [{ code: 0x60, jt: 0, jf: 0, k: 99 }, ret], 0, /no word 99/],
    ['that divides by 0', [{ code: 0x34, jt: 0, jf: 0, k: 0 }, ret], 0, /divides by 0/],
    ['that shifts everything away', [{ code: 0x64, jt: 0, jf: 0, k: 32 }, ret], 0, /shifts by 32/],
  ] as [string, Program, number, RegExp][])('%s has its fault named', (_, program, at, reason) => {
    expect(findProgramFault(program)).toEqual({ at, reason: expect.stringMatching(reason) });
  });
});

describe('the compiled function', () => {
  const bytes = fc.uint8Array({ maxLength: 80 });

  it('returns what the interpreter does, wherever the packet lies', () => {
    fc.assert(
      fc.property(anyProgram, bytes, fc.nat(9), fc.nat(2000), (one, packet, before, more) => {
        expect(findProgramFault(one)).toBeUndefined();
        const length = packet.length + more;
        const expected = runProgram(one, packet, length);
        const memory = new Uint8Array(before + packet.length + 8).fill(0xff);
        memory.set(packet, before);
        expect(compileProgram(one)(memory, before, before + packet.length, length)).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
  }, 120_000);

  it("returns it for tcpdump's programs, on whole and cut packets", (ctx) => {
    if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not there');
    const packets = ethernetSamples.map((sample) => sample.bytes);
    for (const expression of EXPRESSIONS) {
      const one = parseListing(tcpdump('-ddd', expression));
      const run = compileProgram(one);
      for (const packet of packets) {
        for (let end = 0; end <= packet.length; end++) {
          expect(run(packet, 0, end, packet.length)).toBe(runProgram(one, packet.subarray(0, end), packet.length));
        }
      }
    }
  });

  it('is made of large programs too', () => {
    // A ladder of 1,500 comparisons, each with a target of its own.
    const steps = 1500;
    const ladder: Program = [
      { code: 0x30, jt: 0, jf: 0, k: 0 },
      ...Array.from({ length: steps }, (_, k) => [
        { code: 0x15, jt: 0, jf: 1, k },
        { code: 0x06, jt: 0, jf: 0, k: k + 7 },
      ]).flat(),
      { code: 0x06, jt: 0, jf: 0, k: 0 },
    ];
    const run = compileProgram(ladder);
    for (const value of [0, 1, 200, 255]) {
      const packet = Uint8Array.of(value);
      expect(run(packet, 0, 1, 1)).toBe(value + 7);
      expect(runProgram(ladder, packet)).toBe(value + 7);
    }
  });

  it('ends, whatever it is', () => {
    const forever: Program = [
      { code: 0x05, jt: 0, jf: 0, k: 0xffff_ffff },
      { code: 0x06, jt: 0, jf: 0, k: 1 },
    ];
    expect(findProgramFault(forever)).toBeUndefined();
    expect(runProgram(forever, fromHex(''))).toBe(0);
    expect(compileProgram(forever)(fromHex(''), 0, 0, 0)).toBe(0);
  });
});
