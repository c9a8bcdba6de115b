/**
 * The table of socket options: what `--opt` reads, what is validated, and how a value becomes the bytes of
 * setsockopt(2). Numbers are those of Linux (socket(7), ip(7), ipv6(7), tcp(7), udp(7), raw(7), icmp(7), packet(7)).
 */

export const LEVELS = {
  SOL_SOCKET: 1,
  IPPROTO_IP: 0,
  IPPROTO_IPV6: 41,
  IPPROTO_TCP: 6,
  IPPROTO_UDP: 17,
  SOL_RAW: 255,
  IPPROTO_ICMPV6: 58,
} as const;
export type LevelName = keyof typeof LEVELS;

/** The kinds of socket that a row can fit; 'ping' is SOCK_DGRAM with IPPROTO_ICMP (icmp(7)). */
export type SocketKind = 'stream' | 'datagram' | 'raw' | 'ping';

/**
 * When the option must be set: before bind(2), since bind is what reads it; before connect(2) or listen(2), since the
 * handshake is what it is about; or at any time.
 */
export type OptionPhase = 'before-bind' | 'before-connect' | 'any';

export type OptionValueType =
  | { readonly kind: 'flag' }
  /** A C int between min and max, in `unit`. */
  | { readonly kind: 'integer'; readonly min: number; readonly max: number; readonly unit: string }
  /** A C int with names for its values. */
  | { readonly kind: 'enum'; readonly names: Readonly<Record<string, number>> }
  /** Text without a zero byte, at most `max` bytes: a device or an algorithm. */
  | { readonly kind: 'text'; readonly max: number }
  /** struct timeval, written in seconds. */
  | { readonly kind: 'timeval' }
  /** struct linger: off, or seconds. */
  | { readonly kind: 'linger' }
  /** A 32-bit mask. */
  | { readonly kind: 'mask' }
  /** Exactly `length` bytes, written in hex. */
  | { readonly kind: 'bytes'; readonly length: number };

export interface SocketOption {
  readonly name: string;
  readonly level: LevelName;
  readonly number: number;
  readonly type: OptionValueType;
  readonly sockets: readonly SocketKind[];
  readonly phase: OptionPhase;
  /** The capability that setting it takes, beyond what opening the socket took (capabilities(7)). */
  readonly capability?: string;
  readonly summary: string;
}

const ALL: readonly SocketKind[] = ['stream', 'datagram', 'raw', 'ping'];
const MESSAGES: readonly SocketKind[] = ['datagram', 'raw', 'ping'];
const STREAM: readonly SocketKind[] = ['stream'];
const DATAGRAM: readonly SocketKind[] = ['datagram'];
/** A raw IPv6 socket is of IPv6 alone. */
const CONNECTABLE: readonly SocketKind[] = ['stream', 'datagram'];
const RAW: readonly SocketKind[] = ['raw'];

const INT_MAX = 0x7fffffff;
const flag: OptionValueType = { kind: 'flag' };
const timeval: OptionValueType = { kind: 'timeval' };
const integer = (unit: string, min = 0, max = INT_MAX): OptionValueType => ({ kind: 'integer', unit, min, max });

const PMTU_DISCOVERY: OptionValueType = { kind: 'enum', names: { dont: 0, want: 1, do: 2, probe: 3 } };

/** One row: `[name, number, type, sockets, phase, summary, capability?]`. */
type Row = readonly [string, number, OptionValueType, readonly SocketKind[], OptionPhase, string, string?];

