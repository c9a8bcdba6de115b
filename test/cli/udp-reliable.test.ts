/** udp send --reliable and udp recv --reliable as a user runs them, over a relay that spoils what it can. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRoot } from '../hosts/machine.js';
import { createRelay, type Impairment, type Relay } from '../hosts/relay.js';
import { type Running, records, start } from './process.js';

const LARGE = 100 << 20;
const SMALL = 5 << 20;
const LONG = 120_000;

let folder: string;
let large: string;
let small: string;
let number = 0;
const fresh = (name = 'out') => join(folder, `${++number}-${name}`);
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-reliable-'));
  large = join(folder, 'large');
  small = join(folder, 'small');
  writeFileSync(large, randomBytes(LARGE));
  writeFileSync(small, randomBytes(SMALL));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const receive = (args: readonly string[], port = 0) =>
  start(['udp', 'recv', `127.0.0.1:${port}`, '--reliable', ...args], { timeoutMs: LONG });
const send = (port: number, args: readonly string[], input?: Uint8Array) =>
  start(['udp', 'send', `127.0.0.1:${port}`, '--reliable', ...args], {
    timeoutMs: LONG,
    ...(input === undefined ? {} : { input }),
  });

/** A receiver, a relay in front of it, and what becomes of `work`. */
async function through(
  impairment: Impairment,
  out: string,
  work: (relay: Relay, receiver: Running) => Promise<void>,
  seed = 11,
): Promise<void> {
  const receiver = receive(['--file', out, '--json']);
  const relay = await createRelay(await receiver.port(), seed, impairment);
  try {
    await work(relay, receiver);
  } finally {
    await relay.close();
    if (receiver.child.exitCode === null) receiver.child.kill('SIGKILL');
  }
}

describe('100 MB over a relay that repeats 5 % and reorders 20 % each way', () => {
  it.each([0, 1, 5, 20, 40])(
    'arrive as they were sent where it loses %i percent each way too',
    async (percent) => {
      const out = fresh();
      await through({ drop: percent / 100, repeat: 0.05, reorder: 0.2 }, out, async (relay, receiver) => {
        const sent = await send(relay.port, ['--file', large, '--json']).done;
        expect(sent.stderr).not.toContain('sockctl:');
        expect(sent.code).toBe(0);
        const { code, stdout } = await receiver.done;
        expect(code).toBe(0);
        const digest = sha256(large);
        expect(records(sent.stdout).at(-1)).toMatchObject({
          type: 'udp.summary',
          bytes: LARGE,
          sha256: digest,
          endReason: 'eof',
        });
        expect(records(stdout).at(-1)).toMatchObject({ type: 'udp.summary', completed: 1, sha256: digest });
        expect(sha256(out)).toBe(digest);
        if (percent > 0) expect(relay.there.dropped * relay.back.dropped).toBeGreaterThan(0);
      });
    },
    LONG,
  );
});

describe('what is done to the packets', () => {
  it('a relay that turns bits: they count as lost', async () => {
    const out = fresh();
    await through({ corrupt: 0.1 }, out, async (relay, receiver) => {
      expect((await send(relay.port, ['--file', small]).done).code).toBe(0);
      expect((await receiver.done).code).toBe(0);
      expect(sha256(out)).toBe(sha256(small));
      expect(relay.there.corrupted).toBeGreaterThan(0);
    });
  });

  it('an injector that has seen packets, but not the handshake: nothing comes of it', async () => {
    const out = fresh();
    await through({}, out, async (relay, receiver) => {
      let seen = 0;
      relay.onForward = (bytes) => {
        if (seen++ % 20 !== 0) return;
        // Another end, another place, other data, with the ids that were seen; and noise.
        for (const type of [10, 7, 9, 5]) {
          const forged = Buffer.from(bytes);
          forged[3] = type;
          forged.fill(seen & 255, 24);
          relay.inject(forged);
        }
        relay.inject(randomBytes(64));
      };
      expect((await send(relay.port, ['--file', small]).done).code).toBe(0);
      expect((await receiver.done).code).toBe(0);
      expect(sha256(out)).toBe(sha256(small));
      expect(seen).toBeGreaterThan(100);
    });
  });

  it('nobody there: one line, at once', async () => {
    const { code, stderr } = await send(1, ['--file', small]).done;
    expect(code).toBe(1);
    expect(stderr).toMatch(/sockctl: .*127\.0\.0\.1:1: connection refused/);
  });

  it('somebody there who does not speak it: one line, in time', async () => {
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--count', '1000']);
    const { code, stderr } = await send(await receiver.port(), ['--file', small, '--timeout', '1s']).done;
    expect(code).toBe(1);
    expect(stderr).toContain('nothing answers there');
    await receiver.signal('SIGTERM');
  });
});

