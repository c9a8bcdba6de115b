/**
 * What ICMP errors carry behind the packet that they quote (RFC 4884 section 7, for both versions of ICMP).
 *
 *     +-------+-----------------------+-------------------------------+
 *     |version|       reserved        |           checksum            |
 *     +-------+-----------------------+---------------+---------------+
 *     |      object's length          |     class     |     type      |   and so on, to the end
 *     +-------------------------------+---------------+---------------+
 *
 * Class 1 holds MPLS labels (RFC 4950), class 2 says of an interface what it is (RFC 5837), class 3 names the one that an
 * extended echo request asks about (RFC 8335 section 2.1).
 */
import { formatIPv4, formatIPv6 } from '../sockaddr/ip-text.js';
import { ByteList } from './byte-list.js';
import { checksum } from './checksum.js';
import { type Next, Packet, payload } from './packet.js';
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
  /** By one of the three. */
  | {
      readonly kind: 'interface-identification';
      readonly name?: string;
      readonly index?: number;
      readonly address?: string;
    }
  | { readonly kind: 'unknown'; readonly class: number; readonly type: number; readonly data: string };

export interface Quote {
  /** Where the quoted packet ends. */
  readonly end: number;
  readonly extensions: readonly IcmpExtension[] | undefined;
}

/** RFC 4884 section 5.5: before there was a length, extensions followed at this distance. */
const OLD_QUOTE = 128;
/** What a byte that counts by eight can say. */
const MAX_QUOTE = 2040;
const VERSION = 2;
const ExtensionClass = { mpls: 1, interface: 2, interfaceIdentification: 3 } as const;

/**
 * Parts the body `[at, end)` of an error into quote and extensions.
 *
 * @param quoteLength bytes of the quote as the header says, 0 where it does not
 */
export function splitQuote(packet: Packet, at: number, end: number, quoteLength: number): Quote {
  const { bytes, view } = packet;
  const from = at + (quoteLength === 0 ? OLD_QUOTE : quoteLength);
  if (from + 4 > end || view.getUint8(from) >> 4 !== VERSION) {
    return { end: quoteLength === 0 ? end : Math.min(end, from), extensions: undefined };
  }
  // Without a length, only a right checksum tells extensions from the quote's own bytes.
  const sound = !packet.incomplete && view.getUint16(from + 2) !== 0 && checksum(bytes, from, end) === 0;
  if (quoteLength === 0 && !sound) return { end, extensions: undefined };
  return { end: from, extensions: readObjects(packet, from + 4, end) };
}

/** The objects of extensions that stand alone, their header first; none where that is another version's. */
export function readExtensions(bytes: Uint8Array): IcmpExtension[] {
  if (bytes.length < 4 || (bytes[0] as number) >> 4 !== VERSION) return [];
  return readObjects(new Packet(bytes, bytes.length), 4, bytes.length);
}

/**
 * RFC 8335 section 2: what an extended echo request asks about stands in an extension with one object; what follows is
 * payload, which the extension's checksum does not cover.
 */
