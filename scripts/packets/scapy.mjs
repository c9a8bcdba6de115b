/** Packets as scapy reads them, beside their layers here. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Debian's python, which has python3-scapy. */
const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('decode.py', import.meta.url));
const FIRST = { ethernet: 'Ether', ipv4: 'IP', ipv6: 'IPv6' };

export const hasScapy = () => spawnSync(PYTHON, ['-c', 'import scapy']).status === 0;

/** @returns for each packet scapy's layers, `{ layer, …fields }` */
export function readByScapy(packets) {
  const input = packets.map(({ link, bytes }) => `${FIRST[link]} ${Buffer.from(bytes).toString('hex')}\n`).join('');
  const { stdout, stderr, status } = spawnSync(PYTHON, [SCRIPT], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`scapy: ${stderr}`);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const lower = (value) => String(value).toLowerCase();
const flags = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];
const bits = (list) => list.reduce((sum, flag) => sum | (1 << flags.indexOf(flag)), 0);

const ICMP = [
  ['type', (l) => l.icmpType],
  ['code', (l) => l.icmpCode],
  ['chksum', (l) => l.checksum],
];
const ICMPV6 = [
  ['type', (l) => l.icmpType],
  ['code', (l) => l.icmpCode],
  ['cksum', (l) => l.checksum],
];
const NEIGHBOR = [...ICMPV6, ['tgt', (l) => l.target]];
const OPTIONS = [
  ['nh', (l) => l.nextHeader],
  ['len', (l) => l.length / 8 - 1],
];

