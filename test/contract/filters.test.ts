/** SO_ATTACH_FILTER on message sockets: what gets in is what the same expression lets pass in a file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { compileFilter } from '../../capture/filter/compile.js';
import { runProgram } from '../../capture/filter/program/interpret.js';
import { socketFilter } from '../../capture/filter/socket-filter.js';
import { silentLogger } from '../../src/log/events.js';
import { setting } from '../../src/options/settings.js';
import { inetEndpoint } from '../../src/sockaddr/endpoint.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { nativeBackend } from '../../src/socket/native/backend.js';
import type { MessageSocket } from '../../src/socket/port.js';
import { checksum } from '../../src/wire/checksum.js';
import { LinkType } from '../../src/wire/link-types.js';
import { hasCommand, hasIPv6, isRoot } from '../hosts/machine.js';

const open = { logger: silentLogger, settings: [] };
const sockets: MessageSocket[] = [];
afterEach(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()));
});

const backend = await nativeBackend();

/** The first byte of each message, in the order of their arrival, until one of `last` comes. */
function marks(socket: MessageSocket, at: number, last: number): Promise<number[]> {
  const seen: number[] = [];
  return new Promise((resolve, reject) => {
    socket.receive({
      messages: (batch) => {
        for (const { bytes } of batch) {
          const mark = bytes[at] as number;
          if (mark === last) resolve(seen);
          else seen.push(mark);
        }
      },
      failure: ({ error }) => reject(error),
    });
  });
}

/** Whether the expression lets a packet of IP pass that was read from a file. */
const passes = (expression: string, packet: Uint8Array): boolean =>
  runProgram(compileFilter(expression, { linkType: LinkType.RAW, allowNone: true }), packet) !== 0;

const u16 = (value: number) => [value >> 8, value & 0xff];

/** What the kernel makes of a payload: IPv4 or IPv6 on loopback, with the fields that the expressions ask about. */
function ipPacket(family: 'ipv4' | 'ipv6', protocol: number, payload: readonly number[]): Uint8Array {
  if (family === 'ipv4') {
    const loopback = [127, 0, 0, 1];
    const header = [0x45, 0, ...u16(20 + payload.length), 0, 0, 0x40, 0, 64, protocol, 0, 0, ...loopback, ...loopback];
    return Uint8Array.from([...header, ...payload]);
  }
  const loopback = [...new Uint8Array(15), 1];
  return Uint8Array.from([0x60, 0, 0, 0, ...u16(payload.length), protocol, 64, ...loopback, ...loopback, ...payload]);
}

/** Payloads, each told by its first byte, of different lengths. */
const PAYLOADS = Array.from({ length: 40 }, (_, i) => [i, ...new Array<number>(7 * (i % 9)).fill(i * 5)]);
/** Raw sockets get no ICMP of less than 8 bytes. */
const FILLING = [0, 0, 0];
/** Behind the last of them goes one that every filter here lets in. */
const LAST = 0xfe;

const COMMON = [
  'ip',
  'ip6',
  'len < 60',
  'greater 70 and not greater 80',
  'host 127.0.0.1 or host ::1',
  'src net 10.0.0.0/8',
  'ip[8] = 64 or ip6[7] = 64',
  'ip[2:2] = len or ip6[4:2] + 40 = len',
  '1 << (len - 28) & 0xff != 0',
  'inbound',
];

describe('on datagram sockets', () => {
  const families = hasIPv6 ? (['ipv4', 'ipv6'] as const) : (['ipv4'] as const);
  const expressions = [
    ...COMMON,
    'udp',
    'tcp',
    'udp[8] & 1 = 0',
    'udp dst portrange 1-65535',
    'udp[4:2] > 30 and ip',
    'proto 17',
    'protochain 17',
    'ip protochain 6',
  ];
  for (const family of families) {
    it.each(expressions)(`of ${family}: %s`, async (expression) => {
      const local = inetEndpoint(parseIP(family === 'ipv4' ? '127.0.0.1' : '::1'), 0);
      const wanted = `(${expression}) or udp[8] = ${LAST} or ip6[48] = ${LAST}`;
      const settings = [setting('SO_ATTACH_FILTER', socketFilter(wanted, { kind: 'datagram' }))];
      const receiver = await backend.datagram(family, { ...open, settings, local });
      const sender = await backend.datagram(family, { ...open, remote: receiver.local });
      sockets.push(receiver, sender);
      const seen = marks(receiver, 0, LAST);
      await sender.send([...PAYLOADS, [LAST]].map((bytes) => ({ bytes: Uint8Array.from(bytes) })));
      const port = (end: MessageSocket) => (end.local?.family === family ? end.local.port : 0);
      const expected = PAYLOADS.filter((payload) => {
        const header = [...u16(port(sender)), ...u16(port(receiver)), ...u16(8 + payload.length), 0, 0];
        return expression === 'inbound' || passes(expression, ipPacket(family, 17, [...header, ...payload]));
      });
      expect(await seen).toEqual(expected.map(([mark]) => mark));
      // Nobody can tell what was kept out from what there was no room for.
      expect(receiver.dropped).toBeNull();
    });
  }
});

