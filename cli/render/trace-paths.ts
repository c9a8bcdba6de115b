/** The distinct paths of a trace with several flows: which flows go together, and where they part. */
import type { TraceHop } from '../../src/raw/trace/records.js';
import { counted } from './report.js';

/** Flows that have met the same addresses wherever each of them has heard anything. */
export interface TracePath {
  /** From 0, ascending. */
  readonly flows: readonly number[];
  /** One for each hop from the first, null where no flow has heard of any. */
  readonly addresses: readonly (string | null)[];
}

export interface FlowPaths {
  readonly paths: readonly TracePath[];
  /** Flows that have heard too little to be of one path for certain, ascending; they are of none. */
  readonly uncertain: readonly number[];
}

/**
 * The paths of the flows, that of the lowest flow first. A hop that has not answered a flow parts nobody: with routers
 * that answer now and then there would be as many paths as flows. But a flow that could be of several paths, or that has
 * not heard from a hop of the only one, may as well have gone another way.
 *
 * @param hops of one round, in order; of several queries the first answer counts
 */
export function distinctPaths(hops: readonly TraceHop[], flows: number): FlowPaths {
  const paths: { flows: number[]; addresses: (string | null)[] }[] = [];
  const each = Array.from({ length: flows }, (_, flow) => {
    const addresses = hops.map(({ probes }) => answerOf(probes, flow));
    return { flow, addresses, known: addresses.filter((address) => address !== null).length };
  });
  // Those who know most make the paths, the others are of the first that they do not contradict.
  each.sort((a, b) => b.known - a.known || a.flow - b.flow);
  const joined: typeof each = [];
  for (const one of each) {
    const path = paths.find((known) => agree(known.addresses, one.addresses));
    if (path === undefined) paths.push({ flows: [one.flow], addresses: one.addresses });
    else {
      joined.push(one);
      path.addresses = path.addresses.map((address, at) => address ?? one.addresses[at] ?? null);
    }
  }
  const uncertain: number[] = [];
  for (const { flow, addresses } of joined) {
    const [path, another] = paths.filter((known) => agree(known.addresses, addresses));
    const all = path?.addresses.every((address, at) => address === null || addresses[at] !== null) === true;
    if (path === undefined || another !== undefined || (paths.length === 1 && !all)) uncertain.push(flow);
    else path.flows.push(flow);
  }
  for (const path of paths) path.flows.sort((a, b) => a - b);
  paths.sort((a, b) => (a.flows[0] ?? 0) - (b.flows[0] ?? 0));
  return { paths, uncertain: uncertain.sort((a, b) => a - b) };
}

function answerOf(probes: TraceHop['probes'], flow: number): string | null {
  return probes.find((probe) => probe.flow === flow && probe.address !== null)?.address ?? null;
}

function agree(some: readonly (string | null)[], others: readonly (string | null)[]): boolean {
  return some.every((one, at) => {
    const other = others[at] ?? null;
    return one === null || other === null || one === other;
  });
}

/**
 * A line for each path, of the hops from where they part to where they are together again; none where all is one path.
 *
 * @param firstHop the TTL of the first address
 */
export function pathLines({ paths, uncertain }: FlowPaths, firstHop: number): string[] {
  const [first] = paths;
  if (first === undefined) return [];
  const flows = counted(
    paths.reduce((sum, path) => sum + path.flows.length, 0),
    'flow',
  );
  const unknown =
    uncertain.length === 0 ? [] : [`not known of ${flowsText(uncertain)}: too few answers; fewer flows may get more`];
  if (paths.length === 1) return [`one path for ${flows}`, ...unknown];
  const apart = first.addresses.map((_, at) => new Set(paths.map(({ addresses }) => addresses[at])).size > 1);
  const from = apart.indexOf(true);
  const to = apart.lastIndexOf(true);
  const where = from === to ? `hop ${firstHop + from}` : `hops ${firstHop + from} to ${firstHop + to}`;
  const width = Math.max(...paths.map((path) => flowsText(path.flows).length));
  return [
    `${paths.length} paths for ${flows}, apart at ${where}`,
    ...paths.map(({ flows: own, addresses }) => {
      const hops = addresses.slice(from, to + 1).map((address) => address ?? '*');
      return `  ${flowsText(own).padEnd(width)}  ${hops.join(' > ')}`;
    }),
    ...unknown,
  ];
}

/** `flow 3`, `flows 0-3, 6` */
export function flowsText(flows: readonly number[]): string {
  const runs: { readonly first: number; last: number }[] = [];
  for (const flow of flows) {
    const run = runs.at(-1);
    if (run !== undefined && flow === run.last + 1) run.last = flow;
    else runs.push({ first: flow, last: flow });
  }
  const texts = runs.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return `${flows.length === 1 ? 'flow' : 'flows'} ${texts.join(', ')}`;
}
