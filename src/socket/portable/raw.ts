/**
 * Raw sockets through the raw-socket package: the one file that knows it.
 *
 * What it does not do by itself is done here: a strong reference (a socket that only its handlers refer to is closed
 * by garbage collection), a buffer for the largest packet (the default cuts at 4,096 bytes without a sign), a copy of
 * each packet (one buffer is used again), the check of the family (an IPv6 destination on an IPv4 socket would go to
 * 0.0.0.0), no send after close (it would never call back), setImmediate around its callbacks (on newer Node they run
 * where promises do not go on), and more than one message for each time that the descriptor was found readable.
 */
import type { RawSocket } from 'raw-socket';
import { SockctlError, SocketError } from '../../errors.js';
import { portableWallClock, type Timestamp } from '../../measure/clock.js';
import { levelNumber } from '../../options/row.js';
import { checkSettings, type OptionSetting, setting } from '../../options/settings.js';
import { option } from '../../options/table.js';
import { type Endpoint, formatEndpoint, inetEndpoint } from '../../sockaddr/endpoint.js';
import { tryParseIP } from '../../sockaddr/ip.js';
import {
  type MessageHandlers,
  type OutgoingMessage,
  RAW_ADVICE,
  type RawOptions,
  type RawSocket as RawPort,
  type ReceivedMessage,
} from '../port.js';
import { backendLimit } from './limits.js';

/** The largest IP packet. */
const BUFFER_SIZE = 65_535;
/** Messages that are taken at once, so that timers and signals get their turn. */
const BATCH = 64;
/** What the kernel reckons for a message at least, of a receive buffer: its own administration of one. */
const SMALLEST_MESSAGE = 256;

const RECEIVE_BUFFER = option('SO_RCVBUF');
const MEMORY = option('SO_MEMINFO');
/** Where that has what was dropped: the last of the counters of sock_diag(7). */
const DROPS_AT = 32;

const open = new Set<PortableRawSocket>();

/** @throws SockctlError BACKEND_MISSING, or SocketError EPERM without the privilege */
export async function openPortableRaw(options: RawOptions): Promise<RawPort> {
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
    if (options.receiveBuffer !== undefined) enlarge(socket, options.receiveBuffer, options.settings);
    if (options.ownHeader === true) setOption(socket, setting(v6 ? 'IPV6_HDRINCL' : 'IP_HDRINCL', true));
    for (const one of options.settings) {
      const { option } = one;
      if (option.type.kind === 'filter') throw backendLimit(`--opt ${option.name}: no BPF programs`);
      setOption(socket, one);
    }
    // What came before the socket was bound to an interface came from any.
    if (options.settings.some(({ option }) => option.name === 'SO_BINDTODEVICE')) wrapped.discard();
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

function setOption(socket: RawSocket, { option, value }: OptionSetting): void {
  const bytes = Buffer.from(option.type.encode(value));
  socket.setOption(levelNumber(option.level), option.number, bytes, bytes.length);
}

/** The buffer beyond net.core.rmem_max where CAP_NET_ADMIN is there, otherwise up to it. */
function enlarge(socket: RawSocket, bytes: number, settings: readonly OptionSetting[]): void {
  if (settings.some(({ option }) => option.name.startsWith('SO_RCVBUF'))) return;
  for (const name of ['SO_RCVBUFFORCE', 'SO_RCVBUF']) {
    try {
      setOption(socket, setting(name, bytes));
      return;
    } catch {
      // A wish only.
    }
  }
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
    [/temporarily unavailable/i, 'EAGAIN'],
    [/no such device/i, 'ENODEV'],
  ];
  const code = known.find(([pattern]) => pattern.test(text))?.[1] ?? 'EIO';
  const advice = code === 'EPERM' || code === 'EACCES' ? RAW_ADVICE : undefined;
  return new SocketError({ syscall, code, advice, cause });
}

class PortableRawSocket implements RawPort {
  readonly backend = 'portable';
  readonly local = undefined;
  sent = 0;
  readonly #socket: RawSocket;
  readonly #options: RawOptions;
  /** What single messages have had of their own: the socket's value, and the one that it has now. */
  readonly #headerFields = new Map<string, { readonly socket: number; readonly now: number }>();
  #closed = false;
  #handlers: MessageHandlers | undefined;
  /** Messages on their way to the handler. */
  readonly #arrived: ReceivedMessage[] = [];
  #delivering = false;
  /** Whether the descriptor is being read now, and whether the last attempt has found something. */
  #reading = false;
  #found = false;
  #drops: number | null = 0;
  #dropsBefore = 0;
  /** Messages that may still be taken, once reception has ended. */
  #remaining: number | undefined;

  constructor(socket: RawSocket, options: RawOptions) {
    this.#socket = socket;
    this.#options = options;
    open.add(this);
    socket.pauseRecv();
    socket.on('error', () => undefined);
  }

  /** Throws away what has been received by now. */
  discard(): void {
    const found = () => {
      this.#found = true;
    };
    this.#socket.on('message', found);
    this.#readOn(Math.ceil(this.receiveBuffer / SMALLEST_MESSAGE));
    this.#socket.off('message', found);
    this.#dropsBefore = this.#counter(MEMORY, DROPS_AT) ?? 0;
  }

  pathMtu(): null {
    return null;
  }

  now(): Timestamp {
    return portableWallClock();
  }

