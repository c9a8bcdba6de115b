/** Through an HTTP proxy with CONNECT (RFC 9110 section 9.3.6), which resolves the name. */
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import type { StreamConnection } from '../socket/port.js';
import { beforeDeadline } from './deadline.js';
import { type CountingDuplex, LayeredConnection } from './layered.js';
import { type Destination, formatDestination, type ProxyOptions, proxyDeadline, proxyError } from './proxy-route.js';

interface Answer {
  readonly response: IncomingMessage;
  /** What came behind it: it is the destination's. */
  readonly rest: Uint8Array;
}

/** @throws SockctlError PROXY with the proxy's status, or TIMEOUT */
export async function throughHttp(
  connection: StreamConnection,
  destination: Destination,
  options: ProxyOptions,
): Promise<StreamConnection> {
  const { credentials } = options;
  const carrier = connection.duplex as CountingDuplex;
  const authority = formatDestination(destination);
  const headers: Record<string, string> = { host: authority };
  if (credentials !== undefined) {
    // RFC 7617: in UTF-8.
    const words = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
    headers['proxy-authorization'] = `Basic ${words}`;
  }
  const answer = await beforeDeadline<Answer>(proxyDeadline(connection, options), (resolve, reject) => {
    const createConnection = () => carrier as unknown as Socket;
    const connect = request({ method: 'CONNECT', path: authority, headers, createConnection });
    connect.once('connect', (response, _socket, rest) => resolve({ response, rest }));
    connect.once('error', (error) => reject(proxyError(destination, error.message, error)));
    connect.end();
  });
  const { statusCode = 0, statusMessage = '' } = answer.response;
  if (statusCode < 200 || statusCode > 299) throw proxyError(destination, `${statusCode} ${statusMessage}`.trim());
  carrier.pause();
  if (answer.rest.length > 0) carrier.unshift(answer.rest);
  const before = { bytesIn: carrier.bytesRead - carrier.readableLength, bytesOut: carrier.bytesWritten };
  return new LayeredConnection(connection, carrier, before);
}
