/** The networks of test/networks, before anything is measured in them: what they answer is what they say. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dissect } from '../../src/wire/dissect.js';
import { encodeIcmp, IcmpType } from '../../src/wire/icmp.js';
import { encodeIPv4 } from '../../src/wire/ipv4.js';
import type { Layer } from '../../src/wire/layer.js';
import { LinkType } from '../../src/wire/link-types.js';
import { type Probe, probePacket } from '../hosts/network/probe-packet.js';
import { type Scenario, scenarios } from '../hosts/network/scenario.js';
import { NetworkModel, networkNames, readNetwork } from '../hosts/network-model.js';

function layersOf(bytes: Uint8Array): readonly Layer[] {
  const { layers, malformed } = dissect(bytes, LinkType.RAW);
  expect(malformed).toBeUndefined();
  return layers;
}

const named = <Name extends Layer['protocol']>(layers: readonly Layer[], ...names: Name[]) =>
  layers.filter((layer): layer is Extract<Layer, { protocol: Name }> => (names as string[]).includes(layer.protocol));

/** Who answers the probes with each TTL, in the order of TTLs, until the target does. */
function traced(model: NetworkModel, { target, trace }: Scenario, asked: Probe): string[][] {
  const hops: string[][] = [];
  const most = (trace?.hops.length ?? 0) + 3;
  for (let ttl = 1; ttl <= most; ttl++) {
    // Far apart, as rate limits want it.
    const answers = model.handle(probePacket(model, target, { ...asked, ttl, number: ttl }), ttl * 10_000);
    const from = answers.map(({ bytes }) => named(layersOf(bytes), 'ipv4', 'ipv6')[0]?.source ?? '');
    hops.push(from);
    // The first one: behind it stands the probe that is quoted.
    const kinds = answers.flatMap(({ bytes }) => named(layersOf(bytes), 'icmp', 'icmpv6').slice(0, 1));
    const ended = kinds.some(({ protocol, icmpType }) => icmpType !== (protocol === 'icmp' ? 11 : 3));
    if (ended || from.includes(target)) break;
  }
  return hops;
}

const PROTOCOLS = ['icmp', 'udp', 'tcp'] as const;

describe('what a file says of a trace', () => {
  const withTrace = scenarios().filter(({ trace }) => trace !== undefined);
  const cases = withTrace.flatMap((scenario) => PROTOCOLS.map((protocol) => ({ ...scenario, protocol })));
  it.each(cases)('$network: $protocol to $target', (scenario) => {
    const found = traced(new NetworkModel(scenario.description), scenario, scenario);
    const { hops, end } = scenario.trace as NonNullable<Scenario['trace']>;
    const wanted = hops.map(({ addresses }) => addresses);
    expect(found.length).toBe(end === 'silent' ? wanted.length + 3 : wanted.length);
    for (const [i, from] of found.entries()) {
      const addresses = wanted[i] ?? [];
      expect(from.length > 0, `hop ${i + 1}`).toBe(addresses.length > 0);
      for (const address of from) expect(addresses).toContain(address);
    }
  });
});

describe('what a file says of a ping', () => {
  it.each(scenarios().filter(({ ping }) => ping !== undefined))(
    '$network: to $target',
    ({ description, target, ping }) => {
      const model = new NetworkModel(description);
      const {
        count,
        received,
        duplicates = 0,
        corrupt = 0,
        corruptAt,
        errors = 0,
        reporter,
        rttMs,
      } = ping as NonNullable<Scenario['ping']>;
      const found = { received: 0, duplicates: 0, corrupt: 0, errors: 0 };
      for (let number = 1; number <= count; number++) {
        const sent = probePacket(model, target, { protocol: 'icmp', number });
        const answers = model.handle(sent, number * 1000);
        const replies = answers.filter(({ bytes }) => {
          const { icmpType } = named(layersOf(bytes), 'icmp', 'icmpv6')[0] as { icmpType: number };
          return icmpType === 0 || icmpType === 129;
        });
        found.errors += answers.length - replies.length;
        found.received += Math.min(1, replies.length);
        found.duplicates += Math.max(0, replies.length - 1);
        for (const { at, bytes } of answers) {
          if (rttMs !== undefined) expect(at - number * 1000).toBeCloseTo(rttMs, 3);
          if (replies.length === 0) expect(named(layersOf(bytes), 'ipv4', 'ipv6')[0]?.source).toBe(reporter);
          const [payload] = named(layersOf(bytes), 'payload');
          const wrong = payload?.data.findIndex((byte, i) => byte !== i) ?? -1;
          if (replies.length > 0 && wrong >= 0) {
            found.corrupt++;
            expect(wrong).toBe(corruptAt);
          }
        }
      }
      expect(found).toEqual({ received, duplicates, corrupt, errors });
    },
  );
});

