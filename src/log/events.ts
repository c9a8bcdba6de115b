/**
 * What happened, as typed values: one member of the union per event name. The socket calls carry the names and the
 * arguments of their manual pages; a failed call carries `syscall`, `code` and `errno` as well.
 */

/** From most to least talkative; 'silent' lets nothing through. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a failed call adds to its event. */
export interface CallFailure {
  readonly syscall: string;
  /** errno name, `ECONNREFUSED`. */
  readonly code: string;
  readonly errno: number;
}

interface Call {
  /** The descriptor; absent on the portable backend, which does not show it. */
  readonly fd?: number | undefined;
  readonly failure?: CallFailure | undefined;
}

/** An endpoint as text. */
type EndpointText = string;

/** socket(2) */
export interface SocketEvent extends Call {
  readonly event: 'socket';
  readonly family: string;
  readonly type: string;
  readonly protocol: string;
}

/** setsockopt(2) and getsockopt(2); `effective` is what the kernel says afterwards where that differs. */
export interface SockoptEvent extends Call {
  readonly event: 'setsockopt' | 'getsockopt';
  /** SOL_SOCKET, IPPROTO_TCP, …; pino owns the name `level`. */
  readonly optionLevel: string | number;
  readonly option: string;
  readonly value: string | number;
  readonly effective?: string | number | undefined;
}

/** bind(2), getsockname(2): the own address. */
export interface BindEvent extends Call {
  readonly event: 'bind' | 'getsockname';
  readonly local: EndpointText;
}

/** listen(2) */
export interface ListenEvent extends Call {
  readonly event: 'listen';
  readonly backlog: number;
  /** What net.core.somaxconn has made of it, where that is less. */
  readonly effective?: number | undefined;
  readonly local?: EndpointText | undefined;
}

/** accept(2) and connect(2), when they are over. */
export interface ConnectionEvent extends Call {
  readonly event: 'accept' | 'connect';
  readonly remote: EndpointText;
  readonly local?: EndpointText | undefined;
  readonly connection?: number | undefined;
  readonly durationMs?: number | undefined;
}

/** One transfer: read(2), write(2) on streams, send(2), recvmmsg(2), sendmmsg(2) and the error queue on messages. */
export interface TransferEvent extends Call {
  readonly event: 'read' | 'write' | 'recv' | 'send' | 'recvmmsg' | 'sendmmsg' | 'recvmsg';
  readonly bytes: number;
  /** How many messages one call moved. */
  readonly messages?: number | undefined;
  /** How many datagrams these were, where runs of them went as one message (UDP_SEGMENT). */
  readonly datagrams?: number | undefined;
  readonly connection?: number | undefined;
}

/** mmap(2): memory of the socket that is read without calls. */
export interface MapEvent extends Call {
  readonly event: 'mmap';
  readonly bytes: number;
}

/** shutdown(2) */
export interface ShutdownEvent extends Call {
  readonly event: 'shutdown';
  readonly how: 'SHUT_RD' | 'SHUT_WR' | 'SHUT_RDWR';
  readonly connection?: number | undefined;
}

/** close(2), with what went through the socket. */
export interface CloseEvent extends Call {
  readonly event: 'close';
  readonly remote?: EndpointText | undefined;
  readonly connection?: number | undefined;
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
  readonly durationMs?: number | undefined;
}

/** A failure that belongs to no single call above. */
export interface ErrorEvent extends Call {
  readonly event: 'error';
  readonly message: string;
  readonly connection?: number | undefined;
}

/** Something a person wants to know, beyond the calls: `listening`, `fallback`, `drops`, … */
export interface NoticeEvent {
  readonly event: 'listening' | 'resolve' | 'fallback' | 'drops' | 'stopping' | 'interface' | 'notice';
  readonly message: string;
  readonly failure?: undefined;
}

export type LogEvent =
  | SocketEvent
  | SockoptEvent
  | BindEvent
  | ListenEvent
  | ConnectionEvent
  | TransferEvent
  | MapEvent
  | ShutdownEvent
  | CloseEvent
  | ErrorEvent
  | NoticeEvent;

/** Where events go. Passed in everywhere; nothing below cli chooses one. */
export interface Logger {
  /** Whether events of this level go anywhere: asked before a costly event is put together. */
  enabled(level: LogLevel): boolean;
  log(level: Exclude<LogLevel, 'silent'>, event: LogEvent): void;
}

/** Drops everything. */
export const silentLogger: Logger = { enabled: () => false, log: () => undefined };
