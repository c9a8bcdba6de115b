/**
 * npm run bench -- filter: a filter that few packets pass over one and over ten million packets, beside tcpdump: whole
 * processes, start included, the files in the page cache; and how long expressions take to compile: by how much they make
 * `capture compile` longer than the shortest one does, and in a process of the library that has compiled them before.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeMixedCapture } from './mixed-packets.mjs';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url));
const LIBRARY = new URL('../../dist/capture/reading.js', import.meta.url).href;
const EXPRESSION = 'udp port 99';
const MILLION = 1_000_000;
const TYPICAL = [
  'icmp',
  'udp port 99',
  'host 192.0.2.1 and tcp port 443',
  'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 10.0.0.0/8',
  'vlan and ip and not (port 22 or port 80)',
  'ip6 and (udp portrange 5000-6000 or icmp6[icmp6type] = icmp6-echo)',
];

const folder = mkdtempSync(join(tmpdir(), 'sockctl-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const FILES = { million: join(folder, 'million.pcap'), 'ten millions': join(folder, 'ten.pcap') };
const PACKETS = { million: MILLION, 'ten millions': 10 * MILLION };
for (const [name, path] of Object.entries(FILES)) writeMixedCapture(path, PACKETS[name]);
// Into the page cache, for whoever comes first.
execFileSync('cat', Object.values(FILES), { stdio: ['ignore', 'ignore', 'inherit'] });

export const title = `'${EXPRESSION}' over packets in files, and the time that expressions take to compile`;
export const subjects = ['tcpdump', 'sockctl'];
export const cases = [{ name: 'million' }, { name: 'ten millions' }, { name: 'compile' }];
export const targets = [
  { what: 'a million packets, sockctl to tcpdump', case: 'million', figure: 'packets/s', subject: 'sockctl', least: 1 },
  { what: 'ten millions', case: 'ten millions', figure: 'packets/s', subject: 'sockctl', least: 1 },
  { what: 'ms to compile, in the command', case: 'compile', figure: 'command ms', subject: 'sockctl', most: 5 },
  { what: 'ms to compile, in the library', case: 'compile', figure: 'library ms', subject: 'sockctl', most: 5 },
];

export async function measure(subject, { name }) {
  if (name === 'compile') return subject === 'sockctl' ? compileTimes() : undefined;
  const command =
    subject === 'tcpdump'
      ? ['tcpdump', '-r', FILES[name], '--count', EXPRESSION]
      : [process.execPath, MAIN, 'capture', 'read', FILES[name], '--count-only', EXPRESSION];
  const seconds = timed(command);
  return { 'packets/s': PACKETS[name] / seconds, seconds };
}

/** Seconds that a whole process takes. */
function timed([program, ...args]) {
  const start = process.hrtime.bigint();
  execFileSync(program, args, { stdio: 'ignore' });
  return Number(process.hrtime.bigint() - start) / 1e9;
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

/** The longest of the typical expressions. */
function compileTimes() {
  const inCommand = (expression) => timed([process.execPath, MAIN, 'capture', 'compile', expression]) * 1000;
  const longer = (expression) => median(Array.from({ length: 7 }, () => inCommand(expression) - inCommand('ip')));
  const program = `
    import { compileFilter } from '${LIBRARY}';
    const times = [];
    for (let i = 0; i < 300; i++) {
      const start = performance.now();
      compileFilter(process.argv[1], { linkType: 1 });
      times.push(performance.now() - start);
    }
    console.log(JSON.stringify(times));`;
  const inLibrary = (expression) =>
    median(JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program, expression])));
  return {
    'command ms': Math.max(...TYPICAL.map(longer)),
    'library ms': Math.max(...TYPICAL.map(inLibrary)),
  };
}
