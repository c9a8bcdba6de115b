/**
 * What a socket is to the rooms above: the stream, the listener and the message socket, whoever implements them.
 *
 * `native/` implements them on Linux system calls, `portable/` on node:net, node:dgram and raw-socket. One contract
 * suite (test/contract/) runs on every implementation.
 */
import type { Duplex } from 'node:stream';
import type { SocketError } from '../errors.js';
import type { Logger } from '../log/events.js';
import type { Timestamp } from '../measure/clock.js';
import type { Alarm } from '../measure/pacer.js';
import type { SocketKind, SocketOption } from '../options/row.js';
import type { OptionSetting } from '../options/settings.js';
import type { TcpInfo } from '../options/tcp-info.js';
import type { OptionValue } from '../options/types/type.js';
import type { Endpoint } from '../sockaddr/endpoint.js';
import type { IPAddress } from '../sockaddr/ip.js';
import type { MessageColumns, MessageTable, MessageTableOptions } from './columns.js';
import type { FrameSender, FrameSenderOptions } from './frame-sender.js';

/** A socket that a backend has opened and made ready: bound, listening or connected, with its options. */
export interface OpenedSocket {
  readonly fd: number;
  readonly kind: SocketKind;
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: string;
  /** Every option that can be read, in the order of the table. */
  readonly options: ReadonlyMap<SocketOption, OptionValue>;
}

/** Is shown every socket that is opened. */
export type OpenObserver = (socket: OpenedSocket) => void;

/** IPPROTO_RAW of raw(7): a socket of this protocol sends packets of any, and receives none. */
export const IPPROTO_RAW = 255;

/** What to do without the capability that raw and packet sockets take (capabilities(7)). */
export const RAW_ADVICE =
  "needs CAP_NET_RAW: run it with sudo, or 'sudo setcap cap_net_raw+ep $(readlink -f $(command -v node))'";

export type BackendName = 'native' | 'portable';

/** What every open takes besides the addresses. */
export interface OpenOptions {
  readonly settings: readonly OptionSetting[];
  readonly logger: Logger;
}

/**
 * Takes a chunk, which is valid until this returns: copy what is kept. A promise holds the connection back until it is
 * settled.
 */
export type Deliver = (chunk: Uint8Array) => void | Promise<void>;

export interface GenerateOptions {
  /** Bytes to send; for ever where left out. */
  readonly limit?: number | undefined;
  /** Bytes of each write at most, up to 1 MiB. */
  readonly chunk?: number | undefined;
  /** MSG_ZEROCOPY, on a connection with SO_ZEROCOPY; what becomes of the writes is counted in here. */
  readonly zeroCopy?: ZeroCopyCounts | undefined;
}

/** Writes with MSG_ZEROCOPY, and those of them that the kernel has copied all the same. */
export interface ZeroCopyCounts {
  calls: number;
  copied: number;
}

/**
 * A connection's bytes without a stream in between, as fast as the system moves them. Each direction has one operation
 * at a time; an operation ends early, without an error, when the connection is closed from this side.
 *
 * All throw the SocketError of the call that failed.
 */
export interface StreamPump {
  /** Reads to the peer's end and keeps nothing. */
  discard(): Promise<void>;
  /** Reads to the peer's end. */
  receive(deliver: Deliver): Promise<void>;
  /**
   * Reads to the peer's end into a pipe, without passing through this process. A pipe that nobody reads from any more
   * is a SocketError EPIPE.
   */
  receiveInto(pipe: number): Promise<void>;
  /** Sends back what comes until the peer's end, then ends the own half. */
  echo(): Promise<void>;
  /** Sends all of `chunk`, which may be used again as soon as this returns. */
  send(chunk: Uint8Array): Promise<void>;
  /**
   * Sends `pattern` again and again: `limit` bytes, or until the connection is closed.
   */
  generate(pattern: Uint8Array, options?: GenerateOptions): Promise<void>;
  /**
   * Sends an open file to its end: from its offset on, which moves along, or from `from` on, which leaves the offset
   * alone, so that several connections can send one file.
   */
  sendFile(file: number, from?: number): Promise<void>;
  /** Sends what comes out of a pipe to its end, without passing through this process. */
  sendPipe(pipe: number): Promise<void>;
  /** shutdown(2) with SHUT_WR, after what is being sent. */
  shutdown(): void;
}

