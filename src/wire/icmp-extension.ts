/**
 * What ICMP errors carry behind the packet that they quote (RFC 4884 section 7, for both versions of ICMP).
 *
 *     +-------+-----------------------+-------------------------------+
 *     |version|       reserved        |           checksum            |
 *     +-------+-----------------------+---------------+---------------+
 *     |      object's length          |     class     |     type      |   and so on, to the end
 *     +-------------------------------+---------------+---------------+
 *
 * Class 1 holds MPLS labels (RFC 4950), class 2 says of an interface what it is (RFC 5837).
 */
import { formatIPv4, formatIPv6 } from '../sockaddr/ip-text.js';
import { checksum } from './checksum.js';
import type { Packet } from './packet.js';
import { hex } from './text.js';

export interface MplsLabel {
  /** 0 to 1,048,575. */
  readonly label: number;
  readonly trafficClass: number;
  readonly bottomOfStack: boolean;
  readonly ttl: number;
}

export type IcmpExtension =
  | { readonly kind: 'mpls'; readonly labels: readonly MplsLabel[] }
  | {
      readonly kind: 'interface';
      /** RFC 5837 section 4.1: what the interface was to the packet. */
      readonly role: 'incoming' | 'sub-ip' | 'outgoing' | 'next-hop';
      readonly index?: number;
      readonly address?: string;
      readonly name?: string;
      /** In bytes. */
      readonly mtu?: number;
    }
  | { readonly kind: 'unknown'; readonly class: number; readonly type: number; readonly data: string };

export interface Quote {
  /** Where the quoted packet ends. */
  readonly end: number;
  readonly extensions: readonly IcmpExtension[] | undefined;
}

/** RFC 4884 section 5.5: before there was a length, extensions followed at this distance. */
const OLD_QUOTE = 128;

/**
 * Parts the body `[at, end)` of an error into quote and extensions.
 *
 * @param quoteLength bytes of the quote as the header says, 0 where it does not
 */
export function splitQuote(packet: Packet, at: number, end: number, quoteLength: number): Quote {
  const { bytes, view } = packet;
  const from = at + (quoteLength === 0 ? OLD_QUOTE : quoteLength);
  if (from + 4 > end || view.getUint8(from) >> 4 !== 2) {
    return { end: quoteLength === 0 ? end : Math.min(end, from), extensions: undefined };
  }
  // Without a length, only a right checksum tells extensions from the quote's own bytes.
  const sound = !packet.incomplete && view.getUint16(from + 2) !== 0 && checksum(bytes, from, end) === 0;
  if (quoteLength === 0 && !sound) return { end, extensions: undefined };
  return { end: from, extensions: readObjects(packet, from + 4, end) };
}

function readObjects(packet: Packet, start: number, end: number): IcmpExtension[] {
  const { view } = packet;
  const found: IcmpExtension[] = [];
  let at = start;
  while (at < end && packet.has('icmp-extension', at, end, 4)) {
    const length = view.getUint16(at);
    if (length < 4) {
      packet.fail('icmp-extension', at, 4, length, 'object length');
      break;
    }
    if (!packet.has('icmp-extension', at, end, length, 'object length')) break;
    found.push(readObject(packet, at, at + length));
    at += length;
  }
  return found;
}

function readObject({ bytes, view }: Packet, at: number, end: number): IcmpExtension {
  const objectClass = view.getUint8(at + 2);
  const type = view.getUint8(at + 3);
  const from = at + 4;
  if (objectClass === 1 && type === 1 && (end - from) % 4 === 0) {
    const labels: MplsLabel[] = [];
    for (let entry = from; entry < end; entry += 4) labels.push(readLabel(view.getUint32(entry)));
    return { kind: 'mpls', labels };
  }
  const known = objectClass === 2 ? readInterface(bytes, view, type, from, end) : undefined;
  return known ?? { kind: 'unknown', class: objectClass, type, data: hex(bytes, from, end) };
}

function readLabel(word: number): MplsLabel {
  return { label: word >>> 12, trafficClass: (word >>> 9) & 7, bottomOfStack: (word & 0x100) !== 0, ttl: word & 255 };
}

/** RFC 5837 section 4: which parts there are stands in the type; undefined where they do not fit. */
function readInterface(
  bytes: Uint8Array,
  view: DataView,
  type: number,
  start: number,
  end: number,
): IcmpExtension | undefined {
  const found: { index?: number; address?: string; name?: string; mtu?: number } = {};
  let at = start;
  if ((type & 8) !== 0) {
    if (at + 4 > end) return undefined;
    found.index = view.getUint32(at);
    at += 4;
  }
  if ((type & 4) !== 0) {
    if (at + 4 > end) return undefined;
    // An address family number of IANA: 1 is IPv4, 2 is IPv6.
    const length = ADDRESS_LENGTH[view.getUint16(at)];
    if (length === undefined || at + 4 + length > end) return undefined;
    found.address = length === 4 ? formatIPv4(bytes, at + 4) : formatIPv6(bytes, at + 4);
    at += 4 + length;
  }
  if ((type & 2) !== 0) {
    const length = at < end ? view.getUint8(at) : 0;
    if (length < 1 || at + length > end) return undefined;
    found.name = nameText(bytes, at + 1, at + length);
    at += length;
  }
  if ((type & 1) !== 0) {
    if (at + 4 > end) return undefined;
    found.mtu = view.getUint32(at);
  }
  return { kind: 'interface', role: ROLES[type >> 6] ?? 'incoming', ...found };
}

const ADDRESS_LENGTH: Readonly<Record<number, number>> = { 1: 4, 2: 16 };
const ROLES = ['incoming', 'sub-ip', 'outgoing', 'next-hop'] as const;

/** An interface's name: UTF-8 up to its padding; what is no printable ASCII becomes '?', since it comes from outside. */
function nameText(bytes: Uint8Array, at: number, end: number): string {
  let text = '';
  for (let i = at; i < end && bytes[i] !== 0; i++) {
    const byte = bytes[i] as number;
    text += byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '?';
  }
  return text;
}
