/** Every row of the option table on a real socket of every kind that it claims: set, and read back. */
import { describe, expect, it } from 'vitest';
import { SocketError, UsageError } from '../../src/errors.js';
import { silentLogger } from '../../src/log/events.js';
import { SOCKET_KINDS, type SocketKind, type SocketOption } from '../../src/options/row.js';
import { checkSettings, parseSetting, refuseConnected } from '../../src/options/settings.js';
import { option, SOCKET_OPTIONS } from '../../src/options/table.js';
import type { OptionValue } from '../../src/options/types/type.js';
import { inetEndpoint } from '../../src/sockaddr/endpoint.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { nativeBackend } from '../../src/socket/native/backend.js';
import { openForOption, readDefaults } from '../../src/socket/native/defaults.js';
import type { Descriptor } from '../../src/socket/native/descriptor.js';
import { type Libc, loadLibc } from '../../src/socket/native/libc.js';
import { fitsFamily, getOption, setOption } from '../../src/socket/native/sockopt.js';
import type { OpenedSocket, StreamConnection } from '../../src/socket/port.js';
import { run } from '../cli/process.js';
import { hasIPv6, isRoot, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair } from '../hosts/namespaces.js';
import { sample } from './option-samples.js';

/** Set in the environment of the run inside of the namespace. */
const INSIDE = 'SOCKCTL_TEST_INSIDE';

/** What the kernel makes of a value, where that is another one. */
const IN_EFFECT: Record<string, (wanted: OptionValue, now: OptionValue | undefined) => boolean> = {
  // socket(7): doubled, and at least a minimum.
  SO_SNDBUF: (wanted, now) => Number(now) >= 2 * Number(wanted),
  SO_RCVBUF: (wanted, now) => Number(now) >= 2 * Number(wanted),
  // The home address is always preferred to a care-of address.
  IPV6_ADDR_PREFERENCES: (wanted, now) => (Number(now) & Number(wanted)) === Number(wanted),
  // It is told of a connected socket only.
  IPV6_MTU: (_, now) => now === undefined,
  // tcp(7): rounded to the times of retransmissions, and to half of the smallest buffer.
  TCP_DEFER_ACCEPT: (wanted, now) => Number(now) >= Number(wanted),
  TCP_WINDOW_CLAMP: (wanted, now) => Number(now) >= Number(wanted),
};

/** Errors that say that this system lacks what an option is about. */
const ABSENT: Record<string, readonly string[]> = {
  // It takes a memory cgroup.
  SO_RESERVE_MEM: ['EOPNOTSUPP'],
};

const pairs = SOCKET_OPTIONS.filter(({ phase }) => phase !== 'connected').flatMap((row) =>
  row.sockets.map((kind) => [row.name, kind, row] as [string, SocketKind, SocketOption]),
);
const others = SOCKET_OPTIONS.filter(({ writable }) => writable).flatMap((row) =>
  SOCKET_KINDS.filter((kind) => !row.sockets.includes(kind)).map((kind) => [row.name, kind, row] as const),
);

/** A socket for `row`, or why there is none. */
function open(libc: Libc, kind: SocketKind, row: SocketOption): Descriptor | string {
  if (!hasIPv6 && !fitsFamily(row, false)) return 'no IPv6 here';
  try {
    return openForOption(libc, kind, row);
  } catch (error) {
    // A raw or packet socket without privileges, a ping socket where the system does not allow them.
    if (error instanceof SocketError && ['EPERM', 'EACCES'].includes(error.code)) return error.message;
    throw error;
  }
}

