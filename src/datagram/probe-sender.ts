/** The sending end of a probe stream: its headers, the replies that come back, and the receiver's report. */
import { elapsedMs } from '../measure/clock.js';
import { type DistributionMs, Histogram } from '../measure/histogram.js';
import { LossTracker } from '../measure/loss.js';
import type { Endpoint } from '../sockaddr/endpoint.js';
import type { MessageSocket, ReceivedMessage } from '../socket/port.js';
import { decodeProbeHeader, encodeProbeHeader, encodeProbeRun, ProbeFlag, streamText } from './probe-header.js';
import { decodeProbeReport, PROBE_REPORT_SIZE, type ProbeReport } from './probe-report.js';

/** Of the replies to two-way probes. */
export interface TwoWayCounts {
  readonly received: number;
  /** Of the probes or of their replies: which, the report of the receiver tells. */
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Of `lost`: what this machine had no room for, as its kernel counts; null where unknown. */
  readonly droppedSocket: number | null;
  readonly rttMs: DistributionMs;
}

/** From one END to the next, in milliseconds, until the report comes. */
const ASK_MS = 250;
/** The report may overtake replies: so long they are waited for, in milliseconds. */
const SETTLE_MS = 200;
/** CONFIRM is sent so often; where all are lost, the receiver stays a second longer. */
const CONFIRMS = 2;

export class ProbeSender {
  readonly stream: string;
  readonly #socket: MessageSocket;
  readonly #to: Endpoint | undefined;
  readonly #flags: number;
  readonly #replies = new LossTracker();
  readonly #rtt = new Histogram();
  #report: ProbeReport | undefined;
  #reported: (() => void) | undefined;
  #replied: (() => void) | undefined;

  /** @param id 8 random bytes */
  constructor(socket: MessageSocket, to: Endpoint | undefined, id: Uint8Array, twoWay: boolean) {
    this.#socket = socket;
    this.#to = to;
    const view = new DataView(id.buffer, id.byteOffset, 8);
    this.stream = streamText(view.getUint32(0), view.getUint32(4));
    this.#flags = twoWay ? ProbeFlag.twoWay : 0;
  }

  get report(): ProbeReport | undefined {
    return this.#report;
  }

  /** Writes the headers of a run of datagrams of `size` bytes, the first of them with the sequence `first`. */
  fill(bytes: Uint8Array, size: number, first: number): void {
    encodeProbeRun(bytes, size, {
      stream: this.stream,
      sequence: first,
      flags: this.#flags,
      sent: this.#socket.now(),
    });
  }

  /** Whether the message was about the probes: a reply, or the report. */
  take(message: ReceivedMessage): boolean {
    const header = decodeProbeHeader(message.bytes);
    if (header === undefined || header.stream !== this.stream) return false;
    if ((header.flags & ProbeFlag.report) !== 0) {
      const report = decodeProbeReport(message.bytes);
      if (report === undefined) return false;
      this.#report = report;
      this.#reported?.();
      return true;
    }
    if ((header.flags & ProbeFlag.reply) === 0) return false;
    if (this.#replies.add(header.sequence) !== 'duplicate') this.#rtt.add(elapsedMs(header.sent, message.timestamp));
    if (this.#repliesMissing() === 0) this.#replied?.();
    return true;
  }

  /** What came back of `sent` two-way probes; undefined where none were to come back. */
  twoWay(sent: number): TwoWayCounts | undefined {
    if (this.#flags === 0) return undefined;
    this.#replies.end(sent);
    const { received, lost, duplicated, reordered } = this.#replies.counts();
    return { received, lost, duplicated, reordered, droppedSocket: this.#socket.dropped, rttMs: this.#rtt.summary() };
  }

  /** Says that `sent` were all, again and again until the report comes or the signal fires. */
  async askForReport(sent: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearInterval(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setInterval(() => this.#announce(sent, ProbeFlag.end), ASK_MS);
      this.#reported = done;
      if (signal.aborted) done();
      signal.addEventListener('abort', done, { once: true });
      this.#announce(sent, ProbeFlag.end);
    });
    if (this.#report === undefined) return;
    for (let i = 0; i < CONFIRMS; i++) await this.#announce(sent, ProbeFlag.end | ProbeFlag.confirm);
    if (this.#flags === 0 || this.#repliesMissing() === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, SETTLE_MS);
      this.#replied = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Replies that should still come, by the report. */
  #repliesMissing(): number {
    return Math.max(0, (this.#report?.received ?? Number.POSITIVE_INFINITY) - this.#replies.counts().received);
  }

  /** Nobody listens there: no report will come. */
  refused(): void {
    this.#reported?.();
  }

  async #announce(sequence: number, flags: number): Promise<void> {
    const bytes = new Uint8Array(PROBE_REPORT_SIZE);
    encodeProbeHeader(bytes, { stream: this.stream, sequence, flags, sent: this.#socket.now() });
    // The receiver may be gone after the first of them: then it has what it needs.
    await this.#socket.send([{ bytes, to: this.#to }]).catch(() => this.refused());
  }
}
