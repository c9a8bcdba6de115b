/** Listening streams on system calls: socket, setsockopt, bind, listen, and accept4(2) for each connection. */
import { unlinkSync } from 'node:fs';
import { SocketError } from '../../errors.js';
import { refuseConnected, setting } from '../../options/settings.js';
import { type Endpoint, formatEndpoint, unmapEndpoint } from '../../sockaddr/endpoint.js';
import { decodeSockaddr, SOCKADDR_MAX } from '../../sockaddr/struct.js';
import { unixEndpoint } from '../../sockaddr/unix.js';
import type { ListenOptions, StreamListener } from '../port.js';
import { NativeConnection } from './connection.js';
import {
  Descriptor,
  DUAL_STACK,
  lastFailure,
  type Opening,
  socketName,
  streamArguments,
  withDefaults,
} from './descriptor.js';
import { C } from './libc.js';
import { DescriptorWatch } from './poller.js';

/** Connections taken in one turn of the event loop at most, so that those that are open get theirs. */
const ACCEPTS_PER_TURN = 64;
/** How soon accept(2) is tried again after it lacked descriptors or memory, unless a connection ends before. */
const RETRY_MS = 250;

/** accept(2): the connection was lost before it was taken, or its network failed; the next one may be there. */
const LOST_CONNECTION: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EINTR',
  'ENETDOWN',
  'ENETUNREACH',
  'ENONET',
  'ENOPROTOOPT',
  'EOPNOTSUPP',
  'EPERM',
  'EPROTO',
]);

/** SO_REUSEADDR is on, as every server has it, and :: takes IPv4 as well. */
export function listenNative({ libc, onOpen }: Opening, local: Endpoint, options: ListenOptions): StreamListener {
  refuseConnected(options.settings, 'a listening socket');
  const defaults = local.family === 'unix' ? [] : [setting('SO_REUSEADDR', true)];
  if (local.family === 'ipv6') defaults.push(DUAL_STACK);
  const descriptor = Descriptor.open(libc, streamArguments(local), options.logger);
  descriptor.prepare(withDefaults(options.settings, defaults), local);
  const bound = descriptor.localEndpoint() ?? local;
  descriptor.listen(options.backlog, bound);
  descriptor.show(onOpen);
  return new NativeListener(descriptor, bound, options);
}

class NativeListener implements StreamListener {
  readonly backend = 'native';
  readonly pausable = true;
  readonly local: Endpoint;
  readonly #descriptor: Descriptor;
  readonly #options: ListenOptions;
  readonly #watch: DescriptorWatch;
  /** The peer's struct sockaddr, and its length. */
  readonly #name = new Uint8Array(SOCKADDR_MAX);
  readonly #nameLength = new Uint32Array(1);
  #retry: NodeJS.Timeout | undefined;
  /** Whether the last accept(2) lacked something: told once, until one succeeds. */
  #starved = false;
  #closed = false;
  #paused = false;

  constructor(descriptor: Descriptor, local: Endpoint, options: ListenOptions) {
    this.#descriptor = descriptor;
    this.local = local;
    this.#options = options;
    this.#watch = new DescriptorWatch(descriptor.libc, descriptor.fd, () => this.#acceptAll());
    this.#rearm();
  }

  pause(): void {
    this.#paused = true;
    this.#rearm();
  }

  resume(): void {
    this.#paused = false;
    this.#rearm();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#watch.close();
    this.#descriptor.close();
    if (this.local.family === 'unix' && this.local.kind === 'path') unlinkQuietly(Buffer.from(this.local.toBytes()));
  }

  #acceptAll(): void {
    for (let i = 0; i < ACCEPTS_PER_TURN && !this.#closed && !this.#paused; i++) if (!this.#acceptOne()) return;
  }

  /** One accept4(2); false when there is nothing more to take for now. */
  #acceptOne(): boolean {
    const { libc, fd: listening } = this.#descriptor;
    this.#nameLength[0] = SOCKADDR_MAX;
    const length = new Uint8Array(this.#nameLength.buffer);
    const fd = libc.accept4(listening, this.#name, length, C.SOCK_NONBLOCK | C.SOCK_CLOEXEC);
    if (fd < 0) return this.#failed();
    this.#starved = false;
    const peer = decodeSockaddr(this.#name, Math.min(this.#nameLength[0] ?? 0, SOCKADDR_MAX));
    // A dual-stack listener hears IPv4 peers as mapped addresses; to a person they are IPv4.
    const remote = peer === undefined ? unixEndpoint('') : unmapEndpoint(peer);
    const { logger } = this.#options;
    const connection = new NativeConnection(libc, { fd, logger, local: this.#localOf(fd), remote, spare: -1 });
    void connection.closed.then(() => this.#retryNow());
    this.#options.onConnection(connection);
    return true;
  }

  /** Where a connection came in: for a listener on every address only its own descriptor knows. */
  #localOf(fd: number): Endpoint {
    if (this.local.family === 'unix' || !this.local.address.isUnspecified) return this.local;
    const local = socketName(this.#descriptor.libc, fd);
    return local === undefined ? this.local : unmapEndpoint(local);
  }

  #failed(): boolean {
    const failure = lastFailure(this.#descriptor.libc, 'accept4');
    if (failure.code === 'EAGAIN') return false;
    if (LOST_CONNECTION.has(failure.code)) return true;
    // Out of descriptors or memory (accept(2)): the connection stays in the queue and would wake us again at once.
    if (!this.#starved) this.#options.onError(new SocketError({ ...failure, address: formatEndpoint(this.local) }));
    this.#starved = true;
    this.#retry ??= setTimeout(() => this.#retryNow(), RETRY_MS);
    this.#rearm();
    return false;
  }

  /** Goes on after a failure. */
  #retryNow(): void {
    if (this.#retry === undefined || this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#rearm();
  }

  #rearm(): void {
    if (!this.#closed) this.#watch.want(!this.#paused && this.#retry === undefined, false);
  }
}

function unlinkQuietly(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody removed it already: that is what was wanted.
  }
}