describe('the option table on real sockets', () => {
  it.for(pairs)('%s on a %s socket', async ([name, kind, row], ctx) => {
    const libc = await loadLibc();
    const descriptor = open(libc, kind, row);
    if (typeof descriptor === 'string') return ctx.skip(descriptor);
    try {
      for (const text of row.requires ?? []) {
        if (setOption(libc, descriptor.fd, parseSetting(text)) === 0) continue;
        expect(isRoot, text).toBe(false);
        return ctx.skip(`${libc.errnoName(libc.errno())} for ${text} before it`);
      }
      if (!row.writable) {
        expect(getOption(libc, descriptor.fd, row)).toBeDefined();
        return undefined;
      }
      const { value } = parseSetting(`${name}=${sample(row)}`);
      if (setOption(libc, descriptor.fd, { option: row, value }) < 0) {
        const code = libc.errnoName(libc.errno());
        if (row.since !== undefined && code === 'ENOPROTOOPT') return ctx.skip(`it takes Linux ${row.since}`);
        if (ABSENT[name]?.includes(code)) return ctx.skip(`not on this system: ${code}`);
        // Without the capability that the row names it may be refused.
        expect([isRoot, row.capability !== undefined], code).toEqual([false, true]);
        expect(['EPERM', 'EACCES']).toContain(code);
        return ctx.skip(`${code} without ${row.capability}`);
      }
      if (!row.readable) return undefined;
      const now = getOption(libc, descriptor.fd, row);
      const right = IN_EFFECT[name]?.(value, now) ?? now === value;
      expect(right, `set ${value}, then it is ${now}`).toBe(true);
    } finally {
      descriptor.close();
    }
    return undefined;
  });

  it.each(others)('%s is refused on a %s socket', (name, kind, row) => {
    const settings = [parseSetting(`${name}=${sample(row)}`)];
    expect(() => checkSettings(settings, kind)).toThrow(UsageError);
    expect(() => checkSettings(settings, kind)).toThrow(`--opt ${name}: not an option of a ${kind} socket`);
  });

  it('has defaults for what can be read, of both families', async () => {
    const stream = await readDefaults('stream');
    expect(stream.get(option('TCP_NODELAY'))).toEqual(hasIPv6 ? { ipv4: 0, ipv6: 0 } : { ipv4: 0 });
    expect(stream.get(option('IP_TTL'))).toEqual({ ipv4: 64 });
    expect(stream.has(option('UDP_CORK'))).toBe(false);
    expect((await readDefaults('datagram')).get(option('SO_BROADCAST'))).toMatchObject({ ipv4: 0 });
  });
});

describe('ping sockets', () => {
  it('take their rows too, in a network namespace that allows them', async (ctx) => {
    if (process.env[INSIDE] !== undefined) return ctx.skip('this is that run');
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, remove } = createHostPair();
    try {
      const allowed = 'net.ipv4.ping_group_range=0 2147483647';
      expect((await run('sysctl', ['-qw', allowed], { under: a.under })).code).toBe(0);
      const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts'];
      const only = ['test/contract/options.test.ts', '-t', 'on a ping socket'];
      const { code, stdout } = await run(process.execPath, [...vitest, ...only], {
        under: a.under,
        env: { [INSIDE]: '1' },
      });
      expect(stdout.toString()).not.toContain('EACCES');
      expect(code, stdout.toString()).toBe(0);
    } finally {
      remove();
    }
    return undefined;
  });
});