describe('details', () => {
  const about = (network: string, target: string, asked: Probe) => {
    const model = new NetworkModel(readNetwork(network));
    const [answer] = model.handle(probePacket(model, target, asked), 0);
    return layersOf(answer?.bytes as Uint8Array);
  };
  const TARGETS = ['198.51.100.9', '2001:db8:100::9'] as const;

  it.each(TARGETS)('labels and interfaces come as extensions, with their length said or not: %s', (target) => {
    const extensions = [2, 3, 4].map(
      (ttl) => named(about('mpls', target, { protocol: 'udp', ttl }), 'icmp', 'icmpv6')[0],
    );
    expect(extensions.map((message) => message?.extensions)).toMatchObject([
      [{ kind: 'mpls', labels: [{ label: 24_005, trafficClass: 2, bottomOfStack: true, ttl: 1 }] }],
      [
        {
          kind: 'mpls',
          labels: [
            { label: 24_106, bottomOfStack: false },
            { label: 300, bottomOfStack: true },
          ],
        },
      ],
      [{ kind: 'interface', role: 'incoming', index: 7, name: 'ge-0/0/1', mtu: 1500 }],
    ]);
    expect(extensions.map((message) => message?.quoteLength)).toEqual([128, undefined, 128]);
  });

  it.each(TARGETS)('a NAT gives back the source that is quoted, and its checksum where it says so: %s', (target) => {
    const description = readNetwork('nat');
    const quotes = [['source'], ['source', 'checksum']].map((restores) => {
      const r2 = description.nodes.r2 as { nat: object };
      const nodes = {
        ...description.nodes,
        r2: { ...r2, nat: { ...r2.nat, restores } },
      } as unknown as typeof description.nodes;
      const model = new NetworkModel({ ...description, nodes });
      const sent = probePacket(model, target, { protocol: 'udp', ttl: 3 });
      const [answer] = model.handle(sent, 0);
      const layers = layersOf(answer?.bytes as Uint8Array);
      const [outer] = named(layers, 'icmp', 'icmpv6');
      expect(outer?.checksumValid).toBe(true);
      const [, quoted] = named(layers, 'ipv4', 'ipv6');
      const [ports] = named(layers, 'udp');
      const [own] = named(layersOf(sent), 'udp');
      expect(quoted?.source).toBe(named(layersOf(sent), 'ipv4', 'ipv6')[0]?.source);
      expect(ports?.sourcePort).toBe(own?.sourcePort);
      return ports?.checksum === own?.checksum;
    });
    expect(quotes).toEqual([false, true]);
  });

  it.each(TARGETS)('echoes pass a NAT both ways: %s', (target) => {
    const [reply] = named(about('nat', target, { protocol: 'icmp', flow: 65_000 }), 'icmp', 'icmpv6');
    expect(reply).toMatchObject({ identifier: 65_000, sequence: 1, checksumValid: true });
  });

  it.each(TARGETS)('what is too long is answered with the MTU of the next link: %s', (target) => {
    const six = target.includes(':');
    const headers = six ? 48 : 28;
    const asked = (size: number) =>
      named(about('mtu-step', target, { protocol: 'icmp', size: size - headers }), 'icmp', 'icmpv6')[0];
    const mtuOf = (message: ReturnType<typeof asked>) =>
      message?.protocol === 'icmp' ? message.nextHopMtu : message?.mtu;
    expect([1500, 1400].map((size) => mtuOf(asked(size)))).toEqual([1400, 1300]);
    expect(asked(1300)?.icmpType).toBe(six ? 129 : 0);
  });

  it.each(TARGETS)('the DSCP is gone behind the router that takes it out, the ECN bits are not: %s', (target) => {
    const quoted = [1, 2, 3, 4].map((ttl) => {
      const [, inner] = named(about('bleached', target, { protocol: 'udp', ttl, trafficClass: 0xb9 }), 'ipv4', 'ipv6');
      return inner?.protocol === 'ipv4' ? (inner.dscp << 2) | inner.ecn : inner?.trafficClass;
    });
    expect(quoted).toEqual([0xb9, 0xb9, 0x01, 0x01]);
  });

  it.each(TARGETS)('a flow keeps to its way, and flows take both: %s', (target) => {
    const model = new NetworkModel(readNetwork('two-paths'));
    for (const protocol of ['udp', 'tcp'] as const) {
      const ways = Array.from({ length: 32 }, (_, flow) =>
        [1, 2, 3].map((number) => {
          const [answer] = model.handle(probePacket(model, target, { protocol, ttl: 3, flow, number }), 0);
          return named(layersOf(answer?.bytes as Uint8Array), 'ipv4', 'ipv6')[0]?.source;
        }),
      );
      for (const way of ways) expect(new Set(way).size).toBe(1);
      expect(new Set(ways.flat()).size).toBe(2);
    }
  });

  it('packets are sent one way and the other where they are balanced one by one', () => {
    const model = new NetworkModel(readNetwork('packet-balanced'));
    const from = [1, 2, 3, 4].map(() => {
      const [answer] = model.handle(probePacket(model, TARGETS[0], { protocol: 'udp', ttl: 3 }), 0);
      return named(layersOf(answer?.bytes as Uint8Array), 'ipv4')[0]?.source;
    });
    expect(from).toEqual(['10.50.3.1', '10.50.3.2', '10.50.3.1', '10.50.3.2']);
  });

  it('errors are limited as often as the file says', () => {
    const model = new NetworkModel(readNetwork('rate-limited'));
    const times = Array.from({ length: 41 }, (_, i) => i * 100);
    const answered = times.filter(
      (now) => model.handle(probePacket(model, TARGETS[0], { protocol: 'udp', ttl: 2 }), now).length > 0,
    );
    expect(answered).toEqual([0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000]);
    expect(model.ledger.nodes.r2).toMatchObject({ errors: 9, limited: 32 });
  });

  it('TCP is answered by the port: SYN-ACK, or RST', () => {
    for (const target of TARGETS) {
      const flags = [80, 81].map(
        (destinationPort) => named(about('five-hops', target, { protocol: 'tcp', destinationPort }), 'tcp')[0],
      );
      expect(flags).toMatchObject([
        { flags: ['SYN', 'ACK'], acknowledgment: 2, checksumValid: true },
        { flags: ['RST', 'ACK'], acknowledgment: 2, checksumValid: true },
      ]);
    }
  });

  it('timestamps are those of the host', () => {
    const model = new NetworkModel(readNetwork('five-hops'), 3_600_000);
    const bytes = new Uint8Array(40);
    const request = encodeIcmp(
      { icmpType: IcmpType.timestampRequest, identifier: 7, sequence: 1, originate: 99 },
      new Uint8Array(0),
    );
    const header = { source: '10.50.0.2', destination: TARGETS[0], protocolNumber: 1 };
    bytes.set(request, encodeIPv4(header, request.length, bytes));
    const [answer] = model.handle(bytes, 1000);
    expect(named(layersOf(answer?.bytes as Uint8Array), 'icmp')[0]).toMatchObject({
      icmpType: IcmpType.timestampReply,
      originate: 99,
      receive: 3_601_005,
      transmit: 3_601_005,
    });
  });

  it('routers write themselves into a recorded route, on the way back too', () => {
    const model = new NetworkModel(readNetwork('five-hops'));
    const request = encodeIcmp({ icmpType: 8, identifier: 1, sequence: 1 }, new Uint8Array(8));
    const empty = { kind: 'recordRoute' as const, pointer: 4, addresses: Array.from({ length: 9 }, () => '0.0.0.0') };
    const bytes = new Uint8Array(60 + request.length);
    const header = { source: '10.50.0.2', destination: TARGETS[0], protocolNumber: 1, options: [empty] };
    bytes.set(request, encodeIPv4(header, request.length, bytes));
    const [answer] = model.handle(bytes, 0);
    const [reply] = named(layersOf(answer?.bytes as Uint8Array), 'ipv4');
    expect(reply?.checksumValid).toBe(true);
    const there = [1, 2, 3, 4].map((number) => `10.50.${number}.1`);
    expect(reply?.options?.[0]).toMatchObject({
      kind: 'recordRoute',
      addresses: [...there, ...there.toReversed(), '0.0.0.0'],
    });
  });

  it('a group is answered by all that hear it, from their own addresses', () => {
    for (const [group, hosts] of [
      ['224.0.0.251', ['10.50.0.11', '10.50.0.12', '10.50.0.13']],
      ['ff02::fb', ['fd50::11', 'fd50::12', 'fd50::13']],
    ] as const) {
      const model = new NetworkModel(readNetwork('repliers'));
      const answers = model.handle(probePacket(model, group, { protocol: 'icmp' }), 0);
      expect(answers.map(({ bytes }) => named(layersOf(bytes), 'ipv4', 'ipv6')[0]?.source)).toEqual(hosts);
      expect(answers.map(({ at }) => at)).toEqual([2, 3, 4]);
      // What nobody hears, such as the kernel's own solicitations, is counted on no link.
      expect(model.handle(probePacket(model, 'ff02::2', { protocol: 'icmp' }), 0)).toEqual([]);
      expect(model.ledger.unrouted).toBe(1);
      expect(model.ledger.links.map(({ carried }) => carried)).toEqual([1, 1, 1, 1, 1, 1]);
    }
  });
});

