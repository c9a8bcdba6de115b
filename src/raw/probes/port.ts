/**
 * The world as ping and trace see it: probes go out, answers come in, and there is a clock. Their loops are state
 * machines that know nothing else (machine.ts), so that the same ones run on sockets and in a simulated network.
 */
import type { SocketError } from '../../errors.js';
import type { Timestamp } from '../../measure/clock.js';
import type { IPAddress } from '../../sockaddr/ip.js';

/** A packet to go out: what stands behind the IP header, and the fields of that which are not the socket's. */
export interface OutgoingProbe {
  readonly to: IPAddress;
  /** IP protocol number of {@link bytes}: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6. */
  readonly protocol: number;
  /** The whole message, its checksum included; that of ICMPv6 is the kernel's (RFC 3542 section 3.1). */
  readonly bytes: Uint8Array;
  /** TTL or hop limit, 1 to 255. */
  readonly hopLimit?: number | undefined;
  /** TOS byte or traffic class. */
  readonly trafficClass?: number | undefined;
  /** IPv4's identification, for ports that {@link ProbePort.ownHeader | write headers themselves}. */
  readonly identification?: number | undefined;
}

/** Who read the clock at reception. */
export type TimestampSource = 'kernel' | 'user';

interface Answer {
  /** The wall clock at reception. */
  readonly time: Timestamp;
  readonly timestampSource: TimestampSource;
  /** The wall clock when this process got it. */
  readonly userTime: Timestamp;
  /** Who sent it: for errors, the router or host that reports. */
  readonly from: IPAddress;
  /** TTL or hop limit on arrival; null where it can't be told. */
  readonly hopLimit: number | null;
  /** TOS byte or traffic class on arrival; null where it can't be told. */
  readonly trafficClass: number | null;
}

/** A packet that came in, as raw sockets see it. */
export interface PacketAnswer extends Answer {
  readonly kind: 'packet';
  readonly protocol: number;
  /** What stands behind the IP header, valid until the handler returns. */
  readonly bytes: Uint8Array;
  /** Bytes behind those that were not kept, of a message that is longer than anybody has asked for; none where left out. */
  readonly cut?: number | undefined;
  /** The IPv4 header of it; undefined for IPv6, and where the socket does not show it. */
  readonly header?: Uint8Array | undefined;
}

/** An error about a probe, from the error queue of a socket (IP_RECVERR of ip(7)): there is no packet to be seen. */
export interface ReportAnswer extends Answer {
  readonly kind: 'report';
  /** Where the probe was going. */
  readonly to: IPAddress;
  readonly icmpType: number;
  readonly icmpCode: number;
  /** The next hop's MTU with 'too big' and 'fragmentation needed'. */
  readonly mtu?: number | undefined;
  /** The probe as far as it is quoted, from behind its IP header on, valid until the handler returns. */
  readonly sent: Uint8Array;
  /** The extensions behind the quote, as they were (RFC 4884; IP_RECVERR_RFC4884); undefined where there are none. */
  readonly extensions?: Uint8Array | undefined;
}

export type ProbeAnswer = PacketAnswer | ReportAnswer;

/** What became of the probes that were sent together. */
export interface SendOutcome {
  /** For each probe that the system has taken, in their order, the wall clock just before the call that took it. */
  readonly times: readonly Timestamp[];
  /** Why the probe behind those was refused; the ones after it have not been tried. */
  readonly refused?: SocketError | undefined;
}

export interface ProbeHandlers {
  answers(batch: readonly ProbeAnswer[]): void;
  /** The port has failed for good. */
  failed(error: SocketError): void;
}

export interface ProbePort {
  /** What it goes through: SOCK_RAW, or the unprivileged SOCK_DGRAM. */
  readonly socket: 'raw' | 'dgram';
  /** The largest number of probes that one {@link send} should be given. */
  readonly batch: number;
  /** Whether {@link OutgoingProbe.identification} is honoured. */
  readonly ownHeader: boolean;
  /** Milliseconds of a clock that is never set, with fractions. */
  now(): number;
  /** The wall clock that the times of answers are of. */
  wallClock(): Timestamp;
  /** Sends in order, waiting for room. The bytes may be used again when it has settled. */
  send(probes: readonly OutgoingProbe[]): Promise<SendOutcome>;
  /** Lets come in what has arrived; a loop that has much to send asks for it after each batch. */
  turn(): Promise<void>;
  /** Starts delivery; called once. */
  receive(handlers: ProbeHandlers): void;
  /** Delivers what has arrived by now, before it returns. Undefined where the port has no such thing. */
  takeAnswers?(): void;
  /** Stops and restarts delivery; what arrives meanwhile waits in the kernel's buffers. */
  pause(): void;
  resume(): void;
  /** Calls back once when {@link now} reaches `time`; a later call takes the place of an earlier one. */
  wakeAt(time: number, callback: () => void): void;
  close(): Promise<void>;
}
