/** capture read, info, stats and follow as a user runs them, on files that are made here; tcpdump and tshark beside them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ByteWriter } from '../../capture/format/bytes.js';
import { openWriter } from '../../capture/format/open.js';
import { NO_STATISTICS } from '../../capture/source.js';
import { encodeDns } from '../../src/wire/application/dns.js';
import { encodeHttp } from '../../src/wire/application/http.js';
import { pseudoAddresses } from '../../src/wire/checksum.js';
import { encodeEthernet } from '../../src/wire/ethernet.js';
import { encodeIPv4 } from '../../src/wire/ipv4.js';
import { encodeTcp, type TcpFlag } from '../../src/wire/tcp.js';
import { encodeUdp } from '../../src/wire/udp.js';
import { ETHERNET, encode, packet } from '../capture/helpers.js';
import { hasCommand } from '../hosts/machine.js';
import { ethernetSamples } from '../src/wire/samples.js';
import { records, run, sockctl } from './process.js';

const A = '192.0.2.1';
const B = '192.0.2.2';
let folder: string;
let conversation: string;
let all: string;

function frame(source: string, destination: string, protocolNumber: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(34 + body.length);
  const link = { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02', etherType: 0x0800 };
  const at = encodeIPv4({ source, destination, protocolNumber }, body.length, bytes, encodeEthernet(link, bytes));
  bytes.set(body, at);
  return bytes;
}

function tcp(
  side: 'a' | 'b',
  flags: TcpFlag[],
  sequence: number,
  acknowledgment: number,
  data: Uint8Array | string = '',
): Uint8Array {
  const [source, destination] = side === 'a' ? [A, B] : [B, A];
  const ports =
    side === 'a' ? { sourcePort: 40_000, destinationPort: 8080 } : { sourcePort: 8080, destinationPort: 40_000 };
  const body = encodeTcp(
    { ...ports, flags, sequence, acknowledgment },
    Buffer.from(data),
    pseudoAddresses(source, destination),
  );
  return frame(source, destination, 6, body);
}

const udp = (port: number, data: Uint8Array) =>
  frame(A, B, 17, encodeUdp({ sourcePort: 5000, destinationPort: port }, data, pseudoAddresses(A, B)));

/** A pcapng file of another machine, with a remark. */
function foreignFile(): Uint8Array {
  const writer = openWriter('pcapng', {
    hardware: 'abacus',
    operatingSystem: 'Multics',
    application: 'other',
    comments: ['made by hand'],
  });
  const out = new ByteWriter();
  writer.open(out, [ETHERNET]);
  writer.packet(out, packet(1, { bytes: udp(9, new Uint8Array(4)) }));
  writer.close(out, NO_STATISTICS, []);
  return out.written();
}

const query = encodeDns({
  ...{ id: 7, response: false, opcode: 0, authoritative: false, truncated: false, recursionDesired: true },
  ...{ recursionAvailable: false, authenticData: false, checkingDisabled: false, responseCode: 0 },
  questions: [{ name: 'example.com', type: 'A', class: 'IN' }],
  ...{ answers: [], authorities: [], additionals: [] },
});
const request = encodeHttp({
  method: 'GET',
  target: '/a',
  version: 'HTTP/1.1',
  headers: [{ name: 'Host', value: 'x' }],
});

