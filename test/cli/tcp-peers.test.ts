/** tcp serve and tcp connect against the other netcats, both ways, byte for byte: plain, unix and TLS. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { makeCertificates } from '../hosts/certificates.js';
import { hasCommand } from '../hosts/machine.js';
import { scaled } from '../scale.js';
import { MAIN, Running, type RunOptions, run, start } from './process.js';
import { freePort, listening, PEERS, type StreamPeer, type Target } from './stream-peers.js';

const BIG = scaled(1 << 30);
const SIZE = `${BIG >> 20} MiB`;
const LIMIT_MS = 30_000;
/** openssl's tools read commands from stdin: letters at the start of what they read. */
const COMMANDS = new Set(Buffer.from('BbKkQqRrSsPCc'));

let folder: string;
let file: string;
let digest: string;
let pem: Target['pem'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  file = join(folder, 'big');
  // Random blocks with runs of zeros between them: every byte value but those, and long stretches of nothing.
  const block = Buffer.concat([
    randomBytes(8 << 20).map((byte) => (COMMANDS.has(byte) ? 0 : byte)),
    Buffer.alloc(8 << 20),
  ]);
  const hash = createHash('sha256');
  const fd = openSync(file, 'w');
  for (let size = 0; size < BIG; size += block.length) {
    writeSync(fd, block);
    hash.update(block);
  }
  closeSync(fd);
  digest = hash.digest('hex');
  pem = await makeCertificates(folder);
}, LIMIT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function skipWithout(ctx: TestContext, { program }: StreamPeer): void {
  if (!hasCommand(program)) ctx.skip(`${program} is not installed`);
}

let count = 0;
async function target(): Promise<Target> {
  return { port: await freePort(), path: join(folder, `socket${++count}`), pem };
}

/** Where sockctl is to listen or to connect. */
const address = ({ link }: StreamPeer, { port, path }: Target) =>
  link === 'unix' ? `unix:${path}` : `127.0.0.1:${port}`;
const serveFlags = ({ link }: StreamPeer) =>
  link === 'tls' ? ['--tls', '--cert', pem.certificate, '--key', pem.key] : [];
const connectFlags = ({ link }: StreamPeer) => (link === 'tls' ? ['--tls', '--ca', pem.ca] : []);
const sockctl = (args: readonly string[]) => [process.execPath, MAIN, ...args];

/** Runs a command with `input` as its stdin, what it prints being hashed: its exit code, and `digest` as stdout. */
function hashed(command: readonly string[], input: string | undefined, options: RunOptions = {}): Running {
  const script = `set -o pipefail; "$@" ${input === undefined ? '' : `< '${input}'`} | openssl dgst -sha256 -r | cut -d' ' -f1`;
  return new Running('bash', ['-c', script, 'bash', ...command], { timeoutMs: LIMIT_MS, ...options });
}

async function serving(
  peer: StreamPeer,
  args: readonly string[],
  options: RunOptions = {},
): Promise<[Running, Target]> {
  const goal = await target();
  const server = hashed(
    sockctl(['tcp', 'serve', address(peer, goal), '--once', ...serveFlags(peer), ...args]),
    undefined,
    options,
  );
  await server.until(({ stderr }) => (stderr.includes('listening on') ? true : undefined));
  return [server, goal];
}

describe.each(PEERS)('$name as the client', (peer) => {
  it(`sends ${SIZE} to tcp serve, which ends when the client has ended`, { timeout: LIMIT_MS }, async (ctx) => {
    skipWithout(ctx, peer);
    // openssl stops when our half ends, so its is held open.
    const [server, goal] = await serving(peer, [], { holdInput: !peer.halfClose });
    const sent = await hashed([peer.program, ...peer.client(goal)], file).done;
    server.child.stdin?.end();
    const { code, stdout } = await server.done;
    expect([sent.code, code, stdout.toString().trim()]).toEqual([0, 0, digest]);
  });

  it(`gets ${SIZE} from --send`, { timeout: LIMIT_MS }, async (ctx) => {
    skipWithout(ctx, peer);
    const [server, goal] = await serving(peer, ['--send', file]);
    // The server is done when the client has ended too; openssl would end before it has read.
    const options = { holdInput: !peer.halfClose };
    const client = await hashed([peer.program, ...peer.client(goal)], undefined, options).done;
    expect(client.stdout.toString().trim()).toBe(digest);
    expect((await server.done).code).toBe(0);
  });

  it(`gets ${SIZE} back from --echo after it has shut its half down`, { timeout: LIMIT_MS }, async (ctx) => {
    skipWithout(ctx, peer);
    if (!peer.halfClose) ctx.skip(`${peer.name} ends both halves at once`);
    const [server, goal] = await serving(peer, ['--echo']);
    const client = await hashed([peer.program, ...peer.client(goal)], file).done;
    expect(client.stdout.toString().trim()).toBe(digest);
    expect((await server.done).code).toBe(0);
  });

  it('gets what stdin of tcp serve holds, sent before it connected', async (ctx) => {
    skipWithout(ctx, peer);
    const [server, goal] = await serving(peer, [], { input: 'early\0bird\0\n', holdInput: true });
    server.child.stdin?.end();
    const client = new Running(peer.program, peer.client(goal), { holdInput: true });
    await client.until(({ stdout }) => (stdout.toString() === 'early\0bird\0\n' ? true : undefined));
    client.child.stdin?.end();
    expect((await server.done).code).toBe(0);
  });

  it('carries nothing at all', async (ctx) => {
    skipWithout(ctx, peer);
    const [server, goal] = await serving(peer, [], { input: '' });
    const client = await run(peer.program, peer.client(goal), { input: '' });
    const { code, stdout } = await server.done;
    expect([client.stdout.length, code, stdout.toString().trim()]).toEqual([0, 0, sha256('')]);
  });
});

