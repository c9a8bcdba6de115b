/** A trace as the lines that users of traceroute(8) read: a hop at a time, its marks, what came with it, and the end. */

import { elapsedMs } from '../../src/measure/clock.js';
import { unreachableMark } from '../../src/raw/trace/marks.js';
import type { TraceOpened, TraceTarget } from '../../src/raw/trace/options.js';
import type {
  AnsweredProbe,
  QuotedHeader,
  TraceHop,
  TraceProbe,
  TraceSummary,
  UnansweredProbe,
} from '../../src/raw/trace/records.js';
import type { IPAddress } from '../../src/sockaddr/ip.js';
import { withoutZone } from '../../src/sockaddr/zone.js';
import { icmpName, icmpv6Name } from '../../src/wire/names.js';
import { counted, milliseconds } from './report.js';
import { extensionText, type FactsOf, hostText } from './trace-hosts.js';
import { distinctPaths, flowsText, pathLines } from './trace-paths.js';

export interface TraceTextOptions {
  readonly flows: number;
  readonly trafficClass: number;
  /** Also why there is no answer, and extensions that nobody knows. */
  readonly verbose: boolean;
  readonly facts: FactsOf;
}

const MISSING: Readonly<Record<UnansweredProbe['reason'], string>> = {
  timeout: 'no answer in time',
  'in-flight': 'still waiting',
  refused: 'refused by this machine',
  'not-sent': 'not sent',
};

/** Round trips of a flow's group that are shown one by one; of more, the shortest and the longest. */
const TIMES = 3;
/** What stands under a hop begins where its first address does. */
const INDENT = '    ';

/** `trace to host (10.0.0.9) from 10.0.0.1: ICMP, paris, 30 hops at most, 60 bytes` */
export function traceHeader({ name, address }: TraceTarget, opened: TraceOpened): string {
  const { source, protocol, multipath, flows, maxHops, packetSize, port } = opened;
  const how = [
    `${protocol.toUpperCase()}${port === null ? '' : ` port ${port}`}`,
    flows > 1 ? `${multipath}, ${flows} flows` : multipath,
    `${counted(maxHops, 'hop')} at most`,
    `${packetSize} bytes`,
  ];
  const text = address.toString();
  return `trace to ${name === text ? text : `${name} (${text})`} from ${source.toString()}: ${how.join(', ')}`;
}

/** The lines of one trace; it remembers what it has said already. */
export class TraceText {
  readonly #options: TraceTextOptions;
  /** The addresses that the probes have had, from {@link header} on. */
  #ends: { readonly source: string; readonly destination: string } | undefined;
  readonly #hops: TraceHop[] = [];
  /** What is true from some hop on is said there, and when it changes. */
  #nat = '';
  #dscp = '';
  /** The errors of this machine that it has been said of what to try. */
  readonly #advised = new Set<string>();

  constructor(options: TraceTextOptions) {
    this.#options = options;
  }

  header(target: TraceTarget, opened: TraceOpened): string {
    this.#ends = { source: plain(opened.source), destination: plain(target.address) };
    return traceHeader(target, opened);
  }

