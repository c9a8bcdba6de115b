/**
 * A socket descriptor and the calls of its life, by their names and in their order: socket, setsockopt, bind,
 * setsockopt, listen or connect, close. Each call is one event in the log with its arguments and its result; a call
 * that fails closes the descriptor before it throws.
 */
import { clip, SocketError } from '../../errors.js';
import type { CallFailure, LogEvent, Logger, NoticeEvent, SockoptEvent } from '../../log/events.js';
import { levelNumber, type SocketKind } from '../../options/row.js';
import { checkSettings, inPhase, type OptionSetting, setting } from '../../options/settings.js';
import { option } from '../../options/table.js';
import { type Endpoint, formatEndpoint, type SocketAddress } from '../../sockaddr/endpoint.js';
import {
  AddressFamily,
  type AddressFamilyName,
  addressFamilyOf,
  decodeSockaddr,
  encodeSockaddr,
  SOCKADDR_MAX,
} from '../../sockaddr/struct.js';
import { listenEvent } from '../accept-queue.js';
import { type OpenObserver, RAW_ADVICE } from '../port.js';
import { SK_MEMINFO_SIZE, SkMeminfo } from './layout.js';
import { C, type Libc } from './libc.js';
import { getOption, readOptions, setOption } from './sockopt.js';

export interface SocketArguments {
  readonly family: AddressFamilyName;
  readonly type: 'SOCK_STREAM' | 'SOCK_DGRAM' | 'SOCK_RAW';
  readonly protocol: number;
  /** The protocol's name for the log: IPPROTO_TCP. */
  readonly protocolName: string;
  /** What its options are checked against. */
  readonly kind: SocketKind;
}

/** TCP, or the stream sockets of unix(7). */
export function streamArguments(endpoint: Endpoint): SocketArguments {
  const inet = endpoint.family !== 'unix';
  return {
    family: addressFamilyOf(endpoint),
    type: 'SOCK_STREAM',
    protocol: inet ? 6 : 0,
    protocolName: inet ? 'IPPROTO_TCP' : '0',
    kind: 'stream',
  };
}

const PENDING_ERROR = option('SO_ERROR');
const RECEIVE_BUFFER = option('SO_RCVBUF');
const BROADCAST = option('SO_BROADCAST');
const MEMORY = option('SO_MEMINFO');
const PATH_MTU = { AF_INET: option('IP_MTU'), AF_INET6: option('IPV6_MTU') } as const;

/** Events of calls on a descriptor. */
type CallEvent = Exclude<LogEvent, NoticeEvent>;

/** What everything that opens a socket is given. */
export interface Opening {
  readonly libc: Libc;
  readonly onOpen: OpenObserver | undefined;
}

export class Descriptor {
  readonly fd: number;
  readonly libc: Libc;
  readonly kind: SocketKind;
  readonly #family: AddressFamilyName;
  readonly #logger: Logger;
  #closed = false;

  private constructor(libc: Libc, fd: number, { kind, family }: SocketArguments, logger: Logger) {
    this.libc = libc;
    this.fd = fd;
    this.kind = kind;
    this.#family = family;
    this.#logger = logger;
  }

  /**
   * socket(2), non-blocking and close-on-exec.
   *
   * @throws SocketError; EPERM names the capability that is missing
   */
  static open(libc: Libc, args: SocketArguments, logger: Logger): Descriptor {
    const type = C[args.type] | C.SOCK_NONBLOCK | C.SOCK_CLOEXEC;
    const fd = libc.socket(AddressFamily[args.family], type, args.protocol);
    const event = { event: 'socket', family: args.family, type: args.type, protocol: args.protocolName } as const;
    if (fd >= 0) {
      logger.log('debug', { ...event, fd });
      return new Descriptor(libc, fd, args, logger);
    }
    const syscall = `socket(${args.family}, ${args.type}, ${args.protocolName})`;
    const failure = lastFailure(libc, syscall);
    logger.log('debug', { ...event, failure });
    const needsRaw =
      (args.type === 'SOCK_RAW' || args.kind === 'packet') && (failure.code === 'EPERM' || failure.code === 'EACCES');
    throw new SocketError({ ...failure, advice: needsRaw ? RAW_ADVICE : undefined });
  }

  /**
   * setsockopt(2). The value in effect is read back; where the kernel chose another, the event says so.
   *
   * @param address what the socket is for, for the error
   */
  set(wanted: OptionSetting, address?: string): void {
    const { option } = wanted;
    let outcome: SetOutcome;
    try {
      outcome = this.#setsockopt(wanted);
    } catch (error) {
      this.close();
      throw error;
    }
    const { result, event, syscall } = outcome;
    const advice = option.capability === undefined ? option.summary : `${option.name} needs ${option.capability}`;
    this.#check(result, event, syscall, address, advice);
  }

