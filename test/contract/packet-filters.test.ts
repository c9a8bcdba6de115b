/** SO_ATTACH_FILTER on packet sockets: what gets in is what the same expression lets pass among what was captured. */
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFilter } from '../../capture/filter/compile.js';
import { FilterError } from '../../capture/filter/error.js';
import { createPacketFilter } from '../../capture/filter/packet-filter.js';
import { runProgram } from '../../capture/filter/program/interpret.js';
import { listProgram } from '../../capture/filter/program/listing.js';
import { generateExpression, generatePacket } from '../../scripts/filters/generate.mjs';
import { LinkType } from '../../src/wire/link-types.js';
import { encodeSll } from '../../src/wire/sll.js';
import { hasCommand, namespaceObstacle } from '../hosts/machine.js';
import { createLoneHost, type LoneHost } from '../hosts/namespaces.js';
import { seeded } from '../seeded.js';

const PACKET_FILTERS = new URL('programs/packet-filters.mjs', import.meta.url).pathname;

const random = seeded(5);
const below = (limit: number) => Math.floor(random() * limit);

let host: LoneHost | string = 'not made yet';
beforeAll(() => {
  host = namespaceObstacle() ?? createLoneHost();
  if (typeof host === 'string') return;
  // One that frames are sent to.
  host.ip('link', 'set', 'link0', 'down');
  host.ip('link', 'set', 'link0', 'address', '02:00:00:00:00:02');
  host.ip('link', 'set', 'link0', 'up');
});
afterAll(() => {
  if (typeof host !== 'string') host.remove();
});

interface Asked {
  readonly expression: string;
  readonly link: string;
  readonly type: 'SOCK_RAW' | 'SOCK_DGRAM';
  readonly linkType: number;
}

