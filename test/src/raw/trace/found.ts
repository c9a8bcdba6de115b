/** Whether a trace has found what the file of its network says. */
import { expect } from 'vitest';
import type { AnsweredProbe, TraceHop, TraceSummary } from '../../../../src/raw/trace/records.js';
import type { Scenario, ScenarioHop } from '../../../hosts/network/scenario.js';
import { answersOf } from './simulated.js';

export interface Seeing {
  /** Headers that are quoted are seen. */
  readonly quotes: boolean;
  /** So many flows are enough to meet all of several routers. */
  readonly allPaths: boolean;
}

export function expectFound(
  { trace }: Scenario,
  hops: readonly TraceHop[],
  summary: TraceSummary,
  seeing: Seeing,
): void {
  if (trace === undefined) return;
  const told = hops.slice(0, trace.hops.length);
  for (const [i, answers] of answersOf(told).entries()) expectAnswers(trace.hops[i] as ScenarioHop, answers, seeing);
  for (const [i, hop] of told.entries()) expectHop(trace.hops[i] as ScenarioHop, hop, seeing);
  expect(told).toHaveLength(trace.hops.length);
  expect(summary.reached).toBe(trace.end === 'reached');
  if (trace.end === 'silent') {
    expect(answersOf(hops.slice(trace.hops.length)).every((answers) => answers === null)).toBe(true);
    expect(['max-hops', 'gap']).toContain(summary.endReason);
    return;
  }
  expect(hops).toHaveLength(trace.hops.length);
  expect(summary).toMatchObject({ hops: trace.hops.length, endReason: trace.end });
  if (trace.code === undefined) return;
  const codes = hops.at(-1)?.probes.flatMap((probe) => (probe.address === null ? [] : [probe.icmpCode]));
  expect(codes).toContain(trace.code);
}

function expectAnswers({ addresses }: ScenarioHop, answers: readonly string[] | null, { allPaths }: Seeing): void {
  if (addresses.length === 0) expect(answers).toBeNull();
  else if (allPaths) expect(answers).toEqual([...addresses].sort());
  else for (const answer of answers ?? [null]) expect(addresses).toContain(answer);
}

function expectHop(
  { mpls, interface: device, quotedDscp, translated }: ScenarioHop,
  hop: TraceHop,
  { quotes }: Seeing,
) {
  const answered = hop.probes.filter((probe): probe is AnsweredProbe => probe.address !== null);
  for (const { extensions, quoted } of answered) {
    const labels = extensions.flatMap((one) => (one.kind === 'mpls' ? one.labels : []));
    expect(labels).toMatchObject((mpls ?? []).map(({ label, ...rest }) => ({ label, ...rest })));
    const interfaces = extensions.filter(({ kind }) => kind === 'interface');
    expect(interfaces).toMatchObject(device === undefined ? [] : [device]);
    if (quotes && quotedDscp !== undefined && quoted !== null) expect(quoted.dscp).toBe(quotedDscp);
  }
  if (quotes && translated !== undefined) expect(hop.nat).toBe(translated);
}
