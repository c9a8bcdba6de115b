/**
 * npm run bench -- decode: a million mixed packets decoded to lines and to records, and counted, beside tcpdump and
 * tshark. Whole processes, start included, their output thrown away. tshark decodes the first part of the file, for it
 * would take minutes for all of it; its rate is what counts.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeMixedCapture } from './mixed-packets.mjs';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url));
const PACKETS = 1_000_000;
const TSHARK_PACKETS = 50_000;

const folder = mkdtempSync(join(tmpdir(), 'sockctl-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const large = join(folder, 'large.pcap');
const small = join(folder, 'small.pcap');
writeMixedCapture(large, PACKETS);
writeMixedCapture(small, TSHARK_PACKETS);

export const title = `${PACKETS.toLocaleString('en')} mixed packets, decoded and counted`;
export const subjects = ['tcpdump', 'tshark', 'sockctl'];
export const cases = [{ name: 'lines' }, { name: 'records' }, { name: 'count' }];
export const targets = [
  { what: 'lines, sockctl to tcpdump -n', case: 'lines', figure: 'packets/s', subject: 'sockctl', least: 2 },
  {
    what: 'records, sockctl to tshark -T ek',
    case: 'records',
    figure: 'packets/s',
    subject: 'sockctl',
    base: 'tshark',
    least: 50,
  },
  { what: 'count, sockctl to tcpdump --count', case: 'count', figure: 'packets/s', subject: 'sockctl', least: 1 },
];

const COMMANDS = {
  'tcpdump lines': ['tcpdump', '-n', '-r', large],
  'tcpdump count': ['tcpdump', '--count', '-r', large],
  'tshark records': ['tshark', '-n', '-r', small, '-T', 'ek'],
  'sockctl lines': [process.execPath, MAIN, 'capture', 'read', large],
  'sockctl records': [process.execPath, MAIN, 'capture', 'read', large, '--json'],
  'sockctl count': [process.execPath, MAIN, 'capture', 'read', large, '--count-only'],
};

export async function measure(subject, { name }) {
  const command = COMMANDS[`${subject} ${name}`];
  if (command === undefined) return undefined;
  const packets = subject === 'tshark' ? TSHARK_PACKETS : PACKETS;
  const start = process.hrtime.bigint();
  await run(command);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { 'packets/s': packets / seconds, seconds };
}

function run([program, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore'] });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
  });
}
