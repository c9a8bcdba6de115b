/** What both backends share of node:net: the endpoints of a socket and the errors of a server. */
import type { Server } from 'node:net';
import { SocketError, toSockctlError } from '../errors.js';
import { type Endpoint, inetEndpoint } from '../sockaddr/endpoint.js';
import { tryParseIP } from '../sockaddr/ip.js';

/** The endpoint of an address and port as node:net shows them; undefined for what has none. */
export function peerEndpoint(address: string | undefined, port: number | undefined): Endpoint | undefined {
  const ip = address === undefined ? undefined : tryParseIP(address);
  if (ip === undefined || port === undefined) return undefined;
  // A dual-stack listener shows IPv4 peers as mapped addresses; to a person they are IPv4.
  return inetEndpoint(ip.family === 'ipv6' ? ip.unmap() : ip, port);
}

/** Reports what goes wrong while the server accepts; it goes on listening. */
export function listenerErrors(server: Server, onError: (error: SocketError) => void): void {
  server.on('error', (error) => {
    const known = toSockctlError(error);
    onError(
      known instanceof SocketError ? known : new SocketError({ syscall: 'accept', code: known.code, cause: error }),
    );
  });
}