export function readRequest(
  packet: Packet,
  message: { extensions?: readonly IcmpExtension[] },
  at: number,
  end: number,
): Next {
  if (at + 8 > end || packet.view.getUint8(at) >> 4 !== VERSION) return payload(at, end);
  const object = at + 4;
  const stop = Math.min(end, object + Math.max(4, packet.view.getUint16(object)));
  message.extensions = readObjects(packet, object, stop);
  return payload(stop, end);
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
  if (objectClass === ExtensionClass.mpls && type === 1 && (end - from) % 4 === 0) {
    const labels: MplsLabel[] = [];
    for (let entry = from; entry < end; entry += 4) labels.push(readLabel(view.getUint32(entry)));
    return { kind: 'mpls', labels };
  }
  const known =
    objectClass === ExtensionClass.interface
      ? readInterface(bytes, view, type, from, end)
      : objectClass === ExtensionClass.interfaceIdentification
        ? readIdentification(bytes, view, type, from, end)
        : undefined;
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

/** RFC 8335 section 2.1: by name, by index, by address. */
function readIdentification(
  bytes: Uint8Array,
  view: DataView,
  type: number,
  at: number,
  end: number,
): IcmpExtension | undefined {
  const kind = 'interface-identification';
  if (type === 1) return { kind, name: nameText(bytes, at, end) };
  if (type === 2 && end - at === 4) return { kind, index: view.getUint32(at) };
  if (type !== 3 || end - at < 8) return undefined;
  const length = ADDRESS_LENGTH[view.getUint16(at)];
  if (length === undefined || view.getUint8(at + 2) !== length || at + 4 + length !== end) return undefined;
  return { kind, address: length === 4 ? formatIPv4(bytes, at + 4) : formatIPv6(bytes, at + 4) };
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

/** What carries extensions, and how long what it quotes says to be. */
export interface Extended {
  /** In bytes. */
  readonly quoteLength?: number;
  readonly extensions?: readonly IcmpExtension[];
}

/**
 * What stands behind the header: `data`; where extensions follow, filled up with zeros to the quote's length, which is
 * 128 bytes where the header does not say it.
 *
 * @param request its extensions come first
 * @throws AddressError for what is no address, UsageError for data that is no hex
 */
export function extendedData(
  data: Uint8Array,
  { quoteLength = OLD_QUOTE, extensions }: Extended,
  request: boolean,
): Uint8Array {
  if (extensions === undefined) return data;
  if (!(quoteLength <= MAX_QUOTE)) throw new RangeError(`a quote of ${quoteLength} bytes`);
  const parts = encodeExtensions(extensions);
  if (request) return new ByteList().bytes(parts).bytes(data).toBytes();
  return new ByteList()
    .bytes(data)
    .zeros(Math.max(0, quoteLength - data.length))
    .bytes(parts)
    .toBytes();
}

function encodeExtensions(extensions: readonly IcmpExtension[]): Uint8Array {
  const bytes = new ByteList().u16(VERSION << 12).u16(0);
  for (const extension of extensions) {
    const from = bytes.length;
    bytes.u16(0);
    writeObject(bytes, extension);
    bytes.patch16(from, bytes.length - from);
  }
  const whole = bytes.toBytes();
  return bytes.patch16(2, checksum(whole, 0, whole.length)).toBytes();
}

function writeObject(bytes: ByteList, extension: IcmpExtension): void {
  switch (extension.kind) {
    case 'mpls':
      bytes.u8(ExtensionClass.mpls).u8(1);
      for (const { label, trafficClass, bottomOfStack, ttl } of extension.labels) {
        bytes.u32(label * 0x1000 + (trafficClass << 9) + (bottomOfStack ? 0x100 : 0) + ttl);
      }
      break;
    case 'interface': {
      const { role, index, address, name, mtu } = extension;
      const parts = [mtu, name, address, index].reduce<number>(
        (bits, part, bit) => bits | (part === undefined ? 0 : 1 << bit),
        0,
      );
      bytes.u8(ExtensionClass.interface).u8((ROLES.indexOf(role) << 6) | parts);
      if (index !== undefined) bytes.u32(index);
      if (address !== undefined) writeAddress(bytes, address, 0);
      if (name !== undefined) {
        const length = (1 + name.length + 3) & ~3;
        bytes
          .u8(length)
          .text(name)
          .zeros(length - 1 - name.length);
      }
      if (mtu !== undefined) bytes.u32(mtu);
      break;
    }
    case 'interface-identification': {
      const { name, index, address } = extension;
      bytes.u8(ExtensionClass.interfaceIdentification).u8(name !== undefined ? 1 : index !== undefined ? 2 : 3);
      if (name !== undefined) bytes.text(name).align(4);
      else if (index !== undefined) bytes.u32(index);
      else if (address !== undefined) writeAddress(bytes, address, address.includes(':') ? 16 : 4);
      break;
    }
    case 'unknown':
      bytes.u8(extension.class).u8(extension.type).hex(extension.data);
  }
}

/** @param length what the byte behind the family holds */
function writeAddress(bytes: ByteList, address: string, length: number): void {
  const six = address.includes(':');
  bytes
    .u16(six ? 2 : 1)
    .u8(length)
    .u8(0);
  if (six) bytes.ipv6(address);
  else bytes.ipv4(address);
}
