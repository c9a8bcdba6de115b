/** The debug log beside strace(1): the same calls on the same descriptors, in the same order, with the same results. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, isRoot } from '../hosts/machine.js';
import { type Finished, MAIN, Running as Process, type Running, type RunOptions, start } from './process.js';

let folder: string;
let counter = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Traced {
  readonly running: Running;
  /** Both lists of calls, once it has ended. */
  readonly calls: (finished: Finished) => { logged: string[]; traced: string[] };
}

/** Starts sockctl under strace, its log at trace level as JSON. Node runs the event loop in the traced first thread. */
function traced(args: readonly string[], options: RunOptions = {}): Traced {
  const file = join(folder, `${++counter}.strace`);
  const under = ['strace', '-s', '0', '-e', 'trace=network', '-e', 'signal=none', '-o', file];
  const running = new Process(process.execPath, [MAIN, ...args, '-vv', '--log-format', 'json'], { ...options, under });
  return {
    running,
    calls: ({ stderr }) => ({
      logged: stderr.split('\n').flatMap(fromLog),
      traced: readFileSync(file, 'utf8').split('\n').flatMap(fromStrace),
    }),
  };
}

/** A line of the log as a call, where it is one that acts on a socket. */
function fromLog(line: string): string[] {
  // The line of a failure is for people.
  if (!line.startsWith('{')) return [];
  const event = JSON.parse(line) as Record<string, string | number | undefined>;
  const result = event.code ?? 0;
  switch (event.event) {
    case 'socket':
      return [`socket ${event.family} ${event.type} ${event.protocol} = ${event.code ?? event.fd}`];
    case 'setsockopt':
      return [`setsockopt ${event.fd} ${event.optionLevel} ${event.option} = ${result}`];
    case 'bind':
      return [`bind ${event.fd} ${event.local} = ${result}`];
    case 'listen':
      return [`listen ${event.fd} ${event.backlog} = ${result}`];
    case 'accept':
      return [`accept ${event.remote} = ${event.fd}`];
    case 'connect':
      return [`connect ${event.fd} ${event.remote}`];
    case 'shutdown':
      return [`shutdown ${event.how} = ${result}`];
    case 'recvmmsg':
    case 'sendmmsg':
      return [`${event.event} ${event.fd} = ${event.messages}`];
    default:
      return [];
  }
}

const LEVELS: Record<string, string> = {
  SOL_IP: 'IPPROTO_IP',
  SOL_IPV6: 'IPPROTO_IPV6',
  SOL_TCP: 'IPPROTO_TCP',
  SOL_UDP: 'IPPROTO_UDP',
  SOL_ICMPV6: 'IPPROTO_ICMPV6',
};

/**
 * A line of strace as a call. Left out: what only asks (getsockopt, getsockname, getpeername), and what found nothing
 * to do (EAGAIN); a connect(2) that goes on in the background is logged when it is over, so its result is.
 */
function fromStrace(line: string): string[] {
  const match = /^(\w+)\((.*)\)\s+= (-?\d+)(?: (E\w+))?/.exec(line);
  if (match === null || match[4] === 'EAGAIN') return [];
  const [, name = '', text = '', value = ''] = match;
  const result = match[4] ?? value;
  const [fd = '', second = '', third = ''] = text.split(', ');
  switch (name) {
    case 'socket':
      return [`socket ${fd} ${second.split('|')[0]} ${third} = ${result}`];
    case 'setsockopt': {
      const level = LEVELS[second] ?? second;
      // strace knows this level's one option by its number only.
      const option = level === 'IPPROTO_ICMPV6' && third === '1' ? 'ICMP6_FILTER' : third.replace(/_OLD$/, '');
      return [`setsockopt ${fd} ${level} ${option} = ${result}`];
    }
    case 'bind':
      return [`bind ${fd} ${address(text)} = ${result}`];
    case 'listen':
      return [`listen ${fd} ${second} = ${result}`];
    case 'accept4':
      return [`accept ${address(text)} = ${result}`];
    case 'connect':
      return [`connect ${fd} ${address(text)}`];
    case 'shutdown':
      return [`shutdown ${second} = ${result}`];
    case 'recvmmsg':
    case 'sendmmsg':
      // What sends nothing only makes the next call faster.
      return text.includes('MSG_PROBE') ? [] : [`${name} ${fd} = ${result}`];
    default:
      return [];
  }
}

