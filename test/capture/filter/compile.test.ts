/** Filters as they are written: what they come to, and what is said of those that are wrong. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFilter, compileLiveFilter, type FilterOptions } from '../../../capture/filter/compile.js';
import { FilterError, KernelFilterError } from '../../../capture/filter/error.js';
import { checkExpression, resolveFilterHosts } from '../../../capture/filter/hosts.js';
import { runProgram } from '../../../capture/filter/program/interpret.js';
import { listProgram } from '../../../capture/filter/program/listing.js';
import { findProgramFault } from '../../../capture/filter/program/validate.js';
import { CONSTANTS, KEYWORDS } from '../../../capture/filter/syntax/keywords.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { hasCommand } from '../../hosts/machine.js';
import { fromHex } from '../../src/wire/codec-suite.js';

const ETHERNET: FilterOptions = { linkType: LinkType.ETHERNET };

function errorOf(expression: string, options: FilterOptions = ETHERNET): FilterError {
  try {
    compileFilter(expression, options);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`${expression} compiles`);
}

describe('what is wrong is shown', () => {
  it.each([
    ['tcp prot 80', '    ^^^^', /expected and, or, or the end/],
    ['host 1.2.3.400', '     ^^^^^^^^^', /no IPv4 address/],
    ['tcp port 80 or (udp port 53', '                           ^', /at its end: expected '\)'/],
    ['ip[0', '    ^', /expected '\]'/],
    ['ip[0:3] = 1', '     ^', /1, 2 or 4 bytes/],
    ['port 70000', '     ^^^^^', /above 65535/],
    ['net 10.0.0.1/8', '    ^^^^^^^^^^', /bits outside of its network/],
    ['vlan 5000', '^^^^^^^^^', /above 4095/],
    ['tcp and 80', '        ^^', /nothing says what this is/],
    ['80', '^^', /a number alone/],
    ['ip[0] / 0 = 1', '        ^', /division by 0/],
    ['ip[0] = 1 << (30 + 2) * ip[0]', undefined, /./],
    ['1 = 2', '^^^^^', /no packet/],
    ['host kitchen', '     ^^^^^^^', /not looked up unless you ask/],
    ['proto foo', '      ^^^', /no protocol has the name/],
    ['tcp & udp', '    ^', /expected and, or, or the end/],
    ['ip[0] & udp', '           ^', /expected '\['/],
    ['lane', '^^^^', /about ATM/],
    ['type beacon', '     ^^^^^^', /expected mgt, ctl, data/],
    ['ether host 1:2:3', '             ^^^', /./],
    ['08 = 8', '^^', /octal/],
    ['\u0007', '^', /no meaning here/],
    ['inbound', '^^^^^^^', /don't say in the packet which way/],
  ] as [string, string | undefined, RegExp][])('%j', (expression, carets, reason) => {
    const error = errorOf(expression.includes('<<') ? 'ip[0] = 1 << 32' : expression);
    expect(error.message).toMatch(reason);
    expect(error.code).toBe('BAD_FILTER');
    if (carets !== undefined && !expression.startsWith('ether host 1:')) expect(error.detail[1]).toBe(carets);
    // Terminals are not told anything.
    expect(error.message + error.detail.join('')).toMatch(/^\P{Cc}*$/u);
  });

  it.each([
    'link[6:4] = 1',
    'link[12] = 0 and ip',
    'tcp or link[2:4] = 0',
    'link[ip[0]] = 1',
    'link[18:4] = 0',
    'byte 11 = 6',
  ])('of cooked packets the kernel does not tell %j, the captured one does', (expression) => {
    const linkType = LinkType.LINUX_SLL2;
    const error = errorOf(expression, { linkType, target: 'kernel' });
    expect(error).toBeInstanceOf(KernelFilterError);
    expect(error.message).toMatch(/the kernel doesn't tell filters/);
    expect(compileLiveFilter(expression, { linkType })).toBeUndefined();
    expect(compileFilter(expression, { linkType })).not.toEqual([]);
    expect(() => compileLiveFilter(`${expression} and llc`, { linkType })).toThrow(/means nothing on a link/);
  });

  it('a long expression is shown around the fault', () => {
    const expression = `${'tcp port 80 or '.repeat(30)}foo${' or udp'.repeat(30)}`;
    const [line = '', carets = ''] = errorOf(expression).detail;
    expect(line.length).toBeLessThan(90);
    expect(line.slice(carets.indexOf('^'), carets.length)).toBe('foo');
  });

  it('whatever is typed is a program or an error', () => {
    const words = fc.constantFrom(
      ...[...KEYWORDS.keys()],
      ...[...CONSTANTS.keys()].slice(0, 5),
      ...[
        '(',
        ')',
        '[',
        ']',
        ':',
        '!',
        '&',
        '|',
        '=',
        '<',
        '>',
        '-',
        '+',
        '/',
        '%',
        '^',
        '<<',
        '10.0.0.1',
        '::1',
        '80',
        '1-2',
      ],
      ...['0x10', 'foo', '\\tcp', '00:11:22:33:44:55', '10.0.0.0/8', '$1f', '1:2:3:', '4294967296', '\u0000', 'é'],
    );
    const expression = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 20 }).map((list) => list.join(' ')),
    );
    const linkType = fc.constantFrom(0, 1, 9, 101, 105, 108, 113, 127, 276, 4711);
    fc.assert(
      fc.property(expression, linkType, fc.constantFrom('file', 'kernel', 'datagram'), (text, type, target) => {
        try {
          expect(
            findProgramFault(compileFilter(text, { linkType: type, target, netmask: 0xffff_ff00 })),
          ).toBeUndefined();
        } catch (error) {
          expect(error).toBeInstanceOf(FilterError);
        }
      }),
      { numRuns: 20_000 },
    );
  }, 120_000);

  it.each([
    ['parentheses', `${'('.repeat(100_000)}tcp`],
    ['pairs of them', `${'('.repeat(5000)}tcp${')'.repeat(5000)}`],
    ['negations', `${'not '.repeat(60_000)}tcp`],
    [
      'a long row',
      Array.from({ length: 9000 }, (_, i) => `host 10.${i >> 12}.${(i >> 6) & 63}.${i & 63}`).join(' or '),
    ],
    ['sums', `ip[0] = ${'1 + '.repeat(60_000)}1`],
    ['remainders', `ip[0] = ${'1 % '.repeat(60_000)}1`],
    ['signs', `ip[0] = ${'- '.repeat(60_000)}1`],
    ['fields in fields', `${'ip['.repeat(60_000)}0`],
    ['colons', ':'.repeat(200_000)],
    ['too much text', 'x'.repeat(300_000)],
  ])('%s come to an end', (_, expression) => {
    const started = performance.now();
    try {
      compileFilter(expression, ETHERNET);
    } catch (error) {
      expect(error).toBeInstanceOf(FilterError);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('names', () => {
  it('are looked up when they are asked for', async () => {
    const hosts = await resolveFilterHosts('host localhost or ether host foo or port ssh');
    expect([...hosts.keys()]).toEqual(['localhost']);
    expect(listProgram(compileFilter('ip host localhost', { ...ETHERNET, hosts }), 'ddd')).toEqual(
      listProgram(compileFilter('ip host 127.0.0.1', ETHERNET), 'ddd'),
    );
  });

  it('of several addresses stand for all of them', () => {
    const hosts = new Map([['two', [parseIP('10.0.0.1'), parseIP('::5')]]]);
    const program = compileFilter('host two', { ...ETHERNET, hosts });
    expect(listProgram(program, 'ddd')).toEqual(
      listProgram(compileFilter('host 10.0.0.1 or host ::5', ETHERNET), 'ddd'),
    );
    expect(() =>
      compileFilter('arp host two', { linkType: LinkType.ETHERNET, hosts: new Map([['two', [parseIP('::5')]]]) }),
    ).toThrow(FilterError);
  });

  it('that nobody knows are shown', () => {
    expect(errorOf('host two', { ...ETHERNET, hosts: new Map() }).message).toMatch(/no host has the name/);
    expect(() => checkExpression('tcp and host two', { names: false })).toThrow(/not looked up/);
    expect(() => checkExpression('tcp and host two', { names: true })).not.toThrow();
  });
});

describe('what libpcap leaves open', () => {
  it('a VXLAN frame is looked into', () => {
    // Ethernet, IPv4, UDP to 4789, VXLAN network 7, Ethernet, ARP.
    const outer = '02000000000102000000000208004500004e000100004011000001010101020202020bb812b5003a0000';
    const frame = fromHex(
      `${outer}0800000000000700ffffffffffff02000000000308060001080006040001020000000003c0a80001000000000000c0a80002`,
    );
    const passes = (expression: string) => runProgram(compileFilter(expression, ETHERNET), frame) !== 0;
    expect(passes('vxlan')).toBe(true);
    expect(passes('vxlan 7 and arp')).toBe(true);
    expect(passes('vxlan 7 and arp host 192.168.0.1')).toBe(true);
    expect(passes('vxlan and ether broadcast')).toBe(true);
    expect(passes('vxlan 8')).toBe(false);
    expect(passes('vxlan and ip')).toBe(false);
    expect(passes('arp')).toBe(false);
  });

  it('headers are followed behind an authentication header', () => {
    // IPv6, AH of 24 bytes, destination options, TCP.
    const packet = fromHex(
      `6000000000342340${'00'.repeat(15)}01${'00'.repeat(15)}01`
        .replace('0000000034', '0000000034')
        .replace('2340', '3340') +
        `3c0400000000000000000001${'00'.repeat(12)}` +
        '0600010400000000' +
        '0050005000000000000000005002000000000000',
    );
    const program = compileFilter('ip6 protochain 6', { linkType: LinkType.RAW });
    expect(runProgram(program, packet)).not.toBe(0);
    expect(runProgram(compileFilter('ip6 protochain 17', { linkType: LinkType.RAW }), packet)).toBe(0);
  });

  it('a byte is loaded before its bits are asked for', () => {
    const program = compileFilter('byte 0 & 4', { linkType: LinkType.RAW });
    expect([0x45, 0x40].map((byte) => runProgram(program, Uint8Array.of(byte)) !== 0)).toEqual([true, false]);
  });

  it('broadcasts are those of the network, where its mask is known', () => {
    const passes = (netmask: number | undefined, ...to: string[]) => {
      const program = compileFilter('ip broadcast', { linkType: LinkType.RAW, netmask });
      return to.map((address) => runProgram(program, fromHex(`4500001400010000401100000a000001${address}`)) !== 0);
    };
    expect(passes(0xffff_ff00, '0a000000', '0a0000ff', '0a000007')).toEqual([true, true, false]);
    expect(passes(undefined, '00000000', 'ffffffff', '0a0000ff')).toEqual([true, true, false]);
    expect(errorOf('ip broadcast', { ...ETHERNET, netmask: 0xffff_ffff }).message).toMatch(/has no broadcasts/);
  });

  it('loopback headers are in the order of the machine that captured', () => {
    const packet = (...header: number[]) => Uint8Array.from([...header, 0x45]);
    const passes = (byteOrder: 'little' | 'big', bytes: Uint8Array) =>
      runProgram(compileFilter('ip', { linkType: LinkType.NULL, byteOrder }), bytes) !== 0;
    expect(passes('little', packet(2, 0, 0, 0))).toBe(true);
    expect(passes('big', packet(0, 0, 0, 2))).toBe(true);
    expect(passes('big', packet(2, 0, 0, 0))).toBe(false);
  });
});

describe('what the kernel is given', () => {
  it.each(['inbound', 'outbound', 'ifindex 3', 'outbound and tcp'])("is tcpdump's for: %s", (expression) => {
    if (!hasCommand('tcpdump')) return;
    const theirs = execFileSync('tcpdump', ['-d', '-y', 'EN10MB', expression], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(`${listProgram(compileFilter(expression, { ...ETHERNET, target: 'kernel' }), 'd').join('\n')}\n`).toBe(
      theirs,
    );
  });
});

describe('cooked packets', () => {
  const wanted = (linkType: number, target: 'file' | 'kernel', snapshotLength?: number) =>
    ['', 'ip'].map((text) => {
      const returns = compileFilter(text, { linkType, target, snapshotLength }).filter(({ code }) => code === 0x06);
      return Math.max(...returns.map(({ k }) => k));
    });

  it('have a header that the kernel does not count', () => {
    expect(wanted(LinkType.LINUX_SLL2, 'file', 100)).toEqual([100, 100]);
    expect(wanted(LinkType.LINUX_SLL2, 'kernel', 100)).toEqual([80, 80]);
    expect(wanted(LinkType.LINUX_SLL, 'kernel', 100)).toEqual([84, 84]);
    expect(wanted(LinkType.LINUX_SLL2, 'kernel')).toEqual([262_124, 262_124]);
    // 0 would be none of the packet.
    expect(wanted(LinkType.LINUX_SLL2, 'kernel', 20)).toEqual([1, 1]);
    expect(wanted(LinkType.ETHERNET, 'kernel', 20)).toEqual([20, 20]);
  });

  it.each([
    [LinkType.LINUX_SLL, '0000 0001 0006 020000000001 0000 8100 2007 8100 0008 0800 45'],
    [LinkType.LINUX_SLL2, '8100 0000 00000003 0001 00 06 020000000001 0000 2007 8100 0008 0800 45'],
  ])('of type %i have tags behind their header', (linkType, hex) => {
    const packet = fromHex(hex.replaceAll(' ', ''));
    const passes = (text: string) => runProgram(compileFilter(text, { linkType }), packet) !== 0;
    for (const text of ['vlan', 'vlan 7', 'vlan 7 and vlan 8', 'vlan and vlan and ip'])
      expect(passes(text), text).toBe(true);
    for (const text of ['ip', 'vlan 8', 'vlan and ip', 'vlan 7 and vlan 7']) expect(passes(text), text).toBe(false);
  });
});
