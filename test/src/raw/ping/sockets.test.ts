/** Ping on real sockets of this machine: raw, the kernel's ping socket, and the portable backend. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SocketError } from '../../../../src/errors.js';
import { silentLogger } from '../../../../src/log/events.js';
import { setting } from '../../../../src/options/settings.js';
import type { PingPlan, PingSocketOptions } from '../../../../src/raw/ping/options.js';
import { ping } from '../../../../src/raw/ping/ping.js';
import type { PingRecord } from '../../../../src/raw/ping/records.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';
import { selectBackend } from '../../../../src/socket/open.js';
import type { Backend } from '../../../../src/socket/port.js';
import { hasIPv6, isRoot } from '../../../hosts/machine.js';
import { targetSet } from './simulate.js';

const WAYS = ['raw', 'dgram', 'portable'] as const;
type Way = (typeof WAYS)[number];

/** A backend by which ping gets that kind of socket; or why it can't be had. */
async function backendFor(way: Way): Promise<Backend | string> {
  if (way === 'dgram') {
    const [low = 1, high = 0] = readFileSync('/proc/sys/net/ipv4/ping_group_range', 'latin1').split('\t').map(Number);
    const group = process.getegid?.() ?? -1;
    if (group < low || group > high) return 'net.ipv4.ping_group_range does not let this group in';
    const native = await selectBackend('native', silentLogger);
    const refusal = new SocketError({ syscall: 'socket(AF_INET, SOCK_RAW, 1)', code: 'EPERM', errno: 1 });
    return { ...native, raw: () => Promise.reject(refusal) };
  }
  if (!isRoot) return 'raw sockets need root';
  return selectBackend(way === 'portable' ? 'portable' : 'native', silentLogger);
}

type Plan = PingPlan & Partial<PingSocketOptions> & { readonly signal?: AbortSignal };

async function pinged(backend: Backend, targets: readonly string[], plan: Plan): Promise<PingRecord[]> {
  const records: PingRecord[] = [];
  for await (const record of ping(targetSet(...targets), { backend, logger: silentLogger, ...plan }))
    records.push(record);
  return records;
}

const replies = (records: readonly PingRecord[]) => records.filter((record) => record.type === 'ping.reply');