describe('on raw sockets', () => {
  const families = hasIPv6 ? (['ipv4', 'ipv6'] as const) : (['ipv4'] as const);
  const ICMP = { ipv4: 1, ipv6: 58 } as const;
  const expressions = [
    ...COMMON,
    'icmp or icmp6',
    'icmp[icmptype] = 250 or icmp6[icmp6type] = 251',
    'icmp[4] & 1 = 0 or icmp6[4] & 1 = 0',
    'proto 58',
    'protochain 1 or protochain 58',
  ];
  for (const family of families) {
    it.for(expressions)(`of ${family}: %s`, async (expression, ctx) => {
      if (!isRoot) return ctx.skip('raw sockets need root');
      const protocol = ICMP[family];
      const v4 = family === 'ipv4';
      const wanted = `(${expression}) or ip[24] = ${LAST} or ip6[44] = ${LAST}`;
      // On loopback others' traffic is heard too: only what this test has sent counts.
      const own = `(${wanted}) and (icmp[icmptype] = 250 or icmp6[icmp6type] = 251)`;
      const settings = [setting('SO_ATTACH_FILTER', socketFilter(own, { kind: 'raw', family }))];
      const receiver = await backend.raw({ ...open, settings, family, protocol });
      const sender = await backend.raw({ ...open, family, protocol });
      sockets.push(receiver, sender);
      const seen = marks(receiver, v4 ? 24 : 4, LAST);
      const messages = [...PAYLOADS, [LAST]].map((payload) => {
        // Types that nobody answers, RFC 4727 and RFC 4443; the kernel adds the sum of ICMPv6.
        const bytes = Uint8Array.from([v4 ? 250 : 251, 0, 0, 0, ...payload, ...FILLING]);
        if (v4) new DataView(bytes.buffer).setUint16(2, checksum(bytes, 0, bytes.length));
        return bytes;
      });
      const to = inetEndpoint(parseIP(v4 ? '127.0.0.1' : '::1'), 0);
      await sender.send(messages.map((bytes) => ({ bytes, to })));
      const expected = PAYLOADS.filter((_, i) => {
        const bytes = messages[i] as Uint8Array;
        return expression === 'inbound' || passes(expression, ipPacket(family, protocol, [...bytes]));
      });
      expect(await seen).toEqual(expected.map(([mark]) => mark));
      return undefined;
    });
  }

  it('nothing gets in that had come before', async (ctx) => {
    if (!isRoot) return ctx.skip('raw sockets need root');
    if (!hasCommand('ping')) return ctx.skip('ping is not installed');
    const flood = spawn('ping', ['-q', '-f', '-w', '20', '127.0.0.1'], { stdio: 'ignore' });
    const over = once(flood, 'exit');
    try {
      const heard = await backend.raw({ ...open, family: 'ipv4', protocol: 1 });
      await new Promise<void>((resolve) => heard.receive({ messages: () => resolve(), failure: () => undefined }));
      await heard.close();
      const settings = [setting('SO_ATTACH_FILTER', socketFilter('host 127.8.7.6', { kind: 'raw', family: 'ipv4' }))];
      let strangers = 0;
      for (let i = 0; i < 300; i++) {
        const socket = await backend.raw({ ...open, settings, family: 'ipv4', protocol: 1 });
        const messages = (batch: readonly unknown[]) => {
          strangers += batch.length;
        };
        socket.receive({ messages, failure: () => undefined });
        // What is there is delivered in the next turns of the event loop.
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        await socket.close();
      }
      expect(strangers).toBe(0);
    } finally {
      flood.kill();
      await over;
    }
    return undefined;
  }, 30_000);
});