/** Holds a transfer back until `until` bytes have gone, then calls `act`. */
function atBytes(relay: Relay, until: number, act: () => void): void {
  let bytes = 0;
  relay.onForward = (datagram) => {
    bytes += datagram.length;
    if (bytes < until) return;
    relay.onForward = undefined;
    act();
  };
}

describe('an end that is killed', () => {
  it(
    'the sender: the same command goes on where it stopped',
    async () => {
      const out = fresh();
      await through({ drop: 0.01 }, out, async (relay, receiver) => {
        const first = send(relay.port, ['--file', large]);
        atBytes(relay, LARGE / 3, () => first.child.kill('SIGKILL'));
        await first.done;
        expect(existsSync(out)).toBe(false);
        const { code, stdout } = await send(relay.port, ['--file', large, '--json']).done;
        expect(code).toBe(0);
        expect(records(stdout).at(-1)?.resumedFrom).toBeGreaterThan(LARGE / 10);
        expect((await receiver.done).code).toBe(0);
        expect(sha256(out)).toBe(sha256(large));
      });
    },
    LONG,
  );

  it(
    'the receiver: it is found again when it is back, and the file is whole',
    async () => {
      const out = fresh();
      const first = receive(['--file', out]);
      const port = await first.port();
      const relay = await createRelay(port, 5);
      const sender = send(relay.port, ['--file', large, '--json']);
      await new Promise<void>((resolve) => atBytes(relay, LARGE / 2, resolve));
      first.child.kill('SIGKILL');
      await first.done;
      expect(existsSync(out)).toBe(false);
      const second = receive(['--file', out], port);
      const { code, stderr } = await sender.done;
      expect(stderr).toContain('goes on after');
      expect(code).toBe(0);
      expect((await second.done).code).toBe(0);
      expect(sha256(out)).toBe(sha256(large));
      await relay.close();
    },
    LONG,
  );

  it('the beginning of something else is in the way: it is sent whole', async () => {
    const out = fresh();
    writeFileSync(`${out}.part`, randomBytes(100_000));
    await through({}, out, async (relay, receiver) => {
      expect((await send(relay.port, ['--file', small]).done).code).toBe(0);
      expect((await receiver.done).code).toBe(0);
      expect(sha256(out)).toBe(sha256(small));
      expect(existsSync(`${out}.part`)).toBe(false);
    });
  });

  it(
    'interrupted by a person: both ends say so, and what there is stays',
    async () => {
      const out = fresh();
      await through({}, out, async (relay, receiver) => {
        const sender = send(relay.port, ['--file', large]);
        atBytes(relay, LARGE / 4, () => sender.child.kill('SIGINT'));
        expect((await sender.done).code).toBe(130);
        const { code, stderr } = await receiver.done;
        expect(code).toBe(1);
        expect(stderr).toContain('the other end has given up');
        expect(existsSync(`${out}.part`)).toBe(true);
        expect(existsSync(out)).toBe(false);
      });
    },
    LONG,
  );

  it(
    'a receiver that never comes back: the sender ends in time',
    async () => {
      const out = fresh();
      const receiver = receive(['--file', out]);
      const relay = await createRelay(await receiver.port(), 5);
      const sender = send(relay.port, ['--file', large, '--timeout', '2s']);
      atBytes(relay, LARGE / 10, () => receiver.child.kill('SIGKILL'));
      const { code, stderr } = await sender.done;
      expect(code).toBe(1);
      expect(stderr).toContain('nothing was heard of the receiver for 2 s');
      await relay.close();
    },
    LONG,
  );
});

