/** The contract of each port, on each backend. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/log/events.js';
import { parseSetting } from '../../src/options/settings.js';
import { inetEndpoint } from '../../src/sockaddr/endpoint.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { unixEndpoint } from '../../src/sockaddr/unix.js';
import { nativeBackend } from '../../src/socket/native/backend.js';
import type { Backend } from '../../src/socket/port.js';
import { portableBackend } from '../../src/socket/portable/backend.js';
import { isRoot } from '../hosts/machine.js';
import { messageContract } from './message.contract.js';
import { streamContract } from './stream.contract.js';

describe('streams, native', () => streamContract(nativeBackend));
describe('streams, portable', () => streamContract(async () => portableBackend()));
describe('messages, native', () => messageContract(nativeBackend));
describe('messages, portable', () => messageContract(async () => portableBackend()));

describe('descriptors of the native backend', () => {
  const open = { settings: [], logger: silentLogger };
  const local = inetEndpoint(parseIP('127.0.0.1'), 0);
  const descriptors = () => readdirSync('/proc/self/fd').length;
  let backend: Backend;
  beforeAll(async () => {
    backend = await nativeBackend();
  });

  it.each([
    ['datagram sockets', async () => (await backend.datagram('ipv4', { ...open, local })).close()],
    [
      'failing binds',
      async () =>
        backend.datagram('ipv4', { ...open, local: inetEndpoint(parseIP('192.0.2.1'), 0) }).catch(() => undefined),
    ],
    [
      'refused connections',
      async () => backend.connect(inetEndpoint(parseIP('127.0.0.1'), 1), open).catch(() => undefined),
    ],
    [
      'options that the kernel refuses, before bind and after',
      async () => {
        for (const setting of [parseSetting('SO_BINDTODEVICE=nosuch0'), parseSetting('TCP_CONGESTION=nosuch')]) {
          const options = { ...open, settings: [setting] };
          await expect(backend.connect(inetEndpoint(parseIP('127.0.0.1'), 1), options)).rejects.toThrow(
            setting.option.name,
          );
        }
      },
    ],
    [
      'options of another kind of socket',
      async () =>
        expect(
          backend.raw({ ...open, settings: [parseSetting('TCP_NODELAY')], family: 'ipv4', protocol: 1 }),
        ).rejects.toThrow(),
    ],
    [
      'addresses in a zone that there is not',
      async () => {
        const zoned = inetEndpoint(parseIP('fe80::1%nosuch0'), 9);
        await expect(backend.connect(zoned, open)).rejects.toMatchObject({ code: 'ENODEV' });
        await expect(backend.datagram('ipv6', { ...open, remote: zoned })).rejects.toMatchObject({ code: 'ENODEV' });
      },
    ],
    [
      'a port that is taken',
      async () => {
        const holder = await backend.datagram('ipv4', { ...open, local });
        const again = backend.datagram('ipv4', { ...open, local: holder.local });
        await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
        await holder.close();
      },
    ],
    [
      'a connect that is given up',
      async () => {
        const listener = await backend.listen(local, {
          ...open,
          backlog: 1,
          onConnection: ({ duplex }) => duplex.on('error', () => undefined).destroy(),
          onError: () => undefined,
        });
        const stop = new AbortController();
        const pending = backend.connect(listener.local, { ...open, signal: stop.signal });
        stop.abort(new Error('no longer'));
        await expect(pending).rejects.toThrow('no longer');
        await listener.close();
      },
    ],
    [
      'tables of messages, with sockets of their own',
      async () => {
        if (!isRoot) return;
        const socket = await backend.raw({ ...open, family: 'ipv4', protocol: 1 });
        const table = socket.table?.({ capacity: 4, size: 8, thread: true });
        table?.bytes.fill(0);
        for (let i = 0; i < 4; i++) table?.toIPv4(i, 0x7f000001);
        const sent = table?.send(0, 4);
        await socket.close();
        await expect(sent).resolves.toMatchObject({ sent: 4 });
      },
    ],
    [
      'listeners and connections',
      async () => {
        const listener = await backend.listen(local, {
          ...open,
          backlog: 5,
          onConnection: ({ duplex }) => duplex.resume().end(),
          onError: () => undefined,
        });
        const { duplex } = await backend.connect(listener.local, open);
        const closed = new Promise((resolve) => duplex.once('close', resolve));
        duplex.resume().end();
        await Promise.all([closed, listener.close()]);
      },
    ],
  ] as [string, () => Promise<unknown>][])('are given back: %s', async (_, once) => {
    await once();
    const before = descriptors();
    for (let round = 0; round < 200; round++) await once();
    // Accepted ends close in the next turns of the loop.
    for (let turn = 0; turn < 50 && descriptors() > before; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(descriptors()).toBeLessThanOrEqual(before);
  });
});

describe('unix paths that are no UTF-8, or begin with @', () => {
  const open = { settings: [], logger: silentLogger, backlog: 5, onError: () => undefined };
  const onConnection = () => undefined;

  it('are files like others to the native backend, which removes them', async () => {
    const backend = await nativeBackend();
    const folder = mkdtempSync(join(tmpdir(), 'sockctl-unix-'));
    try {
      for (const name of ['\\xff\\x80', '@']) {
        const endpoint = unixEndpoint(`${folder}/${name}`);
        const listener = await backend.listen(endpoint, { ...open, onConnection });
        expect(listener.local).toEqual(endpoint);
        expect(existsSync(Buffer.from(endpoint.toBytes()))).toBe(true);
        (await backend.connect(listener.local, open)).duplex.destroy();
        await listener.close();
        expect(existsSync(Buffer.from(endpoint.toBytes()))).toBe(false);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are refused by the portable backend where Node has no way to write them', async () => {
    const backend = portableBackend();
    const endpoint = unixEndpoint('/tmp/\\xff');
    const code = 'BACKEND_LIMIT';
    await expect(backend.listen(endpoint, { ...open, onConnection })).rejects.toMatchObject({ code });
    await expect(backend.connect(endpoint, open)).rejects.toMatchObject({ code });
  });
});
