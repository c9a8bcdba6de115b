/** The modes and the limits of tcp serve, with Node's sockets and real programs as clients. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand } from '../hosts/machine.js';
import { type Running, records, run, sockctl, start } from './process.js';

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** A client of Node's whose errors are not of interest. */
async function client(port: number, host = '127.0.0.1', localAddress?: string): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true, ...(localAddress === undefined ? {} : { localAddress }) });
  socket.on('error', () => undefined);
  clients.push(socket);
  await once(socket, 'connect');
  return socket;
}

function readAll(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.once('end', () => resolve(Buffer.concat(parts)));
    socket.once('close', () => resolve(Buffer.concat(parts)));
  });
}

/** What a client gets that the server resets as soon as it has accepted it. */
function turnedAway(port: number, localAddress: string): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  clients.push(socket);
  return readAll(socket);
}

/** The log says so much about connections: waits for it. */
const told = (server: Running, pattern: RegExp) => server.until(({ stderr }) => pattern.exec(stderr) ?? undefined);

describe.each(['native', 'portable'])('%s backend', (backend) => {
  const serve = (...args: string[]) => start(['tcp', 'serve', '127.0.0.1:0', '--backend', backend, ...args]);

  it('--chargen sends the pattern of RFC 864 until the client has enough', async () => {
    const server = serve('--chargen');
    const socket = await client(await server.port());
    let got = Buffer.alloc(0);
    socket.on('data', (part: Buffer) => {
      got = Buffer.concat([got, part]);
      if (got.length > 1_000_000) socket.destroy();
    });
    await once(socket, 'close');
    const lines = got.toString('latin1').split('\r\n');
    expect(lines[0]).toBe(Array.from({ length: 72 }, (_, i) => String.fromCharCode(32 + i)).join(''));
    expect(lines[1]?.[0]).toBe('!');
    expect(lines[95]).toBe(lines[0]);
    expect(lines.slice(0, -1).every((line) => line.length === 72)).toBe(true);
    const { code, stderr } = await server.signal('SIGTERM');
    expect([code, stderr.includes('"level":"warn"')]).toEqual([0, false]);
  });

  it('--send sends the whole file to every client', async () => {
    const bytes = randomBytes(5_000_003);
    const path = join(folder, 'to-send');
    writeFileSync(path, bytes);
    const server = serve('--send', path);
    const port = await server.port();
    const sockets = await Promise.all([client(port), client(port), client(port)]);
    const got = await Promise.all(sockets.map(readAll));
    expect(got.map(digest)).toEqual(Array(3).fill(digest(bytes)));
    for (const socket of sockets) socket.end();
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });

  it('--save keeps what each client sends, and nothing is written over', async () => {
    const saved = join(folder, `saved-${backend}`, 'deeper');
    const sent = [randomBytes(3_000_000), Buffer.alloc(0), Buffer.from('third')];
    for (const bytes of sent) {
      const server = serve('--save', saved, '--once');
      const socket = await client(await server.port());
      socket.resume().end(bytes);
      expect((await server.done).code).toBe(0);
    }
    const files = readdirSync(saved);
    expect(files).toHaveLength(3);
    expect(files.every((name) => /^000001-127\.0\.0\.1_\d+/.test(name))).toBe(true);
    const digests = files.map((name) => digest(readFileSync(join(saved, name)))).sort();
    expect(digests).toEqual(sent.map(digest).sort());
  });

  it('--proxy joins both halves each way', async () => {
    const target = start(['tcp', 'serve', '--echo', '127.0.0.1:0']);
    const server = serve('--proxy', `127.0.0.1:${await target.port()}`);
    const socket = await client(await server.port());
    const bytes = randomBytes(4_000_000);
    const reading = readAll(socket);
    socket.end(bytes);
    expect(digest(await reading)).toBe(digest(bytes));
    expect((await server.signal('SIGTERM')).code).toBe(0);
    await target.signal('SIGTERM');
  });

  it('--proxy closes a client whose target refuses, and serves the next', async () => {
    const server = serve('--proxy', '127.0.0.1:1');
    const port = await server.port();
    for (let i = 0; i < 2; i++) expect((await readAll(await client(port))).length).toBe(0);
    await told(server, /127\.0\.0\.1:1: connection refused/);
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });

  it('--exec runs a command for each client, with the addresses in its environment', async () => {
    const script =
      'read line; echo "$line from $SOCKCTL_REMOTE_ADDRESS:$SOCKCTL_REMOTE_PORT number $SOCKCTL_CONNECTION"; cat';
    const server = serve('--exec', script);
    const port = await server.port();
    for (const number of [1, 2]) {
      const socket = await client(port);
      const { localPort } = socket;
      const reading = readAll(socket);
      socket.write('hello\n');
      socket.end('rest\0of it');
      expect((await reading).toString()).toBe(`hello from 127.0.0.1:${localPort} number ${number}\nrest\0of it`);
    }
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });

  it('--exec lets a command finish its work after SIGTERM', async () => {
    const server = serve('--exec', 'echo begun; read line; echo "ended with $line"');
    const socket = await client(await server.port());
    const reading = readAll(socket);
    await once(socket, 'data');
    const ending = server.signal('SIGTERM');
    await told(server, /1 open connections have \d+ ms to end/);
    socket.end('grace\n');
    expect((await reading).toString()).toBe('begun\nended with grace\n');
    expect((await ending).code).toBe(0);
  });

  it('--exec of what ends at once, or does not read, or is hung up, harms nobody', async () => {
    const server = serve(
      '--exec',
      'case $SOCKCTL_CONNECTION in 1) true;; 2) echo two; exec sleep 1000;; *) cat;; esac',
    );
    const port = await server.port();
    const first = await client(port);
    first.write(randomBytes(100_000));
    await readAll(first);
    const second = await client(port);
    await once(second, 'data');
    second.resetAndDestroy();
    await told(server, /"event":"close"[^\n]*"connection":2/);
    const third = await client(port);
    const reading = readAll(third);
    third.end('still served');
    expect((await reading).toString()).toBe('still served');
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });

  it('--allow and --deny turn others away', async () => {
    const server = serve('--echo', '--allow', '127.0.0.0/30', '--deny', '127.0.0.2/32', '--json');
    const port = await server.port();
    const served = await client(port, '127.0.0.1', '127.0.0.1');
    const reading = readAll(served);
    served.end('yes');
    expect((await reading).toString()).toBe('yes');
    for (const address of ['127.0.0.2', '127.0.0.9']) {
      expect((await turnedAway(port, address)).length).toBe(0);
    }
    await told(server, /127\.0\.0\.9:\d+ turned away: not allowed/);
    const { stdout } = await server.signal('SIGTERM');
    expect(records(stdout).at(-1)).toMatchObject({ type: 'tcp.summary', connections: 1, refused: 2 });
  });

  it('--idle-timeout closes who says nothing, and nobody else', async () => {
    const server = serve('--echo', '--idle-timeout', '400ms');
    const port = await server.port();
    const [silent, busy] = await Promise.all([client(port), client(port)]);
    const talking = setInterval(() => busy.write('x'), 50);
    await once(silent.resume(), 'end');
    expect(busy.destroyed).toBe(false);
    await told(server, /idle for 400 ms, closing it/);
    clearInterval(talking);
    busy.destroy();
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });

  it('--max-connections with --refuse closes the others at once', async () => {
    const server = serve('--echo', '--max-connections', '2', '--refuse');
    const port = await server.port();
    await Promise.all([client(port), client(port)]);
    await told(server, /"event":"accept"[^\n]*"connection":2/);
    expect((await turnedAway(port, '127.0.0.1')).length).toBe(0);
    await told(server, /turned away: 2 connections are open/);
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });
});

