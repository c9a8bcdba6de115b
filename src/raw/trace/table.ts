/**
 * The figures of a path over all rounds: a row for each hop, as mtr(8) has them. A running trace keeps it up to date; it
 * knows neither a socket nor a clock, and takes no more memory however long the trace goes on.
 */
import type { Timestamp } from '../../measure/clock.js';
import { RoundTrips } from '../../measure/round-trips.js';
import type { IcmpExtension } from '../../wire/icmp-extension.js';
import type { AnsweredProbe } from './records.js';

/** Addresses that a hop is remembered to have; what more there are is counted with {@link TraceRow.otherAddresses}. */
const ADDRESSES_MAX = 64;
/** Round trips that a row keeps for a picture of the last ones. */
const RECENT = 64;

/** Who has answered at a hop, how often, and what the last answer had with it. */
export interface TraceAddress {
  readonly address: string;
  readonly received: number;
  /** The flows that have met it, ascending. */
  readonly flows: readonly number[];
  readonly extensions: readonly IcmpExtension[];
  /** What its last answer said of the destination: see {@link TraceRow.unreachable}. */
  readonly unreachable: string | null;
  /** When its last answer came in. */
  readonly lastTime: Timestamp;
}

/** One hop. Milliseconds; null of each where there is no answer yet, of jitter where there are fewer than two. */
export interface TraceRow {
  readonly ttl: number;
  /** Probes that have left: sent = received + late + lost + inFlight. */
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly inFlight: number;
  /** Probes that were answered after they had been given up: neither received nor lost. */
  readonly late: number;
  /** Answers beyond the first one to a probe. */
  readonly duplicates: number;
  /** Probes that this machine would not send; none of them is in `sent`. */
  readonly refused: number;
  /** Of the probes that have an outcome: those that nothing came back for, in percent with two digits; 0 where none has. */
  readonly lossPercent: number;
  readonly lastMs: number | null;
  readonly bestMs: number | null;
  readonly meanMs: number | null;
  readonly worstMs: number | null;
  readonly stddevMs: number | null;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  /** Mean difference between one round trip and the next. */
  readonly jitterMs: number | null;
  /** In the order of their first answer. */
  readonly addresses: readonly TraceAddress[];
  /** Answers from addresses that there was no room for. */
  readonly otherAddresses: number;
  /** The outcomes of the last probes, oldest first: the round trip, or null for one that was lost. */
  readonly recentMs: readonly (number | null)[];
  /** The target has answered here. */
  readonly reached: boolean;
  /** What the last answer said of the destination; each address has its own. */
  readonly unreachable: string | null;
  readonly nat: boolean;
  /** Quotes here had another DSCP than was sent. */
  readonly dscpChanged: boolean;
}

/** What its owner tells a running trace. */
export class TraceControl {
  /** While it is true no new round is begun; the schedule goes on, and what is in flight is waited for. */
  paused = false;
}

/** What an answer means for the hop: see {@link TraceRow}. */
export interface AnswerMeaning {
  readonly reached: boolean;
  readonly unreachable: string | null;
}

interface Seen {
  received: number;
  readonly flows: Set<number>;
  extensions: readonly IcmpExtension[];
  unreachable: string | null;
  lastTime: Timestamp;
}

class Row {
  readonly addresses = new Map<string, Seen>();
  readonly recent: (number | null)[] = [];
  readonly roundTrips = new RoundTrips();
  readonly counts = { sent: 0, received: 0, lost: 0, late: 0, duplicates: 0, refused: 0, otherAddresses: 0 };
  last: number | null = null;
  reached = false;
  unreachable: string | null = null;
  nat = false;
  dscpChanged = false;

  remember(outcome: number | null): void {
    this.recent.push(outcome);
    if (this.recent.length > RECENT) this.recent.shift();
  }

