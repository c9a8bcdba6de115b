/** Networks of test/networks behind a TUN device: what routers of other makers do, on real sockets. */
import { describe, expect, it } from 'vitest';
import { namespaceObstacle } from '../../../hosts/machine.js';
import { scenarios } from '../../../hosts/network/scenario.js';
import { createTunNetwork } from '../../../hosts/tun-network.js';
import { expectFound } from './found.js';
import { type Rights, traceFrom } from './real.js';

const obstacle = namespaceObstacle();
/** Whatever is only seen in what comes back; the rest is in chains.test.ts, with routers that are kernels. */
const NETWORKS = ['mpls', 'nat', 'bleached', 'short-quotes', 'hidden', 'thirty-hops', 'two-paths'] as const;

describe.skipIf(obstacle !== undefined)(
  `networks behind a TUN device${obstacle === undefined ? '' : `: ${obstacle}`}`,
  () => {
    // Its routers are a process here, which a busy machine may keep from answering in time.
    it.each(NETWORKS)('%s', { timeout: 60_000, retry: 1 }, async (name) => {
      const wanted = scenarios(name);
      const network = await createTunNetwork((wanted[0] as (typeof wanted)[number]).description);
      try {
        for (const rights of ['raw', 'unprivileged', 'portable'] as Rights[]) {
          const targets = wanted.filter(({ family }) => family === 'ipv4' || rights !== 'portable');
          // Without privileges what tells Paris probes of UDP apart is behind what some routers quote; it is not the default.
          const multipath = name === 'short-quotes' ? undefined : 'paris';
          const asked = { trafficClass: 0xb8, queries: 2, gap: 6, multipath } as const;
          const runs = targets.flatMap(({ target }) => [
            { target, asked: { ...asked, protocol: 'icmp' as const } },
            { target, asked: { ...asked, protocol: 'udp' as const } },
            ...(rights === 'raw' ? [{ target, asked: { ...asked, protocol: 'tcp' as const } }] : []),
          ]);
          const found = await traceFrom(network.under, rights, runs);
          for (const [i, { hops, summary, error }] of found.entries()) {
            const how = `${rights} ${JSON.stringify(runs[i])}`;
            expect(error, how).toBeUndefined();
            if (summary === undefined) throw new Error(how);
            const scenario = targets.find(({ target }) => target === runs[i]?.target) as (typeof targets)[number];
            expectFound(scenario, hops, summary, { quotes: rights !== 'unprivileged', allPaths: false });
          }
        }
      } finally {
        await network.remove();
      }
    });
  },
);
