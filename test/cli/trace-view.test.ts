/** `raw trace --live` on terminals of fixed sizes. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TableView } from '../../cli/render/table-view.js';
import { TraceView } from '../../cli/render/trace-view.js';
import { TraceControl, TraceTable } from '../../src/raw/trace/table.js';
import { fakeFrame } from './fake-terminal.js';
import { answered, tableOf } from './trace-records.js';

const outcomes = (address: string, times: readonly (number | null)[]) =>
  times.map((time) => (time === null ? null : answered(address, time)));

const labels = [{ label: 300016, trafficClass: 0, bottomOfStack: true, ttl: 1 }];
const PATH = [
  outcomes('10.0.1.1', [0.1, 0.2, 0.4, 0.8]),
  [null, null, null, null],
  [
    ...outcomes('10.0.3.1', [5, null]),
    answered('10.0.3.2', 7, { extensions: [{ kind: 'mpls', labels }] }),
    answered('10.0.3.1', 6),
  ],
  outcomes('10.0.9.9', [3, 3, 3, 3]),
];

function setUp(columns: number, rows: number, table = tableOf(PATH, true), color = false) {
  const fake = fakeFrame(columns, rows, { color, utf8: true });
  const control = new TraceControl();
  const view = new TableView(
    fake.frame,
    new TraceView('trace to host.test', table, control, { flows: 1, facts: () => ({}) }),
  );
  return { ...fake, view, control, table };
}

afterEach(() => vi.useRealTimers());

describe('the view of a trace', () => {
  it('has a row for each hop, and what else has answered there', async () => {
    const { view, terminal } = setUp(80, 14);
    view.open();
    expect(terminal.text).toEqual([
      ' trace to host.test                                                        0:00',
      ' reached in 4 hops   sent 16  received 11  lost 5   times in ms',
      '',
      ' Hop▼ Host             Loss%  Snt   Last    Avg   Best   Wrst    p90 Recent',
      '   1  10.0.1.1          0.0%    4  0.800  0.375  0.100  0.800  0.800        ▁▂▄█',
      '   2  *               100.0%    4                                           xxxx',
      '   3  10.0.3.1         25.0%    4  6.000  6.000  5.000  7.000  6.998        ▆x█▇',
      '      10.0.3.2',
      '        [MPLS: label 300016 tc 0 ttl 1]',
      '   4  10.0.9.9          0.0%    4  3.000  3.000  3.000  3.000  3.000        ████',
      '',
      '',
      '',
      ' q quit   space pause   s sort (hop)   r reset',
    ]);
    await view.close();
    expect(terminal).toMatchObject({ alternate: false, cursor: true });
  });

  it('has all figures where there is room, and the last the longest', () => {
    const { view, terminal } = setUp(200, 14);
    view.open();
    expect(terminal.text[3]).toMatch(/^ Hop▼ Host +Loss% +Snt +Last +Avg +Best +Wrst +StDev +p90 +Jitter Recent$/);
    expect(terminal.text[8]).toBe('        [MPLS: label 300016 tc 0 ttl 1]');
    for (const [columns, titles] of [
      [60, ' Hop▼ Host             Loss%  Snt   Last    Avg    p90'],
      [40, ' Hop▼ Host             Loss%    Avg'],
    ] as const) {
      terminal.resize(columns, 14);
      vi.advanceTimersByTime(200);
      expect(terminal.text[3]).toBe(titles);
    }
  });

  it('is sorted by hop, by loss and by mean, lines of a hop together', () => {
    const { view, terminal, press } = setUp(80, 14);
    view.open();
    const hops = () => terminal.text.slice(4, 10).map((line) => line.slice(1, 20).trim().replace(/ +/g, ' '));
    press('s');
    vi.advanceTimersByTime(200);
    expect(hops()).toEqual(['2 *', '3 10.0.3.1', '10.0.3.2', '[MPLS: label', '1 10.0.1.1', '4 10.0.9.9']);
    press('s');
    vi.advanceTimersByTime(200);
    expect(hops()).toEqual(['3 10.0.3.1', '10.0.3.2', '[MPLS: label', '4 10.0.9.9', '1 10.0.1.1', '2 *']);
    press(' s');
    vi.advanceTimersByTime(200);
    expect(terminal.text[0]).toContain('PAUSED');
    expect(hops()).toEqual(['1 10.0.1.1', '2 *', '3 10.0.3.1', '10.0.3.2', '[MPLS: label', '4 10.0.9.9']);
  });

  it('begins no new round while it is paused, and everything anew when asked to', () => {
    const { view, terminal, press, control, table, quit } = setUp(80, 14);
    view.open();
    press('p');
    expect(control.paused).toBe(true);
    vi.advanceTimersByTime(200);
    table.sent(1);
    table.answered(1, answered('10.0.1.1', 77), false, { reached: false, unreachable: null });
    vi.advanceTimersByTime(2000);
    expect(terminal.text[4]).toContain(' 0.800');
    press(' ');
    expect(control.paused).toBe(false);
    vi.advanceTimersByTime(200);
    expect(terminal.text[4]).toContain(' 77.000');
    press('pr');
    expect(control.paused).toBe(false);
    vi.advanceTimersByTime(200);
    expect(terminal.text[4]).toMatch(/^ +1 +\* +0$/);
    expect(terminal.text[0]).toMatch(/ 0:00$/);
    press('q');
    expect(quit()).toBe(1);
  });

  it('fits terminals of any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.array(fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: null })), { maxLength: 12 }),
        (columns, rows, hops) => {
          const table = tableOf(
            hops.map((times, at) => outcomes(`fd00:1234:5678:9abc:def0:1234:5678:${at}`, times)),
            true,
          );
          const { view, terminal } = setUp(columns, rows, hops.length === 0 ? new TraceTable() : table, true);
          view.open();
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
