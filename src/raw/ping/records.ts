/**
 * What ping tells. A run yields records in the order in which things happen; the last one says how it has ended: for
 * one host its {@link PingSummary}, for several a {@link PingTotal} after the summaries of the hosts.
 *
 * Every probe has one outcome, and they add up: transmitted = received + late + lost + errors + inFlight.
 */

import type { Timestamp } from '../../measure/clock.js';
import type { DistributionMs, HistogramBucket } from '../../measure/histogram.js';
import type { SocketDrops } from '../../socket/drops.js';
import type { BackendName } from '../../socket/port.js';
import type { TimestampSource } from '../probes/port.js';

/** What probes go through: SOCK_RAW, or the kernel's ping socket, which takes no privilege. */
export type PingSocketKind = 'raw' | 'dgram';

interface PingEvent {
  readonly time: Timestamp;
  /** The host as the user called it, or its address where it is one of a block. */
  readonly target: string;
  /** The host's own count of probes, from 1, as ping(8) counts; the wire carries it modulo 2^16. */
  readonly sequence: number;
}

export interface PingReply extends PingEvent, Partial<PingClocks> {
  readonly type: 'ping.reply';
  /** Who answered. */
  readonly address: string;
  /** It is not the address that the probe was sent to; always false for groups, where nobody else can answer. */
  readonly foreignAddress: boolean;
  /** ICMP bytes, the header of 8 included. */
  readonly bytes: number;
  /** TTL or hop limit on arrival; null where the backend can't tell. */
  readonly ttl: number | null;
  /** From the clock just before the send to {@link timestamp}. */
  readonly rttMs: number;
  /** From the clock just before the send to when this process has got the reply; on request. */
  readonly rttUserMs?: number;
  /** Who read the clock at reception. */
  readonly timestamp: TimestampSource;
  /** The same host has answered this probe before. */
  readonly duplicate: boolean;
  /** The payload differs from what was sent, or the checksum is wrong. */
  readonly corrupt: boolean;
  /** First byte of the payload, from 0, that differs, or is missing or too many; left out where only the checksum is wrong. */
  readonly corruptAt?: number;
  /** How many bytes differ, missing and additional ones included; with `corruptAt`. */
  readonly corruptBytes?: number;
  /** It came in after the timeout, by {@link rttMs}: neither received nor lost. */
  readonly late: boolean;
  /** A timeout or an error has been told as the outcome of the probe, and is none any more; left out otherwise. */
  readonly takesBack?: boolean;
  readonly socket: PingSocketKind;
  readonly backend: BackendName;
  /** The route that the packet has recorded on both ways (RFC 791); on request. */
  readonly route?: readonly string[];
}

/** Of an ICMP timestamp reply (RFC 792): milliseconds since midnight UTC, unless the high bit says otherwise. */
export interface PingClocks {
  /** When the request left, by the own clock. */
  readonly originate: number;
  /** When the request came in and the reply left, by the other's clock. */
  readonly receive: number;
  readonly transmit: number;
  /**
   * How far the other's clock is ahead, if both ways take equally long; null where its times are not of that form. The
   * times are whole milliseconds, and so is what can be said.
   */
  readonly clockOffsetMs: number | null;
}

export interface PingTimeout extends PingEvent {
  readonly type: 'ping.timeout';
  readonly address: string;
  readonly socket: PingSocketKind;
  readonly backend: BackendName;
}

/** An ICMP error about a probe, or the refusal of this machine to send it. */
export interface PingError extends PingEvent {
  readonly type: 'ping.error';
  /** Who reported it; the target itself for errors of this machine. */
  readonly address: string;
  /** Null for errors of this machine. */
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  /** Of an error of this machine: its name, such as EACCES, and what to try. */
  readonly code?: string;
  readonly advice?: string;
  readonly message: string;
  /** The next hop's MTU in bytes, with 'fragmentation needed' and 'packet too big'. */
  readonly mtu?: number;
  /** Of a redirect: the gateway to use. */
  readonly gateway?: string;
  /**
   * Whether the probe's outcome is this error. A redirect or a source quench goes along with a probe that goes on, and
   * so does an error about one that has its outcome already.
   */
  readonly settles: boolean;
  /** From the clock just before the send to the report; null for errors of this machine. */
  readonly rttMs: number | null;
  readonly socket: PingSocketKind;
  readonly backend: BackendName;
}

