/**
 * A network out of a file of test/networks, as a function from bytes to bytes: a packet that leaves the prober goes in,
 * what the network sends to the prober for it comes out, each with the time of its arrival.
 *
 * What becomes of a packet is worked out to its end at once when it leaves: links and rate limits count packets in the
 * order in which those leave that they are, or are about. The same file, packets and times give the same answers.
 */
import { IPProtocol } from '../../src/wire/numbers.js';
import {
  datagramReply,
  type ErrorKind,
  echoReply,
  errorAbout,
  isEchoRequest,
  PORT_UNREACHABLE,
  refusal,
  type Speaker,
  segmentReply,
  TIME_EXCEEDED,
  timestampReply,
  tooBig,
  ttlOfSpeaker,
} from './network/answers.js';
import type { HostDescription, NetworkDescription, RouterDescription } from './network/description.js';
import { type Carried, happens, type LinkLedger } from './network/link.js';
import { type NodeLedger, type NodeState, stateOf } from './network/node-state.js';
import {
  addressOf,
  destinationHash,
  flowHash,
  type IPPacket,
  isIcmpError,
  isSound,
  readPacket,
  recordRoute,
  setDscp,
  setTtl,
  translate,
  ttlOf,
} from './network/packet.js';
import { type Edge, Topology, type TopologyNode } from './network/topology.js';

export type { NetworkDescription } from './network/description.js';
export type { Carried } from './network/link.js';
export { networkNames, readNetwork } from './network/read.js';

export interface Ledger {
  /** Both directions of each link, node by node. */
  readonly links: readonly LinkLedger[];
  readonly nodes: Readonly<Record<string, NodeLedger>>;
  /** Packets of the prober that are for nobody in the network; no link has counted them. */
  unrouted: number;
}

/** A packet of the prober makes so many others at most; what is beyond is left out. */
const MOST = 1000;

/** A packet at a node, and the link that it came over. */
interface Arrival {
  readonly packet: IPPacket;
  readonly node: TopologyNode;
  readonly over: Edge;
  readonly at: number;
}

export class NetworkModel {
  readonly description: NetworkDescription;
  readonly topology: Topology;
  readonly ledger: Ledger;
  /** What the wall clock says at 0, in milliseconds since 1970: for ICMP timestamps. */
  readonly epochMs: number;
  readonly #states = new Map<TopologyNode, NodeState>();
  #queue: Arrival[] = [];

  constructor(description: NetworkDescription, epochMs = 0) {
    this.description = description;
    this.epochMs = epochMs;
    this.topology = new Topology(description);
    const nodes: Record<string, NodeLedger> = {};
    const links: LinkLedger[] = [];
    for (const node of this.topology.nodes.values()) {
      const state = stateOf(node, description.seed ?? 1);
      this.#states.set(node, state);
      nodes[node.name] = state.ledger;
      links.push(...node.edges.map(({ direction }) => direction.ledger));
    }
    this.ledger = { links, nodes, unrouted: 0 };
  }

  /**
   * @param bytes an IP packet, whole, that leaves the prober; what is none is for nobody
   * @param now milliseconds
   * @returns IP packets in the order of their arrival
   */
  handle(bytes: Uint8Array, now: number): Carried[] {
    const packet = readPacket(bytes.slice());
    if (packet === undefined) {
      this.ledger.unrouted++;
      return [];
    }
    const arrived: Carried[] = [];
    this.#queue = [];
    this.#leave(packet, now);
    for (let i = 0; i < Math.min(this.#queue.length, MOST); i++) {
      const arrival = this.#queue[i] as Arrival;
      const { description } = arrival.node;
      if (description.kind === 'router') this.#atRouter(arrival, description);
      else if (description.kind === 'host') this.#atHost(arrival, description);
      else arrived.push({ bytes: arrival.packet.bytes, at: arrival.at });
    }
    return arrived.sort((a, b) => a.at - b.at);
  }

  #state(node: TopologyNode): NodeState {
    return this.#states.get(node) as NodeState;
  }

