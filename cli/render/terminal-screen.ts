/**
 * The whole terminal as lines that are drawn anew, on its alternate screen, so that what stood there before is there
 * again afterwards: after a signal, an error that nobody caught, and an exit in the middle of everything too.
 *
 * Sequences are those of ECMA-48 and of xterm's private modes (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html).
 */
import { writeSync } from 'node:fs';

/** The alternate screen, no cursor, and no going on in the next line at the end of one. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const LEAVE = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';
const CLEAR = '\x1b[0m\x1b[2J';
/** To the end of the line; written before it, for the cursor stays on the last column when that is filled. */
const ERASE = '\x1b[0m\x1b[K';

/** What would end the process with the screen as it is; the others end the command first, or are asked for here. */
const FATAL = ['SIGQUIT', 'SIGALRM', 'SIGUSR2'] as const;
const CRASHES = ['exit', 'uncaughtException', 'unhandledRejection'] as const;

/** Of a terminal that does not say how large it is. */
const USUAL = { columns: 80, rows: 24 };

/** The terminal behind stdout, as Node has it. */
export interface ScreenTerminal {
  readonly columns?: number;
  readonly rows?: number;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

/** Where the drawing goes. */
export interface ScreenOutput {
  write(text: string): unknown;
  /** Bytes that the terminal has not taken yet. */
  readonly pending: number;
  flush(): Promise<void>;
}

export interface ScreenEvents {
  /** The terminal is the screen's; called again when the process goes on after a stop. */
  readonly onShown: () => void;
  /** It is not any more; the process may end or stop right after this. */
  readonly onHidden: () => void;
  /** Its size is another one, or it is here again after a stop: what was drawn is gone. */
  readonly onLost: () => void;
}

export class TerminalScreen {
  readonly #terminal: ScreenTerminal;
  readonly #output: ScreenOutput;
  readonly #events: ScreenEvents;
  #entered = false;
  #cleared = true;
  #drawn: readonly string[] = [];

  constructor(terminal: ScreenTerminal, output: ScreenOutput, events: ScreenEvents) {
    this.#terminal = terminal;
    this.#output = output;
    this.#events = events;
  }

  get columns(): number {
    return this.#terminal.columns || USUAL.columns;
  }

  get rows(): number {
    return this.#terminal.rows || USUAL.rows;
  }

  /** Whether the terminal has taken everything so far: what can't be seen need not be drawn. */
  get ready(): boolean {
    return this.#output.pending === 0;
  }

  enter(): void {
    this.#show();
    this.#terminal.on('resize', this.#onResize);
    // Before others, who may have something to say on the terminal.
    process.prependListener('exit', this.#onCrash);
    process.prependListener('uncaughtException', this.#onCrash);
    process.prependListener('unhandledRejection', this.#onCrash);
    for (const signal of FATAL) process.on(signal, this.#onFatal);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#onContinue);
  }

  /** Lines from the top; those that are as they were are not written again. */
  draw(lines: readonly string[]): void {
    if (!this.#entered) return;
    const parts: string[] = this.#cleared ? [CLEAR] : [];
    const before = this.#cleared ? [] : this.#drawn;
    for (let row = 0; row < Math.max(lines.length, before.length); row++) {
      const line = lines[row] ?? '';
      if (line !== (before[row] ?? '')) parts.push(`\x1b[${row + 1};1H${ERASE}${line}`);
    }
    this.#drawn = lines;
    this.#cleared = false;
    if (parts.length > 0) this.#output.write(parts.join(''));
  }

  /** Resolves when the terminal is as it was; not if it had stopped taking anything before. */
  async leave(): Promise<void> {
    this.#terminal.off('resize', this.#onResize);
    for (const event of CRASHES) process.off(event, this.#onCrash);
    for (const signal of FATAL) process.off(signal, this.#onFatal);
    process.off('SIGTSTP', this.#onStop);
    process.off('SIGCONT', this.#onContinue);
    if (!this.#entered) return;
    const stuck = !this.ready;
    this.#entered = false;
    this.#events.onHidden();
    this.#output.write(LEAVE);
    if (!stuck) await this.#output.flush();
  }

  #show(): void {
    // The keys first: a process in the background is stopped for asking, and has drawn nothing then.
    this.#events.onShown();
    this.#entered = true;
    this.#cleared = true;
    this.#output.write(ENTER);
  }

  /** At once: the process may not be there to wait for it. */
  #leaveNow(): void {
    if (!this.#entered) return;
    this.#entered = false;
    this.#events.onHidden();
    try {
      writeSync(1, LEAVE);
    } catch {
      // The terminal is gone, or takes nothing: there is nobody to restore it for.
    }
  }

  readonly #onResize = (): void => {
    this.#cleared = true;
    this.#events.onLost();
  };

  readonly #onCrash = (): void => this.#leaveNow();

  readonly #onFatal = (signal: NodeJS.Signals): void => {
    this.#leaveNow();
    process.off(signal, this.#onFatal);
    process.kill(process.pid, signal);
  };

  /** The shell has the terminal while this process is stopped. */
  readonly #onStop = (): void => {
    this.#leaveNow();
    process.kill(process.pid, 'SIGSTOP');
  };

  readonly #onContinue = (): void => {
    if (!this.#entered) this.#show();
    this.#events.onLost();
  };
}
