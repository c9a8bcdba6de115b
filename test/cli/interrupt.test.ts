/** A command that is interrupted ends, whoever keeps it waiting. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { namespaceObstacle } from '../hosts/machine.js';
import { createLoneHost } from '../hosts/namespaces.js';
import { MAIN, start } from './process.js';

const folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Many small packets, as tcpdump writes them. */
function manyPackets(count: number): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0xffff, 16);
  header.writeUInt32LE(1, 20);
  const packet = Buffer.alloc(16 + 60);
  packet.writeUInt32LE(60, 8);
  packet.writeUInt32LE(60, 12);
  return Buffer.concat([header, ...Array.from({ length: count }, () => packet)]);
}

it('by a reader of stdout that takes nothing', async () => {
  const file = join(folder, 'many.pcap');
  writeFileSync(file, manyPackets(100_000));
  const args = [MAIN, 'capture', 'read', file, '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // It looks, and takes no more than its stream and the pipe hold: far less than there is.
  await once(child.stdout, 'readable');
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  child.stdout.destroy();
  expect([code, stderr]).toEqual([1, expect.stringContaining('its reader takes nothing')]);
});

const obstacle = namespaceObstacle();

describe.skipIf(obstacle !== undefined)('by a name server', () => {
  it('that is silent', async () => {
    const host = createLoneHost();
    try {
      host.etc('resolv.conf', 'nameserver 127.0.0.1\noptions timeout:30 attempts:1\n');
      const server = start(['udp', 'recv', '127.0.0.1:53', '--json', '--log-format', 'json'], { under: host.under });
      await server.port();
      for (const args of [
        ['tcp', 'connect', 'name.example:80'],
        ['raw', 'ping', 'name.example'],
      ]) {
        const asked = server.received;
        // Killed after twenty seconds, before the resolver gives up.
        const running = start(args, { under: host.under });
        await server.until(({ received }) => (received > asked ? true : undefined));
        expect(await running.signal('SIGINT')).toMatchObject({ code: 130, signal: null });
      }
      const timed = start(['tcp', 'connect', 'name.example:80', '--timeout', '300ms'], { under: host.under });
      expect(await timed.done).toMatchObject({ code: 4, signal: null });
      await server.signal('SIGINT');
    } finally {
      host.remove();
    }
  });
});
