/** tcp connect through proxies: microsocks speaks SOCKS 5, ncat HTTP CONNECT, and rude ones that this test plays. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateFiles, makeCertificates } from '../hosts/certificates.js';
import { hasCommand } from '../hosts/machine.js';
import { type Finished, Running, sockctl, start } from './process.js';
import { freePort, listening } from './stream-peers.js';

let folder: string;
let pem: CertificateFiles;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  pem = await makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function proxy(command: string, args: (port: number) => string[]): Promise<number> {
  const port = await freePort();
  const running = new Running(command, args(port), { holdInput: true });
  ending.push(() => running.signal('SIGTERM'));
  await listening({ port });
  return port;
}

/** A proxy that answers as it is told, whatever it is asked. */
async function rude(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ending.push(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What comes back; the proxies end both halves as soon as one has ended, so ours is held until then. */
async function answer(
  address: string,
  input: string,
  flags: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const client = start(['tcp', 'connect', address, ...flags], { input, holdInput: true, env });
  await client.until(({ received }) => (received > 0 ? true : undefined));
  client.child.stdin?.end();
  return client.done;
}

async function echoServer(flags: readonly string[] = []): Promise<number> {
  const server = start(['tcp', 'serve', '127.0.0.1:0', '--echo', ...flags]);
  ending.push(() => server.signal('SIGTERM'));
  return server.port();
}

const KINDS = [
  ['socks5', 'microsocks', (port: number) => ['-i', '127.0.0.1', '-p', `${port}`]],
  ['http', 'ncat', (port: number) => ['-l', '127.0.0.1', `${port}`, '-k', '--proxy-type', 'http']],
] as const;

describe.each(KINDS)('a proxy that speaks %s', (scheme, program, args) => {
  it('joins on, TLS included, with the payload alone counted', async (ctx) => {
    if (!hasCommand(program)) ctx.skip(`${program} is not installed`);
    const via = `${scheme}://127.0.0.1:${await proxy(program, args)}`;
    const plain = await answer(`127.0.0.1:${await echoServer()}`, 'all the way round', ['--via', via]);
    expect(plain.stdout.toString()).toBe('all the way round');
    expect(plain.stderr).toContain('17 B in, 17 B out');
    const secure = await echoServer(['--tls', '--cert', pem.certificate, '--key', pem.key]);
    const tls = await answer(`127.0.0.1:${secure}`, 'wrapped', ['--via', via, '--tls', '--ca', pem.ca, '-vv']);
    expect(tls.stdout.toString()).toBe('wrapped');
  });

  it('loses nothing of a server that speaks first, with every read traced', async (ctx) => {
    if (!hasCommand(program)) ctx.skip(`${program} is not installed`);
    const via = `${scheme}://127.0.0.1:${await proxy(program, args)}`;
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--exec', 'echo banner']);
    ending.push(() => server.signal('SIGTERM'));
    const address = `127.0.0.1:${await server.port()}`;
    for (const level of ['-q', '-v', '-vv']) {
      const { stdout } = await answer(address, '', ['--via', via, level]);
      expect(stdout.toString()).toBe('banner\n');
    }
  });

  it('says when it can not connect', async (ctx) => {
    if (!hasCommand(program)) ctx.skip(`${program} is not installed`);
    const via = `${scheme}://127.0.0.1:${await proxy(program, args)}`;
    const port = await freePort();
    const { code, stderr } = await sockctl(['tcp', 'connect', `127.0.0.1:${port}`, '--via', via, '-q']);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^sockctl: proxy: no connection to 127.0.0.1:${port}: .*; check the address of`));
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

it('a user and a password are given to SOCKS, and never to the log', async (ctx) => {
  if (!hasCommand('microsocks')) ctx.skip('microsocks is not installed');
  const port = await proxy('microsocks', (free) => ['-i', '127.0.0.1', '-p', `${free}`, '-u', 'me', '-P', 'se:cret']);
  const target = `127.0.0.1:${await echoServer()}`;
  const right = await answer(target, 'let in', ['--via', `socks5://me:se%3Acret@127.0.0.1:${port}`, '-vv']);
  expect(right.stdout.toString()).toBe('let in');
  expect(right.stderr).not.toContain('cret');
  const wrong = await sockctl(['tcp', 'connect', target, '--via', `socks5://me:other@127.0.0.1:${port}`, '-q']);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/authentication/i);
});

it('a user and a password are given to HTTP', async (ctx) => {
  if (!hasCommand('ncat')) ctx.skip('ncat is not installed');
  const args = (free: number) => ['-l', '127.0.0.1', `${free}`, '-k', '--proxy-type', 'http', '--proxy-auth', 'me:pw'];
  const port = await proxy('ncat', args);
  const target = `127.0.0.1:${await echoServer()}`;
  const right = await answer(target, 'in', ['--via', `http://me:pw@127.0.0.1:${port}`]);
  expect(right.stdout.toString()).toBe('in');
  const wrong = await sockctl(['tcp', 'connect', target, '--via', `http://127.0.0.1:${port}`, '-q']);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('407');
});

it('https is that inside TLS', async (ctx) => {
  if (!hasCommand('ncat') || !hasCommand('socat')) ctx.skip('ncat and socat are not both installed');
  const http = await proxy('ncat', (port) => ['-l', '127.0.0.1', `${port}`, '-k', '--proxy-type', 'http']);
  const https = await proxy('socat', (port) => [
    `OPENSSL-LISTEN:${port},bind=127.0.0.1,fork,cert=${pem.both},verify=0`,
    `TCP:127.0.0.1:${http}`,
  ]);
  const target = `127.0.0.1:${await echoServer()}`;
  const trusting = { NODE_EXTRA_CA_CERTS: pem.ca };
  const { stdout } = await answer(target, 'twice', ['--via', `https://127.0.0.1:${https}`], trusting);
  expect(stdout.toString()).toBe('twice');
});

it.each([
  ['socks5', 'ends', (socket: Socket) => socket.end(), /the proxy has ended|Socket closed/],
  ['socks5', 'resets', (socket: Socket) => socket.resetAndDestroy(), /reset|ended|closed/i],
  ['socks5', 'speaks HTTP', (socket: Socket) => socket.write('HTTP/1.0 400 Bad\r\n\r\n'), /no connection to/],
  ['socks5', 'says nothing', () => undefined, /no answer in 300 ms|timed out/],
  ['http', 'ends', (socket: Socket) => socket.end(), /no connection to/],
  ['http', 'resets', (socket: Socket) => socket.resetAndDestroy(), /no connection to/],
  ['http', 'speaks SOCKS', (socket: Socket) => socket.write(Buffer.from([5, 0])), /no connection to|no answer/],
  ['http', 'says nothing', () => undefined, /no answer in 300 ms/],
  [
    'http',
    'never ends its header',
    (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nX: '.padEnd(1 << 20, 'x')),
    /no connection to/,
  ],
])('%s: one that %s is an error in one line', async (scheme, _, answer, expected) => {
  const port = await rude(answer);
  const via = `${scheme}://127.0.0.1:${port}`;
  const args = ['tcp', 'connect', '127.0.0.1:1', '--via', via, '--timeout', '300ms', '-q'];
  const { code, stderr } = await sockctl(args, { holdInput: true });
  expect(code).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(expected);
});

it.each([
  ['nonsense', /--via: not a URL/],
  ['ftp://host', /'ftp' is no kind of proxy/],
  ['http://host/path', /a proxy has no path/],
  ['socks5://%zz:x@host', /bad %-escape/],
])('--via %s is wrong usage', async (via, expected) => {
  const { code, stderr } = await sockctl(['tcp', 'connect', '127.0.0.1:1', '--via', via]);
  expect(code).toBe(2);
  expect(stderr).toMatch(expected);
});
