/** tcp serve with very many connections: at once, and one after the other. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openFilesLimit } from '../hosts/machine.js';
import { Running, records, start } from './process.js';

const MANY = 10_000;
/** Both ends of every connection, one of them in this process. */
const FILES_NEEDED = MANY + 200;
const MIB = 1 << 20;
/** Twice what the longest takes where nothing else runs. */
const LIMIT_MS = 240_000;
const WORD = 'sixteen letters.';
const PROGRAM = new URL('../contract/programs/many.mjs', import.meta.url).pathname;

function memoryOf({ child }: Running): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

const descriptorsOf = ({ child }: Running) => readdirSync(`/proc/${child.pid}/fd`).length;

/** Loopback addresses in turn: with one there would not be ports for a minute of connections. */
const from = (i: number) => `127.0.${1 + (i % 8)}.1`;

async function open(port: number, i: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from(i), allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sends a word and waits until it is back. */
async function exchange(socket: Socket, word: string): Promise<void> {
  let got = '';
  socket.write(word);
  while (got.length < word.length) got += ((await once(socket, 'data')) as [Buffer])[0].toString();
  if (got !== word) throw new Error(`${got} instead of ${word}`);
}

async function closed(socket: Socket): Promise<void> {
  const end = once(socket, 'close');
  socket.end();
  await end;
}

/** Runs `work` for each number below `count`, a hundred at a time. */
async function inBatches<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < count; i += 100) {
    results.push(...(await Promise.all(Array.from({ length: Math.min(100, count - i) }, (_, k) => work(i + k)))));
  }
  return results;
}

/** The server of programs/many.mjs, and what it holds when it is asked. */
class ToldServer {
  readonly #running = new Running(process.execPath, ['--expose-gc', PROGRAM], { holdInput: true, timeoutMs: LIMIT_MS });
  #asked = 0;

  async port(): Promise<number> {
    return (await this.#answer(0)).port ?? 0;
  }

  held(): Promise<Record<string, number>> {
    this.#running.child.stdin?.write('\n');
    this.#asked++;
    return this.#answer(this.#asked);
  }

  async stop(): Promise<void> {
    this.#running.child.stdin?.end();
    expect((await this.#running.done).code).toBe(0);
  }

  #answer(index: number): Promise<Record<string, number>> {
    return this.#running.until(({ stdout }) => {
      const lines = stdout.toString().split('\n');
      return lines.length > index + 1 ? JSON.parse(lines[index] ?? '') : undefined;
    });
  }
}

/** As it was before the connections: what the allocator keeps of memory that was freed is all there may be more. */
function expectSame(after: Record<string, number>, before: Record<string, number>): void {
  expect(after.descriptors).toBe(before.descriptors);
  expect(after.heap).toBeLessThan((before.heap ?? 0) + 3);
  expect(after.other).toBeLessThan((before.other ?? 0) + 48);
}

describe('very many connections', () => {
  it(`tcp serve --echo holds ${MANY} at once, each exchanging data`, { timeout: LIMIT_MS }, async (ctx) => {
    if (openFilesLimit() < FILES_NEEDED) ctx.skip(`ulimit -n is below ${FILES_NEEDED}`);
    const flags = ['--echo', '--json', '--backlog', '4096'];
    const server = start(['tcp', 'serve', '127.0.0.1:0', ...flags], { timeoutMs: LIMIT_MS });
    const port = await server.port();
    const before = descriptorsOf(server);
    const sockets = await inBatches(MANY, (i) => open(port, i));
    await inBatches(MANY, (i) => exchange(sockets[i] as Socket, WORD));
    expect(memoryOf(server)).toBeLessThan(250 * MIB);
    await inBatches(MANY, (i) => closed(sockets[i] as Socket));
    await server.until(() => (descriptorsOf(server) === before ? true : undefined));
    const { code, stdout } = await server.signal('SIGTERM');
    expect(code).toBe(0);
    const bytes = MANY * WORD.length;
    expect(records(stdout).at(-1)).toMatchObject({ connections: MANY, refused: 0, bytesIn: bytes, bytesOut: bytes });
  });

  it(`${MANY} at once, three times over, leave no memory behind`, { timeout: LIMIT_MS }, async (ctx) => {
    if (openFilesLimit() < FILES_NEEDED) ctx.skip(`ulimit -n is below ${FILES_NEEDED}`);
    const server = new ToldServer();
    const port = await server.port();
    const before = await server.held();
    const afterwards: Record<string, number>[] = [];
    for (let round = 0; round < 3; round++) {
      const sockets = await inBatches(MANY, (i) => open(port, i));
      await inBatches(MANY, (i) => exchange(sockets[i] as Socket, WORD));
      await inBatches(MANY, (i) => closed(sockets[i] as Socket));
      afterwards.push(await server.held());
    }
    for (const held of afterwards) expectSame(held, before);
    // The allocator gives or takes sixteen; two kilobytes of each connection would be 40.
    expect(afterwards[2]?.other).toBeLessThan((afterwards[0]?.other ?? 0) + 32);
    await server.stop();
  });

  it('1,000 a second for a minute leave nothing behind', { timeout: LIMIT_MS }, async () => {
    const server = new ToldServer();
    const port = await server.port();
    const before = await server.held();
    const started = performance.now();
    let [early, running] = [before, 0];
    const failures: unknown[] = [];
    const one = async (i: number) => {
      running++;
      const socket = await open(port, i);
      await exchange(socket, WORD);
      await closed(socket);
      running--;
    };
    for (let made = 0; made < 60_000; ) {
      const due = Math.min(60_000, Math.floor(performance.now() - started));
      for (; made < due && running < 2000; made++) one(made).catch((error: unknown) => failures.push(error));
      if (early === before && made >= 10_000) early = await server.held();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    while (running > 0 && failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(failures).toEqual([]);
    const after = await server.held();
    expect(after.connections).toBe(60_000);
    expectSame(after, before);
    expect(after.other).toBeLessThan((early.other ?? 0) + 32);
    await server.stop();
  });
});
