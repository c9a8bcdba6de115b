/**
 * A running command as a table on the terminal: a title, lines of figures, a row for each of what it watches, and the
 * keys of every view. Rows for which there is no room are counted.
 */
import { LiveFrame, type LiveFrameOptions, lastLine } from './live-frame.js';
import { LiveText, type Size, type TextStyle } from './live-text.js';

/** A column; its cells stand to the right unless it says otherwise. */
export interface TableColumn<Row> {
  readonly title: string;
  /** Columns of the terminal, and for the one that takes what is left, how many it takes at least. */
  readonly width: number;
  /** Takes what others leave, up to so many. */
  readonly upTo?: number;
  readonly left?: boolean;
  /** The order that sorts by it. */
  readonly order?: string;
  /** Of columns that do not fit, those with the highest number are left out first; 0, the default, for never. */
  readonly rank?: number;
  /** Printable and of one column a character; what is longer than the column is cut. */
  cell(row: Row, width: number, text: LiveText): string;
  /** Paints a cell that has been given its width; the characters must stay. */
  paint?(cell: string, row: Row, text: LiveText): string;
}

export interface TablePicture<Row> {
  readonly elapsedMs: number;
  /** Lines above the table, each of parts of which those are shown that there is room for. */
  readonly figures: readonly (readonly string[])[];
  /** Sorted, as many as were asked for at most; they do not change any more. */
  readonly rows: readonly Row[];
  /** How many rows there are in all. */
  readonly total: number;
}

/** What is watched. */
export interface TableSource<Row> {
  readonly title: string;
  readonly orders: readonly [string, ...string[]];
  readonly columns: readonly TableColumn<Row>[];
  /** Another number whenever there is something new. */
  readonly version: number;
  elapsedMs(now: number): number;
  picture(order: string, limit: number, now: number): TablePicture<Row>;
  /** Rows of a picture in another order, where a paused view is asked for one. */
  sorted(rows: readonly Row[], order: string): Row[];
  /** The style of a whole row. */
  rowStyle?(row: Row): TextStyle | undefined;
  /** What a row without cells has in their place, printable. */
  whole?(row: Row): string | undefined;
  /** What the rows are, for those that are not shown: 'hosts'. */
  readonly rowsName: string;
  reset(): void;
  /** The picture is kept from now on, or goes on. */
  paused?(paused: boolean): void;
  /** Keys of its own, in lower case: true for one that changes something. */
  key?(key: string): boolean;
  /** What they do: `   d names`. */
  readonly keysNote?: string;
}

/** Rows that are looked up, so that a paused view has some for a larger terminal. */
const LOOKED_UP = 200;

export class TableView<Row> {
  readonly #options: LiveFrameOptions;
  readonly #source: TableSource<Row>;
  readonly #frame: LiveFrame;
  #order: string;
  #paused: TablePicture<Row> | undefined;

