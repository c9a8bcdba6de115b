/**
 * A connected stream descriptor. Its bytes go through a pump of system calls, or through Node's event loop
 * (`new net.Socket({ fd })`), which then reads, writes and closes it: what the owner uses first decides.
 */
import { Socket } from 'node:net';
import type { Logger } from '../../log/events.js';
import { levelNumber } from '../../options/row.js';
import { setting } from '../../options/settings.js';
import { option } from '../../options/table.js';
import { decodeTcpInfo, type TcpInfo } from '../../options/tcp-info.js';
import { type Endpoint, formatEndpoint } from '../../sockaddr/endpoint.js';
import type { StreamConnection, StreamPump } from '../port.js';
import { traceDuplex } from '../trace.js';
import type { Descriptor } from './descriptor.js';
import { C, type Libc } from './libc.js';
import { NativePump } from './pump.js';
import { setOption } from './sockopt.js';

const TCP_INFO = option('TCP_INFO');
/** Room for the struct of kernels to come. */
const TCP_INFO_ROOM = 512;

/** Bytes that one recv(2) of a rescue takes at most. */
const RESCUE_CHUNK = 1 << 16;

/** socket(7): with no time to linger, close(2) resets. */
const RESET_ON_CLOSE = setting('SO_LINGER', 0);

export interface ConnectionParts {
  readonly fd: number;
  readonly logger: Logger;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /**
   * A second descriptor of the same socket that outlives the first, so that what the kernel had received when the
   * connection failed can still be read; -1 for none.
   */
  readonly spare: number;
}

export class NativeConnection implements StreamConnection {
  readonly backend = 'native';
  readonly fd: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly closed: Promise<void>;
  readonly #libc: Libc;
  readonly #logger: Logger;
  #spare: number;
  #socket: Socket | undefined;
  #pump: NativePump | undefined;
  #onClosed: () => void = () => undefined;
  #open = true;

  /** Owns the descriptors from here on. */
  constructor(libc: Libc, { fd, logger, local, remote, spare }: ConnectionParts) {
    this.#libc = libc;
    this.#logger = logger;
    this.#spare = spare;
    this.fd = fd;
    this.local = local;
    this.remote = remote;
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
  }

  get bytesIn(): number {
    return this.#socket?.bytesRead ?? this.#pump?.bytesIn ?? 0;
  }

  get bytesOut(): number {
    return this.#socket?.bytesWritten ?? this.#pump?.bytesOut ?? 0;
  }

  get duplex(): Socket {
    if (this.#pump !== undefined) throw new Error('the connection is pumped already');
    this.#socket ??= this.#adopt();
    return this.#socket;
  }

  get pump(): StreamPump {
    if (this.#socket !== undefined) throw new Error('the connection is a stream already');
    this.#pump ??= new NativePump(this.#libc, this.fd, {
      logger: this.#logger,
      address: formatEndpoint(this.remote),
      tcp: this.remote.family !== 'unix',
    });
    return this.#pump;
  }

  destroy(): void {
    if (this.#socket !== undefined) this.#socket.destroy();
    else this.#close();
  }

  reset(): void {
    this.#closeSpare();
    // Unix sockets have no reset; closing with unread data is as abrupt as it gets.
    if (this.remote.family === 'unix') this.destroy();
    else if (this.#socket !== undefined) this.#socket.resetAndDestroy();
    else {
      if (this.#open) setOption(this.#libc, this.fd, RESET_ON_CLOSE);
      this.#close();
    }
  }

  info(): TcpInfo | undefined {
    if (this.remote.family === 'unix' || (!this.#open && this.#spare < 0)) return undefined;
    const bytes = new Uint8Array(TCP_INFO_ROOM);
    const length = new Uint32Array([bytes.length]);
    // The spare one is open as long as there is anything to tell; Node may have closed the other.
    const fd = this.#spare >= 0 ? this.#spare : this.fd;
    const { level, number } = TCP_INFO;
    const result = this.#libc.getsockopt(fd, levelNumber(level), number, bytes, new Uint8Array(length.buffer));
    return result < 0 ? undefined : decodeTcpInfo(bytes.subarray(0, length[0]));
  }

  rescue(limit: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let total = 0;
    while (this.#spare >= 0 && total < limit) {
      const part = Buffer.allocUnsafe(Math.min(RESCUE_CHUNK, limit - total));
      const count = this.#libc.recv(this.#spare, part, part.length, C.MSG_DONTWAIT);
      if (count <= 0) break;
      parts.push(part.subarray(0, count));
      total += count;
    }
    return Buffer.concat(parts);
  }

  #adopt(): Socket {
    const socket = new Socket({ fd: this.fd, readable: true, writable: true, allowHalfOpen: true });
    traceDuplex(socket, { fd: this.fd }, this.#logger);
    // Whoever reads or writes is told as well; without a listener the process would end.
    socket.on('error', () => undefined);
    // A close without an error leaves nothing to rescue; after an error the owner asks in its 'close' handler or before.
    socket.once('close', (failed) => {
      this.#open = false;
      this.#onClosed();
      if (failed) setImmediate(() => this.#closeSpare());
      else this.#closeSpare();
    });
    return socket;
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#pump?.close();
    this.#closeSpare();
    this.#libc.close(this.fd);
    this.#onClosed();
  }

  #closeSpare(): void {
    if (this.#spare >= 0) this.#libc.close(this.#spare);
    this.#spare = -1;
  }
}

/** The descriptor of a connection that is there, as a connection of its own. */
export function connectionOf(descriptor: Descriptor, logger: Logger, remote: Endpoint): NativeConnection {
  const spare = descriptor.duplicate();
  const local = descriptor.localEndpoint() ?? remote;
  return new NativeConnection(descriptor.libc, { fd: descriptor.handOver(), logger, local, remote, spare });
}
