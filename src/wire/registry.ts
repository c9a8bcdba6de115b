/** Which decoder reads what: tables keyed with the wire's own numbers. A new protocol is a new file and a line here. */
import { decodeDhcp } from './application/dhcp.js';
import { decodeDhcpv6 } from './application/dhcpv6.js';
import { decodeDns, decodeDnsStream, decodeMdns } from './application/dns.js';
import { decodeHttp, looksLikeHttp } from './application/http.js';
import { decodeNtp } from './application/ntp.js';
import { decodeQuic } from './application/quic.js';
import { decodeTls, looksLikeTls } from './application/tls.js';
import { decodeArp } from './arp.js';
import { decodeEsp } from './esp.js';
import { decodeEthernet } from './ethernet.js';
import { decodeGre } from './gre.js';
import { decodeIcmp } from './icmp.js';
import { decodeIcmpv6 } from './icmpv6.js';
import { decodeIgmp } from './igmp.js';
import { decodeIPv4 } from './ipv4.js';
import { decodeIPv6 } from './ipv6.js';
import {
  decodeAuthentication,
  decodeDestination,
  decodeFragment,
  decodeHopByHop,
  decodeRouting,
} from './ipv6-extension.js';
import { DLT_RAW, DLT_RAW_OPENBSD, LinkType } from './link-types.js';
import { decodeLlc, decodeSnap, LlcSap } from './llc.js';
import { decodeLldp } from './lldp.js';
import { decodeLoopback } from './loopback.js';
import { decodeMpls } from './mpls.js';
import { EtherType, IPProtocol } from './numbers.js';
import { decodeOspf } from './ospf.js';
import { decodeGeneve, decodeVxlan } from './overlay.js';
import { type Decoder, type Next, type Packet, payload, type Table } from './packet.js';
import { decodeChap, decodeIpcp, decodeIpv6cp, decodeLcp, decodePap, decodePpp, PppProtocol } from './ppp.js';
import { decodePppoeDiscovery, decodePppoeSession } from './pppoe.js';
import { decodeSctp } from './sctp.js';
import { decodeSll, decodeSll2 } from './sll.js';
import { decodeStp } from './stp.js';
import { decodeTcp } from './tcp.js';
import { decodeUdp } from './udp.js';
import { decodeVlan } from './vlan.js';
import { decodeVrrp } from './vrrp.js';

/** A packet without a link header: the version is in its first four bits. */
function decodeRawIP(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ip', at, end, 1)) return payload(at, end);
  return packet.view.getUint8(at) >> 4 === 6 ? decodeIPv6(packet, at, end) : decodeIPv4(packet, at, end);
}

/** TCP on ports that nothing is registered for: TLS and HTTP tell themselves. */
function decodeStream(packet: Packet, at: number, end: number): Next {
  if (looksLikeTls(packet, at, end)) return decodeTls(packet, at, end);
  return looksLikeHttp(packet, at, end) ? decodeHttp(packet, at, end) : payload(at, end);
}

type Decoders = ReadonlyMap<number, Decoder>;

