/** What a row of the table of socket options says, and how the rows of a level are written down. */
import type { OptionType } from './types/type.js';

/** The numbers of the levels of setsockopt(2), on Linux. */
export const LEVELS = {
  SOL_SOCKET: 1,
  IPPROTO_IP: 0,
  IPPROTO_IPV6: 41,
  IPPROTO_TCP: 6,
  IPPROTO_UDP: 17,
  SOL_RAW: 255,
  IPPROTO_ICMPV6: 58,
  SOL_PACKET: 263,
} as const;
export type LevelName = keyof typeof LEVELS;

/**
 * The kinds of socket that a row can fit. 'ping' is SOCK_DGRAM with IPPROTO_ICMP (icmp(7)), 'packet' is AF_PACKET
 * (packet(7)).
 */
export const SOCKET_KINDS = ['stream', 'datagram', 'raw', 'ping', 'packet'] as const;
export type SocketKind = (typeof SOCKET_KINDS)[number];

/**
 * When the option must be set: before bind(2), since bind is what reads it; before connect(2) or listen(2), since the
 * handshake is what it is about; at any time; or once there is a connection.
 */
export type OptionPhase = 'before-bind' | 'before-connect' | 'any' | 'connected';

export interface SocketOption {
  /** As in the manual pages; `LEVEL:NUMBER` for one that is in no table. */
  readonly name: string;
  readonly level: LevelName | number;
  readonly number: number;
  readonly type: OptionType;
  readonly sockets: readonly SocketKind[];
  readonly phase: OptionPhase;
  readonly readable: boolean;
  readonly writable: boolean;
  /** The capability that setting it takes, beyond what opening the socket took (capabilities(7)). */
  readonly capability?: string;
  /** Settings to be made before this one, as `--opt` takes them. */
  readonly requires?: readonly string[];
  /** Raw sockets of this IP protocol only. */
  readonly protocol?: number;
  /** The Linux version that brought it, where that is a recent one. */
  readonly since?: string;
  readonly summary: string;
  /** Where it is described. */
  readonly manual: string;
}

/** What a row says beside the rule: readable, writable, no capability, the manual page of its level. */
export type RowExtra = Partial<
  Pick<SocketOption, 'readable' | 'writable' | 'capability' | 'requires' | 'protocol' | 'since' | 'manual'>
>;

/** One row: `[name, number, type, sockets, phase, summary, extra?]`. */
export type Row = readonly [string, number, OptionType, readonly SocketKind[], OptionPhase, string, RowExtra?];

/** The rows of a level as options. */
export function level(name: LevelName, manual: string, rows: readonly Row[]): SocketOption[] {
  return rows.map(([option, number, type, sockets, phase, summary, extra = {}]) => ({
    name: option,
    level: name,
    number,
    type,
    sockets,
    phase,
    readable: true,
    writable: true,
    summary,
    manual,
    ...extra,
  }));
}

/** The number of a level, by name or as it is. */
export function levelNumber(level: LevelName | number): number {
  return typeof level === 'number' ? level : LEVELS[level];
}

/** Every kind. */
export const ALL: readonly SocketKind[] = [...SOCKET_KINDS];
/** The kinds that have an IP header: all but packet sockets. */
export const INET: readonly SocketKind[] = ['stream', 'datagram', 'raw', 'ping'];
/** Messages over IP. */
export const MESSAGES: readonly SocketKind[] = ['datagram', 'raw', 'ping'];
export const STREAM: readonly SocketKind[] = ['stream'];
export const DATAGRAM: readonly SocketKind[] = ['datagram'];
export const RAW: readonly SocketKind[] = ['raw'];
export const PACKET: readonly SocketKind[] = ['packet'];

/** For reading only, and for setting only. */
export const READ = { writable: false } as const;
export const WRITE = { readable: false } as const;
