/** Ping on a network in virtual time: what it tells. */
import { PingMachine } from '../../../../src/raw/ping/machine.js';
import type { PingPlan } from '../../../../src/raw/ping/options.js';
import { pingOrder } from '../../../../src/raw/ping/order.js';
import type {
  PingError,
  PingRecord,
  PingReply,
  PingSummary,
  PingTimeout,
  PingTotal,
} from '../../../../src/raw/ping/records.js';
import { TargetSet } from '../../../../src/raw/ping/targets.js';
import { runMachine } from '../../../../src/raw/probes/run.js';
import { RecordQueue } from '../../../../src/raw/record-queue.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';
import { parsePrefix } from '../../../../src/sockaddr/prefix.js';
import type { NetworkDescription } from '../../../hosts/network-model.js';
import { SimulatedNetwork, type SimulatedPortOptions } from '../../../hosts/simulated-network.js';

export interface Told {
  readonly records: readonly PingRecord[];
  readonly replies: readonly PingReply[];
  readonly timeouts: readonly PingTimeout[];
  readonly errors: readonly PingError[];
  readonly summaries: readonly PingSummary[];
  /** The first of them. */
  readonly summary: PingSummary;
  readonly total: PingTotal | undefined;
  readonly network: SimulatedNetwork;
  /** Virtual milliseconds from the first step to the end. */
  readonly tookMs: number;
}

export interface SimulateOptions extends SimulatedPortOptions {
  /** Ctrl-C at that time. */
  readonly interruptAt?: number;
  readonly identifier?: number;
  readonly inFlightMax?: number;
  /** What happens meanwhile. */
  readonly meanwhile?: (network: SimulatedNetwork) => void;
}

/** A set of addresses and prefixes, as text. */
export function targetSet(...texts: readonly string[]): TargetSet {
  return new TargetSet(
    texts.map((text) => (text.includes('/') ? { prefix: parsePrefix(text) } : { name: text, address: parseIP(text) })),
  );
}

export async function simulate(
  description: NetworkDescription,
  targets: readonly string[],
  plan: PingPlan,
  options: SimulateOptions = {},
): Promise<Told> {
  const network = new SimulatedNetwork(description);
  const port = network.port(options);
  const set = targetSet(...targets);
  const machine = new PingMachine({
    plan,
    order: pingOrder(set, plan.randomOrder),
    hosts: set.count,
    routes: () => ({ socket: port.socket, backend: 'native' }),
    drops: () => ({ socket: 0, socketAtMost: 0 }),
    identifier: options.identifier ?? 4711,
    key: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    inFlightMax: options.inFlightMax,
  });
  const stop = new AbortController();
  if (options.interruptAt !== undefined) network.at(options.interruptAt, () => stop.abort());
  options.meanwhile?.(network);
  const queue = new RecordQueue<PingRecord>();
  const records: PingRecord[] = [];
  const collect = async () => {
    for await (const batch of queue.batches()) records.push(...batch);
  };
  const run = runMachine(machine, port, queue, { signal: stop.signal });
  await network.run(Promise.all([run, collect()]));
  const of = <Type extends PingRecord['type']>(type: Type) =>
    records.filter((record): record is Extract<PingRecord, { type: Type }> => record.type === type);
  const summaries = of('ping.summary');
  return {
    records,
    replies: of('ping.reply'),
    timeouts: of('ping.timeout'),
    errors: of('ping.error'),
    summaries,
    summary: summaries[0] as PingSummary,
    total: of('ping.total')[0],
    network,
    tookMs: network.now,
  };
}