/** How a run has ended: all is sent and settled, or its time was up, or somebody ended it, or a socket has failed. */
export type PingEndReason = 'count' | 'deadline' | 'interrupted' | 'error';

/** Of one host, or of all. */
export interface PingCounts {
  /** Probes that left, or that this machine refused to send. */
  readonly transmitted: number;
  /** Probes that were answered in time. */
  readonly received: number;
  /** Probes that were answered after the timeout. */
  readonly late: number;
  /** Probes that nothing came back for. */
  readonly lost: number;
  /** Probes whose outcome is an error. */
  readonly errors: number;
  /** Probes that were still waited for at the end: neither received nor lost. */
  readonly inFlight: number;
  /** Replies beyond the first one to a probe. */
  readonly duplicates: number;
  /** Replies with another payload than was sent; they are among the received ones all the same. */
  readonly corrupt: number;
  /** Replies from another address than the probe was sent to. */
  readonly foreignAddress: number;
  /** Of the probes that have an outcome: those without an answer, errors included, in percent with two digits. */
  readonly lossPercent: number;
}

export interface PingSummary extends PingCounts {
  readonly type: 'ping.summary';
  readonly time: Timestamp;
  readonly target: string;
  readonly address: string;
  readonly socket: PingSocketKind;
  readonly backend: BackendName;
  /** Mean difference between one round trip and the next. */
  readonly jitterMs: number | null;
  readonly rttMs: DistributionMs;
  /** The distribution of the round trips, ascending; on request. */
  readonly histogram?: readonly HistogramBucket[];
  /** From the first probe to the outcome of the last, or to the end. */
  readonly durationMs: number;
  /** Messages that looked like answers and were to somebody else's probes, or forged; where the run is about this host alone. */
  readonly foreign?: number;
  /** Answers among them are lost here, not on the way; where the run is about this host alone. */
  readonly drops?: SocketDrops;
  /**
   * Probes a second as asked for, and from the first to when another would have been sent after the last; null where answers
   * set the pace, or for fewer than two.
   */
  readonly requestedRate: number | null;
  readonly achievedRate: number | null;
  /** Of a group (multicast, broadcast): how many different addresses have answered, and how often in all. */
  readonly repliers?: number;
  readonly replies?: number;
  /** What the search for the path's MTU has found; with it alone. */
  readonly pathMtu?: PathMtu;
  readonly endReason: PingEndReason;
}

export interface PathMtu {
  /** Bytes of the largest IP packet that gets to the host whole; null where none did. */
  readonly mtu: number | null;
  /** The smallest size that did not; null where the largest that the interface takes did. */
  readonly tooBig: number | null;
  /** Who said so last, with its figure; null where sizes were tried out, because nobody says anything. */
  readonly reporter: string | null;
  /** The address answers no packet of a size that it should, so that nothing is known. */
  readonly unreachable: boolean;
  /** The search has come to its end: `mtu` is at least that much, and less than `tooBig`, where it has not. */
  readonly complete: boolean;
}

/** The last record of a run over several hosts. */
export interface PingTotal extends PingCounts {
  readonly type: 'ping.total';
  readonly time: Timestamp;
  /** Hosts that probes have been sent to. */
  readonly hosts: number;
  /** Hosts of the set; a string of digits beyond 2^53. */
  readonly of: number | string;
  /** Of the first host; what one family may open the other may too. */
  readonly socket: PingSocketKind;
  readonly backend: BackendName;
  /** Hosts that have answered, in time or late. */
  readonly alive: number;
  /** Hosts whose probes all have an outcome, none of which is an answer. */
  readonly unreachable: number;
  /** Messages that looked like answers and were to nobody's probes, or somebody else's. */
  readonly foreign: number;
  readonly drops: SocketDrops;
  /** Round trips of all hosts. */
  readonly rttMs: DistributionMs;
  readonly histogram?: readonly HistogramBucket[];
  readonly durationMs: number;
  /** As in the summaries, of all probes; of those that go in rounds, the last round has its interval, too. */
  readonly requestedRate: number | null;
  readonly achievedRate: number | null;
  readonly endReason: PingEndReason;
}

/** How a run stands: what its total would say if it ended now. */
export type PingStanding = Omit<PingTotal, 'type' | 'endReason'>;

export type PingRecord = PingReply | PingTimeout | PingError | PingSummary | PingTotal;
