/** What ping can be asked for, and what is refused because it has no meaning. */
import { UsageError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import type { OptionSetting } from '../../options/settings.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { Backend } from '../../socket/port.js';
import type { PingStanding } from './records.js';

/** How probes follow each other and what becomes of them: what the state machine has to know. */
export interface PingPlan {
  /** Probes to each host; without it, until the signal or the deadline. */
  readonly count?: number | undefined;
  /**
   * Milliseconds from one probe to a host to the next; default 1,000. 0 is as fast as it goes, with `retries` too, where
   * nothing else has a meaning.
   */
  readonly intervalMs?: number | undefined;
  /**
   * Probes a second to all hosts together; Infinity for as fast as it goes. Without it the interval decides, and hosts
   * begin a millisecond after each other.
   */
  readonly ratePerSecond?: number | undefined;
  /** Milliseconds after which a probe counts as unanswered; default 2,000. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds after which the run ends, whatever is still in flight; as ping -w. */
  readonly deadlineMs?: number | undefined;
  /** As ping -f: the next probe to a host as soon as it has answered, or after 10 ms. The interval has no meaning then. */
  readonly flood?: boolean | undefined;
  /** As ping -A: the interval is the round trip, so that one probe or so is in flight. Above `intervalMs` it never gets. */
  readonly adaptive?: boolean | undefined;
  /**
   * Looks only whether a host is alive, as fping does: a host without an answer is sent to again up to so many times,
   * each time when the last probe has timed out, and is done with its first answer. Excludes `count`.
   */
  readonly retries?: number | undefined;
  /** Hosts in an order of their own: `seed` makes it repeatable. */
  readonly randomOrder?: boolean | { readonly seed: number } | undefined;
  /** An echo request, or a timestamp request (RFC 792), which is IPv4's and takes a raw socket. */
  readonly kind?: 'echo' | 'timestamp' | undefined;
  /** Payload bytes after the 8 of the ICMP header; default 56. From 16 on they hold what proves a reply to be ours. */
  readonly size?: number | undefined;
  /** Fills the payload, again and again, behind the first 16 bytes; without it the bytes count up. 1 to 256 bytes. */
  readonly pattern?: Uint8Array | undefined;
  /** Every target is a broadcast address: whoever answers is a replier. Multicast addresses are groups by themselves. */
  readonly broadcast?: boolean | undefined;
  /** Looks for the largest packet that gets there; `count` is then how often a size is tried before it is given up. */
  readonly pmtuSearch?: boolean | undefined;
  /** Replies tell `rttUserMs`. */
  readonly userLatency?: boolean | undefined;
  /** Asks the routers to write themselves into the header (RFC 791): IPv4 on a raw socket. */
  readonly recordRoute?: boolean | undefined;
  /** Summaries have their distribution in buckets. */
  readonly histogram?: boolean | undefined;
  /**
   * What is told: everything, or no replies, timeouts and errors but the summaries of the hosts, or the total alone.
   * Default `everything`.
   */
  readonly tell?: 'everything' | 'summaries' | 'total' | undefined;
}

/** What the sockets have to know. */
export interface PingSocketOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[] | undefined;
  /** TTL or hop limit of the probes, 1 to 255. */
  readonly ttl?: number | undefined;
  /** TOS byte or traffic class, 0 to 255. */
  readonly tos?: number | undefined;
  /** IP_MTU_DISCOVER: `do` never fragments, `want` goes by what is known of the path, `dont` does, `probe` ignores it. */
  readonly pmtu?: 'do' | 'want' | 'dont' | 'probe' | undefined;
  /** The interface that probes leave by: SO_BINDTODEVICE, and where that is not allowed IP_UNICAST_IF. */
  readonly interface?: string | undefined;
  /** The own address. */
  readonly source?: IPAddress | undefined;
}

