/**
 * node scripts/compare-decoders.mjs [--fields] FILE|FOLDER…: what sockctl and tshark say of the same packets, field by
 * field. A field counts as compared where both give it; every difference is a line, and the exit code is 1 when there is
 * one. --fields lists what is compared.
 *
 * tshark names every occurrence of a field, those of tunnelled and quoted packets too; so do the layers here, in the
 * same order.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/cli/main.cjs', import.meta.url));

const flag = (name) => (layer) => layer.flags?.includes(name);
const number = (text) => (text === '' ? undefined : Number(text));
/** tshark's booleans are 1 and 0, or True and False. */
const boolean = (text) => text === '1' || text === 'True';
const lower = (text) => text.toLowerCase();
/** Without the colons that tshark may put between bytes. */
const bytes = (text) => text.replaceAll(':', '').toLowerCase();
/** tshark: 0 bad, 1 good, 2 and 3 not verified. */
const status = (text) => (text === '1' ? true : text === '0' ? false : null);
const hexNumber = (text) => Number(text);
const each = (list, pick) => (list ?? []).map(pick);

/** tshark's field, our layer, what of it, and how tshark's text is to be read. */
const FIELDS = [
  ['eth.src', 'ethernet', (l) => l.source, lower],
  ['eth.dst', 'ethernet', (l) => l.destination, lower],
  ['eth.type', 'ethernet', (l) => (l.etherType >= 0x600 ? l.etherType : undefined), number],
  ['eth.len', 'ethernet', (l) => (l.etherType < 0x600 ? l.etherType : undefined), number],
  // tshark has service tags under a name of their own.
  [['ieee8021ad.id', 'vlan.id'], 'vlan', (l) => l.id, number],
  [['ieee8021ad.priority', 'vlan.priority'], 'vlan', (l) => l.priority, number],
  [['ieee8021ad.dei', 'vlan.dei'], 'vlan', (l) => l.dropEligible, boolean],
  ['llc.dsap', 'llc', (l) => l.destinationSap, number],
  ['llc.ssap', 'llc', (l) => l.sourceSap, number],
  ['llc.oui', 'snap', (l) => l.organization, number],
  ['stp.version', 'stp', (l) => l.version, number],
  ['stp.type', 'stp', (l) => l.bpduType, number],
  ['stp.root.hw', 'stp', (l) => l.root?.address, lower],
  ['stp.root.cost', 'stp', (l) => l.rootPathCost, number],
  ['stp.bridge.hw', 'stp', (l) => l.bridge?.address, lower],
  ['stp.port', 'stp', (l) => l.port, number],
  ['stp.max_age', 'stp', (l) => l.maxAge, number],
  ['sll.pkttype', 'sll', (l) => l.packetType, number],
  ['sll.hatype', 'sll', (l) => l.hardwareType, number],
  ['pppoe.code', 'pppoe', (l) => l.code, number],
  ['pppoe.session_id', 'pppoe', (l) => l.sessionId, number],
  ['pppoe.payload_length', 'pppoe', (l) => l.payloadLength, number],
  ['ppp.protocol', 'ppp', (l) => l.protocolId, number],
  ['mpls.label', 'mpls', (l) => l.label, number],
  ['mpls.exp', 'mpls', (l) => l.trafficClass, number],
  ['mpls.bottom', 'mpls', (l) => l.bottomOfStack, boolean],
  ['mpls.ttl', 'mpls', (l) => l.ttl, number],
  ['arp.opcode', 'arp', (l) => l.operation, number],
  ['arp.src.hw_mac', 'arp', (l) => l.senderHardware, lower],
  ['arp.src.proto_ipv4', 'arp', (l) => l.senderProtocol],
  ['arp.dst.hw_mac', 'arp', (l) => l.targetHardware, lower],
  ['arp.dst.proto_ipv4', 'arp', (l) => l.targetProtocol],
  ['ip.src', 'ipv4', (l) => l.source],
  // tshark takes the last hop of a source route for the destination.
  [
    'ip.dst',
    'ipv4',
    (l) => (each(l.options, (o) => o.kind).some((kind) => /SourceRoute/.test(kind)) ? undefined : l.destination),
  ],
  ['ip.ttl', 'ipv4', (l) => l.ttl, number],
  ['ip.proto', 'ipv4', (l) => l.protocolNumber, number],
  ['ip.id', 'ipv4', (l) => l.identification, number],
  ['ip.flags.df', 'ipv4', (l) => l.dontFragment, boolean],
  ['ip.flags.mf', 'ipv4', (l) => l.moreFragments, boolean],
  // In units of eight bytes, as the wire has it.
  ['ip.frag_offset', 'ipv4', (l) => l.fragmentOffset / 8, number],
  ['ip.dsfield.dscp', 'ipv4', (l) => l.dscp, number],
  ['ip.dsfield.ecn', 'ipv4', (l) => l.ecn, number],
  ['ip.hdr_len', 'ipv4', (l) => l.headerLength, number],
  ['ip.len', 'ipv4', (l) => (l.totalLength === 0 ? undefined : l.totalLength), number],
  ['ip.checksum', 'ipv4', (l) => l.checksum, number],
  ['ip.checksum.status', 'ipv4', (l) => l.checksumValid, status],
  ['ipv6.src', 'ipv6', (l) => l.source],
  ['ipv6.dst', 'ipv6', (l) => l.destination],
  ['ipv6.hlim', 'ipv6', (l) => l.hopLimit, number],
  ['ipv6.nxt', 'ipv6', (l) => l.nextHeader, number],
  ['ipv6.flow', 'ipv6', (l) => l.flowLabel, number],
  ['ipv6.tclass', 'ipv6', (l) => l.trafficClass, number],
  ['ipv6.plen', 'ipv6', (l) => l.payloadLength, number],
  ['ipv6.fraghdr.offset', 'ipv6-fragment', (l) => l.fragmentOffset / 8, number],
  ['ipv6.fraghdr.more', 'ipv6-fragment', (l) => l.moreFragments, boolean],
  ['ipv6.fraghdr.ident', 'ipv6-fragment', (l) => l.identification, number],
  ['ipv6.routing.type', 'ipv6-routing', (l) => l.routingType, number],
  ['ipv6.routing.segleft', 'ipv6-routing', (l) => l.segmentsLeft, number],
  ['ipv6.routing.srh.tag', 'ipv6-routing', (l) => l.tag, hexNumber],
  ['ah.spi', 'ah', (l) => l.spi, number],
  ['ah.sequence', 'ah', (l) => l.sequence, number],
  ['esp.spi', 'esp', (l) => l.spi, number],
  ['esp.sequence', 'esp', (l) => l.sequence, number],
  ['icmp.type', 'icmp', (l) => l.icmpType, number],
  ['icmp.code', 'icmp', (l) => l.icmpCode, number],
  ['icmp.checksum', 'icmp', (l) => l.checksum, number],
  ['icmp.checksum.status', 'icmp', (l) => l.checksumValid, status],
  [
    'icmp.ident',
    'icmp',
    (l) => ([0, 8, 13, 14, 15, 16, 17, 18].includes(l.icmpType) ? l.identifier : undefined),
    number,
    'first',
  ],
  ['icmp.seq', 'icmp', (l) => ([0, 8].includes(l.icmpType) ? l.sequence : undefined), number],
  ['icmp.mtu', 'icmp', (l) => l.nextHopMtu, number],
  ['icmp.length', 'icmp', (l) => (l.quoteLength === undefined ? undefined : l.quoteLength / 4), number],
  ['icmp.redir_gw', 'icmp', (l) => l.gateway],
  ['icmp.mpls.label', 'icmp', (l) => each(l.extensions, (e) => each(e.labels, (m) => m.label)).flat(), number],
  ['icmp.mpls.ttl', 'icmp', (l) => each(l.extensions, (e) => each(e.labels, (m) => m.ttl)).flat(), number],
  ['icmpv6.type', 'icmpv6', (l) => l.icmpType, number],
  ['icmpv6.code', 'icmpv6', (l) => l.icmpCode, number],
  ['icmpv6.checksum', 'icmpv6', (l) => l.checksum, number],
  ['icmpv6.checksum.status', 'icmpv6', (l) => l.checksumValid, status],
  ['icmpv6.echo.identifier', 'icmpv6', (l) => ([128, 129].includes(l.icmpType) ? l.identifier : undefined), number],
  ['icmpv6.echo.sequence_number', 'icmpv6', (l) => ([128, 129].includes(l.icmpType) ? l.sequence : undefined), number],
  ['icmpv6.mtu', 'icmpv6', (l) => l.mtu, number],
  ['icmpv6.nd.ns.target_address', 'icmpv6', (l) => (l.icmpType === 135 ? l.target : undefined)],
  ['icmpv6.nd.na.target_address', 'icmpv6', (l) => (l.icmpType === 136 ? l.target : undefined)],
  ['icmpv6.nd.ra.cur_hop_limit', 'icmpv6', (l) => l.hopLimit, number],
  ['icmpv6.nd.ra.router_lifetime', 'icmpv6', (l) => l.routerLifetime, number],
  ['icmpv6.nd.ra.reachable_time', 'icmpv6', (l) => l.reachableTime, number],
  ['icmpv6.nd.ra.retrans_timer', 'icmpv6', (l) => l.retransmitTimer, number],
  ['icmpv6.nd.ra.flag.m', 'icmpv6', (l) => l.managed, boolean],
  ['icmpv6.nd.ra.flag.h', 'icmpv6', (l) => l.homeAgent, boolean],
  ['icmpv6.nd.ra.flag.p', 'icmpv6', (l) => l.proxy, boolean],
  ['icmpv6.nd.na.flag.s', 'icmpv6', (l) => l.solicited, boolean],
  ['icmpv6.nd.na.flag.o', 'icmpv6', (l) => l.override, boolean],
  ['icmpv6.opt.type', 'icmpv6', (l) => each(l.options, (o) => o.type), number],
  ['icmpv6.opt.linkaddr', 'icmpv6', (l) => each(l.options, (o) => o.linkLayerAddress).filter(Boolean), lower],
  ['icmpv6.opt.prefix', 'icmpv6', (l) => each(l.options, (o) => o.prefix).filter(Boolean)],
  ['icmpv6.opt.rdnss', 'icmpv6', (l) => each(l.options, (o) => o.servers ?? []).flat()],
  ['icmpv6.mldr.mar.record_type', 'icmpv6', (l) => each(l.records, (r) => r.recordType), number],
  ['icmpv6.mldr.mar.multicast_address', 'icmpv6', (l) => each(l.records, (r) => r.group)],
  ['igmp.type', 'igmp', (l) => l.igmpType, number],
  ['igmp.maddr', 'igmp', (l) => (l.igmpType === 0x22 ? each(l.records, (r) => r.group) : (l.group ?? undefined))],
  ['igmp.checksum', 'igmp', (l) => l.checksum, number],
  ['igmp.checksum.status', 'igmp', (l) => l.checksumValid, status],
  ['tcp.srcport', ['tcp', 'tcp-partial'], (l) => l.sourcePort, number],
  ['tcp.dstport', ['tcp', 'tcp-partial'], (l) => l.destinationPort, number],
  ['tcp.seq_raw', ['tcp', 'tcp-partial'], (l) => l.sequence, number],
  ['tcp.ack_raw', 'tcp', (l) => l.acknowledgment, number],
  ['tcp.hdr_len', 'tcp', (l) => l.headerLength, number],
  ['tcp.flags.syn', 'tcp', flag('SYN'), boolean],
  ['tcp.flags.ack', 'tcp', flag('ACK'), boolean],
  ['tcp.flags.fin', 'tcp', flag('FIN'), boolean],
  ['tcp.flags.reset', 'tcp', flag('RST'), boolean],
  ['tcp.flags.push', 'tcp', flag('PSH'), boolean],
  ['tcp.flags.urg', 'tcp', flag('URG'), boolean],
  ['tcp.flags.ece', 'tcp', flag('ECE'), boolean],
  ['tcp.flags.cwr', 'tcp', flag('CWR'), boolean],
  ['tcp.window_size_value', 'tcp', (l) => l.window, number],
  ['tcp.checksum', 'tcp', (l) => l.checksum, number],
  ['tcp.checksum.status', 'tcp', (l) => l.checksumValid, status],
  ['tcp.urgent_pointer', 'tcp', (l) => l.urgent, number],
  ['tcp.len', 'tcp', (l) => l.payloadLength, number],
  [
    'tcp.options.mss_val',
    'tcp',
    (l) => each(l.options, (o) => (o.kind === 'mss' ? o.value : undefined)).filter((v) => v !== undefined),
    number,
  ],
  ['tcp.options.wscale.shift', 'tcp', (l) => each(l.options, (o) => o.shift).filter((v) => v !== undefined), number],
  [
    'tcp.options.timestamp.tsval',
    'tcp',
    (l) => each(l.options, (o) => (o.kind === 'timestamps' ? o.value : undefined)).filter((v) => v !== undefined),
    number,
  ],
  [
    'tcp.options.timestamp.tsecr',
    'tcp',
    (l) => each(l.options, (o) => (o.kind === 'timestamps' ? o.echo : undefined)).filter((v) => v !== undefined),
    number,
  ],
  [
    'tcp.options.mptcp.subtype',
    'tcp',
    (l) => each(l.options, (o) => (o.kind === 'mptcp' ? o.subtype : undefined)).filter((v) => v !== undefined),
    number,
  ],
  ['udp.srcport', 'udp', (l) => l.sourcePort, number],
  ['udp.dstport', 'udp', (l) => l.destinationPort, number],
  ['udp.length', 'udp', (l) => (l.length === 0 ? undefined : l.length), number],
  ['udp.checksum', 'udp', (l) => l.checksum, number],
  ['udp.checksum.status', 'udp', (l) => l.checksumValid, status],
  ['sctp.srcport', 'sctp', (l) => l.sourcePort, number],
  ['sctp.dstport', 'sctp', (l) => l.destinationPort, number],
  ['sctp.verification_tag', 'sctp', (l) => l.verificationTag, number],
  ['sctp.chunk_type', 'sctp', (l) => each(l.chunks, (c) => c.type), number],
  ['sctp.chunk_length', 'sctp', (l) => each(l.chunks, (c) => c.length), number],
  ['sctp.data_tsn_raw', 'sctp', (l) => each(l.chunks, (c) => c.tsn).filter((v) => v !== undefined), number],
  ['gre.proto', 'gre', (l) => l.protocolType, number],
  ['gre.key', 'gre', (l) => (l.version === 0 ? l.key : undefined), number],
  ['vxlan.vni', 'vxlan', (l) => l.vni, number],
  ['geneve.vni', 'geneve', (l) => l.vni, number],
  ['ospf.version', 'ospf', (l) => l.version, number],
  ['ospf.msg', 'ospf', (l) => l.ospfType, number],
  ['ospf.srcrouter', 'ospf', (l) => l.routerId],
  ['ospf.area_id', 'ospf', (l) => l.areaId],
  ['ospf.hello.hello_interval', 'ospf', (l) => l.hello?.helloInterval, number],
  ['ospf.hello.designated_router', 'ospf', (l) => l.hello?.designatedRouter],
  ['vrrp.virt_rtr_id', 'vrrp', (l) => l.routerId, number],
  ['vrrp.prio', 'vrrp', (l) => l.priority, number],
  ['vrrp.ip_addr', 'vrrp', (l) => l.addresses],
  ['lldp.tlv.type', 'lldp', (l) => each(l.tlvs, (t) => t.type), number],
  ['lldp.time_to_live', 'lldp', (l) => each(l.tlvs, (t) => t.ttl).filter((v) => v !== undefined), number],
  [
    'lldp.tlv.system.name',
    'lldp',
    (l) => each(l.tlvs, (t) => (t.type === 5 ? t.value : undefined)).filter((v) => v !== undefined),
  ],
  ['dns.id', 'dns', (l) => l.id, number],
  ['dns.flags.response', 'dns', (l) => l.response, boolean],
  ['dns.flags.opcode', 'dns', (l) => l.opcode, number],
  ['dns.flags.authoritative', 'dns', (l) => (l.response ? l.authoritative : undefined), boolean],
  ['dns.flags.truncated', 'dns', (l) => l.truncated, boolean],
  ['dns.flags.recdesired', 'dns', (l) => l.recursionDesired, boolean],
  ['dns.flags.recavail', 'dns', (l) => (l.response ? l.recursionAvailable : undefined), boolean],
  ['dns.flags.rcode', 'dns', (l) => (l.response ? l.responseCode : undefined), number],
  ['dns.qry.name', 'dns', (l) => each(l.questions, (q) => (q.name === '.' ? '<Root>' : q.name))],
  ['dns.a', 'dns', (l) => dnsRecords(l, 'A').map((r) => r.address)],
  ['dns.aaaa', 'dns', (l) => dnsRecords(l, 'AAAA').map((r) => r.address)],
  ['dns.ns', 'dns', (l) => dnsRecords(l, 'NS').map((r) => (r.target === '.' ? '<Root>' : r.target))],
  ['dns.cname', 'dns', (l) => dnsRecords(l, 'CNAME').map((r) => r.target)],
  ['dns.ptr.domain_name', 'dns', (l) => dnsRecords(l, 'PTR').map((r) => r.target)],
  ['dns.mx.mail_exchange', 'dns', (l) => dnsRecords(l, 'MX').map((r) => r.exchange)],
  ['dns.soa.serial_number', 'dns', (l) => dnsRecords(l, 'SOA').map((r) => r.serial), number],
  ['dns.txt', 'dns', (l) => dnsRecords(l, 'TXT').flatMap((r) => r.texts)],
  ['dhcp.type', 'dhcp', (l) => l.operation, number],
  ['dhcp.id', 'dhcp', (l) => l.transactionId, number],
  ['dhcp.ip.client', 'dhcp', (l) => l.clientAddress],
  ['dhcp.ip.your', 'dhcp', (l) => l.yourAddress],
  ['dhcp.ip.relay', 'dhcp', (l) => l.relayAgent],
  ['dhcp.hw.mac_addr', 'dhcp', (l) => l.clientHardware, lower, 'first'],
  [
    'dhcp.option.dhcp',
    'dhcp',
    (l) => each(l.options, (o) => (o.code === 53 ? o.number : undefined)).filter((v) => v !== undefined),
    number,
  ],
  [
    'dhcp.option.hostname',
    'dhcp',
    (l) => each(l.options, (o) => (o.code === 12 ? o.text : undefined)).filter((v) => v !== undefined),
  ],
  ['dhcp.option.router', 'dhcp', (l) => each(l.options, (o) => (o.code === 3 ? o.addresses : [])).flat()],
  [
    'dhcp.option.ip_address_lease_time',
    'dhcp',
    (l) => each(l.options, (o) => (o.code === 51 ? o.number : undefined)).filter((v) => v !== undefined),
    number,
  ],
  ['dhcpv6.msgtype', 'dhcpv6', (l) => l.messageType, number, 'first'],
  ['dhcpv6.xid', 'dhcpv6', (l) => l.transactionId, number, 'first'],
  ['dhcpv6.option.type', 'dhcpv6', (l) => dhcpv6Codes(l.options), number],
  ['ntp.flags.vn', 'ntp', (l) => l.version, number],
  ['ntp.flags.mode', 'ntp', (l) => l.mode, number],
  ['ntp.stratum', 'ntp', (l) => l.stratum, number],
  ['ntp.ppoll', 'ntp', (l) => l.poll, number],
  // tshark tells what is encrypted in TLS 1.3 by another name.
  [['tls.record.content_type', 'tls.record.opaque_type'], 'tls', (l) => each(l.records, (r) => r.contentType), number],
  ['tls.record.length', 'tls', (l) => each(l.records, (r) => r.length), number],
  ['tls.handshake.extensions_server_name', 'tls', (l) => l.clientHello?.serverName],
  ['tls.handshake.extensions_alpn_str', 'tls', (l) => (l.clientHello ?? l.serverHello)?.alpn],
  ['tls.handshake.ciphersuite', 'tls', (l) => (l.clientHello ?? l.serverHello)?.cipherSuites, number],
  ['http.request.method', 'http', (l) => l.method],
  ['http.request.uri', 'http', (l) => l.target],
  ['http.response.code', 'http', (l) => l.statusCode, number],
  ['quic.version', 'quic', (l) => l.version, number],
  ['quic.dcid', 'quic', (l) => l.destinationConnectionId, bytes],
  ['quic.scid', 'quic', (l) => l.sourceConnectionId, bytes],
];