const at = (milliseconds: number) => ({ seconds: 1_700_000_000, nanoseconds: milliseconds * 1e6 });
const file = (name: string, packets: readonly Uint8Array[], stepMs = 5) => {
  const path = join(folder, name);
  const list = packets.map((bytes, i) => packet(i + 1, { bytes, timestamp: at(i * stepMs) }));
  writeFileSync(path, encode('pcap', list));
  return path;
};
const lines = (output: Buffer) => output.toString().trimEnd().split('\n');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  const half = request.length >> 1;
  conversation = file('conversation.pcap', [
    tcp('a', ['SYN'], 99, 0),
    tcp('b', ['SYN', 'ACK'], 499, 100),
    tcp('a', ['ACK'], 100, 500),
    // The second half first, and the first half twice.
    tcp('a', ['ACK', 'PSH'], 100 + half, 500, request.subarray(half)),
    tcp('a', ['ACK'], 100, 500, request.subarray(0, half)),
    tcp('a', ['ACK'], 100, 500, request.subarray(0, half)),
    tcp('b', ['ACK', 'PSH'], 500, 100 + request.length, 'HTTP/1.1 200 OK\r\n\r\n'),
    // Ten bytes that were not captured; a terminal's commands among the rest.
    tcp('b', ['ACK', 'PSH'], 529, 100 + request.length, 'bell\u0007 and \u001b[31mred\n'),
    tcp('a', ['ACK'], 100 + request.length, 547, ''),
    udp(53, query),
  ]);
  all = file('all.pcap', [
    ...ethernetSamples.map(({ bytes }) => bytes),
    udp(53, query),
    tcp('a', ['ACK', 'PSH'], 1, 1, request),
  ]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('capture read', () => {
  it.for([['-t'], ['-tt'], ['-ttt'], ['-tttt'], ['-ttttt'], ['-e'], ['-x'], ['-xx'], ['-X'], ['-XX'], ['-A']])(
    'prints with %s what tcpdump prints',
    async ([flag], ctx) => {
      if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not there');
      const path = file('few.pcap', [
        tcp('a', ['SYN'], 99, 0),
        tcp('b', ['SYN', 'ACK'], 499, 100),
        udp(9, Buffer.from('hello')),
      ]);
      const theirs = lines((await run('tcpdump', ['-n', '-S', flag as string, '-r', path])).stdout);
      expect(lines((await sockctl(['capture', 'read', path, flag as string])).stdout)).toEqual(theirs);
      return undefined;
    },
  );

  it('prints with -v the header of each packet, as tcpdump does', async (ctx) => {
    if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not there');
    const path = file('verbose.pcap', [tcp('a', ['SYN'], 99, 0), udp(9, Buffer.from('hello'))]);
    const theirs = lines((await run('tcpdump', ['-n', '-S', '-v', '-r', path])).stdout);
    expect(lines((await sockctl(['capture', 'read', path, '-v'])).stdout)).toEqual(theirs);
    return undefined;
  });

  it('prints every field of every layer with -V', async () => {
    const text = (await sockctl(['capture', 'read', conversation, '-V', '--utc'])).stdout.toString();
    expect(text).toContain(
      'packet 10: 2023-11-14T22:13:20.045000000Z, ETHERNET, 71 bytes\n  ethernet\n    source: 02:00:00:00:00:01\n',
    );
    expect(text).toContain('    etherType: 2048 (0x0800, IPv4)\n');
    expect(text).toContain('    questions:\n      - name example.com, type A, class IN\n');
    expect(text).not.toMatch(/[^\x20-\x7e\n]/);
  });

  it('makes a table of fields', async () => {
    const args = ['--fields', 'number,ip.source,tcp.flags,udp.destinationPort,dns.questions.name'];
    const csv = lines((await sockctl(['capture', 'read', conversation, ...args])).stdout);
    expect(csv[0]).toBe('number,ip.source,tcp.flags,udp.destinationPort,dns.questions.name');
    expect(csv[2]).toBe('2,192.0.2.2,"SYN,ACK",,');
    expect(csv[10]).toBe('10,192.0.2.1,,53,example.com');
    const tsv = lines((await sockctl(['capture', 'read', conversation, ...args, '--format', 'tsv'])).stdout);
    expect(tsv[2]).toBe('2\t192.0.2.2\tSYN,ACK\t\t');
  });

  it.each([
    [['--fields', 'ip.sorce'], "ip has no field 'sorce'; it has: source"],
    [['--fields', 'ipx.source'], "no protocol or field 'ipx.source'; there are: number"],
    [['--fields', 'number', '--json'], '--fields and --json: one of them'],
    [['--format', 'csv'], '--format csv: of which fields?'],
    [['--fields', 'number', '--format', 'pcap'], 'a table has no such format'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await sockctl(['capture', 'read', conversation, ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('gives a large file by several threads in the same order, and the same bytes, as a small one', async () => {
    const large = file(
      'large.pcap',
      Array.from({ length: 12_000 }, (_, i) => udp(9 + (i % 50) * 3, Buffer.alloc(600, i))),
      0,
    );
    for (const flags of [['--json'], ['-tt']]) {
      const { code, stdout } = await sockctl(['capture', 'read', large, ...flags, '-q']);
      expect(code).toBe(0);
      // What comes through a pipe, a part at a time, takes the same way.
      const piped = await sockctl(['capture', 'read', '-', ...flags, '-q'], {
        input: execFileSync('cat', [large], { maxBuffer: 1 << 26 }),
      });
      const packets = (output: Buffer) => lines(output).filter((line) => !line.includes('capture.summary'));
      expect(packets(stdout)).toHaveLength(12_000);
      expect(packets(piped.stdout)).toEqual(packets(stdout));
    }
    const found = records((await sockctl(['capture', 'read', large, '--json'])).stdout).filter(
      ({ type }) => type === 'packet',
    );
    expect(found.map(({ number }) => number)).toEqual(Array.from({ length: 12_000 }, (_, i) => i + 1));
  });

  it('agrees with tshark on every field that both have', (ctx) => {
    if (!hasCommand('tshark')) return ctx.skip('tshark is not there');
    const { status, stdout } = spawnSync(process.execPath, ['scripts/compare-decoders.mjs', all, conversation], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/ 0 differences\n$/);
    expect(status).toBe(0);
    return undefined;
  });
});

describe('capture info', () => {
  it('says of a copy where the packets are from, and who has made it', async () => {
    const [file, copy] = [join(folder, 'foreign.pcapng'), join(folder, 'copy.pcapng')] as const;
    writeFileSync(file, foreignFile());
    expect((await sockctl(['capture', 'read', file, '-w', copy, '-q'])).code).toBe(0);
    const text = (await sockctl(['capture', 'info', copy])).stdout.toString();
    for (const said of ['abacus', 'Multics', 'made by hand', 'sockctl']) expect(text).toContain(said);
    expect(text).not.toContain('other');
  });

  it('tells what a file is', async () => {
    const zipped = join(folder, 'zipped.pcap.gz');
    writeFileSync(zipped, gzipSync(execFileSync('cat', [conversation])));
    const { stdout } = await sockctl(['capture', 'info', conversation, zipped, '--json']);
    const [first, second, summary] = records(stdout);
    expect(first).toMatchObject({
      type: 'capture.info',
      format: 'pcap',
      timeDigits: 9,
      byteOrder: 'little',
      packets: 10,
      strictTimeOrder: true,
      durationMs: 45,
      first: '2023-11-14T22:13:20.000000000Z',
      linkTypes: ['ETHERNET'],
      compression: null,
    });
    expect(second).toMatchObject({ packets: 10, compression: 'gzip' });
    expect(summary).toMatchObject({ type: 'capture.summary', files: 2, endReason: 'eof' });
    const text = (await sockctl(['capture', 'info', conversation])).stdout.toString();
    expect(text).toMatch(/^Packets: +10$/m);
    expect(text).toMatch(/^Duration: +0\.045000 s$/m);
  });

  it('tells of a file that is cut what there is, and then where', async () => {
    const cut = join(folder, 'cut.pcap');
    writeFileSync(cut, execFileSync('head', ['-c', '300', conversation]));
    const { code, stdout, stderr } = await sockctl(['capture', 'info', cut]);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^Packets: +3$/m);
    expect(stderr).toContain('the file ends inside the packet record at byte');
  });
});

describe('capture stats', () => {
  it('counts protocols, conversations, endpoints and the rate', async () => {
    const found = records((await sockctl(['capture', 'stats', conversation, '--json', '--interval', '10ms'])).stdout);
    const of = (type: string) => found.filter((record) => record.type === type);
    expect(of('stats.protocol')[0]).toMatchObject({ path: ['ethernet'], packets: 10 });
    expect(of('stats.protocol').find(({ path }) => String(path) === 'ethernet,ipv4,udp,dns')).toMatchObject({
      packets: 1,
    });
    expect(of('stats.conversation')[0]).toMatchObject({
      protocol: 'tcp',
      stream: 0,
      a: { address: A, port: 40_000 },
      b: { address: B, port: 8080 },
      packetsFromA: 6,
      packetsFromB: 3,
      state: 'established',
      retransmissions: 1,
      outOfOrder: 1,
      handshakeMs: 10,
    });
    expect(of('stats.endpoint')).toHaveLength(2);
    expect(of('stats.rate').map(({ packets }) => packets)).toEqual([2, 2, 2, 2, 2]);
    expect(found.at(-1)).toMatchObject({ type: 'capture.stats', packets: 10, malformed: 0, endReason: 'eof' });
  });

  it('prints tables for people, and one of them for programs', async () => {
    const text = (await sockctl(['capture', 'stats', conversation])).stdout.toString();
    expect(text).toMatch(/^ {4}tcp +9 +90\.0 %/m);
    expect(text).toContain('192.0.2.1:40000');
    expect(text).toMatch(/█.*packets$/m);
    const csv = lines(
      (await sockctl(['capture', 'stats', conversation, '--rate', '--interval', '20ms', '--format', 'csv'])).stdout,
    );
    expect(csv[0]).toBe('SECONDS,PACKETS,BYTES,BITS/S');
    expect(csv).toHaveLength(4);
  });
});

describe('capture follow', () => {
  it('puts a conversation in order, shows what is missing, and lets no command through to a terminal', async () => {
    const { code, stdout, stderr } = await sockctl(['capture', 'follow', conversation]);
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual([
      `> ${A}:40000`,
      `< ${B}:8080`,
      '> GET /a HTTP/1.1',
      '> Host: x',
      '> ',
      '< HTTP/1.1 200 OK',
      '< ',
      '< [10 bytes missing]',
      '< bell. and .[31mred',
    ]);
    expect(stderr).toContain('10 bytes are missing from the capture');
  });

  it('gives the bytes themselves, records, a hex dump, and UDP', async () => {
    const raw = await sockctl(['capture', 'follow', conversation, '--as', 'raw', '--side', 'a']);
    expect(raw.stdout.equals(Buffer.from(request))).toBe(true);
    const found = records((await sockctl(['capture', 'follow', conversation, '--json'])).stdout);
    expect(found.map(({ type }) => type)).toContain('stream.gap');
    expect(found.at(-1)).toMatchObject({ type: 'stream.summary', gapBytes: 10, boundsMet: 0, found: true });
    const sent = found.filter(({ type, side }) => type === 'stream.data' && side === 'a');
    expect(Buffer.concat(sent.map((record) => Buffer.from(String(record.data), 'base64')))).toEqual(
      Buffer.from(request),
    );
    const hex = (await sockctl(['capture', 'follow', conversation, '--udp', '--as', 'hex'])).stdout.toString();
    expect(hex).toContain('> 00000010  6d 70 6c 65 03 63 6f 6d  00 00 01 00 01           |mple.com.....|');
  });

  it('says which there are when there is none of that number', async () => {
    const { code, stderr } = await sockctl(['capture', 'follow', conversation, '--stream', '3']);
    expect(code).toBe(2);
    expect(stderr).toContain('--stream 3: no such tcp conversation; there are 1, from 0');
  });
});
