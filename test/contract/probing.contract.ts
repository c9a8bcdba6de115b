/** What ping and trace must find of every network of test/networks, whatever they go through. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PingRecord, PingReply, PingSummary } from '../../src/raw/ping/records.js';
import type { TraceMultipath, TraceProtocol } from '../../src/raw/trace/options.js';
import type { AnsweredProbe, TraceHop, TraceRecord, TraceSummary } from '../../src/raw/trace/records.js';
import type { Family } from '../hosts/network/packet.js';
import { probePacket } from '../hosts/network/probe-packet.js';
import { type Scenario, type ScenarioHop, scenarios } from '../hosts/network/scenario.js';
import { NetworkModel, readNetwork } from '../hosts/network-model.js';
import type { Prober } from '../hosts/probers.js';

export interface ProbingWorld {
  readonly socket: 'raw' | 'dgram';
  readonly backend: 'native' | 'portable';
  /** Whether it runs on sockets, whose times are those of a machine that does other things as well. */
  readonly real: boolean;
  /** What a trace can be made with. */
  traces(protocol: TraceProtocol, family: Family): boolean;
  pings(family: Family): boolean;
  open(): Promise<Prober>;
}

/** EF of RFC 3246, so that it shows where a router takes it out. */
const TRAFFIC_CLASS = 46 << 2;
/** Longer than what is held back on the way, and what a busy machine may stand still. */
export const TIMEOUT_MS = 1000;
/** Beyond the network's own time: a real one takes the turns of three processes, on a machine that may be busy. */
const SLACK_MS = { real: 100, simulated: 0.001 } as const;

export function describeProbing(name: string, world: ProbingWorld, obstacle?: string): void {
  const title = obstacle === undefined ? name : `${name} (skipped: ${obstacle})`;
  describe.skipIf(obstacle !== undefined)(title, () => {
    let prober: Prober;
    beforeAll(async () => {
      prober = await world.open();
    });
    afterAll(() => prober?.close());

    describe('trace', () => {
      const traced = scenarios().filter(({ trace }) => trace !== undefined);
      const cases = traced.flatMap((scenario) =>
        (['icmp', 'udp', 'tcp'] as const)
          .filter((protocol) => world.traces(protocol, scenario.family))
          .map((protocol) => ({ ...scenario, protocol })),
      );
      it.each(cases)('$network: $protocol to $target', async (scenario) => {
        const { description, target, protocol } = scenario;
        const records = await prober.trace(description, target, {
          protocol,
          queries: 1,
          trafficClass: TRAFFIC_CLASS,
          timeoutMs: TIMEOUT_MS,
          maxHops: 32,
          multipath: strategyFor(world, scenario, protocol),
        });
        checkTrace(world, scenario, protocol, records);
      });

      const balanced = scenarios('two-paths').filter(({ family }) => world.traces('udp', family));
      it.each(balanced)('flows show both paths to $target', async ({ description, target, trace }) => {
        const records = await prober.trace(description, target, { protocol: 'udp', flows: 16, timeoutMs: TIMEOUT_MS });
        const found = hopsOf(records).map((hop) => [...new Set(answered(hop).map(({ address }) => address))].sort());
        expect(found).toEqual(trace?.hops.map(({ addresses }) => addresses));
      });
    });

    describe('ping', () => {
      const pinged = scenarios().filter(({ ping, family }) => ping !== undefined && world.pings(family));
      it.each(pinged)('$network: $target', async (scenario) => {
        const { description, target, ping } = scenario;
        const { count } = ping as NonNullable<Scenario['ping']>;
        const plan = { count, intervalMs: 10, timeoutMs: TIMEOUT_MS };
        checkPing(world, scenario, await prober.ping(description, target, plan));
      });

      const narrow = scenarios().filter(({ pathMtu, family }) => pathMtu !== undefined && world.pings(family));
      it.each(narrow)('the path MTU to $target: $network', async ({ description, target, pathMtu }) => {
        const records = await prober.ping(description, target, { pmtuSearch: true, timeoutMs: TIMEOUT_MS });
        expect(summaryOf(records).pathMtu).toMatchObject({ mtu: pathMtu, unreachable: false });
      });

      it('loses what chance takes, and counts it', async () => {
        const description = readNetwork('random-loss');
        const target = '198.51.100.9';
        const plan = { count: 100, intervalMs: 2, timeoutMs: TIMEOUT_MS };
        const { transmitted, received, lost } = summaryOf(await prober.ping(description, target, plan));
        // What a link does to a packet depends on its number alone.
        const model = new NetworkModel(description);
        const wanted = Array.from(
          { length: 100 },
          () => model.handle(probePacket(model, target, { protocol: 'icmp' }), 0).length,
        );
        const answered = wanted.reduce((sum, answers) => sum + answers, 0);
        expect([transmitted, received, lost]).toEqual([100, answered, 100 - answered]);
        expect(answered).toBeLessThan(100);
      });
    });
  });
}

