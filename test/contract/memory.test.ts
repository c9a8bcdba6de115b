/** Memory, descriptors and CPU of the native backend in the long run, in processes of their own. */
import { describe, expect, it } from 'vitest';
import { run } from '../cli/process.js';
import { isRoot, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair } from '../hosts/namespaces.js';
import { scaled } from '../scale.js';

const program = (name: string) => new URL(`programs/${name}.mjs`, import.meta.url).pathname;
const LIMIT_MS = 120_000;
const TIMES = scaled(100_000);

async function report(
  name: string,
  args: readonly string[],
  under: readonly string[] = [],
): Promise<Record<string, unknown>> {
  const command = ['--expose-gc', program(name), ...args];
  const { code, stdout, stderr } = await run(process.execPath, command, { timeoutMs: LIMIT_MS, under });
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout.toString());
}

describe('memory that the kernel writes to', () => {
  it('holds a million datagrams intact under constant garbage collection', { timeout: LIMIT_MS }, async () => {
    const found = await report('collection', []);
    expect(found).toMatchObject({ received: 1_000_000, corrupt: 0, dropped: 0, failures: 0 });
    expect(found.collections).toBeGreaterThan(200);
  });
});

describe(`${TIMES} opens and closes leave descriptors and memory flat`, () => {
  it.for([
    ['datagram ipv4', false],
    ['datagram ipv6', false],
    ['raw ipv4', true],
    ['raw ipv6', true],
    ['listener ipv4', false],
    ['listener unix', false],
    ['connection ipv4', false],
    ['connection unix', false],
    ['refused connection', false],
    ['failed bind', false],
  ] as const)('%s', { timeout: LIMIT_MS }, async ([kind, needsRoot], ctx) => {
    if (needsRoot && !isRoot) return ctx.skip('raw sockets need root');
    await expectFlat(kind);
    return undefined;
  });

  it('ping', { timeout: LIMIT_MS }, async (ctx) => {
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, remove } = createHostPair();
    try {
      await run('sysctl', ['-qw', 'net.ipv4.ping_group_range=0 2147483647'], { under: a.under });
      await expectFlat('ping', a.under);
    } finally {
      remove();
    }
    return undefined;
  });
});

async function expectFlat(kind: string, under: readonly string[] = []): Promise<void> {
  const { before, after, heap, resident } = (await report('reopen', [kind, String(TIMES)], under)) as Record<
    string,
    number[]
  >;
  expect(after).toBe(before);
  // The first tenths warm caches and compiled code up. From there on, at full scale, 70,000 opens: 32 bytes each would
  // show in the heap; resident memory goes up and down by what the collector keeps in hand, 300 bytes each would show.
  expect(growth(heap), `heap in MiB: ${heap}`).toBeLessThan(2);
  expect(growth(resident), `resident in MiB: ${resident}`).toBeLessThan(20);
}

describe('waiting', () => {
  it('takes no CPU while nothing happens', async () => {
    const { sockets, received, cpuMs } = await report('idle', []);
    expect(sockets).toBeGreaterThan(50);
    expect(received).toBe(100);
    // A poller that spins would take the whole second, one that looks every millisecond some 30 ms.
    expect(cpuMs).toBeLessThan(20);
  });
});

/** From the third tenth to the last, in the unit of the values. */
function growth(levels: readonly number[] | undefined): number {
  return (levels?.at(-1) ?? Number.NaN) - (levels?.[2] ?? Number.NaN);
}