describe.each(PEERS)('$name as the server', (peer) => {
  /** The peer, listening. */
  async function peerServer(input: string | undefined, options: RunOptions): Promise<[Running, Target]> {
    const goal = await target();
    const server = hashed([peer.program, ...peer.server(goal)], input, options);
    await listening(goal);
    return [server, goal];
  }

  it(`says its part and gets ${SIZE} from tcp connect afterwards`, { timeout: LIMIT_MS }, async (ctx) => {
    skipWithout(ctx, peer);
    const [server, goal] = await peerServer(undefined, { holdInput: true });
    server.child.stdin?.write('first word\n');
    // Those that can, end their half here; the others would end both.
    if (peer.outlives) server.child.stdin?.end();
    const client = start(['tcp', 'connect', address(peer, goal), ...connectFlags(peer)], {
      holdInput: true,
      timeoutMs: LIMIT_MS,
    });
    await client.until(({ stdout }) => (stdout.toString() === 'first word\n' ? true : undefined));
    client.child.stdin?.end(readFileSync(file));
    const got = await server.done;
    expect([(await client.done).code, got.stdout.toString().trim()]).toEqual([0, digest]);
  });

  it(`sends ${SIZE} to tcp connect`, { timeout: LIMIT_MS }, async (ctx) => {
    skipWithout(ctx, peer);
    const [server, goal] = await peerServer(file, {});
    const command = ['tcp', 'connect', address(peer, goal), ...connectFlags(peer)];
    // Those that would end when we do are heard to the end first, be it their own and too early.
    const client = start(command, { holdInput: !peer.outlives, timeoutMs: LIMIT_MS });
    const whole = client.until(({ received }) => (received === BIG ? true : undefined));
    await Promise.race([whole, server.done]);
    whole.catch(() => undefined);
    client.child.stdin?.end();
    const { code, stdout } = await client.done;
    expect([code, sha256(stdout)]).toEqual([0, digest]);
    await server.done;
  });

  it('carries nothing at all', async (ctx) => {
    skipWithout(ctx, peer);
    const [server, goal] = await peerServer(undefined, { input: '', holdInput: !peer.outlives });
    const client = await start(['tcp', 'connect', address(peer, goal), ...connectFlags(peer)]).done;
    server.child.stdin?.end();
    expect((await server.done).stdout.toString().trim()).toBe(sha256(''));
    expect([client.code, client.stdout.length]).toEqual([0, 0]);
  });
});

it.for(PEERS.filter(({ outlives }) => outlives))(
  '$name answers after tcp connect has ended its half',
  async (peer, ctx) => {
    skipWithout(ctx, peer);
    const goal = await target();
    const server = new Running(peer.program, peer.server(goal), { holdInput: true });
    await listening(goal);
    const client = start(['tcp', 'connect', address(peer, goal), ...connectFlags(peer)], { input: 'question\n' });
    await server.until(({ stdout }) => (stdout.toString() === 'question\n' ? true : undefined));
    server.child.stdin?.end('answer after the end\n');
    const [sent] = await Promise.all([client.done, server.done]);
    expect(sent.code).toBe(0);
    expect(sent.stdout.toString()).toBe('answer after the end\n');
  },
);

it.for([
  ['http', []],
  ['https', ['--tls']],
] as const)(`curl gets ${SIZE} from --send over %s`, { timeout: LIMIT_MS }, async ([scheme, flags], ctx) => {
  if (!hasCommand('curl')) ctx.skip('curl is not installed');
  const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--send', file, ...flags], { timeoutMs: LIMIT_MS });
  const url = `${scheme}://127.0.0.1:${await server.port()}/`;
  const { code, stdout } = await hashed(['curl', '--silent', '--insecure', '--http0.9', url], undefined).done;
  expect([code, stdout.toString().trim()]).toEqual([0, digest]);
  expect((await server.done).code).toBe(0);
});

function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}
