/** Where packets go, read off their bytes; as a rule without taking them apart: for whoever has many of them. */
import { type IPAddress, IPv4Address, IPv6Address, tryParseIP } from '../../sockaddr/ip.js';
import { dissect } from '../../wire/dissect.js';
import type { Layer } from '../../wire/layer.js';
import { EtherType, IPProtocol } from '../../wire/numbers.js';
import { LINK_TYPES, type PacketLink } from './built-packet.js';

/** Ethernet (IEEE 802.3), IPv4 (RFC 791), IPv6 (RFC 8200): where destinations and types are. */
const ETHER_TYPE_AT = 12;
const TAG = 4;
/** Version 4, and a header without options. */
const PLAIN_IPV4 = 0x45;
const IPV4_HEADER = 20;
const IPV4_DESTINATION = 16;
const IPV6_HEADER = 40;
const IPV6_NEXT_HEADER = 6;
const IPV6_DESTINATION = 24;
const TAGS: ReadonlySet<number> = new Set([EtherType.vlan, EtherType.serviceVlan, EtherType.oldServiceVlan]);
/** A routing header, and what may stand before it (RFC 8200 section 4.1). */
const BEFORE_ROUTES: ReadonlySet<number> = new Set([
  IPProtocol.hopByHop,
  IPProtocol.routing,
  IPProtocol.fragment,
  IPProtocol.authentication,
  IPProtocol.destinationOptions,
]);
const NOWHERE: readonly IPAddress[] = [];

export class DestinationReader {
  #last = NOWHERE;
  #lastBytes = new Uint8Array(0);

  /**
   * Everywhere the packet is handed on to: where its outermost IP header says, and the stations of its source route, or of
   * its routing header. What a tunnel carries is not looked at: its other end hands that on, as whoever runs it wants.
   *
   * @returns empty without an IP header; the same array again and again while it is the same single address
   */
  read(bytes: Uint8Array, link: PacketLink): readonly IPAddress[] {
    const at = link === 'ethernet' ? networkAt(bytes) : 0;
    const left = bytes.length - at;
    if (link !== 'ipv6' && bytes[at] === PLAIN_IPV4 && left >= IPV4_HEADER) {
      return this.#address(bytes, at + IPV4_DESTINATION, 4);
    }
    if (link !== 'ipv4' && (bytes[at] ?? 0) >> 4 === 6 && left >= IPV6_HEADER) {
      const next = bytes[at + IPV6_NEXT_HEADER] as number;
      if (!BEFORE_ROUTES.has(next)) return this.#address(bytes, at + IPV6_DESTINATION, 16);
    }
    const found = stations(bytes, link);
    if (found !== undefined) return found;
    // The kernel sends a packet of IP to the address that stands there, whatever else is wrong with its header.
    if (link === 'ipv4' && left >= IPV4_HEADER) return this.#address(bytes, IPV4_DESTINATION, 4);
    if (link === 'ipv6' && left >= IPV6_HEADER) return this.#address(bytes, IPV6_DESTINATION, 16);
    return NOWHERE;
  }

  #address(bytes: Uint8Array, at: number, length: number): readonly IPAddress[] {
    const last = this.#lastBytes;
    let same = last.length === length;
    for (let i = 0; same && i < length; i++) same = last[i] === bytes[at + i];
    if (same) return this.#last;
    this.#lastBytes = bytes.slice(at, at + length);
    this.#last = [length === 4 ? IPv4Address.fromBytes(this.#lastBytes) : IPv6Address.fromBytes(this.#lastBytes)];
    return this.#last;
  }
}

/** Where the IP header of a frame begins, tags in front of it or not; the end of the frame for any other. */
function networkAt(bytes: Uint8Array): number {
  let at = ETHER_TYPE_AT;
  while (TAGS.has(word(bytes, at))) at += TAG;
  const type = word(bytes, at);
  return type === EtherType.ipv4 || type === EtherType.ipv6 ? at + 2 : bytes.length;
}

/** As the layers have it; undefined without one of IP. */
function stations(bytes: Uint8Array, link: PacketLink): readonly IPAddress[] | undefined {
  const { layers } = dissect(bytes, LINK_TYPES[link]);
  const index = layers.findIndex(({ protocol }) => protocol === 'ipv4' || protocol === 'ipv6');
  const network = layers[index];
  if (network?.protocol !== 'ipv4' && network?.protocol !== 'ipv6') return undefined;
  const route = network.protocol === 'ipv4' ? sourceRoute(network.options) : routingHeaders(layers.slice(index + 1));
  return [network.destination, ...route].map((text) => tryParseIP(text)).filter((address) => address !== undefined);
}

function sourceRoute(options: Extract<Layer, { protocol: 'ipv4' }>['options'] = []): readonly string[] {
  return options.flatMap((option) =>
    option.kind === 'looseSourceRoute' || option.kind === 'strictSourceRoute' ? option.addresses : [],
  );
}

function routingHeaders(layers: readonly Layer[]): readonly string[] {
  const end = layers.findIndex(({ protocol }) => protocol !== 'ah' && !protocol.startsWith('ipv6-'));
  const headers = end < 0 ? layers : layers.slice(0, end);
  return headers.flatMap((layer) => (layer.protocol === 'ipv6-routing' ? (layer.addresses ?? []) : []));
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
