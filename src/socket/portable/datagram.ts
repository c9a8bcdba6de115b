/** Datagrams on node:dgram: no kernel timestamps, no hop limit, no drop counter, and it says so in each message. */
import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { SocketError, toSockctlError } from '../../errors.js';
import { portableWallClock, type Timestamp } from '../../measure/clock.js';
import { membershipParts } from '../../options/types/address.js';
import { type Endpoint, formatEndpoint, type InetEndpoint, mapEndpoint } from '../../sockaddr/endpoint.js';
import { type IPFamily, tryParseIP } from '../../sockaddr/ip.js';
import { peerEndpoint } from '../node-net.js';
import type { DatagramOptions, MessageHandlers, MessageSocket, OutgoingMessage } from '../port.js';
import { applyPortable, backendLimit, checkPortable, flagAmong, type Setters } from './limits.js';

const SETTERS: Setters<Socket> = {
  SO_BROADCAST: (socket, value) => socket.setBroadcast(value !== 0),
  SO_RCVBUF: (socket, value) => socket.setRecvBufferSize(value),
  SO_SNDBUF: (socket, value) => socket.setSendBufferSize(value),
  IP_TTL: (socket, value) => socket.setTTL(value),
  IPV6_UNICAST_HOPS: (socket, value) => socket.setTTL(value),
  IP_MULTICAST_TTL: (socket, value) => socket.setMulticastTTL(value),
  IP_MULTICAST_LOOP: (socket, value) => socket.setMulticastLoopback(value !== 0),
  IP_MULTICAST_IF: (socket, _, name) => socket.setMulticastInterface(ownAddress(name, 'ipv4')),
  IPV6_MULTICAST_IF: (socket, _, name) => socket.setMulticastInterface(ownAddress(name, 'ipv6')),
  IPV6_MULTICAST_HOPS: (socket, value) => socket.setMulticastTTL(value),
  IPV6_MULTICAST_LOOP: (socket, value) => socket.setMulticastLoopback(value !== 0),
  IP_ADD_MEMBERSHIP: (socket, _, text) => join(socket, text, 'ipv4', false),
  IPV6_ADD_MEMBERSHIP: (socket, _, text) => join(socket, text, 'ipv6', false),
  MCAST_JOIN_SOURCE_GROUP: (socket, _, text) => join(socket, text, 'ipv4', true),
  IPV6_JOIN_SOURCE_GROUP: (socket, _, text) => join(socket, text, 'ipv6', true),
  // Given to createSocket.
  SO_REUSEADDR: () => undefined,
  IPV6_V6ONLY: () => undefined,
};

/** Joins `GROUP[,SOURCE][@INTERFACE]`. */
function join(socket: Socket, text: string, family: IPFamily, fromSource: boolean): void {
  const parts = membershipParts(text, family, fromSource);
  if (parts === undefined) return;
  const device = parts.device === undefined ? undefined : ownAddress(parts.device, family);
  if (parts.source === undefined) socket.addMembership(parts.group.toString(), device);
  else socket.addSourceSpecificMembership(parts.source.toString(), parts.group.toString(), device);
}

/** How Node has interfaces named: by an own address, or `::%NAME` for IPv6. */
function ownAddress(name: string, family: IPFamily): string {
  if (family === 'ipv6') return `::%${name}`;
  if (tryParseIP(name) !== undefined) return name;
  const found = networkInterfaces()[name]?.find((address) => address.family === 'IPv4');
  if (found === undefined) throw backendLimit(`${name}: node names interfaces by an IPv4 address, and it has none`);
  return found.address;
}

export async function openPortableDatagram(
  family: Endpoint['family'],
  options: DatagramOptions,
): Promise<MessageSocket> {
  if (family === 'unix') throw backendLimit('no unix datagram sockets');
  if (options.errorQueue === true && options.remote === undefined) throw backendLimit('no error queue');
  checkPortable(options.settings, 'datagram', SETTERS);
  const create: SocketOptions = {
    type: family === 'ipv6' ? 'udp6' : 'udp4',
    reuseAddr: flagAmong(options.settings, 'SO_REUSEADDR') ?? false,
    ipv6Only: flagAmong(options.settings, 'IPV6_V6ONLY') ?? false,
  };
  const socket = createSocket(create);
  try {
    await bind(socket, options.local);
    if (options.receiveBuffer !== undefined) wishForBuffer(socket, options.receiveBuffer);
    applyPortable(options.settings, SETTERS, socket);
    if (options.remote !== undefined) await connect(socket, options.remote);
  } catch (error) {
    socket.close();
    throw toSockctlError(error, options.local === undefined ? undefined : formatEndpoint(options.local));
  }
  return new PortableDatagramSocket(socket, options);
}

/** The kernel gives what its limit allows; a system that refuses instead is no reason to fail. */
function wishForBuffer(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    // It stays as it is.
  }
}

