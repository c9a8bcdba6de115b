/**
 * What is in a capture: the tree of protocols, who talks to whom, and how much in each interval.
 *
 * Bounded: at most so many conversations and endpoints are told apart; packets of further ones are counted as such.
 */
import type { Timestamp } from '../../src/measure/clock.js';
import { dissect } from '../../src/wire/dissect.js';
import type { Dissection } from '../../src/wire/layer.js';
import type { CapturedPacket } from '../record.js';
import { Defragmenter } from './defragment.js';
import { type Flow, type FlowEnd, type FlowProtocol, flowKey, flowOf, tcpOf } from './flow.js';
import { type TcpCounts, TcpTracker } from './tcp-tracker.js';

export interface ProtocolCount {
  /** From the outermost in: `ethernet`, `ipv4`, `tcp`. */
  readonly path: readonly string[];
  readonly packets: number;
  /** Lengths on the link of those packets. */
  readonly bytes: number;
}

export interface Conversation {
  /** From 0, in the order of their first packets, for each protocol of its own; what `capture follow` takes. */
  readonly stream: number;
  readonly protocol: FlowProtocol;
  /** Who has sent the first packet. */
  readonly a: FlowEnd;
  readonly b: FlowEnd;
  readonly packetsFromA: number;
  readonly bytesFromA: number;
  readonly packetsFromB: number;
  readonly bytesFromB: number;
  readonly start: Timestamp | null;
  readonly durationMs: number;
  readonly tcp?: TcpCounts;
}

export interface EndpointCount {
  readonly address: string;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
}

export interface RatePoint {
  /** Where the interval begins, in milliseconds since the first packet. */
  readonly startMs: number;
  readonly packets: number;
  readonly bytes: number;
}

export interface StatisticsOptions {
  /** Of the rate; default what gives 24 of them or fewer, of a round length. */
  readonly intervalMs?: number | undefined;
  /** Default 100,000. */
  readonly maxConversations?: number | undefined;
}

interface Entry {
  readonly stream: number;
  readonly flow: Flow;
  readonly forward: boolean;
  packets: [number, number];
  bytes: [number, number];
  readonly start: Timestamp | null;
  firstMs: number;
  lastMs: number;
  readonly tracker: TcpTracker | undefined;
}

/** Intervals that are kept, of a length of our own and of one that was asked for; where there are more, ten become one. */
const MAX_POINTS = 4096;
const MAX_ASKED_POINTS = 1_000_000;

export class CaptureStatisticsCollector {
  readonly #options: StatisticsOptions;
  readonly #maxConversations: number;
  readonly #tree = new Map<string, { path: string[]; packets: number; bytes: number }>();
  readonly #conversations = new Map<string, Entry>();
  readonly #streams = new Map<FlowProtocol, number>();
  readonly #endpoints = new Map<string, { -readonly [Key in keyof EndpointCount]: EndpointCount[Key] }>();
  readonly #defragmenter = new Defragmenter();
  #intervalMs: number;
  #points: { packets: number; bytes: number }[] = [];
  #firstMs: number | undefined;
  #lastMs = 0;
  #packets = 0;
  #bytes = 0;
  #malformed = 0;
  #uncounted = 0;

  constructor(options: StatisticsOptions = {}) {
    this.#options = options;
    this.#maxConversations = options.maxConversations ?? 100_000;
    this.#intervalMs = options.intervalMs ?? 1;
  }

  add(packet: CapturedPacket): void {
    const { bytes, interface: from, originalLength, timestamp } = packet;
    const timeMs = timestamp === null ? this.#lastMs : timestamp.seconds * 1000 + timestamp.nanoseconds / 1e6;
    let dissection = dissect(bytes, from.linkType, { originalLength });
    this.#packets++;
    this.#bytes += originalLength;
    if (dissection.malformed !== undefined) this.#malformed++;
    this.#addRate(timeMs, originalLength);
    const whole = this.#defragmenter.add(bytes, dissection, timeMs);
    if (whole !== undefined) dissection = dissect(whole, from.linkType);
    this.#addProtocols(dissection, originalLength);
    const flow = flowOf(dissection);
    if (flow === undefined) return;
    this.#addEndpoints(flow, originalLength);
    this.#addConversation(flow, dissection, packet, timeMs);
  }

  #addProtocols({ layers }: Dissection, length: number): void {
    let key = '';
    for (let i = 0; i < layers.length; i++) {
      const { protocol } = layers[i] as { protocol: string };
      key += `/${protocol}`;
      const node = this.#tree.get(key);
      if (node === undefined) {
        // Layers bound the depth; a hostile file could still make many paths.
        if (this.#tree.size >= 10_000) return;
        const path = layers.slice(0, i + 1).map((layer) => layer.protocol);
        this.#tree.set(key, { path, packets: 1, bytes: length });
      } else {
        node.packets++;
        node.bytes += length;
      }
    }
  }