function dnsRecords(layer, type) {
  return [layer.answers, layer.authorities, layer.additionals]
    .flat()
    .filter((record) => record.type === type && record.data === undefined);
}

function dhcpv6Codes(options) {
  return each(options, ({ code, options: inner, message }) => [
    code,
    ...dhcpv6Codes(inner),
    ...dhcpv6Codes(message?.options),
  ]).flat();
}

/** The same decisions in both: no reassembly, no names, checksums looked at. */
const TSHARK = [
  ...[
    'tcp.desegment_tcp_streams:FALSE',
    'ip.defragment:FALSE',
    'ipv6.defragment:FALSE',
    'tcp.relative_sequence_numbers:FALSE',
  ],
  ...[
    'ip.check_checksum:TRUE',
    'tcp.check_checksum:TRUE',
    'udp.check_checksum:TRUE',
    'tcp.analyze_sequence_numbers:FALSE',
  ],
  ...[
    'dns.desegment_dns_messages:FALSE',
    'tls.desegment_ssl_records:FALSE',
    'tls.desegment_ssl_application_data:FALSE',
  ],
  ...['http.desegment_headers:FALSE', 'http.desegment_body:FALSE', 'ip.tso_support:TRUE'],
].flatMap((preference) => ['-o', preference]);
const BETWEEN_FIELDS = '\u001e';
const BETWEEN_VALUES = '\u001f';

