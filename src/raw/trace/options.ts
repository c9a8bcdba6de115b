/** What a trace is told: where to, how, and how long. */
import type { Logger } from '../../log/events.js';
import type { OptionSetting } from '../../options/settings.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { Backend } from '../../socket/port.js';
import type { TraceControl, TraceTable } from './table.js';

/** A host to trace: what the user called it, and its address. */
export interface TraceTarget {
  readonly name: string;
  readonly address: IPAddress;
}

export type TraceProtocol = 'icmp' | 'udp' | 'tcp';

/**
 * What tells one probe from another.
 *
 * - `paris`: nothing that a load balancer looks at; all probes of a flow take one path (Augustin et al., IMC 2006). ICMP
 *   has its sequence, balanced so that the checksum stays; UDP its checksum; TCP its sequence number.
 * - `dublin`: as Paris, for UDP alone: the identification of IPv4, or the length over IPv6, so that the checksum shows
 *   translators.
 * - `classic`: the destination port of UDP, the source port of TCP, the sequence of ICMP: each may take another path.
 */
export type TraceMultipath = 'paris' | 'dublin' | 'classic';

export interface TraceOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  /** Of all sockets: SO_BINDTODEVICE for the interface to leave by, SO_MARK, …; not those of fields that a trace writes. */
  readonly settings?: readonly OptionSetting[] | undefined;
  /** Default `icmp`. */
  readonly protocol?: TraceProtocol | undefined;
  /**
   * Default `paris`; `classic` for UDP without privileges, unless flows or a port are asked for: routers that quote no more
   * than RFC 792 demands show nothing else through the error queue.
   */
  readonly multipath?: TraceMultipath | undefined;
  /** Of the destination: default 33434 for UDP, the first one with `classic`; 80 for TCP. Not for ICMP. */
  readonly port?: number | undefined;
  /** Of the own side, of the first flow; default one that is free. Not for ICMP. */
  readonly sourcePort?: number | undefined;
  /** The own address; default what the routing table says. */
  readonly source?: IPAddress | undefined;
  /** Paths to follow at once, 1 to 64, default 1; each is a flow of its own to load balancers. */
  readonly flows?: number | undefined;
  /** TTL or hop limit of the first and of the last hop, 1 to 255; default 1 and 30. */
  readonly firstHop?: number | undefined;
  readonly maxHops?: number | undefined;
  /** Probes to each hop in each round and flow, 1 to 100; default 3, and 1 with several rounds or flows. */
  readonly queries?: number | undefined;
  /** Milliseconds after which a probe is lost; default 3000 at most, see {@link adaptive}. */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether a silent hop is given up sooner than {@link timeoutMs}, by the round trips of the answers that there are;
   * default where nobody has asked for a timeout, nor for several rounds, whose figures are to be right.
   */
  readonly adaptive?: boolean | undefined;
  /** Milliseconds from one probe to the next; default 1. */
  readonly spacingMs?: number | undefined;
  /** Hops to be tried beyond the last one that has been heard of, 1 to 255; default 16. */
  readonly window?: number | undefined;
  /** Silent hops in a row after which the trace goes no further; default none. */
  readonly gap?: number | undefined;
  /** How often the path is traced: default 1; Infinity until the signal. */
  readonly rounds?: number | undefined;
  /** Milliseconds from the beginning of one round to that of the next; default 1000. */
  readonly intervalMs?: number | undefined;
  /** Milliseconds after which the trace ends, whatever it has seen; default none. */
  readonly deadlineMs?: number | undefined;
  /** Bytes of a packet, IP header included; default, and least, what the protocol and the identity of probes take. */
  readonly packetSize?: number | undefined;
  /**
   * Whether routers may not fragment probes: those that are too long for a link come back as `!F`. Default false; over
   * IPv6, where routers never do, it is only whether this machine may.
   */
  readonly dontFragment?: boolean | undefined;
  /** TOS byte or traffic class of the probes; default 0. */
  readonly trafficClass?: number | undefined;
  /** Is kept up to date with every probe and answer, for those who want to look on while it runs. */
  readonly table?: TraceTable | undefined;
  /** Pauses and resumes the rounds. */
  readonly control?: TraceControl | undefined;
  /** Called when the sockets are open, before the first probe. */
  readonly onOpen?: (opened: TraceOpened) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a trace has found out before its first probe. */
export interface TraceOpened {
  readonly socket: 'raw' | 'dgram';
  readonly source: IPAddress;
  /** The largest TTL that will be tried. */
  readonly maxHops: number;
  /** Bytes of a probe, IP header included. */
  readonly packetSize: number;
  readonly protocol: TraceProtocol;
  readonly multipath: TraceMultipath;
  readonly flows: number;
  readonly port: number | null;
}
