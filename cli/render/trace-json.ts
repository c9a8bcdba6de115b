/** The records of a trace with `--json`: those of the library, with times as text and what is known of hosts. */
import { formatTimestamp } from '../../src/measure/clock.js';
import type { TraceHop, TraceProbe, TraceSummary } from '../../src/raw/trace/records.js';
import type { SummaryRecord } from '../context.js';
import type { FactsOf } from './trace-hosts.js';
import { distinctPaths } from './trace-paths.js';

/** `name` is that of the first address of the hop, null where nobody asked; `hosts` has every address. */
export function hopJson(hop: TraceHop, facts: FactsOf): object {
  const { type, time, ...rest } = hop;
  const addresses = addressesOf(hop);
  const [first] = addresses;
  return {
    type,
    time: formatTimestamp(time),
    ...rest,
    probes: hop.probes.map(probeJson),
    name: (first === undefined ? undefined : facts(first).name) ?? null,
    hosts: addresses.map((address) => ({ address, ...facts(address) })),
  };
}

function probeJson(probe: TraceProbe): object {
  const sentTime = probe.sentTime === null ? null : formatTimestamp(probe.sentTime);
  return probe.address === null ? { ...probe, sentTime } : { ...probe, sentTime, time: formatTimestamp(probe.time) };
}

/** Each address that has answered at a hop, once. */
export function addressesOf({ probes }: TraceHop): string[] {
  return [...new Set(probes.map(({ address }) => address).filter((address) => address !== null))];
}

/** A record for each hop with its figures over all rounds. */
export function reportJson({ time, target, path }: TraceSummary, facts: FactsOf): object[] {
  return path.map((row) => ({
    type: 'trace.report',
    time: formatTimestamp(time),
    target,
    ...row,
    addresses: row.addresses.map((seen) => ({
      ...seen,
      lastTime: formatTimestamp(seen.lastTime),
      ...facts(seen.address),
    })),
  }));
}

/** @param hops of the first round, for the distinct paths of several flows */
export function summaryJson(summary: TraceSummary, hops: readonly TraceHop[]): SummaryRecord {
  const { type, time, path: _, ...rest } = summary;
  if (summary.flows === 1) return { type, time: formatTimestamp(time), ...rest };
  const { paths, uncertain } = distinctPaths(hops, summary.flows);
  return { type, time: formatTimestamp(time), ...rest, paths, uncertainFlows: uncertain };
}
