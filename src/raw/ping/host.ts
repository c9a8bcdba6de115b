/** What is known of one host that is pinged: where it stands on the schedule, its counts and its round trips. */
import { RoundTrips } from '../../measure/round-trips.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { PathMtu, PingCounts } from './records.js';
import type { PingTarget } from './targets.js';

/** Of a host, or of all of them. Every probe that was sent is in one of the middle ones, or in flight. */
export class Tally {
  transmitted = 0;
  received = 0;
  late = 0;
  lost = 0;
  errors = 0;
  duplicates = 0;
  corrupt = 0;
  foreignAddress = 0;
  /** Messages of repliers, duplicates left out. */
  replies = 0;

  counts(): PingCounts {
    const { transmitted, received, late, lost, errors, duplicates, corrupt, foreignAddress } = this;
    const settled = received + late + lost + errors;
    // Late is not lost.
    const lossPercent = settled === 0 ? 0 : Math.round((10_000 * (lost + errors)) / settled) / 100;
    const inFlight = transmitted - settled;
    return { transmitted, received, late, lost, errors, inFlight, duplicates, corrupt, foreignAddress, lossPercent };
  }
}

/** Different addresses of a group that are told apart at most; more would be somebody's forgery. */
export const REPLIERS_MAX = 65_536;

export class PingHost {
  readonly target: PingTarget;
  readonly address: IPAddress;
  /** Its turn in the order, from 0. */
  readonly step: number;
  /** Whether others answer for it: a multicast or broadcast address. */
  readonly group: boolean;
  readonly tally = new Tally();
  readonly roundTrips = new RoundTrips();
  /** Probes that have been asked for, sent or not. */
  sends = 0;
  /** Probes that are waited for. */
  open = 0;
  /** The number of its last probe in the run; -1 for none. */
  last = -1;
  /** When it is sent to next, by the port's clock; NaN for no more, or not known yet. */
  due = Number.NaN;
  /** Nothing more is sent to it. */
  complete = false;
  /** It is complete and nothing is waited for; `told` when its summary has been given away, too. */
  finished = false;
  told = false;
  alive = false;
  /** When its first and its last probe left, and when all that is known of it was known. */
  firstSentAt = Number.NaN;
  lastSentAt = Number.NaN;
  finishedAt = Number.NaN;
  /** Smoothed as RFC 6298 does; NaN before the first. */
  roundTripMs = Number.NaN;
  /** What the search for it has found, where there was one. */
  pathMtu: PathMtu | undefined;
  #repliers: Set<string> | undefined;

  constructor(target: PingTarget, step: number, group: boolean) {
    this.target = target;
    this.address = target.address;
    this.step = step;
    this.group = group;
  }

  /** Of a group: how many different addresses have answered. */
  get repliers(): number {
    return this.#repliers?.size ?? 0;
  }

  addReplier(address: string): void {
    this.#repliers ??= new Set();
    if (this.#repliers.size < REPLIERS_MAX) this.#repliers.add(address);
  }

  addRoundTrip(milliseconds: number): void {
    this.roundTrips.add(milliseconds);
    const before = this.roundTripMs;
    this.roundTripMs = Number.isNaN(before) ? milliseconds : before + (milliseconds - before) / 8;
  }
}
