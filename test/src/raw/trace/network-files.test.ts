/** The networks of test/networks, in virtual time: every way to trace finds what their files say. */
import { describe, it } from 'vitest';
import { scenarios } from '../../../hosts/network/scenario.js';
import { expectFound } from './found.js';
import { traceIn } from './simulated.js';

const WAYS = [
  ['icmp', 'paris', 'raw'],
  ['icmp', 'paris', 'dgram'],
  ['udp', 'paris', 'raw'],
  ['udp', 'dublin', 'raw'],
  ['udp', 'paris', 'dgram'],
  ['tcp', 'paris', 'raw'],
] as const;

/** What tells Paris probes of UDP apart without privileges is behind the eight bytes that these quote. */
const SHORT = 'short-quotes';

describe.each(scenarios().filter(({ trace }) => trace !== undefined))('$network to $target', (scenario) => {
  const asked = { trafficClass: 0xb8, maxHops: 30, gap: 6 };

  it.each(WAYS)('%s %s through %s sockets', async (protocol, multipath, socket) => {
    const classic = scenario.network === SHORT && protocol === 'udp' && socket === 'dgram';
    const how = { ...asked, protocol, multipath: classic ? 'classic' : multipath, queries: 5 } as const;
    const { hops, summary } = await traceIn(scenario.description, scenario.target, how, { port: { socket } });
    expectFound(scenario, hops, summary, { quotes: socket === 'raw', allPaths: false });
  });

  it('with 16 flows: all paths', async () => {
    const { hops, summary } = await traceIn(scenario.description, scenario.target, {
      ...asked,
      protocol: 'udp',
      flows: 16,
    });
    expectFound(scenario, hops, summary, { quotes: true, allPaths: true });
  });
});
