/** Through an HTTP proxy with CONNECT (RFC 9110 section 9.3.6), which resolves the name. */
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { SockctlError } from '../errors.js';
import { formatEndpoint } from '../sockaddr/endpoint.js';
import type { StreamConnection } from '../socket/port.js';
import { type CountingDuplex, LayeredConnection } from './layered.js';
import { type Destination, formatDestination, type ProxyOptions, proxyError } from './proxy-route.js';

const TIMEOUT_MS = 30_000;

/** @throws SockctlError PROXY with the proxy's status, or TIMEOUT */
export async function throughHttp(
  connection: StreamConnection,
  destination: Destination,
  { credentials, timeoutMs = TIMEOUT_MS, signal }: ProxyOptions,
): Promise<StreamConnection> {
  const carrier = connection.duplex as CountingDuplex;
  const authority = formatDestination(destination);
  let timer: NodeJS.Timeout | undefined;
  const [response, head] = await new Promise<[IncomingMessage, Uint8Array]>((resolve, reject) => {
    const connect = request({
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        ...(credentials === undefined
          ? {}
          : {
              // RFC 7617: in UTF-8.
              'proxy-authorization': `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`,
            }),
      },
      createConnection: () => carrier as unknown as Socket,
    });
    connect.once('connect', (answer, _socket, rest) => resolve([answer, rest]));
    connect.once('error', (error) => reject(proxyError(destination, error.message, error)));
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    timer = setTimeout(() => {
      const what = `proxy ${formatEndpoint(connection.remote)}: no answer in ${timeoutMs} ms`;
      reject(new SockctlError('TIMEOUT', { what }));
    }, timeoutMs);
    connect.end();
  }).finally(() => clearTimeout(timer));
  const { statusCode = 0, statusMessage = '' } = response;
  if (statusCode < 200 || statusCode > 299) throw proxyError(destination, `${statusCode} ${statusMessage}`.trim());
  carrier.pause();
  if (head.length > 0) carrier.unshift(head);
  const before = { bytesIn: carrier.bytesRead - carrier.readableLength, bytesOut: carrier.bytesWritten };
  return new LayeredConnection(connection, carrier, before);
}
