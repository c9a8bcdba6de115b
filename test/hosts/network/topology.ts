/** Nodes and links of a network, whose an address is, and the shortest ways between nodes. */
import { parseIP } from '../../../src/sockaddr/ip.js';
import { parsePrefix } from '../../../src/sockaddr/prefix.js';
import type { NetworkDescription } from './description.js';
import { Direction } from './link.js';
import { addressKey, type Family } from './packet.js';
import { sharesBits } from './prefix-set.js';

export type Addresses = Readonly<Partial<Record<Family, Uint8Array>>>;

export interface Edge {
  readonly to: TopologyNode;
  readonly direction: Direction;
  /** What the node at its end is called on this link. */
  readonly addresses: Addresses;
}

export interface TopologyNode {
  readonly name: string;
  readonly description: NetworkDescription['nodes'][string];
  /** What it speaks from: the first of each family. */
  readonly addresses: Addresses;
  /** In the order in which they are written. */
  readonly edges: Edge[];
}

interface OwnedPrefix {
  readonly first: Uint8Array;
  readonly length: number;
  readonly owner: TopologyNode;
}

export class Topology {
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  readonly prober: TopologyNode;
  readonly #owners = new Map<string, TopologyNode>();
  readonly #prefixes: OwnedPrefix[] = [];
  readonly #ways = new Map<TopologyNode, ReadonlyMap<TopologyNode, readonly Edge[]>>();

  constructor({ nodes, links, seed = 1 }: NetworkDescription) {
    const made = new Map<string, TopologyNode>();
    for (const [name, description] of Object.entries(nodes)) {
      made.set(name, { name, description, addresses: firstAddresses(description.addresses), edges: [] });
    }
    this.nodes = made;
    this.prober = [...made.values()].find(({ description }) => description.kind === 'prober') as TopologyNode;
    for (const node of made.values()) {
      for (const text of node.description.addresses) this.#own(text, node);
      if (node.description.kind !== 'router') continue;
      for (const text of node.description.nat?.addresses ?? []) this.#own(text, node);
    }
    let number = 0;
    for (const link of links) {
      for (const [i, first] of link.path.slice(0, -1).entries()) {
        const second = link.path[i + 1] as string;
        for (const [from, to, impairment] of [
          [first, second, link.there],
          [second, first, link.back],
        ] as const) {
          const node = made.get(to) as TopologyNode;
          const own = link.addresses?.[to] ?? [];
          for (const text of own) this.#own(text, node);
          const direction = new Direction(from, to, link, impairment, Math.imul(seed + 1, ++number * 0x9e3779b1));
          made.get(from)?.edges.push({ to: node, direction, addresses: firstAddresses(own) });
        }
      }
    }
  }

  /** Whose the address is; undefined where it is nobody's. */
  owner(address: Uint8Array): TopologyNode | undefined {
    const found = this.#owners.get(addressKey(address));
    return found ?? this.#prefixes.find(({ first, length }) => sharesBits(address, first, length))?.owner;
  }

  /** The links that begin a shortest way, in the order in which they are written; hosts pass nothing on. */
  ways(from: TopologyNode, to: TopologyNode): readonly Edge[] {
    let ways = this.#ways.get(to);
    if (ways === undefined) {
      ways = waysTo(to, this.nodes.values());
      this.#ways.set(to, ways);
    }
    return ways.get(from) ?? [];
  }

  #own(text: string, owner: TopologyNode): void {
    const prefix = parsePrefix(text);
    const first = prefix.first.toBytes();
    if (prefix.length === first.length * 8) this.#owners.set(addressKey(first), owner);
    else this.#prefixes.push({ first, length: prefix.length, owner });
  }
}

export function firstAddresses(texts: readonly string[]): Addresses {
  const found: Partial<Record<Family, Uint8Array>> = {};
  for (const text of texts) {
    // Of a prefix, the first address that a host may have.
    const [address = '', length] = text.split('/');
    const parsed = parseIP(address);
    const bytes = parsed.toBytes();
    if (length !== undefined && Number(length) < bytes.length * 8) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
    found[parsed.family] ??= bytes;
  }
  return found;
}

function waysTo(target: TopologyNode, nodes: Iterable<TopologyNode>): Map<TopologyNode, readonly Edge[]> {
  const distance = new Map([[target, 0]]);
  const queue = [target];
  for (const node of queue) {
    if (node !== target && node.description.kind !== 'router') continue;
    const next = (distance.get(node) as number) + 1;
    // Links go both ways: who is a neighbour there is one here.
    for (const { to } of node.edges) {
      if (distance.has(to)) continue;
      distance.set(to, next);
      queue.push(to);
    }
  }
  const ways = new Map<TopologyNode, readonly Edge[]>();
  for (const node of nodes) {
    const own = distance.get(node);
    if (own === undefined || own === 0) continue;
    const passesOn = (other: TopologyNode) => other === target || other.description.kind === 'router';
    ways.set(
      node,
      node.edges.filter(({ to }) => passesOn(to) && distance.get(to) === own - 1),
    );
  }
  return ways;
}
