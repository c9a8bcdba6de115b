/** What ping makes of what a network does, in virtual time: every outcome of a probe, and every pace. */
import { describe, expect, it } from 'vitest';
import { SocketError } from '../../../../src/errors.js';
import { PingMachine } from '../../../../src/raw/ping/machine.js';
import type { PingPlan } from '../../../../src/raw/ping/options.js';
import { pingOrder } from '../../../../src/raw/ping/order.js';
import type { PingRecord } from '../../../../src/raw/ping/records.js';
import type { ProbeAnswer } from '../../../../src/raw/probes/port.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';
import { updateChecksum } from '../../../../src/wire/checksum.js';
import type { HostDescription, Impairment, NetworkDescription } from '../../../hosts/network/description.js';
import { readNetwork } from '../../../hosts/network-model.js';
import { simulate, targetSet } from './simulate.js';

const HOST = '198.51.100.9';
const HOST6 = '2001:db8:100::9';

/** A host behind a router, 2 ms away. */
function oneHost(
  host: Partial<HostDescription> = {},
  there: Impairment = {},
  back: Impairment = {},
): NetworkDescription {
  return {
    about: 'One host.',
    nodes: {
      prober: { kind: 'prober', addresses: ['10.50.0.2', 'fd50::2'] },
      r1: { kind: 'router', addresses: ['10.50.1.1', 'fd50:0:1::1'] },
      host: { kind: 'host', addresses: [HOST, HOST6], ...host },
    },
    links: [
      { path: ['prober', 'r1'], delayMs: 1, there, back },
      { path: ['r1', 'host'], delayMs: 1 },
    ],
  };
}

/** A block of which every address answers. */
const BLOCK: NetworkDescription = {
  about: 'Two blocks.',
  nodes: {
    prober: { kind: 'prober', addresses: ['10.50.0.2', 'fd50::2'] },
    hosts: { kind: 'host', addresses: ['198.18.0.0/16', '2001:db8::/32'] },
  },
  links: [{ path: ['prober', 'hosts'], delayMs: 1 }],
};

const at = (ms: number) => ({ seconds: 1000, nanoseconds: ms * 1e6 });

/** A machine whose first probe has left at 0, and the reply to it as it comes in at a time. */
function oneProbe(plan: PingPlan) {
  const set = targetSet(HOST);
  const machine = new PingMachine({
    plan,
    order: pingOrder(set, undefined),
    hosts: set.count,
    routes: () => ({ socket: 'raw', backend: 'native' }),
    drops: () => ({ socket: 0, socketAtMost: 0 }),
    identifier: 1,
    key: new Uint8Array(8),
  });
  machine.elapsed(0, at(0));
  const [probe] = machine.due(0, 1);
  machine.sent([at(0)], 0);
  const bytes = Uint8Array.from(probe?.bytes ?? []);
  // An echo reply has type 0 in place of 8, which the checksum makes up for (RFC 1624).
  bytes[0] = 0;
  new DataView(bytes.buffer).setUint16(2, updateChecksum(new DataView(bytes.buffer).getUint16(2), 0x0800, 0));
  const reply = (ms: number): ProbeAnswer => ({
    kind: 'packet',
    protocol: 1,
    bytes,
    time: at(ms),
    timestampSource: 'kernel',
    userTime: at(ms),
    from: parseIP(HOST),
    hopLimit: 64,
    trafficClass: 0,
  });
  return { machine, reply };
}

const sequences = (records: readonly PingRecord[]) =>
  records.flatMap((record) => ('sequence' in record ? [record.sequence] : []));

