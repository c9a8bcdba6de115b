/**
 * What trace tells: a record for each hop of each round, in the order of the hops, and a summary at the end. Every probe
 * has one outcome: an answer, or the reason why there is none.
 */
import type { Timestamp } from '../../measure/clock.js';
import type { BackendName } from '../../socket/port.js';
import type { IcmpExtension } from '../../wire/icmp-extension.js';
import type { TcpFlag } from '../../wire/tcp.js';
import type { TimestampSource } from '../probes/port.js';
import type { TraceMultipath, TraceProtocol } from './options.js';
import type { TraceRow } from './table.js';

/** What probes go through: SOCK_RAW, or sockets that take no privilege. */
export type TraceSocketKind = 'raw' | 'dgram';

/**
 * What an ICMP error says of the probe as it was when it got there, from the header that it quotes; null of each where
 * the quote can't be seen, as in the error queue of an unprivileged socket.
 */
export interface QuotedHeader {
  /** TTL or hop limit: 1 at an honest router, more where one has answered early, 0 where it counts in another way. */
  readonly ttl: number;
  /** 0 to 63. */
  readonly dscp: number;
  /** 0 to 3. */
  readonly ecn: number;
  /** Bytes of the packet, IP header included. */
  readonly totalLength: number;
  /** The source address that the probe had by then: another than {@link TraceSummary.source} behind a translator. */
  readonly source: string;
  /** And the destination: another than {@link TraceSummary.address} where that is translated. */
  readonly destination: string;
}

interface ProbeOutcome {
  /** Which flow it belonged to, from 0; always 0 with one flow. */
  readonly flow: number;
  /** Which one of the flow's queries to this hop it was, from 1. */
  readonly query: number;
  /** When it left; null for one that never did. */
  readonly sentTime: Timestamp | null;
}

/** A probe that has been answered. */
export interface AnsweredProbe extends ProbeOutcome {
  /** Who answered, as text without a zone. */
  readonly address: string;
  /**
   * From the clock just before the send to reception; null where it is not certain which of several probes was answered,
   * since the answer does not say so, as that of a service with words of its own, and others have been lost.
   */
  readonly rttMs: number | null;
  /** When the answer came in. */
  readonly time: Timestamp;
  /** Who read the clock at reception. */
  readonly timestamp: TimestampSource;
  /** TTL or hop limit of the answer on arrival; null where it can't be told. */
  readonly ttl: number | null;
  /** Null for answers that are not ICMP. */
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  /** Of TCP's answers: SYN and ACK where the port is open, RST where it is closed. */
  readonly tcpFlags?: readonly TcpFlag[];
  /** The next hop's MTU in bytes, with 'fragmentation needed' and 'packet too big'. */
  readonly mtu?: number;
  /** MPLS labels, interface information (RFC 4884, RFC 4950, RFC 5837); empty where there are none. */
  readonly extensions: readonly IcmpExtension[];
  /** Null for answers that quote nothing. */
  readonly quoted: QuotedHeader | null;
  /** Whether the quote's addresses, ports or checksum are not those that were sent; null where that can't be told. */
  readonly nat: boolean | null;
  /** Whether the quote's DSCP is not the one that was sent; null where that can't be told. */
  readonly dscpChanged: boolean | null;
}

/**
 * Why there is no answer: none in time; still waited for when the trace ended; this machine would not send it; the trace
 * ended before it was sent.
 */
export type MissingReason = 'timeout' | 'in-flight' | 'refused' | 'not-sent';

/** What this machine said of a probe that it refused: the name of the error, such as ENETUNREACH, and what to try. */
export interface TraceRefusal {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

export interface UnansweredProbe extends ProbeOutcome, Partial<TraceRefusal> {
  readonly address: null;
  readonly reason: MissingReason;
}

export type TraceProbe = AnsweredProbe | UnansweredProbe;

export interface TraceHop {
  readonly type: 'trace.hop';
  /** When the last of its probes had its outcome. */
  readonly time: Timestamp;
  /** The target as the user called it. */
  readonly target: string;
  /** Which round it belongs to, from 1. */
  readonly round: number;
  /** The TTL or hop limit of its probes. */
  readonly ttl: number;
  /** One for each query of each flow that has got here, in the order of sending. */
  readonly probes: readonly TraceProbe[];
  /** The target has answered here. */
  readonly reached: boolean;
  /** The target is at this hop or nearer: its answers, of which some are missing, do not say which probes they are to. */
  readonly atMost: boolean;
  /** Somebody has said here that probes go no further: a mark as traceroute(8) has them (`!H`, `!X`, `!F-1280`), see marks.ts. */
  readonly unreachable: string | null;
  /** Whether addresses are translated before this hop: seen in a quote here or at a hop before. */
  readonly nat: boolean;
  readonly socket: TraceSocketKind;
  readonly backend: BackendName;
}

/**
 * How a trace has ended: at the target; at the last hop that it may try; where somebody said that it goes no further;
 * after as many silent hops as it may try; by its user, its deadline or an error.
 */
export type TraceEndReason = 'reached' | 'max-hops' | 'unreachable' | 'gap' | 'interrupted' | 'deadline' | 'error';

/** With what this machine said last, where it refused to send. */
export interface TraceSummary extends Partial<TraceRefusal> {
  readonly type: 'trace.summary';
  readonly time: Timestamp;
  readonly target: string;
  readonly address: string;
  /** The own address that the probes had. */
  readonly source: string;
  readonly reached: boolean;
  /** The TTL of the last hop that there is a record of, the target's where it was reached; 0 where there is none. */
  readonly hops: number;
  /** The target may be nearer than that: see {@link TraceHop.atMost}. */
  readonly atMost: boolean;
  readonly endReason: TraceEndReason;
  readonly socket: TraceSocketKind;
  readonly backend: BackendName;
  readonly protocol: TraceProtocol;
  readonly multipath: TraceMultipath;
  readonly flows: number;
  /** The destination's port; null for ICMP. */
  readonly port: number | null;
  /** Bytes of a probe, IP header included. */
  readonly packetSize: number;
  /** Rounds that have been begun. */
  readonly rounds: number;
  /** Probes at hops up to the last one, and what became of them: sent = received + late + lost + inFlight. */
  readonly sent: number;
  readonly received: number;
  /** Answered after they had been given up; their records say that they had no answer in time. */
  readonly late: number;
  readonly lost: number;
  readonly inFlight: number;
  /** Answers beyond the first one to a probe. */
  readonly duplicates: number;
  /** Probes that this machine would not send; none of them is in `sent`. */
  readonly refused: number;
  /** Packets that were about the target and nobody's probes, or somebody else's. */
  readonly foreign: number;
  /** Errors about probes of this trace that do not say which: what they are about counts as lost. */
  readonly ambiguous: number;
  /** Addresses are translated on the way. */
  readonly nat: boolean;
  readonly durationMs: number;
  /** The figures of each hop over all rounds. */
  readonly path: readonly TraceRow[];
}

export type TraceRecord = TraceHop | TraceSummary;
