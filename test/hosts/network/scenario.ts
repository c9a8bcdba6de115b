/** What must be found of the networks of test/networks, one target at a time. */
import { parseIP } from '../../../src/sockaddr/ip.js';
import { formatIPv4, formatIPv6 } from '../../../src/sockaddr/ip-text.js';
import type {
  ExpectedPing,
  HopDescription,
  InterfaceDescription,
  MplsDescription,
  NetworkDescription,
} from './description.js';
import type { Family } from './packet.js';
import { hopNodes, networkNames, readNetwork } from './read.js';
import { Topology } from './topology.js';

export interface ScenarioHop {
  /** Who may answer there; nobody where it is silent. */
  readonly addresses: readonly string[];
  readonly mpls?: readonly MplsDescription[];
  readonly interface?: InterfaceDescription;
  readonly quotedDscp?: number;
  readonly translated?: boolean;
}

export interface Scenario {
  /** The file's, without its suffix. */
  readonly network: string;
  readonly description: NetworkDescription;
  readonly target: string;
  readonly family: Family;
  readonly trace?: {
    readonly hops: readonly ScenarioHop[];
    readonly end: 'reached' | 'unreachable' | 'silent';
    readonly code?: number;
  };
  /** `reporter` is an address. */
  readonly ping?: ExpectedPing;
  readonly pathMtu?: number;
}

/** All of them, or those of the networks named. */
export function scenarios(...names: readonly string[]): Scenario[] {
  return (names.length > 0 ? names : networkNames()).flatMap(scenariosOf);
}

function scenariosOf(network: string): Scenario[] {
  const description = readNetwork(network);
  const { nodes } = new Topology(description);
  const addressOf = (name: string, family: Family): string => {
    const address = nodes.get(name)?.addresses[family];
    if (address === undefined) throw new Error(`${network}: ${name} has no address to be found by`);
    return family === 'ipv4' ? formatIPv4(address, 0) : formatIPv6(address, 0);
  };
  const scenarioOf = (target: string, expected: NonNullable<NetworkDescription['expect']>[number]): Scenario => {
    const { family } = parseIP(target);
    const hop = (described: HopDescription): ScenarioHop => {
      const own = hopNodes(described).map((name) => addressOf(name, family));
      if (described === null || typeof described === 'string') return { addresses: own };
      const { nodes: _, addresses, ...rest } = described;
      return { addresses: addresses?.filter((text) => parseIP(text).family === family) ?? own, ...rest };
    };
    const { trace, ping, pathMtu } = expected;
    const { reporter, ...counts } = ping ?? {};
    return {
      network,
      description,
      target,
      family,
      ...(trace === undefined
        ? {}
        : {
            trace: {
              end: trace.end,
              hops: trace.hops.map(hop),
              ...(trace.code === undefined ? {} : { code: trace.code[family] }),
            },
          }),
      ...(ping === undefined
        ? {}
        : {
            ping: {
              ...(counts as ExpectedPing),
              ...(reporter === undefined ? {} : { reporter: addressOf(reporter, family) }),
            },
          }),
      ...(pathMtu === undefined ? {} : { pathMtu }),
    };
  };
  return (description.expect ?? []).flatMap((expected) =>
    expected.targets.map((target) => scenarioOf(target, expected)),
  );
}
