/**
 * What a packet becomes: layers from the outermost in, and, where it breaks off, one fault.
 *
 * Promises: a layer is a plain object of numbers, texts, booleans and arrays of them; only `data` of a payload is a view
 * of the packet, valid as long as the packet's own bytes are. Faults are values; what was read before one is kept.
 */
import type { DhcpMessage } from './application/dhcp.js';
import type { Dhcpv6Message } from './application/dhcpv6.js';
import type { DnsMessage } from './application/dns.js';
import type { HttpMessage } from './application/http.js';
import type { NtpMessage } from './application/ntp.js';
import type { QuicMessage } from './application/quic.js';
import type { TlsMessage } from './application/tls.js';
import type { ArpMessage } from './arp.js';
import type { EspMessage } from './esp.js';
import type { EthernetMessage } from './ethernet.js';
import type { GreMessage } from './gre.js';
import type { IcmpMessage } from './icmp.js';
import type { Icmpv6Message } from './icmpv6.js';
import type { IgmpMessage } from './igmp.js';
import type { IPv4Message } from './ipv4.js';
import type { IPv6Message } from './ipv6.js';
import type { ExtensionMessage } from './ipv6-extension.js';
import type { LlcMessage, SnapMessage } from './llc.js';
import type { LldpMessage } from './lldp.js';
import type { LoopbackMessage } from './loopback.js';
import type { MplsMessage } from './mpls.js';
import type { OspfMessage } from './ospf.js';
import type { GeneveMessage, VxlanMessage } from './overlay.js';
import type { PppControlMessage, PppMessage } from './ppp.js';
import type { PppoeMessage } from './pppoe.js';
import type { SctpMessage } from './sctp.js';
import type { SllMessage } from './sll.js';
import type { StpMessage } from './stp.js';
import type { TcpMessage, TcpPartialMessage } from './tcp.js';
import type { UdpMessage } from './udp.js';
import type { VlanMessage } from './vlan.js';
import type { VrrpMessage } from './vrrp.js';

/** Where reading stopped: the layer wanted `need` bytes at `offset`, and there were `have`. */
export interface Fault {
  readonly layer: string;
  /** From the start of the packet. */
  readonly offset: number;
  readonly need: number;
  readonly have: number;
  /**
   * Which field said that there were more; absent where the fixed header itself is cut. For `version`, `need` and
   * `have` are versions of IP instead of bytes.
   */
  readonly claimedBy?: string;
}

/** What no codec reads: application data, or a protocol that is not known here. */
export interface PayloadMessage {
  readonly protocol: 'payload';
  readonly length: number;
  /** A view of the packet. */
  readonly data: Uint8Array;
}

export type Layer =
  | ArpMessage
  | DhcpMessage
  | Dhcpv6Message
  | DnsMessage
  | EspMessage
  | EthernetMessage
  | ExtensionMessage
  | GeneveMessage
  | GreMessage
  | HttpMessage
  | IcmpMessage
  | Icmpv6Message
  | IgmpMessage
  | IPv4Message
  | IPv6Message
  | LlcMessage
  | LldpMessage
  | LoopbackMessage
  | MplsMessage
  | NtpMessage
  | OspfMessage
  | PayloadMessage
  | PppControlMessage
  | PppMessage
  | PppoeMessage
  | QuicMessage
  | SctpMessage
  | SllMessage
  | SnapMessage
  | StpMessage
  | TcpMessage
  | TcpPartialMessage
  | TlsMessage
  | UdpMessage
  | VlanMessage
  | VrrpMessage
  | VxlanMessage;

export interface Dissection {
  readonly layers: readonly Layer[];
  /** The packet contradicts itself: it is shorter than its headers say. */
  readonly malformed?: Fault;
  /**
   * A header that is not all there although the packet may be sound: the capture was cut (snapshot length), an ICMP
   * error quotes only the beginning, or the rest is in another fragment.
   */
  readonly cut?: Fault;
  /** Where the payload of the outermost TCP or UDP header begins and ends in the packet's bytes; absent without one. */
  readonly payloadAt?: number;
  readonly payloadEnd?: number;
}
