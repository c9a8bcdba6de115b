/** The flags about TLS, for the client and for the server. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../../src/errors.js';
import type { DialOptions } from '../../src/stream/dial.js';
import type { ServeOptions } from '../../src/stream/serve.js';
import type { TlsIdentity } from '../../src/stream/tls.js';
import { describeTls } from '../../src/stream/tls-facts.js';
import type { CommandContext } from '../context.js';

interface TlsFlags {
  readonly tls?: boolean;
  readonly cert?: string;
  readonly key?: string;
  readonly alpn?: readonly string[];
}

export interface TlsClientFlags extends TlsFlags {
  readonly servername?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
}

export interface TlsServerFlags extends TlsFlags {
  readonly clientCa?: string;
}

/** @returns undefined where no TLS is asked for */
export function clientTls(flags: TlsClientFlags): DialOptions['tls'] {
  if (flags.tls !== true) {
    refuseWithoutTls(flags, ['cert', 'key', 'alpn', 'servername', 'ca', 'insecure']);
    return undefined;
  }
  return {
    alpn: flags.alpn,
    serverName: flags.servername,
    ca: flags.ca === undefined ? undefined : readPem('--ca', flags.ca),
    insecure: flags.insecure,
    identity: identity(flags),
  };
}

/**
 * The handshake that a server begins each connection with, and a word about it in the log.
 *
 * @returns undefined where no TLS is asked for
 */
export async function serverTls(flags: TlsServerFlags, { logger }: CommandContext): Promise<ServeOptions['secure']> {
  if (flags.tls !== true) {
    refuseWithoutTls(flags, ['cert', 'key', 'alpn', 'clientCa']);
    return undefined;
  }
  const clientCa = flags.clientCa === undefined ? undefined : readPem('--client-ca', flags.clientCa);
  let own = identity(flags);
  if (own === undefined) {
    const { selfSigned } = await import('../../src/stream/self-signed.js');
    const made = await selfSigned();
    own = made;
    const message = `made a certificate for this run, SHA-256 ${made.fingerprint}; clients can't verify it`;
    logger.log('info', { event: 'notice', message });
  }
  const { tlsServer } = await import('../../src/stream/tls.js');
  const handshake = tlsServer({ identity: own, clientCa, alpn: flags.alpn, logger });
  return async (connection) => {
    const secure = await handshake(connection);
    logger.log('info', { event: 'notice', message: describeTls(secure.tls) });
    return secure;
  };
}

function refuseWithoutTls<F extends TlsFlags>(flags: F, names: readonly (keyof F & string)[]): void {
  const name = names.find((known) => flags[known] !== undefined);
  if (name === undefined) return;
  const written = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UsageError(`--${written}: it is about --tls, which is not given`);
}

/** A certificate's file may hold the key as well. */
function identity({ cert, key }: TlsFlags): TlsIdentity | undefined {
  if (cert === undefined) {
    if (key !== undefined) throw new UsageError('--key: its certificate is missing', 'give --cert too');
    return undefined;
  }
  const certificate = readPem('--cert', cert);
  if (key !== undefined) return { certificate, key: readPem('--key', key) };
  if (certificate.includes('PRIVATE KEY-----')) return { certificate, key: certificate };
  throw new UsageError(`--cert ${cert}: there is no key in it`, 'give --key too');
}

function readPem(flag: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    throw new UsageError(`${flag} ${path}: ${(error as Error).message}`, 'name a PEM file that can be read');
  }
  if (!text.includes('-----BEGIN ')) throw new UsageError(`${flag} ${path}: not a PEM file`);
  return text;
}
