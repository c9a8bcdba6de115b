import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Patience } from '../../../../src/raw/trace/patience.js';
import type { AnsweredProbe } from '../../../../src/raw/trace/records.js';
import { TraceTable } from '../../../../src/raw/trace/table.js';

const TIME = { seconds: 1_800_000_000, nanoseconds: 0 };
const ON_THE_WAY = { reached: false, unreachable: null };

const answer = (rttMs: number, given: Partial<AnsweredProbe> = {}): AnsweredProbe => ({
  flow: 0,
  query: 1,
  sentTime: TIME,
  address: '192.0.2.1',
  rttMs,
  time: TIME,
  timestamp: 'kernel',
  ttl: 60,
  icmpType: 11,
  icmpCode: 0,
  extensions: [],
  quoted: null,
  nat: null,
  dscpChanged: null,
  ...given,
});

describe('a table', () => {
  it('has the figures of each hop, and the outcomes in their order', () => {
    const table = new TraceTable();
    for (const outcome of [10, 20, null, 60]) {
      table.sent(1);
      if (outcome === null) table.lost(1);
      else table.answered(1, answer(outcome), false, ON_THE_WAY);
    }
    table.sent(1);
    const [row] = table.rows();
    expect(row).toMatchObject({
      ttl: 1,
      sent: 5,
      received: 3,
      lost: 1,
      inFlight: 1,
      late: 0,
      lossPercent: 25,
      lastMs: 60,
    });
    expect(row).toMatchObject({ bestMs: 10, meanMs: 30, worstMs: 60, jitterMs: 25, recentMs: [10, 20, null, 60] });
    expect(row?.stddevMs).toBeCloseTo(Math.sqrt((400 + 100 + 900) / 3), 5);
    expect(row?.p90Ms).toBeCloseTo(60, 1);
  });

  it('a late answer takes its probe out of the lost ones', () => {
    const table = new TraceTable();
    table.sent(1);
    table.lost(1);
    expect(table.rows()[0] ?? table).toBe(table);
    table.answered(1, answer(900), true, ON_THE_WAY);
    table.duplicate(1);
    expect(table.rows()[0]).toMatchObject({ sent: 1, received: 0, late: 1, lost: 0, duplicates: 1, lossPercent: 0 });
  });

  it('ends at the end of the path, or with the last hop heard of', () => {
    const table = new TraceTable();
    for (const ttl of [1, 2, 3, 4, 5]) table.sent(ttl);
    expect(table.rows()).toEqual([]);
    table.answered(3, answer(1), false, ON_THE_WAY);
    expect(table.rows().map(({ ttl, inFlight }) => [ttl, inFlight])).toEqual([
      [1, 1],
      [2, 1],
      [3, 0],
    ]);
    table.span(2, 5);
    expect(table.rows().map(({ ttl }) => ttl)).toEqual([2, 3, 4, 5]);
  });

  it('knows who has answered, in which flows, in bounded memory', () => {
    const table = new TraceTable();
    const addresses = 200;
    for (let i = 0; i < addresses; i++) {
      table.sent(1);
      table.answered(1, answer(1, { address: `10.0.0.${i}`, flow: i % 3 }), false, ON_THE_WAY);
      table.sent(1);
      table.answered(1, answer(1, { address: '10.0.0.0', flow: 7 }), false, { reached: true, unreachable: '!X' });
    }
    const [row] = table.rows();
    expect(row?.addresses).toHaveLength(64);
    expect(row?.addresses[0]).toMatchObject({ address: '10.0.0.0', received: addresses + 1, flows: [0, 7] });
    expect(row?.otherAddresses).toBe(addresses - 64);
    expect(row?.recentMs).toHaveLength(64);
    expect(row).toMatchObject({ reached: true, unreachable: '!X' });
  });

  it('adds up, whatever happens', () => {
    const event = fc.constantFrom('answered', 'lost', 'late', 'duplicate', 'reset');
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const table = new TraceTable();
        table.span(1, 1);
        let lost = 0;
        for (const one of events) {
          if (one === 'reset') {
            table.reset();
            lost = 0;
          } else if (one === 'duplicate') table.duplicate(1);
          else if (one === 'late') {
            if (lost-- > 0) table.answered(1, answer(5), true, ON_THE_WAY);
            else lost = 0;
          } else {
            table.sent(1);
            if (one === 'lost') lost++;
            if (one === 'lost') table.lost(1);
            else table.answered(1, answer(5), false, ON_THE_WAY);
          }
        }
        const [row] = table.rows();
        expect(row?.inFlight).toBe(0);
        expect(row?.lost).toBe(lost);
        expect(row?.sent).toBe((row?.received ?? 0) + (row?.late ?? 0) + (row?.lost ?? 0));
      }),
    );
  });
});

describe('patience', () => {
  it('is the timeout, until somebody has answered', () => {
    const patience = new Patience(3000, true);
    expect(patience.limit(4)).toBe(3000);
    patience.answered(6, 40);
    // Ten round trips of the next hop, three of the hop itself, and never less than a router takes to answer.
    expect([4, 6, 7].map((ttl) => patience.limit(ttl))).toEqual([400, 200, 3000]);
    patience.answered(6, 150);
    expect([4, 6].map((ttl) => patience.limit(ttl))).toEqual([1500, 450]);
    patience.answered(5, 900);
    expect(patience.limit(4)).toBe(3000);
    expect(patience.overdue()).toBe(1800);
  });

  it('is the timeout alone where nothing else is wanted; clocks that were set do no harm', () => {
    const patience = new Patience(1000, false);
    patience.answered(1, 5);
    expect(patience.limit(1)).toBe(1000);
    const other = new Patience(1000, true);
    for (const rtt of [-5, Number.NaN, 1e9]) other.answered(1, rtt);
    expect(other.limit(1)).toBe(1000);
  });
});