  constructor(options: LiveFrameOptions, source: TableSource<Row>) {
    this.#options = options;
    this.#source = source;
    [this.#order] = source.orders;
    this.#frame = new LiveFrame(options, {
      lines: (size, notice) => this.#lines(size, notice),
      pause: (paused) => {
        this.#paused = paused ? this.#take() : undefined;
        source.paused?.(paused);
      },
      sort: () => this.#sort(),
      reset: () => source.reset(),
      get version() {
        return source.version;
      },
      elapsedMs: (now) => source.elapsedMs(now),
      key: (key) => source.key?.(key) === true,
    });
  }

  open(): void {
    this.#frame.open();
  }

  close(): Promise<void> {
    return this.#frame.close();
  }

  /** Shows a line for a while. */
  notice(text: string): void {
    this.#frame.notice(text);
  }

  #take(): TablePicture<Row> {
    return this.#source.picture(this.#order, Math.max(LOOKED_UP, this.#frame.rows), this.#options.now());
  }

  #sort(): void {
    const { orders } = this.#source;
    this.#order = orders[(orders.indexOf(this.#order) + 1) % orders.length] ?? orders[0];
    const paused = this.#paused;
    if (paused !== undefined) this.#paused = { ...paused, rows: this.#source.sorted(paused.rows, this.#order) };
  }

  #lines({ columns, rows }: Size, notice: string | undefined): readonly string[] {
    const { style, keys } = this.#options;
    const { title, keysNote } = this.#source;
    const text = new LiveText(columns, style);
    const picture = this.#paused ?? this.#take();
    const paused = this.#paused !== undefined;
    const last = lastLine(text, { notice, paused, keys: keys !== undefined, order: this.#order, note: keysNote });
    const figures = picture.figures.map((parts) => text.whole(parts));
    const head = [text.title(title, picture.elapsedMs, paused), ...figures];
    // A table of nothing but its heading tells nothing.
    const room = rows - head.length - 1;
    const table = room < 3 ? [] : this.#table(picture, room, text);
    const filled = [...head.slice(0, Math.max(1, rows - 1)), ...table];
    const empty = Math.max(0, rows - 1 - filled.length);
    return [...filled, ...new Array<string>(empty).fill(''), last].slice(0, rows);
  }

  /** An empty line, the titles, the rows, and how many more there are. */
  #table({ rows, total }: TablePicture<Row>, room: number, text: LiveText): string[] {
    const columns = fitting(this.#source.columns, text.columns);
    const titles = columns.map((column) => {
      const marked = column.order === this.#order ? `${column.title}${text.signs.sorted}` : column.title;
      return aligned(text.cut(marked, column.width), column);
    });
    const lines = ['', text.paint('heading', text.fit(titles.join('')))];
    const places = room - lines.length;
    const shown = rows.slice(0, total > places ? places - 1 : places);
    for (const row of shown) lines.push(this.#row(row, columns, text));
    const hidden = total - shown.length;
    if (hidden > 0) {
      lines.push(text.paint('faint', text.fit(` and ${hidden.toLocaleString('en')} more ${this.#source.rowsName}`)));
    }
    return lines;
  }

  #row(row: Row, columns: readonly FittedColumn<Row>[], text: LiveText): string {
    const cells = columns.map((one) => aligned(text.cut(one.cell(row, one.width, text), one.width), one));
    const line = cells.join('');
    // A terminal that is too narrow even for the columns that are never left out has no room for styles either.
    if (line.length > text.columns) return text.fit(line);
    const style = this.#source.rowStyle?.(row);
    const whole = this.#source.whole?.(row);
    if (whole !== undefined) {
      const cut = text.cut(whole, text.columns);
      return style === undefined ? cut : text.paint(style, cut);
    }
    if (style !== undefined) return text.paint(style, line);
    return cells.map((cell, i) => columns[i]?.paint?.(cell, row, text) ?? cell).join('');
  }
}

type FittedColumn<Row> = TableColumn<Row> & { readonly width: number };

/** The columns that there is room for, the one that takes what is left with its width. */
function fitting<Row>(all: readonly TableColumn<Row>[], columns: number): FittedColumn<Row>[] {
  let shown = [...all];
  const taken = () => shown.reduce((sum, { width }) => sum + width + 1, 0);
  while (taken() > columns) {
    const rank = Math.max(0, ...shown.map((column) => column.rank ?? 0));
    if (rank === 0) break;
    shown = shown.filter((column) => (column.rank ?? 0) !== rank);
  }
  let left = Math.max(0, columns - taken());
  return shown.map((column) => {
    const more = Math.min(left, Math.max(0, (column.upTo ?? 0) - column.width));
    left -= more;
    return { ...column, width: column.width + more };
  });
}

/** A cell in its width, behind a space. */
function aligned(cell: string, { width, left }: { readonly width: number; readonly left?: boolean }): string {
  return left === true ? ` ${cell.padEnd(width)}` : ` ${cell.padStart(width)}`;
}
