/** UDP_SEGMENT and UDP_GRO on the native backend (udp(7)): many datagrams in one call, each of them still whole. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/log/events.js';
import { setting } from '../../src/options/settings.js';
import { inetEndpoint } from '../../src/sockaddr/endpoint.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { nativeBackend } from '../../src/socket/native/backend.js';
import type { MessageSocket } from '../../src/socket/port.js';
import { namespaceObstacle } from '../hosts/machine.js';
import { createHostPair } from '../hosts/namespaces.js';

const local = inetEndpoint(parseIP('127.0.0.1'), 0);
const open = { logger: silentLogger, settings: [] };
const sockets: MessageSocket[] = [];
afterEach(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()));
});

describe('UDP_GRO', () => {
  it('gives every datagram of a run by itself', async () => {
    const backend = await nativeBackend();
    const settings = [setting('UDP_GRO', true)];
    const receiver = await backend.datagram('ipv4', { ...open, settings, local, receiveBuffer: 8 << 20 });
    const sender = await backend.datagram('ipv4', { ...open, remote: receiver.local });
    sockets.push(receiver, sender);
    const sizes: number[] = [];
    let calls = 0;
    const count = 1001;
    const done = new Promise<void>((resolve) => {
      receiver.receive({
        messages: (batch) => {
          calls++;
          for (const { bytes, length, truncated } of batch) {
            expect([bytes.length, truncated]).toEqual([length, false]);
            expect(bytes[0]).toBe(sizes.length & 255);
            sizes.push(length);
          }
          if (sizes.length >= count) resolve();
        },
        failure: ({ error }) => expect.unreachable(error.message),
      });
    });
    await sender.send(Array.from({ length: count }, (_, i) => ({ bytes: new Uint8Array(100).fill(i) })));
    await done;
    expect(sizes).toEqual(Array(count).fill(100));
    // 64 in a run: far fewer calls than datagrams.
    expect(calls).toBeLessThan(count / 10);
  });
});

describe('UDP_SEGMENT', () => {
  it('leaves the cutting to an option that the user has set', async () => {
    const backend = await nativeBackend();
    const receiver = await backend.datagram('ipv4', { ...open, local });
    const settings = [setting('UDP_SEGMENT', 10)];
    const sender = await backend.datagram('ipv4', { ...open, settings, remote: receiver.local });
    sockets.push(receiver, sender);
    const lengths: number[] = [];
    const done = new Promise<void>((resolve) => {
      receiver.receive({
        messages: (batch) => {
          for (const { length } of batch) lengths.push(length);
          if (lengths.length >= 3) resolve();
        },
        failure: ({ error }) => expect.unreachable(error.message),
      });
    });
    await sender.send([{ bytes: new Uint8Array(25) }]);
    await done;
    expect(lengths).toEqual([10, 10, 5]);
  });

  it('falls back to one by one where the path is narrower than the datagrams', async (ctx) => {
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const pair = createHostPair();
    try {
      const [ip, ...under] = pair.b.under as [string, ...string[]];
      const receiver = spawn(ip, [
        ...under,
        process.execPath,
        'dist/cli/main.cjs',
        'udp',
        'recv',
        `${pair.b.ipv4}:4000`,
        '--count',
        '40',
        '--json',
      ]);
      receiver.stderr.setEncoding('utf8');
      let output = '';
      receiver.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      const exited = once(receiver, 'exit');
      await once(receiver.stderr, 'data');
      // 2,000 bytes do not fit the link's 1,500: the kernel refuses to segment, and fragments single datagrams.
      const sender = spawn(pair.a.under[0] as string, [
        ...pair.a.under.slice(1),
        process.execPath,
        'dist/cli/main.cjs',
        'udp',
        'send',
        `${pair.b.ipv4}:4000`,
        '--size',
        '2000',
        '--count',
        '40',
        '-v',
      ]);
      let log = '';
      sender.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
      expect((await once(sender, 'exit'))[0]).toBe(0);
      expect((await exited)[0]).toBe(0);
      expect(log).toContain('UDP_SEGMENT refused');
      const records = output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(records.filter(({ type, length }) => type === 'udp.datagram' && length === 2000)).toHaveLength(40);
    } finally {
      pair.remove();
    }
    return undefined;
  });
});
