/** A terminal that understands the few sequences that a screen writes, and refuses every other. */
import { expect, vi } from 'vitest';
import type { LiveFrameOptions } from '../../cli/render/live-frame.js';

export class FakeTerminal {
  columns: number;
  rows: number;
  pending = 0;
  alternate = false;
  cursor = true;
  written = 0;
  cells: string[][] = [];
  #row = 0;
  #column = 0;
  #listeners = new Set<() => void>();

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#clear();
  }

  on(_: 'resize', listener: () => void): void {
    this.#listeners.add(listener);
  }

  off(_: 'resize', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  resize(columns: number, rows: number): void {
    [this.columns, this.rows] = [columns, rows];
    for (const listener of this.#listeners) listener();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  write(text: string): void {
    this.written += text.length;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what terminals are told with.
    for (const [, sequence, other] of text.matchAll(/\x1b\[([?0-9;]*[A-Za-z])|([^\x1b])/gu)) {
      if (sequence !== undefined) this.#obey(sequence);
      else {
        expect(other).toMatch(/^[\x20-\x7e▁-█↔→≥…▼]$/u);
        expect(this.#column, this.cells[this.#row]?.join('')).toBeLessThan(this.columns);
        (this.cells[this.#row] as string[])[this.#column++] = other as string;
      }
    }
  }

  #obey(sequence: string): void {
    const place = /^(\d+);(\d+)H$/.exec(sequence);
    if (place !== null) [this.#row, this.#column] = [Number(place[1]) - 1, Number(place[2]) - 1];
    else if (sequence === 'K') (this.cells[this.#row] as string[]).fill(' ', this.#column);
    else if (sequence === '2J') this.#clear();
    else if (sequence === '?1049h' || sequence === '?1049l') this.alternate = sequence.endsWith('h');
    else if (sequence === '?25h' || sequence === '?25l') this.cursor = sequence.endsWith('h');
    else expect(sequence).toMatch(/^([0-9;]*m|[?]7[hl])$/);
    if (place !== null) expect(this.#row).toBeLessThan(this.rows);
  }

  #clear(): void {
    this.cells = Array.from({ length: this.rows }, () => new Array<string>(this.columns).fill(' '));
  }

  get text(): string[] {
    return this.cells.map((row) => row.join('').trimEnd());
  }
}

export interface FakeFrame {
  readonly frame: LiveFrameOptions;
  readonly terminal: FakeTerminal;
  /** How often somebody has asked for the end. */
  readonly quit: () => number;
  press(keys: string): void;
}

/** What a view is given, on a clock that the test turns. */
export function fakeFrame(columns: number, rows: number, style: LiveFrameOptions['style']): FakeFrame {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const terminal = new FakeTerminal(columns, rows);
  let onKey: (key: string) => void = () => undefined;
  let quits = 0;
  const frame: LiveFrameOptions = {
    terminal,
    output: terminal,
    style,
    keys: (listener) => {
      onKey = listener;
      return () => {
        onKey = () => undefined;
      };
    },
    quit: () => quits++,
    now: () => performance.now(),
  };
  const press = (keys: string) => {
    for (const key of keys) onKey(key);
  };
  return { frame, terminal, quit: () => quits, press };
}
