/** raw send as a user runs it: what others capture and understand of its packets, and what comes back for them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, isRoot, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type Host, type HostPair } from '../hosts/namespaces.js';
import { type Finished, Running, records, run, sockctl, start } from './process.js';

const obstacle = namespaceObstacle() ?? (hasCommand('tcpdump') ? undefined : 'tcpdump is not installed');
const noTshark = obstacle ?? (hasCommand('tshark') ? undefined : 'tshark is not installed');
let hosts: HostPair;
let hardware: Readonly<Record<'a' | 'b', string>>;
const folder = mkdtempSync(join(tmpdir(), 'sockctl-send-'));
beforeAll(() => {
  if (obstacle !== undefined) return;
  hosts = createHostPair();
  const address = (host: Host) => /ether (\S+)/.exec(hosts.ip(host, 'link', 'show', 'link0'))?.[1] ?? '';
  hardware = { a: address(hosts.a), b: address(hosts.b) };
});
afterAll(() => {
  hosts?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const send = (args: readonly string[], host = hosts.a): Promise<Finished> =>
  sockctl(['raw', 'send', ...args], { under: host.under });
const summaryOf = ({ stdout }: Finished) => records(stdout).at(-1) as Record<string, unknown>;
const answersOf = ({ stdout }: Finished) =>
  records(stdout).filter(({ type }) => type === 'send.answer') as {
    sequence: number;
    how: string;
    rttMs: number;
    timestamp: string;
    packet: { layers: Record<string, unknown>[] };
  }[];

let captures = 0;

/** What tcpdump sees in host b until it has `count` packets. */
async function capturing(count: number, filter: string, action: () => Promise<void>): Promise<string> {
  const file = join(folder, `${++captures}.pcap`);
  const args = ['-i', 'link0', '--immediate-mode', '-U', '-w', file, '-c', String(count), filter];
  const tcpdump = new Running('tcpdump', args, { under: hosts.b.under });
  await tcpdump.until(({ stderr }) => (stderr.includes('listening on') ? true : undefined));
  await action();
  const { code, stderr } = await tcpdump.done;
  expect(code, stderr).toBe(0);
  return file;
}

/** Fields of each packet, as tshark decodes it. */
async function decoded(file: string, fields: readonly string[]): Promise<Record<string, string>[]> {
  const wanted = [...fields, '_ws.malformed'].flatMap((field) => ['-e', field]);
  const checks = ['ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum'].flatMap((name) => [
    '-o',
    `${name}:TRUE`,
  ]);
  const args = ['-r', file, ...checks, '-T', 'fields', '-E', 'separator=|', '-E', 'occurrence=f', ...wanted];
  const { stdout, stderr, code } = await run('tshark', args, { under: hosts.b.under });
  expect(code, stderr).toBe(0);
  return stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => {
      const values = line.split('|');
      expect(values[fields.length], line).toBe('');
      return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? '']));
    });
}