/** Scapy's layer, ours, and fields: scapy's name, what ours is in scapy's terms; undefined where scapy has none. */
const LAYERS = [
  [
    'Ether',
    'ethernet',
    [
      ['src', (l) => l.source],
      ['dst', (l) => l.destination],
      ['type', (l) => l.etherType],
    ],
  ],
  [
    'Dot3',
    'ethernet',
    [
      ['src', (l) => l.source],
      ['dst', (l) => l.destination],
      ['len', (l) => l.etherType],
    ],
  ],
  [
    ['Dot1Q', 'Dot1AD'],
    'vlan',
    [
      ['vlan', (l) => l.id],
      ['prio', (l) => l.priority],
      ['type', (l) => l.etherType],
    ],
  ],
  [
    'LLC',
    'llc',
    [
      ['dsap', (l) => l.destinationSap],
      ['ssap', (l) => l.sourceSap],
      ['ctrl', (l) => l.control],
    ],
  ],
  [
    'SNAP',
    'snap',
    [
      ['OUI', (l) => l.organization],
      ['code', (l) => l.protocolId],
    ],
  ],
  [
    'STP',
    'stp',
    [
      ['version', (l) => l.version],
      ['bpdutype', (l) => l.bpduType],
      ['rootmac', (l) => l.root?.address],
      ['pathcost', (l) => l.rootPathCost],
      ['bridgemac', (l) => l.bridge?.address],
      ['portid', (l) => l.port],
    ],
  ],
  [
    'ARP',
    'arp',
    [
      ['op', (l) => l.operation],
      ['hwsrc', (l) => l.senderHardware],
      ['psrc', (l) => l.senderProtocol],
      ['hwdst', (l) => l.targetHardware],
      ['pdst', (l) => l.targetProtocol],
    ],
  ],
  [
    'MPLS',
    'mpls',
    [
      ['label', (l) => l.label],
      ['cos', (l) => l.trafficClass],
      ['s', (l) => Number(l.bottomOfStack)],
      ['ttl', (l) => l.ttl],
    ],
  ],
  [
    'PPPoE',
    'pppoe',
    [
      ['code', (l) => l.code],
      ['sessionid', (l) => l.sessionId],
      ['len', (l) => l.payloadLength],
    ],
  ],
  [
    'PPPoED',
    'pppoe',
    [
      ['code', (l) => l.code],
      ['sessionid', (l) => l.sessionId],
      ['len', (l) => l.payloadLength],
    ],
  ],
  ['PPP', 'ppp', [['proto', (l) => l.protocolId]]],
  [
    ['IP', 'IPerror'],
    'ipv4',
    [
      ['src', (l) => l.source],
      ['dst', (l) => l.destination],
      ['ttl', (l) => l.ttl],
      ['proto', (l) => l.protocolNumber],
      ['id', (l) => l.identification],
      ['tos', (l) => l.dscp * 4 + l.ecn],
      ['len', (l) => l.totalLength],
      ['ihl', (l) => l.headerLength / 4],
      ['flags', (l) => Number(l.dontFragment) * 2 + Number(l.moreFragments)],
      ['frag', (l) => l.fragmentOffset / 8],
      ['chksum', (l) => l.checksum],
    ],
  ],
  [
    ['IPv6', 'IPerror6'],
    'ipv6',
    [
      ['src', (l) => l.source],
      ['dst', (l) => l.destination],
      ['hlim', (l) => l.hopLimit],
      ['nh', (l) => l.nextHeader],
      ['plen', (l) => l.payloadLength],
      ['fl', (l) => l.flowLabel],
      ['tc', (l) => l.trafficClass],
    ],
  ],
  ['IPv6ExtHdrHopByHop', 'ipv6-hop-by-hop', OPTIONS],
  ['IPv6ExtHdrDestOpt', 'ipv6-destination', OPTIONS],
  [
    'IPv6ExtHdrRouting',
    'ipv6-routing',
    [...OPTIONS, ['type', (l) => l.routingType], ['segleft', (l) => l.segmentsLeft]],
  ],
  [
    'IPv6ExtHdrSegmentRouting',
    'ipv6-routing',
    [
      ...OPTIONS,
      ['segleft', (l) => l.segmentsLeft],
      ['lastentry', (l) => l.lastEntry],
      ['addresses', (l) => l.addresses],
    ],
  ],
  [
    'IPv6ExtHdrFragment',
    'ipv6-fragment',
    [
      ['nh', (l) => l.nextHeader],
      ['id', (l) => l.identification],
    ],
  ],
  [
    'AH',
    'ah',
    [
      ['nh', (l) => l.nextHeader],
      ['spi', (l) => l.spi],
      ['seq', (l) => l.sequence],
    ],
  ],
  [
    'ESP',
    'esp',
    [
      ['spi', (l) => l.spi],
      ['seq', (l) => l.sequence],
    ],
  ],
  [
    ['ICMP', 'ICMPerror'],
    'icmp',
    [
      ...ICMP,
      ['id', (l) => (l.icmpType < 42 ? l.identifier : undefined)],
      ['seq', (l) => (l.icmpType < 42 ? l.sequence : undefined)],
      ['gw', (l) => l.gateway],
      ['nexthopmtu', (l) => l.nextHopMtu],
    ],
  ],
  [
    ['ICMPv6EchoRequest', 'ICMPv6EchoReply'],
    'icmpv6',
    [...ICMPV6, ['id', (l) => l.identifier], ['seq', (l) => l.sequence]],
  ],
  [['ICMPv6DestUnreach', 'ICMPv6TimeExceeded', 'ICMPv6ND_RS'], 'icmpv6', ICMPV6],
  ['ICMPv6PacketTooBig', 'icmpv6', [...ICMPV6, ['mtu', (l) => l.mtu]]],
  ['ICMPv6ND_RA', 'icmpv6', [...ICMPV6, ['chlim', (l) => l.hopLimit], ['routerlifetime', (l) => l.routerLifetime]]],
  [['ICMPv6ND_NS', 'ICMPv6ND_NA'], 'icmpv6', NEIGHBOR],
  ['ICMPv6ND_Redirect', 'icmpv6', [...NEIGHBOR, ['dst', (l) => l.destination]]],
  ['ICMPv6MLQuery', 'icmpv6', [...ICMPV6, ['mrd', (l) => l.maxResponseTime], ['mladdr', (l) => l.group]]],
  ['ICMPv6MLReport2', 'icmpv6', [...ICMPV6, ['records_number', (l) => l.records.length]]],
  [
    'IGMP',
    'igmp',
    [
      ['type', (l) => l.igmpType],
      ['mrcode', (l) => l.maxResponseTime],
      ['chksum', (l) => l.checksum],
      ['gaddr', (l) => l.group],
    ],
  ],
  [
    'IGMPv3',
    'igmp',
    [
      ['type', (l) => l.igmpType],
      ['chksum', (l) => l.checksum],
    ],
  ],
  [
    ['TCP', 'TCPerror'],
    'tcp',
    [
      ['sport', (l) => l.sourcePort],
      ['dport', (l) => l.destinationPort],
      ['seq', (l) => l.sequence],
      ['ack', (l) => l.acknowledgment],
      ['flags', (l) => bits(l.flags)],
      ['window', (l) => l.window],
      ['dataofs', (l) => l.headerLength / 4],
      ['chksum', (l) => l.checksum],
      ['urgptr', (l) => l.urgent],
    ],
  ],
  [
    ['UDP', 'UDPerror'],
    'udp',
    [
      ['sport', (l) => l.sourcePort],
      ['dport', (l) => l.destinationPort],
      ['len', (l) => l.length],
      ['chksum', (l) => l.checksum],
    ],
  ],
  [
    'SCTP',
    'sctp',
    [
      ['sport', (l) => l.sourcePort],
      ['dport', (l) => l.destinationPort],
      ['tag', (l) => l.verificationTag],
      ['chksum', (l) => l.checksum],
    ],
  ],
  [
    'GRE',
    'gre',
    [
      ['proto', (l) => l.protocolType],
      ['key', (l) => l.key],
      ['seqence_number', (l) => l.sequence],
      ['chksum', (l) => l.checksum],
    ],
  ],
  [
    'VXLAN',
    'vxlan',
    [
      ['vni', (l) => l.vni],
      ['flags', (l) => l.flags],
    ],
  ],
  [
    'GENEVE',
    'geneve',
    [
      ['vni', (l) => l.vni],
      ['proto', (l) => l.protocolType],
    ],
  ],
  [
    'OSPF_Hdr',
    'ospf',
    [
      ['version', (l) => l.version],
      ['type', (l) => l.ospfType],
      ['len', (l) => l.length],
      ['src', (l) => l.routerId],
      ['area', (l) => l.areaId],
      ['chksum', (l) => l.checksum],
    ],
  ],
  [
    ['VRRP', 'VRRPv3'],
    'vrrp',
    [
      ['vrid', (l) => l.routerId],
      ['priority', (l) => l.priority],
      ['chksum', (l) => l.checksum],
    ],
  ],
  [
    'DNS',
    ['dns', 'mdns'],
    [
      ['id', (l) => l.id],
      ['qr', (l) => Number(l.response)],
      ['opcode', (l) => l.opcode],
      ['aa', (l) => Number(l.authoritative)],
      ['rd', (l) => Number(l.recursionDesired)],
      ['ra', (l) => Number(l.recursionAvailable)],
      ['rcode', (l) => l.responseCode],
      ['qdcount', (l) => l.questions.length],
      ['ancount', (l) => l.answers.length],
      ['nscount', (l) => l.authorities.length],
      ['arcount', (l) => l.additionals.length + (l.extension === undefined ? 0 : 1)],
    ],
  ],
  [
    'BOOTP',
    'dhcp',
    [
      ['op', (l) => l.operation],
      ['xid', (l) => l.transactionId],
      ['yiaddr', (l) => l.yourAddress],
      ['chaddr', (l) => l.clientHardware.replaceAll(':', '').padEnd(32, '0')],
    ],
  ],
  [
    ['DHCP6_Solicit'],
    'dhcpv6',
    [
      ['msgtype', (l) => l.messageType],
      ['trid', (l) => l.transactionId],
    ],
  ],
  [
    'NTPHeader',
    'ntp',
    [
      ['leap', (l) => l.leap],
      ['version', (l) => l.version],
      ['mode', (l) => l.mode],
      ['stratum', (l) => l.stratum],
      ['poll', (l) => l.poll],
    ],
  ],
];

/** The fields of each of scapy's layers beside those of ours that stands at its place among its kind. */
export function scapyDifferences(layers, theirs) {
  const taken = new Map();
  const differences = [];
  let compared = 0;
  for (const layer of theirs) {
    const row = LAYERS.find(([names]) => [names].flat().includes(layer.layer));
    if (row === undefined) continue;
    const [, protocols, fields] = row;
    const key = String(protocols);
    const same = layers.filter(({ protocol }) => [protocols].flat().includes(protocol));
    const ours = same[taken.get(key) ?? 0];
    taken.set(key, (taken.get(key) ?? 0) + 1);
    if (ours === undefined) {
      differences.push(`scapy has a layer ${layer.layer}, sockctl none`);
      continue;
    }
    for (const [name, pick] of fields) {
      const [mine, their] = [pick(ours), layer[name]];
      if (mine === undefined || mine === null || their === undefined || their === null) continue;
      compared++;
      if (lower(mine) !== lower(their)) differences.push(`${layer.layer}.${name}: scapy ${their}, sockctl ${mine}`);
    }
  }
  return { compared, differences };
}
