/** udp send and udp recv against nc, ncat and socat, both ways, and probes against a seeded relay. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { hasCommand } from '../hosts/machine.js';
import { Running, records, run, start } from './process.js';

const CLIENTS: Record<string, (port: number) => [string, string[]]> = {
  nc: (port) => ['nc', ['-u', '-w', '1', '-N', '127.0.0.1', String(port)]],
  ncat: (port) => ['ncat', ['-u', '--send-only', '127.0.0.1', String(port)]],
  socat: (port) => ['socat', ['-u', '-', `UDP:127.0.0.1:${port}`]],
};

/** An odd size, every byte value, zeros included. */
const payload = () => Buffer.concat([randomBytes(1000), Buffer.alloc(24), Buffer.from('end\n')]);

describe.each(Object.entries(CLIENTS))('%s as the sender', (peer, client) => {
  it('reaches udp recv, byte for byte', async (ctx) => {
    if (!hasCommand(peer)) ctx.skip(`${peer} is not installed`);
    const bytes = payload();
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--count', '1']);
    const [command, args] = client(await receiver.port());
    await run(command, args, { input: bytes });
    const { code, stdout } = await receiver.done;
    expect(code).toBe(0);
    expect(stdout.equals(bytes)).toBe(true);
  });
});

const SERVERS: Record<string, (port: number) => [string, string[]]> = {
  nc: (port) => ['nc', ['-u', '-l', '127.0.0.1', String(port)]],
  ncat: (port) => ['ncat', ['-u', '-l', '127.0.0.1', String(port)]],
  socat: (port) => ['socat', ['-u', `UDP-RECV:${port},bind=127.0.0.1`, '-']],
};

describe.each(Object.entries(SERVERS))('%s as the receiver', (peer, server) => {
  it('gets what udp send sends', async (ctx) => {
    if (!hasCommand(peer)) ctx.skip(`${peer} is not installed`);
    const bytes = payload();
    const port = await freeUdpPort();
    const [command, args] = server(port);
    const receiver = new Running(command, args, { holdInput: true });
    // Until the peer has bound, the kernel answers with port unreachable: that is the event to wait for.
    for (let tries = 0; ; tries++) {
      const { code } = await start([
        'udp',
        'send',
        `127.0.0.1:${port}`,
        '--hex',
        bytes.toString('hex'),
        '--wait',
        '50ms',
      ]).done;
      if (code === 0) break;
      expect(tries).toBeLessThan(50);
    }
    await receiver.until(({ received }) => (received >= bytes.length ? true : undefined));
    expect(receiver.stdout.subarray(0, bytes.length).equals(bytes)).toBe(true);
    await receiver.signal('SIGTERM');
  });
});

describe('sockctl with itself', () => {
  it.each(['native', 'portable'])('echoes to many senders on the %s backend', async (backend) => {
    const receiver = start(['udp', 'recv', ':0', '--echo', '--count', '3', '--json', '--backend', backend]);
    const port = await receiver.port();
    for (const target of [`127.0.0.1:${port}`, `[::1]:${port}`, `localhost:${port}`]) {
      const { code, stdout } = await start([
        'udp',
        'send',
        target,
        '--data',
        `to ${target}`,
        '--wait',
        '500ms',
        '--backend',
        backend,
      ]).done;
      expect(code).toBe(0);
      expect(stdout.toString()).toBe(`to ${target}`);
    }
    const { code, stdout } = await receiver.done;
    expect(code).toBe(0);
    const all = records(stdout);
    expect(all.map((record) => record.type)).toEqual(['udp.datagram', 'udp.datagram', 'udp.datagram', 'udp.summary']);
    expect(all[0]).toMatchObject({
      data: Buffer.from(`to 127.0.0.1:${port}`).toString('base64'),
      remote: { address: '127.0.0.1', family: 'ipv4' },
      timestamp: backend === 'native' ? 'kernel' : 'user',
    });
    expect(all.at(-1)).toMatchObject({ received: 3, endReason: 'count' });
  });

  it('keeps the boundaries of stdin lines, zero-length and the largest datagrams', async () => {
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--count', '5', '--json']);
    const target = `127.0.0.1:${await receiver.port()}`;
    await start(['udp', 'send', target], { input: 'one\ntwo\nrest' }).done;
    await start(['udp', 'send', target, '--data', '']).done;
    await start(['udp', 'send', target, '--size', '65507']).done;
    const lengths = records((await receiver.done).stdout).map((record) => record.length);
    expect(lengths).toEqual([4, 4, 4, 0, 65_507, undefined]);
  });

  it('counts every probe', async () => {
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--probe', '--once', '--json']);
    const target = `127.0.0.1:${await receiver.port()}`;
    const sender = await start(['udp', 'send', target, '--probe', '--count', '5000', '--rate', '20k', '--json']).done;
    const summary = records((await receiver.done).stdout).at(-1);
    expect(summary).toMatchObject({
      type: 'udp.summary',
      received: 5000,
      lost: 0,
      duplicated: 0,
      reordered: 0,
      late: 0,
    });
    const [sent] = records(sender.stdout);
    expect(sent).toMatchObject({
      type: 'udp.summary',
      sent: 5000,
      datagramsPerSecond: { requested: 20_000 },
      endReason: 'count',
    });
  });
});

describe('a relay that drops, repeats and reorders', () => {
  it.each([1, 2, 3])('has its ledger agree with the report, seed %i', async (seed) => {
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--probe', '--once', '--json']);
    const relay = await createRelay(await receiver.port(), seed);
    await start(['udp', 'send', `127.0.0.1:${relay.port}`, '--probe', '--count', '2000', '--rate', '4k']).done;
    const summary = records((await receiver.done).stdout).at(-1);
    relay.close();
    const { dropped, repeated, swapped } = relay.ledger;
    expect(dropped).toBeGreaterThan(0);
    expect(summary).toMatchObject({
      received: 2000 - dropped + repeated,
      lost: dropped,
      duplicated: repeated,
      reordered: swapped,
    });
  });
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** Forwards to `to`; of each ten datagrams, by the seed, it may drop one, repeat one, or swap one with the next. */
async function createRelay(to: number, seed: number) {
  const ledger = { dropped: 0, repeated: 0, swapped: 0 };
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % 10;
  };
  let held: Buffer | undefined;
  const send = (bytes: Uint8Array) => socket.send(bytes, to, '127.0.0.1');
  let sender = 0;
  socket.on('message', (bytes, { port }) => {
    // What the receiver answers goes back as it came.
    if (port === to) return socket.send(bytes, sender, '127.0.0.1');
    sender = port;
    // Flag 1 of byte 5 marks the end of a stream: those pass, after what is held.
    const isEnd = ((bytes[5] ?? 0) & 1) === 1;
    if (held !== undefined) {
      const [first, second] = isEnd ? [held, bytes] : [bytes, held];
      send(first);
      send(second);
      if (!isEnd) ledger.swapped++;
      held = undefined;
      return undefined;
    }
    const fate = isEnd ? 9 : random();
    if (fate === 0) ledger.dropped++;
    else if (fate === 1) {
      ledger.repeated++;
      send(bytes);
      send(bytes);
    } else if (fate === 2) held = Buffer.from(bytes);
    else send(bytes);
    return undefined;
  });
  return { port: socket.address().port, ledger, close: () => socket.close() };
}
