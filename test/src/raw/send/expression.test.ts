/** What expressions give: bytes, fields, products, and errors that say where. */
import { describe, expect, it } from 'vitest';
import { describeLayers, PacketExpressionError, parsePacket } from '../../../../src/raw/send/expression.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';
import { FIELDS } from '../../../../src/wire/fields.js';
import { build, buildAll, DEFAULTS, EXPRESSIONS, hexOf, layersOf, OPTIONS, read } from './building.js';

describe('the bytes of a packet', () => {
  // Written out by hand, from the headers of the RFCs.
  it.each([
    [
      'ip(src=192.0.2.1,dst=127.0.0.1,ttl=9,id=0x1234)/icmp(type=echo,id=7,seq=1)/"hello"',
      '45000021 1234 0000 0901 5ea6 c0000201 7f000001  0800 b425 0007 0001 68656c6c6f',
    ],
    ['eth(dst=02:00:00:00:00:02,src=02:00:00:00:00:01,type=0x88b5)/hex(00 ff)', '020000000002 020000000001 88b5 00ff'],
    [
      'eth(src=02:00:00:00:00:01)/arp(target=10.0.0.1,sender=10.0.0.2)',
      'ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a000002 000000000000 0a000001',
    ],
    [
      'ip6(src=2001:db8::1,dst=2001:db8::2,fl=0x12345,tc=0xb8,hlim=3,nh=253)/"x"',
      '6b812345 0001 fd 03 20010db8000000000000000000000001 20010db8000000000000000000000002 78',
    ],
    [
      'ip(src=192.0.2.1,dst=192.0.2.2,id=0,proto=17)/udp(sport=1,dport=2,checksum=0,len=9)/"abc"',
      '4500001f 0000 0000 4011 f6ca c0000201 c0000202 0001 0002 0009 0000 616263',
    ],
    [
      'eth(dst=02:00:00:00:00:02,src=02:00:00:00:00:01)/vlan(id=5,prio=3,dei)/mpls(16,ttl=2)/ip(src=1.1.1.1,dst=2.2.2.2,id=0,proto=253,sum=0xdead)',
      '020000000002 020000000001 8100 7005 8847 00010102 45000014 0000 0000 40fd dead 01010101 02020202',
    ],
  ])('%s', (text, hex) => {
    expect(hexOf(build(text))).toBe(hex.replaceAll(' ', ''));
  });
});

describe('every layer', () => {
  it.each(EXPRESSIONS)('%s', (text) => {
    const { layers } = parsePacket(text, OPTIONS).at(0, DEFAULTS);
    const names = text.replace(/"[^"]*"|\([^()]*(\([^()]*(\([^()]*\)[^()]*)*\)[^()]*)*\)/g, '').split('/');
    for (const packet of buildAll(text)) {
      const { malformed } = read(packet);
      expect(malformed).toBeUndefined();
      for (const layer of packet.layers) if ('checksumValid' in layer) expect(layer.checksumValid).not.toBe(false);
    }
    expect(layers.length).toBeGreaterThanOrEqual(names.length - 1);
  });

  it('can be written and is described, but for those of captures alone', () => {
    const described = new Map(describeLayers().map((layer) => [layer.protocol, layer]));
    const missing = Object.keys(FIELDS).filter((protocol) => !described.has(protocol));
    expect(missing.sort()).toEqual(['loopback', 'quic', 'sll', 'tcp-partial', 'tls']);
    const used = new Set(
      EXPRESSIONS.flatMap((text) => buildAll(text).flatMap(({ layers }) => layers.map((l) => l.protocol))),
    );
    for (const protocol of described.keys()) {
      if (['ipcp', 'ipv6cp', 'pap', 'chap'].includes(protocol)) continue;
      expect(used).toContain(protocol);
    }
  });

  it('has all the fields of its records, but for what is worked out of others', () => {
    const derived = new Set(['checksumValid', 'payloadLength', 'length', 'checksum']);
    // Their messages have none: the type of the layer is that of all control protocols of PPP.
    const without = new Set(['pap options', 'chap options']);
    for (const { protocol, fields } of describeLayers()) {
      const names = new Set(fields.map(({ name }) => name));
      const missing = (FIELDS[protocol] ?? []).filter(
        (name) => !names.has(name) && !derived.has(name) && !without.has(`${protocol} ${name}`),
      );
      expect({ protocol, missing }).toEqual({ protocol, missing: [] });
    }
  });

  it('has no name twice', () => {
    const names = describeLayers().flatMap((layer) => layer.names.map((name) => name.toLowerCase()));
    expect(names.length).toBe(new Set(names).size);
    for (const { protocol, fields } of describeLayers()) {
      const all = fields.flatMap(({ name, aliases }) => [name, ...aliases].map((one) => one.toLowerCase()));
      expect({ protocol, twice: all.filter((name, i) => all.indexOf(name) !== i) }).toEqual({ protocol, twice: [] });
    }
  });
});