  get receiveBuffer(): number {
    return this.#counter(RECEIVE_BUFFER, 0) ?? 0;
  }

  /** The kernel counts in 32 bits; a socket that is read by single calls can't have lost more of them than that. */
  get droppedAtMost(): number | null {
    if (!this.#closed && this.#remaining === undefined) {
      const count = this.#counter(MEMORY, DROPS_AT);
      this.#drops = count === null ? null : (count - this.#dropsBefore) >>> 0;
    }
    return this.#drops;
  }

  get dropped(): number | null {
    const count = this.droppedAtMost;
    const { icmpTypes } = this.#options;
    // What is kept out here may have been among what there was no room for.
    return icmpTypes !== undefined && count !== 0 ? null : count;
  }

  /** 32 bits of what getsockopt(2) gives. */
  #counter({ level, number }: OptionSetting['option'], at: number): number | null {
    if (this.#closed) return null;
    const value = Buffer.alloc(64);
    try {
      const length = this.#socket.getOption(levelNumber(level), number, value, value.length);
      return length >= at + 4 ? value.readUInt32LE(at) : null;
    } catch {
      return null;
    }
  }

  receive(handlers: MessageHandlers): void {
    this.#handlers = handlers;
    this.#socket.removeAllListeners('error');
    this.#socket.on('error', (error: unknown) => {
      const known = packageError(error, 'recvfrom');
      if (known.code !== 'EAGAIN') handlers.failure({ error: known });
    });
    this.#socket.on('message', (view: Buffer, source: string) => {
      this.#found = true;
      this.#take(view, source);
      if (!this.#reading) this.#readOn(BATCH - 1);
      this.#deliverSoon();
    });
    this.#socket.resumeRecv();
  }

  /** Reads up to `limit` messages, as long as there are any; how many there were. */
  #readOn(limit: number): number {
    this.#reading = true;
    let count = 0;
    for (; count < limit; count++) {
      this.#found = false;
      this.#socket.onRecvReady();
      if (!this.#found) break;
    }
    this.#reading = false;
    return count;
  }

  #take(view: Buffer, source: string): void {
    const { family, icmpTypes, messageSize, logger } = this.#options;
    // The package has no type filter, so it is done here: after the IPv4 header, if there is one.
    const typeAt = family === 'ipv4' ? ((view[0] ?? 0) & 15) * 4 : 0;
    if (icmpTypes !== undefined && !icmpTypes.includes(view[typeAt] ?? -1)) return;
    const address = tryParseIP(source);
    logger.log('trace', { event: 'recvmmsg', messages: 1, bytes: view.length });
    const bytes = Buffer.from(view.subarray(0, messageSize ?? view.length));
    this.#arrived.push({
      bytes,
      from: address === undefined ? undefined : inetEndpoint(address, 0),
      length: view.length,
      truncated: bytes.length < view.length,
      segmentSize: view.length,
      timestamp: portableWallClock(),
      timestampSource: 'user',
      // The IPv4 header is part of the message; IPv6 packets come without theirs.
      hopLimit: family === 'ipv4' ? (view[8] ?? null) : null,
      trafficClass: family === 'ipv4' ? (view[1] ?? null) : null,
      destination: null,
      interfaceIndex: null,
    });
  }

  #deliverSoon(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#delivering = false;
    const batch = this.#arrived.splice(0);
    if (batch.length > 0) this.#handlers?.messages(batch);
  }

  /** Nobody can be kept from sending here, so what is taken after the end is no more than the socket has room for. */
  drain(): boolean {
    if (this.#closed || this.#handlers === undefined) return false;
    if (this.#remaining === undefined) {
      this.pause();
      this.#drops = this.droppedAtMost;
      // What is there now: what goes on coming in must not keep this from ending.
      const held = this.#counter(MEMORY, 0) ?? this.receiveBuffer;
      this.#remaining = Math.ceil(held / SMALLEST_MESSAGE);
    }
    const count = this.#readOn(Math.min(BATCH, this.#remaining));
    this.#remaining -= count;
    this.#deliver();
    return count > 0;
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
      this.#setHeaderFields(message);
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

  /** There are no control messages: what a message has of its own, the socket has while that goes out. */
  #setHeaderFields({ hopLimit, trafficClass }: OutgoingMessage): void {
    const v6 = this.#options.family === 'ipv6';
    this.#setHeaderField(v6 ? 'IPV6_UNICAST_HOPS' : 'IP_TTL', hopLimit);
    this.#setHeaderField(v6 ? 'IPV6_TCLASS' : 'IP_TOS', trafficClass);
  }

  #setHeaderField(name: string, wanted: number | undefined): void {
    const known = this.#headerFields.get(name);
    if (wanted === undefined && known === undefined) return;
    const field = known ?? { socket: this.#counter(option(name), 0) ?? 0, now: Number.NaN };
    const value = wanted ?? field.socket;
    if (value === field.now) return;
    try {
      setOption(this.#socket, setting(name, value));
    } catch (cause) {
      throw packageError(cause, `setsockopt(${name}=${value})`);
    }
    this.#headerFields.set(name, { socket: field.socket, now: value });
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
    this.#drops = this.droppedAtMost;
    this.#closed = true;
    open.delete(this);
    this.#socket.close();
    this.#options.logger.log('debug', { event: 'close' });
  }
}