const known = new Set(
  execFileSync('tshark', ['-G', 'fields'], { maxBuffer: 1 << 28, encoding: 'utf8' })
    .split('\n')
    .map((line) => line.split('\t')[2]),
);
const fields = FIELDS.map(([name, ...how]) => ({ names: [name].flat(), how })).filter(({ names }) =>
  names.every((name) => known.has(name) || process.stderr.write(`this tshark has no ${name}\n`) === undefined),
);
const columns = fields.flatMap(({ names }) => names);

const [first, ...rest] = process.argv.slice(2);
if (first === '--fields') {
  for (const { names, how } of fields) process.stdout.write(`${names.join(',')}\t${how[0]}\n`);
  process.exit(0);
}
const files = [first, ...rest].filter(Boolean).flatMap((path) =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.(pcap|pcapng|cap)(\.gz)?$/.test(name))
        .map((name) => join(path, name))
    : [path],
);
if (files.length === 0) {
  process.stderr.write('usage: node scripts/compare-decoders.mjs [--fields] FILE|FOLDER…\n');
  process.exit(2);
}

let compared = 0;
let packets = 0;
let different = 0;
for (const file of files) compareFile(file);
process.stdout.write(
  `${files.length} files, ${packets} packets, ${compared} values compared, ${different} differences\n`,
);
process.exit(different > 0 ? 1 : 0);

