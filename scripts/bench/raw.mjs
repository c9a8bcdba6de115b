/**
 * npm run bench -- raw: ping, trace and send beside their peers, whole processes in network namespaces: a sweep of 65,536
 * addresses that all answer beside fping, round trips beside ping, a path of 30 hops beside mtr, a capture sent as fast
 * as it goes beside tcpreplay, and how true a schedule is kept. Needs root and the peers.
 *
 * The peers are given the flags that make them fastest. fping has sequence numbers for 65,535 hosts and refuses more in
 * ten seconds. mtr waits five seconds for late answers unless told otherwise: the target is what it takes with its
 * fastest interval, and what it takes when it waits a tenth of a second only is told beside it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeChain, makePair } from './raw-network.mjs';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url));
/** All hosts of the first, without its two ends, and two of the second. */
const BLOCKS = ['10.64.0.0/16', '10.65.0.0/24'];
const SWEEP = ['10.64.0.0/16', '10.65.0.1', '10.65.0.2'];
const SWEPT = 65_536;
const FPING_RANGE = ['10.64.0.0', '10.64.255.254'];
const FPING_SWEPT = 65_535;
const PINGS = 1000;
const HOPS = 30;
const FRAMES = 100_000;
const FRAME_LENGTH = 106;
const LOOPS = 10;

