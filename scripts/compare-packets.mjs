#!/usr/bin/env node
/**
 * The packets of scripts/packets/expressions.json, read by others: node scripts/compare-packets.mjs
 *
 * tshark must call none malformed, and read the same fields of them as sockctl does (compare-decoders.mjs); so must
 * scapy. Needs the build, tshark, and python3-scapy.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPackets, linkTypeOf } from './packets/build.mjs';
import { writeCapture } from './packets/capture-file.mjs';
import { readByScapy, scapyDifferences } from './packets/scapy.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sockctl-packets-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const built = buildPackets();
let wrong = 0;
process.stdout.write(`${built.length} packets of ${new Set(built.map(({ text }) => text)).size} expressions\n`);

const files = [1, 101].map((linkType) => {
  const path = join(folder, `${linkType}.pcap`);
  const packets = built.filter(({ packet }) => linkTypeOf(packet) === linkType);
  writeCapture(
    path,
    packets.map(({ packet }) => packet),
    linkType,
  );
  return { path, packets };
});

for (const { path, packets } of files) {
  const lines = run('tshark', ['-n', '-r', path, '-T', 'fields', '-e', '_ws.malformed', '-e', '_ws.expert.message'])
    .split('\n')
    .slice(0, -1);
  if (lines.length !== packets.length) fail(`tshark read ${lines.length} of ${packets.length} packets`);
  lines.forEach((line, i) => {
    const [malformed, expert] = line.split('\t');
    if (malformed !== '') fail(`malformed to tshark: ${packets[i].text} (${expert})`);
  });
}

const beside = spawnSync(process.execPath, [here('compare-decoders.mjs'), ...files.map(({ path }) => path)], {
  encoding: 'utf8',
});
process.stdout.write(`tshark: ${beside.stdout}`);
if (beside.status !== 0) wrong++;

const scapy = readByScapy(built.map(({ packet }) => packet));
let values = 0;
built.forEach(({ text, packet }, i) => {
  const { compared, differences } = scapyDifferences(packet.layers, scapy[i]);
  values += compared;
  for (const difference of differences) fail(`${text}: ${difference}`);
});
process.stdout.write(`scapy: ${built.length} packets, ${values} values compared\n`);
process.stdout.write(wrong === 0 ? 'no differences\n' : `${wrong} differences\n`);
process.exit(wrong === 0 ? 0 : 1);

function run(program, args) {
  const { stdout, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error !== undefined) throw error;
  return stdout;
}

function fail(what) {
  wrong++;
  process.stdout.write(`${what}\n`);
}