describe('packets as others decode them', () => {
  const DST = '10.99.0.2';
  const CASES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    [
      `ip(dst=${DST},ttl=9,id=77,df,dscp=46)/icmp(type=echo,id=7,seq=513)/"hello"`,
      {
        'ip.ttl': '9',
        'ip.id': '0x004d',
        'ip.dsfield.dscp': '46',
        'icmp.ident': '7',
        'icmp.seq': '513',
        'data.data': '68656c6c6f',
      },
    ],
    [
      `ip(dst=${DST})/tcp(sport=1024,dport=81,seq=100,window=1000,flags=SYN|ECE,options=(mss=1400,window-scale=7,sack-permitted))`,
      {
        'tcp.srcport': '1024',
        'tcp.dstport': '81',
        'tcp.seq_raw': '100',
        'tcp.window_size_value': '1000',
        'tcp.flags': '0x0042',
        'tcp.options.mss_val': '1400',
        'tcp.options.wscale.shift': '7',
        'tcp.checksum.status': '1',
      },
    ],
    [`ip(dst=${DST})/udp(sport=5,dport=6)/"x"`, { 'udp.srcport': '5', 'udp.dstport': '6', 'udp.checksum.status': '1' }],
    [
      `ip(dst=${DST})/udp(sport=5,dport=53)/dns(id=77,questions=AAAA(example.com))`,
      { 'dns.id': '0x004d', 'dns.qry.name': 'example.com', 'dns.qry.type': '28' },
    ],
    [
      'ip(dst=224.0.0.22)/igmp(type=report,group=239.1.2.3)',
      { 'ip.ttl': '1', 'igmp.type': '0x16', 'igmp.maddr': '239.1.2.3' },
    ],
    [
      `ip(dst=${DST})/gre(key=5)/ip(src=10.0.0.1,dst=10.0.0.2)/udp(dport=9)`,
      { 'gre.proto': '0x0800', 'gre.key': '0x00000005' },
    ],
    [
      `ip(dst=${DST})/udp(dport=4789)/vxlan(vni=4711)/eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)/ip(src=10.0.0.1,dst=10.0.0.2)/icmp()`,
      { 'vxlan.vni': '4711', 'icmp.type': '8' },
    ],
    [`ip(dst=${DST},protocol=253)/hex(01 02 03)`, { 'ip.proto': '253', 'data.data': '010203' }],
    [
      'ip6(dst=fd99::2,hlim=7,tc=32)/icmp6(type=echo,id=9,seq=1)',
      { 'ipv6.hlim': '7', 'ipv6.tclass': '0x00000020', 'icmpv6.type': '128', 'icmpv6.checksum.status': '1' },
    ],
    [
      'ip6(dst=fd99::2)/dstopts(options=(padn=4))/udp(dport=9)',
      { 'ipv6.nxt': '60', 'udp.dstport': '9', 'udp.checksum.status': '1' },
    ],
  ];
  const FRAMES: typeof CASES = [
    [
      'eth()/vlan(id=5,priority=3)/ip(dst=10.99.0.2)/udp(dport=9)',
      { 'vlan.id': '5', 'vlan.priority': '3', 'ip.dst': '10.99.0.2' },
    ],
    [
      'eth()/arp(op=request,tpa=10.99.0.2)',
      { 'arp.opcode': '1', 'arp.dst.proto_ipv4': '10.99.0.2', 'arp.src.proto_ipv4': '10.99.0.1' },
    ],
    // Lies that IP sockets would put right.
    ['eth()/ip(dst=10.99.0.2,checksum=1)/udp(dport=9)', { 'ip.checksum': '0x0001', 'ip.checksum.status': '0' }],
  ];

  it('have every field as asked, and nothing malformed', async (ctx) => {
    if (noTshark !== undefined) return ctx.skip(noTshark);
    const all = [...CASES, ...FRAMES];
    const fields = [...new Set(all.flatMap(([, wanted]) => Object.keys(wanted))), 'eth.src', 'eth.dst'];
    // Without what the kernel sends by itself: of groups, of neighbours.
    const ours = `ether src ${hardware.a} and not (arp[6:2] = 2) and not (ip6 and (ip6[6] = 0 or (ip6[6] = 58 and ip6[40] != 128)))`;
    const file = await capturing(all.length, ours, async () => {
      // The neighbour is known beforehand: no ARP stands between the packets.
      hosts.ip(hosts.a, 'neigh', 'replace', '10.99.0.2', 'lladdr', hardware.b, 'dev', 'link0', 'nud', 'permanent');
      hosts.ip(hosts.a, 'neigh', 'replace', 'fd99::2', 'lladdr', hardware.b, 'dev', 'link0', 'nud', 'permanent');
      hosts.ip(hosts.a, 'route', 'replace', '224.0.0.0/4', 'dev', 'link0');
      for (const [text] of CASES) {
        const { code, stderr } = await send([text]);
        expect(code, `${text}: ${stderr}`).toBe(0);
      }
      for (const [text] of FRAMES) {
        const { code, stderr } = await send([text, '-i', 'link0']);
        expect(code, `${text}: ${stderr}`).toBe(0);
      }
    });
    const seen = await decoded(file, fields);
    for (const [i, [text, wanted]] of all.entries()) expect(seen[i], text).toMatchObject(wanted);
    for (const [i] of FRAMES.entries()) expect(seen[CASES.length + i]).toMatchObject({ 'eth.src': hardware.a });
    expect(seen.at(-1)).toMatchObject({ 'eth.dst': hardware.b });
    return undefined;
  }, 40_000);

  it('are the product of their lists and ranges, in order, as often as asked', async (ctx) => {
    if (noTshark !== undefined) return ctx.skip(noTshark);
    const text = 'ip(dst=10.99.0.2,ttl=1..3)/udp(dport=[7,9],sport=1000..1001)';
    const expected: string[][] = [];
    for (const _ of [1, 2])
      for (const ttl of ['1', '2', '3'])
        for (const port of ['7', '9']) for (const source of ['1000', '1001']) expected.push([ttl, port, source]);
    let result: Finished | undefined;
    const file = await capturing(expected.length, 'udp', async () => {
      result = await send([text, '--count', '2', '--json']);
    });
    const fields = ['ip.ttl', 'udp.dstport', 'udp.srcport'];
    expect((await decoded(file, fields)).map((packet) => fields.map((field) => packet[field]))).toEqual(expected);
    expect(summaryOf(result as Finished)).toMatchObject({ sent: 24, bytes: 24 * 28, failed: 0, endReason: 'count' });
    const numbers = records((result as Finished).stdout).filter(({ type }) => type === 'send.packet');
    expect(numbers.map(({ sequence }) => sequence)).toEqual(expected.map((_, i) => i + 1));
    return undefined;
  });
});

