/** tcp serve and tcp connect against nc, ncat and socat, both ways, byte for byte. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand } from '../hosts/machine.js';
import { Running, run, start } from './process.js';

const BIG = 100 << 20;
let folder: string;
let file: string;
let digest: string;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  file = join(folder, 'big');
  // Random blocks with runs of zeros between them: every byte value, and long stretches of nothing.
  const block = Buffer.concat([randomBytes(1 << 20), Buffer.alloc(1 << 20)]);
  const bytes = Buffer.concat(Array.from({ length: BIG / block.length }, () => block));
  writeFileSync(file, bytes);
  digest = sha256(bytes);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A client of each peer: sends the file, ends its half, prints what comes. */
const CLIENTS: Record<string, (port: number) => [string, string[]]> = {
  nc: (port) => ['nc', ['-N', '127.0.0.1', String(port)]],
  ncat: (port) => ['ncat', ['127.0.0.1', String(port)]],
  socat: (port) => ['socat', ['-t', '30', '-', `TCP:127.0.0.1:${port}`]],
};

/** A server of each peer on a port that is free when it starts. */
const SERVERS: Record<string, (port: number) => [string, string[]]> = {
  nc: (port) => ['nc', ['-N', '-l', '127.0.0.1', String(port)]],
  ncat: (port) => ['ncat', ['-l', '127.0.0.1', String(port)]],
  socat: (port) => ['socat', ['-t', '30', '-', `TCP-LISTEN:${port},bind=127.0.0.1`]],
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Waits until something listens: a connection would be taken as the test's own by a server for one. */
async function listening(port: number): Promise<void> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  for (let tries = 0; tries < 2000; tries++) {
    if (readFileSync('/proc/net/tcp', 'latin1').includes(wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nothing listens on ${port}`);
}

describe.each(Object.entries(CLIENTS))('%s as the client', (peer, client) => {
  it('sends 100 MB to tcp serve, which ends when the client has ended', async (ctx) => {
    if (!hasCommand(peer)) ctx.skip(`${peer} is not installed`);
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once']);
    const [command, args] = client(await server.port());
    const sent = await run('sh', ['-c', `exec "$@" < '${file}'`, 'sh', command, ...args]);
    const { code, stdout } = await server.done;
    expect(sent.code).toBe(0);
    expect(code).toBe(0);
    expect(stdout.length).toBe(BIG);
    expect(sha256(stdout)).toBe(digest);
  });

  it('gets 100 MB back from --echo after it has shut its half down', async (ctx) => {
    if (!hasCommand(peer)) ctx.skip(`${peer} is not installed`);
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--echo']);
    const [command, args] = client(await server.port());
    const { stdout } = await run('sh', ['-c', `exec "$@" < '${file}'`, 'sh', command, ...args]);
    expect(sha256(stdout)).toBe(digest);
    expect((await server.done).code).toBe(0);
  });

  it('gets what stdin of tcp serve holds, sent before it connected', async (ctx) => {
    if (!hasCommand(peer)) ctx.skip(`${peer} is not installed`);
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once'], { input: 'early\0bird\n' });
    const [command, args] = client(await server.port());
    const { stdout } = await run(command, args, { input: '' });
    expect(stdout.toString()).toBe('early\0bird\n');
    expect((await server.done).code).toBe(0);
  });
});

describe.each(Object.entries(SERVERS))('%s as the server', (peer, server) => {
  it('says its part, ends its half, and gets 100 MB from tcp connect afterwards', async (ctx) => {
    if (!hasCommand(peer)) ctx.skip(`${peer} is not installed`);
    const port = await freePort();
    const [command, args] = server(port);
    const peerProcess = new Running(command, args, { input: 'first word\n' });
    await listening(port);
    const client = start(['tcp', 'connect', `127.0.0.1:${port}`], { holdInput: true });
    await client.until(({ stdout }) => (stdout.toString() === 'first word\n' ? true : undefined));
    client.child.stdin?.end(readFileSync(file));
    const [sent, got] = await Promise.all([client.done, peerProcess.done]);
    expect(sent.code).toBe(0);
    expect(sha256(got.stdout)).toBe(digest);
  });
});

it('socat as the server answers after the client has ended', async (ctx) => {
  // nc and ncat close when the client's half ends; socat keeps its own half open.
  if (!hasCommand('socat')) ctx.skip('socat is not installed');
  const port = await freePort();
  const server = new Running('socat', ['-t', '30', '-', `TCP-LISTEN:${port},bind=127.0.0.1`], { holdInput: true });
  await listening(port);
  const client = start(['tcp', 'connect', `127.0.0.1:${port}`], { input: 'question\n' });
  await server.until(({ stdout }) => (stdout.toString() === 'question\n' ? true : undefined));
  server.child.stdin?.end('answer after the end\n');
  const [sent] = await Promise.all([client.done, server.done]);
  expect(sent.code).toBe(0);
  expect(sent.stdout.toString()).toBe('answer after the end\n');
});

describe('sockctl with itself', () => {
  it('carries nothing at all', async () => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once']);
    const client = start(['tcp', 'connect', `127.0.0.1:${await server.port()}`]);
    const [sent, got] = await Promise.all([client.done, server.done]);
    expect([sent.code, got.code, sent.stdout.length, got.stdout.length]).toEqual([0, 0, 0, 0]);
  });

  it('talks over a unix socket and removes its file', async () => {
    const path = join(folder, 'socket');
    const server = start(['tcp', 'serve', `unix:${path}`, '--once', '--echo']);
    await server.until(({ stderr }) => (stderr.includes('listening on') ? true : undefined));
    const client = await start(['tcp', 'connect', `unix:${path}`], { input: 'through a file\n' }).done;
    expect(client.stdout.toString()).toBe('through a file\n');
    expect((await server.done).code).toBe(0);
    expect(() => readFileSync(path)).toThrow('ENOENT');
  });

  it.each(['native', 'portable'])('exchanges bytes on the %s backend', async (backend) => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--echo', '--backend', backend]);
    const client = start(['tcp', 'connect', `127.0.0.1:${await server.port()}`, '--backend', backend], {
      input: 'both ways',
    });
    expect((await client.done).stdout.toString()).toBe('both ways');
    expect((await server.done).code).toBe(0);
  });

  it('sends stdin to every client and stops on SIGTERM with a summary', async () => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--json'], { holdInput: true });
    const port = await server.port();
    const clients = [1, 2, 3].map(() => start(['tcp', 'connect', `127.0.0.1:${port}`], { holdInput: true }));
    await server.until(({ stderr }) => (stderr.split('"event":"accept"').length === 4 ? true : undefined));
    server.child.stdin?.write('to all\n');
    await Promise.all(
      clients.map((c) => c.until(({ stdout }) => (stdout.toString() === 'to all\n' ? true : undefined))),
    );
    server.child.stdin?.end();
    for (const client of clients) client.child.stdin?.end();
    for (const client of clients) expect((await client.done).code).toBe(0);
    const { code, stdout } = await server.signal('SIGTERM');
    expect(code).toBe(0);
    const last = JSON.parse(stdout.toString().trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({ type: 'tcp.summary', connections: 3, bytesOut: 21, endReason: 'interrupted' });
  });
});