describe('products', () => {
  const ttls = (text: string) => buildAll(text).map((packet) => (layersOf(packet)[0] as { ttl: number }).ttl);

  it('are in order, the last written fastest', () => {
    const found = buildAll('ip(dst=10.0.0.1..10.0.0.2,ttl=[1,9])/udp(dport=80..81)').map((packet) => {
      const [ip, udp] = layersOf(packet) as unknown as [
        { destination: string; ttl: number },
        { destinationPort: number },
      ];
      return `${ip.destination} ${ip.ttl} ${udp.destinationPort}`;
    });
    const wanted = ['10.0.0.1', '10.0.0.2'].flatMap((to) =>
      [1, 9].flatMap((ttl) => [80, 81].map((port) => `${to} ${ttl} ${port}`)),
    );
    expect(found).toEqual(wanted);
  });

  it('are ranges with steps, downwards too, in lists, and prefixes', () => {
    expect(ttls('ip(dst=10.0.0.1,ttl=1..10:4)/icmp')).toEqual([1, 5, 9]);
    expect(ttls('ip(dst=10.0.0.1,ttl=3..1)/icmp')).toEqual([3, 2, 1]);
    expect(ttls('ip(dst=10.0.0.1,ttl=[7,1..2,5])/icmp')).toEqual([7, 1, 2, 5]);
    const hosts = buildAll('ip(dst=10.0.0.6/30)/icmp').map(({ destination }) => String(destination));
    expect(hosts).toEqual(['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.7']);
  });

  it('reach into values that have parts', () => {
    const mss = buildAll('ip(dst=10.0.0.1)/tcp(dport=80,options=(mss=[536,1460],nop))').map(
      (packet) => (layersOf(packet)[1] as unknown as { options: { value?: number }[] }).options[0]?.value,
    );
    expect(mss).toEqual([536, 1460]);
    expect(buildAll('ip(dst=10.0.0.1)/udp(dport=9)/zero(0..20:10)').map(({ bytes }) => bytes.length)).toEqual([
      28, 38, 48,
    ]);
  });

  it('are asked for by index, however many there are', () => {
    const large = parsePacket('ip6(dst=2001:db8::/64)/udp(dport=0..65535)', OPTIONS);
    expect(large.count).toBe(Number.MAX_SAFE_INTEGER);
    const index = 65_536 * 3 + 7;
    const { layers } = large.at(index, DEFAULTS);
    expect(layers).toMatchObject([{ destination: '2001:db8::3' }, { destinationPort: 7 }]);
    const last = large.at(Number.MAX_SAFE_INTEGER - 1, DEFAULTS);
    expect(last.layers).toMatchObject([{ destination: '2001:db8::1f:ffff:ffff' }, { destinationPort: 65_534 }]);
    const [first, second] = large.packets(DEFAULTS);
    expect(first?.layers).toMatchObject([{ destination: '2001:db8::' }, { destinationPort: 0 }]);
    expect(second?.layers).toMatchObject([{ destination: '2001:db8::' }, { destinationPort: 1 }]);
    const all = parsePacket('ip(dst=0.0.0.0/0)/icmp(seq=0..65535)', OPTIONS);
    expect(all.count).toBe(2 ** 48);
    expect(String(all.at(2 ** 48 - 1, DEFAULTS).destination)).toBe('255.255.255.255');
  });

  it('begin again behind the last', () => {
    const two = parsePacket('ip(dst=10.0.0.1,ttl=[1,2])/icmp', OPTIONS);
    expect([0, 1, 2, 3].map((index) => two.at(index, DEFAULTS).layers[0])).toMatchObject([
      { ttl: 1 },
      { ttl: 2 },
      { ttl: 1 },
      { ttl: 2 },
    ]);
  });
});

