/** Ping records as lines, as NDJSON, as names, as a chart and as a view. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CommandContext } from '../../cli/context.js';
import { histogramText } from '../../cli/render/histogram.js';
import { pingJson, pingJsonLine } from '../../cli/render/ping-json.js';
import { livePing } from '../../cli/render/ping-live.js';
import { floodSink, jsonSink, nameSink, type PingLines, pingText, textSink } from '../../cli/render/ping-sinks.js';
import { Histogram } from '../../src/measure/histogram.js';
import type { PingError, PingRecord, PingReply, PingSummary, PingTimeout } from '../../src/raw/ping/records.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { fakeFrame } from './fake-terminal.js';

const time = { seconds: 1_767_323_045, nanoseconds: 123_456_789 };
const through = { socket: 'raw', backend: 'native' } as const;

function reply(more: Partial<PingReply> = {}): PingReply {
  return {
    type: 'ping.reply',
    time,
    target: '192.0.2.1',
    address: '192.0.2.1',
    foreignAddress: false,
    sequence: 3,
    bytes: 64,
    ttl: 61,
    rttMs: 0.0451,
    timestamp: 'kernel',
    duplicate: false,
    corrupt: false,
    late: false,
    ...through,
    ...more,
  };
}

function timeout(target: string, sequence = 1): PingTimeout {
  return { type: 'ping.timeout', time, target, address: '192.0.2.7', sequence, ...through };
}

function error(more: Partial<PingError> = {}): PingError {
  return {
    type: 'ping.error',
    time,
    target: '192.0.2.1',
    sequence: 2,
    address: '192.0.2.254',
    icmpType: 3,
    icmpCode: 1,
    message: 'host unreachable',
    settles: true,
    rttMs: 1,
    ...through,
    ...more,
  };
}

const COUNTS = {
  transmitted: 1,
  received: 1,
  late: 0,
  lost: 0,
  errors: 0,
  inFlight: 0,
  duplicates: 0,
  corrupt: 0,
  foreignAddress: 0,
  lossPercent: 0,
};
const RTT = new Histogram().summary();

function summary(target: string, counts: Partial<PingSummary> = {}): PingSummary {
  return {
    type: 'ping.summary',
    time,
    target,
    address: target,
    ...through,
    ...COUNTS,
    jitterMs: null,
    rttMs: RTT,
    durationMs: 1234,
    requestedRate: null,
    achievedRate: null,
    endReason: 'count',
    ...counts,
  };
}

const LINES: PingLines = {
  many: false,
  summaries: true,
  verbose: false,
  addressOf: (target) => (target === 'web' ? '192.0.2.1' : undefined),
  advises: (code) => code === 'EACCES',
  tellsTimeout: (target) => target !== '192.0.2.99',
};
const MANY: PingLines = { ...LINES, many: true };

/** What a command has written, write by write. */
function collected() {
  const writes: string[] = [];
  let last: object | undefined;
  const context = {
    output: { write: (text: string) => void writes.push(text) },
    summary: (record: object) => {
      last = record;
    },
  };
  return { context: context as unknown as CommandContext, writes, last: () => last };
}

