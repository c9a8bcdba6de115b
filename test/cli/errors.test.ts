/** Wrong on purpose: one clear line on stderr, the right exit code, nothing that was received lost. */
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRoot } from '../hosts/machine.js';
import { records, sockctl, start } from './process.js';

const NOBODY = 65_534;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The one line, after which there is nothing. */
function oneLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^sockctl: .+; .+/);
  return lines[0] ?? '';
}

const CASES: [string[], number, RegExp][] = [
  [['tcp', 'connect', '127.0.0.1:99999'], 2, /bad address '127\.0\.0\.1:99999': the port is above 65535, at '99999'/],
  [['tcp', 'connect', '1.2.3:80'], 2, /bad address '1\.2\.3': expected '\.' and part 4 of four, at its end/],
  [['tcp', 'connect', '1.2.3.256:80'], 2, /part 4 is above 255, at '256'/],
  [['udp', 'send', '[fe80::1]:9', '--data', 'x'], 1, /connect \[fe80::1\]:9: .*\(EINVAL\); a link-local address needs/],
  [['tcp', 'connect', '[fe80::1:80'], 2, /the closing '\]' is missing/],
  [['tcp', 'connect', '::1:80'], 2, /the port is missing/],
  [['tcp', 'connect', 'localhost'], 2, /the port is missing, at its end; write localhost:PORT/],
  [['tcp', 'connect', '9000'], 2, /a number alone is no host, at '9000'; write HOST:PORT, such as 127\.0\.0\.1:9000/],
  [['tcp', 'connect', 'unix:'], 2, /the path is empty/],
  [['tcp', 'connect', '127.0.0.1:no-such-service'], 4, /service name not known \(EAI_SERVICE\)/],
  [['tcp', 'connect', 'no-such-host.invalid:80'], 4, /getaddrinfo no-such-host\.invalid: .*\(EAI_(NONAME|AGAIN)\)/],
  [['tcp', 'connect', '127.0.0.1:1'], 1, /connect 127\.0\.0\.1:1: connection refused \(ECONNREFUSED\)/],
  [
    ['tcp', 'connect', 'unix:/no/such/socket'],
    1,
    /connect unix:\/no\/such\/socket: no such file or directory \(ENOENT\)/,
  ],
  [['tcp', 'serve', '--frob'], 2, /unknown option '--frob'/],
  [['tcp', 'frob'], 2, /unknown command 'frob'/],
  [['tcp', 'serve', '--echo', '--discard'], 2, /one mode at a time/],
  [['tcp', 'serve', '192.0.2.1:0'], 1, /bind 192\.0\.2\.1:0: address not available here \(EADDRNOTAVAIL\)/],
  [['udp', 'send', '127.0.0.1:9', '--opt', 'SO_FROB=1'], 2, /no socket option is called 'SO_FROB'/],
  [['udp', 'send', '127.0.0.1:9', '--opt', 'RCVBUF=1'], 2, /did you mean SO_RCVBUF/],
  [
    ['udp', 'send', '127.0.0.1:9', '--opt', 'SO_RCVBUF=lots', '--data', 'x'],
    2,
    /'lots' given, it takes a number of bytes/,
  ],
  [['udp', 'send', '127.0.0.1:9', '--opt', 'TCP_NODELAY', '--data', 'x'], 2, /not an option of a datagram socket/],
  [['udp', 'send', '127.0.0.1:9', '--hex', '0'], 2, /even number of hex digits/],
  [['udp', 'send', '127.0.0.1:9', '--size', '65508'], 2, /'65508' is not a size in bytes up to 65507/],
  [['udp', 'send', '127.0.0.1:9', '--rate', '0'], 2, /not a rate such as/],
  [['udp', 'send', '127.0.0.1:1', '--data', 'x'], 1, /127\.0\.0\.1:1: connection refused \(ECONNREFUSED\)/],
  [
    ['udp', 'send', '127.0.0.1:9', '--file', '/no/such/file'],
    1,
    /\/no\/such\/file: no such file or directory \(ENOENT\)/,
  ],
  [['udp', 'send', '127.0.0.1:9', '--file', '/'], 1, /illegal operation|is a directory \(EISDIR\)/],
  [['udp', 'recv', '127.0.0.1:0', '--once'], 2, /--once: it ends with a probe/],
  [
    ['udp', 'recv', '127.0.0.1:0', '--opt', 'IP_MTU_DISCOVER=do', '--backend', 'portable'],
    2,
    /portable backend: .*IP_MTU_DISCOVER/,
  ],
  [['raw', 'ping', '300.1.1.1', '-c', '1'], 2, /part 1 is above 255/],
  [['raw', 'ping', '-c', '0', '127.0.0.1'], 2, /'0' is not a whole number from 1/],
  [
    ['raw', 'sniff', '--protocol', 'frob'],
    2,
    /'frob' is not icmp, icmp6, igmp, tcp, udp or another name of protocols\(5\), or a number/,
  ],
  [['raw', 'sniff', '-i', 'no-such-if'], 1, /no such interface \(ENODEV\); interfaces here: .*lo/],
  [['capture', '-i', 'no-such-if'], 1, /no such interface \(ENODEV\)/],
  [['capture', 'read', '/no/such/file'], 1, /\/no\/such\/file: no such file or directory \(ENOENT\)/],
  [['capture', 'read', 'package.json'], 1, /package\.json: not a capture file/],
];

