/** From the flags of `raw ping` to what is asked of the library; what has no meaning is refused here, by its flag. */
import { UsageError } from '../../src/errors.js';
import { DEFAULT_SIZE, type PingPlan, TIMEOUT_MAX_MS } from '../../src/raw/ping/options.js';
import { GAP_MS } from '../../src/raw/ping/search-schedule.js';
import { TOKEN_LENGTH } from '../../src/raw/ping/token.js';
import { type IPFamily, parseIP, tryParseIP } from '../../src/sockaddr/ip.js';
import { ICMP_HEADER } from '../../src/wire/icmp.js';
import { chosenFamily } from '../args/common.js';
import { FAR_RATE_MAX, type FarRate } from '../args/far-rate.js';
import type { OnlyFamily } from '../args/hosts.js';
import type { PingFlags } from '../args/ping-options.js';
import type { Names } from '../render/ping-sinks.js';

/** As fping(8) has it. */
const NAMES_RETRIES = 3;
/** Four probes to a host that is silent take as long as fping's four, which wait longer each time. */
const NAMES_TIMEOUT_MS = 1000;

/** Pairs of flags that exclude each other, with what to do instead. */
const EXCLUSIONS: readonly (readonly [keyof PingFlags, keyof PingFlags, string])[] = [
  ['alive', 'unreachable', 'one of them: what is not the one is the other'],
  ['alive', 'live', 'names are for programs, a view is for people'],
  ['unreachable', 'live', 'names are for programs, a view is for people'],
  ['alive', 'summaryOnly', 'names are all that is printed'],
  ['unreachable', 'summaryOnly', 'names are all that is printed'],
  ['alive', 'histogram', 'names are all that is printed'],
  ['unreachable', 'histogram', 'names are all that is printed'],
  ['alive', 'pmtuSearch', 'leave one out'],
  ['unreachable', 'pmtuSearch', 'leave one out'],
  ['live', 'summaryOnly', 'a view is there to be watched'],
  ['live', 'progress', 'a view shows figures all the time'],
  ['live', 'pmtuSearch', 'leave one out'],
  ['flood', 'adaptive', 'each of them sets the pace'],
  ['flood', 'interval', 'a flood goes by the answers; slow it down with --rate'],
  ['flood', 'retry', 'a retry waits for the timeout'],
  ['flood', 'alive', 'a retry waits for the timeout'],
  ['flood', 'unreachable', 'a retry waits for the timeout'],
  ['flood', 'pmtuSearch', 'the search sets its own pace'],
  ['retry', 'count', 'with --retry the first answer is the last'],
  ['retry', 'pmtuSearch', 'with the search, -c says how often a size is tried'],
  ['pmtuSearch', 'rate', 'the search sets its own pace'],
  ['pmtuSearch', 'interval', 'the search sets its own pace'],
  ['pmtuSearch', 'adaptive', 'the search sets its own pace'],
  ['pmtuSearch', 'recordRoute', 'the route takes room in the header'],
  ['adaptive', 'retry', 'a retry waits for the timeout'],
  ['adaptive', 'alive', 'a retry waits for the timeout'],
  ['adaptive', 'unreachable', 'a retry waits for the timeout'],
  ['pmtuSearch', 'size', 'the search chooses the sizes'],
  ['pmtuSearch', 'pmtu', 'the search sets what becomes of large packets'],
  ['pmtuSearch', 'timestampRequest', 'a timestamp request has one size'],
  ['pmtuSearch', 'broadcast', 'the search is about one path'],
  ['timestampRequest', 'size', 'a timestamp request has one size'],
  ['timestampRequest', 'pattern', 'a timestamp request has no payload'],
];

/** The flags as they are written, where that is not their name. */
const WRITTEN: Partial<Record<keyof PingFlags, string>> = {
  count: '-c',
  interval: '-i',
  size: '-s',
  pmtu: '-M',
  pattern: '-p',
  flood: '--flood',
};

/**
 * @throws UsageError for flags that contradict each other
 */
export function checkPingFlags(flags: PingFlags, { json }: { readonly json: boolean }): void {
  const isGiven = (name: keyof PingFlags) => flags[name] !== undefined && flags[name] !== false;
  for (const [one, other, advice] of EXCLUSIONS) {
    if (isGiven(one) && isGiven(other))
      throw new UsageError(`${written(one)} and ${written(other)}: one of them`, advice);
  }
  const tries = flags.retry !== undefined ? 'retry' : flags.count === undefined ? namesOf(flags) : undefined;
  if (tries !== undefined && flags.interval !== undefined && flags.interval > 0) {
    const advice = 'a retry waits for the timeout, -W; how fast hosts follow each other is --rate, or -i 0';
    throw new UsageError(`${written('interval')} and ${written(tries)}: one of them`, advice);
  }
  if (flags.live === true && json) {
    throw new UsageError('--live and --json: one of them', 'records with the figures: --json --progress 1s');
  }
  if (flags.timeout !== undefined && flags.timeout > TIMEOUT_MAX_MS) {
    throw new UsageError('-W: above an hour', 'a probe is forgotten before that');
  }
  if (flags.pattern !== undefined && (flags.size ?? DEFAULT_SIZE) <= TOKEN_LENGTH) {
    throw new UsageError(
      `-p: the first ${TOKEN_LENGTH} bytes of payload say whose probe it is, and there are ${flags.size}`,
      `give it room: -s ${TOKEN_LENGTH + flags.pattern.length} or more`,
    );
  }
  const { interface: name } = flags;
  if (name !== undefined && tryParseIP(name) !== undefined) {
    throw new UsageError(`-I ${name}: that is an address`, `the own address is given with -S ${name}`);
  }
}

