/**
 * npm run bench -- filter: a filter that few packets pass over one and over ten million packets, beside tcpdump: whole
 * processes, start included, the files in the page cache; and how long expressions take to compile, in a process that has
 * compiled nothing yet and in one that has.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeMixedCapture } from './mixed-packets.mjs';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
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
  { what: 'ms to compile, the first time', case: 'compile', figure: 'first ms', subject: 'sockctl', most: 5 },
  { what: 'ms to compile, later', case: 'compile', figure: 'later ms', subject: 'sockctl', most: 5 },
];

export async function measure(subject, { name }) {
  if (name === 'compile') return subject === 'sockctl' ? compileTimes() : undefined;
  const command =
    subject === 'tcpdump'
      ? ['tcpdump', '-r', FILES[name], '--count', EXPRESSION]
      : [process.execPath, MAIN, 'capture', 'read', FILES[name], '--count-only', EXPRESSION];
  const start = process.hrtime.bigint();
  const [program, ...args] = command;
  execFileSync(program, args, { stdio: 'ignore' });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { 'packets/s': PACKETS[name] / seconds, seconds };
}

/** The longest of the typical expressions: each first in a process of its own; then the median of many in one. */
function compileTimes() {
  const program = `
    import { compileFilter } from '${LIBRARY}';
    const times = [];
    for (let i = 0; i < Number(process.argv[2]); i++) {
      const start = performance.now();
      compileFilter(process.argv[1], { linkType: 1 });
      times.push(performance.now() - start);
    }
    console.log(JSON.stringify(times));`;
  const times = (expression, count) =>
    JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program, expression, String(count)]));
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  return {
    'first ms': Math.max(...TYPICAL.map((expression) => times(expression, 1)[0])),
    'later ms': Math.max(...TYPICAL.map((expression) => median(times(expression, 300)))),
  };
}
