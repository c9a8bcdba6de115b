/**
 * What a running capture carries: in all and at present, by direction, by protocol, and between whom. The memory is the
 * same whatever comes, and no packet becomes an object.
 *
 * Time is that of the packets' arrival here, on the caller's monotonic clock, not that of their timestamps: it does not
 * jump when somebody sets the system's clock, and it goes on while nothing comes.
 */
import { formatIPv4, formatIPv6 } from '../../src/sockaddr/ip-text.js';
import { etherTypeName, ipProtocolName } from '../../src/wire/names.js';
import { formatHardware } from '../../src/wire/text.js';
import { type FrameBatch, FrameFlag } from '../frames.js';
import type { CapturedPacket, CaptureInterface } from '../record.js';
import { ConversationTable, MIXED_LABEL } from './conversation-table.js';
import type { FlowEnd } from './flow.js';
import { FlowHeader, FlowKind } from './flow-header.js';
import { ProtocolRows } from './protocol-rows.js';
import { TrafficCounters, windowAt } from './traffic-counters.js';

export interface TrafficCount {
  readonly packets: number;
  /** Lengths on the link. */
  readonly bytes: number;
}

/** Counts, and rates over the last two seconds. */
export interface TrafficRate extends TrafficCount {
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
}

export interface ProtocolTraffic extends TrafficRate {
  readonly name: string;
}

export interface ConversationTraffic extends TrafficRate {
  /** `TCP`, `ICMP`, `ARP`; `IP` where its packets are of several. */
  readonly protocol: string;
  /** Who has sent the first packet that was counted. */
  readonly a: FlowEnd;
  readonly b: FlowEnd;
  /** Whether both have sent something. */
  readonly bothWays: boolean;
  /** It may have had more, before it was told apart from others. */
  readonly atLeast: boolean;
}

export type ConversationOrder = 'rate' | 'bytes' | 'packets';

export interface LiveTrafficOptions {
  /** Told apart at most, a power of two; default 4,096. */
  readonly conversations?: number | undefined;
  /** For the hashing of addresses; default Math.random. */
  readonly random?: (() => number) | undefined;
}

/** Seconds that are remembered. */
const HISTORY = 512;

const ALL = 0;
const IN = 1;
const OUT = 2;

export class LiveTraffic {
  readonly #options: LiveTrafficOptions;
  readonly #header = new FlowHeader();
  readonly #rows = new ProtocolRows();
  #startMs: number;
  #directions = new TrafficCounters(3);
  #protocols = new TrafficCounters(this.#rows.names.length);
  #conversations: ConversationTable;
  /** Bytes of each second, a ring; and the last second that has a place in it. */
  readonly #history = new Float64Array(HISTORY);
  #second = 0;
  /** The most bytes of a second that is over. */
  #peak = 0;

  /** @param nowMs a monotonic clock, as in all methods */
  constructor(nowMs: number, options: LiveTrafficOptions = {}) {
    this.#options = options;
    this.#startMs = nowMs;
    this.#conversations = this.#newTable();
  }

  addFrames(batch: FrameBatch, interfaces: readonly CaptureInterface[], nowMs: number): void {
    const { count, bytes, starts, lengths, originalLengths, flags } = batch;
    const window = this.#advance(nowMs);
    let [all, packetsIn, bytesIn, packetsOut, bytesOut] = [0, 0, 0, 0, 0];
    for (let index = 0; index < count; index++) {
      const start = starts[index] as number;
      const length = originalLengths[index] as number;
      const direction = (flags[index] as number) & (FrameFlag.in | FrameFlag.out);
      all += length;
      if (direction === FrameFlag.in) {
        packetsIn++;
        bytesIn += length;
      } else if (direction === FrameFlag.out) {
        packetsOut++;
        bytesOut += length;
      }
      const linkType = interfaces[batch.interfaces[index] as number]?.linkType ?? -1;
      this.#addPacket(bytes, start, start + (lengths[index] as number), linkType, length, window);
    }
    this.#addTotals(count, all, window);
    this.#directions.add(IN, packetsIn, bytesIn, window);
    this.#directions.add(OUT, packetsOut, bytesOut, window);
  }

  addPackets(batch: readonly CapturedPacket[], nowMs: number): void {
    const window = this.#advance(nowMs);
    let all = 0;
    for (const { bytes, direction, interface: from, originalLength } of batch) {
      all += originalLength;
      if (direction !== null) this.#directions.add(direction === 'in' ? IN : OUT, 1, originalLength, window);
      this.#addPacket(bytes, 0, bytes.length, from.linkType, originalLength, window);
    }
    this.#addTotals(batch.length, all, window);
  }

