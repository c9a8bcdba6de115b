/** What every implementation of the message port must do. */
import { beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/log/events.js';
import { setting } from '../../src/options/settings.js';
import { readEchoMessage } from '../../src/raw/echo.js';
import { type Endpoint, formatEndpoint, inetEndpoint } from '../../src/sockaddr/endpoint.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import type { Backend, MessageFailure, MessageSocket, ReceivedMessage } from '../../src/socket/port.js';
import { encodeIcmpEcho } from '../../src/wire/echo.js';
import { hasIPv6, isRoot } from '../hosts/machine.js';

const open = { settings: [], logger: silentLogger };
const at = (address: string, port = 0) => inetEndpoint(parseIP(address), port);
const portOf = (endpoint: Endpoint | undefined) =>
  endpoint === undefined || endpoint.family === 'unix' ? 0 : endpoint.port;

/** Collects what a socket receives; `take` waits for so many messages. */
function collect(socket: MessageSocket) {
  const messages: ReceivedMessage[] = [];
  const failures: MessageFailure[] = [];
  let wake: () => void = () => undefined;
  socket.receive({
    messages: (batch) => {
      for (const message of batch) messages.push({ ...message, bytes: Uint8Array.from(message.bytes) });
      wake();
    },
    failure: (failure) => {
      failures.push(failure);
      wake();
    },
  });
  const until = async (done: () => boolean) => {
    while (!done()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    take: async (count: number) => {
      await until(() => messages.length >= count);
      return messages.splice(0, count);
    },
    failure: async () => {
      await until(() => failures.length > 0);
      return failures[0];
    },
  };
}

export function messageContract(makeBackend: () => Promise<Backend>): void {
  let backend: Backend;
  const native = () => backend.name === 'native';
  beforeAll(async () => {
    backend = await makeBackend();
  });

  describe.each(['127.0.0.1', '::1'])('datagrams on %s', (address) => {
    it('keep their bytes, their boundaries and their sender', async (ctx) => {
      if (address === '::1' && !hasIPv6) ctx.skip('no IPv6 here');
      const family = address === '::1' ? 'ipv6' : 'ipv4';
      const receiver = await backend.datagram(family, { ...open, local: at(address) });
      const inbox = collect(receiver);
      const sender = await backend.datagram(family, { ...open, remote: receiver.local });
      const sizes = [0, 1, 1400, 9000, 65_507];
      await sender.send(sizes.map((size) => ({ bytes: new Uint8Array(size).fill(size & 255) })));
      const got = await inbox.take(sizes.length);
      expect(got.map(({ bytes }) => bytes.length)).toEqual(sizes);
      for (const { bytes, length, truncated, from } of got) {
        expect(bytes.every((byte) => byte === (bytes.length & 255))).toBe(true);
        expect([length, truncated]).toEqual([bytes.length, false]);
        expect(from === undefined ? '' : formatEndpoint(from)).toBe(
          `${family === 'ipv6' ? '[::1]' : '127.0.0.1'}:${portOf(sender.local)}`,
        );
      }
      if (native()) {
        expect(got[0]).toMatchObject({ timestampSource: 'kernel', hopLimit: 64, interfaceIndex: 1 });
        expect(String(got[0]?.destination)).toBe(address);
        expect(receiver.dropped).toBe(0);
      } else {
        expect(got[0]).toMatchObject({ timestampSource: 'user', hopLimit: null, destination: null });
        expect(receiver.dropped).toBeNull();
      }
      await Promise.all([sender.close(), receiver.close()]);
    });
  });

  it('gives an IPv4 peer on the IPv6 wildcard as IPv4, and answers it', async (ctx) => {
    if (!hasIPv6) ctx.skip('no IPv6 here');
    const server = await backend.datagram('ipv6', { ...open, local: at('::') });
    const inbox = collect(server);
    const client = await backend.datagram('ipv4', { ...open, remote: at('127.0.0.1', portOf(server.local)) });
    const answers = collect(client);
    await client.send([{ bytes: Uint8Array.of(1) }]);
    const [question] = await inbox.take(1);
    expect(question?.from?.family).toBe('ipv4');
    await server.send([{ bytes: Uint8Array.of(2), to: question?.from }]);
    expect((await answers.take(1))[0]?.bytes).toEqual(Uint8Array.of(2));
    await Promise.all([client.close(), server.close()]);
  });

  it('refuses what no datagram can hold', async () => {
    const sender = await backend.datagram('ipv4', { ...open, remote: at('127.0.0.1', 9) });
    await expect(sender.send([{ bytes: new Uint8Array(65_508) }])).rejects.toMatchObject({ code: 'EMSGSIZE' });
    await sender.close();
  });

  it('waits while it is paused', async () => {
    const receiver = await backend.datagram('ipv4', { ...open, local: at('127.0.0.1') });
    const inbox = collect(receiver);
    receiver.pause();
    const sender = await backend.datagram('ipv4', { ...open, remote: receiver.local });
    await sender.send([{ bytes: Uint8Array.of(7) }]);
    receiver.resume();
    expect((await inbox.take(1))[0]?.bytes).toEqual(Uint8Array.of(7));
    await Promise.all([sender.close(), receiver.close()]);
  });

  it('hands over the ICMP error of what it sent', async () => {
    const sender = await backend.datagram('ipv4', { ...open, remote: at('127.0.0.1', 1) });
    const inbox = collect(sender);
    await sender.send([{ bytes: Uint8Array.of(1, 2, 3) }]);
    const failure = await inbox.failure();
    expect(failure?.error.code).toBe('ECONNREFUSED');
    if (native()) {
      expect(failure).toMatchObject({ icmpType: 3, icmpCode: 3 });
      expect(String(failure?.reporter)).toBe('127.0.0.1');
      expect(failure?.to === undefined ? '' : formatEndpoint(failure.to)).toBe('127.0.0.1:1');
    }
    await sender.close();
  });

  it('honours an option or refuses it, and never keeps silent', async () => {
    const known = await backend.datagram('ipv4', {
      settings: [setting('SO_RCVBUF', 65_536)],
      logger: silentLogger,
      local: at('127.0.0.1'),
    });
    await known.close();
    const rare = backend.datagram('ipv4', {
      settings: [setting('IP_MTU_DISCOVER', 2)],
      logger: silentLogger,
      local: at('127.0.0.1'),
    });
    if (native()) await (await rare).close();
    else await expect(rare).rejects.toMatchObject({ code: 'BACKEND_LIMIT' });
  });

  it('says that a port is in use', async () => {
    const first = await backend.datagram('ipv4', { ...open, local: at('127.0.0.1') });
    await expect(backend.datagram('ipv4', { ...open, local: first.local })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await first.close();
    await first.close();
  });

  it.for([
    ['ipv4', '127.0.0.1', 1],
    ['ipv6', '::1', 58],
  ] as const)('raw %s: an echo request is answered', async ([family, address, protocol], ctx) => {
    if (!isRoot) return ctx.skip('raw sockets need root');
    if (family === 'ipv6' && !hasIPv6) return ctx.skip('no IPv6 here');
    const socket = await backend.raw({ ...open, family, protocol, icmpTypes: [family === 'ipv4' ? 0 : 129] });
    const inbox = collect(socket);
    const payload = Uint8Array.of(1, 2, 3, 4, 5);
    await socket.send([
      { bytes: encodeIcmpEcho({ family, type: 'request', identifier: 4711, sequence: 1, payload }), to: at(address) },
    ]);
    // Others may ping this address too; ours has the identifier.
    for (;;) {
      const [message] = await inbox.take(1);
      const echo = readEchoMessage(family, family === 'ipv4', message?.bytes ?? new Uint8Array());
      expect(echo?.kind).toBe('reply');
      if (echo?.identifier !== 4711) continue;
      expect(echo).toEqual({ kind: 'reply', identifier: 4711, sequence: 1, payload });
      break;
    }
    await socket.close();
    return undefined;
  });
}