export interface PingOptions extends PingPlan, PingSocketOptions {
  /** Called when the sockets are open, before the first probe. */
  readonly onOpen?: (() => void) | undefined;
  /** Called with the first probe; `standing` tells at any time how the run stands. */
  readonly onStart?: ((standing: () => PingStanding) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const DEFAULT_INTERVAL_MS = 1000;
export const DEFAULT_TIMEOUT_MS = 2000;
export const DEFAULT_SIZE = 56;
/** The largest IPv4 packet less its header and that of ICMP. */
export const SIZE_MAX = 65_507;

/**
 * @throws UsageError for values outside of their range, and for options that contradict each other
 */
export function checkPingOptions(options: PingPlan & Partial<PingSocketOptions>): void {
  const { count, retries, size = DEFAULT_SIZE, pattern, kind, flood, adaptive, pmtuSearch, ttl, tos } = options;
  inRange('count', count, 1, Number.MAX_SAFE_INTEGER);
  inRange('retries', retries, 0, 1000);
  inRange('size', size, 0, SIZE_MAX);
  inRange('ttl', ttl, 1, 255);
  inRange('tos', tos, 0, 255);
  inRange('pattern length', pattern?.length, 1, 256);
  positive('interval', options.intervalMs, true);
  positive('timeout', options.timeoutMs, false);
  positive('deadline', options.deadlineMs, false);
  if (options.deadlineMs !== undefined && options.deadlineMs > TIMER_MAX_MS) {
    throw new UsageError(`ping: deadline ${options.deadlineMs} ms is above 24 days`, 'leave it out');
  }
  positive('rate', options.ratePerSecond, false);
  if (options.timeoutMs !== undefined && options.timeoutMs > TIMEOUT_MAX_MS) {
    throw new UsageError(`ping: timeout ${options.timeoutMs} ms is above an hour`, 'give a shorter one');
  }
  exclude('retries', retries !== undefined, 'count', count !== undefined, 'with retries the first answer is the last');
  exclude('flood', flood === true, 'adaptive', adaptive === true, 'each of them sets the pace: choose one');
  exclude('retries', retries !== undefined, 'flood', flood === true, 'retries come after the timeout');
  exclude('pmtu search', pmtuSearch === true, 'flood', flood === true, 'the search sets its own pace');
  exclude('pmtu search', pmtuSearch === true, 'retries', retries !== undefined, 'count says how often a size is tried');
  exclude(
    'pmtu search',
    pmtuSearch === true,
    'rate',
    options.ratePerSecond !== undefined,
    'the search sets its own pace',
  );
  exclude('pmtu search', pmtuSearch === true, 'adaptive', adaptive === true, 'the search sets its own pace');
  exclude(
    'pmtu search',
    pmtuSearch === true,
    'record route',
    options.recordRoute === true,
    'it takes room in the header',
  );
  exclude('adaptive', adaptive === true, 'retries', retries !== undefined, 'retries come after the timeout');
  exclude('pmtu search', pmtuSearch === true, 'timestamp', kind === 'timestamp', 'a timestamp request has one size');
  exclude('pmtu search', pmtuSearch === true, 'broadcast', options.broadcast === true, 'a search is about one path');
}

/** What a timer of Node can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export const TIMEOUT_MAX_MS = 3_600_000;

function inRange(what: string, value: number | undefined, low: number, high: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= low && value <= high)) return;
  throw new UsageError(`ping: ${what} ${value} is not a whole number from ${low} to ${high}`);
}

function positive(what: string, value: number | undefined, zero: boolean): void {
  if (value === undefined || value > 0 || (zero && value === 0)) return;
  throw new UsageError(`ping: ${what} ${value} is not ${zero ? 'a time' : 'above 0'}`);
}

function exclude(one: string, hasOne: boolean, other: string, hasOther: boolean, advice: string): void {
  if (hasOne && hasOther) throw new UsageError(`ping: ${one} and ${other} exclude each other`, advice);
}

/** Whether single probes are told of. */
export function tellsReplies({ tell }: PingPlan): boolean {
  return tell === undefined || tell === 'everything';
}
