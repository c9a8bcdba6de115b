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
import { LinkType } from './link-types.js';
import { decodeLoopback } from './loopback.js';
import type { Decoder, Next, Packet } from './packet.js';
import { decodeSll, decodeSll2 } from './sll.js';
import { decodeTcp } from './tcp.js';
import { decodeUdp } from './udp.js';
import { decodeVlan } from './vlan.js';

/** A packet without a link header: the version is in its first four bits. */
function decodeRawIP(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ip', at, end, 1)) return { table: 'payload', key: 0, at, end };
  const version = packet.view.getUint8(at) >> 4;
  if (version === 4) return decodeIPv4(packet, at, end);
  if (version === 6) return decodeIPv6(packet, at, end);
  return { table: 'payload', key: 0, at, end };
}

export const DECODERS: Readonly<Record<'linkType' | 'etherType' | 'ipProtocol', ReadonlyMap<number, Decoder>>> = {
  linkType: new Map<number, Decoder>([
    [LinkType.NULL, decodeLoopback],
    [LinkType.ETHERNET, decodeEthernet],
    [LinkType.RAW, decodeRawIP],
    [LinkType.LOOP, decodeLoopback],
    [LinkType.LINUX_SLL, decodeSll],
    [LinkType.IPV4, decodeIPv4],
    [LinkType.IPV6, decodeIPv6],
    [LinkType.LINUX_SLL2, decodeSll2],
  ]),
  etherType: new Map<number, Decoder>([
    [0x0800, decodeIPv4],
    [0x0806, decodeArp],
    [0x8100, decodeVlan],
    [0x86dd, decodeIPv6],
    [0x88a8, decodeVlan],
    [0x9100, decodeVlan],
  ]),
  ipProtocol: new Map<number, Decoder>([
    [0, decodeHopByHop],
    [1, decodeIcmp],
    [2, decodeIgmp],
    [4, decodeIPv4],
    [6, decodeTcp],
    [17, decodeUdp],
    [41, decodeIPv6],
    [43, decodeRouting],
    [44, decodeFragment],
    [51, decodeAuthentication],
    [58, decodeIcmpv6],
    [60, decodeDestination],
  ]),
};
