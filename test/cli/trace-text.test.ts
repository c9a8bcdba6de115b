/** What lines are made of the records of a trace. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportJson, summaryJson } from '../../cli/render/trace-json.js';
import { distinctPaths, flowsText, pathLines } from '../../cli/render/trace-paths.js';
import { timeText, traceTable } from '../../cli/render/trace-table.js';
import { reportEnd, TraceText, traceHeader } from '../../cli/render/trace-text.js';
import { TraceTable } from '../../src/raw/trace/table.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { answered, hop, missing, summary, tableOf } from './trace-records.js';

const text = (more: Partial<ConstructorParameters<typeof TraceText>[0]> = {}) =>
  new TraceText({ flows: 1, trafficClass: 0, verbose: false, facts: () => ({}), ...more });

/** From 10.0.0.1 to 10.0.9.9. */
function begun(more: Parameters<typeof text>[0] = {}): TraceText {
  const one = text(more);
  const how = { socket: 'raw', protocol: 'icmp', multipath: 'paris', flows: 1, port: null } as const;
  const opened = { ...how, source: parseIP('10.0.0.1'), maxHops: 30, packetSize: 60 };
  one.header({ name: 'host.test', address: parseIP('10.0.9.9') }, opened);
  return one;
}

describe('a hop', () => {
  it('has its address where that is another one, each time, and a star where there is none', () => {
    const probes = [
      answered('10.0.1.1', 0.1234),
      answered('10.0.1.1', 12),
      answered('10.0.1.2', 3),
      missing('timeout'),
      answered('10.0.1.2', 4),
    ];
    expect(text().hop(hop(3, probes))).toEqual([' 3  10.0.1.1  0.123 ms  12.000 ms  10.0.1.2  3.000 ms  *  4.000 ms']);
    expect(text().hop(hop(12, [missing('timeout'), missing('timeout')]))).toEqual(['12  *  *']);
  });

  it('says why there is no answer where that is asked for, and always what this machine says', () => {
    const probes = [missing('timeout'), missing('in-flight'), missing('refused', { message: 'sendto: EPERM' })];
    expect(text({ verbose: true }).hop(hop(1, probes))).toEqual([
      ' 1  * (no answer in time)  * (still waiting)  * (refused by this machine)',
      '    [sendto: EPERM]',
    ]);
  });

  it('says what to try with the first error of a kind', () => {
    const refused = missing('refused', {
      code: 'EMSGSIZE',
      message: 'sendto: too long',
      advice: 'send 1500 bytes at most',
    });
    const one = text();
    expect(one.hop(hop(1, [refused, refused])).slice(1)).toEqual(['    [sendto: too long; send 1500 bytes at most]']);
    expect(one.hop(hop(2, [refused])).slice(1)).toEqual(['    [sendto: too long]']);
  });

  it('of which it is not known which probe was answered has no time, and is told so', () => {
    const probe = answered('10.0.9.9', 1, { rttMs: null, icmpType: null, icmpCode: null });
    const told = { reached: true, atMost: true } as const;
    expect(text().hop(hop(6, [probe, probe], told))).toEqual([
      ' 6  10.0.9.9  ?  ?',
      '    [here or nearer: some answers are missing, and none says which probe it is to]',
    ]);
    expect(text({ flows: 2 }).hop(hop(6, [probe, { ...probe, flow: 1 }], told))[0]).toBe(' 6  10.0.9.9  ?  ?');
    expect(text().end(summary({ reached: true, atMost: true, hops: 6, endReason: 'reached' }))).toEqual([
      'reached 10.0.9.9 in 6 hops at most',
    ]);
  });

  it('has marks of those who let nothing further, but not for the closed port of the target', () => {
    const unreachable = (icmpCode: number, mtu?: number) =>
      answered('10.0.1.1', 1, { icmpType: 3, icmpCode, ...(mtu === undefined ? {} : { mtu }) });
    expect(text().hop(hop(2, [unreachable(13), unreachable(1), unreachable(4, 1280)]))).toEqual([
      ' 2  10.0.1.1  1.000 ms !X  1.000 ms !H  1.000 ms !F-1280',
    ]);
    const prohibited = answered('fd00::1', 1, { icmpType: 1, icmpCode: 1 });
    expect(text().hop(hop(2, [prohibited]))).toEqual([' 2  fd00::1  1.000 ms !X']);
    expect(text().hop(hop(2, [unreachable(3)], { reached: true }))).toEqual([' 2  10.0.1.1  1.000 ms']);
    expect(text().hop(hop(2, [unreachable(3)]))).toEqual([' 2  10.0.1.1  1.000 ms !p']);
  });

  it('has what routers add, each thing once', () => {
    const labels = [
      { label: 300016, trafficClass: 0, bottomOfStack: false, ttl: 1 },
      { label: 17, trafficClass: 5, bottomOfStack: true, ttl: 254 },
    ];
    const extensions = [
      { kind: 'mpls', labels } as const,
      { kind: 'interface', role: 'incoming', name: 'eth0', index: 2, address: '10.0.1.1', mtu: 1500 } as const,
      { kind: 'unknown', class: 9, type: 1, data: 'ff00' } as const,
    ];
    const probe = answered('10.0.1.1', 1, { extensions });
    const lines = [
      ' 1  10.0.1.1  1.000 ms  1.000 ms',
      '    [MPLS: label 300016 tc 0 ttl 1, label 17 tc 5 ttl 254]',
      '    [incoming interface: eth0, index 2, 10.0.1.1, mtu 1500]',
    ];
    expect(text().hop(hop(1, [probe, probe]))).toEqual(lines);
    expect(text({ verbose: true }).hop(hop(1, [probe, probe]))).toEqual([
      ...lines,
      '    [extension: class 9 type 1 ff00]',
    ]);
  });

  it('has no more of what routers add than fits a line', () => {
    const label = { label: 16, trafficClass: 0, bottomOfStack: false, ttl: 1 };
    const extensions = [
      { kind: 'mpls', labels: Array.from({ length: 300 }, () => label) } as const,
      { kind: 'unknown', class: 9, type: 1, data: 'ab'.repeat(500) } as const,
    ];
    const lines = text({ verbose: true }).hop(hop(1, [answered('10.0.1.1', 1, { extensions })]));
    expect(lines[1]).toMatch(/, and 292 more\]$/);
    expect(lines[2]).toMatch(/^ {4}\[extension: class 9 type 1 (ab){32}, 500 bytes\]$/);
  });

  it('tells of translation and of another DSCP where they begin, and where they change', () => {
    const one = begun({ trafficClass: 0xb8 });
    const header = { ttl: 1, ecn: 0, totalLength: 60 };
    const quoted = (source: string, dscp: number, destination = '10.0.9.9') => ({
      ...header,
      dscp,
      source,
      destination,
    });
    const probe = (source: string, dscp: number, nat: boolean) =>
      answered('10.0.1.1', 1, { quoted: quoted(source, dscp), nat, dscpChanged: dscp !== 46 });
    expect(one.hop(hop(1, [probe('10.0.0.1', 46, false)]))).toHaveLength(1);
    expect(one.hop(hop(2, [probe('192.0.2.1', 0, true)])).slice(1)).toEqual([
      '    [NAT: quoted as from 192.0.2.1]',
      '    [DSCP: 46 became 0]',
    ]);
    expect(one.hop(hop(3, [missing('timeout'), answered('10.0.1.9', 1)]))).toHaveLength(1);
    expect(one.hop(hop(4, [probe('192.0.2.1', 0, true)]))).toHaveLength(1);
    expect(one.hop(hop(5, [probe('192.0.2.2', 8, true)])).slice(1)).toEqual([
      '    [NAT: quoted as from 192.0.2.2]',
      '    [DSCP: 46 became 8]',
    ]);
  });

  it('says what a translator has changed', () => {
    const change = (source: string, destination: string) => {
      const one = begun();
      const quoted = { ttl: 1, dscp: 0, ecn: 0, totalLength: 60, source, destination };
      return one.hop(hop(1, [answered('10.0.1.1', 1, { quoted, nat: true })]))[1];
    };
    expect(change('192.0.2.1', '10.0.9.9')).toBe('    [NAT: quoted as from 192.0.2.1]');
    expect(change('10.0.0.1', '192.0.2.9')).toBe('    [NAT: quoted as to 192.0.2.9]');
    expect(change('192.0.2.1', '192.0.2.9')).toBe('    [NAT: quoted as from 192.0.2.1 to 192.0.2.9]');
    expect(change('10.0.0.1', '10.0.9.9')).toBe('    [NAT: another port, identifier or checksum]');
  });

  it('has names and autonomous systems that are known', () => {
    const origin = { systems: [64500, 64501], prefix: '10.0.0.0/8', country: null, registry: null };
    const facts = (address: string) => (address === '10.0.1.1' ? { name: 'r1.test', origin } : { origin: null });
    expect(text({ facts }).hop(hop(1, [answered('10.0.1.1', 1), answered('10.0.1.2', 2)]))).toEqual([
      ' 1  r1.test (10.0.1.1) [AS64500 AS64501]  1.000 ms  10.0.1.2 [*]  2.000 ms',
    ]);
  });
});

