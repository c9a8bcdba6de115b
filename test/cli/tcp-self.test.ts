/** tcp serve and tcp connect with each other. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from './process.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
