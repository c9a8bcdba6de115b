/**
 * struct tcp_info (tcp(7), linux/tcp.h): what the kernel knows of a TCP connection. It has grown with every few kernels;
 * what an older one does not give is null.
 */
import { LITTLE, type OptionType, viewOf } from './types/type.js';

/** TCP_ESTABLISHED and its like, from 1 on (netinet/tcp.h). */
const STATES = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const;
/** TCP_CA_Open and its like: what congestion control is at. */
const CONGESTION_STATES = ['open', 'disorder', 'cwr', 'recovery', 'loss'] as const;
/** TCPI_OPT_*: what both ends have agreed on. */
const AGREED: Readonly<Record<string, number>> = {
  timestamps: 1,
  sack: 2,
  windowScale: 4,
  ecn: 8,
  ecnSeen: 16,
  synData: 32,
};

/** Times are milliseconds, sizes bytes, rates bytes a second, windows segments. Null where the kernel does not tell. */
export interface TcpInfo {
  readonly state: string;
  readonly congestionState: string;
  /** Options that both ends have agreed on: `timestamps`, `sack`, `windowScale`, `ecn`, `ecnSeen`, `synData`. */
  readonly options: readonly string[];
  /** Timeouts in a row for the segment that is waited for. */
  readonly retransmits: number;
  readonly sendWindowScale: number;
  readonly receiveWindowScale: number;
  /** Smoothed round-trip time and its mean deviation (RFC 6298). */
  readonly rttMs: number;
  readonly rttVarianceMs: number;
  /** Lowest round-trip time of the last minutes. */
  readonly minRttMs: number | null;
  readonly retransmissionTimeoutMs: number;
  /** Largest segments to be sent, and those that arrive. */
  readonly sendMss: number;
  readonly receiveMss: number;
  readonly pathMtu: number;
  /** Congestion window and slow-start threshold, in segments; null for a threshold that was never set. */
  readonly congestionWindow: number;
  readonly slowStartThreshold: number | null;
  /** Segments sent that are not acknowledged, and those of them that count as lost. */
  readonly unacknowledged: number;
  /** Of a listening socket alone: connections in its accept queue, and how many that holds (listen(2)). */
  readonly acceptQueue: { readonly length: number; readonly limit: number } | null;
  readonly lost: number;
  readonly totalRetransmits: number;
  readonly pacingRate: number | null;
  readonly deliveryRate: number | null;
  readonly bytesAcked: number | null;
  readonly bytesReceived: number | null;
  readonly bytesSent: number | null;
  readonly bytesRetransmitted: number | null;
  readonly notSent: number | null;
  readonly segmentsOut: number | null;
  readonly segmentsIn: number | null;
  /** How long there was something to send, and what held it back: the peer's window or the own buffer. */
  readonly busyMs: number | null;
  readonly windowLimitedMs: number | null;
  readonly bufferLimitedMs: number | null;
  /** The peer's window and the own. */
  readonly sendWindow: number | null;
  readonly receiveWindow: number | null;
  readonly duplicateSacks: number | null;
  readonly reorderings: number | null;
}

/** The bytes that every kernel since 2.6 gives: up to tcpi_total_retrans. */
const LEAST = 104;
/** tcp_init_sock: a threshold that was never set. */
const NO_THRESHOLD = 0x7fffffff;

