/** Ping and trace in chains of routers, each a kernel of its own: what they find is what was built. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PingError, PingSummary } from '../../src/raw/ping/records.js';
import type { AnsweredProbe, TraceHop, TraceSummary } from '../../src/raw/trace/records.js';
import { answeringHops, CHAINS } from '../hosts/chains.js';
import { namespaceObstacle } from '../hosts/machine.js';
import { ProbingProcess } from '../hosts/probers.js';
import { createRouterChain, type RouterChain } from '../hosts/router-chain.js';
import { TIMEOUT_MS } from './probing.contract.js';

const obstacle = namespaceObstacle();
const title = (what: string) => (obstacle === undefined ? what : `${what} (skipped: ${obstacle})`);

const FAMILIES = ['ipv4', 'ipv6'] as const;
const USERS = [
  { user: 'root', socket: 'raw', protocols: ['icmp', 'udp', 'tcp'] },
  { user: 'nobody', socket: 'dgram', protocols: ['icmp', 'udp'] },
] as const;

const cases = CHAINS.flatMap((chain) => USERS.map((user) => ({ ...chain, ...user })));

describe.skipIf(obstacle !== undefined).each(cases)(
  title('$name, as $user'),
  ({ user, socket, protocols, ...options }) => {
    let chain: RouterChain;
    let probing: ProbingProcess;
    beforeAll(() => {
      chain = createRouterChain(options);
      probing = new ProbingProcess(chain.client.under, 'native', user);
    });
    afterAll(async () => {
      await probing?.end();
      chain?.remove();
    });

    const traced = protocols.flatMap((protocol) => FAMILIES.map((family) => ({ protocol, family })));
    it.each(traced)('trace with $protocol over $family', async ({ protocol, family }) => {
      const { end = 'reached', refuse, said } = options;
      const wanted = answeringHops(chain, options, family);
      const records = await probing.trace(chain.server[family], {
        protocol,
        queries: 1,
        timeoutMs: TIMEOUT_MS,
        maxHops: options.hops + 2,
        // One hop after the other where the kernel counts how often it says no.
        ...(refuse === undefined ? {} : { window: 1 }),
      });
      const hops = records.filter((record): record is TraceHop => record.type === 'trace.hop');
      const { endReason, socket: through } = records.at(-1) as TraceSummary;
      expect({ endReason, through }).toEqual({ endReason: end === 'silent' ? 'max-hops' : end, through: socket });
      expect(hops.length).toBe(end === 'silent' ? options.hops + 2 : wanted.length);
      for (const [i, hop] of hops.entries()) {
        const { addresses } = wanted[i] ?? { addresses: [] };
        expect(answersOf(hop).length > 0, `hop ${i + 1} answers`).toBe(addresses.length > 0);
        for (const { address } of answersOf(hop)) expect(addresses, `hop ${i + 1}`).toContain(address);
      }
      if (said !== undefined) {
        const last = hops.at(-1) as TraceHop;
        expect(answersOf(last)[0]?.icmpCode).toBe(said[family].code);
        expect(last.unreachable).toBe(said[family].mark);
      }
    });

    it.each(FAMILIES)('ping over %s', async (family) => {
      const reaches = options.end === undefined;
      const count = reaches ? 10 : 1;
      const records = await probing.ping(chain.server[family], { count, intervalMs: 5, timeoutMs: TIMEOUT_MS });
      const errors = records.filter((record): record is PingError => record.type === 'ping.error');
      const summary = records.at(-1) as PingSummary;
      const refused = options.refuse === undefined ? 0 : count;
      expect(summary).toMatchObject({
        socket,
        transmitted: count,
        received: reaches ? count : 0,
        errors: refused,
        lost: reaches ? 0 : count - refused,
        duplicates: 0,
      });
      if (options.refuse === undefined) return;
      expect(errors.map(({ address, icmpCode }) => [address, icmpCode])).toEqual([
        [chain.hops(family)[options.refuse.at - 1]?.[0], options.said?.[family].code],
      ]);
    });

    if (options.name === 'five hops') {
      it.each(traced)('probes of 3,000 bytes with $protocol over $family', async ({ protocol, family }) => {
        const asked = { protocol, queries: 1, timeoutMs: TIMEOUT_MS, packetSize: 3000 } as const;
        const records = await probing.trace(chain.server[family], asked);
        const hops = records.filter((record): record is TraceHop => record.type === 'trace.hop');
        expect(hops.map((hop) => answersOf(hop)[0]?.address)).toEqual(chain.hops(family).flat());
        const [refused] = await probing.trace(chain.server[family], { ...asked, dontFragment: true });
        const message = `sendmmsg ${chain.server[family]} (3000 bytes, the way there takes 1500): message too long (EMSGSIZE)`;
        expect((refused as TraceHop).probes).toMatchObject([{ reason: 'refused', message }]);
      });
    }
    if (options.mtu !== undefined) it.each(FAMILIES)('the path MTU over %s', findMtu);
    if (options.mtu !== undefined) it.each(traced)('who says that $protocol over $family is too large', tellTooLarge);
    if (options.parallel !== undefined) it.each(FAMILIES)('flows show both paths over %s', showBoth);

    async function findMtu(family: (typeof FAMILIES)[number]): Promise<void> {
      const records = await probing.ping(chain.server[family], { pmtuSearch: true, timeoutMs: TIMEOUT_MS });
      expect((records.at(-1) as PingSummary).pathMtu).toMatchObject({ mtu: options.mtu?.bytes, unreachable: false });
    }

    async function tellTooLarge({ protocol, family }: (typeof traced)[number]): Promise<void> {
      const { behind, bytes } = options.mtu as NonNullable<typeof options.mtu>;
      const asked = { protocol, queries: 1, timeoutMs: TIMEOUT_MS, packetSize: bytes + 1, dontFragment: true } as const;
      const records = await probing.trace(chain.server[family], asked);
      const hops = records.filter((record): record is TraceHop => record.type === 'trace.hop');
      expect(hops.at(-1)).toMatchObject({ ttl: behind + 1, unreachable: `!F-${bytes}` });
      expect(hops.at(-1)?.probes[0]?.address).toBe(chain.hops(family)[behind - 1]?.[0]);
      expect(records.at(-1)).toMatchObject({ endReason: 'unreachable', reached: false });
    }

    async function showBoth(family: (typeof FAMILIES)[number]): Promise<void> {
      const records = await probing.trace(chain.server[family], {
        protocol: 'udp',
        flows: 16,
        timeoutMs: TIMEOUT_MS,
        adaptive: false,
      });
      const hops = records.filter((record): record is TraceHop => record.type === 'trace.hop');
      const place = (options.parallel ?? 1) - 1;
      const seen = new Set(answersOf(hops[place] as TraceHop).map(({ address }) => address));
      expect([...seen].sort()).toEqual(chain.hops(family)[place]);
    }
  },
);

function answersOf(hop: TraceHop): AnsweredProbe[] {
  return hop.probes.filter((probe): probe is AnsweredProbe => probe.address !== null);
}
