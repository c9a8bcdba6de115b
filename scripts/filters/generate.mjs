/**
 * Expressions of pcap-filter(7) by its grammar, and packets that they may be about: both draw their addresses, ports and
 * tags from the same few, so that tests hold often enough.
 */

const HOSTS = ['10.0.0.1', '10.0.0.2', '192.168.1.7', '127.0.0.1', '224.0.0.1', '255.255.255.255'];
const HOSTS6 = ['::1', 'fe80::1', '2001:db8::5', 'ff02::1'];
const NETS = [
  '10',
  '10.0',
  '192.168.1',
  '10.0.0.0/8',
  '192.168.0.0/16',
  '224.0.0.0/4',
  '0.0.0.0/0',
  '10.0.0.0 mask 255.255.255.0',
];
const NETS6 = ['fe80::/10', '2001:db8::/32', '::/0', 'ff00::/8', '2001:db8::5/128'];
const MACS = ['00:11:22:33:44:55', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '02:00:00:00:00:02'];
const PORTS = [22, 53, 80, 443, 1024, 6081];
const RANGES = ['1-1024', '50-60', '80-80', '443-22', '0-65535'];
const PROTOCOLS = [
  'ip',
  'ip6',
  'arp',
  'rarp',
  'tcp',
  'udp',
  'sctp',
  'icmp',
  'icmp6',
  'igmp',
  'ah',
  'esp',
  'pim',
  'vrrp',
  'stp',
  'ipx',
  'iso',
  'isis',
  'lsp',
  'l1',
  'atalk',
  'decnet',
];
const FIELDS = ['ip', 'ip6', 'tcp', 'udp', 'icmp', 'icmp6', 'arp', 'sctp', 'igmp', 'ether', 'link'];
const TAGS = [1, 2, 100, 4095];

/** @param random a function that returns an integer from 0 up to what it is given, without that */
export function generateExpression(random, { tunnels = true } = {}) {
  const pick = (list) => list[random(list.length)];
  const maybe = (text, chance = 2) => (random(chance) === 0 ? text : '');
  const direction = () => pick(['', '', '', 'src ', 'dst ', 'src or dst ', 'src and dst ']);

  function number() {
    return pick([
      0,
      1,
      2,
      4,
      5,
      6,
      8,
      15,
      17,
      64,
      80,
      128,
      255,
      256,
      1000,
      0x45,
      0x800,
      0xffff,
      0xffffffff,
      random(1 << 16),
    ]);
  }

  function arithmetic(depth) {
    switch (random(depth > 2 ? 3 : 8)) {
      case 0:
        return String(number());
      case 1:
        return pick(['len', 'tcpflags', 'tcp-syn', 'icmp-echo']);
      case 2:
      case 3:
      case 4: {
        const index = random(4) === 0 && depth < 2 ? arithmetic(depth + 1) : String(random(24));
        return `${pick(FIELDS)}[${index}${pick(['', '', ':1', ':2', ':4'])}]`;
      }
      case 5:
        return `(${arithmetic(depth + 1)} ${pick(['+', '-', '*', '&', '|', '^', '/', '%', '<<', '>>'])} ${arithmetic(depth + 1)})`;
      case 6:
        return `- ${arithmetic(depth + 1)}`;
      default:
        return `${arithmetic(depth + 1)} ${pick(['+', '-', '*', '&', '|', '^', '%'])} ${arithmetic(depth + 1)}`;
    }
  }

  function addresses() {
    switch (random(9)) {
      case 0:
        return `${pick(['', 'ip ', 'arp '])}${direction()}host ${pick(HOSTS)}${maybe(` ${pick(['or', 'and'])} ${maybe('not ', 3)}${pick(HOSTS)}`, 3)}`;
      case 1:
        return `${pick(['', 'ip6 '])}${direction()}host ${pick(HOSTS6)}`;
      case 2:
        return `${pick(['', 'ip '])}${direction()}net ${pick(NETS)}`;
      case 3:
        return `${pick(['', 'ip6 '])}${direction()}net ${pick(NETS6)}`;
      case 4:
        return `${pick(['ether ', 'link '])}${direction()}host ${pick(MACS)}`;
      case 5:
        return `${pick(['', 'tcp ', 'udp ', 'sctp '])}${direction()}port ${pick(PORTS)}${maybe(` or ${pick(PORTS)}`, 3)}`;
      case 6:
        return `${pick(['', 'tcp ', 'udp '])}${direction()}portrange ${pick(RANGES)}`;
      case 7:
        return `${pick(['', 'ip ', 'ip6 '])}proto ${pick([1, 2, 6, 17, 44, 50, 51, 58, 132, '\\tcp', '\\udp'])}`;
      default:
        return `ether proto ${pick(['0x800', '0x806', '0x86dd', '\\ip', '\\arp', '0x42', '0x8100', '0xe0'])}`;
    }
  }

  function primitive() {
    switch (random(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return addresses();
      case 4:
      case 5:
        return pick(PROTOCOLS);
      case 6:
      case 7:
        return `${arithmetic(0)} ${pick(['=', '!=', '<', '<=', '>', '>=', '=='])} ${arithmetic(1)}`;
      case 8:
        return pick([
          'less 60',
          'greater 100',
          'less 64',
          'greater 60',
          'broadcast',
          'multicast',
          'ip multicast',
          'ip6 multicast',
          'ether multicast',
          'llc',
          'llc u',
          'llc ui',
        ]);
      case 9:
        return `vlan${maybe(` ${pick(TAGS)}`)}`;
      case 10:
        return tunnels
          ? pick([
              'mpls',
              `mpls ${pick(TAGS)}`,
              'pppoes',
              `pppoes ${pick(TAGS)}`,
              'pppoed',
              'geneve',
              `geneve ${pick(TAGS)}`,
            ])
          : pick(PROTOCOLS);
      default:
        return pick(['tcp', 'udp', 'ip', 'ip6', 'icmp']);
    }
  }

  function expression(depth) {
    const parts = 1 + random(depth === 0 ? 4 : 3);
    let text = '';
    for (let i = 0; i < parts; i++) {
      if (i > 0) text += pick([' and ', ' and ', ' or ', ' && ', ' || ']);
      if (random(5) === 0) text += pick(['not ', '! ', 'not not ']);
      text += depth < 3 && random(4) === 0 ? `(${expression(depth + 1)})` : primitive();
    }
    return text;
  }

  return expression(0);
}

const bytesOf = (address) => (address.includes(':') ? ipv6Bytes(address) : address.split('.').map(Number));

function ipv6Bytes(text) {
  const [head = '', tail] = text.split('::');
  const groups = (part) =>
    part === '' || part === undefined ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail)];
  const all = tail === undefined ? left : [...left, ...new Array(8 - left.length - right.length).fill(0), ...right];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