describe.for(['raw', 'dgram'] as const)('ping on a %s socket', (socket) => {
  it.for([HOST, HOST6])('counts and times the replies of %s', async (target) => {
    const { replies, summary, records } = await simulate(oneHost(), [target], { count: 5 }, { socket });
    expect(sequences(replies)).toEqual([1, 2, 3, 4, 5]);
    expect(replies[0]).toMatchObject({ address: target, rttMs: 4, ttl: 63, bytes: 64, socket, foreignAddress: false });
    expect(summary).toMatchObject({ transmitted: 5, received: 5, lossPercent: 0, inFlight: 0, endReason: 'count' });
    expect(summary.rttMs).toMatchObject({ min: 4, mean: 4, max: 4, stddev: 0 });
    expect(records.at(-1)).toBe(summary);
  });

  it('tells who is unreachable, and who says so', async () => {
    const network = oneHost();
    const refusing: NetworkDescription = {
      ...network,
      nodes: {
        ...network.nodes,
        r1: { kind: 'router', addresses: ['10.50.1.1'], refuses: [{ to: HOST, because: 'host' }] },
      },
    };
    const { errors, summary } = await simulate(refusing, [HOST], { count: 2 }, { socket });
    expect(errors).toMatchObject([
      { address: '10.50.1.1', icmpType: 3, icmpCode: 1, settles: true, sequence: 1, rttMs: 2 },
      { sequence: 2 },
    ]);
    expect(summary).toMatchObject({ transmitted: 2, received: 0, errors: 2, lost: 0, lossPercent: 100, inFlight: 0 });
  });
});

