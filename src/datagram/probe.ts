/** What the probe datagrams of each sender tell: loss, duplicates, reordering, jitter and transit time. */
import { Histogram } from '../measure/histogram.js';
import { type LossCounts, LossTracker } from '../measure/loss.js';
import type { Endpoint } from '../sockaddr/endpoint.js';
import type { ReceivedMessage } from '../socket/port.js';
import {
  FLAGS_AT,
  PROBE_HEADER_SIZE,
  PROBE_MAGIC,
  PROBE_VERSION_MASK,
  PROBE_VERSION_WORD,
  ProbeFlag,
  streamText,
} from './probe-header.js';
import type { ProbeReport } from './probe-report.js';

/** One probe among those received. */
export interface ReceivedProbe {
  readonly stream: string;
  readonly sequence: number;
  readonly transitMs: number;
}

export class ProbeStream {
  readonly id: string;
  readonly sender: Endpoint | undefined;
  readonly #loss: LossTracker;
  readonly #transit = new Histogram();
  #bytes = 0;
  #jitterMs = 0;
  #ended = false;
  #lastTransit = Number.NaN;
  /** Arrivals with the last transit time, which are not in the histogram yet: those of one batch often agree. */
  #repeats = 0;

  constructor(id: string, sender: Endpoint | undefined, window: number | undefined) {
    this.id = id;
    this.sender = sender;
    this.#loss = new LossTracker(window);
  }

  add(sequence: number, transitMs: number, bytes: number): void {
    const arrival = this.#loss.add(sequence);
    if (arrival === 'duplicate') return;
    this.#bytes += bytes;
    if (transitMs === this.#lastTransit) {
      this.#repeats++;
      this.#jitterMs -= this.#jitterMs / 16;
      return;
    }
    this.#settle();
    if (!Number.isNaN(this.#lastTransit)) {
      this.#jitterMs += (Math.abs(transitMs - this.#lastTransit) - this.#jitterMs) / 16;
    }
    this.#lastTransit = transitMs;
    this.#repeats = 1;
  }

  /** Takes the announcement that the sender has sent `total`. */
  end(total: number): void {
    this.#ended = true;
    this.#loss.end(total);
  }

  counts(): LossCounts {
    return this.#loss.counts();
  }

  report(): ProbeReport {
    this.#settle();
    return {
      stream: this.id,
      sender: this.sender,
      ...this.#loss.counts(),
      bytes: this.#bytes,
      reorderExtent: this.#loss.extent(),
      jitterMs: this.#jitterMs,
      transitMs: this.#transit.summary(),
      ended: this.#ended,
    };
  }

  #settle(): void {
    if (this.#repeats > 0) this.#transit.add(this.#lastTransit, this.#repeats);
    this.#repeats = 0;
  }
}

/** Probes come by the million a second, and what is lost here would be held against the network: 64 MiB. */
export const PROBE_BUFFER = 64 << 20;

/** Streams that are kept at most, with 32 KiB each and more: whoever sends forged ones must not fill the memory. */
const MAX_STREAMS = 1024;

/** What a receiver has to do about a datagram that is more than a number: the flags END, TWO_WAY and REPLY. */
export interface ProbeEvents {
  /** END; `confirmed` when the sender has the report. */
  onEnd(stream: ProbeStream, message: ReceivedMessage, total: number, confirmed: boolean): void;
  /** `[from, to)` of the message's bytes is a datagram to be sent back. */
  onTwoWay(message: ReceivedMessage, from: number, to: number): void;
}

export class ProbeReceiver {
  readonly #streams = new Map<string, ProbeStream>();
  readonly #events: ProbeEvents;
  readonly #window: number | undefined;
  #lastHigh = -1;
  #lastLow = -1;
  #last: ProbeStream | undefined;
  /** Datagrams that were no probes, or of more streams than are kept. */
  foreign = 0;
  /** Probes taken in, duplicates as well. */
  received = 0;
  /** Bytes of all datagrams, but for those that end a stream. */
  bytes = 0;

