/** What a file of test/networks says: a network, and what must be found of it. */

/**
 * To which packets something happens: with a probability by the seed, to every so-manieth, or to those with the numbers
 * given. Packets are counted from 1, in each direction of each link.
 */
export type Pattern = number | { readonly every: number } | { readonly packets: readonly number[] };

/** What a direction of a link does to packets. */
export interface Impairment {
  /** Instead of the link's. */
  readonly delayMs?: number;
  /** Up to so much is added to the delay, by the seed; packets overtake each other for it. */
  readonly jitterMs?: number;
  readonly drop?: Pattern;
  /** A copy follows at once. */
  readonly duplicate?: Pattern;
  readonly corrupt?: {
    readonly when: Pattern;
    /** Which byte is turned over, counted from behind the IP header; packets that are shorter stay as they are. */
    readonly offset: number;
    /** Whether the checksum of ICMP, UDP or TCP is `mended`, so that only who knows the bytes can tell; default `kept`. */
    readonly checksum?: 'kept' | 'mended';
  };
  /** Held back for so long, so that those behind it overtake it. */
  readonly reorder?: { readonly when: Pattern; readonly byMs: number };
}

export interface LinkDescription {
  /** Two or more nodes: each with the next, by links of the same kind. */
  readonly path: readonly string[];
  readonly delayMs?: number;
  readonly jitterMs?: number;
  /** Bytes of the longest IP packet; default 1500. */
  readonly mtu?: number;
  /** In the order of `path`. */
  readonly there?: Impairment;
  readonly back?: Impairment;
  /** Addresses of a node on this link, which it reports errors from for packets that came over it. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

export interface MplsDescription {
  /** 0 to 1,048,575. */
  readonly label: number;
  readonly trafficClass?: number;
  readonly ttl?: number;
}

/** RFC 5837: the interface that the packet came in by. */
export interface InterfaceDescription {
  readonly index?: number;
  readonly name?: string;
  readonly mtu?: number;
}

/** Why a router passes packets on no further; a number is an ICMP code of 'destination unreachable' itself. */
export type Refusal = 'net' | 'host' | 'prohibited' | number;

interface NodeDescription {
  /** The first one of each family is the one that it speaks from; hosts may have prefixes. */
  readonly addresses: readonly string[];
  /** Answers nothing of its own: neither errors nor probes to it. */
  readonly silent?: boolean;
  /** Of ICMP errors: a bucket of `burst` (default 1) filled by `perSecond`. */
  readonly rateLimit?: { readonly perSecond: number; readonly burst?: number };
  /** What it answers from instead: one address of a family at most. */
  readonly answersFrom?: readonly string[];
  /** TTL of what it sends; default 64. */
  readonly ttl?: number;
  /** Bytes behind the IP header that its errors quote at most: 8 where they quote no more than RFC 792 asks for. */
  readonly quote?: number;
  /** RFC 4950: the labels of packets that it reports about. */
  readonly mpls?: readonly MplsDescription[];
  readonly interface?: InterfaceDescription;
  /** Whether the length of what is quoted is said where extensions follow (RFC 4884), the default, or it is 128 bytes without a word. */
  readonly quoteLength?: 'said' | 'unsaid';
  /** How long it takes to make an answer. */
  readonly thinkingMs?: number;
  /** Its clock, which ICMP timestamps are of, is so much ahead. */
  readonly clockAheadMs?: number;
}

export interface RouterDescription extends NodeDescription {
  readonly kind: 'router';
  /** Destinations that end here without a word: prefixes, or all that are not its own. */
  readonly blackHole?: true | readonly string[];
  /** Destinations that it reports as unreachable: always, or those packets, of the ones to them. */
  readonly refuses?: readonly { readonly to: string; readonly because: Refusal; readonly when?: Pattern }[];
  /** How one of several shortest ways is chosen; by default it is the one written first. */
  readonly balance?: 'flow' | 'packet' | 'destination';
  /** TTLs are not counted down, as inside of an MPLS tunnel that does not tell. */
  readonly keepsTtl?: boolean;
  /** 0 to 63: what it writes into the packets that it passes on; their ECN bits stay. */
  readonly dscp?: number;
  /** Packets of the prober leave it with this source. */
  readonly nat?: {
    readonly addresses: readonly string[];
    /** Added to source ports and identifiers of ICMP; default 0. */
    readonly ports?: number;
    /**
     * What quotes in errors are given back before they reach the prober: both, as Linux does, by default; without
     * `checksum` the quoted checksum of UDP and TCP stays that of the translated packet.
     */
    readonly restores?: readonly ('source' | 'checksum')[];
  };
}

export interface HostDescription extends NodeDescription {
  readonly kind: 'host';
  /** Default true. */
  readonly echo?:
    | boolean
    | {
        /** Which byte of the payload it turns over, the checksum being right. */
        readonly changes?: { readonly when: Pattern; readonly offset: number };
        /** How many replies it sends; default 1. */
        readonly copies?: number;
      };
  /** Whether it answers ICMP timestamp requests; default true. */
  readonly timestamp?: boolean;
  /** UDP ports are closed, the default: answered with 'port unreachable'; or have a service with words of its own. */
  readonly udp?: 'closed' | 'silent' | 'answers';
  readonly tcp?: { readonly open?: readonly number[]; readonly others?: 'closed' | 'silent' };
  /** Broadcast and multicast addresses that it hears. */
  readonly groups?: readonly string[];
}

export interface ProberDescription {
  readonly kind: 'prober';
  readonly addresses: readonly string[];
}

/** A hop as a trace must find it: the name of the node, null for one that does not answer, or more. */
export type HopDescription =
  | string
  | null
  | {
      /** One of them, or all of them where many flows are tried. */
      readonly nodes: readonly string[];
      /** Instead of the first address of the node. */
      readonly addresses?: readonly string[];
      readonly mpls?: readonly MplsDescription[];
      readonly interface?: InterfaceDescription;
      /** What the header quoted has of DSCP, where it differs from what was sent. */
      readonly quotedDscp?: number;
      /** Whether quotes show that a NAT lies before it. */
      readonly translated?: boolean;
    };

export interface ExpectedTrace {
  readonly hops: readonly HopDescription[];
  /** `silent`: nothing comes from beyond the last hop listed. */
  readonly end: 'reached' | 'unreachable' | 'silent';
  /** With `unreachable`, by family. */
  readonly code?: { readonly ipv4: number; readonly ipv6: number };
}

export interface ExpectedPing {
  /** Probes sent, and what becomes of them. */
  readonly count: number;
  readonly received: number;
  readonly duplicates?: number;
  /** Replies whose payload is not what was sent, and from which byte of it on. */
  readonly corrupt?: number;
  readonly corruptAt?: number;
  /** ICMP errors about the probes, and who sends them. */
  readonly errors?: number;
  readonly reporter?: string;
  /** Round trips are as long as that, and what the machine adds. */
  readonly rttMs?: number;
}

export interface ExpectationDescription {
  /** One for each family as a rule. */
  readonly targets: readonly string[];
  readonly trace?: ExpectedTrace;
  readonly ping?: ExpectedPing;
  /** Of the path, in bytes. */
  readonly pathMtu?: number;
}

export interface NetworkDescription {
  /** One sentence. */
  readonly about: string;
  /** Of all that happens by chance; default 1. */
  readonly seed?: number;
  /** By name; one of them is the prober. */
  readonly nodes: Readonly<Record<string, ProberDescription | RouterDescription | HostDescription>>;
  readonly links: readonly LinkDescription[];
  readonly expect?: readonly ExpectationDescription[];
}
