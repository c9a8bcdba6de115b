/** TLS of tcp serve and tcp connect with each other: whom they believe, what they say when they don't. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateFiles, makeCertificates } from '../hosts/certificates.js';
import { type Finished, type Running, records, sockctl, start } from './process.js';

let folder: string;
let pem: CertificateFiles;
let own: string[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  pem = await makeCertificates(folder);
  own = ['--cert', pem.certificate, '--key', pem.key];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One connection to a server with those flags: both ends, when they are done. */
async function meet(
  serverFlags: readonly string[],
  clientFlags: readonly string[],
  host = '127.0.0.1',
): Promise<{ client: Finished; server: Finished }> {
  const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--echo', ...serverFlags]);
  const address = `${host}:${await server.port()}`;
  const client = await sockctl(['tcp', 'connect', address, '--tls', ...clientFlags], { input: 'through TLS\n' });
  return { client, server: await server.done };
}

/** The one line of a failure: the last of stderr. */
const lastLine = ({ stderr }: Finished) => stderr.trim().split('\n').at(-1) ?? '';

describe('a certificate', () => {
  it('that is verified carries the bytes both ways, counted without the wrapping', async () => {
    const { client, server } = await meet(['--tls', ...own, '--json'], ['--ca', pem.ca]);
    expect(client.stdout.toString()).toBe('through TLS\n');
    expect([client.code, server.code]).toEqual([0, 0]);
    expect(client.stderr).toMatch(/TLSv1.3 TLS_\w+, certificate CN=example.test of CN=sockctl test root.*, verified/);
    expect(records(server.stdout).at(-1)).toMatchObject({ type: 'tcp.summary', bytesIn: 12, bytesOut: 12 });
  });

  it('may stand in one file with its key', async () => {
    const { client } = await meet(['--tls', '--cert', pem.both], ['--ca', pem.ca]);
    expect(client.stdout.toString()).toBe('through TLS\n');
  });

  it.each([
    ['self-signed', [], [], '127.0.0.1', /CN=sockctl is self-signed \(SHA-256 [0-9A-F:]{95}\); give it with --ca/],
    ['of an unknown issuer', 'own', [], '127.0.0.1', /signed by CN=sockctl test root, which is not known here/],
    [
      'for another name',
      'own',
      'ca',
      'localhost',
      /is for example.test, 127.0.0.1, not for localhost; give --servername/,
    ],
    ['that has expired', 'expired', 'ca', '127.0.0.1', /has expired: CN=example.test is valid until \d{4}-/],
  ])('%s is refused in one line', async (_, serverSide, clientSide, host, expected) => {
    const flags = { own, expired: ['--cert', pem.expired, '--key', pem.key], ca: ['--ca', pem.ca] };
    const choose = (side: string | readonly string[]) => (typeof side === 'string' ? flags[side as 'own'] : side);
    const { client, server } = await meet(['--tls', ...choose(serverSide)], ['-4', '-q', ...choose(clientSide)], host);
    expect(client.code).toBe(1);
    expect(client.stderr.trim().split('\n')).toHaveLength(1);
    expect(client.stderr).toMatch(expected);
    expect(client.stdout).toHaveLength(0);
    expect(server.code).toBe(0);
  });

  it('that proves nothing is taken with --insecure, and the log says so', async () => {
    const { client } = await meet(['--tls'], ['--insecure']);
    expect(client.stdout.toString()).toBe('through TLS\n');
    expect(client.stderr).toContain('NOT verified');
  });

  it('is made for --servername where that is given', async () => {
    const { client } = await meet(
      ['--tls', ...own],
      ['-4', '--ca', pem.ca, '--servername', 'example.test'],
      'localhost',
    );
    expect(client.stdout.toString()).toBe('through TLS\n');
  });
});