describe('all networks', () => {
  const asked = fc.record({
    network: fc.constantFrom(...networkNames()),
    protocol: fc.constantFrom(...PROTOCOLS),
    target: fc.constantFrom('198.51.100.9', '2001:db8:100::9', '10.50.2.1', 'fd50:0:1::1', '198.18.4.5', '203.0.113.1'),
    ttl: fc.integer({ min: 1, max: 64 }),
    size: fc.integer({ min: 0, max: 1400 }),
    flow: fc.nat(1000),
    trafficClass: fc.nat(255),
  });

  it('what comes out is whole, and its checksums hold', () => {
    fc.assert(
      fc.property(asked, ({ network, target, ...rest }) => {
        const model = new NetworkModel(readNetwork(network));
        for (const { bytes } of model.handle(probePacket(model, target, rest), 0)) {
          const layers = layersOf(bytes);
          for (const { checksumValid } of named(layers, 'ipv4').slice(0, 1)) expect(checksumValid).toBe(true);
          for (const { checksumValid } of named(layers, 'icmp', 'icmpv6', 'tcp').slice(0, 1))
            expect(checksumValid).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('the same packets at the same times get the same answers', () => {
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 20 }), (all) => {
        const run = () => {
          const model = new NetworkModel(readNetwork('random-loss'));
          return all.map(({ target, ...rest }, i) => model.handle(probePacket(model, target, rest), i));
        };
        expect(run()).toEqual(run());
      }),
      { numRuns: 30 },
    );
  });

  it('bytes of any kind are taken', () => {
    const first = fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x00, 0x44);
    const any = fc
      .tuple(first, fc.uint8Array({ maxLength: 120 }))
      .map(([byte, rest]) => Uint8Array.from([byte, ...rest]));
    fc.assert(
      fc.property(fc.constantFrom(...networkNames()), any, (network, bytes) => {
        new NetworkModel(readNetwork(network)).handle(bytes, 0);
      }),
      { numRuns: 300 },
    );
  });

  it('packets that are one another but for a byte or two are taken', () => {
    const turned = fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(asked, turned, ({ network, target, ...rest }, changes) => {
        const model = new NetworkModel(readNetwork(network));
        const bytes = probePacket(model, target, rest);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        model.handle(bytes, 0);
      }),
      { numRuns: 600 },
    );
  });
});