  /** @param window numbers behind the highest of a stream that are told apart (src/measure/loss.ts) */
  constructor(events: ProbeEvents, window?: number) {
    this.#events = events;
    this.#window = window;
  }

  /**
   * Takes in a message, a run of datagrams as well.
   *
   * @returns what the last datagram in it was; undefined when that was no probe, or one that is not counted
   */
  add(message: ReceivedMessage): ReceivedProbe | undefined {
    const { bytes, segmentSize, timestamp, length } = message;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let found: ProbeStream | undefined;
    let sequence = 0;
    let transitMs = 0;
    let at = 0;
    do {
      const size = Math.min(segmentSize, length - at);
      const ours = at + PROBE_HEADER_SIZE <= bytes.length && isProbe(view, at, size);
      const flags = ours ? view.getUint8(at + FLAGS_AT) : 0;
      // Reports and replies are for senders: they are not counted, whoever sends them here.
      const forSender = (flags & (ProbeFlag.reply | ProbeFlag.report)) !== 0;
      const stream = ours && !forSender ? this.#streamOf(view, at, message) : undefined;
      if (forSender) found = undefined;
      else if (stream === undefined) {
        this.foreign++;
        this.bytes += size;
        found = undefined;
      } else {
        sequence = view.getUint32(at + 16) * 0x1_0000_0000 + view.getUint32(at + 20);
        if ((flags & ProbeFlag.end) !== 0) {
          stream.end(sequence);
          this.#events.onEnd(stream, message, sequence, (flags & ProbeFlag.confirm) !== 0);
          found = undefined;
        } else {
          const seconds = view.getUint32(at + 24) * 0x1_0000_0000 + view.getUint32(at + 28);
          transitMs = (timestamp.seconds - seconds) * 1000 + (timestamp.nanoseconds - view.getUint32(at + 32)) / 1e6;
          stream.add(sequence, transitMs, size);
          this.received++;
          this.bytes += size;
          found = stream;
          if ((flags & ProbeFlag.twoWay) !== 0) this.#events.onTwoWay(message, at, Math.min(at + size, bytes.length));
        }
      }
      at += segmentSize;
    } while (at < length);
    return found === undefined ? undefined : { stream: found.id, sequence, transitMs };
  }

  /** Sums over all streams. */
  totals(): LossCounts {
    const total = { received: 0, lost: 0, late: 0, reordered: 0, duplicated: 0 };
    for (const stream of this.#streams.values()) {
      const counts = stream.counts();
      total.received += counts.received;
      total.lost += counts.lost;
      total.late += counts.late;
      total.reordered += counts.reordered;
      total.duplicated += counts.duplicated;
    }
    return total;
  }

  reports(): ProbeReport[] {
    return [...this.#streams.values()].map((stream) => stream.report());
  }

  /** The stream of the probe at `at`; undefined where there are too many. */
  #streamOf(view: DataView, at: number, message: ReceivedMessage): ProbeStream | undefined {
    const high = view.getUint32(at + 8);
    const low = view.getUint32(at + 12);
    if (high === this.#lastHigh && low === this.#lastLow) return this.#last;
    const id = streamText(high, low);
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#streams.size >= MAX_STREAMS) return undefined;
      stream = new ProbeStream(id, message.from, this.#window);
      this.#streams.set(id, stream);
    }
    this.#lastHigh = high;
    this.#lastLow = low;
    this.#last = stream;
    return stream;
  }
}

/** Whether a whole probe header is at `at`, of a datagram of `size` bytes. */
function isProbe(view: DataView, at: number, size: number): boolean {
  return (
    view.getUint32(at) === PROBE_MAGIC &&
    (view.getInt32(at + 4) & PROBE_VERSION_MASK) === PROBE_VERSION_WORD &&
    // Numbers beyond 2^53 are no sequence of ours and no time of this age; they can't be held exactly either.
    view.getUint32(at + 16) <= 0x1fffff &&
    view.getUint32(at + 24) <= 0x1fffff &&
    view.getUint32(at + 32) <= 999_999_999 &&
    view.getUint32(at + 36) === size
  );
}
