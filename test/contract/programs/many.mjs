/**
 * An echo server that tells what it holds: prints its port, and for each line on stdin, as JSON, its descriptors, and
 * in MiB the JavaScript heap after a collection and the resident memory outside of what V8 keeps for its heap; ends with
 * stdin.
 *
 *     node --expose-gc many.mjs
 */
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { echo, resolveEndpoint, selectBackend, serve, silentLogger } from '../../../dist/src/index.js';

const server = await serve(await resolveEndpoint('127.0.0.1:0', { protocol: 'tcp', passive: true }), {
  backend: await selectBackend('native', silentLogger),
  logger: silentLogger,
  handler: echo,
  backlog: 4096,
});
const say = (record) => process.stdout.write(`${JSON.stringify(record)}\n`);
const mib = (bytes) => Math.round((bytes / (1 << 20)) * 10) / 10;

say({ port: server.local[0]?.port });
for await (const _ of createInterface({ input: process.stdin })) {
  globalThis.gc();
  const { heapUsed, heapTotal, rss } = process.memoryUsage();
  say({
    descriptors: readdirSync('/proc/self/fd').length,
    heap: mib(heapUsed),
    other: mib(rss - heapTotal),
    ...server.totals,
  });
}
process.exit();