describe('lines', () => {
  it.each<[PingRecord, string]>([
    [reply(), '64 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms'],
    [reply({ ttl: null, target: 'web' }), '64 bytes from web (192.0.2.1): icmp_seq=3 time=0.045 ms'],
    [reply({ rttUserMs: 0.1 }), '64 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms user=0.100 ms'],
    [reply({ duplicate: true }), '64 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms (DUP!)'],
    [
      reply({ corrupt: true, corruptAt: 17, corruptBytes: 1, late: true }),
      '64 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms (CORRUPT! at byte 17) (late)',
    ],
    [reply({ takesBack: true }), '64 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms (in time after all)'],
    [
      reply({ corrupt: true, corruptAt: 17, corruptBytes: 4 }),
      '64 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms (CORRUPT! 4 bytes, the first at byte 17)',
    ],
    [
      reply({ target: 'web', address: '192.0.2.9', foreignAddress: true }),
      '64 bytes from 192.0.2.9: icmp_seq=3 ttl=61 time=0.045 ms (from another address than web (192.0.2.1))',
    ],
    [
      reply({ bytes: 20, originate: 1, receive: 45_296_007, transmit: 45_296_008, clockOffsetMs: 2.5 }),
      '20 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms received=12:34:56.007 sent=12:34:56.008 clock=+2.5 ms',
    ],
    [
      reply({ originate: 1, receive: 0x80000001, transmit: 0x80000001, clockOffsetMs: null }),
      '64 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms received=2147483649 sent=2147483649',
    ],
    [
      reply({ route: ['192.0.2.2', '192.0.2.1'] }),
      '64 bytes from 192.0.2.1: icmp_seq=3 ttl=61 time=0.045 ms\n  route 192.0.2.2 192.0.2.1',
    ],
    [timeout('web'), 'web (192.0.2.1): icmp_seq=1 no answer in time'],
    [error(), 'From 192.0.2.254: icmp_seq=2 host unreachable'],
    [
      error({ message: 'fragmentation needed', mtu: 1400 }),
      'From 192.0.2.254: icmp_seq=2 fragmentation needed, mtu 1400',
    ],
    [error({ message: 'redirect', gateway: '192.0.2.3' }), 'From 192.0.2.254: icmp_seq=2 redirect, use 192.0.2.3'],
    [error({ icmpType: null, message: 'no route' }), '192.0.2.1: icmp_seq=2 no route'],
    [error({ icmpType: null, code: 'EACCES', message: 'denied', advice: 'ask' }), '192.0.2.1: icmp_seq=2 denied; ask'],
    [
      error({ icmpType: null, code: 'EPERM', message: 'denied', advice: 'said before' }),
      '192.0.2.1: icmp_seq=2 denied',
    ],
  ])('%j', (record, line) => {
    expect(pingText(record, LINES)).toBe(line);
  });

  it('of many hosts say which one, and leave out who is not there in a block', () => {
    expect(pingText(error({ target: 'web' }), MANY)).toBe(
      'From 192.0.2.254: icmp_seq=2 host unreachable (to web (192.0.2.1))',
    );
    expect(pingText(timeout('192.0.2.99'), MANY)).toBeUndefined();
    expect(pingText(summary('192.0.2.1'), MANY)).toBe('192.0.2.1: 1 transmitted, 1 received, 0 % lost');
    expect(pingText(summary('192.0.2.1'), { ...MANY, summaries: false })).toBeUndefined();
  });

  it('sum up, each kind of outcome that there was', () => {
    const counts = {
      transmitted: 9,
      received: 1,
      late: 1,
      lost: 2,
      errors: 1,
      inFlight: 4,
      duplicates: 1,
      corrupt: 2,
      foreignAddress: 1,
    };
    const text = pingText(summary('192.0.2.1', { ...counts, lossPercent: 60, foreign: 3, repliers: 2, replies: 5 }), {
      ...LINES,
      verbose: true,
    });
    expect(text).toBe(
      '\n--- 192.0.2.1, raw socket ---\n' +
        '9 transmitted, 1 received, 60 % lost, 1 late, 1 duplicates, 2 corrupt, 1 from another address, ' +
        '4 still waiting, 1 error, 2 hosts with 5 replies, 3 of somebody else, 1.234 s',
    );
    expect(pingText(summary('192.0.2.1', { foreign: 3 }), LINES)).not.toContain('somebody');
  });

  it.each([
    [{ socket: 3, socketAtMost: 3 }, '3 messages dropped here, '],
    [{ socket: null, socketAtMost: 9 }, '9 messages dropped here at most, '],
    [{ socket: null, socketAtMost: null }, undefined],
    [{ socket: 0, socketAtMost: 0 }, undefined],
  ])('say what this machine has dropped: %j', (drops, words) => {
    const text = pingText(summary('192.0.2.1', { drops }), LINES);
    expect(text?.includes('dropped here')).toBe(words !== undefined);
    expect(text).toContain(words ?? '');
  });

  it('tell the MTU of a path', () => {
    const of = (pathMtu: NonNullable<PingSummary['pathMtu']>, address = '192.0.2.1') =>
      pingText(summary(address, { pathMtu }), LINES)?.split('\n').at(-1);
    expect(of({ mtu: 1400, tooBig: 1401, reporter: '192.0.2.254', unreachable: false, complete: true })).toBe(
      'path MTU 1,400 bytes, 1,372 of payload; 1,401 is too much, says 192.0.2.254',
    );
    expect(of({ mtu: 1500, tooBig: null, reporter: null, unreachable: false, complete: true }, '2001:db8::1')).toBe(
      'path MTU 1,500 bytes, 1,452 of payload; as much as the interface takes',
    );
    expect(of({ mtu: null, tooBig: null, reporter: null, unreachable: true, complete: true })).toBe(
      'path MTU not known: nothing is answered',
    );
    const open = { reporter: null, unreachable: false, complete: false };
    expect(of({ mtu: 784, tooBig: 1500, ...open })).toBe(
      'path MTU not known yet: at least 784 bytes and less than 1,500',
    );
    expect(of({ mtu: 68, tooBig: null, ...open })).toBe('path MTU not known yet: at least 68 bytes');
  });

  it('of a batch are one write', () => {
    const { context, writes } = collected();
    void textSink(context, MANY).write(Array.from({ length: 1000 }, (_, i) => reply({ sequence: i })));
    expect(writes).toHaveLength(1);
    expect(writes[0]?.split('\n')).toHaveLength(1001);
    void textSink(context, MANY).write([timeout('192.0.2.99')]);
    expect(writes).toHaveLength(1);
  });

  it('of a flood are dots, which late answers take back', () => {
    const { context, writes } = collected();
    const sink = floodSink(context, LINES);
    void sink.write([timeout('a'), timeout('a'), reply()]);
    void sink.write([reply({ late: true, takesBack: true }), error(), error({ settles: false })]);
    expect(writes).toEqual(['..', '\b \bE']);
  });
});