const pair = makePair(BLOCKS);
let chain;
const folder = mkdtempSync(join(tmpdir(), 'sockctl-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const capture = join(folder, 'frames.pcap');
writeCapture(capture, pair.hardwareAddress);

export const title = 'ping, trace and send beside fping, ping, mtr and tcpreplay';
export const subjects = ['peer', 'sockctl'];
export const cases = [
  { name: 'sweep', measure: sweep },
  { name: 'round trips', measure: roundTrips },
  { name: '30 hops', measure: trace },
  { name: 'replay', measure: replay },
  { name: 'drift', measure: drift },
];
export const targets = [
  { what: 'hosts a second, fping to sockctl', case: 'sweep', figure: 'hosts/s', subject: 'sockctl', least: 1.5 },
  { what: 'answers that were not counted', case: 'sweep', figure: 'missing', subject: 'sockctl', most: 0 },
  {
    what: 'medians of 1,000 round trips, ping to sockctl, µs apart',
    case: 'round trips',
    figure: 'apart µs',
    subject: 'sockctl',
    most: 5,
  },
  {
    what: "30 hops, mtr's first full report to sockctl",
    case: '30 hops',
    figure: 'seconds',
    subject: 'sockctl',
    least: 1,
    inverse: true,
  },
  { what: 'packets a second, tcpreplay to sockctl', case: 'replay', figure: 'packets/s', subject: 'sockctl', least: 1 },
  { what: 'packets lost on the link', case: 'replay', figure: 'lost', subject: 'sockctl', most: 0 },
  { what: '1,000 probes at 10 ms, ‰ from 9.99 s', case: 'drift', figure: 'off ‰', subject: 'sockctl', most: 1 },
];

export function measure(subject, one) {
  return one.measure(subject);
}

async function sweep(subject) {
  if (subject === 'peer') {
    const { seconds, stderr } = await timed(pair.under, [
      'fping',
      '-q',
      '-s',
      '-r',
      '0',
      '-i',
      '0',
      '-g',
      ...FPING_RANGE,
    ]);
    const answered = Number(/(\d+) alive/.exec(stderr)?.[1] ?? Number.NaN);
    return { 'hosts/s': FPING_SWEPT / seconds, seconds, missing: FPING_SWEPT - answered };
  }
  const flags = ['-c', '1', '-i', '0', '--yes', '--summary-only'];
  const { seconds, stdout } = await sockctl(pair.under, ['raw', 'ping', ...flags, ...SWEEP]);
  const [, transmitted, received] = /^([\d,]+) transmitted, ([\d,]+) received, 0 % lost/m.exec(stdout) ?? [];
  if (whole(transmitted) !== SWEPT || /duplicate|corrupt|late/.test(stdout))
    throw new Error(`not what was asked for: ${stdout}`);
  return { 'hosts/s': SWEPT / seconds, seconds, missing: SWEPT - whole(received) };
}

function whole(text = '') {
  return Number(text.replaceAll(',', ''));
}

let round = 0;
/** Both in turn, a few seconds after each other: what the machine does meanwhile is in both medians. */
async function roundTrips(subject) {
  if (subject === 'peer') return undefined;
  const order = round++ % 2 === 0 ? [pingTimes, sockctlTimes] : [sockctlTimes, pingTimes];
  const medians = new Map();
  for (const times of order) medians.set(times, median(await times()) * 1000);
  const [ping, own] = [medians.get(pingTimes), medians.get(sockctlTimes)];
  return { 'ping µs': ping, 'sockctl µs': own, 'apart µs': Math.abs(own - ping) };
}

async function pingTimes() {
  const { stdout } = await timed(pair.under, ['ping', '-n', '-c', PINGS, '-i', '0.002', pair.address]);
  return checked([...stdout.matchAll(/ time=([\d.]+) ms/g)].map(([, time]) => Number(time)));
}

async function sockctlTimes() {
  const { stdout } = await sockctl(pair.under, ['raw', 'ping', '-c', PINGS, '-i', '2ms', '--json', pair.address]);
  return checked(records(stdout).flatMap(({ type, rttMs }) => (type === 'ping.reply' ? [rttMs] : [])));
}

function checked(times) {
  if (times.length !== PINGS) throw new Error(`${times.length} of ${PINGS} pings have a time`);
  return times;
}

async function trace(subject) {
  chain ??= makeChain(HOPS);
  if (subject === 'peer') {
    const report = async (...more) => {
      const run = await timed(chain.under, ['mtr', '-n', '-r', '-c', '1', '-i', '0.01', ...more, chain.address]);
      const { seconds, stdout } = run;
      if (stdout.match(/\.\|-- 10\.66\./g)?.length !== HOPS) throw new Error(`mtr has not found all hops: ${stdout}`);
      return seconds;
    };
    return { seconds: await report(), 'seconds, hardly waiting': await report('-G', '0.1') };
  }
  const { seconds, stdout } = await sockctl(chain.under, ['raw', 'trace', '--json', chain.address]);
  const found = records(stdout).filter(
    ({ type, probes }) => type === 'trace.hop' && probes.some(({ address }) => address),
  );
  const { reached } = lastRecord(stdout);
  if (found.length !== HOPS || reached !== true) throw new Error(`not all hops: ${stdout}`);
  return { seconds };
}

async function replay(subject) {
  const before = pair.received();
  const sent = FRAMES * LOOPS;
  let perSecond;
  let seconds;
  if (subject === 'peer') {
    const run = await timed(pair.under, ['tcpreplay', '--topspeed', '-K', '-l', LOOPS, '-i', pair.device, capture]);
    perSecond = Number(/([\d.]+) pps/.exec(run.stdout + run.stderr)?.[1]);
    seconds = run.seconds;
  } else {
    const flags = [
      '--file',
      capture,
      '--topspeed',
      '--loop',
      LOOPS,
      '-i',
      pair.device,
      '--yes',
      '--no-print',
      '--json',
    ];
    const run = await sockctl(pair.under, ['raw', 'send', ...flags]);
    const { sent: packets, durationMs } = lastRecord(run.stdout);
    perSecond = (packets * 1000) / durationMs;
    seconds = run.seconds;
  }
  return { 'packets/s': perSecond, 'whole process packets/s': sent / seconds, lost: sent - (pair.received() - before) };
}

/** From the first probe to the last answer: 999 intervals and a round trip. */
async function drift(subject) {
  if (subject === 'peer') return undefined;
  const flags = ['-c', PINGS, '-i', '10ms', '--json', '--summary-only'];
  const { stdout } = await sockctl(pair.under, ['raw', 'ping', ...flags, pair.address]);
  const { durationMs, received } = lastRecord(stdout);
  return { seconds: durationMs / 1000, 'off ‰': Math.abs(durationMs / 9990 - 1) * 1000, missing: PINGS - received };
}

function sockctl(under, args) {
  return timed(under, [process.execPath, MAIN, ...args]);
}

/** The wall time of a whole process, and what it printed. */
async function timed(under, command) {
  const [program, ...args] = [...under, ...command].map(String);
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = [child.stdout, child.stderr].map((stream) => {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    return chunks;
  });
  const exited = once(child, 'exit').then(([code]) => ({ code, seconds: (performance.now() - begun) / 1000 }));
  await once(child, 'close');
  const [stdout, stderr] = texts.map((chunks) => Buffer.concat(chunks).toString());
  const { code, seconds } = await exited;
  if (code !== 0) throw new Error(`${command.join(' ')}: exit code ${code}: ${stderr}${stdout.slice(-500)}`);
  return { seconds, stdout, stderr };
}

function records(text) {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function lastRecord(text) {
  return JSON.parse(text.trim().split('\n').at(-1));
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** UDP to a port that nobody listens at, to another machine: the receiver has little to do with it. */
function writeCapture(path, destination) {
  const record = 16 + FRAME_LENGTH;
  const bytes = Buffer.alloc(24 + FRAMES * record);
  bytes.writeUInt32LE(0xa1b2c3d4, 0);
  bytes.writeUInt16LE(2, 4);
  bytes.writeUInt16LE(4, 6);
  bytes.writeUInt32LE(65_535, 16);
  bytes.writeUInt32LE(1, 20);
  const frame = Buffer.alloc(FRAME_LENGTH);
  frame.write(destination.replaceAll(':', ''), 0, 'hex');
  frame.write('0200000000010800', 6, 'hex');
  frame.write('4500005c00000000401100 00c6120001c6120002'.replaceAll(' ', ''), 14, 'hex');
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += frame.readUInt16BE(at);
  sum = (sum & 0xffff) + (sum >>> 16);
  frame.writeUInt16BE(~sum & 0xffff, 24);
  frame.writeUInt16BE(9, 34);
  frame.writeUInt16BE(9, 36);
  frame.writeUInt16BE(FRAME_LENGTH - 34, 38);
  for (let i = 0; i < FRAMES; i++) {
    const at = 24 + i * record;
    bytes.writeUInt32LE(Math.floor(i / 1000), at);
    bytes.writeUInt32LE((i % 1000) * 1000, at + 4);
    bytes.writeUInt32LE(FRAME_LENGTH, at + 8);
    bytes.writeUInt32LE(FRAME_LENGTH, at + 12);
    frame.writeUInt32BE(i, 42);
    frame.copy(bytes, at + 16);
  }
  writeFileSync(path, bytes);
}
