/**
 * What every view of a running command has around its picture: the terminal's screen, when it is drawn anew, the keys
 * that all views have, a pause, and a line that somebody would want to know.
 */
import type { LiveStyle, LiveText, Size } from './live-text.js';
import { printableText } from './printable.js';
import { type ScreenOutput, type ScreenTerminal, TerminalScreen } from './terminal-screen.js';

/** From one drawing to the next: while something happens, and for the clock alone. */
const DRAW_MS = 500;
const IDLE_MS = 1000;
/** From a key, or another size, to the drawing, at least; a key that is held down is not drawn thirty times a second. */
const SOON_MS = 100;
/** How long a notice is shown. */
const NOTICE_MS = 10_000;

/** The terminal that a view is given. */
export interface LiveFrameOptions {
  readonly terminal: ScreenTerminal;
  readonly output: ScreenOutput;
  readonly style: LiveStyle;
  /** Begins to read keys; returns what ends that. Undefined where there is nobody to press any. */
  readonly keys?: ((onKey: (key: string) => void) => () => void) | undefined;
  /** Ends the command. */
  readonly quit: () => void;
  /** Called when the view takes the terminal, and when it has given it back. */
  readonly onTaken?: (() => void) | undefined;
  readonly onFreed?: (() => void) | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** What stands in the frame. */
export interface LiveContent {
  /** As many lines as the terminal has rows at most, none wider than it; the picture that was kept while paused. */
  lines(size: Size, notice: string | undefined): readonly string[];
  /** Keeps the picture of now, or lets it go. */
  pause(paused: boolean): void;
  sort(): void;
  reset(): void;
  /** Another number whenever there is something new to be seen; NaN, which no number equals, for always. */
  readonly version: number;
  /** What the clock of the picture shows. */
  elapsedMs(now: number): number;
  /** Keys of its own, in lower case: true for one that changes something. */
  key?(key: string): boolean;
}

export class LiveFrame {
  readonly #options: LiveFrameOptions;
  readonly #content: LiveContent;
  readonly #screen: TerminalScreen;
  #paused = false;
  #notice: { readonly text: string; readonly untilMs: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #drawnVersion = 0;
  #endKeys: (() => void) | undefined;
  #open = false;

  constructor(options: LiveFrameOptions, content: LiveContent) {
    this.#options = options;
    this.#content = content;
    this.#screen = new TerminalScreen(options.terminal, options.output, {
      onShown: () => {
        this.#endKeys = options.keys?.((key) => this.#onKey(key));
      },
      onHidden: () => this.#endKeys?.(),
      onLost: () => this.#soon(),
    });
  }

  get columns(): number {
    return this.#screen.columns;
  }

  get rows(): number {
    return this.#screen.rows;
  }

  get paused(): boolean {
    return this.#paused;
  }

  open(): void {
    this.#open = true;
    this.#options.onTaken?.();
    this.#screen.enter();
    this.#draw();
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
    switch (key.toLowerCase()) {
      case 'q':
        this.#options.quit();
        return;
      case ' ':
      case 'p':
        this.#pause(!this.#paused);
        break;
      case 's':
        this.#content.sort();
        break;
      case 'r':
        this.#content.reset();
        this.#pause(false);
        break;
      default:
        if (this.#content.key?.(key.toLowerCase()) !== true) return;
    }
    this.#soon();
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    this.#content.pause(paused);
  }

  #draw(): void {
    const at = this.#options.now();
    const { columns, rows, ready } = this.#screen;
    if (ready) {
      const notice = this.#notice !== undefined && at < this.#notice.untilMs ? this.#notice.text : undefined;
      if (notice === undefined) this.#notice = undefined;
      this.#screen.draw(this.#content.lines({ columns, rows }, notice));
    }
    this.#drawnAtMs = at;
    this.#next(ready);
  }

  /** Plans the next drawing: for what is new, or for the clock; none while it is paused and nothing has to go away. */
  #next(drawn: boolean): void {
    clearTimeout(this.#timer);
    if (!this.#open) return;
    const { version } = this.#content;
    const idle = version === this.#drawnVersion;
    this.#drawnVersion = version;
    if (this.#paused && drawn) {
      if (this.#notice !== undefined) this.#in(this.#notice.untilMs - this.#drawnAtMs);
      return;
    }
    // For the clock, just behind the next full second.
    this.#in(idle ? IDLE_MS - (this.#content.elapsedMs(this.#drawnAtMs) % IDLE_MS) + 1 : DRAW_MS);
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

/** What keys do, or that there are none, as the last line of a view. */
export interface LastLine {
  readonly notice: string | undefined;
  readonly paused: boolean;
  readonly keys: boolean;
  /** What the rows are sorted by. */
  readonly order: string;
  /** Behind the keys. */
  readonly note?: string | undefined;
}

export function lastLine(text: LiveText, { notice, paused, keys, order, note = '' }: LastLine): string {
  if (notice !== undefined) return text.paint('notice', text.fit(` ${notice}`));
  const help = keys ? `q quit   space ${paused ? 'go on' : 'pause'}   s sort (${order})   r reset` : 'Ctrl-C ends';
  return text.paint('faint', text.fit(` ${help}${note}`));
}
