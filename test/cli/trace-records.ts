/** Records of traces as the library makes them, for what is made of them. */

import { unreachableMark } from '../../src/raw/trace/marks.js';
import type { AnsweredProbe, TraceHop, TraceSummary, UnansweredProbe } from '../../src/raw/trace/records.js';
import { TraceTable } from '../../src/raw/trace/table.js';

const TIME = { seconds: 1_700_000_000, nanoseconds: 0 };

export function answered(address: string, rttMs: number, more: Partial<AnsweredProbe> = {}): AnsweredProbe {
  return {
    flow: 0,
    query: 1,
    sentTime: TIME,
    address,
    rttMs,
    time: TIME,
    timestamp: 'kernel',
    ttl: 64,
    icmpType: address.includes(':') ? 3 : 11,
    icmpCode: 0,
    extensions: [],
    quoted: null,
    nat: null,
    dscpChanged: null,
    ...more,
  };
}

export function missing(reason: UnansweredProbe['reason'], more: Partial<UnansweredProbe> = {}): UnansweredProbe {
  return { flow: 0, query: 1, sentTime: TIME, address: null, reason, ...more };
}

export function hop(ttl: number, probes: TraceHop['probes'], more: Partial<TraceHop> = {}): TraceHop {
  return {
    type: 'trace.hop',
    time: TIME,
    target: 'host.test',
    round: 1,
    ttl,
    probes,
    reached: false,
    atMost: false,
    unreachable: null,
    nat: false,
    socket: 'raw',
    backend: 'native',
    ...more,
  };
}

export function summary(more: Partial<TraceSummary> = {}): TraceSummary {
  return {
    type: 'trace.summary',
    time: TIME,
    target: 'host.test',
    address: '10.0.9.9',
    source: '10.0.0.1',
    reached: false,
    hops: 3,
    atMost: false,
    endReason: 'max-hops',
    socket: 'raw',
    backend: 'native',
    protocol: 'icmp',
    multipath: 'paris',
    flows: 1,
    port: null,
    packetSize: 60,
    rounds: 1,
    sent: 9,
    received: 6,
    lost: 3,
    inFlight: 0,
    late: 0,
    duplicates: 0,
    refused: 0,
    foreign: 0,
    ambiguous: 0,
    nat: false,
    durationMs: 12.5,
    path: [],
    ...more,
  };
}

/** A table of rounds; of each hop the round trips from an address, null for a lost one. */
export function tableOf(hops: readonly (readonly (AnsweredProbe | null)[])[], target: boolean): TraceTable {
  const table = new TraceTable();
  table.span(1, hops.length);
  for (const [at, outcomes] of hops.entries()) {
    for (const outcome of outcomes) {
      table.sent(at + 1);
      if (outcome === null) table.lost(at + 1);
      else {
        const reached = target && at === hops.length - 1;
        const { address, icmpType, icmpCode } = outcome;
        const family = address.includes(':') ? 'ipv6' : 'ipv4';
        const unreachable = icmpType === null ? null : unreachableMark(family, icmpType, icmpCode ?? 0);
        table.answered(at + 1, outcome, false, { reached, unreachable });
      }
    }
  }
  return table;
}