describe('a wrong call', () => {
  it.each(CASES)('%j ends with %i', async (args, code, line) => {
    const result = await sockctl([...args, '-q']);
    expect(oneLine(result.stderr)).toMatch(line);
    expect(result.code).toBe(code);
    expect(result.stdout.toString()).toBe('');
  });

  it.each(CASES)('%j with --json ends with a summary record', async (args, code) => {
    const result = await sockctl([...args, '-q', '--json']);
    expect(result.code).toBe(code);
    const last = records(result.stdout).at(-1);
    expect(last).toMatchObject({ endReason: 'error' });
    expect(last?.type).toMatch(/summary$/);
  });
});

describe('without privileges', () => {
  it.each([
    [['raw', 'ping', '-c', '1', '127.0.0.1'], /run it with sudo/],
    [['raw', 'sniff'], /CAP_NET_RAW/],
    [['capture', '-i', 'lo'], /CAP_NET_RAW/],
    [['tcp', 'serve', '127.0.0.1:80'], /CAP_NET_BIND_SERVICE/],
  ] as const)('%j says what would permit it', async (args, line) => {
    const result = await sockctl([...args, '-q'], isRoot ? { uid: NOBODY } : {});
    // Where ping sockets are open to everybody, ping works.
    if (args[1] === 'ping' && result.code === 0) return;
    expect(oneLine(result.stderr)).toMatch(line);
    expect(result.code).toBe(3);
  });
});

describe('a port in use', () => {
  it.each(['native', 'portable'])('is named, %s backend', async (backend) => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const result = await sockctl(['tcp', 'serve', `127.0.0.1:${port}`, '-q', '--backend', backend]);
    holder.close();
    expect(oneLine(result.stderr)).toMatch(
      new RegExp(`127\\.0\\.0\\.1:${port}: address already in use \\(EADDRINUSE\\)`),
    );
    expect(result.code).toBe(1);
  });
});

describe('a peer that resets', () => {
  let server: Server;
  afterEach(() => server.close());

  /** Sends `size` bytes, waits until `first` has come, then resets. */
  async function resetting(size: number): Promise<number> {
    server = createServer((socket: Socket) => {
      socket.write(Buffer.alloc(size, 'x'));
      socket.once('data', () => socket.resetAndDestroy());
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  }

  it.each(['native', 'portable'])('gets one line, and what it had sent is delivered, %s backend', async (backend) => {
    const size = 100_000;
    const client = start(['tcp', 'connect', `127.0.0.1:${await resetting(size)}`, '-q', '--backend', backend], {
      holdInput: true,
    });
    await client.until(({ received }) => (received === size ? true : undefined));
    client.child.stdin?.write('now');
    const { code, stdout, stderr } = await client.done;
    expect(stdout.length).toBe(size);
    expect(oneLine(stderr)).toMatch(/connection reset by peer \(ECONNRESET\)/);
    expect(code).toBe(1);
  });

  it('loses nothing that had arrived when a write meets the reset first', async () => {
    const size = 60_000;
    server = createServer((socket: Socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(Buffer.alloc(size, 'y'), () => socket.resetAndDestroy()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const client = start(['tcp', 'connect', `127.0.0.1:${port}`, '-q'], { holdInput: true });
    // A stream of writes, one of which will find the connection reset while data waits to be read.
    const feed = setInterval(() => client.child.stdin?.write('z'), 1);
    const { stdout } = await client.done;
    clearInterval(feed);
    expect(stdout.length).toBe(size);
  });
});

describe('an output that fails', () => {
  it.each([[['raw', 'ping', '-c', '3', '-i', '0.05', '127.0.0.1']], [['demo']], [['--help']]])(
    '%j to a full disk',
    async (args) => {
      if (args[0] === 'raw' && !isRoot) return;
      const { code, stderr } = await sockctl(args[0] === '--help' ? args : [...args, '-q'], {
        stdout: openSync('/dev/full', 'w'),
      });
      if (args[0] === '--help') return expect(stderr).not.toContain('    at ');
      expect(oneLine(stderr)).toMatch(/write stdout: no space left on device \(ENOSPC\)/);
      expect(code).toBe(1);
      return undefined;
    },
  );

  it('a reader that goes away', async () => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--log-level', 'info'], { holdInput: true });
    const port = await server.port();
    server.child.stdout?.destroy();
    const client = start(['tcp', 'connect', `127.0.0.1:${port}`, '-q'], { input: Buffer.alloc(1 << 20) });
    const { code, stderr } = await server.done;
    await client.done;
    expect(stderr.split('\n').filter((line) => line.startsWith('sockctl: '))).toEqual([
      expect.stringMatching(/^sockctl: write stdout: broken pipe: the reader has closed it \(EPIPE\); /),
    ]);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('a log file that cannot be opened', async () => {
    const result = await sockctl(['tcp', 'connect', '127.0.0.1:1', '--log-file', '/no/such/folder/log']);
    expect(oneLine(result.stderr)).toMatch(/--log-file \/no\/such\/folder\/log: .*ENOENT/);
    expect(result.code).toBe(2);
  });
});

describe('a truncated capture file', () => {
  it('gives every whole packet, then one line with the offset', async () => {
    const file = join(folder, 'cut.pcap');
    // A pcap header, a whole packet of four bytes, and half a record header.
    const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000065000000', 'hex');
    const packet = Buffer.from('010000000200000004000000040000000a0b0c0d', 'hex');
    writeFileSync(file, Buffer.concat([header, packet, packet.subarray(0, 9)]));
    const { code, stdout, stderr } = await sockctl(['capture', 'read', file, '--json', '-q']);
    expect(code).toBe(1);
    expect(oneLine(stderr)).toMatch(/cut\.pcap: .* at byte 44/);
    expect(records(stdout).map((record) => record.type)).toEqual(['packet', 'capture.summary']);
  });
});
