/** tcp ping: open, refused and silent told apart. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { namespaceObstacle } from '../hosts/machine.js';
import { createHostPair } from '../hosts/namespaces.js';
import { MAIN, records, run, sockctl, start } from './process.js';

async function listening(): Promise<{ port: number; close: () => void }> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, close: () => server.close() };
}

describe.each(['native', 'portable'])('tcp ping, %s backend', (backend) => {
  it('tells open from refused, with the statistics of ping', async () => {
    const { port, close } = await listening();
    const targets = [`127.0.0.1:${port}`, '127.0.0.1:1'];
    const flags = ['-c', '5', '-i', '20ms', '--json', '--backend', backend];
    const { code, stdout } = await sockctl(['tcp', 'ping', ...targets, ...flags]);
    close();
    expect(code).toBe(1);
    const all = records(stdout);
    const replies = all.filter(({ type }) => type === 'ping.reply');
    expect(replies).toHaveLength(10);
    for (const { address, state, rttMs, timestamp } of replies) {
      expect(state).toBe(address === '127.0.0.1:1' ? 'refused' : 'open');
      expect(rttMs).toBeGreaterThan(0);
      expect(timestamp).toBe(state === 'open' && backend === 'native' ? 'kernel' : 'user');
    }
    const [open, refused] = all.slice(-2);
    expect(open).toMatchObject({
      type: 'ping.summary',
      socket: 'stream',
      transmitted: 5,
      received: 5,
      open: 5,
      refused: 0,
      lossPercent: 0,
      endReason: 'count',
    });
    expect(refused).toMatchObject({ transmitted: 5, received: 5, open: 0, refused: 5, lossPercent: 0 });
    for (const field of ['min', 'mean', 'max', 'stddev', 'p50', 'p90', 'p99', 'p999']) {
      expect(open).toHaveProperty(['rttMs', field], expect.any(Number));
    }
  });

  it('ends with 0 when every port is open, and prints lines that people read', async () => {
    const { port, close } = await listening();
    const { code, stdout } = await sockctl([
      'tcp',
      'ping',
      `127.0.0.1:${port}`,
      '-c',
      '2',
      '-i',
      '10ms',
      '--backend',
      backend,
    ]);
    close();
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(
      new RegExp(
        `^127\\.0\\.0\\.1:${port}: open seq=1 time=[\\d.]+ ms\\n(.*\\n){2}--- 127\\.0\\.0\\.1:${port} ---\\n2 handshakes, 2 open, 0 % lost\\nrtt min/mean/max/stddev `,
      ),
    );
  });
});

describe('tcp ping', () => {
  it('goes on until it is interrupted, and then sums up', async () => {
    const { port, close } = await listening();
    const ping = start(['tcp', 'ping', `127.0.0.1:${port}`, '-i', '30ms', '--json']);
    await ping.until(({ stdout }) => (stdout.toString().split('ping.reply').length > 3 ? true : undefined));
    const { code, stdout } = await ping.signal('SIGINT');
    close();
    expect(code).toBe(0);
    expect(records(stdout).at(-1)).toMatchObject({ type: 'ping.summary', endReason: 'interrupted', lossPercent: 0 });
  });

  it('calls silence silence, in time and on schedule', async (ctx) => {
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, remove } = createHostPair();
    try {
      // A neighbour that there is not: the system gives up after three seconds, this a good deal earlier.
      const args = [MAIN, 'tcp', 'ping', '10.99.0.77:80', '-c', '3', '-i', '100ms', '-W', '300ms', '--json'];
      const started = performance.now();
      const { code, stdout } = await run(process.execPath, args, { under: a.under });
      expect(performance.now() - started).toBeLessThan(2500);
      expect(code).toBe(1);
      const all = records(stdout);
      expect(all.map(({ type }) => type)).toEqual([...Array(3).fill('ping.timeout'), 'ping.summary']);
      expect(all.at(-1)).toMatchObject({ transmitted: 3, received: 0, lossPercent: 100, rttMs: { mean: null } });
    } finally {
      remove();
    }
    return undefined;
  });

  it('reports what is neither: no route', async (ctx) => {
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, remove } = createHostPair();
    try {
      const { code, stdout } = await run(process.execPath, [MAIN, 'tcp', 'ping', '192.0.2.1:80', '-c', '1', '--json'], {
        under: a.under,
      });
      expect(code).toBe(1);
      const [error, summary] = records(stdout);
      expect(error).toMatchObject({ type: 'ping.error', message: expect.stringContaining('network is unreachable') });
      expect(summary).toMatchObject({ errors: 1, lossPercent: 100 });
    } finally {
      remove();
    }
    return undefined;
  });
});
