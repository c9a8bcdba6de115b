/**
 * One line on a terminal that is written over and over, on stderr: progress, while something goes on.
 *
 * The cursor is left at its start, so that whatever is printed next, a result or the log, stands where the line was.
 */
import type { WriteStream } from 'node:tty';

/** From the start of the line to its end, and back. */
const ERASE = '\r\x1b[K';
/** Of a terminal that does not say how wide it is. */
const USUAL_WIDTH = 80;

export class LiveLine {
  readonly #terminal: WriteStream;
  #shown = false;

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  /** Shows `text`, cut to the width of the terminal. */
  show(text: string): void {
    this.#shown = true;
    const width = this.#terminal.columns || USUAL_WIDTH;
    this.#terminal.write(`${ERASE}${text.slice(0, width - 1)}\r`);
  }

  /** Takes it away; to be called before anything else is printed. */
  clear(): void {
    if (this.#shown) this.#terminal.write(ERASE);
    this.#shown = false;
  }
}

/** The live line of this process; undefined where stderr is no terminal, or one that can't move its cursor. */
export function liveLine(): LiveLine | undefined {
  return process.stderr.isTTY === true && process.env.TERM !== 'dumb' ? new LiveLine(process.stderr) : undefined;
}