function written(name: keyof PingFlags): string {
  return WRITTEN[name] ?? `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The one family that the hosts can be of.
 *
 * @throws UsageError where flags ask for both
 */
export function onlyFamily(flags: PingFlags): OnlyFamily | undefined {
  const wanted: OnlyFamily[] = [];
  const family = chosenFamily(flags);
  if (family !== undefined) wanted.push({ family, flag: family === 'ipv4' ? '-4' : '-6' });
  if (flags.timestampRequest === true) wanted.push({ family: 'ipv4', flag: '--timestamp-request' });
  if (flags.recordRoute === true) wanted.push({ family: 'ipv4', flag: '--record-route' });
  if (flags.broadcast === true) wanted.push({ family: 'ipv4', flag: '--broadcast' });
  if (flags.source !== undefined) {
    wanted.push({ family: parseIP(flags.source).family, flag: `--source ${flags.source}` });
  }
  const [first] = wanted;
  const other = wanted.find((one) => one.family !== first?.family);
  if (first === undefined || other === undefined) return first;
  const text: Record<IPFamily, string> = { ipv4: 'IPv4', ipv6: 'IPv6' };
  const what = `${first.flag} and ${other.flag}: ${text[first.family]} and ${text[other.family]}`;
  throw new UsageError(what, 'leave one out');
}

/** The names that are asked for alone. */
export function namesOf({ alive, unreachable }: PingFlags): Names | undefined {
  return alive === true ? 'alive' : unreachable === true ? 'unreachable' : undefined;
}

/** Whether it goes on until somebody ends it. */
function isEndless(flags: PingFlags, several: boolean): boolean {
  return !several || flags.live === true || flags.flood === true || flags.adaptive === true;
}

/**
 * @param several whether the user has named several hosts, or a block or file of them: those are gone through once
 */
export function planPing(flags: PingFlags, several: boolean): PingPlan {
  const { count, size, rate, retry, pmtuSearch } = flags;
  const names = namesOf(flags);
  const retries = retry ?? (names !== undefined && count === undefined ? NAMES_RETRIES : undefined);
  const once = retries === undefined && pmtuSearch !== true && !isEndless(flags, several) ? 1 : undefined;
  const ratePerSecond = rate === undefined ? usualRate(flags, several) : perSecond(rate, size ?? DEFAULT_SIZE);
  return {
    count: count ?? once,
    retries,
    intervalMs: flags.interval ?? intervalOf(flags, several, ratePerSecond),
    ratePerSecond,
    timeoutMs: flags.timeout ?? (names === undefined ? undefined : NAMES_TIMEOUT_MS),
    deadlineMs: flags.deadline,
    flood: flags.flood,
    adaptive: flags.adaptive,
    randomOrder: flags.seed === undefined ? flags.randomOrder : { seed: flags.seed },
    kind: flags.timestampRequest === true ? 'timestamp' : 'echo',
    size,
    pattern: flags.pattern,
    broadcast: flags.broadcast,
    pmtuSearch,
    recordRoute: flags.recordRoute,
    histogram: flags.histogram,
    userLatency: (flags.verbose ?? 0) > 0,
  };
}

/** Of one host, the rate alone says how often. */
function intervalOf({ rate, flood, adaptive }: PingFlags, several: boolean, ratePerSecond = 1): number | undefined {
  return several || rate === undefined || flood === true || adaptive === true ? undefined : 1000 / ratePerSecond;
}

/** Of several hosts, where no flag says how fast. */
function usualRate({ interval, flood, adaptive, pmtuSearch }: PingFlags, several: boolean): number | undefined {
  if (!several || interval !== undefined || flood === true || adaptive === true || pmtuSearch === true)
    return undefined;
  return FAR_RATE_MAX;
}

/** Packets a second; bits are those of ICMP, as those of `udp send` are of its payload. */
function perSecond({ value, unit }: NonNullable<PingFlags['rate']>, size: number): number {
  return unit === 'bits' ? value / (8 * (size + ICMP_HEADER)) : value;
}

/** How fast the plan may get with so many hosts, and which flag is to blame. */
export function paceOf({ rate, adaptive, yes }: PingFlags, plan: PingPlan, hosts: number): FarRate {
  const { count, retries, flood, ratePerSecond = Number.POSITIVE_INFINITY, intervalMs = 1000 } = plan;
  if (plan.pmtuSearch === true) return { flag: '--pmtu-search', perSecond: (hosts * 1000) / GAP_MS, yes };
  const flag = rate !== undefined ? '--rate' : flood === true ? '--flood' : adaptive === true ? '--adaptive' : '-i';
  // A flood, and no interval, go as fast as answers come, or the machine can.
  const unlimited = flood === true || intervalMs === 0;
  // The library leaves a millisecond between the first probes to hosts, and adapts to no less than that; with a rate,
  // hosts begin as fast as that allows.
  const once = count === 1 || retries !== undefined;
  const steady = adaptive === true ? hosts * 1000 : once ? 1000 : (hosts * 1000) / intervalMs;
  const byInterval = ratePerSecond !== Number.POSITIVE_INFINITY && hosts > 1 ? ratePerSecond : steady;
  return { flag, perSecond: unlimited ? ratePerSecond : Math.min(ratePerSecond, byInterval), yes };
}