describe('NDJSON', () => {
  it('is what JSON.stringify makes of the records', () => {
    const text = fc.oneof(fc.constantFrom('192.0.2.1', 'fe80::1%eth0', 'web'), fc.string());
    const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
    const given = (record: object) =>
      Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
    const records = fc
      .record({
        target: text,
        sequence: fc.nat(),
        ttl: fc.option(fc.nat(255)),
        rttMs: fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map((value) => value + 0),
        rttUserMs: optional(fc.double({ noNaN: true, min: 1, max: 1e6 })),
        duplicate: fc.boolean(),
        corrupt: fc.boolean(),
        corruptAt: optional(fc.nat()),
        corruptBytes: optional(fc.nat()),
        late: fc.boolean(),
        takesBack: optional(fc.boolean()),
        foreignAddress: fc.boolean(),
        route: optional(fc.array(fc.ipV4(), { maxLength: 9 })),
        clocks: optional(
          fc.record({ originate: fc.nat(), receive: fc.nat(), transmit: fc.nat(), clockOffsetMs: fc.option(fc.nat()) }),
        ),
      })
      .map(({ clocks, ...more }) => reply(given({ ...more, ...clocks }) as Partial<PingReply>));
    const timeouts = fc.tuple(text, fc.nat()).map(([target, sequence]) => timeout(target, sequence));
    fc.assert(
      fc.property(fc.oneof(records, timeouts), (record) => {
        const line = pingJsonLine(record);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(pingJson(record))));
      }),
    );
  });

  it('ends with the summary of the command, and has the names that are asked for alone', () => {
    const { context, writes, last } = collected();
    const sink = jsonSink(context, 'ping.total', 'alive');
    const total = {
      ...summary('x'),
      type: 'ping.total',
      hosts: 2,
      of: 2,
      alive: 1,
      unreachable: 1,
      foreign: 0,
    } as PingRecord;
    void sink.write([reply(), summary('192.0.2.1'), summary('192.0.2.7', { received: 0, lost: 1 }), total]);
    expect(writes.map((text) => JSON.parse(text).target)).toEqual(['192.0.2.1']);
    expect(last()).toMatchObject({ type: 'ping.total', time: '2026-01-02T03:04:05.123456789Z', alive: 1 });
  });
});