  /** Like {@link set}, for what is only a wish: false when the kernel refuses it, with the event in the log. */
  wish(wanted: OptionSetting): boolean {
    let outcome: SetOutcome;
    try {
      outcome = this.#setsockopt(wanted);
    } catch (error) {
      if (error instanceof SocketError) return false;
      throw error;
    }
    const { result, event, syscall } = outcome;
    const failure = result < 0 ? { failure: lastFailure(this.libc, syscall) } : {};
    this.#logger.log('debug', { ...event, fd: this.fd, ...failure });
    return result === 0;
  }

  /** @throws SocketError ENODEV for an interface that the value names and that is not there */
  #setsockopt(wanted: OptionSetting): SetOutcome {
    const { option, value } = wanted;
    const result = setOption(this.libc, this.fd, wanted);
    const shown = option.type.format(value);
    const event: SockoptEvent = { event: 'setsockopt', optionLevel: option.level, option: option.name, value: shown };
    const syscall = `setsockopt(${option.name}=${clip(shown, 40)})`;
    const now = result === 0 ? getOption(this.libc, this.fd, option) : undefined;
    const differs = now !== undefined && !(option.type.same?.(value, now) ?? now === value);
    return { result, event: differs ? { ...event, effective: option.type.format(now) } : event, syscall };
  }

  /** {@link takeError} */
  takeError(): number {
    return takeError(this.libc, this.fd);
  }

  /** SO_RCVBUF: bytes of receive buffer, overhead included. */
  receiveBuffer(): number {
    return Number(getOption(this.libc, this.fd, RECEIVE_BUFFER) ?? 0);
  }

  /**
   * What the socket has dropped since it was opened, modulo 2^32: SO_MEMINFO, which says it at any time, where
   * SO_RXQ_OVFL says it with the next message only. Undefined where the kernel does not tell (before Linux 4.12).
   */
  drops(): number | undefined {
    const value = new Uint8Array(SK_MEMINFO_SIZE);
    const length = new Uint32Array([SK_MEMINFO_SIZE]);
    const room = new Uint8Array(length.buffer);
    const result = this.libc.getsockopt(this.fd, levelNumber(MEMORY.level), MEMORY.number, value, room);
    if (result < 0 || (length[0] ?? 0) < SK_MEMINFO_SIZE) return undefined;
    return new DataView(value.buffer).getUint32(SkMeminfo.drops, true);
  }

  /** IP_MTU or IPV6_MTU of a connected socket; null for one that is not. */
  pathMtu(): number | null {
    const row = this.#family === 'AF_INET' || this.#family === 'AF_INET6' ? PATH_MTU[this.#family] : undefined;
    const mtu = row === undefined ? undefined : getOption(this.libc, this.fd, row);
    return typeof mtu === 'number' ? mtu : null;
  }

  /** Applies the settings that belong before bind(2), binds where `local` is given, then applies the others. */
  prepare(settings: readonly OptionSetting[], local: Endpoint | undefined): void {
    try {
      checkSettings(settings, this.kind);
    } catch (error) {
      this.close();
      throw error;
    }
    const address = local === undefined ? undefined : formatEndpoint(local);
    for (const wanted of inPhase(settings, 'bind')) this.set(wanted, address);
    if (local !== undefined) this.bind(local);
    for (const wanted of inPhase(settings, 'connect')) this.set(wanted, address);
  }

  /** Applies the settings that take a connection. */
  finish(settings: readonly OptionSetting[]): void {
    for (const wanted of inPhase(settings, 'connected')) this.set(wanted);
  }

  /** Shows the socket, as it is now, to who wants to see it. */
  show(onOpen: OpenObserver | undefined): void {
    if (onOpen === undefined) return;
    const options = readOptions(this.libc, this.fd, this.kind, this.#family === 'AF_INET6');
    onOpen({ fd: this.fd, kind: this.kind, family: this.#family, options });
  }

  /** bind(2) */
  bind(local: SocketAddress): void {
    const bytes = this.#encode(local);
    const text = formatEndpoint(local);
    const low = 'port' in local && local.port > 0 && local.port < 1024;
    this.#check(
      this.libc.bind(this.fd, bytes, bytes.length),
      { event: 'bind', local: text },
      'bind',
      text,
      low ? LOW_PORT_ADVICE : undefined,
    );
  }

  /**
   * bind(2) of a socket that is bound already, as packet sockets can be: where that fails the descriptor stays open.
   *
   * @throws SocketError
   */
  bindAgain(local: SocketAddress): void {
    const bytes = encodeSockaddr(local);
    const text = formatEndpoint(local);
    const failed = this.libc.bind(this.fd, bytes, bytes.length) < 0;
    const failure = failed ? lastFailure(this.libc, 'bind') : undefined;
    this.#logger.log('debug', { event: 'bind', local: text, fd: this.fd, failure });
    if (failure !== undefined) throw new SocketError({ ...failure, address: text });
  }

  /** listen(2) */
  listen(backlog: number, local: Endpoint): void {
    const text = formatEndpoint(local);
    this.#check(this.libc.listen(this.fd, backlog), listenEvent(backlog, text), 'listen', text);
  }

  /**
   * connect(2).
   *
   * @returns whether it goes on in the background (EINPROGRESS): then it is over when the descriptor is writable, and
   *   {@link takeError} has its result, which is for the caller to log
   */
  connect(remote: Endpoint): boolean {
    const bytes = this.#encode(remote);
    const text = formatEndpoint(remote);
    const result = this.libc.connect(this.fd, bytes, bytes.length);
    if (result < 0 && this.libc.errnoName(this.libc.errno()) === 'EINPROGRESS') return true;
    const advice = this.kind === 'datagram' ? () => this.#permissionAdvice() : undefined;
    this.#check(result, { event: 'connect', remote: text }, 'connect', text, advice);
    return false;
  }

  /** connect(2): EACCES is for a broadcast address without the flag, or the word of a route (ip-route(8), prohibit). */
  #permissionAdvice(): string {
    return getOption(this.libc, this.fd, BROADCAST) === 1
      ? 'a route of this machine forbids it: ip route get ADDRESS'
      : 'a broadcast address needs --broadcast (SO_BROADCAST)';
  }

  /** Throws away what has been received by now, recv(2). */
  discard(): void {
    const byte = new Uint8Array(1);
    for (;;) {
      const bytes = this.libc.recv(this.fd, byte, byte.length, C.MSG_DONTWAIT | C.MSG_TRUNC);
      if (bytes < 0) return;
      this.#logger.log('trace', { event: 'recv', fd: this.fd, bytes });
    }
  }

  /** getsockname(2): the own address, or undefined for a socket that has none. */
  localEndpoint(): Endpoint | undefined {
    const local = socketName(this.libc, this.fd);
    if (local !== undefined)
      this.#logger.log('debug', { event: 'getsockname', fd: this.fd, local: formatEndpoint(local) });
    return local;
  }

  /** A second descriptor for the same socket, fcntl(2) F_DUPFD_CLOEXEC; -1 when there is none to be had. */
  duplicate(): number {
    return this.libc.fcntl(this.fd, C.F_DUPFD_CLOEXEC, 0);
  }

  /** close(2); a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const result = this.libc.close(this.fd);
    const failure = result < 0 ? { failure: lastFailure(this.libc, 'close') } : {};
    this.#logger.log('debug', { event: 'close', fd: this.fd, ...failure });
  }

  /** From here on someone else (Node) closes the descriptor. */
  handOver(): number {
    this.#closed = true;
    return this.fd;
  }

  #encode(endpoint: SocketAddress): Uint8Array {
    try {
      return encodeSockaddr(endpoint);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @param advice with a refused permission; asked for, where it is, while the descriptor is still open */
  #check(
    result: number,
    event: CallEvent,
    syscall: string,
    address: string | undefined,
    advice?: string | (() => string),
  ): void {
    if (result >= 0) {
      // A user wants to know that the kernel has made something else of a value.
      const differs = 'effective' in event && event.effective !== undefined;
      this.#logger.log(differs ? 'info' : 'debug', { ...event, fd: this.fd });
      return;
    }
    const failure = lastFailure(this.libc, syscall);
    this.#logger.log('debug', { ...event, fd: this.fd, failure });
    const permission = failure.code === 'EPERM' || failure.code === 'EACCES';
    const applies = event.event === 'setsockopt' || permission;
    const told = !applies ? undefined : typeof advice === 'function' ? advice() : advice;
    this.close();
    throw new SocketError({ ...failure, address, advice: told });
  }
}

