/**
 * TLS over a connection (RFC 8446), by Node's own implementation: the handshake of each side, what came out of it, and
 * certificate errors that say what is wrong with which certificate.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  connect,
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { clip, SockctlError, toSockctlError, UsageError } from '../errors.js';
import type { Logger } from '../log/events.js';
import { formatEndpoint } from '../sockaddr/endpoint.js';
import { tryParseIP } from '../sockaddr/ip.js';
import type { StreamConnection } from '../socket/port.js';
import { traceDuplex } from '../socket/trace.js';
import { beforeDeadline } from './deadline.js';
import { LayeredConnection } from './layered.js';
import { certificateError } from './tls-errors.js';
import { certificateFacts, handshakeFacts, type TlsFacts } from './tls-facts.js';

/** How long a handshake may take where nothing else is said, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Certificates and keys as PEM. */
export interface TlsIdentity {
  /** The own certificate, with those between it and the root behind it. */
  readonly certificate: string | Uint8Array;
  readonly key: string | Uint8Array;
}

export interface TlsCommonOptions {
  /** Application protocols to choose from, the preferred one first (ALPN, RFC 7301). */
  readonly alpn?: readonly string[] | undefined;
  /** Milliseconds for the handshake. */
  readonly timeoutMs?: number | undefined;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

export interface TlsClientOptions extends TlsCommonOptions {
  /** Whom the certificate must be for, a name or an address; it is told to the server where it is a name (SNI). */
  readonly serverName: string;
  /** Roots to believe, PEM, instead of the system's. */
  readonly ca?: string | Uint8Array | undefined;
  /** Go on with a certificate that proves nothing. */
  readonly insecure?: boolean | undefined;
  /** For servers that ask for a client certificate. */
  readonly identity?: TlsIdentity | undefined;
}

export interface TlsServerOptions extends TlsCommonOptions {
  readonly identity: TlsIdentity;
  /** Roots, PEM: clients must have a certificate of one of them. */
  readonly clientCa?: string | Uint8Array | undefined;
}

/** A connection whose bytes are encrypted on the way. */
export class TlsConnection extends LayeredConnection {
  readonly tls: TlsFacts;