/** The error queue shows the payload of UDP alone: where none of it is quoted, only a port of its own tells a probe. */
function strategyFor({ socket }: ProbingWorld, { network }: Scenario, protocol: TraceProtocol): TraceMultipath {
  return socket === 'dgram' && protocol === 'udp' && network === 'short-quotes' ? 'classic' : 'paris';
}

function hopsOf(records: readonly TraceRecord[]): TraceHop[] {
  return records.filter((record): record is TraceHop => record.type === 'trace.hop');
}

function answered(hop: TraceHop): AnsweredProbe[] {
  return hop.probes.filter((probe): probe is AnsweredProbe => probe.address !== null);
}

function checkTrace(
  world: ProbingWorld,
  scenario: Scenario,
  protocol: TraceProtocol,
  records: readonly TraceRecord[],
): void {
  const { hops: wanted, end, code } = scenario.trace as NonNullable<Scenario['trace']>;
  const hops = hopsOf(records);
  const summary = records.at(-1) as TraceSummary;
  expect(summary).toMatchObject({
    type: 'trace.summary',
    socket: world.socket,
    backend: world.backend,
    protocol,
    endReason: { reached: 'reached', unreachable: 'unreachable', silent: 'max-hops' }[end],
    reached: end === 'reached',
  });
  expect(hops.map(({ ttl }) => ttl)).toEqual(hops.map((_, i) => i + 1));
  for (const hop of hops) expect(hop).toMatchObject({ socket: world.socket, backend: world.backend });
  if (end !== 'silent') expect(hops.length).toBe(wanted.length);
  for (const hop of hops.slice(wanted.length)) expect(answered(hop)).toEqual([]);
  for (const [i, expected] of wanted.entries()) checkHop(world, hops[i] as TraceHop, expected, `hop ${i + 1}`);
  if (end === 'unreachable') expect(answered(hops.at(-1) as TraceHop)[0]?.icmpCode).toBe(code);
}

function checkHop(world: ProbingWorld, hop: TraceHop, expected: ScenarioHop, name: string): void {
  const answers = answered(hop);
  expect(answers.length > 0, `${name} answers`).toBe(expected.addresses.length > 0);
  for (const { address, quoted, dscpChanged, nat, extensions, icmpType } of answers) {
    expect(expected.addresses, name).toContain(address);
    // Only raw sockets show headers, and answers of TCP and echo replies quote none.
    if (quoted !== null && icmpType !== null) {
      expect(quoted.dscp, `${name}: DSCP`).toBe(expected.quotedDscp ?? TRAFFIC_CLASS >> 2);
      expect(dscpChanged, `${name}: DSCP`).toBe(expected.quotedDscp !== undefined);
      if (nat !== null) expect(nat, `${name}: NAT`).toBe(expected.translated === true);
    }
    if (world.socket === 'raw') checkExtensions(extensions, expected, name);
  }
}

function checkExtensions(found: AnsweredProbe['extensions'], expected: ScenarioHop, name: string): void {
  const labels = expected.mpls?.map(({ label, trafficClass = 0, ttl = 1 }, i, all) => ({
    label,
    trafficClass,
    bottomOfStack: i === all.length - 1,
    ttl,
  }));
  const wanted = [
    ...(labels === undefined ? [] : [{ kind: 'mpls', labels }]),
    ...(expected.interface === undefined ? [] : [{ kind: 'interface', role: 'incoming', ...expected.interface }]),
  ];
  expect(found, name).toHaveLength(wanted.length);
  expect(found, name).toMatchObject(wanted);
}

function summaryOf(records: readonly PingRecord[]): PingSummary {
  return records.find((record) => record.type === 'ping.summary') as PingSummary;
}

function checkPing(world: ProbingWorld, scenario: Scenario, records: readonly PingRecord[]): void {
  const wanted = scenario.ping as NonNullable<Scenario['ping']>;
  const { count, received, duplicates = 0, corrupt = 0, errors = 0 } = wanted;
  expect(summaryOf(records)).toMatchObject({
    socket: world.socket,
    backend: world.backend,
    transmitted: count,
    received,
    errors,
    lost: count - received - errors,
    late: 0,
    inFlight: 0,
    duplicates,
    corrupt,
    endReason: 'count',
  });
  const replies = records.filter((record): record is PingReply => record.type === 'ping.reply');
  expect(replies.length).toBe(received + duplicates);
  for (const { corrupt: isCorrupt, corruptAt } of replies) if (isCorrupt) expect(corruptAt).toBe(wanted.corruptAt);
  for (const record of records) {
    if (record.type === 'ping.error') expect(record).toMatchObject({ address: wanted.reporter, settles: true });
  }
  if (wanted.rttMs === undefined) return;
  // A machine that does something else meanwhile makes round trips longer, never shorter.
  const shortest = Math.min(...replies.map(({ rttMs }) => rttMs));
  expect(shortest).toBeGreaterThan(wanted.rttMs - 0.002);
  expect(shortest).toBeLessThan(wanted.rttMs + SLACK_MS[world.real ? 'real' : 'simulated']);
}
