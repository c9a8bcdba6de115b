/** What a capture file is, without a look into its packets: what capinfos(1) tells. */
import type { Timestamp } from '../../src/measure/clock.js';
import { linkTypeName } from '../../src/wire/link-types.js';
import type { CapturedPacket, CaptureInterface } from '../record.js';
import type { CaptureStatistics } from '../source.js';

export interface CaptureInfo {
  readonly packets: number;
  /** Lengths on the link, together. */
  readonly bytes: number;
  readonly capturedBytes: number;
  /** Of packets that were cut; null where none was. */
  readonly shortestCut: number | null;
  readonly longestCut: number | null;
  readonly cutPackets: number;
  readonly first: Timestamp | null;
  readonly last: Timestamp | null;
  readonly durationMs: number;
  /** No packet is earlier than the one before it. */
  readonly strictTimeOrder: boolean;
  readonly packetsWithoutTime: number;
  readonly comments: number;
  readonly averageLength: number;
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
  readonly linkTypes: readonly string[];
  readonly interfaces: readonly (CaptureInterface & { readonly packets: number })[];
  readonly statistics: CaptureStatistics;
}

export class CaptureInfoCollector {
  #packets = 0;
  #bytes = 0;
  #capturedBytes = 0;
  #cutPackets = 0;
  #shortestCut: number | null = null;
  #longestCut: number | null = null;
  #first: Timestamp | null = null;
  #last: Timestamp | null = null;
  #previous: Timestamp | null = null;
  #strict = true;
  #withoutTime = 0;
  #comments = 0;
  readonly #perInterface = new Map<CaptureInterface, number>();

  add(packet: CapturedPacket): void {
    const { originalLength, bytes, timestamp, comments } = packet;
    this.#packets++;
    this.#bytes += originalLength;
    this.#capturedBytes += bytes.length;
    this.#comments += comments?.length ?? 0;
    this.#perInterface.set(packet.interface, (this.#perInterface.get(packet.interface) ?? 0) + 1);
    if (bytes.length < originalLength) {
      this.#cutPackets++;
      this.#shortestCut = Math.min(this.#shortestCut ?? bytes.length, bytes.length);
      this.#longestCut = Math.max(this.#longestCut ?? 0, bytes.length);
    }
    if (timestamp === null) this.#withoutTime++;
    else this.#addTime(timestamp);
  }

  #addTime(time: Timestamp): void {
    if (this.#previous !== null && isBefore(time, this.#previous)) this.#strict = false;
    this.#previous = time;
    if (this.#first === null || isBefore(time, this.#first)) this.#first = time;
    if (this.#last === null || isBefore(this.#last, time)) this.#last = time;
  }

  result(interfaces: readonly CaptureInterface[], statistics: CaptureStatistics): CaptureInfo {
    const first = this.#first;
    const last = this.#last;
    const span =
      first === null || last === null
        ? 0
        : (last.seconds - first.seconds) * 1000 + (last.nanoseconds - first.nanoseconds) / 1e6;
    const perSecond = (amount: number) => (span === 0 ? 0 : (amount * 1000) / span);
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      capturedBytes: this.#capturedBytes,
      shortestCut: this.#shortestCut,
      longestCut: this.#longestCut,
      cutPackets: this.#cutPackets,
      first,
      last,
      durationMs: span,
      strictTimeOrder: this.#strict,
      packetsWithoutTime: this.#withoutTime,
      comments: this.#comments,
      averageLength: this.#packets === 0 ? 0 : this.#bytes / this.#packets,
      packetsPerSecond: perSecond(this.#packets),
      bitsPerSecond: perSecond(this.#bytes * 8),
      linkTypes: [...new Set(interfaces.map(({ linkType }) => linkTypeName(linkType)))],
      interfaces: interfaces.map((one) => ({ ...one, packets: this.#perInterface.get(one) ?? 0 })),
      statistics,
    };
  }
}

const isBefore = (a: Timestamp, b: Timestamp): boolean =>
  a.seconds < b.seconds || (a.seconds === b.seconds && a.nanoseconds < b.nanoseconds);