describe('random values', () => {
  const text = 'ip(dst=10.0.0.1)/udp(sport=random(1024..2047),dport=random)/random(8)';
  const at = (index: number, seed = 1) => hexOf(parsePacket(text, { ...OPTIONS, seed }).at(index, DEFAULTS));

  it('come again from the same seed, and differ from packet to packet', () => {
    expect(at(5)).toBe(at(5));
    expect(new Set(Array.from({ length: 50 }, (_, index) => at(index))).size).toBe(50);
    expect(at(5, 2)).not.toBe(at(5));
    expect(parsePacket(text, OPTIONS).needs.random).toBe(true);
  });

  it('stay within what is asked', () => {
    const expression = parsePacket(text, OPTIONS);
    const ports = Array.from(
      { length: 4000 },
      (_, index) => (expression.at(index, DEFAULTS).layers[1] as { sourcePort: number }).sourcePort,
    );
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(1024);
    expect(Math.max(...ports)).toBeLessThanOrEqual(2047);
    // Each tenth of the range about as often.
    const tenths = Array.from(
      { length: 8 },
      (_, i) => ports.filter((port) => Math.floor((port - 1024) / 128) === i).length,
    );
    for (const count of tenths) expect(count).toBeGreaterThan(400);
  });

  it.each([
    'ip(src=random,dst=10.0.0.1)/icmp',
    'ip(src=random(10.0.0.0/8),dst=10.0.0.1)/icmp',
    'ip(src=[10.0.0.1,random],dst=10.0.0.1)/icmp',
    'ip6(src=random,dst=::1)/icmp6',
    'eth(src=random,dst=broadcast)/ip(dst=10.0.0.1)/icmp',
    'eth/arp(target=10.0.0.1,sender=random(10.0.0.0/24))',
    'eth/arp(target=10.0.0.1,hwsrc=random)',
    'ip(dst=10.0.0.1)/udp/dhcp(chaddr=random)',
    'ip(dst=10.0.0.1)/gre/ip(src=random(10.0.0.0/8),dst=10.0.0.2)/icmp',
  ])('are never the address of a sender: %s', (text) => {
    expect(() => parsePacket(text, OPTIONS)).toThrow(/the address of a sender is never random/);
  });
});

