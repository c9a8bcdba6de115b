/** Sweeps for real: what hosts of every kind do, told by a sweep and by the state machine of ping. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, Running, records, run } from '../../../cli/process.js';
import { namespaceObstacle } from '../../../hosts/machine.js';
import { createHostPair, type HostPair } from '../../../hosts/namespaces.js';

const RESPONDER = new URL('programs/odd-hosts.mjs', import.meta.url).pathname;
const obstacle = namespaceObstacle();

/** By the last part of the address; see programs/odd-hosts.mjs. */
const KINDS = [
  'plain',
  'silent',
  'twice',
  'changed',
  'cut',
  'foreign',
  'unreachable',
  'redirected',
  'wrong checksum',
  'false errors',
  'longer',
] as const;

interface Outcome {
  readonly target: string;
  readonly [count: string]: unknown;
}

const COUNTS = ['received', 'late', 'lost', 'errors', 'duplicates', 'corrupt', 'foreignAddress'] as const;

describe.skipIf(obstacle !== undefined)(`a sweep${obstacle === undefined ? '' : ` (${obstacle})`}`, () => {
  let hosts: HostPair;
  let responder: Running;
  beforeAll(async () => {
    hosts = createHostPair();
    const { a, b } = hosts;
    hosts.ip(a, 'route', 'add', '10.64.0.0/16', 'via', b.ipv4);
    hosts.ip(b, 'route', 'add', 'local', '10.64.0.0/16', 'dev', 'lo');
    hosts.ip(a, '-6', 'route', 'add', 'fd64::/64', 'via', b.ipv6);
    hosts.ip(b, '-6', 'route', 'add', 'local', 'fd64::/64', 'dev', 'lo');
    await run('sysctl', ['-qw', 'net.ipv4.icmp_echo_ignore_all=1'], { under: b.under });
    responder = new Running(process.execPath, [RESPONDER], { under: b.under, holdInput: true });
    await responder.until(({ stdout }) => (stdout.includes('ready') ? true : undefined));
  });
  afterAll(async () => {
    responder.child.stdin?.end();
    await responder.done;
    hosts.remove();
  });

  const ping = async (...args: string[]) => {
    const command = [MAIN, 'raw', 'ping', '--json', '--yes', '-W', '3s', ...args];
    const { stdout, stderr } = await run(process.execPath, command, { under: hosts.a.under, timeoutMs: 60_000 });
    expect(stderr).toBe('');
    return records(stdout) as { readonly type: string; readonly [field: string]: unknown }[];
  };
  const outcomes = (all: Awaited<ReturnType<typeof ping>>) =>
    new Map(
      (all as unknown as Outcome[])
        .filter(({ type }) => type === 'ping.summary')
        .map((summary) => [summary.target, Object.fromEntries(COUNTS.map((name) => [name, summary[name]]))]),
    );

  it('has the outcome that each host has made', { timeout: 60_000 }, async () => {
    const block = '10.64.16.0/21';
    const swept = await ping('-c', '1', '-i', '0', block);
    const found = outcomes(swept);
    expect(found.size).toBe(2046);
    for (const [address, counts] of found) {
      expect({ address, ...counts }).toEqual({ address, ...expected(address) });
    }
    const each = (what: keyof ReturnType<typeof expected>) =>
      [...found.keys()].reduce((sum, address) => sum + expected(address)[what], 0);
    const wanted = Object.fromEntries(COUNTS.map((name) => [name, each(name)]));
    expect(swept.at(-1)).toMatchObject({
      type: 'ping.total',
      of: 2046,
      hosts: 2046,
      transmitted: 2046,
      inFlight: 0,
      ...wanted,
      alive: each('received'),
      unreachable: 2046 - each('received'),
      endReason: 'count',
    });
    // A rate that is a number is the state machine's.
    const paced = await ping('-c', '1', '--rate', '50k', block);
    expect(outcomes(paced)).toEqual(found);
    const { of, hosts: begun, foreign, alive, unreachable } = (swept.at(-1) ?? {}) as Record<string, unknown>;
    const totals = { ...wanted, of, hosts: begun, foreign, alive, unreachable };
    expect(paced.at(-1)).toMatchObject(totals);
    const quiet = await ping('-c', '1', '-i', '0', '--summary-only', block);
    expect(quiet).toMatchObject([{ type: 'ping.total', ...totals }]);
  });

  it('tells of single probes what ping tells of them', { timeout: 60_000 }, async () => {
    const block = '10.64.32.0/21';
    const strip = (all: Awaited<ReturnType<typeof ping>>) =>
      all
        .filter(({ type }) => type !== 'ping.total')
        .map(({ time: _, rttMs: __, durationMs: ___, requestedRate: ____, achievedRate: _____, ...rest }) =>
          JSON.stringify(rest),
        )
        .sort();
    const swept = await ping('-c', '1', '-i', '0', block);
    const paced = await ping('-c', '1', '--rate', '50k', block);
    expect(swept.filter(({ type }) => type === 'ping.reply').length).toBeGreaterThan(1000);
    expect(strip(swept)).toEqual(strip(paced));
    const longer = swept.filter(({ type, target }) => type === 'ping.reply' && kindOf(String(target)) === 'longer');
    expect(longer.length).toBeGreaterThan(100);
    for (const reply of longer)
      expect(reply).toMatchObject({ bytes: 964, corrupt: true, corruptAt: 56, corruptBytes: 900 });
  });

  it('goes in a random order, and stops when its time is up', { timeout: 60_000 }, async () => {
    const order = ['-c', '1', '-i', '0', '--random-order', '--seed', '4'];
    const all = await ping(...order, '--summary-only', '10.64.48.0/21');
    expect(all.at(-1)).toMatchObject({ transmitted: 2046, endReason: 'count' });
    const ended = await ping(...order, '-W', '10s', '-w', '300ms', '--summary-only', '10.64.48.0/21');
    const total = ended.at(-1) as unknown as Record<string, number>;
    expect(total).toMatchObject({ endReason: 'deadline', lost: 0, late: 0 });
    expect(total.inFlight).toBeGreaterThan(0);
    expect((total.received ?? 0) + (total.errors ?? 0) + (total.inFlight ?? 0)).toBe(total.transmitted);
    expect(total.transmitted).toBe(total.hosts);
  });

  it('has IPv6 as it has IPv4', { timeout: 60_000 }, async () => {
    const [total] = (await ping('-c', '1', '-i', '0', '--summary-only', 'fd64::1:0/116')).slice(-1);
    expect(total).toMatchObject({ transmitted: 4096, received: 4096, duplicates: 0, foreignAddress: 0, corrupt: 0 });
  });
});

function kindOf(address: string): (typeof KINDS)[number] {
  return KINDS[Number(address.split('.').at(-1)) % KINDS.length] ?? 'plain';
}

/** What the summary of a host has, which is told when its probe has its outcome. */
function expected(address: string) {
  const none = { received: 0, late: 0, lost: 0, errors: 0, duplicates: 0, corrupt: 0, foreignAddress: 0 };
  switch (kindOf(address)) {
    case 'twice':
      return { ...none, received: 1, duplicates: 1 };
    case 'silent':
    case 'false errors':
      return { ...none, lost: 1 };
    case 'changed':
    case 'cut':
    case 'wrong checksum':
    case 'longer':
      return { ...none, received: 1, corrupt: 1 };
    case 'foreign':
      return { ...none, received: 1, foreignAddress: 1 };
    case 'unreachable':
      return { ...none, errors: 1 };
    default:
      return { ...none, received: 1 };
  }
}
