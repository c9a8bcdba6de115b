/** The picture of a running capture as lines of a terminal of any size: figures, a chart, protocols, conversations. */
import {
  type ConversationOrder,
  type ConversationTraffic,
  endText,
  type LiveTraffic,
  type TrafficRate,
} from '../../capture/index.js';
import type { CaptureStatistics } from '../../capture/reading.js';
import { DROPS } from './capture.js';
import { lastLine } from './live-frame.js';
import { type LiveStyle, LiveText, type Size } from './live-text.js';
import { bitsPerSecond, byteCount, grouped } from './report.js';

/** Everything that is shown, taken at one moment; a view that is paused goes on showing it. */
export interface LivePicture {
  /** Where it is captured, and what. */
  readonly title: string;
  readonly elapsedMs: number;
  readonly totals: ReturnType<LiveTraffic['totals']>;
  /** Bits of each second, the last one last. */
  readonly history: readonly number[];
  readonly peakBitsPerSecond: number;
  readonly statistics: CaptureStatistics;
  readonly protocols: ReturnType<LiveTraffic['protocols']>;
  readonly conversations: readonly ConversationTraffic[];
  readonly conversationCounts: LiveTraffic['conversationCounts'];
}

export interface LiveState {
  readonly order: ConversationOrder;
  readonly paused: boolean;
  /** Whether somebody can press keys. */
  readonly keys: boolean;
  /** The last thing that a person would want to know. */
  readonly notice: string | undefined;
}

const DROPPED = ' dropped  ';

/** Rows that the protocols may take at most. */
const PROTOCOL_ROWS = 8;
/** Rows below which there are only figures, and below which there are no protocols. */
const ROWS_FOR_TABLE = 10;
const ROWS_FOR_PROTOCOLS = 16;
/** Columns that names take at most: two IPv6 addresses with their ports. */
const NAME_COLUMNS = 104;
/** Columns from which on packets and bytes have a column each. */
const WIDE = 110;

/** Lines for a terminal, as many as it has rows at most; none is wider than it. */
export function liveLines(picture: LivePicture, state: LiveState, size: Size, style: LiveStyle): string[] {
  const layout = new Layout(picture, state, size, style);
  return layout.lines().slice(0, size.rows);
}

/** A column of figures; its cells stand to the right. */
interface Column {
  readonly title: string;
  readonly width: number;
  readonly order?: ConversationOrder;
  cell(row: Counted): string;
}

/** A row of a table. */
interface Counted extends TrafficRate {
  /** Whether it may have had more. */
  readonly atLeast?: boolean;
}

class Layout {
  readonly #picture: LivePicture;
  readonly #state: LiveState;
  readonly #size: Size;
  readonly #text: LiveText;

  constructor(picture: LivePicture, state: LiveState, size: Size, style: LiveStyle) {
    this.#picture = picture;
    this.#state = state;
    this.#size = size;
    this.#text = new LiveText(size.columns, style);
  }

  lines(): string[] {
    const { rows } = this.#size;
    const head = [this.#title(), ...this.#figures(), this.#drops()];
    const last = this.#lastLine();
    if (rows < head.length + 2) return [...head.slice(0, Math.max(1, rows - 1)), last];
    const protocols = rows >= ROWS_FOR_PROTOCOLS ? this.#protocols() : [];
    const above = [...head, ...protocols];
    const room = rows - above.length - 1;
    const table = rows >= ROWS_FOR_TABLE ? this.#conversations(room) : [];
    const filled = [...above, ...table];
    return [...filled, ...new Array<string>(rows - 1 - filled.length).fill(''), last];
  }

  #title(): string {
    const { title, elapsedMs } = this.#picture;
    return this.#text.title(title, elapsedMs, this.#state.paused);
  }