/** Decodes what getsockopt(2) gave; undefined for fewer bytes than any kernel gives. */
export function decodeTcpInfo(bytes: Uint8Array): TcpInfo | undefined {
  if (bytes.length < LEAST) return undefined;
  const view = viewOf(bytes);
  const u32 = (at: number) => view.getUint32(at, LITTLE);
  const late32 = (at: number) => (at + 4 <= bytes.length ? u32(at) : null);
  const late64 = (at: number) => (at + 8 <= bytes.length ? Number(view.getBigUint64(at, LITTLE)) : null);
  /** The kernel counts times in microseconds, some of them in 64 bits. */
  const milliseconds = (microseconds: number | null) => (microseconds === null ? null : microseconds / 1000);
  /** ~0 stands for no limit. */
  const rate = (at: number) => {
    const value = late64(at);
    return value === null || value >= 2 ** 63 ? null : value;
  };
  const [state = 0, congestion = 0, retransmits = 0, , , agreed = 0, scales = 0] = bytes;
  const threshold = u32(76);
  const listening = STATES[state] === 'LISTEN';
  return {
    state: STATES[state] ?? String(state),
    congestionState: CONGESTION_STATES[congestion] ?? String(congestion),
    options: Object.entries(AGREED).flatMap(([name, bit]) => ((agreed & bit) === 0 ? [] : [name])),
    retransmits,
    sendWindowScale: scales & 15,
    receiveWindowScale: scales >> 4,
    rttMs: u32(68) / 1000,
    rttVarianceMs: u32(72) / 1000,
    minRttMs: late32(148) === 0xffffffff ? null : milliseconds(late32(148)),
    retransmissionTimeoutMs: u32(8) / 1000,
    sendMss: u32(16),
    receiveMss: u32(20),
    pathMtu: u32(60),
    congestionWindow: u32(80),
    slowStartThreshold: threshold === NO_THRESHOLD ? null : threshold,
    unacknowledged: listening ? 0 : u32(24),
    acceptQueue: listening ? { length: u32(24), limit: u32(28) } : null,
    lost: u32(32),
    totalRetransmits: u32(100),
    pacingRate: rate(104),
    deliveryRate: rate(160),
    bytesAcked: late64(120),
    bytesReceived: late64(128),
    bytesSent: late64(200),
    bytesRetransmitted: late64(208),
    notSent: late32(144),
    segmentsOut: late32(136),
    segmentsIn: late32(140),
    busyMs: milliseconds(late64(168)),
    windowLimitedMs: milliseconds(late64(176)),
    bufferLimitedMs: milliseconds(late64(184)),
    sendWindow: late32(228),
    receiveWindow: late32(232),
    duplicateSacks: late32(216),
    reorderings: late32(220),
  };
}

/** One line for people: what is looked at first. */
export function formatTcpInfo(info: TcpInfo): string {
  const {
    state,
    rttMs,
    rttVarianceMs,
    minRttMs,
    congestionWindow,
    sendMss,
    totalRetransmits,
    pacingRate,
    deliveryRate,
  } = info;
  if (info.acceptQueue !== null) {
    const { length, limit } = info.acceptQueue;
    return `${state}, ${length} in the accept queue of ${limit}`;
  }
  const parts = [
    state,
    `rtt ${rttMs}/${rttVarianceMs} ms`,
    ...(minRttMs === null ? [] : [`min ${minRttMs} ms`]),
    `cwnd ${congestionWindow}`,
    `mss ${sendMss}`,
    `retransmits ${totalRetransmits}`,
    ...(pacingRate === null ? [] : [`pacing ${megabits(pacingRate)}`]),
    ...(deliveryRate === null ? [] : [`delivery ${megabits(deliveryRate)}`]),
    ...(info.bytesAcked === null ? [] : [`acked ${info.bytesAcked} B`]),
    ...(info.bytesReceived === null ? [] : [`received ${info.bytesReceived} B`]),
  ];
  return parts.join(', ');
}

function megabits(bytesPerSecond: number): string {
  return `${((bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`;
}

/** TCP_INFO as an option of the table, for reading only. */
export const tcpInfo: OptionType = {
  kind: 'struct',
  describe: 'struct tcp_info, to be read only',
  parse: () => undefined,
  encode: () => new Uint8Array(0),
  decode: (bytes) => {
    const info = decodeTcpInfo(bytes);
    return info === undefined ? undefined : formatTcpInfo(info);
  },
  format: String,
};
