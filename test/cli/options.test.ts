/** Socket options on the command line: what is set, what is shown, what is refused. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SOCKET_OPTIONS } from '../../src/options/table.js';
import { isRoot } from '../hosts/machine.js';
import { records, sockctl, start } from './process.js';

describe('--print-options', () => {
  it('shows every option of the socket on stderr, and leaves stdout to the payload', async () => {
    const server = start(['tcp', 'serve', '--echo', '127.0.0.1:0', '--once', '--print-options']);
    const port = await server.port();
    const { code, stdout, stderr } = await sockctl(
      ['tcp', 'connect', `127.0.0.1:${port}`, '--print-options', '--opt', 'TCP_KEEPIDLE=77', '--opt', 'IP_TOS=ef'],
      { input: 'hello' },
    );
    expect([code, stdout.toString()]).toEqual([0, 'hello']);
    expect(stderr).toMatch(/^options of the stream socket \d+ \(AF_INET\):$/m);
    expect(stderr).toMatch(/^ {2}TCP_KEEPIDLE +77$/m);
    expect(stderr).toMatch(/^ {2}IP_TOS +ef$/m);
    expect(stderr).toMatch(/^ {2}TCP_INFO +ESTABLISHED, rtt /m);
    const served = await server.done;
    expect(served.stderr).toMatch(/^ {2}SO_ACCEPTCONN +on$/m);
    expect(served.stderr).toMatch(/^ {2}TCP_INFO +LISTEN, /m);
  });

  it("shows those of a capture's sockets", async (ctx) => {
    if (!isRoot) return ctx.skip('capturing needs root');
    const flags = ['-i', 'lo', '--duration', '100ms', '--opt', 'PACKET_IGNORE_OUTGOING', '--print-options', '-q'];
    const { stderr } = await sockctl(['capture', ...flags]);
    expect(stderr).toMatch(/^options of the packet socket \d+ \(AF_PACKET\):$/m);
    expect(stderr).toMatch(/^ {2}PACKET_IGNORE_OUTGOING +on$/m);
    return undefined;
  });

  it('is a record with --json', async () => {
    const { stdout } = await sockctl(['udp', 'send', '127.0.0.1:9', '--data', 'x', '--print-options', '--json']);
    const [first] = records(stdout);
    expect(first).toMatchObject({ type: 'socket.options', kind: 'datagram', family: 'AF_INET' });
    expect(first?.options).toMatchObject({ SO_TYPE: 'SOCK_DGRAM', IP_TTL: '64', IP_RECVERR: 'on' });
  });

  it.each([
    [['capture', 'read', 'x', '--print-options'], 2, /--print-options: this command opens no socket/],
    [['capture', '-i', 'lo', '--opt', 'TCP_NODELAY'], 2, /TCP_NODELAY: not an option of a packet socket/],
    [['doctor', '--opt', 'SO_DEBUG'], 2, /--opt: this command opens no socket/],
    [['udp', 'recv', ':0', '--print-options', '--backend', 'portable'], 2, /node does not show a socket's options/],
  ] as const)('%s is refused', async (args, exit, message) => {
    const { code, stderr } = await sockctl(args);
    expect([code, stderr.split('\n').length]).toEqual([exit, 2]);
    expect(stderr).toMatch(message);
  });
});

describe('--opt', () => {
  it('tells at info what the kernel made of a value', async () => {
    const { stderr } = await sockctl([
      'udp',
      'send',
      '127.0.0.1:9',
      '--data',
      'x',
      '--opt',
      'SO_SNDBUF=10k',
      '--opt',
      'IP_TTL=9',
    ]);
    const events = stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    expect(events.filter(({ event }) => event === 'setsockopt')).toEqual([
      expect.objectContaining({ level: 'info', option: 'SO_SNDBUF', value: '10240', effective: '20480' }),
    ]);
  });

  it('joins a group, and hears it', async () => {
    const receiver = start(['udp', 'recv', '0.0.0.0:0', '--count', '1', '--opt', 'IP_ADD_MEMBERSHIP=239.255.7.7@lo']);
    const port = await receiver.port();
    const flags = ['--opt', 'IP_MULTICAST_IF=127.0.0.1', '--opt', 'IP_MULTICAST_TTL=0'];
    await sockctl(['udp', 'send', `239.255.7.7:${port}`, '--data', 'to all', ...flags]);
    expect((await receiver.done).stdout.toString()).toContain('to all');
  });

  it('filters in the kernel', async () => {
    // Load the first payload byte, after the eight of the UDP header; accept 'y' (121) only.
    const program = '4,48 0 0 8,21 0 1 121,6 0 0 65535,6 0 0 0';
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--count', '1', '--opt', `SO_ATTACH_FILTER=${program}`]);
    const port = await receiver.port();
    for (const data of ['no', 'nay', 'yes']) await sockctl(['udp', 'send', `127.0.0.1:${port}`, '--data', data]);
    const { stdout } = await receiver.done;
    expect(stdout.toString()).toContain('yes');
    expect(stdout.toString()).not.toContain('na');
  });
});

describe('options', () => {
  it('lists every option with its value on a new socket', async () => {
    const { code, stdout } = await sockctl(['options', '--json']);
    expect(code).toBe(0);
    const rows = records(stdout);
    expect(rows.filter(({ type }) => type === 'option')).toHaveLength(SOCKET_OPTIONS.length);
    const longest = Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'));
    expect(rows.find(({ type }) => type === 'argument')).toMatchObject({ name: 'backlog', maximum: longest });
    const nodelay = rows.find(({ name }) => name === 'TCP_NODELAY');
    expect(nodelay).toMatchObject({
      level: 'IPPROTO_TCP',
      number: 1,
      value: { kind: 'flag', description: 'on or off' },
      sockets: ['stream'],
      phase: 'any',
      readable: true,
      writable: true,
      defaults: { stream: { ipv4: 'off' } },
      manual: 'tcp(7)',
    });
    expect(rows.at(-1)).toMatchObject({ type: 'option.summary', options: SOCKET_OPTIONS.length });
  });

  it('tells all of one, and those of one kind of socket, in lines that fit a terminal', async () => {
    const one = (await sockctl(['options', 'so_rcvbufforce'])).stdout.toString();
    expect(one).toMatch(/it can be {3}set only/);
    expect(one).toMatch(/needs {7}CAP_NET_ADMIN/);
    const packet = (await sockctl(['options', '--type', 'packet'])).stdout.toString();
    expect(packet).toMatch(/^PACKET_STATISTICS/m);
    expect(packet).not.toMatch(/^TCP_/m);
    const all = (await sockctl(['options'])).stdout.toString();
    expect(Math.max(...all.split('\n').map((line) => line.length))).toBeLessThan(140);
  });
});

it('a backlog beyond net.core.somaxconn is told of, in the log and by the socket itself', async () => {
  const longest = Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'));
  const backlog = Math.min(65_535, longest + 1);
  const server = start(['tcp', 'serve', '127.0.0.1:0', '--backlog', String(backlog), '--print-options']);
  await server.port();
  const { stderr } = await server.signal('SIGTERM');
  const limit = Math.min(backlog, longest);
  if (backlog > longest) expect(stderr).toContain(`(in effect: ${longest}, net.core.somaxconn)`);
  expect(stderr).toMatch(new RegExp(`TCP_INFO +LISTEN, 0 in the accept queue of ${limit}$`, 'm'));
});