function compareFile(file) {
  const theirs = run('tshark', [
    '-n',
    '-r',
    file,
    ...TSHARK,
    '-T',
    'fields',
    '-E',
    `separator=${BETWEEN_FIELDS}`,
    '-E',
    'occurrence=a',
    '-E',
    `aggregator=${BETWEEN_VALUES}`,
    '-e',
    '_ws.malformed',
    ...columns.flatMap((name) => ['-e', name]),
  ]);
  const ours = run(process.execPath, [MAIN, 'capture', 'read', file, '--json']);
  const rows = theirs.split('\n').slice(0, -1);
  const records = ours
    .split('\n')
    .filter((line) => line.startsWith('{"type":"packet"'))
    .map((line) => JSON.parse(line));
  if (rows.length !== records.length) report(file, 0, 'packets', rows.length, records.length);
  for (let i = 0; i < Math.min(rows.length, records.length); i++)
    comparePacket(file, records[i], rows[i].split(BETWEEN_FIELDS));
}

function run(program, args) {
  const { stdout, error } = spawnSync(program, args, { maxBuffer: 1 << 30, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return stdout;
}

function comparePacket(file, record, row) {
  packets++;
  // Where tshark gives up on a packet, how far it comes is its own affair; what both have read before is compared.
  const broken = row[0] !== '' || record.malformed !== undefined;
  let column = 1;
  for (const { names, how } of fields) {
    const [layer, pick, read = (text) => text, only] = how;
    const texts = row.slice(column, column + names.length).filter((text) => text !== '');
    column += names.length;
    const layers = [layer].flat();
    let ours = record.layers
      .filter(({ protocol }) => layers.includes(protocol))
      .flatMap(pick)
      .filter((value) => value !== undefined);
    let theirs = texts.flatMap((text) => text.split(BETWEEN_VALUES)).map(read);
    if (ours.length === 0 || theirs.length === 0) continue;
    const name = names.at(-1);
    if (only === 'first') [theirs, ours] = [theirs.slice(0, 1), ours.slice(0, 1)];
    if (theirs.length !== ours.length && !broken) report(file, record.number, `${name} (count)`, theirs, ours);
    for (let i = 0; i < Math.min(theirs.length, ours.length); i++) {
      compared++;
      // A checksum that is not judged here (a part of a packet, a sum left to hardware) is no contradiction.
      if (name.endsWith('checksum.status') && (ours[i] === null || theirs[i] === null)) continue;
      if (String(theirs[i]) !== String(ours[i])) report(file, record.number, name, theirs[i], ours[i]);
    }
  }
}

function report(file, packet, what, theirs, ours) {
  different++;
  process.stdout.write(
    `${file} ${packet} ${what}: tshark ${JSON.stringify(theirs)}, sockctl ${JSON.stringify(ours)}\n`,
  );
}
