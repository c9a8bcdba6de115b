/** Where packets go, read off their bytes without taking them apart: for whoever has many of them. */
import { type IPAddress, IPv4Address, IPv6Address } from '../../sockaddr/ip.js';
import { EtherType } from '../../wire/numbers.js';
import type { PacketLink } from './built-packet.js';

/** Ethernet (IEEE 802.3), IPv4 (RFC 791), IPv6 (RFC 8200): where destinations and types are. */
const ETHER_TYPE_AT = 12;
const TAG = 4;
const IPV4_HEADER = 20;
const IPV4_DESTINATION = 16;
const IPV6_HEADER = 40;
const IPV6_DESTINATION = 24;
const TAGS: ReadonlySet<number> = new Set([EtherType.vlan, EtherType.serviceVlan, EtherType.oldServiceVlan]);

export class DestinationReader {
  #last: IPAddress | undefined;
  #lastBytes = new Uint8Array(0);

  /**
   * The destination of the outermost IP header; undefined without one. The same object again and again while it is the
   * same address.
   */
  read(bytes: Uint8Array, link: PacketLink): IPAddress | undefined {
    let at = 0;
    if (link === 'ethernet') {
      at = ETHER_TYPE_AT;
      while (TAGS.has(word(bytes, at))) at += TAG;
      const type = word(bytes, at);
      if (type !== EtherType.ipv4 && type !== EtherType.ipv6) return undefined;
      at += 2;
    }
    const version = (bytes[at] ?? 0) >> 4;
    if (version === 4 && bytes.length >= at + IPV4_HEADER) return this.#address(bytes, at + IPV4_DESTINATION, 4);
    if (version === 6 && bytes.length >= at + IPV6_HEADER) return this.#address(bytes, at + IPV6_DESTINATION, 16);
    return undefined;
  }

  #address(bytes: Uint8Array, at: number, length: number): IPAddress {
    const last = this.#lastBytes;
    let same = this.#last !== undefined && last.length === length;
    for (let i = 0; same && i < length; i++) same = last[i] === bytes[at + i];
    if (same && this.#last !== undefined) return this.#last;
    this.#lastBytes = bytes.slice(at, at + length);
    this.#last = length === 4 ? IPv4Address.fromBytes(this.#lastBytes) : IPv6Address.fromBytes(this.#lastBytes);
    return this.#last;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