describe('what is filled in', () => {
  it('is what was asked for where it is asked for, right or wrong', () => {
    const packet = build(
      'ip(dst=10.0.0.1,checksum=0xbad,headerLength=24,totalLength=7,version=5)/udp(dport=9,len=1,sum=0xdead)/"x"',
    );
    expect(hexOf(packet)).toBe('56000007123400004011' + '0bad' + 'c00002c80a000001' + '9c4000090001dead78');
    const six = build('ip6(dst=::1,plen=3,version=7)/icmp6(sum=1)');
    expect(hexOf(six)).toMatch(/^7000000000033a40.*80000001(00){4}$/);
  });

  it('is computed where auto says so', () => {
    expect(hexOf(build('ip(dst=10.0.0.1,sum=auto)/udp(dport=9,len=auto)'))).toBe(
      hexOf(build('ip(dst=10.0.0.1)/udp(dport=9)')),
    );
    expect(layersOf(build('ip(dst=10.0.0.1)/gre(checksum=auto)/ip(dst=10.0.0.2)/icmp'))[1]).toMatchObject({
      checksumValid: true,
    });
  });

  it('is what the machine has', () => {
    const expression = parsePacket('eth/ip(dst=10.0.0.9)/icmp', OPTIONS);
    expect(expression.needs).toEqual({ source: true, sourceHardware: true, destinationHardware: true, random: false });
    const asked: string[] = [];
    expression.at(0, {
      ...DEFAULTS,
      sourceFor: (to) => {
        asked.push(String(to));
        return parseIP('10.0.0.1');
      },
    });
    expect(asked).toEqual(['10.0.0.9']);
    const { needs } = parsePacket('ip(src=10.0.0.1,dst=10.0.0.2)/icmp', OPTIONS);
    expect(needs).toEqual({ source: false, sourceHardware: false, destinationHardware: false, random: false });
    expect(parsePacket('eth/ip(dst=224.0.0.1)/icmp', OPTIONS).needs.destinationHardware).toBe(false);
  });

  it('is asked for where nobody knows it', () => {
    const nobody = {
      ...DEFAULTS,
      sourceFor: () => undefined,
      sourceHardware: () => undefined,
      destinationHardware: () => undefined,
    };
    const at = (text: string) => () => parsePacket(text, OPTIONS).at(0, nobody);
    expect(at('ip(dst=10.0.0.1)/icmp')).toThrow(/from which address this machine sends to 10.0.0.1/);
    expect(at('eth/arp(target=10.0.0.1)')).toThrow(/which hardware address it is from/);
    expect(at('eth(src=02:00:00:00:00:01)/ip(src=1.1.1.1,dst=10.0.0.1)/icmp')).toThrow(/next hop is not known/);
  });

  it('keeps the zone of a destination, and leaves it out of the packet', () => {
    const packet = build('ip6(src=fe80::1%eth0,dst=fe80::2%eth0)/icmp6');
    expect(String(packet.destination)).toBe('fe80::2%eth0');
    expect(layersOf(packet)[1]).toMatchObject({ checksumValid: true });
  });

  it('takes files and names of hosts from the caller', () => {
    const file = (path: string) => new TextEncoder().encode(path);
    const host = (name: string) => (name === 'example.com' ? parseIP('192.0.2.80') : undefined);
    const packet = build('ip(dst=example.com)/udp(dport=9)/file("a b")', { file, host });
    expect(String(packet.destination)).toBe('192.0.2.80');
    expect(Buffer.from(packet.bytes.subarray(28)).toString()).toBe('a b');
    expect(() => build('ip(dst=example.org)/icmp', { host })).toThrow(/no address is known for the name example.org/);
  });
});