describe('outcomes', () => {
  it('loses what is dropped, and only that', async () => {
    const { timeouts, summary } = await simulate(oneHost({}, { drop: { packets: [2, 5] } }), [HOST], { count: 5 });
    expect(sequences(timeouts)).toEqual([2, 5]);
    expect(summary).toMatchObject({ transmitted: 5, received: 3, lost: 2, inFlight: 0, lossPercent: 40 });
  });

  it('calls a reply after the timeout late, and not lost', async () => {
    const late = { reorder: { when: { packets: [1] }, byMs: 700 } };
    const { records, summary } = await simulate(oneHost({}, late), [HOST], { count: 2, timeoutMs: 500 });
    expect(records.map((r) => r.type)).toEqual(['ping.timeout', 'ping.reply', 'ping.reply', 'ping.summary']);
    expect(records[1]).toMatchObject({ sequence: 1, late: true, rttMs: 704 });
    expect(summary).toMatchObject({ received: 1, late: 1, lost: 0, lossPercent: 0 });
  });

  it('goes by when a reply came in, not by when it is read', async () => {
    const plan = { count: 3, intervalMs: 5, timeoutMs: 5 };
    const { replies, timeouts, summary } = await simulate(oneHost(), [HOST], plan, { busyMs: 50 });
    expect(timeouts).toEqual([]);
    expect(replies.map(({ late, rttMs }) => [late, rttMs])).toEqual([1, 2, 3].map(() => [false, 4]));
    expect(summary).toMatchObject({ received: 3, late: 0, lost: 0 });
  });

  it('takes a timeout back when the reply was there in time after all', () => {
    const { machine, reply } = oneProbe({ count: 2, intervalMs: 1000, timeoutMs: 5 });
    machine.elapsed(20, at(20));
    machine.answered([reply(4)], 21);
    machine.stop('interrupted', 30, at(30));
    const [timeout, answer, summary] = machine.take();
    expect(timeout).toMatchObject({ type: 'ping.timeout', sequence: 1 });
    expect(answer).toMatchObject({ type: 'ping.reply', rttMs: 4, late: false, takesBack: true });
    expect(summary).toMatchObject({ received: 1, late: 0, lost: 0, inFlight: 0 });
  });

  it('calls a reply late that came in after the timeout, told or not', () => {
    const { machine, reply } = oneProbe({ count: 2, intervalMs: 1000, timeoutMs: 5 });
    machine.answered([reply(7)], 8);
    machine.stop('interrupted', 30, at(30));
    const [answer, summary] = machine.take();
    expect(answer).toMatchObject({ type: 'ping.reply', rttMs: 7, late: true });
    expect(answer).not.toHaveProperty('takesBack');
    expect(summary).toMatchObject({ received: 0, late: 1, lost: 0, inFlight: 0 });
  });

  it('counts a second reply as a duplicate', async () => {
    const { replies, summary } = await simulate(oneHost({ echo: { copies: 2 } }), [HOST], { count: 2 });
    expect(replies.map((reply) => reply.duplicate)).toEqual([false, true, false, true].slice(0, replies.length));
    expect(summary).toMatchObject({ received: 2, lossPercent: 0 });
    expect(summary.duplicates).toBe(replies.length - 2);
  });

  it.for([0, 7, 15, 16, 55])('finds the byte that differs: %i', async (offset) => {
    const host = oneHost({ echo: { changes: { when: { packets: [2] }, offset } } });
    const { replies, summary } = await simulate(host, [HOST], { count: 3 });
    expect(replies.map(({ corrupt, corruptAt, corruptBytes }) => [corrupt, corruptAt, corruptBytes])).toEqual([
      [false, undefined, undefined],
      [true, offset, 1],
      [false, undefined, undefined],
    ]);
    expect(summary).toMatchObject({ received: 3, corrupt: 1 });
  });

  it('says when another address answers', async () => {
    const { replies, summary } = await simulate(oneHost({ answersFrom: ['203.0.113.1'] }), [HOST], { count: 2 });
    expect(replies[0]).toMatchObject({ address: '203.0.113.1', foreignAddress: true, target: HOST });
    expect(summary).toMatchObject({ received: 2, foreignAddress: 2 });
  });

  it.for([0, 5, 8, 15, 16, 1400])('works with %i bytes of payload', async (size) => {
    const { replies, summary } = await simulate(oneHost(), [HOST, HOST6], { count: 3, size });
    expect(replies.every((reply) => reply.bytes === size + 8 && !reply.corrupt)).toBe(true);
    expect(summary).toMatchObject({ transmitted: 3, received: 3 });
  });

  it('tells apart two runs that have the same identifier', async () => {
    const { replies, summary } = await simulate(
      oneHost(),
      [HOST],
      { count: 3 },
      {
        meanwhile: (network) => {
          // The other run's probes come back to every socket of the machine.
          const other = network.port();
          other.receive({ answers: () => undefined, failed: () => undefined });
          const bytes = Uint8Array.from(
            { length: 64 },
            (_, i) => (i < 8 ? [8, 0, 0, 0, 0x12, 0x67, 0, 1][i] : i) as number,
          );
          bytes.set([0x87, 0x50], 2);
          network.at(1, () => void other.send([{ to: parseIP(HOST), protocol: 1, bytes: withChecksum(bytes) }]));
        },
      },
    );
    expect(sequences(replies)).toEqual([1, 2, 3]);
    expect(summary).toMatchObject({ received: 3, duplicates: 0, corrupt: 0, foreign: 1 });
  });

  it('says what this machine refuses, and goes on', async () => {
    const refuse = (_: unknown, number: number) =>
      number === 2 ? new SocketError({ syscall: 'sendmmsg', code: 'ENETUNREACH', errno: 101 }) : undefined;
    const { errors, summary } = await simulate(oneHost(), [HOST], { count: 3 }, { refuse });
    expect(errors).toMatchObject([{ sequence: 2, address: HOST, icmpType: null, rttMs: null, settles: true }]);
    expect(summary).toMatchObject({ transmitted: 3, received: 2, errors: 1 });
  });

  it.each([
    ['EACCES', 13, '--broadcast'],
    ['EMSGSIZE', 90, '--pmtu-search'],
    ['ENETUNREACH', 101, 'ip route'],
  ])('says what to try with %s', async (code, errno, advice) => {
    const refuse = () => new SocketError({ syscall: 'sendmmsg', code, errno, address: `${HOST}:0` });
    const { errors } = await simulate(oneHost(), [HOST], { count: 1 }, { refuse });
    expect(errors).toMatchObject([{ code, advice: expect.stringContaining(advice) }]);
    expect(errors[0]?.message).toContain(`sendmmsg ${HOST}: `);
  });

  it('says over IPv6 that the table of neighbours may be full', async () => {
    const to = '2001:db8:100::9';
    const refuse = () => new SocketError({ syscall: 'sendmmsg', code: 'EINVAL', errno: 22 });
    const { errors } = await simulate(readNetwork('five-hops'), [to], { count: 1 }, { refuse });
    expect(errors).toMatchObject([
      { address: to, advice: expect.stringContaining('net.ipv6.neigh.default.gc_thresh3') },
    ]);
  });

  it('leaves in flight what is in flight when it is interrupted', async () => {
    const { summary, tookMs } = await simulate(oneHost(), [HOST], { intervalMs: 1 }, { interruptAt: 10.5 });
    expect(summary).toMatchObject({ transmitted: 11, received: 7, inFlight: 4, lost: 0, lossPercent: 0 });
    expect(summary.endReason).toBe('interrupted');
    expect(tookMs).toBe(10.5);
  });

  it('ends at its deadline, whatever is in flight', async () => {
    const { summary, tookMs } = await simulate(oneHost(), [HOST], { intervalMs: 100, deadlineMs: 1002 });
    expect(summary).toMatchObject({ transmitted: 11, received: 10, inFlight: 1, endReason: 'deadline' });
    expect(tookMs).toBe(1002);
  });
});