  #leave(packet: IPPacket, now: number): void {
    const { prober } = this.topology;
    const destination = addressOf(packet, 'destination');
    if (this.topology.owner(destination) !== undefined) {
      this.#send(packet, prober, now);
      return;
    }
    const hearing = prober.edges.filter(({ to }) => this.#state(to).groups.has(destination));
    if (hearing.length === 0) this.ledger.unrouted++;
    for (const edge of hearing) this.#cross(packet.bytes.slice(), edge, now);
  }

  /** From its origin to where it is going. */
  #send(packet: IPPacket, from: TopologyNode, at: number): void {
    const edge = this.#choose(packet, from);
    if (edge !== undefined) this.#cross(packet.bytes, edge, at);
  }

  #cross(bytes: Uint8Array, over: Edge, now: number): void {
    for (const carried of over.direction.carry(bytes, now)) {
      const packet = readPacket(carried.bytes);
      // A corrupted header may be none any more.
      if (packet !== undefined) this.#queue.push({ packet, node: over.to, over, at: carried.at });
    }
  }

  #choose(packet: IPPacket, from: TopologyNode): Edge | undefined {
    const owner = this.topology.owner(addressOf(packet, 'destination'));
    const ways = owner === undefined ? [] : this.topology.ways(from, owner);
    const balance = from.description.kind === 'router' ? from.description.balance : undefined;
    if (ways.length < 2 || balance === undefined) return ways[0];
    if (balance === 'flow') return ways[flowHash(packet) % ways.length];
    if (balance === 'destination') return ways[destinationHash(packet) % ways.length];
    return ways[this.#state(from).chosen++ % ways.length];
  }

  #atRouter(arrival: Arrival, router: RouterDescription): void {
    const { packet, node } = arrival;
    const destination = addressOf(packet, 'destination');
    const outside = this.#state(node).nat[packet.family];
    if (outside !== undefined && Buffer.compare(outside, destination) === 0) {
      this.#translateBack(packet, router);
      this.#passOn(arrival, router);
    } else if (this.topology.owner(destination) === node) this.#answer(arrival, router, destination.slice());
    else this.#passOn(arrival, router);
  }

  #atHost(arrival: Arrival, host: HostDescription): void {
    const { packet, node } = arrival;
    const state = this.#state(node);
    const destination = addressOf(packet, 'destination');
    const own = state.groups.has(destination) ? node.addresses[packet.family] : destination.slice();
    if (own === undefined) state.ledger.swallowed++;
    else this.#answer(arrival, host, own);
  }

  #passOn(arrival: Arrival, router: RouterDescription): void {
    const { packet, node, at } = arrival;
    const state = this.#state(node);
    const destination = addressOf(packet, 'destination');
    if (state.blackHole.has(destination) && this.topology.owner(destination) !== this.topology.prober) {
      state.ledger.swallowed++;
      return;
    }
    const edge = this.#choose(packet, node);
    const trouble = this.#troubleOf(packet, router, state, edge);
    if (edge === undefined || trouble !== undefined) {
      this.#report(arrival, router, trouble ?? refusal('net'));
      return;
    }
    if (router.keepsTtl !== true) setTtl(packet, ttlOf(packet) - 1);
    if (router.dscp !== undefined) setDscp(packet, router.dscp);
    const own = node.addresses[packet.family];
    if (own !== undefined) recordRoute(packet, own);
    const outside = state.nat[packet.family];
    if (outside !== undefined && this.topology.owner(addressOf(packet, 'source')) === this.topology.prober) {
      translate(packet, { which: 'source', address: outside, ports: router.nat?.ports ?? 0, checksum: true });
    }
    this.#cross(packet.bytes, edge, at);
  }

  /** Why a router does not pass a packet on, in the order in which Linux looks. */
  #troubleOf(packet: IPPacket, router: RouterDescription, state: NodeState, edge: Edge | undefined) {
    const destination = addressOf(packet, 'destination');
    const refused = state.refuses.find(
      (refuses) => refuses.to.has(destination) && happens(refuses.when, ++refuses.met, state.random),
    );
    if (refused !== undefined) return refused.kind;
    if (router.keepsTtl !== true && ttlOf(packet) <= 1) return TIME_EXCEEDED;
    const mtu = edge?.direction.mtu ?? Number.POSITIVE_INFINITY;
    // Without DF a router cuts an IPv4 packet up and the far end puts it together: here it passes whole.
    const uncut = packet.family === 'ipv6' || (packet.view.getUint16(6) & 0x4000) !== 0;
    return uncut && packet.bytes.length > mtu ? tooBig(mtu) : undefined;
  }

  /** To the prober, and what an error quotes back to what the prober has sent. */
  #translateBack(packet: IPPacket, { nat }: RouterDescription): void {
    const { ports = 0, restores = ['source', 'checksum'] } = nat ?? {};
    const address = this.topology.prober.addresses[packet.family];
    if (address === undefined) return;
    const isError = isIcmpError(packet);
    translate(packet, { which: 'destination', address, ports: isError ? 0 : -ports, checksum: true });
    const quoted = isError ? readPacket(packet.bytes.subarray(packet.at + 8)) : undefined;
    if (quoted === undefined || !restores.includes('source')) return;
    const checksum = restores.includes('checksum');
    const outer = { view: packet.view, at: packet.at + 2 };
    translate(quoted, { which: 'source', address, ports: -ports, checksum }, outer);
  }

  /** @param own the address that the packet is for */
  #answer(arrival: Arrival, speaker: Speaker, own: Uint8Array): void {
    const { packet, node, at } = arrival;
    const { ledger, answersFrom } = this.#state(node);
    const heard = speaker.silent !== true && !packet.laterFragment && !isIcmpError(packet) && isSound(packet);
    const answers = heard ? this.#answersTo(arrival, speaker, answersFrom[packet.family] ?? own) : [];
    if (answers === 'closed') {
      this.#report(arrival, speaker, PORT_UNREACHABLE);
      return;
    }
    if (answers.length === 0) ledger.swallowed++;
    for (const bytes of answers) {
      ledger.answers++;
      this.#send(readPacket(bytes) as IPPacket, node, at + (speaker.thinkingMs ?? 0));
    }
  }

  #answersTo({ packet, node, at }: Arrival, speaker: Speaker, from: Uint8Array): Uint8Array[] | 'closed' {
    const ttl = ttlOfSpeaker(speaker);
    const host: Partial<HostDescription> = speaker.kind === 'host' ? speaker : {};
    const { echo = true, udp = 'closed', tcp = {}, timestamp = true } = host;
    if (isEchoRequest(packet)) {
      if (echo === false) return [];
      const state = this.#state(node);
      const { changes, copies = 1 } = echo === true ? {} : echo;
      state.echoes++;
      const changed = changes !== undefined && happens(changes.when, state.echoes, state.random);
      return Array.from({ length: copies }, () => echoReply(packet, from, ttl, changed ? changes.offset : undefined));
    }
    if (packet.protocol === IPProtocol.udp) {
      return udp === 'closed' ? 'closed' : udp === 'silent' ? [] : [datagramReply(packet, from, ttl)];
    }
    const wallMs = this.epochMs + at + (speaker.clockAheadMs ?? 0);
    const reply =
      packet.protocol === IPProtocol.tcp
        ? segmentReply(packet, from, ttl, tcp)
        : timestamp
          ? timestampReply(packet, from, ttl, wallMs)
          : undefined;
    return reply === undefined ? [] : [reply];
  }

  /** RFC 1122 section 3.2.2: about no ICMP error and no later fragment. */
  #report({ packet, node, over, at }: Arrival, speaker: Speaker, kind: ErrorKind): void {
    const state = this.#state(node);
    const { ledger, limit, answersFrom } = state;
    const from = answersFrom[packet.family] ?? over.addresses[packet.family] ?? node.addresses[packet.family];
    if (speaker.silent === true || from === undefined || isIcmpError(packet) || packet.laterFragment) {
      ledger.swallowed++;
      return;
    }
    if (limit?.take(at) === false) {
      ledger.limited++;
      return;
    }
    ledger.errors++;
    state.identification = (state.identification + 1) & 0xffff;
    const bytes = errorAbout(packet, { speaker, from, kind, identification: state.identification });
    this.#send(readPacket(bytes) as IPPacket, node, at + (speaker.thinkingMs ?? 0));
  }
}
