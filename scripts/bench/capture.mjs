/**
 * npm run bench -- capture: packets of a link into a file, beside tcpdump and beside the cap package, on a veth pair in a
 * network namespace of its own: CPU time from the first packet on, packets that were dropped, and what an idle capture
 * costs. Needs root. SOAK=600 adds a case: so many seconds under load, and by how much the memory has grown meanwhile.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url));
const GENERATOR = fileURLToPath(new URL('./packet-generator.mjs', import.meta.url));
const PACKETS = 2_000_000;
const LENGTH = 106;
const IDLE_MS = 5000;
const SOAK_SECONDS = Number(process.env.SOAK ?? 0);
/** Of clock_t in /proc, proc(5). */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

const space = `sockctl-bench-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'sockctl-bench-'));
const ip = (...args) => execFileSync('ip', args, { stdio: 'inherit' });
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
  ip('netns', 'del', space);
});
ip('netns', 'add', space);
ip('-n', space, 'link', 'add', 'link0', 'type', 'veth', 'peer', 'name', 'other0');
for (const link of ['link0', 'other0']) {
  ip('-n', space, 'link', 'set', link, 'addrgenmode', 'none');
  ip('-n', space, 'link', 'set', link, 'up');
}
await delay(1500);

export const title = `Packets of ${LENGTH} bytes from a veth pair into a file`;
export const subjects = ['tcpdump', 'sockctl', 'cap'];
export const cases = [
  { name: 'flat out', packets: PACKETS },
  { name: '50,000 a second', packets: 250_000, rate: 50_000 },
  { name: 'idle' },
  ...(SOAK_SECONDS > 0 ? [{ name: 'soak' }] : []),
];
export const targets = [
  {
    what: 'CPU of a million packets, tcpdump to sockctl',
    case: 'flat out',
    figure: 'CPU s/million',
    subject: 'sockctl',
    least: 0.5,
  },
  {
    what: 'CPU of a million packets, cap to sockctl',
    case: 'flat out',
    figure: 'CPU s/million',
    subject: 'sockctl',
    base: 'cap',
    least: 3,
  },
  { what: 'packets dropped', case: 'flat out', figure: 'dropped', subject: 'sockctl', most: 0 },
  { what: 'wake-ups a second when idle', case: 'idle', figure: 'wake-ups/s', subject: 'sockctl', most: 20 },
];

export async function measure(subject, one) {
  if (one.name === 'soak') return subject === 'sockctl' ? soak() : undefined;
  const capture = await startCapture(subject);
  if (one.name === 'idle') {
    const before = usage(capture.pid);
    await delay(IDLE_MS);
    const after = usage(capture.pid);
    await capture.stop();
    const seconds = IDLE_MS / 1000;
    return {
      'CPU ms/s': ((after.cpu - before.cpu) * 1000) / seconds,
      'wake-ups/s': (after.switches - before.switches) / seconds,
      'RSS MiB': after.resident / 1024,
    };
  }
  const before = usage(capture.pid);
  const { sent, seconds } = await generate(one.packets, one.rate ?? 0);
  const after = await settled(capture.pid);
  const { captured, dropped } = await capture.stop();
  return {
    'CPU s/million': ((after.cpu - before.cpu) * 1e6) / captured,
    'sent/s': sent / seconds,
    dropped,
    // What neither was captured nor is said to have been dropped.
    'not accounted for': sent - captured - dropped,
  };
}

/** Resolves when packets are taken in. */
async function startCapture(subject) {
  const file = join(folder, `out-${subject}`);
  const portable = subject === 'cap' ? ['--backend', 'portable'] : [];
  const command =
    subject === 'tcpdump'
      ? ['tcpdump', '-i', 'link0', '-w', file]
      : [process.execPath, MAIN, 'capture', '-i', 'link0', '-w', file, '--json', ...portable];
  const [program, ...args] = ['ip', 'netns', 'exec', space, ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  while (!/listening on|capturing on/.test(stderr)) {
    if (child.exitCode !== null) throw new Error(stderr);
    await Promise.race([once(child.stderr, 'data'), once(child, 'exit')]);
  }
  const stop = async () => {
    child.kill('SIGINT');
    await once(child, 'close');
    rmSync(file, { force: true });
    return subject === 'tcpdump' ? tcpdumpCounts(stderr) : summaryCounts(stdout);
  };
  return { pid: child.pid, stop };
}

function tcpdumpCounts(text) {
  const number = (what) => Number(new RegExp(`(\\d+) packets? ${what}`).exec(text)?.[1]);
  return { captured: number('captured'), dropped: number('dropped by kernel') };
}

function summaryCounts(text) {
  const { captured, droppedKernel, droppedApplication } = JSON.parse(text.trim().split('\n').at(-1));
  return { captured, dropped: (droppedKernel ?? 0) + (droppedApplication ?? 0) };
}

async function generate(count, rate) {
  const args = [
    'netns',
    'exec',
    space,
    process.execPath,
    GENERATOR,
    'other0',
    '--count',
    count,
    '--length',
    LENGTH,
    '--rate',
    rate,
  ];
  const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return JSON.parse(text);
}

/** The usage of a capture once it has nothing more to do. */
async function settled(pid) {
  let last = usage(pid);
  for (;;) {
    await delay(500);
    const now = usage(pid);
    if (now.cpu - last.cpu < 0.02) return now;
    last = now;
  }
}

/** Of a process and its children: CPU seconds, times that a thread went to sleep, and KiB of memory. */
function usage(pid) {
  // What follows the name in parentheses, from the state on: proc(5).
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  let switches = 0;
  let own = { cpu: (Number(fields[11]) + Number(fields[12])) / TICKS, resident: field(status, 'VmRSS') };
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    switches += field(readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1'), 'voluntary_ctxt_switches');
  }
  own = { ...own, switches };
  for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean)) {
    const more = usage(Number(child));
    for (const key of Object.keys(own)) own[key] += more[key];
  }
  return own;
}

function field(text, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Memory after a tenth of the time and at its end, under some 100,000 packets a second. */
async function soak() {
  const capture = await startCapture('sockctl');
  const rate = 100_000;
  const part = Math.ceil(SOAK_SECONDS / 10);
  let sent = 0;
  let first = 0;
  let last = 0;
  for (let i = 0; i < 10; i++) {
    sent += (await generate(part * rate, rate)).sent;
    last = usage(capture.pid).resident;
    if (i === 0) first = last;
  }
  const { captured, dropped } = await capture.stop();
  return { 'RSS MiB': last / 1024, 'grown MiB': (last - first) / 1024, dropped, lost: sent - captured - dropped };
}
