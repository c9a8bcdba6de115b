/** Datagrams beside iperf3, and reliable transfers beside nc over TCP, on loopback and over a path that loses packets. */
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export const title = 'Datagrams on loopback: sockctl beside iperf3 -u, and reliable transfers beside nc over TCP';

export const subjects = ['sockctl', 'iperf3', 'nc'];

const SECONDS = 3;
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const LOSS = 0.01;
const DELAY_MS = 5;
/** What Linux ships with; many a host is set to another one, which takes loss in its own way. */
const USUAL_CONGESTION = 'cubic';
const OWN_CONGESTION = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();

export const cases = [
  // As many as the receiver takes without a loss; iperf3 sends as fast as it can.
  { name: 'probe 64 B', run: (subject) => probes(subject, 64, '6m') },
  { name: 'probe 1400 B', run: (subject) => probes(subject, 1400, '1100k') },
  { name: 'paced 10,000/s', run: paced },
  { name: 'file 1 GiB', run: (subject) => deliver(subject, file(GIB)) },
  // As much as TCP takes some seconds for.
  lossy(8 * MIB, USUAL_CONGESTION),
  // To see what is left of the difference where this machine's TCP takes no notice of loss, as BBR does not.
  ...(OWN_CONGESTION === USUAL_CONGESTION ? [] : [lossy(200 * MIB, OWN_CONGESTION)]),
];

function lossy(bytes, congestion) {
  const name = `file ${bytes / MIB} MiB, ${100 * LOSS} % lost each way, ${2 * DELAY_MS} ms, TCP ${congestion}`;
  return { name, run: (subject) => overLossyPath(subject, file(bytes), congestion) };
}

const target = (what, one, figure, subject, least) => ({ what, case: one, figure, subject, least, inverse: true });
export const targets = [
  target('64 B delivered without loss, sockctl to iperf3', 'probe 64 B', 'datagrams/s', 'iperf3', 10),
  target('1,400 B delivered without loss, sockctl to iperf3', 'probe 1400 B', 'Gbit/s', 'iperf3', 2),
  target('a file, sockctl to nc over TCP', 'file 1 GiB', 'GB/s', 'nc', 0.5),
  target('a file over a lossy path, sockctl to nc over TCP', lossy(8 * MIB, USUAL_CONGESTION).name, 'GB/s', 'nc', 2),
];

const MAIN = new URL('../../dist/cli/main.cjs', import.meta.url).pathname;

export async function measure(subject, one) {
  const there = (program) => (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, program)));
  return subject === 'sockctl' || there(subject) ? one.run(subject) : undefined;
}

/** Runs a command, under another one where that is given; collects what it prints. */
function start(command, args, { under = [], stdin = 'ignore', stdout = 'pipe' } = {}) {
  const own = command === 'sockctl' ? [process.execPath, MAIN, ...args] : [command, ...args];
  const [program, ...rest] = [...under, ...own];
  const child = spawn(program, rest, { stdio: [stdin, stdout, 'pipe'] });
  const one = { child, out: '', err: '', done: once(child, 'close') };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    one.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    one.err += text;
  });
  return one;
}