describe('places', () => {
  it('a disk that is full: both ends say so, the file does not get its name, and more room lets it go on', async (ctx) => {
    if (!isRoot) return ctx.skip('a file system of its own takes root');
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    try {
      const out = join(disk, 'out');
      await through({}, out, async (relay, receiver) => {
        const sent = await send(relay.port, ['--file', small]).done;
        expect(sent.code).toBe(1);
        expect(sent.stderr).toMatch(/sockctl: .*the receiver can't write it: no space left on device/);
        const { code, stderr } = await receiver.done;
        expect(code).toBe(1);
        expect(stderr).toMatch(/sockctl: .*no space left on device \(ENOSPC\)/);
        expect(readdirSync(disk)).toEqual(['out.part']);
      });
      execFileSync('mount', ['-o', 'remount,size=20m', disk]);
      await through({}, out, async (relay, receiver) => {
        const { code, stdout } = await send(relay.port, ['--file', small, '--json']).done;
        expect(code).toBe(0);
        expect(records(stdout).at(-1)?.resumedFrom).toBeGreaterThan(0);
        expect((await receiver.done).code).toBe(0);
        expect(sha256(out)).toBe(sha256(small));
      });
    } finally {
      execFileSync('umount', [disk]);
    }
    return undefined;
  });

  it('a folder takes several senders at once, and two of one name', async () => {
    const into = fresh('folder');
    mkdirSync(into);
    const receiver = receive(['--file', into, '--count', '5', '--json']);
    const port = await receiver.port();
    const names = ['a', 'b', 'c', 'd', 'd'];
    const inputs = names.map(() => randomBytes(1 << 20));
    const all = names.map((name, i) => send(port, ['--name', name], inputs[i]));
    for (const sender of all) expect((await sender.done).code).toBe(0);
    const { code, stdout } = await receiver.done;
    expect(code).toBe(0);
    expect(records(stdout).at(-1)).toMatchObject({ completed: 5, failed: 0, endReason: 'count' });
    const digests = inputs.map((bytes) => createHash('sha256').update(bytes).digest('hex')).sort();
    expect(readdirSync(into).sort()).toEqual(['a', 'b', 'c', 'd', 'd.1']);
    expect(
      readdirSync(into)
        .map((name) => sha256(join(into, name)))
        .sort(),
    ).toEqual(digests);
  });

  it.each(['../escape', '/tmp/absolute', '.hidden', 'x.part', 'new\nline'])(
    'a folder refuses the name %j',
    async (name) => {
      const into = fresh('folder');
      mkdirSync(into);
      const receiver = receive(['--file', into, '--count', '1']);
      const { code, stderr } = await send(await receiver.port(), ['--file', small, '--name', name]).done;
      expect(code).toBe(1);
      expect(stderr).toContain('does not take that name');
      await receiver.done;
      expect(readdirSync(into)).toEqual([]);
    },
  );

  it('stdin to stdout, on both backends, and nothing at all', async () => {
    for (const backend of ['native', 'portable']) {
      for (const input of [randomBytes(3 << 20), Buffer.alloc(0)]) {
        const receiver = receive(['--backend', backend]);
        const sender = await send(await receiver.port(), ['--backend', backend], input).done;
        expect(sender.code).toBe(0);
        const { code, stdout } = await receiver.done;
        expect(code).toBe(0);
        expect(stdout.equals(input)).toBe(true);
      }
    }
  });

  it(
    'a second sender to one file is told that another one is there',
    async () => {
      const out = fresh();
      await through({}, out, async (relay, receiver) => {
        const first = start(['udp', 'send', `127.0.0.1:${relay.port}`, '--reliable', '--name', 'first'], {
          holdInput: true,
          input: randomBytes(1000),
          timeoutMs: LONG,
        });
        // Type 5 is DATA: by then it has its place.
        await new Promise<void>((resolve) => {
          relay.onForward = (bytes) => bytes[3] === 5 && resolve();
        });
        const second = await send(await receiver.port(), ['--file', small]).done;
        expect(second.code).toBe(1);
        expect(second.stderr).toContain('busy with another transfer');
        first.child.stdin?.end();
        expect((await first.done).code).toBe(0);
      });
    },
    LONG,
  );
});
