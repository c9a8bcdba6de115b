/** Through a SOCKS 5 proxy (RFC 1928, RFC 1929), which resolves the name. */
import { Duplex } from 'node:stream';
import { UsageError } from '../errors.js';
import type { StreamConnection } from '../socket/port.js';
import { beforeDeadline } from './deadline.js';
import { type CountingDuplex, LayeredConnection } from './layered.js';
import { type Destination, type ProxyOptions, proxyDeadline, proxyError } from './proxy-route.js';

/** RFC 1929 section 2: the lengths of user and password are one byte each. */
const LONGEST_WORD = 255;

/** @throws SockctlError PROXY or TIMEOUT; UsageError for credentials that don't fit */
export async function throughSocks(
  connection: StreamConnection,
  destination: Destination,
  options: ProxyOptions,
): Promise<StreamConnection> {
  const { credentials } = options;
  const deadline = proxyDeadline(connection, options);
  const { user: userId, password } = credentials ?? {};
  if ([userId, password].some((word) => Buffer.byteLength(word ?? '') > LONGEST_WORD)) {
    throw new UsageError(`--via: SOCKS takes a user and a password of ${LONGEST_WORD} bytes at most`);
  }
  const { SocksClient } = await import('socks');
  const carrier = connection.duplex as CountingDuplex;
  // The client reads all there is and would hand the rest back as an event. It gets one byte at a time instead, so
  // that what follows the proxy's answer stays where it is.
  const handshake = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => void carrier.write(chunk, done),
  });
  const client = new SocksClient({
    command: 'connect',
    proxy: {
      type: 5,
      // Not connected to: only checked.
      host: 'proxy',
      port: 1080,
      ...(credentials === undefined ? {} : { userId: userId ?? '', password: password ?? '' }),
    },
    destination,
    timeout: deadline.timeoutMs,
    existing_socket: handshake,
  });
  let onReadable: () => void = () => undefined;
  try {
    await beforeDeadline<void>(deadline, (resolve, reject) => {
      let open = true;
      onReadable = () => {
        while (open) {
          const byte: Uint8Array | null = carrier.read(1);
          if (byte === null) return;
          handshake.emit('data', byte);
        }
      };
      client.once('established', () => {
        open = false;
        resolve();
      });
      client.once('error', (error: Error) => {
        open = false;
        reject(proxyError(destination, error.message, error));
      });
      const ended = () => reject(proxyError(destination, 'the proxy has ended the connection'));
      carrier.once('end', ended).once('close', ended).once('error', reject);
      carrier.on('readable', onReadable);
      client.connect(handshake as never);
    });
  } finally {
    carrier.off('readable', onReadable);
    // The stream notices at the next tick that nobody listens for that any more: whoever reads next must come later.
    await new Promise((resolve) => process.nextTick(resolve));
    carrier.pause();
  }
  const before = { bytesIn: carrier.bytesRead - carrier.readableLength, bytesOut: carrier.bytesWritten };
  return new LayeredConnection(connection, carrier, before);
}
