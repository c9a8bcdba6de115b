/**
 * node scripts/code-cache.mjs: runs a few commands in the program that dist/cli holds, and keeps what V8 has made of it
 * until then, for starts to come. Part of the build.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE, loadProgram } from '../dist/cli/load-program.js';

const folder = mkdtempSync(join(tmpdir(), 'sockctl-build-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** An echo request on a link of type RAW. */
const PACKET = '4500001c00010000400166de7f0000017f0000010800f7fd00010001';
const capture = join(folder, 'one.pcap');
writeFileSync(
  capture,
  Buffer.from(`d4c3b2a1020004000000000000000000ffff00006500000000000000000000001c0000001c000000${PACKET}`, 'hex'),
);

/** Of each family, what a first run takes; none of them leaves this machine, nor lasts. */
const COMMANDS = [
  ['--version'],
  ['help', 'tcp', 'serve'],
  [
    'capture',
    'read',
    capture,
    '--count-only',
    'vlan and ip and not (port 22 or tcp[13] & 2 != 0 or src net 10.0.0.0/8)',
  ],
  ['capture', 'read', capture],
  ['capture', 'read', capture, '--json', 'icmp'],
  ['capture', 'compile', 'udp port 53'],
  ['options', 'SO_RCVBUF'],
  ['udp', 'send', '127.0.0.1:9', '--data', 'x'],
  ['udp', 'recv', '127.0.0.1:0', '--idle-timeout', '1ms'],
  ['tcp', 'connect', '127.0.0.1:1', '--timeout', '1s'],
  ['raw', 'ping', '-c', '1', '-W', '100ms', '127.0.0.1'],
];

const { program, script } = loadProgram();
for (const command of COMMANDS) await program.runCommandLine(command, new AbortController().signal);
writeFileSync(CACHE, script.createCachedData());
process.exit();