/** What gets in of the packets, by what is asked. */
function marks(
  on: LoneHost,
  from: string | { port: number },
  to: string,
  packets: readonly Uint8Array[],
  asked: Asked[],
) {
  const [ip, ...under] = on.under as [string, ...string[]];
  const sockets = asked.map(({ expression, link, type, linkType }) => {
    const program = compileFilter(expression, { linkType, target: 'kernel', allowNone: true });
    return { link, type, filter: listProgram(program, 'ddd').join(',') };
  });
  const hex = packets.map((packet) => Buffer.from(packet).toString('hex'));
  const stdout = execFileSync(ip, [...under, process.execPath, PACKET_FILTERS], {
    input: JSON.stringify({ from, to, packets: hex, sockets }),
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as number[][];
}

function interfaceNumber(on: LoneHost, name: string): number {
  return Number(/^(\d+):/.exec(on.ip('-o', 'link', 'show', 'dev', name))?.[1]);
}

const u16 = (value: number) => [value >> 8, value & 0xff];
const halfAt = (bytes: Uint8Array, at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
/** Tags that the kernel takes out of packets: IEEE 802.1Q and 802.1ad. */
const isTag = (type: number) => type === 0x8100 || type === 0x88a8;

const tag = (frame: Uint8Array, id: number, type = 0x8100) =>
  Uint8Array.from([...frame.subarray(0, 12), ...u16(type), ...u16(id), ...frame.subarray(12)]);

const made = Array.from({ length: 120 }, () => generatePacket(below, LinkType.ETHERNET));
const plain = made.filter(({ length }) => length >= 40 && length < 1000).slice(0, 60);
/** How many tags stand in a row. */
const tags = (frame: Uint8Array, at = 12): number => (isTag(halfAt(frame, at)) ? 1 + tags(frame, at + 4) : 0);
const frames = [
  ...plain,
  ...plain.map((frame) => tag(frame, 7)),
  ...plain.map((frame) => tag(frame, 100)),
  ...plain.slice(0, 10).map((frame) => tag(frame, 100, 0x9100)),
  ...plain.slice(0, 30).map((frame) => tag(tag(frame, 7), 100, 0x88a8)),
]
  // Of what goes out, programs look behind as many.
  .filter((frame) => tags(frame) <= 2)
  .map((frame, mark) => Uint8Array.from([...frame, mark]));

/** A cooked packet, with the tag that the kernel took out of it and without. */
interface Cooked {
  readonly tagged: Uint8Array;
  readonly stripped: Uint8Array;
}

interface CookedFields {
  readonly version: 1 | 2;
  readonly packetType: number;
  readonly hardwareType: number;
  readonly interfaceIndex: number;
  readonly source: string;
  readonly etherType: number;
  readonly payload: Uint8Array;
  /** Type and number of a tag. */
  readonly tag: readonly [number, number] | undefined;
}

function cooked({ payload, tag: out, etherType, ...fields }: CookedFields): Cooked {
  const length = fields.version === 1 ? 16 : 20;
  const made = (type: number, behind: readonly number[]) => {
    const bytes = new Uint8Array(length + behind.length + payload.length);
    encodeSll({ ...fields, etherType: type }, bytes);
    bytes.set(behind, length);
    bytes.set(payload, length + behind.length);
    return bytes;
  };
  const stripped = made(etherType, []);
  return { stripped, tagged: out === undefined ? stripped : made(out[0], [...u16(out[1]), ...u16(etherType)]) };
}

const hardware = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');

/** What a frame that came in is made into: eth_type_trans and skb_vlan_untag of the kernel. */
function cookedIn(frame: Uint8Array, version: 1 | 2, interfaceIndex: number): Cooked {
  const typeOf = (at: number) => {
    const type = halfAt(frame, at);
    return type >= 0x600 ? type : halfAt(frame, at + 2) === 0xffff ? 1 : 4;
  };
  const type = typeOf(12);
  const destination = hardware(frame.subarray(0, 6));
  const isGroup = ((frame[0] ?? 0) & 1) !== 0;
  const packetType =
    destination === 'ff:ff:ff:ff:ff:ff' ? 1 : isGroup ? 2 : destination === '02:00:00:00:00:02' ? 0 : 3;
  const fields = { version, packetType, hardwareType: 1, interfaceIndex, source: hardware(frame.subarray(6, 12)) };
  if (!isTag(type)) return cooked({ ...fields, etherType: type, payload: frame.subarray(14), tag: undefined });
  return cooked({ ...fields, etherType: typeOf(16), payload: frame.subarray(18), tag: [type, halfAt(frame, 14)] });
}

/** What a frame that goes out is made into: it is shown from behind its tags on, and has the first of them. */
function cookedOut(frame: Uint8Array, version: 1 | 2, interfaceIndex: number): Cooked {
  const type = halfAt(frame, 12);
  const fields = { version, packetType: 4, hardwareType: 1, interfaceIndex, source: hardware(frame.subarray(6, 12)) };
  let at = 12;
  while (isTag(halfAt(frame, at))) at += 4;
  const tagOut = isTag(type) ? ([type, halfAt(frame, 14)] as const) : undefined;
  return cooked({ ...fields, etherType: halfAt(frame, at), payload: frame.subarray(at + 2), tag: tagOut });
}

/** Which packets the expression lets pass in a file, by the function and by the interpreter. */
function passing(expression: string, linkType: number, packets: readonly Uint8Array[]): number[] {
  const program = compileFilter(expression, { linkType, allowNone: true });
  const from = { id: 0, name: null, linkType, snapshotLength: 0 };
  // Of several interfaces, one may let nothing pass.
  const filter = createPacketFilter(expression, [from, { ...from, id: 1 }]);
  return packets.flatMap((bytes, mark) => {
    const passes = runProgram(program, bytes) !== 0;
    const packet = {
      number: 1,
      timestamp: null,
      interface: from,
      direction: null,
      originalLength: bytes.length,
      bytes,
    };
    expect(filter.matches(packet)).toBe(passes);
    return passes ? [mark] : [];
  });
}

/** Expressions by the grammar that mean something on the links in the kernel. */
function generated(count: number, ...linkTypes: readonly number[]): string[] {
  const found: string[] = [];
  while (found.length < count) {
    const expression = generateExpression(below);
    // A packet with its tag is longer than one without, and what is asked before the tag sees another type.
    if (/\bvlan\b/.test(expression) && /^(?!vlan)|\b(len|less|greater)\b|(link|ether)\[/.test(expression)) continue;
    // Chains of headers are followed further in files; where no tunnel is, what is within means something else there.
    if (/\bprotochain\b|\bgeneve\b/.test(expression)) continue;
    try {
      for (const linkType of linkTypes) compileFilter(expression, { linkType, target: 'kernel' });
      found.push(expression);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
    }
  }
  return found;
}

const ON_ETHERNET = [
  'ip',
  'arp',
  'ip6 or arp',
  'tcp port 80 or icmp',
  'ether[0] & 1 = 1',
  'vlan',
  'vlan 100',
  'vlan 100 and vlan 4095',
  'vlan and arp',
  'vlan 100 and ip',
  'vlan 7 and udp[0:2] != 53',
  'vlan and vlan and ip',
  'ip protochain 6 or ip6 protochain 58',
];

const ON_COOKED = [
  ...ON_ETHERNET.filter((one) => !one.includes('ether')),
  'inbound',
  'outbound and udp',
  'ip6 and inbound or arp',
  'less 80 or len = 100',
  'greater 80 and ip[2:2] + 20 <= len',
  'stp or ipx',
  'host 10.0.0.1 or host 2001:db8::5',
  'tcp[13] & 2 != 0 or udp[8:4] > 3',
  'vlan 7 or ip',
  'not vlan and ip',
  'vlan and ip6 and udp port 53',
  'vlan 100 and vlan 7 and tcp',
  'geneve and ip',
  'pppoes and ip6',
  'ether proto 0x88a8',
  'link[24:2] = 0 and link[20] = 0x45',
];

const ON_COOKED_2 = [
  ...ON_COOKED,
  'ifindex 1',
  'not ifindex 1',
  'link[0:2] = 0x86dd',
  'link[0] = 8 and link[1] = 6',
  'link[2:2] = 0 and link[4:4] < 0x10000 and link[5] = 0',
  'link[8:2] = 1 or link[8:2] = 0xfffe',
  'link[9] + link[10] = 5',
  'byte 10 = 3',
  'byte 10 < 2',
  'byte 10 & 3',
];

const ON_COOKED_1 = [
  'outbound',
  'len = 100',
  'vlan 7 and ip',
  'vlan 100 and vlan 7',
  'link[14:2] = 0x800',
  'link[0:2] = 4',
  'link[1] > 1',
  'link[3] = 1',
  'byte 15 = 0',
];

describe('of Ethernet', () => {
  it('frames get in that pass in a file, wherever the kernel keeps their tag', (ctx) => {
    if (typeof host === 'string') return ctx.skip(host);
    const asked = ON_ETHERNET.map((expression) => ({
      expression,
      link: 'link0',
      type: 'SOCK_RAW' as const,
      linkType: LinkType.ETHERNET,
    }));
    const received = marks(host, 'other0', 'link0', frames, asked);
    for (const [i, expression] of ON_ETHERNET.entries()) {
      const wanted = passing(expression, LinkType.ETHERNET, frames);
      // Where a tag was taken out before, tests that ask for none see what was behind it: tcpdump does as well.
      const seen = (all: readonly number[]) =>
        expression.includes('vlan') ? all : all.filter((mark) => !isTag(halfAt(frames[mark] as Uint8Array, 12)));
      expect(seen(received[i] ?? []), expression).toEqual(seen(wanted));
      expect(wanted.length, expression).toBeGreaterThan(0);
    }
    return undefined;
  });
});

describe('of cooked packets', () => {
  const HEADERS = [
    ['SLL2', LinkType.LINUX_SLL2, 2, ON_COOKED_2],
    ['SLL', LinkType.LINUX_SLL, 1, ON_COOKED_1],
  ] as const;
  for (const [name, linkType, version, own] of HEADERS) {
    it(`those get in, and go out, that pass with a header of ${name}`, (ctx) => {
      if (typeof host === 'string') return ctx.skip(host);
      const expressions = [...own, ...generated(12, linkType)];
      const [link, other] = [interfaceNumber(host, 'link0'), interfaceNumber(host, 'other0')];
      const views = {
        link0: frames.map((frame) => cookedIn(frame, version, link)),
        other0: frames.map((frame) => cookedOut(frame, version, other)),
      };
      const cases = expressions.flatMap((text) =>
        (['link0', 'other0'] as const).map((at) => ({
          expression: text.replace('ifindex 1', `ifindex ${link}`),
          link: at,
          type: 'SOCK_DGRAM' as const,
          linkType,
        })),
      );
      const received = marks(host, 'other0', 'link0', frames, cases);
      let passed = 0;
      for (const [i, { expression, link: at }] of cases.entries()) {
        const view = views[at].map(({ tagged, stripped }) => (expression.includes('vlan') ? tagged : stripped));
        expect(received[i], `${at}: ${expression}`).toEqual(passing(expression, linkType, view));
        passed += received[i]?.length ?? 0;
      }
      expect(passed).toBeGreaterThan(cases.length * 10);
      return undefined;
    }, 60_000);
  }
});

describe('of links that carry IP alone', () => {
  const TUNNEL = 'tun0';
  const EXPRESSIONS = [
    'ip',
    'ip6',
    'inbound',
    'outbound and ip',
    'ifindex 1',
    'not ifindex 1',
    'tcp or udp port 53',
    'host 10.0.0.1 or net fe80::/10',
    'less 60 or ip6[4:2] > 30',
    'ip multicast',
  ];

  it('packets get in, and go out, that pass in a file', async (ctx) => {
    if (typeof host === 'string') return ctx.skip(host);
    if (!hasCommand('socat')) return ctx.skip('socat is not installed');
    const on = host;
    try {
      on.ip('tuntap', 'add', TUNNEL, 'mode', 'tun');
    } catch {
      return ctx.skip('this kernel has no TUN devices');
    }
    on.ip('link', 'set', TUNNEL, 'addrgenmode', 'none', 'up');
    const port = 5000;
    const [ip, ...under] = on.under as [string, ...string[]];
    const ends = [`UDP4-RECV:${port},bind=127.0.0.1`, `TUN,tun-name=${TUNNEL},iff-no-pi`];
    const bridge = spawn(ip, [...under, 'socat', '-d', '-d', '-u', ...ends], { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      for await (const line of createInterface(bridge.stderr)) if (line.includes('starting data transfer')) break;
      const packets = Array.from({ length: 150 }, () => generatePacket(below, LinkType.RAW))
        .filter(([first = 0, ...rest]) => [4, 6].includes(first >> 4) && rest.length >= 39)
        .map((packet, mark) => Uint8Array.from([...packet, mark]));
      expect(packets.length).toBeGreaterThan(60);
      const interfaceIndex = interfaceNumber(on, TUNNEL);
      const expressions = [...EXPRESSIONS, ...generated(6, LinkType.RAW, LinkType.LINUX_SLL2)].map((text) =>
        text.replace('ifindex 1', `ifindex ${interfaceIndex}`),
      );
      const asked = expressions.flatMap((expression) => {
        const raw = { expression, link: TUNNEL, type: 'SOCK_RAW' as const, linkType: LinkType.RAW };
        return [raw, { ...raw, type: 'SOCK_DGRAM' as const, linkType: LinkType.LINUX_SLL2 }];
      });
      for (const [from, packetType] of [
        [{ port }, 0],
        [TUNNEL, 4],
      ] as const) {
        const received = marks(on, from, TUNNEL, packets, asked);
        const fields = {
          version: 2,
          packetType,
          hardwareType: 0xfffe,
          interfaceIndex,
          source: '',
          tag: undefined,
        } as const;
        const asCooked = packets.map(
          (payload) =>
            cooked({ ...fields, etherType: (payload[0] ?? 0) >> 4 === 4 ? 0x0800 : 0x86dd, payload }).stripped,
        );
        for (const [i, { expression, linkType }] of asked.entries()) {
          const what = `${LinkType.RAW === linkType ? 'raw' : 'cooked'}, type ${packetType}: ${expression}`;
          // A file of plain IP says nothing of the link.
          const asksLink = /inbound|outbound|ifindex/.test(expression);
          const wanted =
            linkType === LinkType.RAW && !asksLink
              ? passing(expression, linkType, packets)
              : passing(expression, LinkType.LINUX_SLL2, asCooked);
          expect(received[i], what).toEqual(wanted);
        }
      }
    } finally {
      bridge.kill();
    }
    return undefined;
  }, 60_000);
});