/**
 * A connected stream socket. Both halves end on their own: the end of one leaves the other open.
 *
 * Its bytes go through `duplex` or through `pump`, whichever is used first.
 */
export interface StreamConnection {
  readonly backend: BackendName;
  /** The descriptor, for the log; absent on the portable backend, which does not show it. */
  readonly fd?: number | undefined;
  /** Bytes in and out, with Node's back-pressure. `end()` is shutdown(2) with SHUT_WR. */
  readonly duplex: Duplex;
  /** Undefined where the backend has nothing faster than `duplex`. */
  readonly pump: StreamPump | undefined;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Bytes that the socket has given and taken so far. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** TCP_INFO: the kernel's view of the connection while it is open; undefined where it can't be had. */
  info(): TcpInfo | undefined;
  /** Settles when the descriptor is closed. */
  readonly closed: Promise<void>;
  /** Closes at once; what the kernel has taken is still sent. */
  destroy(): void;
  /** Closes with RST instead of FIN where the protocol has one, dropping what was not sent. */
  reset(): void;
  /**
   * Bytes that the kernel had received when the connection failed and that the stream did not deliver, at most
   * `limit` of them. Call it after the duplex has failed; empty where the backend can't tell.
   */
  rescue(limit: number): Uint8Array;
}

/** A listening stream socket. */
export interface StreamListener {
  readonly backend: BackendName;
  readonly local: Endpoint;
  /**
   * Whether {@link pause} can be had: connections then wait in the kernel's queue, as many as the backlog says. Node's
   * servers take every connection.
   */
  readonly pausable: boolean;
  /** Stops accepting for a while; does nothing where it can't be had. */
  pause(): void;
  resume(): void;
  /** Stops accepting; connections that were accepted stay. */
  close(): Promise<void>;
}

export interface ListenOptions extends OpenOptions {
  /** Length of the accept queue, the second argument of listen(2). */
  readonly backlog: number;
  readonly onConnection: (connection: StreamConnection) => void;
  /** accept(2) failed, for want of descriptors for example; the listener goes on. */
  readonly onError: (error: SocketError) => void;
}

export interface ConnectOptions extends OpenOptions {
  /** The own address, bound before connect(2). */
  readonly source?: Endpoint | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A received datagram or packet. `bytes` is only valid until the handler returns: copy what you keep. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  readonly from: Endpoint | undefined;
  /** Length on the wire, above `bytes.length` when the message was cut. */
  readonly length: number;
  readonly truncated: boolean;
  /**
   * Bytes of each datagram in `bytes`, of which the last may be shorter: `length`, but for runs of datagrams that are
   * delivered as one ({@link DatagramOptions.coalesce}).
   */
  readonly segmentSize: number;
  readonly timestamp: Timestamp;
  /** Who read the clock: the kernel at reception, or this process when it got the message. */
  readonly timestampSource: 'kernel' | 'user';
  /** TTL or hop limit on arrival; null where the backend can't tell. */
  readonly hopLimit: number | null;
  /** TOS byte or traffic class on arrival: DSCP and ECN (RFC 2474, RFC 3168); null where the backend can't tell. */
  readonly trafficClass: number | null;
  /** The address that it was sent to; null where the backend can't tell. */
  readonly destination: IPAddress | null;
  readonly interfaceIndex: number | null;
}

export interface OutgoingMessage {
  readonly bytes: Uint8Array;
  /** Left out on a connected socket. */
  readonly to?: Endpoint | undefined;
  /** For a run of datagrams: bytes of each, the last of which may be shorter. Left out, all bytes are one datagram. */
  readonly segmentSize?: number | undefined;
  /** TTL or hop limit of this one, 1 to 255, instead of the socket's. */
  readonly hopLimit?: number | undefined;
  /** TOS byte or traffic class of this one, 0 to 255, instead of the socket's. */
  readonly trafficClass?: number | undefined;
}