/** What became of a setsockopt(2). */
interface SetOutcome {
  readonly result: number;
  readonly event: SockoptEvent;
  readonly syscall: string;
}

/** The pending error of the socket, taken off it: SO_ERROR of socket(7). 0 for none. */
export function takeError(libc: Libc, fd: number): number {
  const errno = getOption(libc, fd, PENDING_ERROR);
  return typeof errno === 'number' ? errno : 0;
}

/** What getsockname(2) tells of a descriptor; undefined for none. */
export function socketName(libc: Libc, fd: number): Endpoint | undefined {
  const bytes = new Uint8Array(SOCKADDR_MAX);
  const length = new Uint32Array([SOCKADDR_MAX]);
  const result = libc.getsockname(fd, bytes, new Uint8Array(length.buffer));
  return result === 0 ? decodeSockaddr(bytes, length[0] ?? 0) : undefined;
}

/** The reason of the call that has just failed. */
export function lastFailure(libc: Libc, syscall: string): CallFailure {
  const errno = libc.errno();
  return { syscall, code: libc.errnoName(errno), errno };
}

/** `--opt` wins over what a command sets by itself. */
export function withDefaults(wanted: readonly OptionSetting[], defaults: readonly OptionSetting[]): OptionSetting[] {
  return [...defaults.filter((d) => !wanted.some((w) => w.option === d.option)), ...wanted];
}

/** What every IPv6 wildcard socket gets unless told otherwise: it takes IPv4 as well (ipv6(7)). */
export const DUAL_STACK = setting('IPV6_V6ONLY', false);

const LOW_PORT_ADVICE = 'ports below 1024 need CAP_NET_BIND_SERVICE: run it with sudo, or use a port from 1024 up';