function withChecksum(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.fill(0, 2, 4);
  let sum = 0;
  for (let i = 0; i < copy.length; i += 2) sum += ((copy[i] as number) << 8) | (copy[i + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  copy.set([(~sum >> 8) & 255, ~sum & 255], 2);
  return copy;
}

describe('the pace', () => {
  it('does not drift: 1,000 probes at 10 ms, however long each takes', async () => {
    const { replies, summary, tookMs } = await simulate(
      oneHost(),
      [HOST],
      { count: 1000, intervalMs: 10 },
      { sendMs: 0.7 },
    );
    expect(replies).toHaveLength(1000);
    expect(tookMs).toBeGreaterThan(9990);
    expect(tookMs).toBeLessThan(9996);
    expect(summary.achievedRate).toBeCloseTo(100, 1);
    expect(summary.requestedRate).toBe(100);
  });

  it('keeps to a rate over all hosts', async () => {
    const plan = { count: 2, intervalMs: 100, ratePerSecond: 1000 };
    const { total, tookMs } = await simulate(BLOCK, ['198.18.0.0/24'], plan);
    expect(total).toMatchObject({ hosts: 254, alive: 254, transmitted: 508, received: 508, requestedRate: 1000 });
    // The last ones begin after 400 ms, and have their second probe 100 ms later.
    expect(Math.round(tookMs)).toBe(555);
  });

  it('has an interval between two probes to a host, and starts hosts a millisecond apart', async () => {
    const { replies, tookMs } = await simulate(BLOCK, ['198.18.0.0/29'], { count: 3, intervalMs: 20 });
    const times = replies.filter(({ target }) => target === '198.18.0.3').map(({ time }) => time.nanoseconds / 1e6);
    expect(times.map((time) => Math.round(time - (times[0] as number)))).toEqual([0, 20, 40]);
    expect(Math.round(tookMs)).toBe(5 + 40 + 2);
  });

  it.each([
    // In rounds, as the interval says: the last one has its interval, too.
    [6, { count: 3, intervalMs: 20 }, 300, 300],
    [6, { count: 2, intervalMs: 1000 }, 6, 6],
    // One after the other, as the rate says.
    [6, { count: 3, intervalMs: 100, ratePerSecond: 20 }, 20, 20],
    [254, { count: 1, ratePerSecond: 1000 }, 1000, 1000],
    // The last one waits for its second turn, when nobody else has one.
    [254, { count: 2, intervalMs: 10, ratePerSecond: 1000 }, 1000, 988.304],
  ] as const)('is told as it was: %s hosts, %o', async (hosts, plan, requestedRate, achieved) => {
    const { total } = await simulate(BLOCK, [hosts === 6 ? '198.18.0.0/29' : '198.18.0.0/24'], plan);
    expect(total).toMatchObject({ hosts, requestedRate });
    expect(total?.achievedRate).toBeCloseTo(achieved, 6);
  });

  it('counts from when a probe is to leave, not from the word that it has', async () => {
    const { summary } = await simulate(oneHost(), [HOST], { count: 1 }, { sendMs: 5 });
    expect(summary.rttMs.max).toBe(5);
    expect(summary.durationMs).toBe(5);
  });

  it('floods as fast as answers come', async () => {
    const { replies, tookMs } = await simulate(oneHost(), [HOST], { count: 100, flood: true });
    expect(replies).toHaveLength(100);
    expect(tookMs).toBeCloseTo(400, 0);
  });

  it('floods at a hundred a second where nothing comes', async () => {
    const silent = oneHost({ echo: false });
    const { timeouts, tookMs } = await simulate(silent, [HOST], { count: 100, flood: true, timeoutMs: 500 });
    expect(timeouts).toHaveLength(100);
    expect(tookMs).toBeCloseTo(990 + 500, 0);
  });

  it('adapts to the round trip', async () => {
    const { replies, tookMs } = await simulate(oneHost(), [HOST], { count: 50, adaptive: true });
    expect(replies).toHaveLength(50);
    expect(tookMs).toBeLessThan(300);
  });

  it('holds back when too much is in flight', async () => {
    const silent = oneHost({ echo: false });
    const plan = { count: 3000, intervalMs: 0, timeoutMs: 100 };
    const { summary, tookMs } = await simulate(silent, [HOST], plan, { inFlightMax: 1024 });
    expect(summary).toMatchObject({ transmitted: 3000, lost: 3000, inFlight: 0 });
    expect(tookMs).toBeCloseTo(300, 0);
  });

  it('sends one probe, not sixty, after a minute asleep, and goes on with the seconds that it had', () => {
    expect(sendTimes({ intervalMs: 1000 }, [0, 1000, 2000, 63_200, 63_201, 64_000, 65_000])).toEqual([
      [0, 1],
      [1000, 1],
      [2000, 1],
      [63_200, 1],
      [63_201, 0],
      [64_000, 1],
      [65_000, 1],
    ]);
  });

  it('catches up what it has missed in the last quarter of a second', () => {
    expect(sendTimes({ intervalMs: 10 }, [0, 10, 20, 65, 70, 5000, 5010])).toEqual([
      [0, 1],
      [10, 1],
      [20, 1],
      [65, 4],
      [70, 1],
      [5000, 26],
      [5010, 1],
    ]);
  });
});

/** A machine that pings one host, for tests that are its port themselves. */
function machineOf(plan: PingPlan): PingMachine {
  return new PingMachine({
    plan,
    order: pingOrder(targetSet(HOST), undefined),
    hosts: 1n,
    routes: () => ({ socket: 'raw', backend: 'native' }),
    drops: () => ({ socket: 0, socketAtMost: 0 }),
    identifier: 1,
    key: new Uint8Array(8),
  });
}

/** How many probes are due at each of the times at which the machine is asked. */
function sendTimes(plan: PingPlan, times: readonly number[]): [number, number][] {
  const machine = machineOf(plan);
  return times.map((now) => {
    const time = { seconds: Math.floor(now / 1000), nanoseconds: (now % 1000) * 1e6 };
    machine.elapsed(now, time);
    const probes = machine.due(now, 1000);
    const sent = probes.map(() => time);
    machine.sent(sent, now);
    return [now, probes.length];
  });
}

describe('hosts', () => {
  it('tries who does not answer again, and stops with the first answer', async () => {
    const network = oneHost({}, { drop: { packets: [1, 2] } });
    const { summary, tookMs } = await simulate(network, [HOST], { retries: 3, timeoutMs: 100 });
    expect(summary).toMatchObject({ transmitted: 3, received: 1, lost: 2, endReason: 'count' });
    expect(tookMs).toBe(204);
  });

  it('gives up after the retries', async () => {
    const { summary } = await simulate(oneHost({ echo: false }), [HOST], { retries: 2, timeoutMs: 100 });
    expect(summary).toMatchObject({ transmitted: 3, received: 0, lost: 3 });
  });

  it('sweeps a block, and tells of each host when it is known', async () => {
    const plan = { count: 1, ratePerSecond: 100_000, tell: 'summaries' as const };
    const { total, summaries, records } = await simulate(BLOCK, ['198.18.0.0/19'], plan);
    expect(total).toMatchObject({ hosts: 8190, of: 8190, alive: 8190, unreachable: 0, received: 8190 });
    expect(new Set(summaries.map(({ address }) => address)).size).toBe(8190);
    expect(records.at(-1)).toBe(total);
  });

  it('pings hosts of a /64 at random for a while', async () => {
    const plan = { count: 1, ratePerSecond: 1000, deadlineMs: 999.5, randomOrder: { seed: 7 } };
    const { total, replies } = await simulate(BLOCK, ['2001:db8::/64'], plan);
    expect(total).toMatchObject({ of: (2n ** 64n).toString(), endReason: 'deadline', inFlight: 2 });
    expect(total?.hosts).toBe(1000);
    // Spread over all of it: no two share their first 32 bits behind the prefix, as good as.
    expect(new Set(replies.map(({ address }) => address.split(':').slice(3, 6).join())).size).toBeGreaterThan(990);
  });

  it('tells the total alone where that is asked for', async () => {
    const { records } = await simulate(BLOCK, ['198.18.0.0/24'], { count: 1, tell: 'total' });
    expect(records.map(({ type }) => type)).toEqual(['ping.total']);
  });

  it('says who answers of a group, and that none of them is a duplicate', async () => {
    const network: NetworkDescription = {
      about: 'A group of three.',
      nodes: {
        prober: { kind: 'prober', addresses: ['10.50.0.2'] },
        ...Object.fromEntries(
          [1, 2, 3].map((n) => [
            `h${n}`,
            { kind: 'host' as const, addresses: [`10.50.0.1${n}`], groups: ['224.0.0.1'] },
          ]),
        ),
      },
      links: [1, 2, 3].map((n) => ({ path: ['prober', `h${n}`], delayMs: n })),
    };
    const { replies, summary } = await simulate(network, ['224.0.0.1'], { count: 2, timeoutMs: 300 });
    expect(replies.every(({ duplicate, foreignAddress }) => !duplicate && !foreignAddress)).toBe(true);
    expect(summary).toMatchObject({ transmitted: 2, received: 2, duplicates: 0, repliers: replies.length / 2 });
    expect(summary.replies).toBe(replies.length);
  });

  it('has round trips and clocks of timestamp requests', async () => {
    const { replies, summary } = await simulate(oneHost({ clockAheadMs: 1500 }), [HOST], {
      count: 3,
      kind: 'timestamp',
    });
    expect(replies).toHaveLength(3);
    const [first] = replies;
    expect(first).toMatchObject({ bytes: 20, rttMs: 4, corrupt: false });
    expect(first?.clockOffsetMs).toBe(1500);
    expect((first?.receive ?? 0) - (first?.originate ?? 0)).toBe(1502);
    expect(summary.received).toBe(3);
  });
});

describe('answers before the word that their probe has left', () => {
  const reply = (bytes: Uint8Array, at: number): ProbeAnswer => {
    const copy = bytes.slice();
    copy[0] = 0;
    const time = { seconds: 0, nanoseconds: at * 1e6 };
    const clock = { time, timestampSource: 'kernel', userTime: time, hopLimit: 64, trafficClass: 0 } as const;
    return { kind: 'packet', ...clock, from: parseIP(HOST), protocol: 1, bytes: copy };
  };
  const machine = () => machineOf({ count: 2, intervalMs: 0 });

  it('wait for it, so that their round trips are right', () => {
    const one = machine();
    one.elapsed(0, { seconds: 0, nanoseconds: 0 });
    const probes = one.due(0, 2).map(({ bytes }) => bytes.slice());
    one.answered([reply(probes[0] as Uint8Array, 9), reply(probes[0] as Uint8Array, 9)], 9);
    expect(one.take()).toEqual([]);
    one.sent([{ seconds: 0, nanoseconds: 5e6 }], 10);
    expect(one.take()).toMatchObject([
      { rttMs: 4, duplicate: false },
      { rttMs: 4, duplicate: true },
    ]);
  });

  it('are counted when the end comes first', () => {
    const one = machine();
    one.elapsed(0, { seconds: 0, nanoseconds: 0 });
    const [first] = one.due(0, 2).map(({ bytes }) => bytes.slice());
    one.answered([reply(first as Uint8Array, 9), reply(first as Uint8Array, 9)], 9);
    one.stop('interrupted', 10, { seconds: 0, nanoseconds: 10e6 });
    // The second one has never left.
    expect(one.take().at(-1)).toMatchObject({ transmitted: 1, received: 1, duplicates: 1, inFlight: 0 });
  });
});