/** An error that came back for something sent earlier, usually by ICMP. */
export interface MessageFailure {
  readonly error: SocketError;
  /** Who reported it; undefined for errors of this machine. */
  readonly reporter?: IPAddress | undefined;
  /** Where the failed message was going. */
  readonly to?: Endpoint | undefined;
  readonly icmpType?: number | undefined;
  readonly icmpCode?: number | undefined;
  /** The next hop's MTU with a 'too big' error. */
  readonly mtu?: number | undefined;
  /** What was sent, as far as the report quotes it; valid until the handler returns. */
  readonly sent?: Uint8Array | undefined;
  /**
   * The extensions of an ICMP error behind what it quotes, from their own header on (RFC 4884), where there are any that
   * the kernel finds sound; valid until the handler returns.
   */
  readonly extensions?: Uint8Array | undefined;
  /** When the report came in, by the kernel's clock, and the TTL or hop limit and TOS byte or traffic class that it had. */
  readonly timestamp?: Timestamp | undefined;
  readonly hopLimit?: number | undefined;
  readonly trafficClass?: number | undefined;
}

export interface MessageHandlers {
  messages(batch: readonly ReceivedMessage[]): void;
  /** Takes the place of {@link messages} on raw, ping and packet sockets of a backend that has columns. */
  columns?(batch: MessageColumns): void;
  failure(failure: MessageFailure): void;
}

/** Datagram, raw and ping sockets: messages with addresses. */
export interface MessageSocket {
  readonly backend: BackendName;
  readonly local: Endpoint | undefined;
  /** The clock that {@link ReceivedMessage.timestamp} is read from. */
  now(): Timestamp;
  /** Starts delivery; called once. Handlers must not throw. */
  receive(handlers: MessageHandlers): void;
  /** Stops and restarts delivery; what arrives meanwhile waits in the kernel's buffer. */
  pause(): void;
  resume(): void;
  /**
   * Sends in order, waiting for room.
   *
   * @returns when the kernel has taken all of them: the time just before the last call that it took
   * @throws SocketError for the first datagram that the kernel refused; those before it are sent, and in {@link sent}
   */
  send(messages: readonly OutgoingMessage[]): Promise<Timestamp>;
  /** Memory for messages of one size that are written in place; undefined where the backend has no such thing. */
  table?(options: MessageTableOptions): MessageTable;
  /** Datagrams that the kernel has taken so far. */
  readonly sent: number;
  /**
   * Hands over what has been received by now, even while paused: who sends much and looks after each batch wakes up less
   * often than for every message. Undefined where the backend has no such thing.
   */
  takeMessages?(): void;
  /** Hands over the errors that have come back by now, without waiting for the next turn of the event loop. */
  takeFailures(): void;
  /** Messages that the kernel dropped for want of buffer so far, exactly; null where unknown. */
  readonly dropped: number | null;
  /**
   * An upper bound of that: a raw socket without room counts a packet before it asks a filter, so that with one nobody can
   * tell how many of the packets counted it would have let in. Null where unknown.
   */
  readonly droppedAtMost: number | null;
  /** Bytes of receive buffer as the kernel counts them, overhead included (SO_RCVBUF of socket(7)). */
  readonly receiveBuffer: number;
  /** The path's MTU as the kernel knows it by now, of a connected socket; null where unknown. */
  pathMtu(): number | null;
  close(): Promise<void>;
}

/** SOCK_RAW (raw(7)). */
export interface RawSocket extends MessageSocket {
  /**
   * Ends reception: from the first call on nothing more is let in and the drops are final. Each call delivers a part of
   * what had been received by then, before it returns; false when that was all.
   */
  drain(): boolean;
}