describe('answers', () => {
  it.for([
    ['echo', 'ip(dst=10.99.0.2,ttl=9)/icmp(type=echo,id=7,seq=[1,2])/"hello"', [['reply'], ['reply']]],
    ['echo over IPv6', 'ip6(dst=fd99::2)/icmp6(type=echo,id=7,seq=1)/"hello"', [['reply']]],
    ['echo in fragments', 'ip(dst=10.99.0.2)/icmp(type=echo,id=8)/zeros(4000)', [['reply']], '--fragment', '1280'],
    [
      'echo over IPv6 in fragments',
      'ip6(dst=fd99::2)/icmp6(type=echo,id=8)/zeros(4000)',
      [['reply']],
      '--fragment',
      '1280',
    ],
    ['a port where nobody listens', 'ip(dst=10.99.0.2)/udp(dport=9)/"x"', [['error']]],
    ['a timestamp', 'ip(dst=10.99.0.2)/icmp(type=timestamp,id=1)', [['reply']]],
    ['who has an address', 'eth()/arp(op=request,tpa=10.99.0.2)', [['reply']], '-i', 'link0'],
    [
      'echo in a frame, the neighbour looked for',
      'eth()/ip6(dst=fd99::2)/icmp6(type=echo,id=3)',
      [['reply']],
      '-i',
      'link0',
    ],
  ] as const)('%s', async ([, text, expected, ...flags], ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    hosts.ip(hosts.a, 'neigh', 'flush', 'all');
    const result = await send([text, '--answer', '3s', '--json', ...flags]);
    expect(result.code, result.stderr).toBe(0);
    const answers = answersOf(result);
    expect(answers.map(({ how }) => [how])).toEqual(expected);
    for (const { rttMs, timestamp } of answers) {
      expect(timestamp).toBe('kernel');
      expect(rttMs).toBeGreaterThan(0);
      expect(rttMs).toBeLessThan(3000);
    }
    expect(summaryOf(result)).toMatchObject({
      answered: expected.length,
      unanswered: 0,
      inFlight: 0,
      endReason: 'count',
    });
    return undefined;
  });

  it('of TCP tell open ports from closed ones, and of DNS are those to the query', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const server = start(['tcp', 'serve', '--discard', '10.99.0.2:0', '--log-format', 'json'], {
      under: hosts.b.under,
      holdInput: true,
    });
    const port = await server.port();
    const responder = new Running(process.execPath, [DNS, '10.99.0.2'], { under: hosts.b.under });
    await responder.until(({ received }) => (received > 0 ? true : undefined));
    const syn = await send([
      `ip(dst=10.99.0.2)/tcp(dport=[${port},1],flags=SYN,sport=40000)`,
      '--answer',
      '3s',
      '--json',
    ]);
    const flags = answersOf(syn).map(({ sequence, how, packet }) => [sequence, how, packet.layers[1]?.flags]);
    expect(flags).toEqual([
      [1, 'reply', ['SYN', 'ACK']],
      [2, 'reply', ['RST', 'ACK']],
    ]);
    const query = 'ip(dst=10.99.0.2)/udp(sport=4000,dport=53)/dns(id=[5,6],questions=A(example.com))';
    const dns = answersOf(await send([query, '--answer', '3s', '--json']));
    const replies = dns.filter(({ how }) => how === 'reply');
    expect(replies.map(({ sequence, packet }) => [sequence, packet.layers.at(-1)?.id])).toEqual([
      [1, 5],
      [2, 6],
    ]);
    await server.signal('SIGINT');
    await responder.signal('SIGTERM');
    return undefined;
  });

  it('of ICMP come without the packet socket of Linux too', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const text = 'ip(dst=10.99.0.2)/icmp(type=echo,id=7,seq=1)/"hello"';
    const result = await send([text, '--answer', '3s', '--json', '--backend', 'portable']);
    expect(result.code, result.stderr).toBe(0);
    expect(answersOf(result)).toMatchObject([{ how: 'reply', timestamp: 'user' }]);
    const frame = await send(['eth(dst=02:00:00:00:00:01)/arp(tpa=10.99.0.2)', '-i', 'link0', '--backend', 'portable']);
    expect([frame.code, frame.stderr]).toMatchObject([2, expect.stringContaining('portable backend')]);
    return undefined;
  });

  it('of fragments are waited for from the last one on', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    // Four of them, 200 ms apart: the answer comes when the time of the first one would have been over.
    const args = ['--fragment', '1500', '--rate', '5', '--answer', '400ms', '--no-print', '--json'];
    const result = await send([`ip(dst=${hosts.b.ipv4})/icmp()/zero(5000)`, ...args]);
    expect(summaryOf(result)).toMatchObject({ sent: 4, answered: 1, unanswered: 0 });
    expect(answersOf(result)[0]?.rttMs).toBeLessThan(200);
    return undefined;
  });

  it('to requests that look the same but for their number are those of each', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    // The first one is a fragment, of which nobody gets the rest.
    for (const packets of [
      `ip(dst=${hosts.b.ipv4},moreFragments=[true,false])/icmp()`,
      `ip6(dst=${hosts.b.ipv6})/fragment(moreFragments=[true,false])/icmp6()`,
    ]) {
      const result = await send([packets, '--answer', '500ms', '--json']);
      expect(answersOf(result).map(({ sequence, how }) => `${sequence} ${how}`)).toEqual(['2 reply']);
    }
    return undefined;
  });

  it('to records are counted once, frames and packets of IP among them', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const text = `ip(dst=${hosts.b.ipv4})/icmp(seq=1..3)/"x"`;
    const { stdout } = await send([text, '--dry-run', '--json']);
    const from = start(['raw', 'send', '--from-json', '-', '-i', 'link0', '--answer', '500ms', '--json'], {
      under: hosts.a.under,
      input: stdout,
    });
    expect(summaryOf(await from.done)).toMatchObject({ sent: 3, answered: 3, received: 3 });
    return undefined;
  });

  it('that do not come are told of, and are no success; one that is interrupted says what it knows', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const nobody = 'ip(dst=10.99.0.2,protocol=6)/tcp(dport=9,flags=RST)';
    const result = await send([nobody, '--answer', '200ms', '--json']);
    expect(result.code).toBe(1);
    expect(records(result.stdout).map(({ type }) => type)).toEqual(['send.packet', 'send.timeout', 'send.summary']);
    expect(summaryOf(result)).toMatchObject({ answered: 0, unanswered: 1, rttMs: { mean: null } });
    const waiting = start(['raw', 'send', nobody, '--answer', '60s', '--json'], { under: hosts.a.under });
    await waiting.until(({ stdout }) => (stdout.includes('send.packet') ? true : undefined));
    const ended = await waiting.signal('SIGINT');
    expect(ended.code).toBe(0);
    expect(summaryOf(ended)).toMatchObject({
      sent: 1,
      answered: 0,
      unanswered: 0,
      inFlight: 1,
      endReason: 'interrupted',
    });
    return undefined;
  });
});

