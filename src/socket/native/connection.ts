/**
 * A connected stream descriptor in the hands of Node's event loop (`new net.Socket({ fd })`), which reads, writes and
 * closes it from here on.
 */
import { Socket } from 'node:net';
import type { Endpoint } from '../../sockaddr/endpoint.js';
import { peerEndpoint } from '../node-net.js';
import type { StreamConnection } from '../port.js';
import { C, type Libc } from './libc.js';

/** Bytes that one recv(2) of a rescue takes at most. */
const RESCUE_CHUNK = 1 << 16;

export interface ConnectionParts {
  readonly fd: number;
  /** Where the own address can't be asked for any more. */
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /**
   * A second descriptor of the same socket that outlives the first, so that what the kernel had received when the
   * connection failed can still be read; -1 for none.
   */
  readonly spare: number;
}

/** Wraps `fd`; the connection owns it and `spare` now. */
export function adoptConnection(libc: Libc, { fd, local, remote, spare }: ConnectionParts): StreamConnection {
  const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  let open = spare;
  const closeSpare = () => {
    if (open >= 0) libc.close(open);
    open = -1;
  };
  // A close without an error leaves nothing to rescue; after an error the owner asks in its 'close' handler or before.
  socket.once('close', (failed) => {
    if (failed) setImmediate(closeSpare);
    else closeSpare();
  });
  return {
    backend: 'native',
    fd,
    duplex: socket,
    local: peerEndpoint(socket.localAddress, socket.localPort) ?? local,
    remote,
    reset: () => {
      closeSpare();
      // Unix sockets have no reset; closing with unread data is as abrupt as it gets.
      if (remote.family === 'unix') socket.destroy();
      else socket.resetAndDestroy();
    },
    rescue: (limit) => {
      const parts: Uint8Array[] = [];
      let total = 0;
      while (open >= 0 && total < limit) {
        const part = Buffer.allocUnsafe(Math.min(RESCUE_CHUNK, limit - total));
        const count = libc.recv(open, part, part.length, C.MSG_DONTWAIT);
        if (count <= 0) break;
        parts.push(part.subarray(0, count));
        total += count;
      }
      return Buffer.concat(parts);
    },
  };
}