describe('the end', () => {
  it.each([
    [{ reached: true, hops: 5, endReason: 'reached' }, 'reached 10.0.9.9 in 5 hops'],
    [{ endReason: 'max-hops' }, 'not reached in 3 hops: the last answer is from 10.0.1.1 at hop 1'],
    [{ endReason: 'interrupted' }, 'interrupted, not reached: the last answer is from 10.0.1.1 at hop 1'],
    [{ endReason: 'deadline' }, 'out of time (--deadline), not reached: the last answer is from 10.0.1.1 at hop 1'],
  ] as const)('says it in one line: %o', (how, line) => {
    const one = text();
    one.hop(hop(1, [answered('10.0.1.1', 1)]));
    one.hop(hop(2, [missing('timeout')]));
    expect(one.end(summary(how))).toEqual([line]);
  });

  it('says that the target may be nearer than the first hop tried', () => {
    const one = text();
    one.hop(hop(9, [answered('10.0.9.9', 1)], { reached: true }));
    const path = new TraceTable();
    path.span(9, 9);
    const ended = summary({ reached: true, hops: 9, endReason: 'reached', path: path.rows() });
    expect(one.end(ended)).toEqual(['reached 10.0.9.9 at the first hop tried, 9, or before']);
  });

  it('says who lets nothing further, and when nobody has answered', () => {
    const one = text();
    one.hop(hop(1, [answered('10.0.1.1', 1, { icmpType: 3, icmpCode: 13 }), missing('timeout')]));
    expect(one.end(summary({ endReason: 'unreachable', hops: 1 }))).toEqual([
      "not reached: 10.0.1.1 at hop 1 says 'communication administratively prohibited' (!X)",
    ]);
    expect(text().end(summary({ endReason: 'gap' }))).toEqual([
      'not reached: too many silent hops in a row: nobody has answered',
    ]);
  });
});

