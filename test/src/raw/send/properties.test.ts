/** Any text is read or refused with one kind of error, in bounded time; any values that a field may have come back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeLayers, PacketExpressionError, parsePacket } from '../../../../src/raw/send/expression.js';
import { DEFAULTS, EXPRESSIONS, OPTIONS, read } from './building.js';

/** Parses, and builds some packets: nothing but the error may come of it. */
function attempt(text: string): void {
  const file = () => Uint8Array.of(1, 2, 3);
  try {
    const expression = parsePacket(text, { ...OPTIONS, file });
    expect(expression.count).toBeGreaterThanOrEqual(1);
    for (const index of [0, 1, expression.count - 1, 2 ** 52]) {
      const { bytes } = expression.at(index, DEFAULTS);
      expect(bytes.length).toBeLessThanOrEqual(66_000);
    }
  } catch (error) {
    if (!(error instanceof PacketExpressionError)) throw error;
    expect(error.span.start).toBeLessThanOrEqual(error.span.end);
    expect(error.span.end).toBeLessThanOrEqual(text.length);
    expect(error.message).not.toMatch(/\n/);
    expect(error.detail.length).toBe(2);
  }
}

describe('any text', () => {
  it('is an expression or an error', () => {
    fc.assert(fc.property(fc.string({ maxLength: 60, unit: 'binary' }), attempt), { numRuns: 1000 });
  });

  it('of its own words too', () => {
    const layers = describeLayers();
    const words = layers.flatMap(({ names, fields }) => [...names, ...fields.map(({ name }) => name)]);
    const marks = [
      '(',
      ')',
      '[',
      ']',
      ',',
      '=',
      '/',
      '..',
      ':',
      '"',
      "'",
      ' ',
      'random',
      'auto',
      '10.0.0.1',
      '::1',
      '7',
      '0xff',
      '-1',
      'true',
      '%',
    ];
    const word = fc.oneof(fc.constantFrom(...marks), fc.constantFrom(...words));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (parts) => attempt(parts.join(''))),
      { numRuns: 800 },
    );
  });

  it('that was good before some characters changed', () => {
    const change = fc.tuple(
      fc.nat(),
      fc.nat(2),
      fc.constantFrom(...'()[],=/.:"\\ 0179afx%-', 'random', '99999999999', '..'),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...EXPRESSIONS),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (text, changes) => {
          let changed = text;
          for (const [place, gone, put] of changes) {
            const at = place % (changed.length + 1);
            changed = changed.slice(0, at) + put + changed.slice(at + gone);
          }
          attempt(changed);
        },
      ),
      { numRuns: 800 },
    );
  });

  it('however long', () => {
    attempt('a'.repeat(1_000_000));
    attempt(`ip(dst=10.0.0.1)/${'udp(dport=9)/'.repeat(5000)}"x"`);
    attempt(`ip(dst=[${Array.from({ length: 6000 }, (_, i) => `10.0.0.${i % 256}`).join(',')}])/icmp`);
    attempt(`ip(dst=10.0.0.1)/udp(dport=9)/${'zero(65000)/'.repeat(60)}"x"`);
    attempt(`ip(dst=10.0.0.1)/tcp(dport=[${'0..65535,'.repeat(3000)}1])`);
  });
});

/** A value for a field by what is said to be expected, as it is written and as it comes back. */
function anyValue(expects: string): fc.Arbitrary<readonly [string, unknown]> | undefined {
  const range = /^a (?:number|port) from (-?\d+) to (\d+)(?:.* in steps of (\d+))?/.exec(expects);
  if (range !== null) {
    const [min, max, step] = [Number(range[1]), Number(range[2]), Number(range[3] ?? 1)];
    return fc
      .integer({ min: Math.ceil(min / step), max: Math.floor(max / step) })
      .map((units) => [String(units * step), units * step]);
  }
  if (expects === 'true or false') return fc.boolean().map((value) => [String(value), value]);
  if (expects.startsWith('an IPv4 address')) return fc.ipV4().map((text) => [text, text]);
  if (expects.startsWith('an IPv6 address')) {
    return fc
      .array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 })
      .map((words) => words.map((word) => word.toString(16)).join(':'))
      .map((text) => [text, text]);
  }
  if (expects.startsWith('a hardware address')) {
    return fc
      .uint8Array({ minLength: 6, maxLength: 6 })
      .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'))
      .map((text) => [text, text]);
  }
  const bytes = /^(\d+) bytes in hex$/.exec(expects);
  if (bytes !== null) {
    const length = Number(bytes[1]);
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data) => Buffer.from(data).toString('hex'))
      .map((text) => [`hex(${text})`, text]);
  }
  const text = /^a text of at most (\d+) bytes$/.exec(expects);
  if (text !== null) {
    return fc
      .string({ minLength: 1, maxLength: Math.min(20, Number(text[1])), unit: fc.constantFrom(...'abcXYZ 09-_') })
      .map((value) => [`"${value}"`, value]);
  }
  return undefined;
}