describe('limits of the native backend', () => {
  it('--max-connections leaves the others in the queue, and takes them in their turn', async () => {
    const server = start(['tcp', 'serve', '--echo', '127.0.0.1:0', '--max-connections', '2']);
    const port = await server.port();
    const sockets = await Promise.all([client(port), client(port), client(port)]);
    const answers = sockets.map((socket) => {
      socket.write('x');
      return once(socket, 'data').then(() => socket);
    });
    const [first, second] = [await Promise.race(answers), undefined];
    expect(second).toBeUndefined();
    await told(server, /"event":"accept"[^\n]*"connection":2/);
    expect(server.stderr).not.toMatch(/"connection":3/);
    first.destroy();
    await told(server, /"event":"accept"[^\n]*"connection":3/);
    await Promise.all(answers);
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });

  it('the portable backend says that it cannot leave them there', async () => {
    const { code, stderr } = await sockctl([
      'tcp',
      'serve',
      ':0',
      '--echo',
      '--max-connections',
      '2',
      '--backend',
      'portable',
    ]);
    expect([code, stderr]).toEqual([
      2,
      "sockctl: portable backend: connections can't be left in the queue; give --refuse, or use --backend native\n",
    ]);
  });
});

describe('clients that share stdin', () => {
  it('a slow one is told of, and with --drop-slow disconnected', async () => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--drop-slow'], { holdInput: true });
    const port = await server.port();
    const [slow, good] = [await client(port), await client(port)];
    slow.pause();
    let received = 0;
    good.on('data', (part: Buffer) => {
      received += part.length;
    });
    await told(server, /"event":"accept"[^\n]*"connection":2/);
    const total = 30_000_000;
    server.child.stdin?.end(Buffer.alloc(total, 'x'));
    await told(server, /connection 1 is slow: dropped/);
    await once(good, 'end');
    expect(received).toBe(total);
    good.end();
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });
});