async function port(receiver) {
  for (;;) {
    const found = /receiving on [^"]*:(\d+)/.exec(receiver.err);
    if (found !== null) return found[1];
    await Promise.race([once(receiver.child.stderr, 'data'), receiver.done]);
    if (receiver.child.exitCode !== null || receiver.child.signalCode !== null) throw new Error(receiver.err);
  }
}

const summaryOf = ({ out }) => JSON.parse(out.trim().split('\n').at(-1));

async function probes(subject, size, rate) {
  if (subject === 'nc') return undefined;
  if (subject === 'iperf3') return iperf(['-b', '0', '-l', String(size)]);
  const receiver = start('sockctl', ['udp', 'recv', '127.0.0.1:0', '--probe', '--once', '--json', '--summary-only']);
  const address = `127.0.0.1:${await port(receiver)}`;
  const args = [
    'udp',
    'send',
    address,
    '--probe',
    '--size',
    String(size),
    '--rate',
    rate,
    '--time',
    `${SECONDS}s`,
    '--json',
  ];
  await start('sockctl', args).done;
  await receiver.done;
  const { received, lost, bytes, durationMs } = summaryOf(receiver);
  return {
    'datagrams/s': (received / durationMs) * 1000,
    'Gbit/s': (bytes * 8) / durationMs / 1e6,
    'lost %': (100 * lost) / (received + lost),
  };
}

/** What iperf3's server got. */
async function iperf(args) {
  const free = await freePort();
  const server = start('iperf3', ['-s', '-1', '-B', '127.0.0.1', '-p', free]);
  await listening(free, []);
  const client = start('iperf3', [
    '-c',
    '127.0.0.1',
    '-p',
    free,
    '-u',
    '-t',
    String(SECONDS),
    '--get-server-output',
    '-J',
    ...args,
  ]);
  await client.done;
  await server.done;
  const { end } = JSON.parse(client.out);
  const { packets, lost_packets: lost, seconds, bytes } = end.sum;
  const got = packets - lost;
  return {
    'datagrams/s': got / seconds,
    'Gbit/s': ((bytes / packets) * got * 8) / seconds / 1e9,
    'lost %': (100 * lost) / packets,
    'jitter ms': end.sum.jitter_ms,
  };
}

/** How far from its time each of 10,000 datagrams a second is sent. */
async function paced(subject) {
  if (subject === 'nc') return undefined;
  if (subject === 'iperf3') return iperf(['-b', String(10_000 * 64 * 8), '-l', '64']);
  const receiver = start('sockctl', ['udp', 'recv', '127.0.0.1:0', '--probe', '--once', '--json', '--summary-only']);
  const address = `127.0.0.1:${await port(receiver)}`;
  const sender = start('sockctl', [
    'udp',
    'send',
    address,
    '--probe',
    '--size',
    '64',
    '--rate',
    '10k',
    '--time',
    `${SECONDS}s`,
    '--json',
  ]);
  await sender.done;
  await receiver.done;
  const { schedulingErrorMs, datagramsPerSecond } = summaryOf(sender);
  const { received, durationMs, lost, jitterMs } = summaryOf(receiver);
  return {
    'datagrams/s': (received / durationMs) * 1000,
    'achieved/s': datagramsPerSecond.achieved,
    'lost %': (100 * lost) / (received + lost),
    'jitter ms': jitterMs,
    'scheduling error ms, mean': schedulingErrorMs.mean,
    'scheduling error ms, p50': schedulingErrorMs.p50,
    'scheduling error ms, p99': schedulingErrorMs.p99,
  };
}

let folder;
const files = new Map();
/** In the page cache; what the bytes are is all the same to these programs. */
function file(bytes) {
  if (files.has(bytes)) return files.get(bytes);
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'sockctl-bench-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  const path = join(folder, String(bytes));
  const block = new Uint8Array(1 << 20);
  const fd = openSync(path, 'w');
  for (let i = 0; i < bytes / block.length; i++) writeSync(fd, block.fill(i * 31 + 7));
  closeSync(fd);
  files.set(bytes, { path, bytes });
  return files.get(bytes);
}

/** From the start of the sender to the end of both; what arrives goes to /dev/null. */
async function deliver(subject, { path, bytes }, from = { address: '127.0.0.1', under: [] }, to = from) {
  if (subject === 'iperf3') return undefined;
  const sink = openSync('/dev/null', 'w');
  const source = openSync(path, 'r');
  try {
    if (subject === 'sockctl') {
      const receiver = start('sockctl', ['udp', 'recv', `${to.address}:0`, '--reliable'], {
        under: to.under,
        stdout: sink,
      });
      const address = `${to.address}:${await port(receiver)}`;
      const began = performance.now();
      const sender = start('sockctl', ['udp', 'send', address, '--reliable', '--file', path], { under: from.under });
      const [[code]] = await Promise.all([sender.done, receiver.done]);
      if (code !== 0) throw new Error(sender.err);
      return { 'GB/s': bytes / (performance.now() - began) / 1e6 };
    }
    const free = await freePort();
    const receiver = start('nc', ['-l', '-N', to.address, free], { under: to.under, stdout: sink });
    await listening(free, to.under);
    const began = performance.now();
    const sender = start('nc', ['-N', to.address, free], { under: from.under, stdin: source });
    await Promise.all([sender.done, receiver.done]);
    return { 'GB/s': bytes / (performance.now() - began) / 1e6 };
  } finally {
    closeSync(sink);
    closeSync(source);
  }
}

let path;
async function overLossyPath(subject, what, congestion) {
  if (subject === 'iperf3' || process.getuid?.() !== 0 || !existsSync('/dev/net/tun')) return undefined;
  if (path === undefined) {
    const relay = fork(new URL('./lossy-path.mjs', import.meta.url), [String(LOSS), String(DELAY_MS)]);
    const [ends] = await Promise.race([
      once(relay, 'message'),
      once(relay, 'exit').then(() => Promise.reject(new Error('there is no lossy path'))),
    ]);
    path = ends.map((end) => ({ ...end, under: ['ip', 'netns', 'exec', end.name] }));
    // It removes the namespaces when it is let go.
    relay.unref();
    relay.channel?.unref();
  }
  const [from, to] = path;
  // By the route: a namespace can't choose every one for itself (tcp_allowed_congestion_control), an option of nc neither.
  const route = ['route', 'change', '10.97.0.0/24', 'dev', from.device, 'src', from.address, 'congctl', congestion];
  execFileSync('ip', ['-n', from.name, ...route]);
  return deliver(subject, what, from, to);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  await once(server, 'close');
  return String(free);
}

/** Waits until something listens, without a connection, which would be taken for the one. */
async function listening(free, under) {
  const hex = Number(free).toString(16).toUpperCase().padStart(4, '0');
  for (;;) {
    const look = start('cat', ['/proc/net/tcp'], { under });
    await look.done;
    if (new RegExp(`:${hex} 00000000:0000 0A`).test(look.out)) return;
  }
}