function bind(socket: Socket, local: Endpoint | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    const bound = () => {
      socket.off('error', reject);
      resolve();
    };
    if (local === undefined || local.family === 'unix') socket.bind(0, bound);
    else socket.bind({ address: local.address.toString(), port: local.port, exclusive: true }, bound);
  });
}

function connect(socket: Socket, remote: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    if (remote.family === 'unix') return reject(backendLimit('no unix datagram sockets'));
    return socket.connect(remote.port, remote.address.toString(), (error?: Error) =>
      error ? reject(error) : resolve(),
    );
  });
}

class PortableDatagramSocket implements MessageSocket {
  readonly backend = 'portable';
  readonly local: Endpoint | undefined;
  readonly dropped = null;
  readonly droppedAtMost = null;
  sent = 0;
  readonly #socket: Socket;
  readonly #options: DatagramOptions;
  #handlers: MessageHandlers | undefined;
  #paused = false;
  #closed = false;
  readonly #v6: boolean;
  /** Node has no way to stop reading; what comes in meanwhile waits here, up to a bound, then is dropped. */
  #held: { bytes: Buffer; info: RemoteInfo; timestamp: Timestamp }[] = [];

  constructor(socket: Socket, options: DatagramOptions) {
    this.#socket = socket;
    this.#options = options;
    const { address, port, family } = socket.address();
    this.#v6 = family === 'IPv6';
    this.local = peerEndpoint(address, port);
    const local = this.local === undefined ? '' : formatEndpoint(this.local);
    options.logger.log('debug', { event: 'bind', local });
    if (options.remote !== undefined)
      options.logger.log('debug', { event: 'connect', remote: formatEndpoint(options.remote) });
    socket.on('error', (error) => this.#handlers?.failure({ error: asSocketError(error) }));
  }

  get receiveBuffer(): number {
    return this.#closed ? 0 : this.#socket.getRecvBufferSize();
  }

  pathMtu(): null {
    return null;
  }

  now(): Timestamp {
    return portableWallClock();
  }

  receive(handlers: MessageHandlers): void {
    this.#handlers = handlers;
    this.#socket.on('message', (bytes, info) => {
      const timestamp = portableWallClock();
      if (!this.#paused) this.#deliver(bytes, info, timestamp);
      else if (this.#held.length < 1024) this.#held.push({ bytes, info, timestamp });
    });
  }

  #deliver(bytes: Buffer, info: RemoteInfo, timestamp: Timestamp): void {
    this.#options.logger.log('trace', { event: 'recvmmsg', messages: 1, bytes: bytes.length });
    this.#handlers?.messages([
      {
        bytes,
        from: peerEndpoint(info.address, info.port),
        length: bytes.length,
        truncated: false,
        segmentSize: bytes.length,
        timestamp,
        timestampSource: 'user',
        hopLimit: null,
        trafficClass: null,
        destination: null,
        interfaceIndex: null,
      },
    ]);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (this.#held.length > 0 && !this.#paused) {
      const next = this.#held.shift();
      if (next !== undefined) this.#deliver(next.bytes, next.info, next.timestamp);
    }
  }

  async send(messages: readonly OutgoingMessage[]): Promise<Timestamp> {
    let time = this.now();
    for (const { bytes, to, segmentSize } of messages) {
      const size = segmentSize ?? bytes.length;
      let at = 0;
      do {
        const one = size === bytes.length ? bytes : bytes.subarray(at, at + size);
        time = this.now();
        await this.#sendOne(one, to);
        this.sent++;
        at += size;
      } while (at < bytes.length);
    }
    return time;
  }

  async #sendOne(bytes: Uint8Array, to: Endpoint | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null) => (error ? reject(asSocketError(error, to)) : resolve());
      if (to === undefined) this.#socket.send(bytes, done);
      else if (to.family === 'unix') reject(backendLimit('no unix datagram sockets'));
      else this.#socket.send(bytes, to.port, this.#addressFor(to), done);
    });
    this.#options.logger.log('trace', { event: 'sendmmsg', messages: 1, bytes: bytes.length });
  }

  /** An IPv6 socket takes IPv4 destinations in their mapped form only. */
  #addressFor(to: InetEndpoint): string {
    const ip = this.#v6 ? mapEndpoint(to) : to;
    return (ip as InetEndpoint).address.toString();
  }

  takeFailures(): void {
    // Node hands errors over as it finds them.
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => this.#socket.close(resolve));
    this.#options.logger.log('debug', { event: 'close' });
  }
}

function asSocketError(error: unknown, to?: Endpoint): SocketError {
  const known = toSockctlError(error, to === undefined ? undefined : formatEndpoint(to));
  return known instanceof SocketError ? known : new SocketError({ syscall: 'send', code: known.code, cause: error });
}