  #figures(): string[] {
    const { totals, peakBitsPerSecond } = this.#picture;
    const { all, in: incoming, out: outgoing } = totals;
    const directed = incoming.packets + outgoing.packets > 0;
    const split = (show: (one: typeof all) => string) =>
      directed ? `   in ${show(incoming)}   out ${show(outgoing)}` : '';
    const total = [` total  ${grouped(all.packets)} packets`, `, ${byteCount(all.bytes)}`];
    const now = [` now    ${rounded(all.packetsPerSecond)} packets/s`, `, ${bitsPerSecond(all.bitsPerSecond)}`];
    return [
      this.#text.whole([...total, split(({ bytes }) => byteCount(bytes))]),
      this.#text.whole([
        ...now,
        split(({ bitsPerSecond: bits }) => bitsPerSecond(bits)),
        `   peak ${bitsPerSecond(peakBitsPerSecond)}`,
      ]),
      this.#chart(),
    ];
  }

  #chart(): string {
    const { history } = this.#picture;
    const { columns } = this.#size;
    const label = (shown: readonly number[]) => ` ${shown.length} s, up to ${bitsPerSecond(Math.max(0, ...shown))}`;
    // Half of a wide terminal is enough of a chart.
    const room = Math.max(0, Math.min(columns - 32, 120));
    const shown = room === 0 ? history : history.slice(-room);
    const most = Math.max(1, ...shown);
    const cells = shown.map((bits) => this.#text.bar(bits, most));
    const chart = (room === 0 ? [] : cells).join('').padStart(room);
    return ` ${this.#text.paint('chart', chart)}${this.#text.cut(label(shown), Math.max(0, columns - 1 - room))}`;
  }

  #drops(): string {
    const { statistics } = this.#picture;
    const { received } = statistics;
    const parts = (wordOf: (word: string) => string) =>
      DROPS.map(([key, word]) => {
        const count = statistics[key];
        return { text: `${wordOf(word)} ${count === null ? '?' : grouped(count)}`, alarm: (count ?? 0) > 0 };
      });
    const length = (all: ReturnType<typeof parts>) => all.reduce((sum, { text }) => sum + text.length + 2, -2);
    const { columns } = this.#size;
    const long = parts((word) => word);
    const shown = DROPPED.length + length(long) <= columns ? long : parts((word) => word.slice(0, 1));
    const plain = `${DROPPED}${shown.map(({ text }) => text).join('  ')}`;
    if (plain.length > columns) return this.#text.fit(plain);
    const painted = shown.map(({ text, alarm }) => (alarm ? this.#text.paint('alarm', text) : text)).join('  ');
    const rest = `   received ${received === null ? '?' : grouped(received)}`;
    return `${DROPPED}${painted}${plain.length + rest.length <= columns ? rest : ''}`;
  }

  #protocols(): string[] {
    const { protocols } = this.#picture;
    const most = Math.min(PROTOCOL_ROWS, Math.floor((this.#size.rows - ROWS_FOR_TABLE) / 3));
    const shown = protocols.slice(0, most);
    const count = protocols.length > most ? `${most} of ${protocols.length}` : `${protocols.length}`;
    return this.#table(`PROTOCOLS (${count})`, shown, ({ name }, width) => this.#text.cut(name, width));
  }

  /** @param room rows for all of it */
  #conversations(room: number): string[] {
    if (room < 3) return [];
    const { conversations, conversationCounts } = this.#picture;
    const { kept, replaced } = conversationCounts;
    const count = replaced > 0 ? `${grouped(kept)} of more` : grouped(kept);
    const shown = conversations.slice(0, room - 2);
    return this.#table(`CONVERSATIONS (${count})`, shown, (row, width) => this.#ends(row, width));
  }

  /** An empty line, the titles, and the rows; what has no packets at present is faint. */
  #table<Row extends Counted>(title: string, rows: readonly Row[], nameOf: (row: Row, width: number) => string) {
    const columns = this.#columns();
    const { sorted } = this.#text.signs;
    const room = this.#size.columns - columns.reduce((sum, column) => sum + column.width + 1, 0) - 1;
    // Figures that are far from their names belong to nobody.
    const width = Math.min(room, NAME_COLUMNS);
    const line = (name: string, cellOf: (column: Column) => string) => {
      const cells = columns.map((column) => ` ${cellOf(column).padStart(column.width)}`);
      return this.#text.fit(` ${name.padEnd(width)}${cells.join('')}`);
    };
    const marked = ({ title: text, order }: Column) => `${text}${order === this.#state.order ? sorted : ''}`;
    const heading = this.#text.paint('heading', line(this.#text.cut(title, width), marked));
    const lines = rows.map((row) => {
      const text = line(nameOf(row, width), (column) => column.cell(row));
      return row.packetsPerSecond === 0 ? this.#text.paint('faint', text) : text;
    });
    return ['', heading, ...lines];
  }

  #columns(): Column[] {
    const { all } = this.#picture.totals;
    const { order } = this.#state;
    const { columns } = this.#size;
    const mark = (row: Counted) => (row.atLeast === true ? `${this.#text.signs.atLeast} ` : '');
    const share = (row: Counted) => {
      if (order === 'rate') return percent(row.bitsPerSecond, all.bitsPerSecond);
      return order === 'bytes' ? percent(row.bytes, all.bytes) : percent(row.packets, all.packets);
    };
    const packets: Column = {
      title: 'PACKETS',
      width: 13,
      order: 'packets',
      cell: (row) => `${mark(row)}${grouped(row.packets)}`,
    };
    const bytes: Column = {
      title: 'BYTES',
      width: 13,
      order: 'bytes',
      cell: (row) => mark(row) + byteCount(row.bytes),
    };
    const sum = order === 'packets' ? packets : bytes;
    const rate: Column = { title: 'BIT/S', width: 8, order: 'rate', cell: (row) => bits(row.bitsPerSecond) };
    if (columns < 50) return [order === 'rate' ? rate : sum];
    if (columns < 72) return [rate, sum];
    const before: Column[] = [
      { title: 'PKTS/S', width: 7, cell: (row) => rounded(row.packetsPerSecond) },
      rate,
      { title: 'SHARE', width: 6, cell: share },
    ];
    return columns >= WIDE ? [...before, packets, bytes] : [...before, sum];
  }

  /** `TCP 10.0.0.1:443 ↔ 10.0.0.2:50000`; where there is no room, addresses lose their middle before ports do. */
  #ends({ protocol, a, b, bothWays }: ConversationTraffic, width: number): string {
    const { both, oneWay } = this.#text.signs;
    const middle = ` ${bothWays ? both : oneWay} `;
    const name = protocol.length > 12 ? this.#text.cut(protocol, 12) : protocol;
    const room = width - name.length - 1 - middle.length;
    const [left, right] = [endText(a), endText(b)];
    if (left.length + right.length <= room) return `${name} ${left}${middle}${right}`;
    // The shorter one may leave some of its half to the other.
    const half = Math.floor(room / 2);
    const forLeft = right.length < half ? room - right.length : Math.min(left.length, half);
    const forRight = room - Math.min(left.length, forLeft);
    return this.#text.cut(
      `${name} ${this.#text.cutMiddle(left, forLeft)}${middle}${this.#text.cutMiddle(right, forRight)}`,
      width,
    );
  }

  #lastLine(): string {
    const late = this.#picture.conversations.some((row) => row.atLeast);
    const note = late ? `   ${this.#text.signs.atLeast} since it was last taken up` : '';
    return lastLine(this.#text, { ...this.#state, note });
  }
}

/** `12,345`, and of what is below ten a digit more. */
function rounded(value: number): string {
  return value > 0 && value < 9.95 ? value.toFixed(1) : grouped(Math.round(value));
}

/** A rate for a column whose title has its unit. */
function bits(perSecond: number): string {
  return bitsPerSecond(perSecond).replace(/ ?bit\/s$/, '');
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? '0.0' : ((100 * part) / whole).toFixed(1)}%`;
}
