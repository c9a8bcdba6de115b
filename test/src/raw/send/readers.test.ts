/** What tshark and scapy read of packets that are built here; scripts/compare-packets.mjs has more to say. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
// @ts-expect-error: scripts have no types
import { buildPackets } from '../../../../scripts/packets/build.mjs';
// @ts-expect-error: scripts have no types
import { writeCapture } from '../../../../scripts/packets/capture-file.mjs';
// @ts-expect-error: scripts have no types
import { hasScapy, readByScapy, scapyDifferences } from '../../../../scripts/packets/scapy.mjs';
import { hasCommand } from '../../../hosts/machine.js';
import { buildAll, EXPRESSIONS, hexOf, layersOf } from './building.js';

const folder = mkdtempSync(join(tmpdir(), 'sockctl-readers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const built = EXPRESSIONS.flatMap((text) => buildAll(text).map((packet) => ({ text, packet })));

it('are the packets that the script compares', () => {
  const hexes = (packets: typeof built) => packets.map(({ text, packet }) => [text, hexOf(packet)]);
  expect(hexes(buildPackets())).toEqual(hexes(built));
});

describe.skipIf(!hasCommand('tshark'))(`tshark${hasCommand('tshark') ? '' : ' (not installed)'}`, () => {
  it.each([
    ['frames', 1],
    ['packets', 101],
  ])('calls none of the %s malformed, and no checksum bad', (_, linkType) => {
    const some = built.filter(({ packet }) => (packet.link === 'ethernet') === (linkType === 1));
    const path = join(folder, `${linkType}.pcap`);
    writeCapture(
      path,
      some.map(({ packet }) => packet),
      linkType,
    );
    const checks = ['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);
    const fields = [
      '_ws.malformed',
      'ip.checksum.status',
      'tcp.checksum.status',
      'udp.checksum.status',
      'icmp.checksum.status',
    ];
    const args = ['-n', '-r', path, ...checks, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    const lines = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');
    expect(lines.length).toBe(some.length + 1);
    some.forEach(({ text }, i) => {
      const [malformed, ...status] = (lines[i] as string).split('\t');
      expect({ text, malformed }).toEqual({ text, malformed: '' });
      // 0 is bad; what is quoted, or has none, is not judged.
      for (const each of status)
        expect({ text, status: each.split(',').includes('0') }).toEqual({ text, status: false });
    });
  });
});

const scapy: boolean = hasScapy();

describe.skipIf(!scapy)(`scapy${scapy ? '' : ' (not installed)'}`, () => {
  it('reads the same fields', () => {
    const found = readByScapy(built.map(({ packet }) => packet));
    let values = 0;
    built.forEach(({ text, packet }, i) => {
      const { compared, differences } = scapyDifferences(layersOf(packet), found[i]);
      values += compared;
      expect({ text, differences }).toEqual({ text, differences: [] });
    });
    expect(values).toBeGreaterThan(2000);
  });
});