describe('several flows', () => {
  const flow = (number: number, address: string, rttMs = 1) => answered(address, rttMs, { flow: number });
  const hops = [
    hop(1, [flow(0, '10.0.1.1', 0.1), flow(1, '10.0.1.1', 0.4), flow(2, '10.0.1.1', 0.2), flow(3, '10.0.1.1', 0.3)]),
    hop(2, [flow(0, '10.0.2.1'), flow(1, '10.0.2.2'), missing('timeout', { flow: 2 }), flow(3, '10.0.2.2')]),
    hop(3, [flow(0, '10.0.3.1'), flow(1, '10.0.3.2'), flow(2, '10.0.3.2'), flow(3, '10.0.3.2')]),
    hop(4, [flow(0, '10.0.9.9'), flow(1, '10.0.9.9'), flow(2, '10.0.9.9'), flow(3, '10.0.9.9')], { reached: true }),
  ];

  it('have a line for each address, and the paths at the end', () => {
    const one = text({ flows: 4 });
    expect(hops.flatMap((each) => one.hop(each))).toEqual([
      ' 1  10.0.1.1  0.100-0.400 ms',
      ' 2  10.0.2.1  1.000 ms  [flow 0]',
      '    10.0.2.2  1.000 ms  1.000 ms  [flows 1, 3]',
      '    *  [flow 2]',
      ' 3  10.0.3.1  1.000 ms  [flow 0]',
      '    10.0.3.2  1.000 ms  1.000 ms  1.000 ms  [flows 1-3]',
      ' 4  10.0.9.9  1.000-1.000 ms',
    ]);
    expect(one.end(summary({ reached: true, hops: 4, endReason: 'reached' }))).toEqual([
      '2 paths for 4 flows, apart at hops 2 to 3',
      '  flow 0     10.0.2.1 > 10.0.3.1',
      '  flows 1-3  10.0.2.2 > 10.0.3.2',
      'reached 10.0.9.9 in 4 hops',
    ]);
  });

  it('are records too', () => {
    expect(summaryJson(summary({ flows: 4 }), hops)).toMatchObject({
      type: 'trace.summary',
      paths: [
        { flows: [0], addresses: ['10.0.1.1', '10.0.2.1', '10.0.3.1', '10.0.9.9'] },
        { flows: [1, 2, 3], addresses: ['10.0.1.1', '10.0.2.2', '10.0.3.2', '10.0.9.9'] },
      ],
    });
  });

  it('may all be one path, or none', () => {
    expect(pathLines(distinctPaths(hops.slice(0, 1), 4), 1)).toEqual(['one path for 4 flows']);
    expect(pathLines(distinctPaths([], 4), 1)).toEqual(['one path for 4 flows']);
  });

  it('are of no path where too few hops have answered to tell which', () => {
    const limited = [
      hop(1, [flow(0, '10.0.1.1'), flow(1, '10.0.1.1'), missing('timeout', { flow: 2 }), flow(3, '10.0.1.1')]),
      hop(2, [
        flow(0, '10.0.2.1'),
        missing('timeout', { flow: 1 }),
        missing('timeout', { flow: 2 }),
        flow(3, '10.0.2.1'),
      ]),
    ];
    expect(pathLines(distinctPaths(limited, 4), 1)).toEqual([
      'one path for 2 flows',
      'not known of flows 1-2: too few answers; fewer flows may get more',
    ]);
    const apart = [...limited.slice(0, 1), hop(2, [flow(0, '10.0.2.1'), flow(3, '10.0.2.2')])];
    expect(distinctPaths(apart, 4)).toMatchObject({ paths: [{ flows: [0] }, { flows: [3] }], uncertain: [1, 2] });
  });

  it('are told in runs', () => {
    expect(flowsText([0, 1, 2, 5, 7, 8])).toBe('flows 0-2, 5, 7-8');
  });

  it('are each of one path, which none of them contradicts', () => {
    const address = fc.option(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'), { nil: null });
    const path = fc.array(address, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 8 }), (flows) => {
        const all = [0, 1, 2, 3].map((at) =>
          hop(
            at + 1,
            flows.map((one, number) => {
              const from = one[at] ?? null;
              return from === null ? missing('timeout', { flow: number }) : flow(number, from);
            }),
          ),
        );
        const found = distinctPaths(all, flows.length);
        const { paths, uncertain } = found;
        const every = [...paths.flatMap((one) => one.flows), ...uncertain].sort((a, b) => a - b);
        expect(every).toEqual(flows.map((_, number) => number));
        expect(paths.every((one) => one.flows.length > 0)).toBe(true);
        for (const one of paths) {
          for (const number of one.flows) {
            for (const [at, seen] of (flows[number] ?? []).entries()) {
              if (seen !== null) expect(one.addresses[at]).toBe(seen);
            }
          }
        }
        pathLines(found, 1);
      }),
    );
  });
});