describe('wrong on purpose', () => {
  it.each([
    [['--echo', '--chargen'], 2, '--echo and --chargen: one mode at a time'],
    [['--send', '/no/such/file'], 1, 'open /no/such/file: no such file or directory'],
    [['--send', '/tmp'], 2, '/tmp: not a regular file; name a file to send'],
    [['--refuse', '--echo'], 2, '--refuse: it is about --max-connections'],
    [['--drop-slow', '--echo'], 2, '--drop-slow with --echo'],
    [['--allow', '10.0.0.1/8'], 2, 'did you mean 10.0.0.0/8?'],
    [['--allow', 'here'], 2, "bad address 'here'"],
    [['--proxy', 'nowhere'], 2, 'the port is missing'],
    [['--idle-timeout', '0'], 2, 'is not above zero'],
    [['--max-connections', '0'], 2, 'is not a whole number from 1'],
  ] as const)('%s', async (args, exit, message) => {
    const { code, stderr } = await sockctl(['tcp', 'serve', '127.0.0.1:0', ...args]);
    expect([code, stderr.trimEnd().split('\n').length]).toEqual([exit, 1]);
    expect(stderr).toContain(message);
  });
});

describe('peers', () => {
  it.skipIf(!hasCommand('socat'))('socat and nc take what --send sends', async () => {
    const bytes = randomBytes(2_000_000);
    const path = join(folder, 'for-peers');
    writeFileSync(path, bytes);
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--send', path]);
    const port = await server.port();
    const socat = await run('socat', ['-u', `TCP:127.0.0.1:${port}`, '-']);
    expect(digest(socat.stdout)).toBe(digest(bytes));
    if (hasCommand('nc')) {
      const nc = await run('nc', ['-N', '127.0.0.1', String(port)], { input: '' });
      expect(digest(nc.stdout)).toBe(digest(bytes));
    }
    await server.signal('SIGTERM');
  });
});
