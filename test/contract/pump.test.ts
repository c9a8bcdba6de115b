/** The pump of a native connection: every byte, in order, whatever the peer does. */

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  createWriteStream,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/log/events.js';
import { parseSetting } from '../../src/options/settings.js';
import { formatEndpoint, inetEndpoint } from '../../src/sockaddr/endpoint.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { unixEndpoint } from '../../src/sockaddr/unix.js';
import { nativeBackend } from '../../src/socket/native/backend.js';
import type { Backend, StreamConnection, StreamPump } from '../../src/socket/port.js';

const open = { settings: [], logger: silentLogger };
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let backend: Backend;
let folder: string;
beforeAll(async () => {
  backend = await nativeBackend();
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A connection of ours to a peer of Node's, and both ends of it. */
async function pair(kind: 'inet' | 'unix'): Promise<{ ours: StreamConnection; pump: StreamPump; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const path = join(folder, `s${Math.random().toString(36).slice(2)}`);
  await new Promise<void>((resolve) => {
    if (kind === 'unix') server.listen(path, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const address = server.address();
  const remote =
    typeof address === 'string' || address === null
      ? unixEndpoint(path)
      : inetEndpoint(parseIP('127.0.0.1'), address.port);
  const ours = await backend.connect(remote, open);
  const peer = await accepted;
  peer.on('error', () => undefined);
  closing.push(
    () => server.close(),
    () => peer.destroy(),
    () => ours.destroy(),
  );
  const { pump } = ours;
  if (pump === undefined) throw new Error('the native backend has a pump');
  return { ours, pump, peer };
}

/** Both ends of a new pipe(7), each to be closed once. */
function pipe() {
  const path = join(folder, `p${Math.random().toString(36).slice(2)}`);
  execFileSync('mkfifo', [path]);
  // A reader and writer of its own, so that neither open waits for the other.
  const both = openSync(path, 'r+');
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const write = openSync(path, 'w');
  closeSync(both);
  return {
    read,
    write,
    closeReader: () => closeSync(read),
    closeWriter: () => closeSync(write),
    /** To its end, which comes when its writer is closed. */
    readAll: () =>
      new Promise<Buffer>((resolve, reject) => {
        const parts: Buffer[] = [];
        const reader = new Socket({ fd: read, readable: true, writable: false });
        reader.on('data', (part) => parts.push(part)).once('error', reject);
        reader.once('end', () => resolve(Buffer.concat(parts)));
      }),
  };
}

/** What the peer receives, to our end. */
function readAll(peer: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    peer.on('data', (part: Buffer) => parts.push(part));
    peer.once('end', () => resolve(Buffer.concat(parts)));
    peer.once('error', reject);
    peer.resume();
  });
}

describe.each(['inet', 'unix'] as const)('the pump of a connection over %s', (kind) => {
  it('echoes 20 MB to a peer that reads slowly, and keeps nothing for itself', async () => {
    const { ours, pump, peer } = await pair(kind);
    const bytes = randomBytes(20 << 20);
    const echoing = pump.echo();
    peer.end(bytes);
    // The peer takes nothing until it is stuck: what it does not read must wait in the kernel and with the peer.
    await new Promise((resolve) => setImmediate(resolve));
    const got = await readAll(peer);
    expect(digest(got)).toBe(digest(bytes));
    await echoing;
    expect([ours.bytesIn, ours.bytesOut]).toEqual([bytes.length, bytes.length]);
  });

  it('echoes to a peer that does not read without holding what it sends, and ends when it resets', async () => {
    const { ours, pump, peer } = await pair(kind);
    const echoing = pump.echo();
    echoing.catch(() => undefined);
    peer.pause();
    const filling = () => {
      while (!peer.destroyed && peer.write(new Uint8Array(1 << 16)));
    };
    peer.on('drain', filling);
    filling();
    // Stuck: neither side moves any more.
    for (let [moved, same] = [-1, 0]; same < 50; ) {
      await new Promise((resolve) => setImmediate(resolve));
      same = ours.bytesIn === moved ? same + 1 : 0;
      moved = ours.bytesIn;
    }
    expect(ours.bytesIn - ours.bytesOut).toBeLessThanOrEqual(4096);
    if (kind === 'inet') peer.resetAndDestroy();
    else peer.destroy();
    await expect(echoing).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
  });

  it('reads into a pipe whose reader is slow, every byte in order', async () => {
    const { ours, pump, peer } = await pair(kind);
    const bytes = randomBytes(20 << 20);
    const fifo = pipe();
    const receiving = pump.receiveInto(fifo.write);
    peer.end(bytes);
    // The pipe is full long before anybody reads from it.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const reading = fifo.readAll();
    await receiving;
    fifo.closeWriter();
    expect(digest(await reading)).toBe(digest(bytes));
    expect(ours.bytesIn).toBe(bytes.length);
  });

  it('says when nobody reads from the pipe any more', async () => {
    const { pump, peer } = await pair(kind);
    const fifo = pipe();
    fifo.closeReader();
    const receiving = pump.receiveInto(fifo.write);
    peer.write('for nobody');
    await expect(receiving).rejects.toMatchObject({ code: 'EPIPE' });
    fifo.closeWriter();
  });

  it('sends what comes through a pipe, bit by bit and then a lot, to a peer that reads slowly', async () => {
    const { ours, pump, peer } = await pair(kind);
    const bytes = randomBytes(20 << 20);
    const fifo = pipe();
    const sending = pump.sendPipe(fifo.read).then(() => pump.shutdown());
    const writer = createWriteStream('', { fd: fifo.write });
    for (const byte of [0, 1, 2]) {
      writer.write(bytes.subarray(byte, byte + 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    writer.end(bytes.subarray(3));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const got = await readAll(peer);
    expect(digest(got)).toBe(digest(bytes));
    await sending;
    expect(ours.bytesOut).toBe(bytes.length);
    fifo.closeReader();
  });

  it('leaves a pipe alone when the connection is closed in the middle', async () => {
    const { ours, pump } = await pair(kind);
    const fifo = pipe();
    const [receiving, sending] = [pump.receiveInto(fifo.write), pump.sendPipe(fifo.read)];
    await new Promise((resolve) => setImmediate(resolve));
    ours.destroy();
    await Promise.all([receiving, sending]);
    expect(writeSync(fifo.write, 'still a pipe')).toBe(12);
    // Whoever shares it finds it as it was: flags of fcntl(2), in octal.
    const flags = readFileSync(`/proc/self/fdinfo/${fifo.write}`, 'latin1');
    expect(Number.parseInt(/^flags:\s+(\d+)/m.exec(flags)?.[1] ?? '', 8) & constants.O_NONBLOCK).toBe(0);
    fifo.closeWriter();
    expect((await fifo.readAll()).toString()).toBe('still a pipe');
  });

  it('discards and counts', async () => {
    const { ours, pump, peer } = await pair(kind);
    const discarding = pump.discard();
    peer.end(randomBytes(10_000_001));
    await discarding;
    expect(ours.bytesIn).toBe(10_000_001);
  });

  it('hands over what comes, holding the peer back while a chunk is being taken', async () => {
    const { pump, peer } = await pair(kind);
    const bytes = randomBytes(3 << 20);
    const parts: Buffer[] = [];
    let busy = 0;
    const receiving = pump.receive(async (chunk) => {
      expect(++busy).toBe(1);
      parts.push(Buffer.from(chunk));
      await new Promise((resolve) => setImmediate(resolve));
      busy--;
    });
    peer.end(bytes);
    await receiving;
    expect(digest(Buffer.concat(parts))).toBe(digest(bytes));
  });

  it('sends chunks, a pattern and a file, each whole', async () => {
    const { ours, pump, peer } = await pair(kind);
    const reading = readAll(peer);
    const [chunk, file] = [randomBytes(1_500_000), randomBytes(9_000_001)];
    const path = join(folder, 'file');
    writeFileSync(path, file);
    const fd = openSync(path, 'r');
    await pump.send(chunk);
    await pump.generate(Buffer.from('0123456789\n'), { limit: 1_000_000 });
    await pump.sendFile(fd);
    // Nothing is left of it from its offset on; from the start on it is all there again.
    await pump.sendFile(fd);
    const first = ours.bytesOut;
    await pump.sendFile(fd, 9_000_000);
    expect(ours.bytesOut - first).toBe(1);
    pump.shutdown();
    closeSync(fd);
    const got = await reading;
    expect(got.length).toBe(chunk.length + 1_000_000 + file.length + 1);
    const pattern = got.subarray(chunk.length, chunk.length + 1_000_000);
    expect(pattern.toString()).toBe('0123456789\n'.repeat(90_910).slice(0, 1_000_000));
    expect(digest(Buffer.concat([chunk, file]))).toBe(
      digest(Buffer.concat([got.subarray(0, chunk.length), got.subarray(chunk.length + 1_000_000, -1)])),
    );
    expect(ours.bytesOut).toBe(got.length);
  });

  it('goes both ways at once', async () => {
    const { ours, pump, peer } = await pair(kind);
    const reading = readAll(peer);
    const both = Promise.all([
      pump.discard(),
      pump.generate(Buffer.from('ab'), { limit: 5_000_000 }).then(() => pump.shutdown()),
    ]);
    peer.end(randomBytes(5_000_000));
    await both;
    expect((await reading).length).toBe(5_000_000);
    expect([ours.bytesIn, ours.bytesOut]).toEqual([5_000_000, 5_000_000]);
  });

  it('ends quietly when the connection is closed from this side', async () => {
    const { ours, pump } = await pair(kind);
    const pending = Promise.all([pump.discard(), pump.generate(Buffer.from('x'))]);
    await new Promise((resolve) => setImmediate(resolve));
    ours.destroy();
    await pending;
    await ours.closed;
  });

  it('passes on what the deliverer throws', async () => {
    const { pump, peer } = await pair(kind);
    const receiving = pump.receive(() => Promise.reject(new Error('no room')));
    peer.write('x');
    await expect(receiving).rejects.toThrow('no room');
  });
});

describe('a peer that resets', () => {
  it('fails the reading and the writing half, after what had come before', async () => {
    const { pump, peer } = await pair('inet');
    const parts: Buffer[] = [];
    peer.write('last words', () => setImmediate(() => peer.resetAndDestroy()));
    const reading = pump.receive((chunk) => {
      parts.push(Buffer.from(chunk));
    });
    await expect(reading).rejects.toMatchObject({ syscall: 'recv', code: 'ECONNRESET' });
    expect(Buffer.concat(parts).toString()).toBe('last words');
    await expect(pump.send(new Uint8Array(1 << 20))).rejects.toMatchObject({ syscall: 'send', code: 'EPIPE' });
  });
});

describe('a listener', () => {
  it('tells where a connection came in', async () => {
    const accepted: StreamConnection[] = [];
    const listener = await backend.listen(inetEndpoint(parseIP('0.0.0.0'), 0), {
      ...open,
      backlog: 5,
      onConnection: (connection) => accepted.push(connection),
      onError: () => undefined,
    });
    const { port } = listener.local as { port: number };
    const client = connect(port, '127.0.0.5');
    await new Promise((resolve) => client.once('connect', resolve));
    while (accepted.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(accepted.map(({ local }) => formatEndpoint(local))).toEqual([`127.0.0.5:${port}`]);
    client.destroy();
    accepted[0]?.destroy();
    await listener.close();
  });
});

describe('zero-copy writes', () => {
  it('arrive whole, and are over when the kernel has let go of every page', async () => {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const { port } = server.address() as AddressInfo;
    const settings = [parseSetting('SO_ZEROCOPY')];
    const ours = await backend.connect(inetEndpoint(parseIP('127.0.0.1'), port), { ...open, settings });
    const peer = await accepted;
    closing.push(
      () => server.close(),
      () => peer.destroy(),
      () => ours.destroy(),
    );
    const zeroCopy = { calls: 0, copied: 0 };
    const pattern = randomBytes(1000);
    const sending = ours.pump?.generate(pattern, { limit: 20_000_000, zeroCopy }).then(() => ours.pump?.shutdown());
    const got = await readAll(peer);
    await sending;
    expect(digest(got)).toBe(digest(Buffer.concat(Array(20_000).fill(pattern))));
    expect(zeroCopy.calls).toBeGreaterThan(10);
    // On loopback the kernel has no other way.
    expect(zeroCopy.copied).toBe(zeroCopy.calls);
  });
});