describe('names', () => {
  it('are printed when a host answers, once', () => {
    const { context, writes } = collected();
    const sink = nameSink(context, 'alive');
    void sink.write([reply({ target: 'web' }), reply({ target: 'web', late: true }), timeout('db')]);
    void sink.write([reply({ target: 'web' }), reply()]);
    expect(writes).toEqual(['web\n', '192.0.2.1\n']);
  });

  it('of silent hosts are those that are known to be', () => {
    const { context, writes } = collected();
    void nameSink(context, 'unreachable').write([
      summary('answers'),
      summary('late', { received: 0, late: 1 }),
      summary('silent', { received: 0, lost: 4 }),
      summary('in-error', { received: 0, errors: 1 }),
      summary('not-known', { received: 0, inFlight: 1 }),
    ]);
    expect(writes).toEqual(['silent\nin-error\n']);
  });
});

describe('the chart of a distribution', () => {
  const chart = (...values: number[]) => {
    const histogram = new Histogram();
    for (const value of values) histogram.add(value);
    return histogramText(histogram.buckets());
  };

  it('has ranges with round ends', () => {
    expect(chart(...Array.from({ length: 10 }, (_, i) => 1.05 + i / 10), 1.54, 1.56)).toEqual([
      '  1.0 to 1.1 ms 1   8.3% #############',
      '  1.1 to 1.2 ms 1   8.3% #############',
      '  1.2 to 1.3 ms 1   8.3% #############',
      '  1.3 to 1.4 ms 1   8.3% #############',
      '  1.4 to 1.5 ms 1   8.3% #############',
      '  1.5 to 1.6 ms 3  25.0% ########################################',
      '  1.6 to 1.7 ms 1   8.3% #############',
      '  1.7 to 1.8 ms 1   8.3% #############',
      '  1.8 to 1.9 ms 1   8.3% #############',
      '  1.9 to 2.0 ms 1   8.3% #############',
    ]);
  });

  it('has wider ranges for larger values where they differ much', () => {
    expect(chart(0.11, 0.12, 40)).toEqual([
      '   0.10 to  0.15 ms 2  66.7% ########################################',
      ...['0.15 to  0.20', '0.20 to  0.30', '0.30 to  0.50', '0.50 to  0.70', '0.70 to  1.00'].map(
        (range) => `   ${range} ms 0   0.0%`,
      ),
      ...[
        ' 1.00 to  1.50',
        ' 1.50 to  2.00',
        ' 2.00 to  3.00',
        ' 3.00 to  5.00',
        ' 5.00 to  7.00',
        ' 7.00 to 10.00',
      ].map((range) => `  ${range} ms 0   0.0%`),
      ...['10.00 to 15.00', '15.00 to 20.00', '20.00 to 30.00'].map((range) => `  ${range} ms 0   0.0%`),
      '  30.00 to 50.00 ms 1  33.3% ####################',
    ]);
  });

  it('is none of nothing, and holds every value, whatever they are', () => {
    expect(chart()).toEqual([]);
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e3, max: 1e7 }), { minLength: 1, maxLength: 50 }),
        (values) => {
          const lines = chart(...values);
          expect(lines.length).toBeLessThan(150);
          const counts = lines.map((line) => Number(/ms +(\d+) /.exec(line)?.[1]));
          expect(counts.reduce((a, b) => a + b, 0)).toBe(values.length);
          for (const line of lines) expect(line).toMatch(/^ +-?[\d.]+ to +-?[\d.]+ ms +\d+ +\d+\.\d%( #+)?$/);
        },
      ),
    );
  });
});

