/** A stream client from an address to a connection that can be used: resolved, connected, joined on by a proxy, TLS. */
import { inetEndpoint } from '../sockaddr/endpoint.js';
import { splitEndpoint } from '../sockaddr/endpoint-text.js';
import type { IPFamily } from '../sockaddr/ip.js';
import { resolveEndpoint, resolveHost, unresolvedHost } from '../sockaddr/resolve.js';
import type { StreamConnection } from '../socket/port.js';
import { type ConnectStreamOptions, connectStream } from './connect.js';
import type { ProxyRoute } from './proxy-route.js';
import type { TlsClientOptions } from './tls.js';
import type { TlsFacts } from './tls-facts.js';

export interface DialOptions extends ConnectStreamOptions {
  /** Narrows name resolution to one family. */
  readonly family?: IPFamily | undefined;
  /** Connect there, and let it connect on; it resolves the name. */
  readonly via?: ProxyRoute | undefined;
  /** Encrypt; without a `serverName` the certificate must be for the host of the address. */
  readonly tls?: (Omit<TlsClientOptions, 'serverName' | 'timeoutMs' | 'logger' | 'signal'> & DialedName) | undefined;
  /** Called when the socket is open, before anything is said. */
  readonly onOpen?: (() => void) | undefined;
}

interface DialedName {
  readonly serverName?: string | undefined;
}

/** A connection that is ready, and what TLS has agreed on where it is spoken. */
export interface Dialed {
  readonly connection: StreamConnection;
  readonly tls: TlsFacts | undefined;
}

/**
 * Connects to `address`. `timeoutMs` is for each step: name resolution, each try to connect, the proxy, the handshake.
 *
 * @throws what {@link connectStream} throws, and what resolving, the proxy and the handshake do
 */
export async function dialStream(address: string, options: DialOptions): Promise<Dialed> {
  const { via, tls, signal, timeoutMs, logger, family } = options;
  const lookup = { family, signal, timeoutMs };
  // TLS and HTTP take longer to load than a plain client takes to connect: they are loaded where they are needed.
  let connection: StreamConnection;
  if (via === undefined) {
    connection = await connectStream(await resolveEndpoint(address, { protocol: 'tcp', ...lookup }), options);
    options.onOpen?.();
  } else {
    const destination = unresolvedHost(address, 'tcp');
    const addresses = await resolveHost(via.host, lookup);
    const targets = addresses.map((proxy) => inetEndpoint(proxy, via.port));
    connection = await connectStream(targets, options);
    options.onOpen?.();
    if (via.protocol === 'https') {
      const { startTlsClient } = await import('./tls.js');
      connection = await startTlsClient(connection, { serverName: via.host, logger, signal, timeoutMs });
    }
    const { credentials } = via;
    const { connectThrough } = await import('./proxy.js');
    connection = await connectThrough(connection, via.protocol, destination, { credentials, signal, timeoutMs });
  }
  if (tls === undefined) return { connection, tls: undefined };
  const { startTlsClient } = await import('./tls.js');
  const { serverName = hostOf(address), ...rest } = tls;
  const secure = await startTlsClient(connection, { ...rest, serverName, logger, signal, timeoutMs });
  return { connection: secure, tls: secure.tls };
}

/** The host as it was written, for the certificate; a zone is this machine's own business. */
function hostOf(address: string): string {
  const parts = splitEndpoint(address, { bare: 'host' });
  return parts.kind === 'unix' ? 'localhost' : (parts.host ?? 'localhost').replace(/%.*$/, '');
}
