/** A server under many clients, good and bad: none is lost, none of the bad ones harms the others. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { records, start } from './process.js';

const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

async function client(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  clients.push(socket);
  await once(socket, 'connect');
  return socket;
}

describe('tcp serve under load', () => {
  it('SIGTERM during 100 transfers: all finish, and the byte counts are exact', async () => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--echo', '--json']);
    const port = await server.port();
    const sockets = await Promise.all(Array.from({ length: 100 }, () => client(port)));
    const part = Buffer.alloc(50_000, 'x');
    const parts = 10;
    const received = sockets.map(
      (socket) =>
        new Promise<number>((resolve) => {
          let bytes = 0;
          socket.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            // The next part when the last one is back: the transfers are in the middle when the signal comes.
            if (bytes % part.length === 0) {
              if (bytes === parts * part.length) socket.end();
              else socket.write(part);
            }
          });
          socket.once('end', () => resolve(bytes));
          socket.write(part);
        }),
    );
    await server.until(({ stderr }) => (stderr.includes('"connection":100') ? true : undefined));
    const ending = server.signal('SIGTERM');
    expect(await Promise.all(received)).toEqual(Array(100).fill(parts * part.length));
    const { code, stdout } = await ending;
    expect(code).toBe(0);
    const total = 100 * parts * part.length;
    expect(records(stdout).at(-1)).toMatchObject({ connections: 100, bytesIn: total, bytesOut: total });
  });

  it('clients that say nothing, never read, or reset in the middle harm nobody', async () => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--echo']);
    const port = await server.port();
    const bad = await Promise.all(Array.from({ length: 30 }, () => client(port)));
    bad.forEach((socket, i) => {
      if (i % 3 === 0) return;
      socket.pause();
      const flood = () => {
        while (!socket.destroyed && socket.write(part));
      };
      const part = new Uint8Array(1 << 16);
      if (i % 3 === 1) socket.on('drain', flood);
      flood();
      if (i % 3 === 2) setImmediate(() => socket.resetAndDestroy());
    });
    // One more sends a byte now and then.
    const slow = await client(port);
    const trickle = setInterval(() => slow.write('.'), 100);
    const good = await client(port);
    for (let i = 0; i < 200; i++) {
      good.write(`message ${i}`);
      const [answer] = (await once(good, 'data')) as [Buffer];
      expect(answer.toString()).toBe(`message ${i}`);
    }
    good.end();
    clearInterval(trickle);
    for (const socket of bad) socket.destroy();
    const { code, stderr } = await server.signal('SIGTERM');
    expect(code, stderr).toBe(0);
  });
});
