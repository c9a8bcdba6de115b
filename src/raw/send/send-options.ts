/** What sending takes, and what it tells. */
import type { SockctlError } from '../../errors.js';
import type { Timestamp } from '../../measure/clock.js';
import type { DistributionMs } from '../../measure/histogram.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { Dissection } from '../../wire/layer.js';
import type { AnswerKind } from './answer.js';
import type { BuiltPacket, PacketLink } from './built-packet.js';
import type { Pace } from './pace.js';
import type { AnswerProtocol, PacketSocketOptions } from './packet-sockets.js';

/** A packet that is to leave. */
export interface OutgoingPacket {
  readonly packet: BuiltPacket;
  /** In where it comes from, from 1. */
  readonly number: number;
  /** When it was captured; null or left out where nobody says. */
  readonly time?: Timestamp | null | undefined;
  /** What leaves in its place. */
  readonly fragments?: readonly BuiltPacket[] | undefined;
}

/** In place of a packet: what could not be made, which is counted as failed. */
export interface UnmadePacket {
  readonly number: number;
  readonly error: SockctlError;
}

/** What is told of each packet that has left. */
export interface SentPacket {
  /** The how manieth of all packets it is, from 1; fragments have that of their packet. */
  readonly sequence: number;
  readonly number: number;
  readonly packet: BuiltPacket;
  /** The wall clock just before the call that took it. */
  readonly time: Timestamp;
}

export interface PacketAnswer {
  readonly sequence: number;
  readonly how: AnswerKind;
  /** From the wall clock just before the packet left to the time of reception. */
  readonly rttMs: number;
  /** 1 for the first answer of the packet. */
  readonly answer: number;
  readonly timestamp: Timestamp;
  readonly timestampSource: 'kernel' | 'user';
  readonly linkType: number;
  /** Valid until the handler returns, and what it is taken apart into as well. */
  readonly bytes: Uint8Array;
  readonly dissection: Dissection;
}

export interface FailedPacket {
  readonly sequence: number;
  readonly number: number;
  readonly error: SockctlError;
}

/**
 * Asked about each packet before it leaves; what it throws ends the sending.
 *
 * @param destinations as {@link DestinationReader.read} has them
 * @param length in bytes
 * @param dueMs when it leaves, in milliseconds since the first one
 * @param number in where it comes from
 */
export type Admit = (destinations: readonly IPAddress[], length: number, dueMs: number, number: number) => void;

export interface SendPacketsOptions extends PacketSocketOptions {
  readonly packets:
    | AsyncIterable<readonly (OutgoingPacket | UnmadePacket)[]>
    | Iterable<readonly (OutgoingPacket | UnmadePacket)[]>;
  /** The links of the packets, as far as they are known beforehand: their sockets are opened at once. */
  readonly links: readonly PacketLink[];
  readonly pace: Pace;
  /** Milliseconds to wait for the answers of each packet; left out, nobody listens. */
  readonly answerMs?: number | undefined;
  /** With `answerMs`: the protocols of IP, beside ICMP, whose packets may be answers. */
  readonly answerProtocols?: readonly AnswerProtocol[] | undefined;
  /** With `answerMs`: whether packets to an address may be answered by several. */
  readonly isForMany?: ((destination: IPAddress) => boolean) | undefined;
  /** IPv4 headers that the kernel would change are an error instead of a number in the summary. */
  readonly exact?: boolean | undefined;
  readonly admit?: Admit | undefined;
  readonly onOpen?: (() => void) | undefined;
  /** A promise holds the next ones back. */
  readonly onSent?: ((sent: SentPacket) => void | Promise<void>) | undefined;
  readonly onFailed?: ((failed: FailedPacket) => void) | undefined;
  readonly onAnswer?: ((answer: PacketAnswer) => void) | undefined;
  /** Nobody has answered the packet in time. */
  readonly onSilence?: ((sequence: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What of sending is counted, whatever the packets are. */
export interface SendCounts {
  /** Packets that the kernel has taken, fragments one by one, and their bytes. */
  readonly sent: number;
  readonly bytes: number;
  /** Packets that it has refused, or that could not be made. */
  readonly failed: number;
  readonly firstFailure: SockctlError | undefined;
  readonly durationMs: number;
  /** How late packets were given to the kernel, by the schedule; undefined at top speed. */
  readonly schedulingErrorMs: DistributionMs | undefined;
  /** Pauses of the capture that were cut down, and by how much in all. */
  readonly gapsCut: number;
  readonly cutMs: number;
  readonly endReason: 'count' | 'interrupted' | 'error';
  readonly error: SockctlError | undefined;
}

export interface SendPacketsSummary extends SendCounts {
  /** IPv4 packets whose header the kernel has written anew, see {@link rewrittenFields}. */
  readonly rewritten: number;
  /** Undefined where nobody has listened. */
  readonly answers: AnswerCounts | undefined;
}

export interface AnswerCounts {
  /** Packets that have been answered, those that have not been in time, and those that are still waited for. */
  readonly answered: number;
  readonly unanswered: number;
  readonly inFlight: number;
  /** All answers, further ones of the same packet included. */
  readonly received: number;
  readonly errors: number;
  /** Of the first answers. */
  readonly rttMs: DistributionMs;
}