describe('options of a connection', () => {
  /** Both ends of a loopback connection; the client is opened with `settings`. */
  async function pair(
    settings: ReturnType<typeof parseSetting>[],
    onOpen?: (socket: OpenedSocket) => void,
    address = '127.0.0.1',
  ) {
    const backend = await nativeBackend(onOpen);
    let accept: (connection: StreamConnection) => void = () => undefined;
    const accepted = new Promise<StreamConnection>((resolve) => {
      accept = resolve;
    });
    const listener = await backend.listen(inetEndpoint(parseIP(address), 0), {
      logger: silentLogger,
      settings: [parseSetting('TCP_SAVE_SYN=1')],
      backlog: 1,
      onConnection: accept,
      onError: () => undefined,
    });
    const client = await backend.connect(listener.local, { logger: silentLogger, settings });
    const server = await accepted;
    const close = async () => {
      client.destroy();
      server.destroy();
      await listener.close();
    };
    return { client, server, close };
  }

  it('are read on it: IP_MTU, TCP_SAVED_SYN', async () => {
    const libc = await loadLibc();
    const { client, server, close } = await pair([]);
    expect(Number(getOption(libc, client.fd ?? -1, option('IP_MTU')))).toBeGreaterThan(500);
    // An IPv4 header and a SYN.
    expect(getOption(libc, server.fd ?? -1, option('TCP_SAVED_SYN'))).toMatch(/^45.{78,}$/);
    await close();
  });

  it('are read on it: IPV6_MTU, IPV6_PATHMTU', async (ctx) => {
    if (!hasIPv6) return ctx.skip('no IPv6 here');
    const libc = await loadLibc();
    const { client, close } = await pair([], undefined, '::1');
    expect(Number(getOption(libc, client.fd ?? -1, option('IPV6_MTU')))).toBeGreaterThan(1279);
    expect(getOption(libc, client.fd ?? -1, option('IPV6_PATHMTU'))).toMatch(/^mtu=\d+$/);
    await close();
    return undefined;
  });

  it('are set on it once it is there: SO_CNX_ADVICE; and TCP_ULP, where the kernel has one', async () => {
    const opened: OpenedSocket[] = [];
    const { close } = await pair([parseSetting('SO_CNX_ADVICE=1')], (socket) => opened.push(socket));
    await close();
    expect(opened.map(({ kind, family }) => `${kind} ${family}`)).toEqual(['stream AF_INET', 'stream AF_INET']);
    const names = [...(opened[1]?.options.keys() ?? [])].map(({ name }) => name);
    for (const name of ['SO_RCVBUF', 'TCP_INFO', 'IP_TTL', 'IP_MTU']) expect(names).toContain(name);
    expect(names).not.toContain('SO_ERROR');
    try {
      await (await pair([parseSetting('TCP_ULP=tls')])).close();
    } catch (error) {
      // Without the module.
      expect(error).toMatchObject({ code: 'ENOENT', syscall: 'setsockopt(TCP_ULP=tls)' });
    }
  });

  it('are refused where there will be none', async () => {
    const settings = [parseSetting('TCP_ULP=tls')];
    expect(() => refuseConnected(settings, 'a listening socket')).toThrow(
      '--opt TCP_ULP: it takes a connection, which a listening socket is not',
    );
    const backend = await nativeBackend();
    const listening = backend.listen(inetEndpoint(parseIP('127.0.0.1'), 0), {
      logger: silentLogger,
      settings,
      backlog: 1,
      onConnection: () => undefined,
      onError: () => undefined,
    });
    await expect(listening).rejects.toThrow(/a listening socket is not/);
  });

  it('TCP_INFO tells of it in units', async () => {
    const { client, server, close } = await pair([]);
    server.duplex.resume();
    client.duplex.write(new Uint8Array(100_000));
    await new Promise((resolve) => server.duplex.once('data', resolve));
    const info = client.info();
    expect(info).toMatchObject({ state: 'ESTABLISHED', totalRetransmits: 0 });
    expect(info?.options).toContain('timestamps');
    expect(info?.rttMs).toBeGreaterThan(0);
    expect(info?.rttMs).toBeLessThan(1000);
    expect(info?.sendMss).toBeGreaterThan(500);
    expect(info?.bytesSent).toBeGreaterThan(0);
    await close();
    await client.closed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(client.info()).toBeUndefined();
  });
});

describe('the kernel on what the table does not know', () => {
  it('is given it by level and number, and its answer is shown', async () => {
    const events: unknown[] = [];
    const logger = { enabled: () => true, log: (level: string, event: object) => events.push({ level, ...event }) };
    const backend = await nativeBackend();
    const settings = ['SOL_SOCKET:8=5000', 'SOL_IP:2=9', '6:1=1', 'SOL_SOCKET:25=text:lo'].map(parseSetting);
    const socket = await backend
      .connect(inetEndpoint(parseIP('127.0.0.1'), 1), { logger, settings })
      .catch((error) => error);
    expect(socket).toMatchObject({ code: 'ECONNREFUSED' });
    expect(events).toContainEqual(
      expect.objectContaining({
        level: 'info',
        event: 'setsockopt',
        optionLevel: 'SOL_SOCKET',
        value: '5000',
        effective: '10000',
      }),
    );
    expect(events).toContainEqual(expect.objectContaining({ option: 'IPPROTO_IP:2', value: '9' }));
    const refused = backend.connect(inetEndpoint(parseIP('127.0.0.1'), 1), {
      logger: silentLogger,
      settings: [parseSetting('SOL_SOCKET:9999=1')],
    });
    await expect(refused).rejects.toMatchObject({ code: 'ENOPROTOOPT', syscall: 'setsockopt(SOL_SOCKET:9999=1)' });
  });
});