  #addPacket(bytes: Uint8Array, start: number, end: number, linkType: number, length: number, window: number): void {
    const header = this.#header;
    header.read(bytes, start, end, linkType);
    this.#protocols.add(this.#rows.rowOf(header), 1, length, window);
    if (header.length === 0) return;
    const label = header.ipProtocol < 0 ? header.etherType : header.ipProtocol;
    this.#conversations.add(header, label, length, window);
  }

  #addTotals(packets: number, bytes: number, window: number): void {
    this.#directions.add(ALL, packets, bytes, window);
    const at = this.#second % HISTORY;
    this.#history[at] = (this.#history[at] as number) + bytes;
  }

  /** Moves on to this moment; returns its window. */
  #advance(nowMs: number): number {
    const elapsed = this.elapsedMs(nowMs);
    this.#conversations.advance(elapsed);
    const second = Math.floor(elapsed / 1000);
    if (second > this.#second) {
      this.#peak = Math.max(this.#peak, this.#history[this.#second % HISTORY] as number);
      for (let empty = Math.max(this.#second + 1, second - HISTORY + 1); empty <= second; empty++) {
        this.#history[empty % HISTORY] = 0;
      }
      this.#second = second;
    }
    return windowAt(elapsed);
  }

  /** Everything from the beginning. */
  reset(nowMs: number): void {
    this.#startMs = nowMs;
    this.#directions = new TrafficCounters(3);
    this.#protocols = new TrafficCounters(this.#rows.names.length);
    this.#conversations = this.#newTable();
    this.#history.fill(0);
    this.#second = 0;
    this.#peak = 0;
  }

  #newTable(): ConversationTable {
    return new ConversationTable(this.#options.conversations ?? 4096, this.#options.random ?? Math.random);
  }

  /** Since the counting began. */
  elapsedMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#startMs);
  }

  /** In all, and of it what came in and what went out; both are 0 where the link does not say. */
  totals(nowMs: number): { readonly all: TrafficRate; readonly in: TrafficRate; readonly out: TrafficRate } {
    const elapsed = this.elapsedMs(nowMs);
    const of = (direction: number) => rateOf(this.#directions, direction, elapsed);
    return { all: of(ALL), in: of(IN), out: of(OUT) };
  }

  /** Bits of each of the last `seconds` seconds that are over, or as many as there were; at most 511. */
  history(seconds: number, nowMs: number): number[] {
    this.#advance(nowMs);
    const length = Math.min(seconds, this.#second, HISTORY - 1);
    return Array.from({ length }, (_, i) => (this.#history[(this.#second - length + i) % HISTORY] as number) * 8);
  }

  /** The most bits of one second that is over. */
  peakBitsPerSecond(nowMs: number): number {
    this.#advance(nowMs);
    return this.#peak * 8;
  }

  /** Those that there were, by their rate, then by their bytes. */
  protocols(nowMs: number): ProtocolTraffic[] {
    const elapsed = this.elapsedMs(nowMs);
    return this.#rows.names
      .map((name, row) => ({ name, ...rateOf(this.#protocols, row, elapsed) }))
      .filter(({ packets }) => packets > 0)
      .sort((x, y) => y.bitsPerSecond - x.bitsPerSecond || y.bytes - x.bytes);
  }

  /** Conversations that are told apart at present; `replaced` counts those that had to make room for others. */
  get conversationCounts(): { readonly kept: number; readonly replaced: number } {
    return { kept: this.#conversations.size, replaced: this.#conversations.replaced };
  }

  /** The first `limit` in this order; those that are equal in it by their bytes. */
  conversations(order: ConversationOrder, limit: number, nowMs: number): ConversationTraffic[] {
    const elapsed = this.elapsedMs(nowMs);
    const { counters, size } = this.#conversations;
    const scores = new Float64Array(size);
    for (let entry = 0; entry < size; entry++) {
      if (order === 'rate') scores[entry] = counters.byteRate(entry, elapsed);
      else scores[entry] = order === 'bytes' ? counters.bytes(entry) : counters.packets(entry);
    }
    const entries = Uint32Array.from(scores, (_, entry) => entry).sort(
      (x, y) => (scores[y] as number) - (scores[x] as number) || counters.bytes(y) - counters.bytes(x) || x - y,
    );
    return Array.from(entries.subarray(0, limit), (entry) => this.#conversation(entry, elapsed));
  }

  #conversation(entry: number, elapsedMs: number): ConversationTraffic {
    const table = this.#conversations;
    const key = table.key(entry);
    const [lesser, greater] = keyEnds(key);
    const swapped = table.firstIsGreater(entry);
    return {
      protocol: labelText((key[0] as number) & ~0xff, table.label(entry)),
      a: swapped ? greater : lesser,
      b: swapped ? lesser : greater,
      bothWays: table.bothWays(entry),
      atLeast: table.isLate(entry),
      ...rateOf(table.counters, entry, elapsedMs),
    };
  }
}

function rateOf(counters: TrafficCounters, index: number, elapsedMs: number): TrafficRate {
  return {
    packets: counters.packets(index),
    bytes: counters.bytes(index),
    packetsPerSecond: counters.packetRate(index, elapsedMs),
    bitsPerSecond: counters.byteRate(index, elapsedMs) * 8,
  };
}

/** The two ends of a {@link FlowHeader.key}. */
function keyEnds(key: Int32Array): [FlowEnd, FlowEnd] {
  const [kind = 0, ports = 0] = key;
  const hasPorts = (kind & 0xff) !== 0;
  const end = (side: 0 | 1): FlowEnd => ({
    address: addressText(kind & ~0xff, key, side),
    port: hasPorts ? (side === 0 ? ports >>> 16 : ports & 0xffff) : null,
  });
  return [end(0), end(1)];
}

function addressText(kind: number, key: Int32Array, side: 0 | 1): string {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 4; i++) view.setInt32(4 * i, key[2 + 2 * i + side] as number);
  if (kind === FlowKind.ipv4) return formatIPv4(bytes, 0);
  if (kind === FlowKind.ipv6) return formatIPv6(bytes, 0);
  // Six bytes, of which the second word of the key holds the last two.
  view.setUint16(4, key[4 + side] as number);
  return formatHardware(bytes, 0);
}

function labelText(kind: number, label: number): string {
  if (kind !== FlowKind.ethernet) return label === MIXED_LABEL ? 'IP' : ipProtocolName(label);
  if (label === MIXED_LABEL) return 'Ethernet';
  return label < 0x600 ? 'LLC' : etherTypeName(label);
}