export interface DatagramOptions extends OpenOptions {
  readonly local?: Endpoint | undefined;
  /** connect(2)s the socket: only this peer is heard, and its ICMP errors come back. */
  readonly remote?: Endpoint | undefined;
  /**
   * Whether ICMP errors for what was sent come back with their origin (IP_RECVERR); without it, on connected sockets
   * only. The portable backend hands over those of connected sockets, without their origin.
   */
  readonly errorQueue?: boolean | undefined;
  /** Largest message to be received whole, in bytes. */
  readonly messageSize?: number | undefined;
  /**
   * Bytes of receive buffer to have if they can be had: unlike a setting, the kernel's limit is no error. A setting
   * of the buffer wins.
   */
  readonly receiveBuffer?: number | undefined;
  /**
   * Bytes of send buffer, in the same way. What waits for its neighbour to be found (arp(7)) is in there for seconds, and
   * keeps out what is for others.
   */
  readonly sendBuffer?: number | undefined;
  /**
   * Whether the kernel may put datagrams of one sender together (UDP_GRO of udp(7)) and they are delivered so, as
   * messages with a `segmentSize`. With false they are delivered one by one. Backends that can't, don't.
   */
  readonly coalesce?: boolean | undefined;
}

export interface RawOptions extends OpenOptions {
  readonly family: 'ipv4' | 'ipv6';
  /** IP protocol number: 1 ICMP, 2 IGMP, 58 ICMPv6, … */
  readonly protocol: number;
  readonly local?: Endpoint | undefined;
  /** ICMP or ICMPv6 types to be received, all others being dropped in the kernel; all where left out. */
  readonly icmpTypes?: readonly number[] | undefined;
  /** As {@link DatagramOptions.errorQueue}; off unless asked for. */
  readonly errorQueue?: boolean | undefined;
  /** As {@link DatagramOptions.messageSize}: bytes kept of each message, from the IP header on where it comes with one. */
  readonly messageSize?: number | undefined;
  /** As {@link DatagramOptions.receiveBuffer}. */
  readonly receiveBuffer?: number | undefined;
  /** As {@link DatagramOptions.sendBuffer}. */
  readonly sendBuffer?: number | undefined;
  /**
   * What is sent begins with its IP header (IP_HDRINCL, IPV6_HDRINCL). The kernel fragments none of it, and fills in
   * the IPv4 checksum and total length, and source and identification where they are 0 (raw(7)).
   */
  readonly ownHeader?: boolean | undefined;
}

export interface FrameOptions extends OpenOptions {
  /** The interface that frames leave by, and come from. */
  readonly interface: string;
  /** Whether frames are received too, those of this machine that go out included; otherwise there are none. */
  readonly receive: boolean;
  /** As {@link DatagramOptions.receiveBuffer}. */
  readonly receiveBuffer?: number | undefined;
}

export interface Backend {
  readonly name: BackendName;
  /** A timer finer than Node's; undefined where there is none to be had. Its owner closes it. */
  alarm(): Alarm | undefined;
  listen(local: Endpoint, options: ListenOptions): Promise<StreamListener>;
  connect(remote: Endpoint, options: ConnectOptions): Promise<StreamConnection>;
  datagram(family: Endpoint['family'], options: DatagramOptions): Promise<MessageSocket>;
  /** SOCK_RAW. IPv4 messages begin with the IP header, IPv6 ones with the payload (raw(7), ipv6(7)). */
  raw(options: RawOptions): Promise<RawSocket>;
  /** SOCK_DGRAM with IPPROTO_ICMP or ICMPV6 (icmp(7)): echo without privileges. */
  ping(options: Omit<RawOptions, 'protocol' | 'icmpTypes'>): Promise<MessageSocket>;
  /** AF_PACKET (packet(7)): each message is a frame with its link header, and has no address of its own. */
  frames(options: FrameOptions): Promise<RawSocket>;
  /** The same for sending alone, and many of them. */
  frameSender(options: FrameSenderOptions): Promise<FrameSender>;
}
