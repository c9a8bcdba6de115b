/** A table that is drawn anew, on terminals of fixed sizes. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type TableSource, TableView } from '../../cli/render/table-view.js';
import { fakeFrame } from './fake-terminal.js';

interface Row {
  readonly name: string;
  readonly value: number;
}

function setUp(columns: number, rows: number, count: number, style = { color: false, utf8: true }) {
  const fake = fakeFrame(columns, rows, style);
  const all = Array.from({ length: count }, (_, i): Row => ({ name: `host-${i}`, value: (i * 7) % count }));
  const keys: string[] = [];
  let version = 0;
  let reset = 0;
  const source: TableSource<Row> = {
    title: 'a table',
    orders: ['name', 'value'],
    rowsName: 'hosts',
    get version() {
      return version;
    },
    elapsedMs: (now) => now,
    columns: [
      { title: 'NAME', width: 8, upTo: 20, left: true, order: 'name', cell: (row) => row.name },
      {
        title: 'VALUE',
        width: 8,
        order: 'value',
        cell: (row) => `${row.value}`,
        paint: (cell, _, t) => t.paint('chart', cell),
      },
      { title: 'TWICE', width: 8, rank: 1, cell: (row) => `${2 * row.value}` },
      { title: 'LONG', width: 12, rank: 2, cell: () => 'longer than the column' },
    ],
    picture: (order, limit, now) => ({
      elapsedMs: now,
      figures: [[' a figure', ', another', ', and one for which there is no room on a narrow terminal']],
      rows: source.sorted(all, order).slice(0, limit),
      total: all.length,
    }),
    sorted: (rows, order) => [...rows].sort((a, b) => (order === 'value' ? b.value - a.value : 0)),
    rowStyle: (row) => (row.value === 3 ? 'faint' : undefined),
    reset: () => reset++,
    key: (key) => keys.push(key) > 0 && key === 'd',
    keysNote: '   d names',
  };
  const view = new TableView(fake.frame, source);
  const change = (at: number, value: number) => {
    all[at] = { name: `host-${at}`, value };
    version++;
  };
  return { ...fake, view, change, keys, resets: () => reset };
}

afterEach(() => vi.useRealTimers());

describe('a table on a terminal', () => {
  it('has a row for each, and counts those for which there is no room', async () => {
    const { view, terminal } = setUp(60, 9, 10);
    view.open();
    expect(terminal.text).toEqual([
      ' a table                                               0:00',
      ' a figure, another',
      '',
      ' NAME▼                   VALUE    TWICE         LONG',
      ' host-0                      0        0 longer than…',
      ' host-1                      7       14 longer than…',
      ' host-2                      4        8 longer than…',
      ' and 7 more hosts',
      ' q quit   space pause   s sort (name)   r reset   d names',
    ]);
    await view.close();
    expect(terminal).toMatchObject({ alternate: false, cursor: true });
  });

  it('leaves out columns for which there is no room, the least important first', () => {
    const { view, terminal } = setUp(30, 9, 2, { color: false, utf8: false });
    view.open();
    expect(terminal.text.slice(3, 6)).toEqual([
      ' NAMEv          VALUE    TWICE',
      ' host-0             0        0',
      ' host-1             1        2',
    ]);
    terminal.resize(20, 9);
    vi.advanceTimersByTime(200);
    expect(terminal.text[3]).toBe(' NAMEv         VALUE');
  });

  it('sorts, pauses, begins again and quits by keys', () => {
    const { view, terminal, press, change, quit, resets, keys } = setUp(60, 20, 5);
    view.open();
    press('s');
    vi.advanceTimersByTime(200);
    expect(terminal.text[3]).toContain('VALUE▼');
    expect(terminal.text[4]).toMatch(/host-2 +4/);
    press(' ');
    vi.advanceTimersByTime(200);
    change(4, 99);
    vi.advanceTimersByTime(5000);
    expect(terminal.text[0]).toMatch(/PAUSED {2}0:00$/);
    expect(terminal.text[4]).toMatch(/host-2 +4/);
    press('S');
    vi.advanceTimersByTime(200);
    expect(terminal.text[3]).toContain('NAME▼');
    press('r');
    vi.advanceTimersByTime(200);
    expect(resets()).toBe(1);
    expect(terminal.text[8]).toMatch(/host-4 +99/);
    press('Dx');
    expect(keys).toEqual(['d', 'x']);
    press('q');
    expect(quit()).toBe(1);
  });

  it('is drawn when something has changed, and once a second for the clock', () => {
    const { view, terminal, change } = setUp(60, 20, 5);
    view.open();
    vi.advanceTimersByTime(2000);
    const drawn = vi.spyOn(terminal, 'write');
    vi.advanceTimersByTime(10_000);
    expect(drawn.mock.calls.length).toBe(10);
    drawn.mockClear();
    for (let i = 0; i < 100; i++) {
      change(0, 1000 + i);
      vi.advanceTimersByTime(50);
    }
    expect(drawn.mock.calls.length).toBeGreaterThanOrEqual(9);
    expect(drawn.mock.calls.length).toBeLessThanOrEqual(11);
  });

  it('fits terminals of any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        (columns, rows, count, utf8) => {
          const { view, terminal } = setUp(columns, rows, count, { color: true, utf8 });
          view.open();
          view.notice('something');
          vi.advanceTimersByTime(3000);
          void view.close();
          expect(terminal.alternate).toBe(false);
          vi.useRealTimers();
        },
      ),
      { numRuns: 60 },
    );
  });
});