describe('what is not sent', () => {
  it('is a frame whose neighbour is not found before an interrupt', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const tcpdump = new Running('tcpdump', ['-i', 'link0', '--immediate-mode', '-c', '1', 'arp'], {
      under: hosts.b.under,
    });
    await tcpdump.until(({ stderr }) => (stderr.includes('listening on') ? true : undefined));
    const running = start(['raw', 'send', 'eth()/ip(dst=10.99.0.78)/icmp()', '-i', 'link0', '--json'], {
      under: hosts.a.under,
    });
    await tcpdump.done;
    const result = await running.signal('SIGINT');
    expect(result.code).toBe(130);
    expect(summaryOf(result)).toMatchObject({ endReason: 'interrupted' });
    return undefined;
  });

  it('is a frame to a neighbour that is not there, while those to others are', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const frames = `eth()/ip(dst=[${hosts.b.ipv4},10.99.0.79,${hosts.b.ipv4}])/udp(dport=9)`;
    const result = await send([frames, '-i', 'link0', '--json']);
    expect(result.code).toBe(1);
    const failures = records(result.stdout).filter(({ type }) => type === 'send.failure');
    expect(failures).toMatchObject([{ sequence: 2, message: expect.stringContaining('10.99.0.79') }]);
    expect(summaryOf(result)).toMatchObject({ sent: 2, failed: 1, endReason: 'count' });
    return undefined;
  });

  it('is a frame by an interface that is down', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    hosts.ip(hosts.a, 'link', 'add', 'down0', 'type', 'veth', 'peer', 'name', 'down1');
    const result = await send(['eth()/arp(tpa=10.99.0.2)', '-i', 'down0', '--json']);
    hosts.ip(hosts.a, 'link', 'del', 'down0');
    expect(summaryOf(result)).toMatchObject({ error: { code: 'ENETDOWN' } });
    return undefined;
  });

  it('is printed in hex and decoded by --dry-run, which takes no privilege', async (ctx) => {
    if (!isRoot) return ctx.skip('another user needs root');
    const text = 'ip(dst=127.0.0.1,ttl=9)/udp(sport=1,dport=2)/"hello"';
    const dry = (...flags: string[]) => sockctl(['raw', 'send', text, '--dry-run', ...flags], { uid: 65_534 });
    const plain = await dry();
    expect(plain.code, plain.stderr).toBe(0);
    expect(plain.stdout.toString()).toMatch(
      /IP 127\.0\.0\.1\.1 > 127\.0\.0\.1\.2: UDP, length 5\n\t0x0000: {2}4500 0021/,
    );
    const tree = await dry('-V');
    expect(tree.stdout.toString()).toContain('destinationPort: 2');
    const [packet, summary] = records((await dry('--json')).stdout);
    expect(packet).toMatchObject({
      type: 'packet',
      length: 33,
      linkType: 'RAW',
      layers: [{ ttl: 9 }, { sourcePort: 1 }, {}],
    });
    expect(summary).toMatchObject({ type: 'send.summary', dryRun: true, packets: 1, sent: 0 });
    const sent = await sockctl(['raw', 'send', text], { uid: 65_534 });
    expect([sent.code, sent.stderr]).toMatchObject([3, expect.stringContaining('cap_net_raw')]);
    return undefined;
  });

  it('is no file that has no end', async () => {
    const endless = await sockctl(['raw', 'send', 'ip(dst=127.0.0.1,protocol=253)/file("/dev/zero")', '--dry-run']);
    expect([endless.code, endless.stderr]).toMatchObject([
      2,
      expect.stringContaining('/dev/zero: more than the 65535'),
    ]);
  });

  it('is written to a file all the same', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const files = ['dry', 'sent'].map((name) => join(folder, `${name}.pcapng`)) as [string, string];
    const text = 'eth()/ip(dst=10.99.0.2,id=1..3)/udp(dport=9)';
    expect((await send([text, '-i', 'link0', '--dry-run', '-w', files[0]])).code).toBe(0);
    expect((await send([text, '-i', 'link0', '-w', files[1]])).code).toBe(0);
    const [dry, sent] = await Promise.all(files.map((file) => sockctl(['capture', 'read', file, '-t', '-XX'])));
    expect(dry?.stdout.toString()).toBe(sent?.stdout.toString());
    expect(
      dry?.stdout
        .toString()
        .split('\n')
        .filter((line) => line.includes('UDP')),
    ).toHaveLength(3);
    return undefined;
  });

  it('is too much for networks beyond, without --yes', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const far = 'ip(src=10.99.0.1,dst=198.51.100.0/24)/udp(dport=9)';
    hosts.ip(hosts.a, 'route', 'replace', '198.51.100.0/24', 'via', '10.99.0.2');
    const routed = 'ip(src=10.99.0.1,dst=10.99.0.2,options=(lsrr(198.51.100.1)))/udp(dport=9)';
    const header = 'eth(dst=02:00:00:00:00:02,type=0x800)/hex(4500001400000000400100000a630001c6336401)';
    for (const [text, ...flags] of [
      [far, '--count', '4'],
      [far, '--rate', '1001'],
      // 28 bytes each, which is 4464 of them a second.
      [far, '--rate', '1mbit'],
      [routed, '--count', '1001'],
      [header, '--count', '1001', '-i', 'link0'],
      ['ip6(src=fd99::1,dst=fd99::2)/routing(addresses=(2001:db8::1))/udp(dport=9)', '--rate', '1001'],
    ] as const) {
      const refused = await send([text, ...flags, '--json']);
      expect([refused.code, refused.stderr]).toMatchObject([2, expect.stringContaining('add --yes')]);
      // Nothing has left.
      expect(records(refused.stdout)).toMatchObject([{ type: 'summary', endReason: 'error' }]);
    }
    // What the first packet does not show is refused when it comes.
    const later = 'ip(src=10.99.0.1,dst=10.99.0.2,options=[(nop),(lsrr(198.51.100.1))])/udp(dport=9)';
    const refused = await send([later, '--count', '2000', '--json']);
    expect([refused.code, refused.stderr]).toMatchObject([
      2,
      expect.stringContaining('packet 2002: more than 1000 packets a second, and 198.51.100.1 is on no network'),
    ]);
    expect(summaryOf(refused)).toMatchObject({ sent: 2001, endReason: 'error' });
    const allowed = await send([far, '--count', '4', '--yes', '--json']);
    expect(summaryOf(allowed)).toMatchObject({ sent: 1024, endReason: 'count' });
    // On the link, and slowly anywhere, nobody is asked.
    const near = await send(['ip(src=10.99.0.1,dst=10.99.0.2)/udp(dport=9)', '--count', '2000', '--json']);
    expect(summaryOf(near)).toMatchObject({ sent: 2000 });
    const slow = await send([far, '--rate', '1000', '--json', '--no-print']);
    expect(summaryOf(slow)).toMatchObject({ sent: 256, packetsPerSecond: { requested: 1000 } });
    return undefined;
  });
});

/** Answers queries for A records with 192.0.2.7. */
const DNS = new URL('programs/dns-responder.mjs', import.meta.url).pathname;
