/** IP packets as routers treat them: fields read and written where they lie, checksums brought up to date (RFC 1624). */
import { checksum, pseudoHeaderSum, updateChecksum } from '../../../src/wire/checksum.js';
import { IPProtocol } from '../../../src/wire/numbers.js';

export type Family = 'ipv4' | 'ipv6';

/** A whole IP packet with where its parts are. */
export interface IPPacket {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly family: Family;
  /** Protocol of what is carried, behind extension headers. */
  readonly protocol: number;
  /** Where that begins; behind the end where there is none. */
  readonly at: number;
  /** Not the first fragment of one: there is no header of what is carried. */
  readonly laterFragment: boolean;
}

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** Undefined for what is no IP packet, or is cut in its header. */
export function readPacket(bytes: Uint8Array): IPPacket | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= IPV4_HEADER) {
    const at = (view.getUint8(0) & 15) * 4;
    if (at < IPV4_HEADER || at > bytes.length) return undefined;
    const laterFragment = (view.getUint16(6) & 0x1fff) !== 0;
    return { bytes, view, family: 'ipv4', protocol: view.getUint8(9), at, laterFragment };
  }
  if (version !== 6 || bytes.length < IPV6_HEADER) return undefined;
  let protocol = view.getUint8(6);
  let at = IPV6_HEADER;
  let laterFragment = false;
  while (EXTENSIONS.has(protocol) && at + 8 <= bytes.length) {
    if (protocol === IPProtocol.fragment) laterFragment = view.getUint16(at + 2) >= 8;
    const length = protocol === IPProtocol.fragment ? 8 : (view.getUint8(at + 1) + 1) * 8;
    protocol = view.getUint8(at);
    at += length;
  }
  return { bytes, view, family: 'ipv6', protocol, at, laterFragment };
}

const EXTENSIONS: ReadonlySet<number> = new Set([
  IPProtocol.hopByHop,
  IPProtocol.routing,
  IPProtocol.fragment,
  IPProtocol.destinationOptions,
]);

const ADDRESS = {
  ipv4: { source: 12, destination: 16, length: 4 },
  ipv6: { source: 8, destination: 24, length: 16 },
} as const;

/** A view of the packet. */
export function addressOf({ bytes, family }: IPPacket, which: 'source' | 'destination'): Uint8Array {
  const at = ADDRESS[family][which];
  return bytes.subarray(at, at + ADDRESS[family].length);
}

/** Fit for the key of a Map. */
export function addressKey(address: Uint8Array): string {
  return String.fromCharCode(...address);
}

export function ttlOf({ bytes, family }: IPPacket): number {
  return bytes[family === 'ipv4' ? 8 : 7] as number;
}

export function setTtl(packet: IPPacket, ttl: number): void {
  packet.bytes[packet.family === 'ipv4' ? 8 : 7] = ttl;
  sealHeader(packet);
}

export function trafficClassOf({ view, family }: IPPacket): number {
  return family === 'ipv4' ? view.getUint8(1) : (view.getUint16(0) >> 4) & 255;
}

/** Writes the DSCP; the two bits of ECN stay (RFC 3168). */
export function setDscp(packet: IPPacket, dscp: number): void {
  const { view, family } = packet;
  const value = (dscp << 2) | (trafficClassOf(packet) & 3);
  if (family === 'ipv4') view.setUint8(1, value);
  else view.setUint16(0, (view.getUint16(0) & 0xf00f) | (value << 4));
  sealHeader(packet);
}

/** The checksum of IPv4's header; IPv6 has none. */
export function sealHeader({ bytes, view, family }: IPPacket): void {
  if (family === 'ipv6') return;
  view.setUint16(10, 0);
  view.setUint16(10, checksum(bytes, 0, (view.getUint8(0) & 15) * 4));
}

/** The record route option (RFC 791 section 3.1): where there is room, the router's address goes in. */
export function recordRoute(packet: IPPacket, address: Uint8Array): void {
  const { bytes, at: end, family } = packet;
  if (family === 'ipv6') return;
  for (let at = IPV4_HEADER; at < end; ) {
    const type = bytes[at] as number;
    if (type === 0) return;
    const length = type === 1 ? 1 : (bytes[at + 1] ?? 0);
    if (length < 1 || at + length > end) return;
    const pointer = bytes[at + 2] as number;
    if (type === 7 && pointer >= 4 && pointer + 3 <= length) {
      bytes.set(address, at + pointer - 1);
      bytes[at + 2] = pointer + 4;
      sealHeader(packet);
      return;
    }
    at += length;
  }
}

/** Where the checksum of what is carried stands, from its beginning. */
const CHECKSUM_AT: Readonly<Record<number, number>> = {
  [IPProtocol.icmp]: 2,
  [IPProtocol.icmpv6]: 2,
  [IPProtocol.tcp]: 16,
  [IPProtocol.udp]: 6,
};

/** Where it stands in the packet; undefined where there is none, or it is not there any more. */
function checksumPlace({ protocol, at, bytes, view, laterFragment }: IPPacket): number | undefined {
  const offset = CHECKSUM_AT[protocol];
  if (offset === undefined || laterFragment || at + offset + 2 > bytes.length) return undefined;
  return protocol === IPProtocol.udp && view.getUint16(at + offset) === 0 ? undefined : at + offset;
}

