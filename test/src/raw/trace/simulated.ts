/** Traces in the networks of test/networks, and in ones that tests make up, in virtual time. */
import type { TraceOptions } from '../../../../src/raw/trace/options.js';
import { planOf } from '../../../../src/raw/trace/plan.js';
import type { TraceHop, TraceRecord, TraceSummary } from '../../../../src/raw/trace/records.js';
import { traceOn } from '../../../../src/raw/trace/trace.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';
import type { NetworkDescription } from '../../../hosts/network-model.js';
import { SimulatedNetwork, type SimulatedPortOptions } from '../../../hosts/simulated-network.js';

export interface SimulatedTrace {
  readonly hops: readonly TraceHop[];
  readonly summary: TraceSummary;
  readonly network: SimulatedNetwork;
}

type Asked = Partial<Omit<TraceOptions, 'backend' | 'logger'>>;

export interface SimulatedTraceOptions {
  readonly port?: SimulatedPortOptions;
  /** Called before the first probe, to do something meanwhile. */
  readonly prepare?: (network: SimulatedNetwork) => void;
  readonly onRecord?: (record: TraceRecord, network: SimulatedNetwork) => void;
}

/** What the simulated ping socket gives its probes, whatever they had. */
const DGRAM_IDENTIFIER = 0x4b1d;

export async function traceIn(
  description: NetworkDescription,
  target: string,
  asked: Asked = {},
  { port: portOptions = {}, prepare, onRecord }: SimulatedTraceOptions = {},
): Promise<SimulatedTrace> {
  const network = new SimulatedNetwork(description);
  const address = parseIP(target);
  const prober = Object.values(description.nodes).find(({ kind }) => kind === 'prober');
  const source = prober?.addresses.map((text) => parseIP(text)).find(({ family }) => family === address.family);
  if (source === undefined) throw new Error(`no source for ${target}`);
  const options = asked as TraceOptions;
  const plan = planOf(address.family, options);
  const raw = portOptions.socket !== 'dgram';
  const port = network.port({
    ownHeader: raw && address.family === 'ipv4',
    dontFragment: plan.dontFragment,
    ...portOptions,
  });
  const ports = plan.protocol === 'tcp' && plan.multipath === 'classic' ? 256 : plan.flows;
  const sourcePorts = Array.from({ length: ports }, (_, flow) => (plan.sourcePort ?? 41_000) + flow);
  const world = { port, source, sourcePorts, identifier: raw ? 0x77aa : DGRAM_IDENTIFIER, backend: 'native' as const };
  prepare?.(network);
  const hops: TraceHop[] = [];
  let summary: TraceSummary | undefined;
  const collect = async () => {
    for await (const record of traceOn({ name: target, address }, plan, world, options)) {
      if (record.type === 'trace.hop') hops.push(record);
      else summary = record;
      onRecord?.(record, network);
    }
  };
  await network.run(collect());
  if (summary === undefined) throw new Error('no summary');
  return { hops, summary, network };
}

/** By TTL: the addresses that have answered, each once; null where none has. */
export function answersOf(hops: readonly TraceHop[]): (readonly string[] | null)[] {
  return hops.map(({ probes }) => {
    const seen = new Set(probes.flatMap(({ address }) => (address === null ? [] : [address])));
    return seen.size === 0 ? null : [...seen].sort();
  });
}