const u16 = (value) => [(value >> 8) & 0xff, value & 0xff];

/** A packet of a link type by its LINKTYPE_ number; cut short now and then. */
export function generatePacket(random, linkType) {
  const pick = (list) => list[random(list.length)];
  const noise = (length) => Array.from({ length }, () => (random(3) === 0 ? random(256) : random(4)));
  const mac = () =>
    pick(MACS)
      .split(':')
      .map((part) => Number.parseInt(part, 16));

  function transport() {
    const protocol = pick([1, 2, 6, 6, 17, 17, 50, 51, 58, 103, 112, 132, random(256)]);
    const ports = [...u16(pick(PORTS)), ...u16(pick(PORTS))];
    if (protocol === 17 && random(4) === 0) return [17, [...u16(pick(PORTS)), ...u16(6081), 0, 0, 0, 0, ...geneve()]];
    if (protocol === 6)
      return [6, [...ports, ...noise(8), pick([0x50, 0x60, 0x80]), random(256), ...noise(6 + random(20))]];
    return [protocol, [...(protocol === 17 || protocol === 132 ? ports : noise(4)), ...noise(4 + random(24))]];
  }

  function geneve() {
    const options = random(3);
    const tag = pick(TAGS);
    const inner = random(2) === 0 ? [0x65, 0x58, ethernet] : [0x08, 0x00, ipv4];
    return [
      options | (random(8) === 0 ? 0x40 : 0),
      0,
      inner[0],
      inner[1],
      tag >> 16,
      tag >> 8,
      tag & 0xff,
      0,
      ...noise(4 * options),
      ...(depth++ < 2 ? inner[2]() : []),
    ];
  }

  function ipv4() {
    const [protocol, payload] = transport();
    const options = random(4) === 0 ? 4 * random(4) : 0;
    const fragment = random(5) === 0 ? [random(256), random(256)] : [pick([0, 0x40]), 0];
    const header = [
      0x45 + options / 4,
      random(256),
      ...u16(20 + options + payload.length),
      0,
      1,
      ...fragment,
      pick([1, 64, 255]),
      protocol,
      0,
      0,
    ];
    return [...header, ...bytesOf(pick(HOSTS)), ...bytesOf(pick(HOSTS)), ...noise(options), ...payload];
  }

  function ipv6() {
    const [protocol, payload] = transport();
    const extension = random(4) === 0 ? [protocol, 0, 0, 0, 0, 0, 0, 0] : [];
    const next = extension.length > 0 ? pick([0, 43, 44, 60]) : protocol;
    return [
      0x60,
      0,
      0,
      0,
      ...u16(extension.length + payload.length),
      next,
      pick([1, 64, 255]),
      ...bytesOf(pick(HOSTS6)),
      ...bytesOf(pick(HOSTS6)),
      ...extension,
      ...payload,
    ];
  }

  const arp = () => [
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    pick([1, 2]),
    ...mac(),
    ...bytesOf(pick(HOSTS)),
    ...mac(),
    ...bytesOf(pick(HOSTS)),
  ];

  /** [EtherType or length, what follows] */
  function network() {
    switch (random(14)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return [0x0800, ipv4()];
      case 4:
      case 5:
      case 6:
        return [0x86dd, ipv6()];
      case 7:
        return [pick([0x0806, 0x8035]), arp()];
      case 8: {
        const [type, rest] = depth++ < 3 ? network() : [0x0800, noise(20)];
        return [pick([0x8100, 0x88a8, 0x9100]), [...u16(pick(TAGS) | (random(2) << 13)), ...u16(type), ...rest]];
      }
      case 9: {
        const labels = 1 + random(2);
        const stack = Array.from({ length: labels }, (_, i) => [
          0,
          pick(TAGS) >> 4,
          ((pick(TAGS) & 15) << 4) | (i === labels - 1 ? 1 : 0),
          64,
        ]);
        return [0x8847, [...stack.flat(), ...(random(2) === 0 ? ipv4() : ipv6())]];
      }
      case 10:
        return [
          0x8864,
          [
            0x11,
            0,
            ...u16(pick(TAGS)),
            ...u16(40),
            ...pick([
              [0x00, 0x21],
              [0x00, 0x57],
              [0xc0, 0x21],
            ]),
            ...(random(2) === 0 ? ipv4() : ipv6()),
          ],
        ];
      case 11:
        return [
          40,
          [
            ...pick([
              [0x42, 0x42, 3],
              [0xfe, 0xfe, 3, 0x83, 27, 1, 0, pick([15, 18, 20, 24])],
              [0xe0, 0xe0, 3],
              [0xff, 0xff],
              [0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b],
              [0xf0, 0xf0, random(256)],
            ]),
            ...noise(30),
          ],
        ];
      case 12:
        return [pick([0x8863, 0x6003, 0x8137, 0x809b, 0x80f3]), noise(40)];
      default:
        return [random(0x10000), noise(random(60))];
    }
  }

  function ethernet() {
    const [type, rest] = network();
    return [...mac(), ...mac(), ...u16(type), ...rest];
  }

  function wireless() {
    const [type, rest] = network();
    const quality = random(2) === 0;
    const control = pick([0x08, 0x08, 0x08, 0x80, 0xd4, 0x40]) | (quality ? 0x80 : 0);
    const direction = random(4);
    return [
      control,
      direction,
      0,
      0,
      ...mac(),
      ...mac(),
      ...mac(),
      0,
      0,
      ...(quality ? [0, 0] : []),
      0xaa,
      0xaa,
      3,
      0,
      0,
      0,
      ...u16(type),
      ...rest,
    ];
  }

  let depth = 0;
  const ip = () => (random(5) === 0 ? noise(40) : random(2) === 0 ? ipv4() : ipv6());
  const withType = (before, behind = []) => {
    const [type, rest] = network();
    return [...before, ...u16(type), ...behind, ...rest];
  };
  const made = (() => {
    switch (linkType) {
      case 1:
        return ethernet();
      case 113:
        return withType([0, random(5), 0, 1, 0, 6, ...mac(), 0, 0]);
      case 276: {
        const [type, rest] = network();
        return [...u16(type), 0, 0, 0, 0, 0, random(4), 0, 1, random(5), 6, ...mac(), 0, 0, ...rest];
      }
      case 9:
        return [
          0xff,
          3,
          ...pick([
            [0x00, 0x21],
            [0x00, 0x57],
            [0x02, 0x81],
            [0xc0, 0x21],
          ]),
          ...ip(),
        ];
      case 0:
        return [pick([2, 24, 28, 30, 7]), 0, 0, 0, ...ip()];
      case 108:
        return [0, 0, 0, pick([2, 10, 24, 28, 30, 7]), ...ip()];
      case 105:
        return wireless();
      case 127: {
        const fields = pick([0, 2, 3, 0x80000002]);
        const extra = random(8) + 12;
        return [
          0,
          0,
          8 + extra,
          0,
          fields & 0xff,
          0,
          0,
          (fields >>> 24) & 0xff,
          ...Array.from({ length: extra }, () => pick([0, 0x20])),
          ...wireless(),
        ];
      }
      default:
        return ip();
    }
  })();
  const bytes = Uint8Array.from(made);
  return random(6) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
}