export const DECODERS: Readonly<Record<Exclude<Table, 'llc' | 'udpPort' | 'tcpPort'>, Decoders>> = {
  linkType: new Map<number, Decoder>([
    [LinkType.NULL, decodeLoopback],
    [LinkType.ETHERNET, decodeEthernet],
    [LinkType.PPP, decodePpp],
    // Files of other systems carry their own numbers for raw IP.
    [DLT_RAW, decodeRawIP],
    [DLT_RAW_OPENBSD, decodeRawIP],
    [LinkType.PPP_HDLC, decodePpp],
    [LinkType.PPP_ETHER, decodePppoeSession],
    [LinkType.RAW, decodeRawIP],
    [LinkType.LOOP, decodeLoopback],
    [LinkType.LINUX_SLL, decodeSll],
    [LinkType.IPV4, decodeIPv4],
    [LinkType.IPV6, decodeIPv6],
    [LinkType.SCTP, decodeSctp],
    [LinkType.LINUX_SLL2, decodeSll2],
  ]),
  etherType: new Map<number, Decoder>([
    [EtherType.ipv4, decodeIPv4],
    [EtherType.arp, decodeArp],
    [EtherType.vlan, decodeVlan],
    [EtherType.ipv6, decodeIPv6],
    [EtherType.mpls, decodeMpls],
    [EtherType.mplsMulticast, decodeMpls],
    [EtherType.pppoeDiscovery, decodePppoeDiscovery],
    [EtherType.pppoeSession, decodePppoeSession],
    [EtherType.serviceVlan, decodeVlan],
    [EtherType.lldp, decodeLldp],
    [EtherType.oldServiceVlan, decodeVlan],
  ]),
  llcSap: new Map<number, Decoder>([
    [LlcSap.ip, decodeIPv4],
    [LlcSap.stp, decodeStp],
    [LlcSap.snap, decodeSnap],
  ]),
  pppProtocol: new Map<number, Decoder>([
    [PppProtocol.ipv4, decodeIPv4],
    [PppProtocol.ipv6, decodeIPv6],
    [PppProtocol.mpls, decodeMpls],
    [PppProtocol.mplsMulticast, decodeMpls],
    [PppProtocol.ipcp, decodeIpcp],
    [PppProtocol.ipv6cp, decodeIpv6cp],
    [PppProtocol.lcp, decodeLcp],
    [PppProtocol.pap, decodePap],
    [PppProtocol.chap, decodeChap],
  ]),
  ipProtocol: new Map<number, Decoder>([
    [IPProtocol.hopByHop, decodeHopByHop],
    [IPProtocol.icmp, decodeIcmp],
    [IPProtocol.igmp, decodeIgmp],
    [IPProtocol.ipv4, decodeIPv4],
    [IPProtocol.tcp, decodeTcp],
    [IPProtocol.udp, decodeUdp],
    [IPProtocol.ipv6, decodeIPv6],
    [IPProtocol.routing, decodeRouting],
    [IPProtocol.fragment, decodeFragment],
    [IPProtocol.gre, decodeGre],
    [IPProtocol.esp, decodeEsp],
    [IPProtocol.authentication, decodeAuthentication],
    [IPProtocol.icmpv6, decodeIcmpv6],
    [IPProtocol.destinationOptions, decodeDestination],
    [IPProtocol.ospf, decodeOspf],
    [IPProtocol.vrrp, decodeVrrp],
    [IPProtocol.sctp, decodeSctp],
    [IPProtocol.mplsInIp, decodeMpls],
    [IPProtocol.ethernet, decodeEthernet],
  ]),
};

const UDP_PORTS: Decoders = new Map<number, Decoder>([
  [53, decodeDns],
  [67, decodeDhcp],
  [68, decodeDhcp],
  [123, decodeNtp],
  [443, decodeQuic],
  [546, decodeDhcpv6],
  [547, decodeDhcpv6],
  [4789, decodeVxlan],
  [5353, decodeMdns],
  [5355, decodeDns],
  [6081, decodeGeneve],
]);

const TCP_PORTS: Decoders = new Map<number, Decoder>([[53, decodeDnsStream]]);

/** The decoder for a row of a table; undefined where the bytes are payload. */
export function findDecoder(table: Table, key: number): Decoder | undefined {
  switch (table) {
    case 'llc':
      return decodeLlc;
    case 'udpPort':
      return byPort(UDP_PORTS, key);
    case 'tcpPort':
      return byPort(TCP_PORTS, key) ?? decodeStream;
    default:
      return DECODERS[table].get(key);
  }
}

/** The lower of the two ports is the service's, as a rule; the other one is asked next. */
function byPort(ports: Decoders, key: number): Decoder | undefined {
  const source = Math.floor(key / 0x1_0000);
  const destination = key % 0x1_0000;
  const first = ports.get(Math.min(source, destination));
  return first ?? ports.get(Math.max(source, destination));
}

/** Whether UDP on that port is read further. */
export function isServicePort(port: number): boolean {
  return UDP_PORTS.has(port);
}
