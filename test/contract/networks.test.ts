/**
 * The rooms that probes are tested in: networks of test/networks behind a TUN device, and chains of routers. What ping,
 * fping, traceroute and mtr find there is what was built.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answeringHops, CHAINS } from '../hosts/chains.js';
import { hasCommand, namespaceObstacle } from '../hosts/machine.js';
import { type Scenario, scenarios } from '../hosts/network/scenario.js';
import { readNetwork } from '../hosts/network-model.js';
import { fping, mtr, type PeerHop, ping, runUnder, traceroute } from '../hosts/peers.js';
import { createRouterChain, type RouterChain } from '../hosts/router-chain.js';
import { createTunNetwork, type TunNetwork } from '../hosts/tun-network.js';

const missing = ['ping', 'fping', 'traceroute', 'mtr'].filter((name) => !hasCommand(name));
const obstacle = namespaceObstacle() ?? (missing.length > 0 ? `${missing.join(' and ')} not installed` : undefined);
const title = (what: string) => (obstacle === undefined ? what : `${what} (skipped: ${obstacle})`);

const FAMILIES = ['ipv4', 'ipv6'] as const;

describe.skipIf(obstacle !== undefined)(title('networks behind a TUN device'), () => {
  let network: TunNetwork;
  beforeAll(async () => {
    network = await createTunNetwork(readNetwork('five-hops'));
  });
  afterAll(() => network.remove());

  describe('traceroute', () => {
    const traced = scenarios().filter(({ trace }) => trace !== undefined);
    const cases = traced.flatMap((scenario) => ['udp', 'icmp', 'tcp'].map((protocol) => ({ ...scenario, protocol })));
    it.each(cases)('$network: $protocol to $target', async ({ description, target, trace, protocol, family }) => {
      await network.load(description);
      const flags = { udp: [], icmp: ['-I'], tcp: ['-T'] }[protocol] ?? [];
      const found = await traceroute(network.under, target, ...flags);
      checkTrace(found, trace as NonNullable<Scenario['trace']>);
      for (const [i, { mpls }] of (trace?.hops ?? []).entries()) {
        // As traceroute writes labels; of IPv6 it reads no extensions whose length is not said.
        const said = (mpls ?? []).map(({ label, trafficClass = 0, ttl = 1 }, at, all) =>
          [`L=${label}`, `E=${trafficClass}`, `S=${at === all.length - 1 ? 1 : 0}`, `T=${ttl}`].join(','),
        );
        if (said.length > 0 && family === 'ipv4') expect(found[i]?.extensions).toEqual([`MPLS:${said.join('/')}`]);
      }
    });
  });

  describe('ping and fping', () => {
    const pinged = scenarios().filter(({ ping: expected }) => expected !== undefined);
    it.each(pinged)('$network: $target', async ({ network: name, description, target, ping: expected }) => {
      await network.load(description);
      const wanted = expected as NonNullable<Scenario['ping']>;
      const found = await ping(network.under, target, wanted.count, 10);
      expect(found).toMatchObject({
        transmitted: wanted.count,
        received: wanted.received,
        duplicates: wanted.duplicates ?? 0,
        errors: wanted.errors ?? 0,
        reporters: wanted.reporter === undefined ? [] : [wanted.reporter],
      });
      // It looks at the bytes behind its own time, which has 16 of them.
      expect(found.wrongAt).toEqual(Array.from({ length: wanted.corrupt ?? 0 }, () => wanted.corruptAt));
      if (wanted.rttMs !== undefined) {
        expect(found.medianMs).toBeGreaterThan(wanted.rttMs - 0.1);
        // What a busy machine may add.
        expect(found.medianMs).toBeLessThan(wanted.rttMs + 100);
      }
      const { links } = await network.ledger();
      if (name === 'lossy') {
        expect(links.filter(({ dropped }) => dropped > 0).map(({ from, dropped }) => [from, dropped])).toEqual([
          ['r4', 5],
          ['server', 1],
        ]);
      }
      await network.load(description);
      // fping takes what it can't be sure of, damaged payloads among it, for an answer.
      expect(await fping(network.under, target, wanted.count)).toBe(wanted.received);
    });
  });

  // mtr gives up what a busy machine answers late.
  it.each(['five-hops', 'two-paths', 'silent-hop', 'black-hole', 'thirty-hops'])(
    'mtr: %s',
    { retry: 2 },
    async (name) => {
      const all = scenarios(name);
      await network.load((all[0] as Scenario).description);
      const find = async ({ target, trace }: Scenario) => {
        const hubs = await mtr(network.under, target, 2);
        const { hops, end } = trace as NonNullable<Scenario['trace']>;
        const found = hubs.map((host) => ({ addresses: host === '???' ? [] : [host], marks: [], extensions: [] }));
        // It cuts the silence at the end short.
        expect(found.length).toBeGreaterThanOrEqual(hops.length);
        checkHops(found.slice(0, hops.length), hops);
        if (end === 'reached') expect(hubs.length).toBe(hops.length);
      };
      await Promise.all(all.map(find));
    },
  );

  it('answers come at their time, at ten thousand packets a second', async () => {
    await network.load(readNetwork('sweep'));
    // So many in flight at once, as fast as they are answered.
    const args = ['ping', '-n', '-q', '-f', '-l', '100', '-c', '20000', '198.18.0.1'];
    const { stdout } = await runUnder(network.under, args);
    const [, received, ms] = /(\d+) received, .* time (\d+)ms/.exec(stdout) ?? [];
    expect(Number(received)).toBe(20_000);
    expect(20_000 / Number(ms)).toBeGreaterThan(2);
  });
});

describe.skipIf(obstacle !== undefined).each(CHAINS)(title('a chain of routers: $name'), (options) => {
  let chain: RouterChain;
  beforeAll(() => {
    chain = createRouterChain(options);
  });
  afterAll(() => chain.remove());

  it.each(FAMILIES)('traceroute, over %s', async (family) => {
    const { end = 'reached', refuse, said } = options;
    const hops = answeringHops(chain, options, family);
    // One probe to a hop, after the other, where the kernel counts how often it says no.
    const pace = refuse === undefined ? [] : ['-N', '1', '-q', '1'];
    for (const protocol of [[], ['-I'], ['-T']]) {
      const found = await traceroute(chain.client.under, chain.server[family], ...protocol, ...pace);
      checkTrace(found, { hops, end });
      if (said !== undefined) expect(found.at(-1)?.marks).toEqual([said[family].mark]);
    }
  });

  it('ping, fping and mtr', async () => {
    await Promise.all(FAMILIES.map(find));
  });

  async function find(family: (typeof FAMILIES)[number]): Promise<void> {
    const reaches = options.end === undefined;
    const target = chain.server[family];
    const found = await ping(chain.client.under, target, 5, 20, ...(reaches ? [] : ['-w', '1']));
    if (reaches) {
      expect(found).toMatchObject({ transmitted: 5, received: 5, duplicates: 0, errors: 0 });
      expect(await fping(chain.client.under, target, 5)).toBe(5);
      const hubs = await mtr(chain.client.under, target, 1);
      checkHops(
        hubs.map((host) => ({ addresses: host === '???' ? [] : [host], marks: [], extensions: [] })),
        chain.hops(family).map((addresses) => ({ addresses })),
      );
    } else {
      expect(found.received).toBe(0);
      const router = options.refuse === undefined ? [] : chain.hops(family)[options.refuse.at - 1];
      expect(found.reporters).toEqual(router);
    }
  }

  if (options.mtu !== undefined) it('the path is as narrow as it was made', () => narrow(options.mtu?.bytes ?? 0));
  if (options.parallel !== undefined) it.each(FAMILIES)('flows take both ways, over %s', takeBoth);

  async function narrow(bytes: number): Promise<void> {
    const found = async (size: number) =>
      (await ping(chain.client.under, chain.server.ipv4, 1, 20, '-M', 'do', '-s', `${size - 28}`)).received;
    expect([await found(bytes), await found(bytes + 1)]).toEqual([1, 0]);
  }

  async function takeBoth(family: (typeof FAMILIES)[number]): Promise<void> {
    // Each probe of UDP has a port of its own, and so its flow.
    const found = await traceroute(chain.client.under, chain.server[family], '-q', '10');
    const place = (options.parallel ?? 1) - 1;
    expect([...(found[place]?.addresses ?? [])].sort()).toEqual(chain.hops(family)[place]);
  }
});

function checkTrace(
  found: readonly PeerHop[],
  { hops, end }: { hops: readonly { readonly addresses: readonly string[] }[]; end: string },
): void {
  // Silence is looked into to the last TTL.
  if (end !== 'silent') expect(found.length).toBe(hops.length);
  expect(found.slice(hops.length).flatMap(({ addresses }) => addresses)).toEqual([]);
  checkHops(found.slice(0, hops.length), hops);
  if (end === 'unreachable') expect(found.at(-1)?.marks).not.toEqual([]);
}

function checkHops(found: readonly PeerHop[], hops: readonly { readonly addresses: readonly string[] }[]): void {
  for (const [i, { addresses }] of hops.entries()) {
    const from = found[i]?.addresses ?? [];
    expect(from.length > 0, `hop ${i + 1} answers`).toBe(addresses.length > 0);
    for (const address of from) expect(addresses, `hop ${i + 1}`).toContain(address);
  }
}
