/**
 * Raw sockets through the raw-socket package: the one file that knows it.
 *
 * What it does not do by itself is done here: a strong reference (a socket that only its handlers refer to is closed
 * by garbage collection), a buffer for the largest packet (the default cuts at 4,096 bytes without a sign), a copy of
 * each packet (one buffer is used again), the check of the family (an IPv6 destination on an IPv4 socket would go to
 * 0.0.0.0), no send after close (it would never call back), and setImmediate around its callbacks (on newer Node they
 * run where promises do not go on).
 */
import type { RawSocket } from 'raw-socket';
import { SockctlError, SocketError } from '../../errors.js';
import { portableWallClock, type Timestamp } from '../../measure/clock.js';
import { levelNumber } from '../../options/row.js';
import { checkSettings } from '../../options/settings.js';
import { type Endpoint, formatEndpoint, inetEndpoint } from '../../sockaddr/endpoint.js';
import { tryParseIP } from '../../sockaddr/ip.js';
import type { MessageHandlers, MessageSocket, OutgoingMessage, RawOptions, ReceivedMessage } from '../port.js';
import { backendLimit } from './limits.js';

/** The largest IP packet. */
const BUFFER_SIZE = 65_535;

const open = new Set<PortableRawSocket>();

/** @throws SockctlError BACKEND_MISSING, or SocketError EPERM without the privilege */
export async function openPortableRaw(options: RawOptions): Promise<MessageSocket> {
  if (options.local !== undefined) throw backendLimit('a raw socket can not be bound to a source address');
  if (options.errorQueue === true) throw backendLimit('a raw socket has no error queue');
  checkSettings(options.settings, 'raw');
  const { default: package_ } = await import('raw-socket').catch((cause: Error) => {
    throw new SockctlError('BACKEND_MISSING', {
      what: `raw-socket does not load: ${cause.message.split('\n')[0]}`,
      cause,
    });
  });
  const v6 = options.family === 'ipv6';
  const name = `socket(${v6 ? 'AF_INET6' : 'AF_INET'}, SOCK_RAW, ${options.protocol})`;
  let socket: RawSocket;
  try {
    socket = package_.createSocket({
      protocol: options.protocol,
      addressFamily: v6 ? package_.AddressFamily.IPv6 : package_.AddressFamily.IPv4,
      bufferSize: BUFFER_SIZE,
    });
  } catch (cause) {
    throw packageError(cause, name);
  }
  const wrapped = new PortableRawSocket(socket, options);
  try {
    for (const { option, value } of options.settings) {
      if (option.type.kind === 'filter') throw backendLimit(`--opt ${option.name}: no BPF programs`);
      const bytes = Buffer.from(option.type.encode(value));
      socket.setOption(levelNumber(option.level), option.number, bytes, bytes.length);
    }
  } catch (cause) {
    await wrapped.close();
    throw packageError(cause, 'setsockopt');
  }
  options.logger.log('debug', {
    event: 'socket',
    family: v6 ? 'AF_INET6' : 'AF_INET',
    type: 'SOCK_RAW',
    protocol: String(options.protocol),
  });
  return wrapped;
}

/** The package's errors are sentences of strerror(3) without a code. */
function packageError(cause: unknown, syscall: string): SocketError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const known: readonly (readonly [RegExp, string])[] = [
    [/not permitted/i, 'EPERM'],
    [/permission/i, 'EACCES'],
    [/unreachable/i, 'ENETUNREACH'],
    [/no route/i, 'EHOSTUNREACH'],
    [/too long/i, 'EMSGSIZE'],
    [/no buffer/i, 'ENOBUFS'],
    [/invalid argument/i, 'EINVAL'],
  ];
  const code = known.find(([pattern]) => pattern.test(text))?.[1] ?? 'EIO';
  return new SocketError({ syscall, code, cause });
}

