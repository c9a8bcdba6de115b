/** What ping tells: the records that it yields, one at a time, and the target that they are about. */
import type { Timestamp } from '../measure/clock.js';
import type { DistributionMs } from '../measure/histogram.js';
import type { IPAddress } from '../sockaddr/ip.js';

/** A host to ping: what the user called it, and its address. */
export interface PingTarget {
  readonly name: string;
  readonly address: IPAddress;
}

interface PingEvent {
  readonly target: string;
  /** From 1, as ping(8) counts. */
  readonly sequence: number;
}

export interface PingReply extends PingEvent {
  readonly type: 'ping.reply';
  readonly time: Timestamp;
  /** Who answered. */
  readonly address: string;
  /** ICMP bytes, the header of 8 included. */
  readonly bytes: number;
  /** TTL or hop limit on arrival; null where the backend can't tell. */
  readonly ttl: number | null;
  readonly rttMs: number;
  /** Who read the clock at reception. */
  readonly timestamp: 'kernel' | 'user';
  readonly duplicate: boolean;
  /** The payload differs from what was sent. */
  readonly corrupt: boolean;
  /** It came after the timeout had been reported. */
  readonly late: boolean;
}

export interface PingTimeout extends PingEvent {
  readonly type: 'ping.timeout';
  readonly time: Timestamp;
}

export interface PingError extends PingEvent {
  readonly type: 'ping.error';
  readonly time: Timestamp;
  /** Who reported it; the target itself for errors of this machine. */
  readonly address: string;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  readonly message: string;
}

export interface PingSummary {
  readonly type: 'ping.summary';
  readonly time: Timestamp;
  readonly target: string;
  readonly address: string;
  readonly socket: 'raw' | 'dgram';
  readonly transmitted: number;
  readonly received: number;
  /** Probes that were still waiting at the end: neither received nor lost. */
  readonly inFlight: number;
  readonly late: number;
  readonly duplicates: number;
  readonly corrupt: number;
  readonly errors: number;
  readonly lossPercent: number;
  /** Mean difference between one round trip and the next. */
  readonly jitterMs: number | null;
  readonly rttMs: DistributionMs;
  readonly endReason: 'count' | 'interrupted' | 'error';
}

export type PingRecord = PingReply | PingTimeout | PingError | PingSummary;
