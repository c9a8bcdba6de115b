/** The programs that streams are tried against: how each is told to connect and to listen. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { CertificateFiles } from '../hosts/certificates.js';

export interface StreamPeer {
  readonly name: string;
  readonly program: string;
  readonly link: 'tcp' | 'unix' | 'tls';
  /** Its arguments as a client that sends stdin, and prints what comes. */
  readonly client: (target: Target) => string[];
  /** Its arguments as a server of one connection. */
  readonly server: (target: Target) => string[];
  /** Whether it goes on reading when it has sent the end of its half. */
  readonly halfClose: boolean;
  /** Whether as a server it sends to the end when the client's half has ended first. */
  readonly outlives: boolean;
}

export interface Target {
  readonly port: number;
  readonly path: string;
  readonly pem: CertificateFiles;
}

export const PEERS: readonly StreamPeer[] = [
  {
    name: 'nc',
    program: 'nc',
    link: 'tcp',
    client: ({ port }) => ['-N', '127.0.0.1', `${port}`],
    server: ({ port }) => ['-N', '-l', '127.0.0.1', `${port}`],
    halfClose: true,
    outlives: false,
  },
  {
    name: 'nc -U',
    program: 'nc',
    link: 'unix',
    client: ({ path }) => ['-N', '-U', path],
    server: ({ path }) => ['-N', '-l', '-U', path],
    halfClose: true,
    outlives: false,
  },
  {
    name: 'ncat',
    program: 'ncat',
    link: 'tcp',
    client: ({ port }) => ['127.0.0.1', `${port}`],
    server: ({ port }) => ['-l', '127.0.0.1', `${port}`],
    halfClose: true,
    outlives: false,
  },
  {
    name: 'ncat --ssl',
    program: 'ncat',
    link: 'tls',
    client: ({ port }) => ['--ssl', '127.0.0.1', `${port}`],
    server: ({ port, pem }) => [
      ...['-l', '--ssl', '--ssl-cert', pem.certificate, '--ssl-key', pem.key],
      ...['127.0.0.1', `${port}`],
    ],
    halfClose: true,
    outlives: false,
  },
  {
    name: 'socat TCP',
    program: 'socat',
    link: 'tcp',
    client: ({ port }) => ['-t', '30', '-', `TCP:127.0.0.1:${port}`],
    server: ({ port }) => ['-t', '30', '-', `TCP-LISTEN:${port},bind=127.0.0.1`],
    halfClose: true,
    outlives: true,
  },
  {
    name: 'socat UNIX',
    program: 'socat',
    link: 'unix',
    client: ({ path }) => ['-t', '30', '-', `UNIX-CONNECT:${path}`],
    server: ({ path }) => ['-t', '30', '-', `UNIX-LISTEN:${path}`],
    halfClose: true,
    outlives: true,
  },
  {
    name: 'socat OPENSSL',
    program: 'socat',
    link: 'tls',
    client: ({ port, pem }) => ['-t', '30', '-', `OPENSSL:127.0.0.1:${port},cafile=${pem.ca},commonname=example.test`],
    server: ({ port, pem }) => ['-t', '30', '-', `OPENSSL-LISTEN:${port},bind=127.0.0.1,cert=${pem.both},verify=0`],
    halfClose: true,
    outlives: true,
  },
  {
    name: 'openssl',
    program: 'openssl',
    link: 'tls',
    client: ({ port, pem }) => [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-CAfile',
      pem.ca,
      '-quiet',
      '-no_ign_eof',
    ],
    server: ({ port, pem }) => [
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', pem.certificate, '-key', pem.key],
      ...['-quiet', '-naccept', '1'],
    ],
    halfClose: false,
    outlives: false,
  },
];

/** A TCP port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Waits until something listens: a connection would be taken as the test's own by a server for one. */
export async function listening({ port, path }: { readonly port: number; readonly path?: string }): Promise<void> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  for (let tries = 0; tries < 2000; tries++) {
    if (['/proc/net/tcp', '/proc/net/tcp6'].some((table) => readFileSync(table, 'latin1').includes(wanted))) return;
    if (path !== undefined && readFileSync('/proc/net/unix', 'latin1').includes(path)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nothing listens on ${port} or ${path}`);
}
