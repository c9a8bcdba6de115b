/** A connection through a proxy, whichever kind it is. */
import type { StreamConnection } from '../socket/port.js';
import { throughHttp } from './proxy-http.js';
import type { Destination, ProxyOptions, ProxyProtocol } from './proxy-route.js';
import { throughSocks } from './proxy-socks.js';

/**
 * Has the proxy at the other end of `connection` connect to `destination`; nobody has read from `connection` yet.
 *
 * @returns the connection to the destination: its bytes are those behind the proxy's answer
 * @throws SockctlError PROXY with the proxy's reason, or TIMEOUT; the connection is closed then
 */
export async function connectThrough(
  connection: StreamConnection,
  protocol: ProxyProtocol,
  destination: Destination,
  options: ProxyOptions,
): Promise<StreamConnection> {
  const speak = protocol === 'socks5' ? throughSocks : throughHttp;
  try {
    return await speak(connection, destination, options);
  } catch (error) {
    connection.destroy();
    options.signal?.throwIfAborted();
    throw error;
  }
}