  constructor(carrier: StreamConnection, socket: TLSSocket) {
    super(carrier, socket);
    this.tls = handshakeFacts(socket);
  }
}

/**
 * The client's handshake on `connection`, which nobody has read from yet. When it fails the connection is closed.
 *
 * @throws SockctlError TLS, TLS_CERTIFICATE or TIMEOUT; UsageError for a key or certificate that can't be read
 */
export async function startTlsClient(connection: StreamConnection, options: TlsClientOptions): Promise<TlsConnection> {
  const { serverName, ca, insecure, identity, alpn } = options;
  return runHandshake(connection, options, (resolve, reject) => {
    const socket = connect({
      socket: connection.duplex,
      secureContext: secureContext(identity, ca),
      host: serverName,
      // RFC 6066 section 3: addresses are no server names.
      servername: tryParseIP(serverName) === undefined ? serverName : '',
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      // Judged below, where the certificate that was refused can be told of.
      rejectUnauthorized: false,
    });
    // Whoever reads or writes is told as well; without a listener the process would end.
    socket.on('error', reject);
    for (const end of ['end', 'close']) socket.once(end, () => reject(endedEarly(connection)));
    socket.once('secureConnect', () => {
      const remote = formatEndpoint(connection.remote);
      if (socket.authorized || insecure === true) return resolve(socket);
      const facts = certificateFacts(socket);
      return reject(certificateError(socket.authorizationError, facts, { remote, serverName }));
    });
  });
}

/**
 * The server's side of the handshake, ready for any number of connections.
 *
 * @returns the handshake for one connection, which is closed when that fails: SockctlError TLS, TLS_CERTIFICATE or
 * TIMEOUT
 * @throws UsageError for a key or certificate that can't be read
 */
export function tlsServer(options: TlsServerOptions): (connection: StreamConnection) => Promise<TlsConnection> {
  const { identity, clientCa, alpn } = options;
  // Says in words what is wrong with them, which the server below would not.
  secureContext(identity, clientCa);
  // Node's server alone judges client certificates. It is given connections one by one, and tells of them in the
  // asynchronous context in which it got each.
  const current = new AsyncLocalStorage<ServerHandshake>();
  const server = createServer({
    ...contextOptions(identity, clientCa),
    requestCert: clientCa !== undefined,
    rejectUnauthorized: clientCa !== undefined,
    ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
  });
  server.on('secureConnection', (socket) => current.getStore()?.done(socket));
  server.on('tlsClientError', (error, socket) => current.getStore()?.failed(error, socket));
  return (connection) => {
    const carrier = connection.duplex;
    return runHandshake(connection, options, (resolve, reject) => {
      // In the handshake the end of one half is the end of both.
      carrier.allowHalfOpen = false;
      const done = (socket: TLSSocket) => {
        socket.allowHalfOpen = true;
        socket.on('error', () => undefined);
        resolve(socket);
      };
      const failed = (error: Error, socket: TLSSocket) =>
        reject((socket.authorizationError ?? undefined) === undefined ? error : clientRefused(connection, socket));
      carrier.once('close', () => reject(endedEarly(connection)));
      current.run({ done, failed }, () => server.emit('connection', carrier));
    });
  };
}

interface ServerHandshake {
  readonly done: (socket: TLSSocket) => void;
  readonly failed: (error: Error, socket: TLSSocket) => void;
}

function clientRefused({ remote }: StreamConnection, { authorizationError }: TLSSocket): SockctlError {
  return new SockctlError('TLS_CERTIFICATE', {
    what: `${formatEndpoint(remote)}: the client's certificate is not accepted: ${String(authorizationError)}`,
    advice: 'give the root that signed it with --client-ca FILE',
  });
}

function endedEarly({ remote }: StreamConnection): SockctlError {
  return new SockctlError('TLS', {
    what: `${formatEndpoint(remote)}: the peer ended the connection in the TLS handshake`,
  });
}

/** Runs a handshake; whatever comes first instead of its success closes the connection. */
async function runHandshake(
  connection: StreamConnection,
  { timeoutMs = HANDSHAKE_TIMEOUT_MS, signal, logger }: TlsCommonOptions,
  run: (resolve: (socket: TLSSocket) => void, reject: (error: unknown) => void) => void,
): Promise<TlsConnection> {
  const remote = formatEndpoint(connection.remote);
  try {
    const socket = await beforeDeadline({ what: `${remote}: no TLS handshake`, timeoutMs, signal }, run);
    if (connection.fd !== undefined) traceDuplex(socket, { fd: connection.fd }, logger);
    return new TlsConnection(connection, socket);
  } catch (error) {
    connection.destroy();
    signal?.throwIfAborted();
    const { code } = error as { code?: unknown };
    // Node's word for an end before the handshake is over.
    throw code === 'ECONNRESET' ? endedEarly(connection) : toSockctlError(error, remote);
  }
}

function contextOptions(identity: TlsIdentity | undefined, ca: string | Uint8Array | undefined): SecureContextOptions {
  const bytes = (pem: string | Uint8Array) => (typeof pem === 'string' ? pem : Buffer.from(pem));
  return {
    ...(identity === undefined ? {} : { cert: bytes(identity.certificate), key: bytes(identity.key) }),
    ...(ca === undefined ? {} : { ca: bytes(ca) }),
  };
}

/** @throws UsageError for what is no key or certificate */
function secureContext(identity: TlsIdentity | undefined, ca: string | Uint8Array | undefined): SecureContext {
  try {
    return createSecureContext(contextOptions(identity, ca));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const known = /KEY_VALUES_MISMATCH|KEY_TYPE_MISMATCH/.test(code)
      ? 'the key does not belong to the certificate'
      : /BAD_DECRYPT|INTERRUPTED|PASSWORD|EMPTY_PASSPHRASE/.test(code)
        ? 'the key has a passphrase'
        : /PEM|DECODER|ASN1|WRONG_TAG/.test(code)
          ? 'a certificate or key is not PEM'
          : clip((error as Error).message);
    throw new UsageError(`TLS: ${known}`, 'give PEM files: a certificate, and its key without a passphrase');
  }
}