function address(text: string): string {
  const port = /sin6?_port=htons\((\d+)\)/.exec(text)?.[1];
  const v4 = /inet_addr\("([^"]+)"\)/.exec(text)?.[1];
  const v6 = /inet_pton\(AF_INET6, "([^"]+)"/.exec(text)?.[1];
  return v6 === undefined ? `${v4}:${port}` : `[${v6}]:${port}`;
}

describe.skipIf(!hasCommand('strace'))('the log beside strace', () => {
  it('tcp serve and tcp connect, with options before and after bind', async () => {
    const server = traced([
      'tcp',
      'serve',
      '127.0.0.1:0',
      '--echo',
      '--once',
      '--backlog',
      '7',
      '--opt',
      'SO_RCVBUF=64k',
    ]);
    const port = await server.running.port();
    const client = traced(
      ['tcp', 'connect', `127.0.0.1:${port}`, '--source', '127.0.0.9', '--opt', 'TCP_NODELAY', '--opt', 'IP_TTL=9'],
      { input: 'hello' },
    );
    const [served, connected] = await Promise.all([server.running.done, client.running.done]);
    expect([served.code, connected.code, connected.stdout.toString()]).toEqual([0, 0, 'hello']);
    for (const { logged, traced } of [server.calls(served), client.calls(connected)]) {
      expect(logged).toEqual(traced);
      expect(logged.length).toBeGreaterThan(4);
    }
    // What both lists have must be the calls of the manual pages, in their order.
    expect(client.calls(connected).logged.map((call) => call.split(' ')[0])).toEqual([
      'socket',
      'bind',
      'setsockopt',
      'setsockopt',
      'connect',
      'shutdown',
    ]);
    expect(server.calls(served).logged.map((call) => call.split(' ')[0])).toEqual([
      'socket',
      'setsockopt',
      'setsockopt',
      'bind',
      'listen',
      'accept',
      'shutdown',
    ]);
  });

  it('a refused connection, and an address that is taken', async () => {
    const refused = traced(['tcp', 'connect', '127.0.0.1:1']);
    const ended = await refused.running.done;
    expect(ended.code).toBe(1);
    const lists = refused.calls(ended);
    expect(lists.logged).toEqual(lists.traced);
    const holder = start(['udp', 'recv', '127.0.0.1:0'], { holdInput: true });
    const port = await holder.port();
    const second = traced(['udp', 'recv', `127.0.0.1:${port}`]);
    const failed = await second.running.done;
    expect(failed.code).toBe(1);
    const both = second.calls(failed);
    expect(both.logged).toEqual(both.traced);
    expect(both.logged.at(-1)).toMatch(/^bind .* = EADDRINUSE$/);
    await holder.signal('SIGINT');
  });

  it.each(['127.0.0.1', '[::1]'])('udp recv and udp send on %s', async (host) => {
    const receiver = traced(['udp', 'recv', `${host}:0`, '--count', '3', '--echo']);
    const port = await receiver.running.port();
    const sender = traced([
      'udp',
      'send',
      `${host}:${port}`,
      '--data',
      'x',
      '--count',
      '3',
      '--rate',
      '50',
      '--wait',
      '0.2',
    ]);
    const [received, sent] = await Promise.all([receiver.running.done, sender.running.done]);
    expect([received.code, sent.code]).toEqual([0, 0]);
    for (const { logged, traced } of [receiver.calls(received), sender.calls(sent)]) {
      expect(logged).toEqual(traced);
      expect(logged.length).toBeGreaterThan(6);
    }
  });

  it.for(['127.0.0.1', '::1'])('raw ping of %s', async (host, ctx) => {
    if (!isRoot) return ctx.skip('raw sockets need root');
    const ping = traced(['raw', 'ping', host, '-c', '2', '-i', '0.05']);
    const ended = await ping.running.done;
    expect(ended.code).toBe(0);
    const { logged, traced: calls } = ping.calls(ended);
    expect(logged).toEqual(calls);
    expect(logged.filter((call) => call.startsWith('sendmmsg'))).toHaveLength(2);
    return undefined;
  });
});
