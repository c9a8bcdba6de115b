/** `capture --live`: a running capture on the terminal, drawn anew as it goes on. It is a sink beside others. */
import { type CaptureInterface, type CaptureSink, type ConversationOrder, LiveTraffic } from '../../capture/index.js';
import { type CaptureStatistics, NO_STATISTICS } from '../../capture/reading.js';
import { LiveFrame, type LiveFrameOptions } from './live-frame.js';
import { type LivePicture, liveLines } from './live-layout.js';
import type { Size } from './live-text.js';

/** Conversations that are looked up, so that a paused view has some for a larger terminal. */
const LOOKED_UP = 100;

const ORDERS: readonly ConversationOrder[] = ['rate', 'bytes', 'packets'];

export interface LiveViewOptions extends LiveFrameOptions {
  /** Where packets come from, and which. */
  readonly title: string;
}

export class LiveView implements CaptureSink {
  readonly watches = true;
  readonly #options: LiveViewOptions;
  readonly #frame: LiveFrame;
  readonly #traffic: LiveTraffic;
  #interfaces: readonly CaptureInterface[] = [];
  #statistics: () => CaptureStatistics = () => NO_STATISTICS;
  /** What was counted before a reset. */
  #before: CaptureStatistics = { received: 0, droppedKernel: 0, droppedInterface: 0, droppedApplication: 0 };
  #order: ConversationOrder = 'rate';
  /** The picture that is kept while the view is paused. */
  #paused: LivePicture | undefined;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#traffic = new LiveTraffic(options.now());
    const traffic = this.#traffic;
    this.#frame = new LiveFrame(options, {
      lines: (size, notice) => this.#lines(size, notice),
      pause: (paused) => {
        this.#paused = paused ? this.#take() : undefined;
      },
      sort: () => this.#sort(),
      reset: () => {
        traffic.reset(options.now());
        this.#before = this.#statistics();
      },
      get version() {
        const { packets, packetsPerSecond } = traffic.totals(options.now()).all;
        // Rates go down for a while after the last packet.
        return packetsPerSecond === 0 ? packets : Number.NaN;
      },
      elapsedMs: (now) => traffic.elapsedMs(now),
    });
  }

  open(interfaces: readonly CaptureInterface[], statistics?: () => CaptureStatistics): void {
    this.#interfaces = interfaces;
    if (statistics !== undefined) this.#statistics = statistics;
    this.#traffic.reset(this.#options.now());
    this.#frame.open();
  }

  write(batch: Parameters<CaptureSink['write']>[0]): void {
    this.#traffic.addPackets(batch, this.#options.now());
  }

  writeFrames(batch: Parameters<NonNullable<CaptureSink['writeFrames']>>[0]): void {
    this.#traffic.addFrames(batch, this.#interfaces, this.#options.now());
  }

  close(): Promise<void> {
    return this.#frame.close();
  }

  /** Shows a line for a while. */
  notice(text: string): void {
    this.#frame.notice(text);
  }

  #lines(size: Size, notice: string | undefined): readonly string[] {
    const { keys, style } = this.#options;
    const state = { order: this.#order, paused: this.#paused !== undefined, keys: keys !== undefined, notice };
    return liveLines(this.#paused ?? this.#take(), state, size, style);
  }

  #take(): LivePicture {
    const now = this.#options.now();
    const traffic = this.#traffic;
    const { received, droppedKernel, droppedInterface, droppedApplication } = this.#statistics();
    const since = (count: number | null, before: number | null) =>
      count === null ? null : Math.max(0, count - (before ?? 0));
    return {
      title: this.#options.title,
      elapsedMs: traffic.elapsedMs(now),
      totals: traffic.totals(now),
      history: traffic.history(this.#frame.columns, now),
      peakBitsPerSecond: traffic.peakBitsPerSecond(now),
      statistics: {
        received: since(received, this.#before.received),
        droppedKernel: since(droppedKernel, this.#before.droppedKernel),
        droppedInterface: since(droppedInterface, this.#before.droppedInterface),
        droppedApplication: since(droppedApplication, this.#before.droppedApplication),
      },
      protocols: traffic.protocols(now),
      conversations: traffic.conversations(this.#order, Math.max(LOOKED_UP, this.#frame.rows), now),
      conversationCounts: traffic.conversationCounts,
    };
  }

  /** The next order; a paused picture is sorted of the conversations that it has. */
  #sort(): void {
    this.#order = ORDERS[(ORDERS.indexOf(this.#order) + 1) % ORDERS.length] as ConversationOrder;
    if (this.#paused === undefined) return;
    const key = this.#order === 'rate' ? 'bitsPerSecond' : this.#order;
    const conversations = [...this.#paused.conversations].sort((x, y) => y[key] - x[key] || y.bytes - x.bytes);
    this.#paused = { ...this.#paused, conversations };
  }
}