class PortableRawSocket implements MessageSocket {
  readonly backend = 'portable';
  readonly local = undefined;
  readonly dropped = null;
  /** The package does not tell. */
  readonly receiveBuffer = 0;
  sent = 0;
  readonly #socket: RawSocket;
  readonly #options: RawOptions;
  #closed = false;
  /** Messages on their way to the handler. */
  readonly #arrived: ReceivedMessage[] = [];

  constructor(socket: RawSocket, options: RawOptions) {
    this.#socket = socket;
    this.#options = options;
    open.add(this);
    socket.pauseRecv();
    socket.on('error', () => undefined);
  }

  pathMtu(): null {
    return null;
  }

  now(): Timestamp {
    return portableWallClock();
  }

  receive(handlers: MessageHandlers): void {
    const { family, icmpTypes } = this.#options;
    this.#socket.removeAllListeners('error');
    this.#socket.on('error', (error: unknown) => handlers.failure({ error: packageError(error, 'recvfrom') }));
    this.#socket.on('message', (view: Buffer, source: string) => {
      // The package has no type filter, so it is done here: after the IPv4 header, if there is one.
      const typeAt = family === 'ipv4' ? ((view[0] ?? 0) & 15) * 4 : 0;
      if (icmpTypes !== undefined && !icmpTypes.includes(view[typeAt] ?? -1)) return;
      const address = tryParseIP(source);
      this.#options.logger.log('trace', { event: 'recvmmsg', messages: 1, bytes: view.length });
      this.#deliver(handlers, {
        bytes: Buffer.from(view),
        from: address === undefined ? undefined : inetEndpoint(address, 0),
        length: view.length,
        truncated: false,
        segmentSize: view.length,
        timestamp: portableWallClock(),
        timestampSource: 'user',
        // The IPv4 header is part of the message; IPv6 packets come without theirs.
        hopLimit: family === 'ipv4' ? (view[8] ?? null) : null,
        trafficClass: family === 'ipv4' ? (view[1] ?? null) : null,
        destination: null,
        interfaceIndex: null,
      });
    });
    this.#socket.resumeRecv();
  }

  #deliver(handlers: MessageHandlers, message: ReceivedMessage): void {
    this.#arrived.push(message);
    if (this.#arrived.length === 1) setImmediate(() => handlers.messages(this.#arrived.splice(0)));
  }

  pause(): void {
    this.#socket.pauseRecv();
  }

  resume(): void {
    this.#socket.resumeRecv();
  }

  async send(messages: readonly OutgoingMessage[]): Promise<Timestamp> {
    let time = this.now();
    const before = () => {
      time = this.now();
    };
    for (const message of messages) {
      const to = this.#destination(message.to);
      const bytes = Buffer.from(message.bytes);
      await new Promise<void>((resolve, reject) => {
        this.#socket.send(bytes, 0, bytes.length, to, before, (error) => {
          setImmediate(() => {
            if (error === null) return resolve();
            const known = packageError(error, 'sendto');
            return reject(new SocketError({ syscall: 'sendto', code: known.code, address: to, cause: error }));
          });
        });
      });
      this.sent++;
      this.#options.logger.log('trace', { event: 'sendmmsg', messages: 1, bytes: bytes.length });
    }
    return time;
  }

  #destination(to: Endpoint | undefined): string {
    if (this.#closed) throw new SocketError({ syscall: 'sendto', code: 'EBADF', errno: 9 });
    if (to === undefined || to.family === 'unix') throw backendLimit('a raw socket needs a destination');
    if (to.family !== this.#options.family) {
      throw new SocketError({ syscall: 'sendto', code: 'EAFNOSUPPORT', errno: 97, address: formatEndpoint(to) });
    }
    return to.address.toString();
  }

  takeFailures(): void {
    // Node hands errors over as it finds them.
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    open.delete(this);
    this.#socket.close();
    this.#options.logger.log('debug', { event: 'close' });
  }
}
