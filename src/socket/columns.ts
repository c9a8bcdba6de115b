/**
 * Messages by the ten thousand without an object for each: batches that came in as columns over the memory that the
 * kernel has filled, and tables of messages to be sent that are written where the kernel reads them.
 */
import type { SocketError } from '../errors.js';
import type { ReceivedMessage } from './port.js';

/** A batch of received messages, number 0 up to {@link count}. All of it is valid until the handler returns. */
export interface MessageColumns {
  readonly count: number;
  /** The memory that the messages lie in. */
  readonly bytes: Uint8Array;
  /** Where each begins in {@link bytes}, and how much of it is there. */
  readonly starts: Uint32Array;
  readonly kept: Uint32Array;
  /** Length on the wire, above {@link kept} where the message was cut. */
  readonly lengths: Uint32Array;
  /**
   * Who sent each: four numbers a message, the first of which is an IPv4 address and all of which are an IPv6 one, most
   * significant part first. Which it is, is the socket's family; packet sockets tell none. Zones and ports are in
   * {@link message}.
   */
  readonly senders: Uint32Array;
  /** When each came in; {@link kernelTimes} is 1 where the kernel has read the clock, otherwise this process has. */
  readonly seconds: Float64Array;
  readonly nanoseconds: Uint32Array;
  readonly kernelTimes: Uint8Array;
  /** TTL or hop limit, and TOS byte or traffic class, on arrival; -1 where it can't be told. */
  readonly hopLimits: Int16Array;
  readonly trafficClasses: Int16Array;
  /** One of them with all that is known of it, as a handler of single messages gets it. */
  message(index: number): ReceivedMessage;
}

export interface MessageTableOptions {
  /** Messages that it has room for; that many go in one call of sendmmsg(2). */
  readonly capacity: number;
  /** Bytes of each. */
  readonly size: number;
  /**
   * Sends from a thread of its own, through a second socket with the settings of the first, so that receiving goes on
   * meanwhile and several tables are sent at the same time. Where that can't be had, as with ping sockets, it is
   * sent as it is without.
   */
  readonly thread?: boolean | undefined;
}

/** What became of messages of a table. */
export interface TableOutcome {
  /**
   * How many of them the kernel has taken, from the first on. None without a refusal: there was no room for any, and now
   * there is, or the wait for it was interrupted.
   */
  readonly sent: number;
  /** Why the first was refused. */
  readonly refused?: SocketError | undefined;
}

/** Messages of one size, each to an IP address of its own. The memory is the table's; not to be written while they are sent. */
export interface MessageTable {
  readonly capacity: number;
  readonly size: number;
  /** Message `i` is the {@link size} bytes from `i * stride` on. */
  readonly bytes: Uint8Array;
  readonly stride: number;
  /** Whether it is sent by a thread. */
  readonly threaded: boolean;
  /** Says where message `i` goes, by {@link IPv4Address.value}. */
  toIPv4(i: number, address: number): void;
  /** The same for IPv6: 16 bytes, and the number of the interface of a link-local address, else 0. */
  toIPv6(i: number, address: Uint8Array, zone: number): void;
  /**
   * Sends the messages from number `from` up to, not including, `to` with one call; without room for the first it waits
   * until there is some, and leaves it to the caller to try again. One call at a time.
   *
   * @throws SocketError EBADF when the socket is closed meanwhile
   */
  send(from: number, to: number): Promise<TableOutcome>;
  /** Ends a wait for room. What the kernel is taking just now is still told by {@link send}. */
  interrupt(): void;
}
