/** One conversation's payload, in order and in the order of time, with its gaps. */
import type { Timestamp } from '../../src/measure/clock.js';
import { dissect } from '../../src/wire/dissect.js';
import type { TcpMessage } from '../../src/wire/tcp.js';
import type { CapturedPacket } from '../record.js';
import { Defragmenter } from './defragment.js';
import { type Flow, type FlowEnd, flowKey, flowOf, tcpOf } from './flow.js';
import { type ReassemblyLimits, StreamReassembly } from './tcp-reassembly.js';

export interface FollowedPiece {
  /** Who sends: 0 for who has sent the first packet of the conversation. */
  readonly side: 0 | 1;
  readonly timestamp: Timestamp | null;
  /** In bytes since the start of that direction. */
  readonly offset: number;
  readonly length: number;
  /** Null for what was not captured. */
  readonly bytes: Uint8Array | null;
}

export interface FollowedStream {
  readonly protocol: 'tcp' | 'udp';
  readonly stream: number;
  readonly a: FlowEnd;
  readonly b: FlowEnd;
}

/** Conversations that are told apart while the one that is asked for is looked for. */
const MAX_STREAMS = 100_000;

/** Finds the conversation, and puts its payload in order. */
export class StreamFollower {
  readonly #protocol: 'tcp' | 'udp';
  readonly #wanted: number;
  readonly #streams = new Map<string, { stream: number; forward: boolean; flow: Flow }>();
  readonly #sides: readonly [StreamReassembly, StreamReassembly];
  readonly #datagramOffsets: [number, number] = [0, 0];
  readonly #defragmenter = new Defragmenter();
  #found: FollowedStream | undefined;
  #gapBytes = 0;

  /** @param stream its number among those of `protocol`, from 0, in the order of their first packets */
  constructor(protocol: 'tcp' | 'udp', stream: number, limits?: ReassemblyLimits) {
    this.#protocol = protocol;
    this.#wanted = stream;
    this.#sides = [new StreamReassembly(limits), new StreamReassembly(limits)];
  }

  /** Undefined until its first packet was seen. */
  get found(): FollowedStream | undefined {
    return this.#found;
  }

  /** Conversations of that protocol so far. */
  get streams(): number {
    return this.#streams.size;
  }

  /** The first ones, for whoever asks for one that is not there. */
  list(count: number): FollowedStream[] {
    return [...this.#streams.values()].slice(0, count).map(({ stream, flow }) => ({
      protocol: this.#protocol,
      stream,
      a: flow.source,
      b: flow.destination,
    }));
  }

  get gapBytes(): number {
    return this.#gapBytes;
  }

  /** How often a bound of the reassembly was met. */
  get bounded(): number {
    return this.#sides[0].bounded + this.#sides[1].bounded + this.#defragmenter.dropped;
  }

  /** What the packet lets be told; views of its bytes, or of copies. */
  add(packet: CapturedPacket): FollowedPiece[] {
    const { bytes, interface: from, originalLength, timestamp } = packet;
    const timeMs = timestamp === null ? 0 : timestamp.seconds * 1000 + timestamp.nanoseconds / 1e6;
    let dissection = dissect(bytes, from.linkType, { originalLength });
    let source = bytes;
    const whole = this.#defragmenter.add(bytes, dissection, timeMs);
    if (whole !== undefined) {
      source = whole;
      dissection = dissect(whole, from.linkType);
    }
    const flow = flowOf(dissection);
    if (flow === undefined || flow.protocol !== this.#protocol) return [];
    const { key, forward } = flowKey(flow);
    let entry = this.#streams.get(key);
    if (entry === undefined) {
      if (this.#streams.size >= MAX_STREAMS) return [];
      entry = { stream: this.#streams.size, forward, flow };
      this.#streams.set(key, entry);
      if (entry.stream === this.#wanted) {
        this.#found = { protocol: this.#protocol, stream: entry.stream, a: flow.source, b: flow.destination };
      }
    }
    if (entry.stream !== this.#wanted) return [];
    const side = forward === entry.forward ? 0 : 1;
    const data = source.subarray(dissection.payloadAt ?? 0, dissection.payloadEnd ?? 0);
    return this.#protocol === 'udp'
      ? this.#datagram(side, data, timestamp)
      : this.#segment(side, tcpOf(flow, dissection), data, timestamp, timeMs);
  }

  #datagram(side: 0 | 1, data: Uint8Array, timestamp: Timestamp | null): FollowedPiece[] {
    if (data.length === 0) return [];
    const offset = this.#datagramOffsets[side];
    this.#datagramOffsets[side] += data.length;
    return [{ side, timestamp, offset, length: data.length, bytes: data }];
  }

  #segment(
    side: 0 | 1,
    tcp: TcpMessage | undefined,
    data: Uint8Array,
    timestamp: Timestamp | null,
    timeMs: number,
  ): FollowedPiece[] {
    if (tcp === undefined) return [];
    const own = this.#sides[side];
    const otherSide = side === 0 ? 1 : 0;
    const pieces: FollowedPiece[] = [];
    const take = (from: 0 | 1, list: ReturnType<StreamReassembly['end']>) => {
      for (const { offset, length, bytes } of list) {
        if (bytes === null) this.#gapBytes += length;
        pieces.push({ side: from, timestamp, offset, length, bytes });
      }
    };
    const syn = tcp.flags.includes('SYN');
    if (syn) own.start(tcp.sequence);
    if (tcp.flags.includes('ACK')) take(otherSide, this.#sides[otherSide].acknowledged(tcp.acknowledgment));
    // RFC 7413: a SYN may carry data, which is counted behind it.
    const sequence = syn ? (tcp.sequence + 1) >>> 0 : tcp.sequence;
    take(side, own.segment(sequence, data, tcp.payloadLength, timeMs));
    return pieces;
  }

  /** What was held back for what never came. */
  end(): FollowedPiece[] {
    const pieces: FollowedPiece[] = [];
    for (const side of [0, 1] as const) {
      for (const { offset, length, bytes } of this.#sides[side].end()) {
        if (bytes === null) this.#gapBytes += length;
        pieces.push({ side, timestamp: null, offset, length, bytes });
      }
    }
    return pieces;
  }
}
