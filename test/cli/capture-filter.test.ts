/** Filters as a user gives them: to capture read beside tcpdump, to raw sniff and udp recv, and wrong on purpose. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { generatePacket } from '../../scripts/filters/generate.mjs';
import { ETHERNET, encode, packet, scratch } from '../capture/helpers.js';
import { hasCommand, isRoot } from '../hosts/machine.js';
import { seeded } from '../seeded.js';
import { records, run, sockctl, start } from './process.js';

const file = scratch();
const random = seeded(7);
const below = (limit: number) => Math.floor(random() * limit);
const samples = Array.from({ length: 500 }, (_, i) => packet(i + 1, { bytes: generatePacket(below, 1) }));
const mixed = file('mixed.pcap', encode('pcap', samples));
const mixedNg = file('mixed.pcapng', encode('pcapng', samples));

const EXPRESSIONS = [
  'ip',
  'ip6 or arp',
  'tcp port 80 or udp port 53',
  'vlan and ip',
  'icmp[icmptype] = icmp-echo or icmp6',
  'len > 100',
];

describe('capture read with a filter', () => {
  it.for(EXPRESSIONS)(
    'counts, prints and writes what tcpdump lets pass: %s',
    { timeout: 30_000 },
    async (expression, ctx) => {
      if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not installed');
      const theirs = spawnSync('tcpdump', ['-r', mixed, '--count', expression], { encoding: 'utf8' });
      const count = Number(/^(\d+) packets?/m.exec(theirs.stdout)?.[1]);
      expect(count).toBeGreaterThan(0);
      const input = EXPRESSIONS.indexOf(expression) % 2 === 0 ? mixed : mixedNg;
      const counted = await sockctl(['capture', 'read', input, expression, '--count-only', '-q']);
      expect([counted.code, counted.stdout.toString()]).toEqual([0, `${count}\n`]);
      const json = records((await sockctl(['capture', 'read', input, '--json', ...expression.split(' ')])).stdout);
      const numbers = json.filter(({ type }) => type === 'packet').map(({ number }) => number as number);
      expect(numbers.length).toBe(count);
      expect(json.at(-1)).toMatchObject({ type: 'capture.summary', captured: count, endReason: 'eof' });
      // The numbers are those of the file.
      const written = file('some.pcap');
      await sockctl(['capture', 'read', input, '-w', written, '--format', 'pcap', '-q', '--', expression]);
      const bytes = encode(
        'pcap',
        samples.filter((one) => numbers.includes(one.number)),
      );
      const read = await sockctl(['capture', 'read', written, '--json', '-q']);
      const again = await sockctl(['capture', 'read', file('wanted.pcap', bytes), '--json', '-q']);
      const layers = (stdout: Buffer) =>
        records(stdout).map(({ time, layers: all }) => (all === undefined ? 0 : { time, all }));
      expect(layers(read.stdout)).toEqual(layers(again.stdout));
      return undefined;
    },
  );

  it('asks each link in its own way, where files of several are merged', async () => {
    const raw = { ...ETHERNET, linkType: 101 };
    const ip = samples.filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 0);
    const other = file(
      'raw.pcap',
      encode(
        'pcap',
        ip.map((one) => ({ ...one, interface: raw, bytes: one.bytes.subarray(14) })),
      ),
    );
    const count = async (...args: string[]) =>
      Number((await sockctl(['capture', 'read', ...args, '--count-only', '-q'])).stdout.toString());
    expect(await count(mixed, other, 'ip')).toBe((await count(mixed, 'ip')) + ip.length);
    // It means nothing on one of them.
    const wrong = await sockctl(['capture', 'read', mixed, other, 'ether host 02:00:00:00:00:01']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('link of type RAW')]);
  });

  it('stops after as many as pass', async () => {
    const { stdout } = await sockctl(['capture', 'read', mixed, '--json', '-c', '2', 'ip']);
    expect(records(stdout).at(-1)).toMatchObject({ captured: 2, endReason: 'count' });
  });

  it.each([
    ['tcp prot 80', 4, 8],
    ['port 70000', 5, 10],
    ['(tcp', 4, 4],
    ['host kitchen', 5, 12],
    ['inbound', 0, 7],
  ])('shows what is wrong with %j', async (expression, from, to) => {
    const { code, stdout, stderr } = await sockctl(['capture', 'read', mixed, expression, '--json']);
    expect(code).toBe(2);
    const [line, shown, carets] = stderr.split('\n');
    expect(line).toMatch(/^sockctl: bad filter, at .+; .+/);
    expect(shown).toBe(`  ${expression}`);
    expect(carets).toBe(`  ${' '.repeat(from)}${'^'.repeat(Math.max(1, to - from))}`);
    const [record] = records(stdout);
    expect(record).toMatchObject({ endReason: 'error', error: { code: 'BAD_FILTER', start: from, end: to } });
  });

  it('tells a file that is not there from a filter', async () => {
    for (const name of ['no/such/file', 'other.pcap']) {
      const { code, stderr } = await sockctl(['capture', 'read', mixed, name]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`'${name}' names no file`)]);
    }
    const { code } = await sockctl(['capture', 'read', mixed, '-q', 'ip[0]/ip[1]=2']);
    expect(code).toBe(0);
  });
});

describe('capture compile', () => {
  it.for(['-d', '-dd', '-ddd'])("prints the program as tcpdump's %s does", async (form, ctx) => {
    if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not installed');
    const theirs = await run('tcpdump', [form, '-y', 'EN10MB', 'icmp']);
    expect((await sockctl(['capture', 'compile', form, 'icmp'])).stdout.toString()).toBe(theirs.stdout.toString());
    return undefined;
  });
});

describe('filters in the kernel', () => {
  it.for(['native', 'portable'])('raw sniff takes what passes, %s', async (backend, ctx) => {
    if (!isRoot) return ctx.skip('raw sockets need root');
    const filter = ['icmp[icmptype]', '=', 'icmp-echo', 'and', 'dst', 'host', '127.3.2.1'];
    const sniff = start(['raw', 'sniff', '--json', '-c', '2', '--backend', backend, '--protocol', 'icmp', ...filter]);
    await sniff.until(({ stderr }) => (stderr.includes('sniffing on') ? true : undefined));
    for (const host of ['127.0.0.1', '127.3.2.1']) await sockctl(['raw', 'ping', '-c', '2', '-i', '10ms', '-q', host]);
    const { stdout } = await sniff.done;
    const packets = records(stdout).filter(({ type }) => type === 'packet');
    expect(packets.length).toBe(2);
    for (const { layers } of packets) {
      expect(layers).toMatchObject([
        { destination: '127.3.2.1' },
        { protocol: 'icmp', icmpType: 8 },
        { protocol: 'payload' },
      ]);
    }
    return undefined;
  });

  it('udp recv takes what passes, and does not say how much it had no room for', async () => {
    const receiver = start(['udp', 'recv', '127.0.0.1:0', '--json', '--count', '1', '--filter', 'udp[8] = 0x62']);
    const port = await receiver.until(({ stderr }) => /receiving on 127\.0\.0\.1:(\d+)/.exec(stderr)?.[1]);
    for (const data of ['aaa', 'bbb']) await sockctl(['udp', 'send', `127.0.0.1:${port}`, '--data', data, '-q']);
    const found = records((await receiver.done).stdout);
    expect(found.map(({ data }) => data)).toEqual([Buffer.from('bbb').toString('base64'), undefined]);
    expect(found.at(-1)).toMatchObject({ received: 1, droppedSocket: null });
  });
});