/** Fields that say where others stand, what the rest is, or that are of some types alone. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  ethernet: ['etherType'],
  vlan: ['etherType'],
  llc: ['destinationSap', 'control'],
  snap: ['organization', 'protocolId'],
  stp: ['version', 'bpduType', 'version1Length', 'messageAge', 'maxAge', 'helloTime', 'forwardDelay', 'multiple'],
  arp: ['hardwareType', 'protocolType'],
  mpls: ['bottomOfStack'],
  pppoe: ['code', 'payloadLength'],
  ipv4: ['tos', 'version', 'headerLength', 'ihl', 'totalLength', 'protocolNumber', 'fragmentOffset', 'moreFragments'],
  ipv6: ['dscp', 'ecn', 'version', 'payloadLength', 'nextHeader'],
  'ipv6-fragment': ['nextHeader', 'fragmentOffset', 'moreFragments'],
  ah: ['nextHeader', 'length', 'check'],
  tcp: ['headerLength', 'dataofs', 'destinationPort', 'sourcePort'],
  udp: ['length', 'destinationPort', 'sourcePort'],
  sctp: [],
  gre: ['version', 'protocolType', 'acknowledgment'],
  vxlan: [],
  geneve: ['protocolType', 'version'],
  esp: [],
  igmp: ['igmpType', 'version', 'suppress', 'robustness', 'queryInterval', 'maxResponseTime'],
  ospf: ['version', 'ospfType', 'length', 'instanceId'],
  vrrp: ['version', 'authenticationType', 'authentication'],
  dns: ['name', 'type', 'class'],
  mdns: ['name', 'type', 'class'],
  dhcp: ['hardwareLength'],
  dhcpv6: ['messageType', 'hopCount', 'linkAddress', 'peerAddress'],
  ntp: ['mode', 'rootDelay', 'rootDispersion', 'referenceId'],
  http: ['method', 'target', 'version', 'statusCode', 'reason'],
};

/** A packet around a layer: what stands before it and behind it. */
const AROUND: Readonly<Record<string, readonly [string, string]>> = {
  ethernet: ['', '/arp(target=10.0.0.1)'],
  vlan: ['eth(dst=02:00:00:00:00:09)/', '/ip(dst=10.0.0.1)/icmp'],
  llc: ['eth(dst=02:00:00:00:00:09)/', '/stp'],
  snap: ['eth(dst=02:00:00:00:00:09)/llc/', '/ip(dst=10.0.0.1)/icmp'],
  stp: ['eth/llc/', ''],
  arp: ['eth/', ''],
  mpls: ['eth(dst=02:00:00:00:00:09)/', '/ip(dst=10.0.0.1)/icmp'],
  pppoe: ['eth(dst=02:00:00:00:00:09)/', '/ppp/ip(dst=10.0.0.1)/icmp'],
  ipv4: ['', '/udp(dport=4000)/"x"'],
  ipv6: ['', '/udp(dport=4000)/"x"'],
  'ipv6-fragment': ['ip6(dst=::1)/', '/udp(dport=4000)/"x"'],
  ah: ['ip6(dst=::1)/', '/udp(dport=4000)/"x"'],
  tcp: ['ip(dst=10.0.0.1)/', '/"x"'],
  udp: ['ip6(dst=::1)/', '/"x"'],
  sctp: ['ip(dst=10.0.0.1)/', '/"x"'],
  gre: ['ip(dst=10.0.0.1)/', '/ip(dst=10.0.0.1)/icmp'],
  vxlan: ['ip(dst=10.0.0.1)/udp/', '/eth(dst=02:00:00:00:00:09)/ip(dst=10.0.0.1)/icmp'],
  geneve: ['ip(dst=10.0.0.1)/udp/', '/ip(dst=10.0.0.1)/icmp'],
  esp: ['ip6(dst=::1)/', '/"x"'],
  igmp: ['ip(dst=10.0.0.1)/', ''],
  ospf: ['ip/', ''],
  vrrp: ['ip/', ''],
  dns: ['ip(dst=10.0.0.1)/udp(sport=4000,dport=53)/', ''],
  mdns: ['ip/udp/', ''],
  dhcp: ['ip(dst=10.0.0.1)/udp(sport=68,dport=67)/', ''],
  dhcpv6: ['ip6/udp/', ''],
  ntp: ['ip(dst=10.0.0.1)/udp/', ''],
};

describe('values of fields', () => {
  const layers = describeLayers().filter(({ protocol }) => Object.hasOwn(AROUND, protocol));
  it.each(layers.map((layer) => [layer.protocol, layer] as const))('of %s come back', (protocol, { names, fields }) => {
    const [before, behind] = AROUND[protocol] as readonly [string, string];
    const required: Record<string, string> = {
      ipv4: 'destination',
      ipv6: 'destination',
      arp: 'targetProtocol',
      sctp: 'destinationPort',
    };
    const arbitraries: Record<string, fc.Arbitrary<readonly [string, unknown]>> = {};
    for (const { name, value } of fields) {
      const arbitrary = anyValue(value);
      if (arbitrary !== undefined && LEFT_OUT[protocol]?.includes(name) !== true) arbitraries[name] = arbitrary;
    }
    const needed = required[protocol];
    const always = protocol === 'tcp' || protocol === 'udp' ? ['dport=4000'] : [];
    fc.assert(
      fc.property(fc.record(arbitraries, { requiredKeys: needed === undefined ? [] : [needed] }), (chosen) => {
        const given = Object.entries(chosen) as [string, readonly [string, unknown]][];
        const list = [...always, ...given.map(([name, [text]]) => `${name}=${text}`)].join(',');
        const text = `${before}${names[0]}(${list})${behind}`;
        const { layers: found, malformed } = read(parsePacket(text, OPTIONS).at(0, DEFAULTS));
        expect(malformed).toBeUndefined();
        const layer = found.find((one) => one.protocol === protocol) as unknown as Record<string, unknown>;
        expect(layer).toBeDefined();
        const wanted = Object.fromEntries(given.map(([name, [, value]]) => [name, value]));
        expect(layer).toMatchObject(wanted);
        if (!('checksum' in wanted) && 'checksumValid' in layer) expect(layer.checksumValid).not.toBe(false);
      }),
      { numRuns: 80 },
    );
  });
});
