/** What every implementation of the message port must do. */
import { beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/log/events.js';
import { setting } from '../../src/options/settings.js';
import { type Endpoint, formatEndpoint, inetEndpoint } from '../../src/sockaddr/endpoint.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { nativeBackend } from '../../src/socket/native/backend.js';
import type { Backend, MessageFailure, MessageSocket, ReceivedMessage } from '../../src/socket/port.js';
import { encodeIcmpEcho } from '../../src/wire/echo.js';
import { encodeIPv4 } from '../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../src/wire/ipv6.js';
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
        expect(got[0]).toMatchObject({
          timestampSource: 'user',
          hopLimit: null,
          trafficClass: null,
          destination: null,
        });
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

  it.for([
    ['ipv4', '127.0.0.1', 'IP_TOS'],
    ['ipv6', '::1', 'IPV6_TCLASS'],
  ] as const)('tells the traffic class of %s messages', async ([family, address, name], ctx) => {
    if (family === 'ipv6' && !hasIPv6) return ctx.skip('no IPv6 here');
    if (!native()) return ctx.skip('node:dgram does not tell it');
    const receiver = await backend.datagram(family, { ...open, local: at(address) });
    const inbox = collect(receiver);
    const settings = [setting(name, 0xb8)];
    const sender = await backend.datagram(family, { ...open, settings, remote: receiver.local });
    await sender.send([{ bytes: Uint8Array.of(1) }]);
    expect((await inbox.take(1))[0]?.trafficClass).toBe(0xb8);
    await Promise.all([sender.close(), receiver.close()]);
    return undefined;
  });

  it.each([1, 64, 1400, 9000, 60_000])(
    'keeps the boundaries and the order of many equal messages of %i bytes',
    async (size) => {
      const receiver = await backend.datagram('ipv4', { ...open, local: at('127.0.0.1'), receiveBuffer: 8 << 20 });
      const inbox = collect(receiver);
      const sender = await backend.datagram('ipv4', { ...open });
      const count = size > 10_000 ? 20 : 150;
      // Equal ones in two runs, a shorter one that ends the first, an empty one, and one that is larger than its run.
      const sizes = [...Array(count).fill(size), Math.ceil(size / 2), 0, ...Array(17).fill(size), size + 1];
      const sent = sizes.map((length, i) => new Uint8Array(length).fill(i & 255));
      // As many at once as the receive buffer holds, which is small where it can't be forced.
      const burst = native() && isRoot ? 100 : size > 1000 ? 2 : 50;
      const got: ReceivedMessage[] = [];
      for (let i = 0; i < sent.length; i += burst) {
        const messages = sent.slice(i, i + burst).map((bytes) => ({ bytes, to: receiver.local }));
        await sender.send(messages);
        got.push(...(await inbox.take(messages.length)));
      }
      expect(got.map(({ length }) => length)).toEqual(sizes);
      expect(got.every(({ bytes }, i) => Buffer.compare(bytes, sent[i] as Uint8Array) === 0)).toBe(true);
      await Promise.all([sender.close(), receiver.close()]);
    },
  );

  it.each([1, 40, 1400, 20_000])('sends runs of datagrams of %i bytes as so many datagrams', async (size) => {
    const receiver = await backend.datagram('ipv4', { ...open, local: at('127.0.0.1'), receiveBuffer: 8 << 20 });
    const inbox = collect(receiver);
    const sender = await backend.datagram('ipv4', { ...open, remote: receiver.local });
    // More than the kernel cuts in one call where they are small; what is left over is the last.
    const count = size > 10_000 ? 4 : 300;
    const burst = native() && isRoot ? count : 20;
    const bytes = new Uint8Array(size * count + Math.ceil(size / 3)).map((_, i) => Math.floor(i / size));
    const sizes: number[] = [];
    for (let first = 0; first <= count; first += burst) {
      const run = bytes.slice(first * size, (first + burst) * size);
      await sender.send([{ bytes: run, segmentSize: size }]);
      // The sender's memory is its own again.
      run.fill(255);
      for (const one of await inbox.take(Math.ceil(run.length / size))) {
        expect(one.bytes.every((byte) => byte === (sizes.length & 255))).toBe(true);
        expect(one.segmentSize).toBe(one.length);
        sizes.push(one.length);
      }
    }
    const last = Math.ceil(size / 3);
    expect(sizes).toEqual([...Array(count).fill(size), last]);
    expect(sender.sent).toBe(count + 1);
    await Promise.all([sender.close(), receiver.close()]);
  });

  it('delivers runs as they come where that is asked for, and loses no boundary', async () => {
    const receiver = await backend.datagram('ipv4', {
      ...open,
      local: at('127.0.0.1'),
      receiveBuffer: 8 << 20,
      coalesce: true,
    });
    const inbox = collect(receiver);
    const sender = await backend.datagram('ipv4', { ...open, remote: receiver.local });
    const bytes = new Uint8Array(10 * 100 + 30).map((_, i) => Math.floor(i / 100));
    await sender.send([{ bytes, segmentSize: 100 }]);
    const pieces: number[][] = [];
    while (pieces.length < 11) {
      for (const message of await inbox.take(1)) {
        expect(message.length).toBe(message.bytes.length);
        for (let from = 0; from < message.bytes.length; from += message.segmentSize) {
          pieces.push([...message.bytes.subarray(from, from + message.segmentSize)]);
        }
      }
    }
    expect(pieces).toEqual(Array.from({ length: 11 }, (_, i) => Array(i === 10 ? 30 : 100).fill(i)));
    await Promise.all([sender.close(), receiver.close()]);
  });

  it('knows its receive buffer, and the MTU of the path it is connected to', async () => {
    const receiver = await backend.datagram('ipv4', { ...open, local: at('127.0.0.1'), receiveBuffer: 64 << 10 });
    const sender = await backend.datagram('ipv4', { ...open, remote: receiver.local });
    expect(receiver.receiveBuffer).toBeGreaterThanOrEqual(64 << 10);
    expect(receiver.pathMtu()).toBeNull();
    expect(sender.pathMtu()).toBe(native() ? 65_535 : null);
    await Promise.all([sender.close(), receiver.close()]);
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

  it('hands over the ICMP errors of a socket that is not connected, with their origin', async () => {
    const opened = backend.datagram('ipv4', { ...open, errorQueue: true });
    if (!native()) return expect(opened).rejects.toMatchObject({ code: 'BACKEND_LIMIT' });
    const socket = await opened;
    const inbox = collect(socket);
    await socket.send([{ bytes: Uint8Array.of(1, 2, 3), to: at('127.0.0.1', 1) }]);
    const failure = await inbox.failure();
    expect(failure).toMatchObject({ icmpType: 3, icmpCode: 3, hopLimit: 64, trafficClass: 0xc0 });
    expect(failure?.to === undefined ? '' : formatEndpoint(failure.to)).toBe('127.0.0.1:1');
    const age = Date.now() / 1000 - (failure?.timestamp?.seconds ?? 0);
    expect(age).toBeGreaterThan(-1);
    expect(age).toBeLessThan(60);
    await socket.close();
    return undefined;
  });

  it('hands over the ICMP errors of a raw socket', async (ctx) => {
    if (!isRoot) return ctx.skip('raw sockets need root');
    const opened = backend.raw({ ...open, family: 'ipv4', protocol: 17, errorQueue: true });
    if (!native()) return expect(opened).rejects.toMatchObject({ code: 'BACKEND_LIMIT' });
    const socket = await opened;
    const inbox = collect(socket);
    // A UDP header alone, from port 4711 to port 1, where nobody listens; a zero checksum is none (RFC 768).
    await socket.send([{ bytes: Uint8Array.of(0x12, 0x67, 0, 1, 0, 8, 0, 0), to: at('127.0.0.1') }]);
    const failure = await inbox.failure();
    expect(failure).toMatchObject({ icmpType: 3, icmpCode: 3 });
    expect(String(failure?.reporter)).toBe('127.0.0.1');
    await socket.close();
    return undefined;
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
      const bytes = Uint8Array.from(message?.bytes ?? []).subarray(family === 'ipv4' ? 20 : 0);
      expect(bytes[0]).toBe(family === 'ipv4' ? 0 : 129);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      if (view.getUint16(4) !== 4711) continue;
      expect(view.getUint16(6)).toBe(1);
      expect(bytes.subarray(8)).toEqual(payload);
      break;
    }
    await socket.close();
    return undefined;
  });

  // RFC 3692: a protocol number to try things with.
  const PROTOCOL = 253;

  it.for([
    ['ipv4', '127.0.0.1'],
    ['ipv6', '::1'],
  ] as const)('raw %s: a message has the hop limit and traffic class of its own', async ([family, address], ctx) => {
    if (!isRoot) return ctx.skip('raw sockets need root');
    if (family === 'ipv6' && !hasIPv6) return ctx.skip('no IPv6 here');
    const receiver = await (await nativeBackend()).raw({ ...open, family, protocol: PROTOCOL });
    const inbox = collect(receiver);
    const sender = await backend.raw({ ...open, family, protocol: PROTOCOL });
    const to = at(address);
    await sender.send([
      { bytes: Uint8Array.of(1), to },
      { bytes: Uint8Array.of(2), to, hopLimit: 7 },
      { bytes: Uint8Array.of(3), to, hopLimit: 255, trafficClass: 0xb8 },
      { bytes: Uint8Array.of(4), to, trafficClass: 4 },
      { bytes: Uint8Array.of(5), to },
    ]);
    const got = await inbox.take(5);
    expect(got.map(({ bytes, hopLimit, trafficClass }) => [bytes.at(-1), hopLimit, trafficClass])).toEqual([
      [1, 64, 0],
      [2, 7, 0],
      [3, 255, 0xb8],
      [4, 64, 4],
      [5, 64, 0],
    ]);
    await Promise.all([sender.close(), receiver.close()]);
    return undefined;
  });

  it.for([
    ['ipv4', '127.0.0.1'],
    ['ipv6', '::1'],
  ] as const)('raw %s: a message that brings its own header keeps it', async ([family, address], ctx) => {
    if (!isRoot) return ctx.skip('raw sockets need root');
    if (family === 'ipv6' && !hasIPv6) return ctx.skip('no IPv6 here');
    const receiver = await (await nativeBackend()).raw({ ...open, family, protocol: PROTOCOL });
    const inbox = collect(receiver);
    const sender = await backend.raw({ ...open, family, protocol: 255, ownHeader: true });
    await sender.send([{ bytes: ownPacket(family, address, PROTOCOL), to: at(address) }]);
    const [got] = await inbox.take(1);
    expect(got).toMatchObject({ hopLimit: 9, trafficClass: 0x28 });
    expect(got?.bytes.at(-1)).toBe(77);
    if (family === 'ipv4') expect(got?.bytes.subarray(4, 6)).toEqual(Uint8Array.of(0x12, 0x34));
    await Promise.all([sender.close(), receiver.close()]);
    return undefined;
  });

  it('sends and receives frames as they are', async (ctx) => {
    if (!isRoot) return ctx.skip('packet sockets need root');
    const opened = backend.frames({ ...open, interface: 'lo', receive: true });
    if (!native()) return expect(opened).rejects.toMatchObject({ code: 'BACKEND_LIMIT' });
    const [both, sender] = [await opened, await backend.frames({ ...open, interface: 'lo', receive: false })];
    const inbox = collect(both);
    const packet = ownPacket('ipv4', '127.0.0.1', PROTOCOL);
    const frame = Uint8Array.of(...new Uint8Array(12).fill(0xfe), 8, 0, ...packet);
    await sender.send([{ bytes: frame }]);
    // What goes out of the loopback interface comes in again; others may use it too.
    for (let seen = 0; seen < 2; ) {
      const [got] = await inbox.take(1);
      if (Buffer.compare(got?.bytes ?? new Uint8Array(), frame) === 0) seen++;
    }
    await Promise.all([sender.close(), both.close()]);
    await expect(backend.frames({ ...open, interface: 'no-such', receive: false })).rejects.toMatchObject({
      code: 'ENODEV',
    });
    return undefined;
  });
}

/** A whole IP packet that carries the byte 77, with hop limit 9 and traffic class 0x28. */
function ownPacket(family: 'ipv4' | 'ipv6', address: string, protocol: number): Uint8Array {
  const into = new Uint8Array(64);
  const between = { source: address, destination: address };
  const length =
    family === 'ipv4'
      ? encodeIPv4({ ...between, protocolNumber: protocol, ttl: 9, dscp: 10, identification: 0x1234 }, 1, into)
      : encodeIPv6({ ...between, nextHeader: protocol, hopLimit: 9, trafficClass: 0x28 }, 1, into);
  into[length] = 77;
  return into.slice(0, length + 1);
}
