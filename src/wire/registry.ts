/** Which decoder reads what: tables keyed with the wire's own numbers. A new protocol is a new file and a line here. */
import { decodeArp } from './arp.js';
import { decodeEthernet } from './ethernet.js';
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
import { decodeLoopback } from './loopback.js';
import { EtherType, IPProtocol } from './numbers.js';
import { type Decoder, type Next, type Packet, payload } from './packet.js';
import { decodeSll, decodeSll2 } from './sll.js';
import { decodeTcp } from './tcp.js';
import { decodeUdp } from './udp.js';
import { decodeVlan } from './vlan.js';

/** A packet without a link header: the version is in its first four bits. */
function decodeRawIP(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ip', at, end, 1)) return payload(at, end);
  return packet.view.getUint8(at) >> 4 === 6 ? decodeIPv6(packet, at, end) : decodeIPv4(packet, at, end);
}

export const DECODERS: Readonly<Record<'linkType' | 'etherType' | 'ipProtocol', ReadonlyMap<number, Decoder>>> = {
  linkType: new Map<number, Decoder>([
    [LinkType.NULL, decodeLoopback],
    [LinkType.ETHERNET, decodeEthernet],
    // Files of other systems carry their own numbers for raw IP.
    [DLT_RAW, decodeRawIP],
    [DLT_RAW_OPENBSD, decodeRawIP],
    [LinkType.RAW, decodeRawIP],
    [LinkType.LOOP, decodeLoopback],
    [LinkType.LINUX_SLL, decodeSll],
    [LinkType.IPV4, decodeIPv4],
    [LinkType.IPV6, decodeIPv6],
    [LinkType.LINUX_SLL2, decodeSll2],
  ]),
  etherType: new Map<number, Decoder>([
    [EtherType.ipv4, decodeIPv4],
    [EtherType.arp, decodeArp],
    [EtherType.vlan, decodeVlan],
    [EtherType.ipv6, decodeIPv6],
    [EtherType.serviceVlan, decodeVlan],
    [EtherType.oldServiceVlan, decodeVlan],
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
    [IPProtocol.authentication, decodeAuthentication],
    [IPProtocol.icmpv6, decodeIcmpv6],
    [IPProtocol.destinationOptions, decodeDestination],
  ]),
};