const ROWS: Readonly<Record<LevelName, readonly Row[]>> = {
  SOL_SOCKET: [
    ['SO_REUSEADDR', 2, flag, ALL, 'before-bind', 'Bind to an address that old connections still occupy.'],
    ['SO_REUSEPORT', 15, flag, ALL, 'before-bind', 'Let several sockets bind to the same port and share the load.'],
    ['SO_BINDTODEVICE', 25, { kind: 'text', max: 15 }, ALL, 'before-bind', 'Use one interface only.', 'CAP_NET_RAW'],
    ['SO_SNDBUF', 7, integer('bytes'), ALL, 'before-bind', 'Size of the send buffer; the kernel doubles it.'],
    ['SO_RCVBUF', 8, integer('bytes'), ALL, 'before-bind', 'Size of the receive buffer; the kernel doubles it.'],
    ['SO_SNDBUFFORCE', 32, integer('bytes'), ALL, 'before-bind', 'SO_SNDBUF beyond wmem_max.', 'CAP_NET_ADMIN'],
    ['SO_RCVBUFFORCE', 33, integer('bytes'), ALL, 'before-bind', 'SO_RCVBUF beyond rmem_max.', 'CAP_NET_ADMIN'],
    ['SO_KEEPALIVE', 9, flag, STREAM, 'any', 'Probe an idle connection, see TCP_KEEPIDLE.'],
    ['SO_LINGER', 13, { kind: 'linger' }, STREAM, 'any', 'Seconds that close(2) waits for unsent data; 0 resets.'],
    ['SO_OOBINLINE', 10, flag, STREAM, 'any', 'Leave urgent data in the normal stream.'],
    ['SO_BROADCAST', 6, flag, MESSAGES, 'any', 'Allow broadcast destinations.'],
    ['SO_DONTROUTE', 5, flag, ALL, 'any', 'Send to directly attached networks only.'],
    ['SO_PRIORITY', 12, integer('priority', 0, 15), ALL, 'any', 'Queueing priority; above 6 needs a capability.'],
    ['SO_MARK', 36, integer('mark'), ALL, 'before-connect', 'Mark packets for routing and filters.', 'CAP_NET_ADMIN'],
    ['SO_RCVTIMEO', 20, timeval, ALL, 'any', 'Time that a blocking receive waits.'],
    ['SO_SNDTIMEO', 21, timeval, ALL, 'any', 'Time that a blocking send waits.'],
    ['SO_RCVLOWAT', 18, integer('bytes', 1), STREAM, 'any', 'Bytes that must be there before a read wakes up.'],
    ['SO_TIMESTAMPNS', 35, flag, MESSAGES, 'any', 'Give each message the time at which the kernel received it.'],
    ['SO_RXQ_OVFL', 40, flag, MESSAGES, 'any', 'Give with each message how many were dropped for want of buffer.'],
    ['SO_BUSY_POLL', 46, integer('microseconds'), ALL, 'any', 'Poll the device instead of sleeping.', 'CAP_NET_ADMIN'],
    ['SO_INCOMING_CPU', 49, integer('cpu'), ALL, 'any', 'Prefer this processor for received packets.'],
    ['SO_MAX_PACING_RATE', 47, integer('bytes/s', 1), STREAM, 'any', 'The most that the socket sends in a second.'],
  ],
  IPPROTO_IP: [
    ['IP_TOS', 1, integer('tos', 0, 255), ALL, 'before-connect', 'DSCP and ECN bits of sent packets.'],
    ['IP_TTL', 2, integer('hops', 1, 255), ALL, 'before-connect', 'Time to live of sent packets.'],
    ['IP_HDRINCL', 3, flag, RAW, 'any', 'The program supplies the IP header itself.'],
    ['IP_PKTINFO', 8, flag, MESSAGES, 'any', 'Give each message its destination and interface.'],
    ['IP_MTU_DISCOVER', 10, PMTU_DISCOVERY, ALL, 'before-connect', 'Whether packets may be fragmented.'],
    ['IP_RECVERR', 11, flag, MESSAGES, 'any', 'Keep ICMP errors in the error queue.'],
    ['IP_RECVTTL', 12, flag, MESSAGES, 'any', 'Give each message its time to live.'],
    ['IP_RECVTOS', 13, flag, MESSAGES, 'any', 'Give each message its TOS byte.'],
    ['IP_FREEBIND', 15, flag, ALL, 'before-bind', 'Bind to an address that this machine does not have yet.'],
    ['IP_TRANSPARENT', 19, flag, ALL, 'before-bind', 'Bind to foreign addresses.', 'CAP_NET_ADMIN'],
    ['IP_MINTTL', 21, integer('hops', 0, 255), STREAM, 'any', 'Drop packets that arrive with less (RFC 5082).'],
    ['IP_MULTICAST_TTL', 33, integer('hops', 0, 255), MESSAGES, 'any', 'Time to live of sent multicasts.'],
    ['IP_MULTICAST_LOOP', 34, flag, MESSAGES, 'any', 'Whether own multicasts come back to this machine.'],
    ['IP_BIND_ADDRESS_NO_PORT', 24, flag, STREAM, 'before-bind', 'Choose the port at connect(2), not at bind(2).'],
  ],
  IPPROTO_IPV6: [
    ['IPV6_V6ONLY', 26, flag, CONNECTABLE, 'before-bind', 'Take no IPv4 on an IPv6 socket.'],
    ['IPV6_UNICAST_HOPS', 16, integer('hops', -1, 255), ALL, 'before-connect', 'Hop limit of sent packets.'],
    ['IPV6_MULTICAST_HOPS', 18, integer('hops', -1, 255), MESSAGES, 'any', 'Hop limit of sent multicasts.'],
    ['IPV6_MULTICAST_LOOP', 19, flag, MESSAGES, 'any', 'Whether own multicasts come back to this machine.'],
    ['IPV6_MTU_DISCOVER', 23, PMTU_DISCOVERY, ALL, 'before-connect', 'Whether packets may be fragmented.'],
    ['IPV6_RECVERR', 25, flag, MESSAGES, 'any', 'Keep ICMPv6 errors in the error queue.'],
    ['IPV6_RECVPKTINFO', 49, flag, MESSAGES, 'any', 'Give each message its destination and interface.'],
    ['IPV6_RECVHOPLIMIT', 51, flag, MESSAGES, 'any', 'Give each message its hop limit.'],
    ['IPV6_RECVTCLASS', 66, flag, MESSAGES, 'any', 'Give each message its traffic class.'],
    ['IPV6_TCLASS', 67, integer('class', -1, 255), ALL, 'before-connect', 'Traffic class of sent packets.'],
    ['IPV6_DONTFRAG', 62, flag, MESSAGES, 'any', 'Fail with EMSGSIZE instead of fragmenting.'],
    ['IPV6_FREEBIND', 78, flag, ALL, 'before-bind', 'Bind to an address that this machine does not have yet.'],
  ],
  IPPROTO_TCP: [
    ['TCP_NODELAY', 1, flag, STREAM, 'any', 'Send small writes at once (no Nagle algorithm).'],
    ['TCP_MAXSEG', 2, integer('bytes', 88, 32767), STREAM, 'before-connect', 'Maximum segment size.'],
    ['TCP_CORK', 3, flag, STREAM, 'any', 'Hold partial segments back.'],
    ['TCP_KEEPIDLE', 4, integer('seconds', 1, 32767), STREAM, 'any', 'Idle time before the first probe.'],
    ['TCP_KEEPINTVL', 5, integer('seconds', 1, 32767), STREAM, 'any', 'Time between probes.'],
    ['TCP_KEEPCNT', 6, integer('probes', 1, 127), STREAM, 'any', 'Probes without an answer before the end.'],
    ['TCP_SYNCNT', 7, integer('attempts', 1, 127), STREAM, 'before-connect', 'SYNs sent before connect(2) fails.'],
    ['TCP_LINGER2', 8, integer('seconds', -1), STREAM, 'any', 'Time in FIN-WAIT-2 after close(2).'],
    ['TCP_DEFER_ACCEPT', 9, integer('seconds'), STREAM, 'before-connect', 'Accept only once data is there.'],
    ['TCP_WINDOW_CLAMP', 10, integer('bytes'), STREAM, 'before-connect', 'The most that the window may offer.'],
    ['TCP_QUICKACK', 12, flag, STREAM, 'any', 'Acknowledge at once.'],
    [
      'TCP_CONGESTION',
      13,
      { kind: 'text', max: 15 },
      STREAM,
      'any',
      'Congestion control: cubic, reno, bbr and others.',
    ],
    ['TCP_USER_TIMEOUT', 18, integer('milliseconds'), STREAM, 'any', 'Time that sent data may stay unacknowledged.'],
    ['TCP_FASTOPEN', 23, integer('queue'), STREAM, 'before-connect', 'Data in the SYN, for a listener (RFC 7413).'],
    ['TCP_FASTOPEN_CONNECT', 30, flag, STREAM, 'before-connect', 'Data in the SYN, for a client (RFC 7413).'],
    ['TCP_NOTSENT_LOWAT', 25, integer('bytes', 1), STREAM, 'any', 'Unsent bytes below which it is writable.'],
  ],
  IPPROTO_UDP: [
    ['UDP_CORK', 1, flag, DATAGRAM, 'any', 'Gather writes into one datagram.'],
    ['UDP_SEGMENT', 103, integer('bytes', 0, 65507), DATAGRAM, 'any', 'Cut one send into datagrams of this size.'],
    ['UDP_GRO', 104, flag, DATAGRAM, 'any', 'Take several datagrams with one receive.'],
  ],
  SOL_RAW: [['ICMP_FILTER', 1, { kind: 'mask' }, RAW, 'any', 'Bits of the ICMP types (0 to 31) not to be received.']],
  IPPROTO_ICMPV6: [
    ['ICMP6_FILTER', 1, { kind: 'bytes', length: 32 }, RAW, 'any', 'Bits of the ICMPv6 types not to be received.'],
  ],
};

/** Every option that sockctl knows by name, in the order of the levels. */
export const SOCKET_OPTIONS: readonly SocketOption[] = Object.entries(ROWS).flatMap(([level, rows]) =>
  rows.map(([name, number, type, sockets, phase, summary, capability]) => ({
    name,
    level: level as LevelName,
    number,
    type,
    sockets,
    phase,
    summary,
    ...(capability === undefined ? {} : { capability }),
  })),
);

const byName = new Map(SOCKET_OPTIONS.map((option) => [option.name, option]));

/** The option called `name` (exactly as in the manual pages), or undefined. */
export function findOption(name: string): SocketOption | undefined {
  return byName.get(name);
}

/** The option called `name`; for names that stand in the source. */
export function option(name: string): SocketOption {
  const found = byName.get(name);
  if (found === undefined) throw new RangeError(`no socket option is called ${name}`);
  return found;
}