  #addEndpoints({ source, destination }: Flow, length: number): void {
    const from = this.#endpoint(source.address);
    const to = this.#endpoint(destination.address);
    if (from !== undefined) {
      from.packetsSent++;
      from.bytesSent += length;
    }
    if (to !== undefined) {
      to.packetsReceived++;
      to.bytesReceived += length;
    }
  }

  #endpoint(address: string) {
    let found = this.#endpoints.get(address);
    if (found === undefined) {
      if (this.#endpoints.size >= this.#maxConversations) return undefined;
      found = { address, packetsSent: 0, bytesSent: 0, packetsReceived: 0, bytesReceived: 0 };
      this.#endpoints.set(address, found);
    }
    return found;
  }

  #addConversation(flow: Flow, dissection: Dissection, packet: CapturedPacket, timeMs: number): void {
    const { key, forward } = flowKey(flow);
    let entry = this.#conversations.get(key);
    if (entry === undefined) {
      if (this.#conversations.size >= this.#maxConversations) {
        this.#uncounted++;
        return;
      }
      const stream = this.#streams.get(flow.protocol) ?? 0;
      this.#streams.set(flow.protocol, stream + 1);
      entry = {
        stream,
        flow,
        forward,
        packets: [0, 0],
        bytes: [0, 0],
        start: packet.timestamp,
        firstMs: timeMs,
        lastMs: timeMs,
        tracker: flow.protocol === 'tcp' ? new TcpTracker() : undefined,
      };
      this.#conversations.set(key, entry);
    }
    const side = forward === entry.forward ? 0 : 1;
    entry.packets[side]++;
    entry.bytes[side] += packet.originalLength;
    entry.lastMs = Math.max(entry.lastMs, timeMs);
    const tcp = entry.tracker === undefined ? undefined : tcpOf(flow, dissection);
    if (tcp !== undefined) entry.tracker?.segment(tcp, side, timeMs);
  }

  #addRate(timeMs: number, length: number): void {
    this.#firstMs ??= timeMs;
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    const elapsed = Math.max(0, timeMs - this.#firstMs);
    const most = this.#options.intervalMs === undefined ? MAX_POINTS : MAX_ASKED_POINTS;
    while (elapsed / this.#intervalMs >= most) this.#coarsen();
    const index = Math.floor(elapsed / this.#intervalMs);
    while (this.#points.length <= index) this.#points.push({ packets: 0, bytes: 0 });
    const point = this.#points[index] as { packets: number; bytes: number };
    point.packets++;
    point.bytes += length;
  }

  /** By ten, so that 1, 2 and 5 of the next power of ten can still be put together. */
  #coarsen(): void {
    this.#points = merge(this.#points, 10);
    this.#intervalMs *= 10;
  }

  get totals() {
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      malformed: this.#malformed,
      durationMs: this.#firstMs === undefined ? 0 : Math.max(0, this.#lastMs - this.#firstMs),
      reassembled: this.#defragmenter.completed,
      /** Fragmented packets that never became whole, or met a bound. */
      incomplete: this.#defragmenter.incomplete + this.#defragmenter.dropped,
      /** Packets of conversations beyond the bound. */
      uncounted: this.#uncounted,
    };
  }

  /** Each node with its children behind it, the most packets first. */
  protocols(): ProtocolCount[] {
    const nodes = [...this.#tree.values()];
    const weight = (path: readonly string[]) =>
      path.map((_, i) => this.#tree.get(`/${path.slice(0, i + 1).join('/')}`)?.packets ?? 0);
    const keyed = nodes.map((node) => ({ node, weights: weight(node.path) }));
    keyed.sort((x, y) => {
      const depth = Math.min(x.weights.length, y.weights.length);
      for (let i = 0; i < depth; i++) {
        if (x.node.path[i] === y.node.path[i]) continue;
        const more = (y.weights[i] as number) - (x.weights[i] as number);
        return more !== 0 ? more : (x.node.path[i] as string) < (y.node.path[i] as string) ? -1 : 1;
      }
      return x.weights.length - y.weights.length;
    });
    return keyed.map(({ node }) => node);
  }

  /** The most bytes first. */
  conversations(): Conversation[] {
    const all = [...this.#conversations.values()].map((entry): Conversation => {
      const { stream, flow, packets, bytes, start, tracker } = entry;
      return {
        stream,
        protocol: flow.protocol,
        a: flow.source,
        b: flow.destination,
        packetsFromA: packets[0],
        bytesFromA: bytes[0],
        packetsFromB: packets[1],
        bytesFromB: bytes[1],
        start,
        durationMs: entry.lastMs - entry.firstMs,
        ...(tracker === undefined ? {} : { tcp: tracker.counts() }),
      };
    });
    return all.sort((x, y) => y.bytesFromA + y.bytesFromB - x.bytesFromA - x.bytesFromB);
  }

  /** The most bytes first. */
  endpoints(): EndpointCount[] {
    return [...this.#endpoints.values()].sort((x, y) => y.bytesSent + y.bytesReceived - x.bytesSent - x.bytesReceived);
  }

  /** The intervals, and their length. */
  rate(): { readonly intervalMs: number; readonly points: readonly RatePoint[] } {
    const wanted = this.#options.intervalMs ?? niceInterval(this.#points.length * this.#intervalMs);
    const factor = Math.max(1, Math.round(wanted / this.#intervalMs));
    const intervalMs = this.#intervalMs * factor;
    const points = merge(this.#points, factor).map((point, i) => ({ startMs: i * intervalMs, ...point }));
    return { intervalMs, points };
  }
}

function merge(points: readonly { packets: number; bytes: number }[], factor: number) {
  const merged: { packets: number; bytes: number }[] = [];
  points.forEach(({ packets, bytes }, i) => {
    const at = Math.floor(i / factor);
    const into = merged[at];
    if (into === undefined) merged.push({ packets, bytes });
    else {
      into.packets += packets;
      into.bytes += bytes;
    }
  });
  return merged;
}

/** Intervals that a chart shows at most, where nobody has said how long they are. */
const MAX_LINES = 24;

/** The least of 1, 2, 5, 10, 20, 50 … milliseconds of which so many make `totalMs`. */
function niceInterval(totalMs: number): number {
  for (let decade = 1; ; decade *= 10) {
    for (const step of [1, 2, 5]) if (totalMs / (step * decade) <= MAX_LINES) return step * decade;
  }
}