function transportSum({ bytes, family, protocol, at }: IPPacket): number {
  if (protocol === IPProtocol.icmp) return checksum(bytes, at, bytes.length);
  const { source, destination, length } = ADDRESS[family];
  const pseudo = pseudoHeaderSum(bytes, source, destination, length, protocol, bytes.length - at);
  return checksum(bytes, at, bytes.length, pseudo);
}

/** Whether the checksum of what is carried is right; there may be none. */
export function isSound(packet: IPPacket): boolean {
  return checksumPlace(packet) === undefined || transportSum(packet) === 0;
}

/** Computes the checksum of what is carried. */
export function sealTransport(packet: IPPacket): void {
  const place = checksumPlace(packet);
  if (place === undefined) return;
  packet.view.setUint16(place, 0);
  packet.view.setUint16(place, transportSum(packet) || (packet.protocol === IPProtocol.udp ? 0xffff : 0));
}

/** What a translator does to the source, or back to the destination, of a packet. */
export interface Translation {
  readonly which: 'source' | 'destination';
  readonly address: Uint8Array;
  /** Added to the port of that side, or to the identifier of ICMP echo, modulo 65,536. */
  readonly ports: number;
  /** Whether the checksum of what is carried is brought up to date. */
  readonly checksum: boolean;
}

/** A checksum that covers the whole packet: of the ICMP error that quotes it. */
export interface OuterChecksum {
  readonly view: DataView;
  readonly at: number;
}

/** Rewrites addresses and ports as a NAT does, in a packet or in the quote of one. */
export function translate(
  packet: IPPacket,
  { which, address, ports, checksum: seal }: Translation,
  outer?: OuterChecksum,
) {
  const { view, family, protocol, bytes, laterFragment } = packet;
  const put = (word: number, value: number, sums: readonly number[]) => {
    const before = view.getUint16(word);
    view.setUint16(word, value);
    for (const sum of sums) put(sum, updateChecksum(view.getUint16(sum), before, value), []);
    outer?.view.setUint16(outer.at, updateChecksum(outer.view.getUint16(outer.at), before, value));
  };
  const place = seal ? checksumPlace(packet) : undefined;
  const ofHeader = family === 'ipv4' ? [10] : [];
  // The pseudo header has the addresses; ICMP for IPv4 has none.
  const ofBoth = place === undefined || protocol === IPProtocol.icmp ? ofHeader : [...ofHeader, place];
  const from = ADDRESS[family][which];
  for (let i = 0; i < address.length; i += 2) {
    put(from + i, ((address[i] as number) << 8) | (address[i + 1] as number), ofBoth);
  }
  const port = ports === 0 || laterFragment ? undefined : portPlace(packet, which);
  if (port !== undefined && port + 2 <= bytes.length) {
    put(port, (view.getUint16(port) + ports) & 0xffff, place === undefined ? [] : [place]);
  }
  if (protocol === IPProtocol.udp && place !== undefined && view.getUint16(place) === 0) put(place, 0xffff, []);
}

const ICMP_WITH_IDENTIFIER: ReadonlySet<number> = new Set([0, 8, 13, 14, 128, 129]);

function portPlace({ protocol, at, bytes }: IPPacket, which: 'source' | 'destination'): number | undefined {
  if (protocol === IPProtocol.tcp || protocol === IPProtocol.udp) return which === 'source' ? at : at + 2;
  if (protocol !== IPProtocol.icmp && protocol !== IPProtocol.icmpv6) return undefined;
  return ICMP_WITH_IDENTIFIER.has(bytes[at] as number) ? at + 4 : undefined;
}

/** Types of ICMP that report errors, and so quote a packet (RFC 792, RFC 4443). */
export function isIcmpError({ protocol, at, bytes, laterFragment }: IPPacket): boolean {
  if (laterFragment || at >= bytes.length) return false;
  const type = bytes[at] as number;
  if (protocol === IPProtocol.icmpv6) return type < 128;
  return protocol === IPProtocol.icmp && (type === 3 || type === 4 || type === 5 || type === 11 || type === 12);
}

/** What tells flows apart for a router: addresses, protocol, ports or what ICMP has in their place, flow label. */
export function flowHash(packet: IPPacket): number {
  const { bytes, view, family, protocol, at } = packet;
  let hash = 0x811c9dc5;
  const mix = (from: number, to: number) => {
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  };
  const { source, length } = ADDRESS[family];
  mix(source, source + 2 * length);
  hash = Math.imul(hash ^ protocol, 0x01000193);
  if (family === 'ipv6') hash = Math.imul(hash ^ (view.getUint32(0) & 0xfffff), 0x01000193);
  if (protocol === IPProtocol.tcp || protocol === IPProtocol.udp) mix(at, at + 4);
  // Type and code, which are those of all probes, checksum and identifier.
  else if (protocol === IPProtocol.icmp || protocol === IPProtocol.icmpv6) mix(at, at + 6);
  return scramble(hash);
}

/** By source and destination alone. */
export function destinationHash(packet: IPPacket): number {
  let hash = 0x811c9dc5;
  for (const byte of addressOf(packet, 'destination')) hash = Math.imul(hash ^ byte, 0x01000193);
  return scramble(hash);
}

/** The low bits of FNV depend on the low bits of what went in alone. */
function scramble(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