describe('a report', () => {
  const table = tableOf(
    [
      [answered('10.0.1.1', 0.1), answered('10.0.1.1', 0.3), answered('10.0.1.1', 0.2)],
      [null, null, null],
      [answered('10.0.3.1', 1234.5678), null, answered('10.0.3.2', 99.9994)],
    ],
    false,
  );

  it('has the figures of each hop in 80 columns, and other addresses below', () => {
    const lines = traceTable(table.rows(), 1, () => ({}));
    expect(lines).toEqual([
      'Hop Host             Loss%  Snt   Last    Avg   Best   Wrst  StDev    p90 Jitter',
      '  1 10.0.1.1          0.0%    3  0.200  0.200  0.100  0.300  0.082  0.300  0.150',
      '  2 *               100.0%    3',
      '  3 10.0.3.1         33.3%    3 99.999 667.28 99.999 1234.6 567.28 1234.6 1134.6',
      '    10.0.3.2',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBe(80);
  });

  it('has a record for each hop', () => {
    const records = reportJson(summary({ path: table.rows() }), (address) => ({ name: `name-of-${address}` }));
    expect(records).toMatchObject([
      { type: 'trace.report', target: 'host.test', ttl: 1, sent: 3, received: 3, lossPercent: 0, bestMs: 0.1 },
      { ttl: 2, sent: 3, received: 0, lossPercent: 100, meanMs: null, addresses: [] },
      { ttl: 3, addresses: [{ address: '10.0.3.1', name: 'name-of-10.0.3.1' }, { address: '10.0.3.2' }] },
    ]);
  });

  it('says how it has ended', () => {
    expect(reportEnd(summary({ path: table.rows(), rounds: 3 }))).toEqual([
      'not reached in 3 hops: the last answer is from 10.0.3.1 at hop 3; 3 rounds',
    ]);
    expect(reportEnd(summary({ reached: true, hops: 3, rounds: 1 }))).toEqual(['reached 10.0.9.9 in 3 hops; 1 round']);
  });

  it('has the mark of an address at that address, and the last word of who said it', () => {
    const at = (seconds: number) => ({ time: { seconds, nanoseconds: 0 } });
    const hops = [
      answered('10.0.3.1', 1, at(1)),
      answered('10.0.3.2', 2, { icmpType: 3, icmpCode: 13, ...at(3) }),
      answered('10.0.3.3', 3, at(2)),
    ];
    const rows = tableOf([hops], false).rows();
    expect(traceTable(rows, 1, () => ({})).map((line) => line.slice(4, 19).trim())).toEqual([
      'Host',
      '10.0.3.1',
      '10.0.3.2 !X',
      '10.0.3.3',
    ]);
    expect(reportEnd(summary({ path: rows, endReason: 'unreachable', hops: 1 }))).toEqual([
      'not reached: the last answer is from 10.0.3.2 at hop 1 (!X); 1 round',
    ]);
  });

  it('says how many answers could not be told apart', () => {
    const ends = summary({ reached: true, hops: 3, rounds: 1, ambiguous: 7 });
    const line = '7 answers could not be told apart: too little is quoted; try --multipath classic';
    expect(reportEnd(ends)).toEqual([line, 'reached 10.0.9.9 in 3 hops; 1 round']);
    expect(text().end(ends)).toEqual([line, 'reached 10.0.9.9 in 3 hops']);
  });

  it('says what this machine has not sent, and what to try', () => {
    const refusal = { code: 'ENETUNREACH', message: 'sendto: no route (ENETUNREACH)', advice: 'look at the routes' };
    expect(reportEnd(summary({ reached: true, hops: 3, rounds: 9, refused: 5, ...refusal }))).toEqual([
      '5 probes refused by this machine: sendto: no route (ENETUNREACH); look at the routes',
      'reached 10.0.9.9 in 3 hops; 9 rounds',
    ]);
  });

  it('has times of six characters at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 900_000, noNaN: true }), (time) => {
        const shown = timeText(time);
        expect(shown.length).toBeLessThanOrEqual(6);
        expect(Math.abs(Number(shown) - time)).toBeLessThanOrEqual(Math.max(0.000501, time / 1500));
      }),
    );
  });
});

it('begins with what is done', () => {
  const opened = {
    socket: 'raw',
    source: parseIP('10.0.0.1'),
    maxHops: 30,
    packetSize: 60,
    protocol: 'udp',
    multipath: 'paris',
    flows: 4,
    port: 33434,
  } as const;
  expect(traceHeader({ name: 'host.test', address: parseIP('10.0.9.9') }, opened)).toBe(
    'trace to host.test (10.0.9.9) from 10.0.0.1: UDP port 33434, paris, 4 flows, 30 hops at most, 60 bytes',
  );
});
