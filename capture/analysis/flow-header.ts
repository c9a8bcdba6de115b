/**
 * Who talks to whom in a packet, as {@link flowOf} sees it, but read from the bytes without an object for each layer: for
 * whoever counts what a live link carries. Fragments are not put together, and what lies within MPLS and PPPoE is not
 * looked for: such packets are between the ends of their link. A test holds this against the layers.
 */
import { word } from '../../src/wire/common-packet.js';
import { ETHERNET_HEADER } from '../../src/wire/ethernet.js';
import { IPV4_HEADER } from '../../src/wire/ipv4.js';
import { IPV6_HEADER } from '../../src/wire/ipv6.js';
import { DLT_RAW, DLT_RAW_OPENBSD, LinkType } from '../../src/wire/link-types.js';
import { LlcSap } from '../../src/wire/llc.js';
import { EtherType, IPProtocol } from '../../src/wire/numbers.js';
import { SCTP_HEADER } from '../../src/wire/sctp.js';
import { SLL_HEADER, SLL2_HEADER } from '../../src/wire/sll.js';
import { TCP_HEADER } from '../../src/wire/tcp.js';
import { UDP_HEADER } from '../../src/wire/udp.js';
import { VLAN_TAG } from '../../src/wire/vlan.js';

/** Words of {@link FlowHeader.key} at most. */
export const KEY_WORDS = 10;

/** What the addresses of a key are: its first word, less the protocol in the low byte. */
export const FlowKind = { none: 0, ethernet: 0x100, ipv4: 0x200, ipv6: 0x300 } as const;

/** Below it the field is the length of an 802.3 frame. */
const FIRST_TYPE = 0x600;
/** Tags that are looked behind; nobody stacks more than three. */
const MAX_TAGS = 8;
/** An LLC header follows a cooked one (linux/if_ether.h); netlink messages have no EtherType. */
const ETH_P_802_2 = 4;
const ARPHRD_NETLINK = 824;

/** One instance is filled again for each packet. Never throws, whatever the bytes are. */
export class FlowHeader {
  /**
   * The conversation: kind and protocol (0 without ports), both ports, then the words of the lesser and of the greater
   * address by turns. The same for both directions; words beyond {@link length} are of earlier packets.
   */
  readonly key = new Int32Array(KEY_WORDS);
  /** Words of the key that count; 0 where nothing is said of ends. */
  length = 0;
  /** Whether the packet goes from the first end of the key to the second. */
  forward = true;
  /** The innermost EtherType that was read, below 0x600 for LLC; -1 where the link has none. */
  etherType = -1;
  /** The protocol behind the IP header and its extensions; -1 without an IP header. */
  ipProtocol = -1;
  /** -1 where there are none. */
  sourcePort = -1;
  destinationPort = -1;

  /** `bytes[start, end)` is what was captured of a packet. */
  read(bytes: Uint8Array, start: number, end: number, linkType: number): void {
    this.length = 0;
    this.etherType = -1;
    this.ipProtocol = -1;
    this.sourcePort = -1;
    this.destinationPort = -1;
    switch (linkType) {
      case LinkType.ETHERNET:
        if (end - start < ETHERNET_HEADER) return;
        this.#setHardware(bytes, start);
        this.#readTyped(bytes, word(bytes, start + 12), start + ETHERNET_HEADER, end);
        return;
      case LinkType.RAW:
      case DLT_RAW:
      case DLT_RAW_OPENBSD:
        if (end > start && (bytes[start] as number) >> 4 === 6) this.#readIPv6(bytes, start, end);
        else this.#readIPv4(bytes, start, end);
        return;
      case LinkType.IPV4:
        this.#readIPv4(bytes, start, end);
        return;
      case LinkType.IPV6:
        this.#readIPv6(bytes, start, end);
        return;
      case LinkType.LINUX_SLL2:
        if (end - start < SLL2_HEADER || word(bytes, start + 8) === ARPHRD_NETLINK) return;
        this.#readCooked(bytes, word(bytes, start), start + SLL2_HEADER, end);
        return;
      case LinkType.LINUX_SLL:
        if (end - start < SLL_HEADER || word(bytes, start + 2) === ARPHRD_NETLINK) return;
        this.#readCooked(bytes, word(bytes, start + 14), start + SLL_HEADER, end);
        return;
      default:
    }
  }

