/** How a trace is told when it is over. */
import type { SocketError } from '../../errors.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { TraceTarget } from './options.js';
import { refusalOf } from './outcome.js';
import type { TraceSummary } from './records.js';
import type { TraceRow } from './table.js';

/** What is known from the beginning. */
export interface TraceFacts
  extends Pick<TraceSummary, 'socket' | 'backend' | 'protocol' | 'multipath' | 'flows' | 'port' | 'packetSize'> {
  readonly target: TraceTarget;
  readonly source: IPAddress;
}

/** What has become of it, beside what the path says. */
export interface TraceEnd
  extends Pick<
    TraceSummary,
    'time' | 'reached' | 'hops' | 'atMost' | 'endReason' | 'rounds' | 'foreign' | 'ambiguous' | 'nat' | 'durationMs'
  > {
  /** What this machine refused to send last. */
  readonly refusal: SocketError | undefined;
}

/** @param path the rows up to the last hop */
export function summaryOf(facts: TraceFacts, end: TraceEnd, path: readonly TraceRow[]): TraceSummary {
  const { target, source, socket, backend, protocol, multipath, flows, port, packetSize } = facts;
  const { time, reached, hops, atMost, endReason, rounds, foreign, ambiguous, nat, durationMs, refusal } = end;
  const sum = (of: 'sent' | 'received' | 'late' | 'lost' | 'inFlight' | 'duplicates' | 'refused') =>
    path.reduce((total, row) => total + row[of], 0);
  return {
    type: 'trace.summary',
    time,
    target: target.name,
    address: target.address.toString(),
    source: source.toString(),
    reached,
    hops,
    atMost,
    endReason,
    socket,
    backend,
    protocol,
    multipath,
    flows,
    port,
    packetSize,
    rounds,
    sent: sum('sent'),
    received: sum('received'),
    late: sum('late'),
    lost: sum('lost'),
    inFlight: sum('inFlight'),
    duplicates: sum('duplicates'),
    refused: sum('refused'),
    foreign,
    ambiguous,
    nat,
    durationMs,
    ...(refusal === undefined ? {} : refusalOf(refusal)),
    path,
  };
}
