/** tcp connect: what it does before, beside and after the transfer. */
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { namespaceObstacle } from '../hosts/machine.js';
import { createHostPair } from '../hosts/namespaces.js';
import { MAIN, Running, records, sockctl, start } from './process.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server of Node's, at a port of its own or at a given one. */
async function listen(onConnection: Parameters<typeof createServer>[1], port = 0): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, onConnection);
  servers.push(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('--check', () => {
  it('tells an open port from a closed one, and sends nothing', async () => {
    let got = 0;
    const port = await listen((socket) => {
      socket
        .on('error', () => undefined)
        .on('data', (bytes) => {
          got += bytes.length;
        });
    });
    const open = await sockctl(['tcp', 'connect', `127.0.0.1:${port}`, '--check'], { input: 'not to be sent' });
    expect([open.code, open.stdout.toString()]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:${port} is open, connected in \\d+\\.\\d+ ms\\n$`)),
    ]);
    expect(got).toBe(0);
    const json = await sockctl(['tcp', 'connect', `127.0.0.1:${port}`, '--check', '--json']);
    expect(records(json.stdout)).toMatchObject([
      { type: 'tcp.check', open: true, remote: { address: '127.0.0.1', port, family: 'ipv4' } },
      { type: 'tcp.summary', endReason: 'eof' },
    ]);
    const closed = await sockctl(['tcp', 'connect', '127.0.0.1:1', '--check']);
    expect([closed.code, closed.stderr]).toEqual([1, expect.stringContaining('connection refused')]);
  });
});

describe('--retry', () => {
  it('goes on until the server is there', async () => {
    const port = await listen(() => undefined);
    const [first] = servers.splice(0);
    await new Promise((resolve) => first?.close(resolve));
    const client = start(['tcp', 'connect', `127.0.0.1:${port}`, '--retry', '20'], { input: 'hello' });
    await client.until(({ stderr }) => (stderr.includes('trying again') ? true : undefined));
    await listen((socket) => socket.pipe(socket), port);
    const { code, stdout } = await client.done;
    expect([code, stdout.toString()]).toEqual([0, 'hello']);
  });

  it('gives up after so many, and does not try what cannot pass', async () => {
    const { code, stderr } = await sockctl(['tcp', 'connect', '127.0.0.1:1', '--retry', '2']);
    expect(code).toBe(1);
    expect(stderr.match(/trying again in (\d+) ms/g)).toEqual(['trying again in 200 ms', 'trying again in 400 ms']);
    const wrong = await sockctl(['tcp', 'connect', '127.0.0.1:1', '--retry', '2', '--opt', 'SOL_SOCKET:9999=1']);
    expect([wrong.code, wrong.stderr.includes('trying again')]).toEqual([1, false]);
  });

  it('ends at once with a signal', async () => {
    const client = start(['tcp', 'connect', '127.0.0.1:1', '--retry', '50'], { holdInput: true });
    await client.until(({ stderr }) => (stderr.includes('trying again') ? true : undefined));
    expect((await client.signal('SIGINT')).code).toBe(130);
  });
});

describe('--idle-timeout', () => {
  it('gives up on a server that says nothing', async () => {
    const port = await listen((socket) => socket.on('error', () => undefined).resume());
    const { code, stderr } = await sockctl(['tcp', 'connect', `127.0.0.1:${port}`, '--idle-timeout', '300ms'], {
      holdInput: true,
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining(`127.0.0.1:${port}: nothing came or went for 300 ms`)]);
  });
});

describe('--info and --interval', () => {
  it('tell what has moved, and what the kernel knows', async () => {
    const port = await listen((socket) => {
      const timer = setInterval(() => socket.write('x'.repeat(1000)), 20);
      socket
        .on('error', () => undefined)
        .on('close', () => clearInterval(timer))
        .resume();
    });
    const flags = ['--info', '--interval', '100ms', '--json'];
    const client = start(['tcp', 'connect', `127.0.0.1:${port}`, ...flags], { holdInput: true });
    await client.until(({ stdout }) => (stdout.toString().split('tcp.interval').length > 3 ? true : undefined));
    const { stdout } = await client.signal('SIGINT');
    const all = records(stdout);
    const interval = all.filter(({ type }) => type === 'tcp.interval')[1];
    expect(interval).toMatchObject({ bytesOut: 0, info: { state: 'ESTABLISHED' } });
    expect(interval?.bytesIn).toBeGreaterThan(0);
    const info = all.find(({ type }) => type === 'tcp.info');
    expect(info).toMatchObject({ sendMss: expect.any(Number), rttMs: expect.any(Number), totalRetransmits: 0 });
    expect(info?.bytesReceived).toBeGreaterThan(2000);
    expect(all.at(-1)).toMatchObject({ type: 'tcp.summary', endReason: 'interrupted' });
  });
});

describe('a name with several addresses', () => {
  it('is raced: a silent address costs a quarter of a second, and the log has the order', async (ctx) => {
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const pair = createHostPair();
    const etc = `/etc/netns/${pair.a.name}`;
    try {
      mkdirSync(etc, { recursive: true });
      // Nobody answers for the first: no neighbour has it, and the system says so after three seconds only.
      writeFileSync(`${etc}/hosts`, `10.99.0.3 both\n${pair.b.ipv4} both\n`);
      const server = new Running(process.execPath, [MAIN, 'tcp', 'serve', '--echo', `${pair.b.ipv4}:4000`], {
        under: pair.b.under,
        holdInput: true,
      });
      await server.until(({ stderr }) => (stderr.includes('listening on') ? true : undefined));
      const started = performance.now();
      const client = new Running(process.execPath, [MAIN, 'tcp', 'connect', 'both:4000', '-v'], {
        under: pair.a.under,
        input: 'over there',
      });
      const { code, stdout, stderr } = await client.done;
      expect([code, stdout.toString()], stderr).toEqual([0, 'over there']);
      expect(performance.now() - started).toBeLessThan(2500);
      const attempts = [...stderr.matchAll(/attempt (\d) of 2: ([\d.]+)/g)].map(([, n, ip]) => `${n} ${ip}`);
      expect(attempts.slice(0, 2).sort()).toHaveLength(2);
      expect(stderr).toContain(`connected to ${pair.b.ipv4}:4000`);
      await server.signal('SIGTERM');
    } finally {
      pair.remove();
      rmSync(etc, { recursive: true, force: true });
    }
    return undefined;
  });
});

describe('--hex', () => {
  it('dumps both directions on stderr, each with its own offsets, and leaves stdout alone', async () => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--exec', 'cat; printf "\\033[2J%020d" 7']);
    const args = ['tcp', 'connect', `127.0.0.1:${await server.port()}`, '--hex', '-q'];
    const { stdout, stderr } = await sockctl(args, { input: 'GET / é\0\n' });
    expect(stdout.toString()).toBe('GET / é\0\n\x1b[2J00000000000000000007');
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toBe('> 00000000  47 45 54 20 2f 20 c3 a9  00 0a                    |GET / ....|');
    const received = lines.filter((line) => line.startsWith('<')).map((line) => line.slice(2, 10));
    expect(received[0]).toBe('00000000');
    expect(received.length).toBeGreaterThanOrEqual(3);
    expect(stderr).not.toContain('\x1b');
  });
});
