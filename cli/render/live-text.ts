/** Lines for a terminal of some width, in its characters and colours: what every view that is drawn anew is made of. */
import { clock } from './report.js';

export interface LiveStyle {
  readonly color: boolean;
  /** Whether the terminal shows more than ASCII. */
  readonly utf8: boolean;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const BLOCKS = { utf8: ' ▁▂▃▄▅▆▇█', ascii: ' .:-=+*#@' };
const SIGNS = {
  utf8: { both: '↔', oneWay: '→', atLeast: '≥', cut: '…', sorted: '▼' },
  ascii: { both: '<>', oneWay: '->', atLeast: '>=', cut: '~', sorted: 'v' },
};
/** Parameters of SGR (ECMA-48 section 8.3.117). */
const STYLES = { title: 7, heading: 1, faint: 2, alarm: '1;31', notice: 33, chart: 36 } as const;
export type TextStyle = keyof typeof STYLES;

export class LiveText {
  readonly columns: number;
  readonly signs: (typeof SIGNS)['utf8'];
  /** Nine heights of a bar, the first of them nothing. */
  readonly blocks: string;
  readonly #color: boolean;

  constructor(columns: number, { color, utf8 }: LiveStyle) {
    this.columns = columns;
    this.signs = utf8 ? SIGNS.utf8 : SIGNS.ascii;
    this.blocks = utf8 ? BLOCKS.utf8 : BLOCKS.ascii;
    this.#color = color;
  }

  paint(name: TextStyle, text: string): string {
    return this.#color && text !== '' ? `\x1b[${STYLES[name]}m${text}\x1b[0m` : text;
  }

  /** The first line: what is shown, and for how long it has been. */
  title(text: string, elapsedMs: number, paused: boolean): string {
    const right = `${paused ? 'PAUSED  ' : ''}${clock(Math.floor(elapsedMs / 1000))} `;
    const room = Math.max(0, this.columns - right.length - 1);
    return this.paint('title', this.fit(` ${this.cut(text, room - 1).padEnd(room)}${right}`));
  }

  /** The parts that there is room for, up to the first that there is none for: half a figure is a wrong one. */
  whole(parts: readonly string[]): string {
    let line = '';
    for (const part of parts) {
      if (line !== '' && line.length + part.length > this.columns) break;
      line += part;
    }
    return this.fit(line);
  }

  /** Cut to the width of the terminal; for text that is not painted yet. */
  fit(text: string): string {
    return text.slice(0, this.columns);
  }

  cut(text: string, width: number): string {
    if (text.length <= width) return text;
    return width <= 0 ? '' : `${text.slice(0, width - 1)}${this.signs.cut}`;
  }

  cutMiddle(text: string, width: number): string {
    if (text.length <= width) return text;
    if (width < 4) return this.cut(text, width);
    const tail = Math.max(Math.floor((width - 1) / 2), Math.min(8, width - 3));
    return `${text.slice(0, width - 1 - tail)}${this.signs.cut}${text.slice(-tail)}`;
  }

  /** The height of a bar: at least the lowest for what is above zero. */
  bar(value: number, most: number): string {
    return this.blocks[value <= 0 ? 0 : Math.max(1, Math.min(8, Math.round((value / most) * 8)))] ?? '';
  }
}
