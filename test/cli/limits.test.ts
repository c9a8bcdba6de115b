/** A server at its limits: what can't be taken now waits in the kernel's queue. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { hasCommand } from '../hosts/machine.js';
import { start } from './process.js';

const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

describe('tcp serve out of descriptors', () => {
  it('says so once, does not spin, and serves the rest when others end', async (ctx) => {
    if (!hasCommand('prlimit')) return ctx.skip('prlimit (util-linux) is not installed');
    const server = start(['tcp', 'serve', '--echo', '127.0.0.1:0'], { under: ['prlimit', '--nofile=48'] });
    const port = await server.port();
    // Clients that answered, in the order of their answers.
    const answered: Socket[] = [];
    let onAnswer: () => void = () => undefined;
    for (let i = 0; i < 60; i++) {
      const client = connect(port, '127.0.0.1');
      clients.push(client);
      client.on('error', () => undefined);
      client.write('x');
      client.once('data', () => {
        answered.push(client);
        onAnswer();
      });
    }
    await server.until(({ stderr }) => (stderr.includes('EMFILE') ? true : undefined));
    const ticks = () => Number(readFileSync(`/proc/${server.child.pid}/stat`, 'utf8').split(' ')[13]);
    const before = ticks();
    await new Promise((resolve) => setTimeout(resolve, 600));
    // 100 a second: a loop that spins would use up 60 of them.
    expect(ticks() - before).toBeLessThan(15);
    expect(answered.length).toBeLessThan(60);
    while (answered.length < 60) {
      const next = new Promise<void>((resolve) => {
        onAnswer = resolve;
      });
      const done = answered.find((client) => !client.destroyed);
      done?.destroy();
      await next;
    }
    await Promise.all(clients.map((client) => (client.destroyed ? undefined : once(client.destroy(), 'close'))));
    const { code, stderr } = await server.signal('SIGTERM');
    expect(code, stderr).toBe(0);
    expect(stderr.match(/"level":"warn"/g)?.length).toBeLessThan(40);
    return undefined;
  });
});
