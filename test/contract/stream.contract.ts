/** What every implementation of the stream port must do. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SocketError } from '../../src/errors.js';
import { silentLogger } from '../../src/log/events.js';
import { setting } from '../../src/options/settings.js';
import { type Endpoint, inetEndpoint } from '../../src/sockaddr/endpoint.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { unixEndpoint } from '../../src/sockaddr/unix.js';
import type { Backend, StreamConnection, StreamListener } from '../../src/socket/port.js';
import { hasIPv6 } from '../hosts/machine.js';

const open = { settings: [], logger: silentLogger };
const at = (address: string, port = 0) => inetEndpoint(parseIP(address), port);

/** Reads a half to its end. */
function readAll({ duplex }: StreamConnection): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    duplex.on('data', (part: Buffer) => parts.push(part));
    duplex.once('end', () => resolve(Buffer.concat(parts)));
    duplex.once('error', reject);
    duplex.resume();
  });
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export function streamContract(makeBackend: () => Promise<Backend>): void {
  let backend: Backend;
  let folder: string;
  beforeAll(async () => {
    backend = await makeBackend();
    folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A listener and both ends of one connection to it. */
  async function pair(
    local: Endpoint,
  ): Promise<{ listener: StreamListener; client: StreamConnection; server: StreamConnection }> {
    let accepted: (connection: StreamConnection) => void = () => undefined;
    const server = new Promise<StreamConnection>((resolve) => {
      accepted = resolve;
    });
    const listener = await backend.listen(local, {
      ...open,
      backlog: 5,
      onConnection: accepted,
      onError: (error) => {
        throw error;
      },
    });
    const client = await backend.connect(listener.local, open);
    return { listener, client, server: await server };
  }

  const places: [string, () => Endpoint][] = [
    ['127.0.0.1', () => at('127.0.0.1')],
    ['::1', () => at('::1')],
    ['a unix path', () => unixEndpoint(join(folder, 'socket'))],
    ['an abstract name', () => unixEndpoint(`@sockctl-test-${process.pid}-${backend.name}`)],
    ['an abstract name with a zero byte', () => unixEndpoint(`@sockctl\\x00${process.pid}-${backend.name}`)],
  ];

  describe.each(places)('on %s', (name, place) => {
    it('carries 5 MB each way at once, byte for byte', async (ctx) => {
      if (name === '::1' && !hasIPv6) ctx.skip('no IPv6 here');
      if (name.startsWith('an abstract name') && process.platform !== 'linux') ctx.skip('abstract names are of Linux');
      const { listener, client, server } = await pair(place());
      const [up, down] = [randomBytes(5 << 20), randomBytes(5 << 20)];
      const reading = Promise.all([readAll(server), readAll(client)]);
      client.duplex.end(up);
      server.duplex.end(down);
      const [gotUp, gotDown] = await reading;
      expect(digest(gotUp)).toBe(digest(up));
      expect(digest(gotDown)).toBe(digest(down));
      await listener.close();
    });

    it('ends one half at a time', async (ctx) => {
      if (name === '::1' && !hasIPv6) ctx.skip('no IPv6 here');
      const { listener, client, server } = await pair(place());
      client.duplex.end('question');
      expect((await readAll(server)).toString()).toBe('question');
      server.duplex.end('answer');
      expect((await readAll(client)).toString()).toBe('answer');
      await listener.close();
    });
  });

  it('shows both ends to both', async () => {
    const { listener, client, server } = await pair(at('127.0.0.1'));
    expect(client.remote).toEqual(listener.local);
    expect(server.local).toEqual(listener.local);
    expect(server.remote).toEqual(client.local);
    client.duplex.destroy();
    server.duplex.destroy();
    await listener.close();
  });

  it('takes IPv4 on the IPv6 wildcard, and shows it as IPv4', async (ctx) => {
    if (!hasIPv6) ctx.skip('no IPv6 here');
    const listener = await backend.listen(at('::'), {
      ...open,
      backlog: 5,
      onConnection: ({ remote, duplex }) => duplex.end(remote.family),
      onError: () => undefined,
    });
    const { local } = listener;
    const client = await backend.connect(at('127.0.0.1', local.family === 'unix' ? 0 : local.port), open);
    expect((await readAll(client)).toString()).toBe('ipv4');
    client.duplex.destroy();
    await listener.close();
  });

  it('binds the source that it is told', async () => {
    const { listener, server } = await pair(at('127.0.0.1'));
    server.duplex.destroy();
    const client = await backend.connect(listener.local, { ...open, source: at('127.0.0.9') });
    expect(client.local.family === 'ipv4' && client.local.address.toString()).toBe('127.0.0.9');
    client.duplex.destroy();
    await listener.close();
  });

  it('says who refused', async () => {
    const failure = await backend.connect(at('127.0.0.1', 1), open).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SocketError);
    expect(failure).toMatchObject({ syscall: 'connect', code: 'ECONNREFUSED', errno: 111, address: '127.0.0.1:1' });
  });

  it('says that a port is in use', async () => {
    const { listener, client, server } = await pair(at('127.0.0.1'));
    const again = backend.listen(listener.local, {
      ...open,
      backlog: 5,
      onConnection: () => undefined,
      onError: () => undefined,
    });
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
    client.duplex.destroy();
    server.duplex.destroy();
    await listener.close();
  });

  it('gives up when told to', async () => {
    const reason = new Error('no longer');
    await expect(backend.connect(at('127.0.0.1', 1), { ...open, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });

  it('resets', async () => {
    const { listener, client, server } = await pair(at('127.0.0.1'));
    const failed = new Promise((resolve) => client.duplex.once('error', resolve));
    client.duplex.resume();
    server.reset();
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
    await listener.close();
  });

  it('refuses an option of another kind of socket, and leaves nothing open', async () => {
    const settings = [setting('UDP_CORK', true)];
    const failing = backend.listen(at('127.0.0.1'), {
      settings,
      logger: silentLogger,
      backlog: 5,
      onConnection: () => undefined,
      onError: () => undefined,
    });
    await expect(failing).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
}