describe('client certificates', () => {
  it('are asked for with --client-ca and let in when that root has signed them', async () => {
    const { client, server } = await meet(['--tls', ...own, '--client-ca', pem.ca], ['--ca', pem.ca, ...own]);
    expect(client.stdout.toString()).toBe('through TLS\n');
    expect(server.stderr).toMatch(/certificate CN=example.test of CN=sockctl test root.*, verified/);
  });

  it('that are missing end the connection with a reason', async () => {
    const { client, server } = await meet(['--tls', ...own, '--client-ca', pem.ca], ['-q', '--ca', pem.ca]);
    expect(client.code).toBe(1);
    expect(lastLine(client)).toMatch(/alert certificate required; the server wants a client certificate: --cert/);
    expect(server.stderr).toContain('peer did not return a certificate');
  });

  it('of another root are not let in', async () => {
    const other = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
    const { certificate, key } = await makeCertificates(other);
    const stranger = ['--ca', pem.ca, '--cert', certificate, '--key', key];
    const { client, server } = await meet(['--tls', ...own, '--client-ca', pem.ca], stranger);
    rmSync(other, { recursive: true, force: true });
    expect(client.stdout).toHaveLength(0);
    expect(server.stderr).toContain("the client's certificate is not accepted");
  });
});

describe('application protocols', () => {
  it('are agreed on', async () => {
    const { client } = await meet(['--tls', ...own, '--alpn', 'h2,foo'], ['--ca', pem.ca, '--alpn', 'foo']);
    expect(client.stderr).toContain('protocol foo');
  });

  it('that do not meet are an error of both ends', async () => {
    const { client, server } = await meet(['--tls', ...own, '--alpn', 'h2'], ['-q', '--ca', pem.ca, '--alpn', 'zz']);
    expect(client.code).toBe(1);
    expect(lastLine(client)).toContain('the server has none of the protocols of --alpn');
    expect(server.stderr).toContain('no application protocol');
  });
});

describe('an end that does not speak TLS', () => {
  it('is said to the client', async () => {
    const { client } = await meet([], ['-q', '--ca', pem.ca]);
    expect(client.code).toBe(1);
    expect(lastLine(client)).toContain('the other end does not speak TLS');
  });

  async function rudeTo(server: Running, then: (socket: ReturnType<typeof connect>) => void): Promise<void> {
    const socket = connect(await server.port(), '127.0.0.1');
    socket.on('error', () => undefined).on('connect', () => then(socket));
  }

  it.each([
    [
      'speaks HTTP',
      (socket: ReturnType<typeof connect>) => socket.write('GET / HTTP/1.0\r\n\r\n'),
      /TLS: http request/,
    ],
    ['ends at once', (socket: ReturnType<typeof connect>) => socket.end(), /ended the connection in the TLS handshake/],
    ['resets', (socket: ReturnType<typeof connect>) => socket.resetAndDestroy(), /ended the connection in the TLS/],
    ['sends noise', (socket: ReturnType<typeof connect>) => socket.write(Buffer.alloc(4096, 0xa5)), /TLS: /],
  ])('is turned away by the server when it %s', async (_, then, expected) => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--echo', '--tls', ...own]);
    await rudeTo(server, then);
    const { code, stderr } = await server.done;
    expect(code).toBe(0);
    expect(stderr).toMatch(expected);
  });

  it('does not keep the server when it says nothing', async () => {
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--tls', '--idle-timeout', '300ms', ...own]);
    await rudeTo(server, () => undefined);
    const { code, stderr } = await server.done;
    expect(code).toBe(0);
    expect(stderr).toContain('idle for 300 ms, closing it');
  });
});

it.each([[['--tls']], [['--via', 'http://127.0.0.1:PORT']]])(
  '%j: an interrupt in the handshake ends it with 130',
  async (flags) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'connection');
    const known = flags.map((flag) => flag.replace('PORT', String(port)));
    const client = start(['tcp', 'connect', `127.0.0.1:${port}`, '-q', ...known], { holdInput: true });
    const [socket] = (await accepted) as [Socket];
    await once(socket, 'data');
    const { code, stderr } = await client.signal('SIGINT');
    server.close();
    socket.destroy();
    expect([code, stderr]).toEqual([130, '']);
  },
);