describe('the view', () => {
  afterEach(() => vi.useRealTimers());

  const targets = ['web', '192.0.2.1', '192.0.2.2'].map((name) => ({ name, address: parseIP('192.0.2.1') }));
  const setUp = (columns: number, rows: number, of = 3) => {
    const fake = fakeFrame(columns, rows, { color: false, utf8: true });
    const live = livePing(fake.frame, 'PING', targets, of);
    live.view.open();
    return { ...fake, ...live };
  };

  it('has a row a host: loss, last, mean, p90 and the last round trips', () => {
    const { terminal, add, press } = setUp(90, 10, 70_000);
    add([1, 2, 4, 8].map((rttMs) => reply({ target: '192.0.2.1', rttMs })));
    add([
      reply({ target: 'web', rttMs: 0.5 }),
      timeout('web'),
      timeout('192.0.2.2'),
      reply({ duplicate: true, rttMs: 99 }),
    ]);
    vi.advanceTimersByTime(1100);
    expect(terminal.text.slice(0, 8)).toEqual([
      ` PING${' '.repeat(80)}0:01`,
      ' hosts   70,000, 2 alive, 1 silent',
      ' probes  7, 2 lost (28.57 %), rtt min/mean/p90/max 0.500/3.100/8.000/8.000 ms',
      '',
      ' HOST▼        LOSS   PROBES      LAST      MEAN       P90 ROUND TRIPS',
      ' web         50.0%        2      lost  0.500 ms  0.500 ms █x',
      ' 192.0.2.1    0.0%        4  8.000 ms  3.750 ms  8.000 ms ▁▂▄█',
      ' 192.0.2.2  100.0%        1      lost                     x',
    ]);
    expect(terminal.text[8]).toBe(' and 69,997 more hosts');
    // A late answer is none that is lost.
    add([reply({ target: 'web', rttMs: 150, late: true, takesBack: true })]);
    press('s');
    vi.advanceTimersByTime(600);
    expect(terminal.text.slice(5, 8).map((line) => line.split(/ +/)[1])).toEqual(['192.0.2.2', 'web', '192.0.2.1']);
    expect(terminal.text[6]).toMatch(/web +0\.0% +2 +150\.0 ms +75\.250 ms/);
    press('s');
    vi.advanceTimersByTime(600);
    expect(terminal.text.slice(5, 8).map((line) => line.split(/ +/)[1])).toEqual(['web', '192.0.2.1', '192.0.2.2']);
    press('r');
    vi.advanceTimersByTime(600);
    expect(terminal.text[2]).toBe(' probes  0, 0 lost (0.00 %)');
    expect(terminal.text[5]).toBe(' web                      0');
  });

  it('finds the highest of many rows', () => {
    const { terminal, add, press } = setUp(60, 12, 2000);
    add(
      Array.from({ length: 2000 }, (_, i) =>
        reply({ target: `host-${(i * 7919) % 2000}`, rttMs: 1 + ((i * 7919) % 2000) }),
      ),
    );
    press('ss');
    vi.advanceTimersByTime(600);
    expect(terminal.text.slice(5, 9).map((line) => line.split(/ +/)[1])).toEqual(
      [1999, 1998, 1997, 1996].map((i) => `host-${i}`),
    );
  });

  it('fits terminals of any size, whatever names there are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 150 }),
        fc.integer({ min: 1, max: 20 }),
        fc.string(),
        (columns, rows, target) => {
          const { add, view, terminal } = setUp(columns, rows);
          add([reply({ target, rttMs: 123_456.789 }), timeout(target), error({ target })]);
          vi.advanceTimersByTime(1500);
          void view.close();
          expect(terminal.alternate).toBe(false);
          vi.useRealTimers();
        },
      ),
      { numRuns: 50 },
    );
  });
});