describe('errors', () => {
  it.each<[string, string, RegExp, RegExp?]>([
    ['', '', /expected a layer/],
    ['ip(dst=10.0.0.1', '', /expected ',' or '\)'/],
    ['ip(dst=10.0.0.1)/', '', /expected a layer/],
    ['ip(dst=10.0.0.1)icmp', 'i', /expected '\/'/],
    ['icmp()', 'icmp', /can't be sent: a packet begins with eth, ip or ip6/, /ip\(dst=/],
    ['icmp6()', 'icmp6', /can't be sent/, /ip6\(dst=/],
    ['arp(target=10.0.0.1)', 'arp', /can't be sent/, /eth\(/],
    ['"hello"', '"hello"', /bytes alone can't be sent/],
    ['ip(dst=10.0.0.1)/icpm', 'icpm', /no layer is called icpm/, /did you mean icmp\?/],
    ['ip(dst=10.0.0.1,tll=3)/icmp', 'tll', /ip has no field tll/, /did you mean ttl\?/],
    ['ip(dst=10.0.0.1,ttl=300)/icmp', '300', /300 is outside of 0 to 255/],
    ['ip(dst=10.0.0.1,ttl=1..300)/icmp', '1..300', /300 is outside/],
    ['ip(dst=10.0.0.1,ttl=x)/icmp', 'x', /expected a number from 0 to 255/],
    ['ip(dst=10.0.0.1,ttl=1..9:0)/icmp', '1..9:0', /the step/],
    ['ip(dst=10.0.0.1,ttl=1,ttl=2)/icmp', 'ttl=2', /given twice/],
    ['ip(dst=10.0.0.1,ttl)/icmp', 'ttl', /ttl has no value/],
    ['ip(dst=10.0.0.1,frag=7)/icmp', '7', /no multiple of 8/],
    ['ip(dst=10.0.0.300)/icmp', '300', /part 4 is above 255/],
    ['ip(dst=::1)/icmp', '::1', /this is IPv6: its layer is ip6\(\)/],
    ['ip6(dst=10.0.0.1)/icmp6', '10.0.0.1', /this is IPv4/],
    ['ip(dst=10.0.0.9..10.0.0.1)/icmp', '10.0.0.9..10.0.0.1', /ends below its beginning/],
    ['ip(dst=random)/icmp', 'random', /random only within a prefix/],
    ['ip(ttl=1)/icmp', 'ip', /where it goes is not said/],
    ['ip(dst=10.0.0.1)/"x"', 'ip', /a payload, which tells no protocol/, /protocol=253/],
    ['ip(dst=10.0.0.1)/udp/"x"', 'udp', /the port that it goes to is not said/],
    ['ip6(dst=::1)/icmp', 'ip6', /icmp is carried by IPv4/, /icmp6\(\)/],
    ['eth(dst=broadcast)/stp', 'eth', /carries stp, which tells no etherType/],
    ['ip(dst=10.0.0.1)/icmp(type=echo,gateway=10.0.0.1)', 'icmp', /icmp of type 8 has no gateway/],
    ['ip(dst=10.0.0.1)/tcp(dport=80,flags=XYZ)', 'XYZ', /flags of TCP/],
    ['ip(dst=10.0.0.1)/tcp(dport=80,options=(mms=3))', 'mms', /no option of TCP is called mms/, /did you mean mss/],
    ['ip(dst=10.0.0.1)/tcp(dport=80,options=(md5=00))', '00', /these are 1 bytes, and 16 are expected/],
    [
      'ip(dst=10.0.0.1)/tcp(dport=80,options=(timestamps,timestamps,timestamps,timestamps,timestamps))',
      'tcp',
      /at most 40 fit/,
    ],
    ['ip(dst=10.0.0.1)/udp(dport=9)/zero(65536)', '65536', /outside of 0 to 65535/],
    ['ip(dst=10.0.0.1)/udp(dport=9)/zero(65508)', 'ip', /a packet of 65536 bytes/],
    ['ip(dst=10.0.0.1)/udp(dport=9)/hex(0)', '0', /an odd number of hex digits/],
    ['ip(dst=10.0.0.1)/udp(dport=9)/hex(0g)', 'g', /not a hex digit/],
    ['ip(dst=10.0.0.1)/udp(dport=9)/"\\q"', '\\q', /unknown escape/],
    ['ip(dst=10.0.0.1)/udp(dport=9)/"open', '"open', /without its closing "/],
    ['ip/igmp(version=3,maxResponseTime=131)', 'igmp', /can't be said on the wire/, /the next one is 132|is \d+/],
    [`${'('.repeat(99)}`, '(', /expected a layer/],
    [`ip(dst=${'['.repeat(99)}`, '[', /nested deeper than 16/],
  ])('%s', (text, at, message, advice = /./) => {
    let caught: unknown;
    try {
      parsePacket(text, OPTIONS);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(PacketExpressionError);
    const error = caught as PacketExpressionError;
    expect(error.message).toMatch(message);
    expect(error.advice).toMatch(advice);
    expect(error.message).not.toMatch(/\n/);
    expect(text.slice(error.span.start, error.span.end)).toBe(at);
    expect(error.exitCode).toBe(2);
  });

  it('point at the place', () => {
    try {
      parsePacket('ip(dst=10.0.0.1,ttl=300)/icmp', OPTIONS);
    } catch (error) {
      expect((error as PacketExpressionError).detail).toEqual([
        'ip(dst=10.0.0.1,ttl=300)/icmp',
        '                    ^^^',
      ]);
    }
    expect.assertions(1);
  });
});
