/** Streams beside netcats, socat and iperf3, on loopback: each tool with its own kind at the other end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export const title =
  'Streams on loopback: sockctl beside nc, ncat, socat and iperf3, each with its own kind at the other end';

export const subjects = ['sockctl', 'nc', 'ncat', 'socat', 'socat -b1M', 'iperf3', 'ncat -e'];

const SECONDS = 3;
const FILE_BYTES = 2 * 2 ** 30;
const ECHO_BYTES = 64;

export const cases = [
  { name: 'file 2 GiB', run: sendFile },
  { name: 'bench, 1 connection', run: (subject) => throughput(subject, 1) },
  { name: 'bench, 4 connections', run: (subject) => throughput(subject, 4) },
  { name: 'echo 64 B', run: echoes },
  { name: 'connect and close', run: connections },
];

const target = (what, one, figure, subject, least) => ({ what, case: one, figure, subject, least, inverse: true });
export const targets = [
  target('a file, sockctl to nc', 'file 2 GiB', 'GB/s', 'nc', 2),
  target('a file, sockctl to ncat', 'file 2 GiB', 'GB/s', 'ncat', 2),
  target('a file, sockctl to socat', 'file 2 GiB', 'GB/s', 'socat', 4),
  target('a file, sockctl to socat -b1M', 'file 2 GiB', 'GB/s', 'socat -b1M', 1),
  target('throughput, sockctl to iperf3, 1 connection', 'bench, 1 connection', 'Gbit/s', 'iperf3', 1.5),
  target('throughput, sockctl to iperf3, 4 connections', 'bench, 4 connections', 'Gbit/s', 'iperf3', 1.5),
  target('round trips a second, sockctl to socat', 'echo 64 B', 'round trips/s', 'socat', 1),
  target('connections a second, sockctl to ncat -lk -e', 'connect and close', 'connections/s', 'ncat -e', 3),
];

const MAIN = new URL('../../dist/cli/main.cjs', import.meta.url).pathname;

export async function measure(subject, one) {
  const program = subject.split(' ')[0];
  const there =
    program === 'sockctl' || (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, program)));
  return there ? one.run(subject) : undefined;
}

let folder;
let file;
/** Two GiB that do not compress, in the page cache. */
function bigFile() {
  if (file !== undefined) return file;
  folder = mkdtempSync(join(tmpdir(), 'sockctl-bench-'));
  file = join(folder, 'file');
  const block = new Uint8Array(1 << 20);
  const fd = openSync(file, 'w');
  for (let i = 0; i < FILE_BYTES / block.length; i++) writeSync(fd, block.fill(i * 31 + 7));
  closeSync(fd);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return file;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function start(command, args, stdio) {
  const [program, rest] = command === 'sockctl' ? [process.execPath, [MAIN, ...args]] : [command, args];
  const child = spawn(program, rest, { stdio });
  const exited = once(child, 'exit');
  return { child, exited };
}

async function stop({ child, exited }) {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await exited;
}

/** Waits until something listens there, without connecting: a server for one connection would be used up. */
async function listening(port) {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (;;) {
    const lines = readFileSync('/proc/net/tcp', 'latin1') + readFileSync('/proc/net/tcp6', 'latin1');
    if (lines.split('\n').some((line) => line.includes(wanted) && line.includes(' 0A '))) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function sendFile(subject) {
  const port = String(await freePort());
  const address = `127.0.0.1:${port}`;
  const ends = {
    sockctl: [
      ['sockctl', ['tcp', 'serve', '--discard', '--once', '-q', address]],
      ['sockctl', ['tcp', 'connect', '-q', address]],
    ],
    nc: [
      ['nc', ['-N', '-l', '127.0.0.1', port]],
      ['nc', ['-N', '127.0.0.1', port]],
    ],
    ncat: [
      ['ncat', ['-l', '--recv-only', '127.0.0.1', port]],
      ['ncat', ['--send-only', '127.0.0.1', port]],
    ],
    socat: [
      ['socat', ['-u', `TCP-LISTEN:${port},bind=127.0.0.1`, '-']],
      ['socat', ['-u', '-', `TCP:${address}`]],
    ],
    'socat -b1M': [
      ['socat', ['-u', '-b1048576', `TCP-LISTEN:${port},bind=127.0.0.1`, '-']],
      ['socat', ['-u', '-b1048576', '-', `TCP:${address}`]],
    ],
  }[subject];
  if (ends === undefined) return undefined;
  const [[server, serverArgs], [client, clientArgs]] = ends;
  const sink = openSync('/dev/null', 'w');
  const source = openSync(bigFile(), 'r');
  const receiving = start(server, serverArgs, ['ignore', sink, 'ignore']);
  await listening(Number(port));
  // From the start of the sender to the end of the receiver, start-up included: what a user waits for.
  const started = performance.now();
  const sending = start(client, clientArgs, [source, 'ignore', 'ignore']);
  await Promise.all([sending.exited, receiving.exited]);
  const seconds = (performance.now() - started) / 1000;
  closeSync(sink);
  closeSync(source);
  return { 'GB/s': FILE_BYTES / 1e9 / seconds };
}

async function throughput(subject, parallel) {
  const port = String(await freePort());
  if (subject === 'iperf3') {
    const server = start('iperf3', ['-s', '-1', '-B', '127.0.0.1', '-p', port], 'ignore');
    await listening(Number(port));
    const client = start(
      'iperf3',
      ['-c', '127.0.0.1', '-p', port, '-t', String(SECONDS), '-P', String(parallel), '-J'],
      ['ignore', 'pipe', 'ignore'],
    );
    const report = JSON.parse(await text(client.child.stdout));
    await stop(server);
    return { 'Gbit/s': report.end.sum_received.bits_per_second / 1e9 };
  }
  if (subject !== 'sockctl') return undefined;
  const server = start('sockctl', ['tcp', 'serve', '--discard', '-q', `127.0.0.1:${port}`], 'ignore');
  await listening(Number(port));
  const args = [
    'tcp',
    'bench',
    `127.0.0.1:${port}`,
    '--time',
    String(SECONDS),
    '--parallel',
    String(parallel),
    '--json',
    '-q',
  ];
  const client = start('sockctl', args, ['ignore', 'pipe', 'ignore']);
  const lines = (await text(client.child.stdout)).trim().split('\n');
  await stop(server);
  return { 'Gbit/s': JSON.parse(lines.at(-1)).bitsPerSecond / 1e9 };
}

async function text(stream) {
  let all = '';
  for await (const chunk of stream.setEncoding('utf8')) all += chunk;
  return all;
}

/** A server that echoes, of each kind. */
async function echoServer(subject) {
  const port = await freePort();
  const command = {
    sockctl: ['sockctl', ['tcp', 'serve', '--echo', '-q', `127.0.0.1:${port}`]],
    socat: ['socat', [`TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, 'PIPE']],
    'ncat -e': ['ncat', ['-l', '-k', '-e', '/bin/cat', '127.0.0.1', String(port)]],
  }[subject];
  if (command === undefined) return undefined;
  const server = start(command[0], command[1], 'ignore');
  await listening(port);
  return { port, server };
}

/** One connection, one message on its way at a time; the client is the same for all. */
async function echoes(subject) {
  const there = subject === 'ncat -e' ? undefined : await echoServer(subject);
  if (there === undefined) return undefined;
  const socket = connect({ port: there.port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const message = new Uint8Array(ECHO_BYTES).fill(1);
  let [trips, pending] = [0, 0];
  const until = performance.now() + 1000 * SECONDS;
  const started = performance.now();
  await new Promise((resolve) => {
    socket.on('data', (chunk) => {
      pending -= chunk.length;
      if (pending > 0) return;
      trips++;
      if (performance.now() > until) return resolve();
      pending = ECHO_BYTES;
      socket.write(message);
    });
    pending = ECHO_BYTES;
    socket.write(message);
  });
  const seconds = (performance.now() - started) / 1000;
  socket.destroy();
  await stop(there.server);
  return { 'round trips/s': trips / seconds };
}

/** A connection, a byte there and back, a close; sixteen at a time. */
async function connections(subject) {
  const there = subject === 'socat' ? undefined : await echoServer(subject);
  if (there === undefined) return undefined;
  const until = performance.now() + 1000 * SECONDS;
  let done = 0;
  const one = () =>
    new Promise((resolve) => {
      const socket = connect(there.port, '127.0.0.1');
      socket.on('error', resolve);
      socket.once('data', () => {
        done++;
        // A reset leaves no TIME-WAIT behind that would use up the ports.
        socket.resetAndDestroy();
      });
      socket.once('close', resolve);
      socket.write('x');
    });
  const started = performance.now();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (performance.now() < until) await one();
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  await stop(there.server);
  return { 'connections/s': done / seconds };
}