  #readCooked(bytes: Uint8Array, etherType: number, at: number, end: number): void {
    if (etherType === ETH_P_802_2) this.#readLlc(bytes, at, end);
    else this.#readEtherType(bytes, etherType, at, end);
  }

  /** What follows a field that is a type or a length. */
  #readTyped(bytes: Uint8Array, etherType: number, at: number, end: number): void {
    if (etherType >= FIRST_TYPE) this.#readEtherType(bytes, etherType, at, end);
    else this.#readLlc(bytes, at, Math.min(end, at + etherType));
  }

  #readEtherType(bytes: Uint8Array, first: number, from: number, end: number): void {
    let etherType = first;
    let at = from;
    for (let tags = 0; isTag(etherType) && tags < MAX_TAGS && end - at >= VLAN_TAG; tags++) {
      etherType = word(bytes, at + 2);
      at += VLAN_TAG;
      if (etherType < FIRST_TYPE) {
        this.#readLlc(bytes, at, Math.min(end, at + etherType));
        return;
      }
    }
    this.etherType = etherType;
    if (etherType === EtherType.ipv4) this.#readIPv4(bytes, at, end);
    else if (etherType === EtherType.ipv6) this.#readIPv6(bytes, at, end);
  }

  #readLlc(bytes: Uint8Array, at: number, end: number): void {
    this.etherType = 0;
    if (end - at < 3 || bytes[at + 2] !== 3) return;
    if (bytes[at] === LlcSap.ip) this.#readIPv4(bytes, at + 3, end);
    if (bytes[at] !== LlcSap.snap || end - at < 8) return;
    // RFC 1042, and the bridge tunnels of 802.1H.
    const organization = ((bytes[at + 3] as number) << 16) | word(bytes, at + 4);
    if (organization === 0 || organization === 0xf8) this.#readEtherType(bytes, word(bytes, at + 6), at + 8, end);
  }

  #readIPv4(bytes: Uint8Array, at: number, end: number): void {
    if (end - at < IPV4_HEADER) return;
    const first = bytes[at] as number;
    const headerLength = (first & 15) << 2;
    if (first >> 4 !== 4 || headerLength < IPV4_HEADER || end - at < headerLength) return;
    const total = word(bytes, at + 2);
    const from = at + headerLength;
    const protocol = bytes[at + 9] as number;
    this.ipProtocol = protocol;
    // The length may be left to hardware (0); one below the header is nonsense. Later fragments have no ports.
    const hasMore = (total === 0 || total >= headerLength) && (word(bytes, at + 6) & 0x1fff) === 0;
    if (hasMore) this.#readUpper(bytes, protocol, from, total === 0 ? end : Math.min(end, at + total));
    this.#setIPv4(int32(bytes, at + 12), int32(bytes, at + 16));
  }

  #readIPv6(bytes: Uint8Array, at: number, end: number): void {
    if (end - at < IPV6_HEADER || (bytes[at] as number) >> 4 !== 6) return;
    const payload = word(bytes, at + 4);
    const from = at + IPV6_HEADER;
    const next = bytes[at + 6] as number;
    this.ipProtocol = next;
    this.#readUpper(bytes, next, from, payload === 0 ? end : Math.min(end, from + payload));
    this.#setIPv6(bytes, at + 8);
  }

  /** Behind extension headers too; each of them takes eight bytes at least. */
  #readUpper(bytes: Uint8Array, first: number, from: number, end: number): void {
    let protocol = first;
    let at = from;
    for (;;) {
      this.ipProtocol = protocol;
      if (protocol === IPProtocol.tcp || protocol === IPProtocol.udp || protocol === IPProtocol.sctp) {
        const need = protocol === IPProtocol.tcp ? TCP_HEADER : protocol === IPProtocol.udp ? UDP_HEADER : SCTP_HEADER;
        if (end - at < need) return;
        this.sourcePort = word(bytes, at);
        this.destinationPort = word(bytes, at + 2);
        return;
      }
      const length = extensionLength(bytes, protocol, at, end);
      if (length === 0) return;
      const later = protocol === IPProtocol.fragment && (word(bytes, at + 2) & 0xfff8) !== 0;
      protocol = bytes[at] as number;
      at += length;
      if (later) {
        this.ipProtocol = protocol;
        return;
      }
    }
  }

  #setHardware(bytes: Uint8Array, at: number): void {
    const { key } = this;
    const source = int32(bytes, at + 6);
    const sourceRest = word(bytes, at + 10);
    const destination = int32(bytes, at);
    const destinationRest = word(bytes, at + 4);
    const forward = source < destination || (source === destination && sourceRest <= destinationRest);
    this.forward = forward;
    this.length = 6;
    key[0] = FlowKind.ethernet;
    key[1] = -1;
    key[2] = forward ? source : destination;
    key[3] = forward ? destination : source;
    key[4] = forward ? sourceRest : destinationRest;
    key[5] = forward ? destinationRest : sourceRest;
  }

  #setIPv4(source: number, destination: number): void {
    const { key } = this;
    const forward = source < destination || (source === destination && this.sourcePort <= this.destinationPort);
    this.#setPorts(FlowKind.ipv4, forward);
    this.length = 4;
    key[2] = forward ? source : destination;
    key[3] = forward ? destination : source;
  }

  /** @param at where the source address begins; the destination is behind it */
  #setIPv6(bytes: Uint8Array, at: number): void {
    const { key } = this;
    let order = 0;
    for (let i = 0; order === 0 && i < 16; i += 4) order = int32(bytes, at + i) - int32(bytes, at + 16 + i);
    const forward = order < 0 || (order === 0 && this.sourcePort <= this.destinationPort);
    this.#setPorts(FlowKind.ipv6, forward);
    this.length = KEY_WORDS;
    const lesser = forward ? at : at + 16;
    const greater = forward ? at + 16 : at;
    for (let i = 0; i < 4; i++) {
      key[2 + 2 * i] = int32(bytes, lesser + 4 * i);
      key[3 + 2 * i] = int32(bytes, greater + 4 * i);
    }
  }

  #setPorts(kind: number, forward: boolean): void {
    const { key, sourcePort, destinationPort } = this;
    this.forward = forward;
    key[0] = sourcePort < 0 ? kind : kind | this.ipProtocol;
    key[1] = forward ? (sourcePort << 16) | destinationPort : (destinationPort << 16) | sourcePort;
  }
}

function isTag(etherType: number): boolean {
  return etherType === EtherType.vlan || etherType === EtherType.serviceVlan || etherType === EtherType.oldServiceVlan;
}

/** Of an IPv6 extension header, AH among them, that is all there; 0 for what is none. */
function extensionLength(bytes: Uint8Array, protocol: number, at: number, end: number): number {
  if (end - at < 8) return 0;
  switch (protocol) {
    case IPProtocol.fragment:
      return 8;
    case IPProtocol.hopByHop:
    case IPProtocol.routing:
    case IPProtocol.destinationOptions: {
      const length = ((bytes[at + 1] as number) + 1) * 8;
      return length <= end - at ? length : 0;
    }
    case IPProtocol.authentication: {
      const length = ((bytes[at + 1] as number) + 2) * 4;
      return length >= 12 && length <= end - at ? length : 0;
    }
    default:
      return 0;
  }
}

/** Four bytes, as a number with a sign: to compare and to keep, not to show. */
function int32(bytes: Uint8Array, at: number): number {
  return (word(bytes, at) << 16) | word(bytes, at + 2);
}
