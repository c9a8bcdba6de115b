/** `capture --live`: a running capture on the terminal, drawn anew as it goes on. It is a sink beside others. */
import { type CaptureInterface, type CaptureSink, type ConversationOrder, LiveTraffic } from '../../capture/index.js';
import { type CaptureStatistics, NO_STATISTICS } from '../../capture/reading.js';
import type { LivePicture, LiveStyle } from './live-layout.js';
import { liveLines } from './live-layout.js';
import { printableText } from './printable.js';
import { type ScreenOutput, type ScreenTerminal, TerminalScreen } from './terminal-screen.js';

/** From one drawing to the next: while packets come, and for the clock alone. */
const DRAW_MS = 500;
const IDLE_MS = 1000;
/** From a key, or another size, to the drawing, at least; a key that is held down is not drawn thirty times a second. */
const SOON_MS = 100;
/** How long a notice is shown. */
const NOTICE_MS = 10_000;
/** Conversations that are looked up, so that a paused view has some for a larger terminal. */
const LOOKED_UP = 100;

const ORDERS: readonly ConversationOrder[] = ['rate', 'bytes', 'packets'];

export interface LiveViewOptions {
  /** Where packets come from, and which. */
  readonly title: string;
  readonly terminal: ScreenTerminal;
  readonly output: ScreenOutput;
  readonly style: LiveStyle;
  /** Begins to read keys; returns what ends that. Undefined where there is nobody to press any. */
  readonly keys?: ((onKey: (key: string) => void) => () => void) | undefined;
  /** Ends the capture. */
  readonly quit: () => void;
  /** Called when the view takes the terminal, and when it has given it back. */
  readonly onTaken?: (() => void) | undefined;
  readonly onFreed?: (() => void) | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

export class LiveView implements CaptureSink {
  readonly watches = true;
  readonly #options: LiveViewOptions;
  readonly #screen: TerminalScreen;
  readonly #traffic: LiveTraffic;
  #interfaces: readonly CaptureInterface[] = [];
  #statistics: () => CaptureStatistics = () => NO_STATISTICS;
  /** What was counted before a reset. */
  #before: CaptureStatistics = { received: 0, droppedKernel: 0, droppedInterface: 0, droppedApplication: 0 };
  #order: ConversationOrder = 'rate';
  /** The picture that is kept while the view is paused. */
  #paused: LivePicture | undefined;
  #notice: { readonly text: string; readonly untilMs: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  /** Packets when it was drawn last. */
  #drawnPackets = 0;
  #endKeys: (() => void) | undefined;
  #open = false;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#traffic = new LiveTraffic(options.now());
    this.#screen = new TerminalScreen(options.terminal, options.output, {
      onShown: () => {
        this.#endKeys = options.keys?.((key) => this.#onKey(key));
      },
      onHidden: () => this.#endKeys?.(),
      onLost: () => this.#soon(),
    });
  }

  open(interfaces: readonly CaptureInterface[], statistics?: () => CaptureStatistics): void {
    const { now, onTaken } = this.#options;
    this.#interfaces = interfaces;
    if (statistics !== undefined) this.#statistics = statistics;
    this.#traffic.reset(now());
    this.#open = true;
    onTaken?.();
    this.#screen.enter();
    this.#draw();
  }

  write(batch: Parameters<CaptureSink['write']>[0]): void {
    this.#traffic.addPackets(batch, this.#options.now());
  }

  writeFrames(batch: Parameters<NonNullable<CaptureSink['writeFrames']>>[0]): void {
    this.#traffic.addFrames(batch, this.#interfaces, this.#options.now());
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#timer);
    await this.#screen.leave();
    this.#options.onFreed?.();
  }

  /** Shows a line for a while. */
  notice(text: string): void {
    this.#notice = { text: printableText(text), untilMs: this.#options.now() + NOTICE_MS };
    this.#soon();
  }

  #onKey(key: string): void {
    switch (key) {
      case 'q':
      case 'Q':
        this.#options.quit();
        return;
      case ' ':
        this.#paused = this.#paused === undefined ? this.#take() : undefined;
        break;
      case 's':
      case 'S':
        this.#order = ORDERS[(ORDERS.indexOf(this.#order) + 1) % ORDERS.length] as ConversationOrder;
        if (this.#paused !== undefined) this.#paused = this.#sorted(this.#paused);
        break;
      case 'r':
      case 'R':
        this.#traffic.reset(this.#options.now());
        this.#before = this.#statistics();
        this.#paused = undefined;
        break;
      default:
        return;
    }
    this.#soon();
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
      history: traffic.history(this.#screen.columns, now),
      peakBitsPerSecond: traffic.peakBitsPerSecond(now),
      statistics: {
        received: since(received, this.#before.received),
        droppedKernel: since(droppedKernel, this.#before.droppedKernel),
        droppedInterface: since(droppedInterface, this.#before.droppedInterface),
        droppedApplication: since(droppedApplication, this.#before.droppedApplication),
      },
      protocols: traffic.protocols(now),
      conversations: traffic.conversations(this.#order, Math.max(LOOKED_UP, this.#screen.rows), now),
      conversationCounts: traffic.conversationCounts,
    };
  }

  /** A paused picture in another order: of the conversations that it has. */
  #sorted(picture: LivePicture): LivePicture {
    const key = this.#order === 'rate' ? 'bitsPerSecond' : this.#order;
    const conversations = [...picture.conversations].sort((x, y) => y[key] - x[key] || y.bytes - x.bytes);
    return { ...picture, conversations };
  }

  #draw(): void {
    const { now, style, keys } = this.#options;
    const { columns, rows, ready } = this.#screen;
    const at = now();
    if (ready) {
      const picture = this.#paused ?? this.#take();
      const notice = this.#notice !== undefined && at < this.#notice.untilMs ? this.#notice.text : undefined;
      if (notice === undefined) this.#notice = undefined;
      const state = { order: this.#order, paused: this.#paused !== undefined, keys: keys !== undefined, notice };
      this.#screen.draw(liveLines(picture, state, { columns, rows }, style));
    }
    this.#drawnAtMs = at;
    this.#next(ready);
  }

  /** Plans the next drawing: for packets, or for the clock; none while it is paused and nothing has to go away. */
  #next(drawn: boolean): void {
    clearTimeout(this.#timer);
    if (!this.#open) return;
    const { packets, packetsPerSecond } = this.#traffic.totals(this.#options.now()).all;
    const idle = packets === this.#drawnPackets && packetsPerSecond === 0;
    this.#drawnPackets = packets;
    if (this.#paused !== undefined && drawn) {
      if (this.#notice !== undefined) this.#in(this.#notice.untilMs - this.#drawnAtMs);
      return;
    }
    // For the clock, just behind the next full second.
    this.#in(idle ? IDLE_MS - (this.#traffic.elapsedMs(this.#drawnAtMs) % IDLE_MS) + 1 : DRAW_MS);
  }

  #soon(): void {
    if (!this.#open) return;
    this.#in(Math.max(0, this.#drawnAtMs + SOON_MS - this.#options.now()));
  }

  #in(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#draw(), delayMs);
  }
}