  /** @param hop the next one */
  hop(hop: TraceHop): string[] {
    this.#hops.push(hop);
    const outcomes = this.#options.flows > 1 ? this.#byAddress(hop) : [this.#inOrder(hop)];
    const lines = outcomes.map((text, at) => `${at === 0 ? String(hop.ttl).padStart(2) : '  '}  ${text}`);
    return [...lines, ...this.#details(hop).map((text) => `${INDENT}[${text}]`)];
  }

  /** How it has ended, with the paths of several flows in front. */
  end(summary: TraceSummary): string[] {
    const { flows } = this.#options;
    return [
      ...(flows > 1 ? pathLines(distinctPaths(this.#hops, flows), this.#hops[0]?.ttl ?? 1) : []),
      ...ambiguousLine(summary),
      endOf(summary, lastWord(this.#hops, summary.endReason === 'unreachable')),
    ];
  }

  /** Each probe in its turn; the address where it is another one than before. */
  #inOrder(hop: TraceHop): string {
    let before: string | undefined;
    const parts = hop.probes.map((probe) => {
      if (probe.address === null) return this.#missing(probe);
      const known = probe.address === before;
      before = probe.address;
      const time = `${timeOf(probe.rttMs)}${markOf(probe, hop)}`;
      return known ? time : `${this.#host(probe.address)}  ${time}`;
    });
    return parts.join('  ');
  }

  /** A line for each address, with the flows that have met it; one for those that have met nobody. */
  #byAddress(hop: TraceHop): string[] {
    const groups = new Map<string | null, TraceProbe[]>();
    for (const probe of hop.probes) {
      const group = groups.get(probe.address);
      if (group === undefined) groups.set(probe.address, [probe]);
      else group.push(probe);
    }
    const silent = groups.get(null);
    groups.delete(null);
    const lines = [...groups.values()].map((group) => this.#group(group as AnsweredProbe[], hop, groups.size === 1));
    if (silent === undefined) return lines;
    const reasons = [...new Set(silent.map((probe) => this.#missing(probe as UnansweredProbe)))];
    return [...lines, `${reasons.join('  ')}${groups.size === 0 ? '' : `  [${flowsOf(silent)}]`}`];
  }

  #group(probes: readonly AnsweredProbe[], hop: TraceHop, alone: boolean): string {
    const times = probes.map(({ rttMs }) => rttMs).filter((time) => time !== null);
    const shown =
      probes.length <= TIMES || times.length === 0
        ? probes
            .slice(0, TIMES)
            .map(({ rttMs }) => timeOf(rttMs))
            .join('  ')
        : `${milliseconds(Math.min(...times))}-${milliseconds(Math.max(...times))} ms`;
    const marks = [...new Set(probes.map((probe) => markOf(probe, hop)))].join('');
    const address = (probes[0] as AnsweredProbe).address;
    const all = alone && new Set(probes.map(({ flow }) => flow)).size === this.#options.flows;
    return `${this.#host(address)}  ${shown}${marks}${all ? '' : `  [${flowsOf(probes)}]`}`;
  }

  #host(address: string): string {
    return hostText(address, this.#options.facts(address));
  }

  #missing({ reason }: UnansweredProbe): string {
    return this.#options.verbose ? `* (${MISSING[reason]})` : '*';
  }

  /** What came with the answers, each thing once. */
  #details({ probes, atMost }: TraceHop): string[] {
    const details = new Set<string>();
    const refusals = new Set<string>();
    if (atMost) details.add('here or nearer: some answers are missing, and none says which probe it is to');
    for (const probe of probes) {
      if (probe.address === null) {
        if (probe.message !== undefined && !refusals.has(probe.message)) {
          refusals.add(probe.message);
          details.add(probe.message + this.#adviceOf(probe));
        }
        continue;
      }
      for (const extension of probe.extensions) {
        const text = extensionText(extension, this.#options.verbose);
        if (text !== undefined) details.add(text);
      }
      for (const text of this.#changes(probe)) details.add(text);
    }
    return [...details];
  }

  /** What to try: with the first one of a code. */
  #adviceOf({ code, advice }: UnansweredProbe): string {
    if (code === undefined || advice === undefined || this.#advised.has(code)) return '';
    this.#advised.add(code);
    return `; ${advice}`;
  }

  #translation({ source, destination }: QuotedHeader): string {
    const parts = [
      ...(source === this.#ends?.source ? [] : [`from ${source}`]),
      ...(destination === this.#ends?.destination ? [] : [`to ${destination}`]),
    ];
    return parts.length === 0 ? 'another port, identifier or checksum' : `quoted as ${parts.join(' ')}`;
  }

  /** What routers before this one have done to the probe, as its quote shows. */
  *#changes({ nat, dscpChanged, quoted }: AnsweredProbe): Generator<string> {
    const translated = nat === true ? `NAT: ${quoted === null ? 'translated' : this.#translation(quoted)}` : '';
    if (nat !== null && translated !== this.#nat) {
      this.#nat = translated;
      if (translated !== '') yield translated;
    }
    const marked =
      dscpChanged === true && quoted !== null ? `DSCP: ${this.#options.trafficClass >> 2} became ${quoted.dscp}` : '';
    if (dscpChanged !== null && marked !== this.#dscp) {
      this.#dscp = marked;
      if (marked !== '') yield marked;
    }
  }
}

/** `?` where nobody can tell. */
function timeOf(rttMs: number | null): string {
  return rttMs === null ? '?' : `${milliseconds(rttMs)} ms`;
}

function plain(address: IPAddress): string {
  return withoutZone(address).toString();
}

function flowsOf(probes: readonly TraceProbe[]): string {
  return flowsText([...new Set(probes.map(({ flow }) => flow))].sort((a, b) => a - b));
}

/** That a port is closed is how a target answers. */
function markOf(probe: AnsweredProbe, { reached }: TraceHop): string {
  const mark = unreachableMarkOf(probe);
  return mark === null || (reached && mark === '!p') ? '' : ` ${mark}`;
}

function unreachableMarkOf({ address, icmpType, icmpCode, mtu }: AnsweredProbe): string | null {
  if (icmpType === null || icmpCode === null) return null;
  return unreachableMark(address.includes(':') ? 'ipv6' : 'ipv4', icmpType, icmpCode, mtu);
}

/** How several rounds have ended, and what of them this machine has not sent. */
export function reportEnd(summary: TraceSummary): string[] {
  const { refused, message, advice } = summary;
  return [
    ...(refused === 0 ? [] : [`${counted(refused, 'probe')} refused by this machine: ${message}; ${advice}`]),
    ...ambiguousLine(summary),
    roundsEnd(summary),
  ];
}

/** Routers have answered, though their hops look silent. */
function ambiguousLine({ ambiguous }: TraceSummary): string[] {
  if (ambiguous === 0) return [];
  return [`${counted(ambiguous, 'answer')} could not be told apart: too little is quoted; try --multipath classic`];
}

function roundsEnd(summary: TraceSummary): string {
  const { path, rounds } = summary;
  const last = path.findLast(({ addresses }) => addresses.length > 0);
  const [seen] = [...(last?.addresses ?? [])].sort((a, b) => elapsedMs(a.lastTime, b.lastTime));
  const word =
    last === undefined || seen === undefined
      ? 'nobody has answered'
      : `the last answer is from ${seen.address} at hop ${last.ttl}${seen.unreachable === null ? '' : ` (${seen.unreachable})`}`;
  return `${endOf(summary, word)}; ${counted(rounds, 'round')}`;
}

/** @param word who was heard of last */
function endOf({ address, reached, hops, atMost, endReason, path }: TraceSummary, word: string): string {
  const first = path[0]?.ttl ?? 1;
  if (reached && first > 1 && hops === first) return `reached ${address} at the first hop tried, ${hops}, or before`;
  if (reached) return `reached ${address} in ${counted(hops, 'hop')}${atMost ? ' at most' : ''}`;
  const why = {
    reached: 'not reached',
    'max-hops': `not reached in ${counted(hops, 'hop')}`,
    unreachable: 'not reached',
    gap: 'not reached: too many silent hops in a row',
    interrupted: 'interrupted, not reached',
    deadline: 'out of time (--deadline), not reached',
    error: 'ended by an error, not reached',
  }[endReason];
  return `${why}: ${word}`;
}

/** Who has said that it goes no further, or who was the last to answer. */
function lastWord(hops: readonly TraceHop[], unreachable: boolean): string {
  for (const { ttl, probes } of [...hops].reverse()) {
    for (const probe of [...probes].reverse()) {
      if (probe.address === null) continue;
      const mark = unreachableMarkOf(probe);
      if (mark !== null) return `${probe.address} at hop ${ttl} says '${messageOf(probe)}' (${mark})`;
      if (!unreachable) return `the last answer is from ${probe.address} at hop ${ttl}`;
    }
  }
  return 'nobody has answered';
}

function messageOf({ address, icmpType, icmpCode }: AnsweredProbe): string {
  const name = address.includes(':') ? icmpv6Name : icmpName;
  return name(icmpType ?? 0, icmpCode ?? 0);
}