describe.for(WAYS)('ping by %s', (way) => {
  const kind = way === 'dgram' ? 'dgram' : 'raw';
  const scene = (name: string, test: (backend: Backend) => Promise<void>, only?: readonly Way[]) =>
    it(name, async (context) => {
      const backend = await backendFor(way);
      if (typeof backend === 'string') return context.skip(backend);
      if (only?.includes(way) === false) return context.skip(`not by ${way}`);
      await test(backend);
      return undefined;
    });

  scene('gets the replies of this machine, and says how', async (backend) => {
    const targets = hasIPv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
    const records = await pinged(backend, targets, { count: 3, intervalMs: 20, userLatency: true });
    expect(replies(records)).toHaveLength(3 * targets.length);
    for (const reply of replies(records)) {
      expect(reply).toMatchObject({ bytes: 64, duplicate: false, corrupt: false, late: false, socket: kind });
      expect(reply).toMatchObject({ backend: backend.name, timestamp: way === 'portable' ? 'user' : 'kernel' });
      if (reply.type !== 'ping.reply') continue;
      expect(reply.rttMs).toBeGreaterThan(0);
      expect(reply.rttUserMs).toBeGreaterThanOrEqual(reply.rttMs);
      if (way !== 'portable' || reply.address === '127.0.0.1') expect(reply.ttl).toBe(64);
    }
    const summaries = records.filter((record) => record.type === 'ping.summary');
    expect(summaries).toMatchObject(targets.map((target) => ({ target, transmitted: 3, received: 3, inFlight: 0 })));
  });

  scene(
    'gives up nothing that has come in while the process was busy',
    async (backend) => {
      const sleeper = new Int32Array(new SharedArrayBuffer(4));
      const busy = setInterval(() => Atomics.wait(sleeper, 0, 0, 30), 1);
      try {
        const records = await pinged(backend, ['127.0.0.1'], { count: 100, intervalMs: 1, timeoutMs: 10 });
        expect(records.at(-1)).toMatchObject({ transmitted: 100, received: 100, late: 0, lost: 0 });
        expect(records.filter(({ type }) => type === 'ping.timeout')).toEqual([]);
      } finally {
        clearInterval(busy);
      }
    },
    ['raw', 'dgram'],
  );

  scene('works with any payload', async (backend) => {
    for (const size of [0, 7, 16, 9000]) {
      const records = await pinged(backend, ['127.0.0.1'], {
        count: 2,
        intervalMs: 5,
        size,
        pattern: Uint8Array.of(0xab),
      });
      expect(replies(records)).toMatchObject([
        { bytes: size + 8, corrupt: false },
        { bytes: size + 8, corrupt: false },
      ]);
    }
  });

  scene('ends when it is told to, with what is in flight', async (backend) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 150);
    const records = await pinged(backend, ['127.0.0.1'], { intervalMs: 10, signal: stop.signal });
    const last = records.at(-1);
    expect(last).toMatchObject({ type: 'ping.summary', endReason: 'interrupted', lost: 0, lossPercent: 0 });
    if (last?.type === 'ping.summary') expect(last.received + last.inFlight).toBe(last.transmitted);
  });

  scene('goes on past an address that this machine refuses', async (backend) => {
    const records = await pinged(backend, ['255.255.255.255', '127.0.0.1'], { count: 1 });
    const error = records.find((record) => record.type === 'ping.error');
    expect(error).toMatchObject({ target: '255.255.255.255', icmpType: null, settles: true });
    expect(records.at(-1)).toMatchObject({ type: 'ping.total', alive: 1, unreachable: 1, errors: 1 });
  });

  scene('finds that the loopback interface takes all sizes', async (backend) => {
    const [summary] = (await pinged(backend, ['127.0.0.1'], { pmtuSearch: true })).slice(-1);
    expect(summary).toMatchObject({ type: 'ping.summary', pathMtu: { mtu: 65_535, tooBig: null, unreachable: false } });
  });

  scene(
    'says what its own receive buffer had no room for',
    async (backend) => {
      const settings = [setting('SO_RCVBUF', 2048)];
      const one = await pinged(backend, ['127.0.0.1'], { count: 2000, intervalMs: 0, timeoutMs: 500, settings });
      const block = { count: 1, ratePerSecond: 1e6, timeoutMs: 500, tell: 'total', settings } as const;
      for (const record of [one.at(-1), (await pinged(backend, ['127.5.0.0/20'], block)).at(-1)]) {
        if (record?.type !== 'ping.summary' && record?.type !== 'ping.total') throw new Error('no summary');
        // The requests come to this machine as well, and are counted with the replies.
        expect(record.lost).toBeGreaterThan(0);
        expect(record.drops?.socketAtMost).toBeGreaterThanOrEqual(record.lost);
      }
    },
    ['raw'],
  );

  scene('sweeps a block', async (backend) => {
    const records = await pinged(backend, ['127.3.0.0/20'], { count: 1, ratePerSecond: 20_000, tell: 'summaries' });
    expect(records.at(-1)).toMatchObject({ hosts: 4094, alive: 4094, received: 4094, lost: 0, duplicates: 0 });
    expect(new Set(records.map((record) => (record.type === 'ping.summary' ? record.address : ''))).size).toBe(4095);
  });

  scene(
    'has a recorded route, and clocks',
    async (backend) => {
      const [routed] = replies(await pinged(backend, ['127.0.0.1'], { count: 1, recordRoute: true }));
      expect(routed).toMatchObject({ corrupt: false });
      if (routed?.type === 'ping.reply') {
        expect(routed.route?.length).toBeGreaterThan(0);
        expect(routed.route?.every((address) => address === '127.0.0.1')).toBe(true);
      }
      const [timed] = replies(await pinged(backend, ['127.0.0.1'], { count: 1, kind: 'timestamp' }));
      expect(timed).toMatchObject({ bytes: 20, corrupt: false });
      if (timed?.type === 'ping.reply') expect(Math.abs(timed.clockOffsetMs ?? 99)).toBeLessThanOrEqual(50);
    },
    ['raw', 'portable'],
  );

  scene(
    'says what takes a raw socket',
    async (backend) => {
      for (const plan of [{ recordRoute: true }, { kind: 'timestamp' as const }]) {
        await expect(pinged(backend, ['127.0.0.1'], { count: 1, ...plan })).rejects.toMatchObject({
          code: 'EPERM',
          advice: expect.stringContaining('raw socket'),
        });
      }
    },
    ['dgram'],
  );

  scene(
    'leaves by the interface and from the address that it is told',
    async (backend) => {
      const plan = { count: 1, interface: 'lo', source: parseIP('127.0.0.5'), ttl: 9, tos: 0x20, pmtu: 'do' } as const;
      const records = await pinged(backend, ['127.0.0.1'], plan);
      expect(replies(records)).toHaveLength(1);
    },
    ['raw', 'dgram'],
  );

  scene(
    'keeps to its schedule',
    async (backend) => {
      const [summary] = (await pinged(backend, ['127.0.0.1'], { count: 100, intervalMs: 10 })).slice(-1);
      expect(summary).toMatchObject({ received: 100 });
      if (summary?.type !== 'ping.summary') return;
      // Wide, for other tests run beside it; scripts/bench measures it.
      expect(summary.durationMs).toBeGreaterThan(980);
      expect(summary.durationMs).toBeLessThan(1500);
    },
    ['raw', 'dgram'],
  );
});

describe('what can not be', () => {
  it.for<[string, Plan, RegExp]>([
    ['::1', { kind: 'timestamp' }, /ICMPv6 has no timestamp/],
    ['::1', { recordRoute: true }, /IPv6 has no record route/],
    ['127.0.0.1', { source: parseIP('::1') }, /not of the family/],
    ['127.0.0.1', { retries: 1, count: 1 }, /exclude each other/],
    ['127.0.0.1', { flood: true, adaptive: true }, /exclude each other/],
    ['127.0.0.1', { size: 70_000 }, /size 70000/],
    ['127.0.0.1', { timeoutMs: -1 }, /timeout -1/],
    ['10.0.0.0/8', {}, /without end/],
  ])('is refused: %s %j', async ([target, plan, words]) => {
    const backend = await selectBackend('portable', silentLogger);
    await expect(pinged(backend, [target], plan)).rejects.toThrow(words);
  });
});
