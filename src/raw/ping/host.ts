/** What is known of one host that is pinged: its counts and its round trips. */
import { RoundTrips } from '../../measure/round-trips.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { PingSummary } from './records.js';
import type { PingTarget } from './targets.js';

/** One target with its counts. */
export class PingHost {
  readonly name: string;
  readonly address: IPAddress;
  readonly text: string;
  readonly roundTrips = new RoundTrips();
  readonly counts = { transmitted: 0, received: 0, late: 0, duplicates: 0, corrupt: 0, errors: 0 };

  constructor(target: PingTarget) {
    this.name = target.name;
    this.address = target.address;
    this.text = target.address.toString();
  }

  /** The counts so far; `inFlight` of the probes still wait. */
  summary(
    rest: Pick<PingSummary, 'time' | 'socket' | 'backend' | 'inFlight' | 'durationMs' | 'endReason'>,
  ): PingSummary {
    const { inFlight } = rest;
    const { transmitted, received, late, duplicates, corrupt, errors } = this.counts;
    const settled = transmitted - inFlight;
    return {
      ...rest,
      type: 'ping.summary',
      target: this.name,
      address: this.text,
      transmitted,
      received,
      late,
      lost: settled - received - late - errors,
      duplicates,
      corrupt,
      foreignAddress: 0,
      errors,
      // Late is not lost.
      lossPercent: settled === 0 ? 0 : Math.round((10_000 * (settled - received - late)) / settled) / 100,
      jitterMs: this.roundTrips.jitterMs,
      rttMs: this.roundTrips.summary(),
    };
  }
}