it('SIGTERM gives an open TLS session its grace time, and then ends it', async () => {
  const server = start(['tcp', 'serve', '127.0.0.1:0', '--echo', '--tls', '--grace', '300ms', '--json', ...own]);
  const args = ['tcp', 'connect', `127.0.0.1:${await server.port()}`, '--tls', '--ca', pem.ca, '-q'];
  const client = start(args, { input: 'there?', holdInput: true });
  await client.until(({ stdout }) => (stdout.toString() === 'there?' ? true : undefined));
  const { code, stdout } = await server.signal('SIGTERM');
  expect(code).toBe(0);
  expect(records(stdout).at(-1)).toMatchObject({ bytesIn: 6, bytesOut: 6, endReason: 'interrupted' });
  expect((await client.done).code).toBe(1);
});

it('--check says who the server is', async () => {
  const server = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--tls', ...own], { holdInput: true });
  const address = `127.0.0.1:${await server.port()}`;
  const { code, stdout } = await sockctl(['tcp', 'connect', address, '--tls', '--ca', pem.ca, '--check', '--json']);
  expect(code).toBe(0);
  expect(records(stdout)[0]).toMatchObject({
    type: 'tcp.check',
    open: true,
    tls: {
      protocol: 'TLSv1.3',
      authorized: true,
      alpn: null,
      certificate: { subject: 'CN=example.test', issuer: 'CN=sockctl test root', names: ['example.test', '127.0.0.1'] },
    },
  });
  await server.signal('SIGTERM');
});

it('--echo, --discard, --chargen, --proxy and --exec work behind TLS as well', async () => {
  const flags = ['--tls', '--ca', pem.ca];
  const behind = start(['tcp', 'serve', '127.0.0.1:0', '--echo']);
  const port = await behind.port();
  const proxy = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--proxy', `127.0.0.1:${port}`, '--tls', ...own]);
  const through = await sockctl(['tcp', 'connect', `127.0.0.1:${await proxy.port()}`, ...flags], { input: 'onwards' });
  expect(through.stdout.toString()).toBe('onwards');
  await behind.signal('SIGTERM');
  const exec = start(['tcp', 'serve', '127.0.0.1:0', '--once', '--exec', 'tr a-z A-Z', '--tls', ...own]);
  const upper = await sockctl(['tcp', 'connect', `127.0.0.1:${await exec.port()}`, ...flags], { input: 'small' });
  expect(upper.stdout.toString()).toBe('SMALL');
  const generator = start(['tcp', 'serve', '127.0.0.1:0', '--chargen', '--tls', ...own]);
  const reader = start(['tcp', 'connect', `127.0.0.1:${await generator.port()}`, ...flags], { holdInput: true });
  await reader.until(({ received }) => (received > 1 << 20 ? true : undefined));
  expect(reader.stdout.subarray(0, 74).toString()).toMatch(/^ !"#\$%&.*\r\n$/);
  await reader.signal('SIGTERM');
  expect((await generator.signal('SIGTERM')).code).toBe(0);
});

it.each([
  [['--ca', 'x'], /^sockctl: --ca: it is about --tls, which is not given;/],
  [['--tls', '--ca', '/nowhere'], /^sockctl: --ca \/nowhere: ENOENT.*; name a PEM file/],
  [['--tls', '--ca', '/etc/hostname'], /^sockctl: --ca \/etc\/hostname: not a PEM file;/],
  [['--tls', '--key', 'KEY'], /^sockctl: --key: its certificate is missing; give --cert/],
  [['--tls', '--cert', 'CERT'], /^sockctl: --cert .*: there is no key in it; give --key/],
  [['--tls', '--alpn', 'a,,b'], /is not a list of protocols such as h2/],
])('%j is wrong usage', async (flags, expected) => {
  const known = new Map([
    ['KEY', pem.key],
    ['CERT', pem.certificate],
  ]);
  const { code, stderr } = await sockctl(['tcp', 'connect', '127.0.0.1:1', ...flags.map((f) => known.get(f) ?? f)]);
  expect(code).toBe(2);
  expect(stderr).toMatch(expected);
});

it('a key of another certificate is wrong usage, for the server before it listens', async () => {
  const other = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  const { key } = await makeCertificates(other);
  const { code, stderr } = await sockctl(['tcp', 'serve', '--tls', '--cert', pem.certificate, '--key', key]);
  rmSync(other, { recursive: true, force: true });
  expect(code).toBe(2);
  expect(stderr).toMatch(/the key does not belong to the certificate/);
});