  see({ address, flow, extensions, time }: AnsweredProbe, unreachable: string | null): void {
    let seen = this.addresses.get(address);
    if (seen === undefined) {
      if (this.addresses.size >= ADDRESSES_MAX) {
        this.counts.otherAddresses++;
        return;
      }
      seen = { received: 0, flows: new Set(), extensions, unreachable, lastTime: time };
      this.addresses.set(address, seen);
    }
    seen.received++;
    seen.flows.add(flow);
    seen.extensions = extensions;
    seen.unreachable = unreachable;
    seen.lastTime = time;
  }

  view(ttl: number): TraceRow {
    const { sent, received, lost, late, duplicates, refused, otherAddresses } = this.counts;
    const { min, mean, max, stddev, p50, p90, p99 } = this.roundTrips.summary();
    const settled = received + late + lost;
    return {
      ttl,
      sent,
      received,
      lost,
      inFlight: sent - settled,
      late,
      duplicates,
      refused,
      lossPercent: settled === 0 ? 0 : Math.round((10_000 * lost) / settled) / 100,
      lastMs: this.last,
      bestMs: min,
      meanMs: mean,
      worstMs: max,
      stddevMs: stddev,
      p50Ms: p50,
      p90Ms: p90,
      p99Ms: p99,
      jitterMs: this.roundTrips.jitterMs,
      addresses: [...this.addresses].map(([address, seen]) => ({
        address,
        received: seen.received,
        flows: [...seen.flows].sort((a, b) => a - b),
        extensions: seen.extensions,
        unreachable: seen.unreachable,
        lastTime: seen.lastTime,
      })),
      otherAddresses,
      recentMs: [...this.recent],
      reached: this.reached,
      unreachable: this.unreachable,
      nat: this.nat,
      dscpChanged: this.dscpChanged,
    };
  }
}

/** Only a running trace calls what changes it, but for {@link reset}. */
export class TraceTable {
  #rows = new Map<number, Row>();
  #first = 1;
  /** The last hop that is told. */
  #end: number | undefined;
  #heard = 0;
  /** Counts resets: probes that left before the last one have no place here any more. */
  epoch = 0;

  /** The rows of all hops up to the end of the path as it is known by now, ascending. */
  rows(): readonly TraceRow[] {
    const rows: TraceRow[] = [];
    for (let ttl = this.#first; ttl <= (this.#end ?? this.#heard); ttl++) {
      rows.push((this.#rows.get(ttl) ?? new Row()).view(ttl));
    }
    return rows;
  }

  /** Forgets all figures, and the addresses; what is in flight is not counted when it comes back. */
  reset(): void {
    this.#rows = new Map();
    this.epoch++;
  }

  /** The hops that there are: from `first` to `end`, or to the last one that has answered while that is not known. */
  span(first: number, end: number | undefined): void {
    this.#first = first;
    this.#end = end;
  }

  sent(ttl: number): void {
    this.#row(ttl).counts.sent++;
  }

  /** @param late whether it had been told lost before */
  answered(ttl: number, answer: AnsweredProbe, late: boolean, meaning: AnswerMeaning): void {
    const row = this.#row(ttl);
    if (late) {
      row.counts.lost--;
      row.counts.late++;
    } else {
      row.counts.received++;
      if (answer.rttMs !== null) row.remember(answer.rttMs);
    }
    if (answer.rttMs !== null) {
      row.roundTrips.add(answer.rttMs);
      row.last = answer.rttMs;
    }
    row.see(answer, meaning.unreachable);
    row.reached ||= meaning.reached;
    row.unreachable = meaning.unreachable;
    row.nat ||= answer.nat === true;
    row.dscpChanged ||= answer.dscpChanged === true;
    this.#heard = Math.max(this.#heard, ttl);
  }

  duplicate(ttl: number): void {
    this.#row(ttl).counts.duplicates++;
  }

  refused(ttl: number): void {
    this.#row(ttl).counts.refused++;
  }

  lost(ttl: number): void {
    const row = this.#row(ttl);
    row.counts.lost++;
    row.remember(null);
  }

  #row(ttl: number): Row {
    let row = this.#rows.get(ttl);
    if (row === undefined) {
      row = new Row();
      this.#rows.set(ttl, row);
    }
    return row;
  }
}
