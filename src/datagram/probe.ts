/** What the probe datagrams of each sender tell: loss, duplicates, reordering, jitter and transit time. */
import { elapsedMs } from '../measure/clock.js';
import { type DistributionMs, Histogram } from '../measure/histogram.js';
import { type LossCounts, LossTracker } from '../measure/loss.js';
import type { ReceivedMessage } from '../socket/port.js';
import { decodeProbeHeader, type ProbeHeader } from './probe-header.js';

export interface ProbeReport extends LossCounts {
  readonly stream: string;
  /** Interarrival jitter of RFC 3550 section 6.4.1, in milliseconds. */
  readonly jitterMs: number;
  /** One-way time: true only as far as the clocks of both machines agree. */
  readonly transitMs: DistributionMs;
  /** Whether the sender has said that it is done. */
  readonly ended: boolean;
}

class ProbeStream {
  readonly loss = new LossTracker();
  readonly transit = new Histogram();
  ended = false;
  jitterMs = 0;
  #lastTransit: number | undefined;

  add(sequence: number, transitMs: number): void {
    const arrival = this.loss.add(sequence);
    if (arrival === 'duplicate') return;
    this.transit.add(transitMs);
    if (this.#lastTransit !== undefined) {
      this.jitterMs += (Math.abs(transitMs - this.#lastTransit) - this.jitterMs) / 16;
    }
    this.#lastTransit = transitMs;
  }
}

/** Streams that are kept at most; whoever sends forged ones must not fill the memory. */
const MAX_STREAMS = 4096;

export class ProbeReceiver {
  readonly #streams = new Map<string, ProbeStream>();
  /** Datagrams that were no probes, or of more streams than are kept. */
  foreign = 0;

  /** Takes a datagram in; undefined when it is no probe. */
  add(message: ReceivedMessage): { header: ProbeHeader; transitMs: number } | undefined {
    const header = decodeProbeHeader(message.bytes);
    if (header === undefined) {
      this.foreign++;
      return undefined;
    }
    let stream = this.#streams.get(header.stream);
    if (stream === undefined) {
      if (this.#streams.size >= MAX_STREAMS) {
        this.foreign++;
        return undefined;
      }
      stream = new ProbeStream();
      this.#streams.set(header.stream, stream);
    }
    const transitMs = elapsedMs(header.sent, message.timestamp);
    if (header.end) {
      stream.ended = true;
      stream.loss.end(header.sequence);
    } else {
      stream.add(header.sequence, transitMs);
    }
    return { header, transitMs };
  }

  reports(): ProbeReport[] {
    return [...this.#streams].map(([stream, { loss, transit, jitterMs, ended }]) => ({
      stream,
      ...loss.counts(),
      jitterMs,
      transitMs: transit.summary(),
      ended,
    }));
  }
}
