/**
 * Overlays over UDP: VXLAN (RFC 7348; the group policy of draft-smith-vxlan-group-policy) and Geneve (RFC 8926).
 *
 *     VXLAN    flags:1 reserved:1 group policy:2 VNI:3 reserved:1, then an Ethernet frame
 *     Geneve   version and option length:1 flags:1 protocol:2 VNI:3 reserved:1, then options and what the protocol says
 */
import { ByteList } from './byte-list.js';
import { Cursor } from './cursor.js';
import { LinkType } from './link-types.js';
import { type Next, type Packet, payload } from './packet.js';

export interface VxlanMessage {
  readonly protocol: 'vxlan';
  /** 8 bits; 0x08 says that the network's number is valid, 0x80 that the policy is. */
  readonly flags: number;
  readonly groupPolicy: number;
  /** The network: 24 bits. */
  readonly vni: number;
}

export interface GeneveOption {
  readonly class: number;
  readonly type: number;
  /** In hex, a multiple of four bytes. */
  readonly data: string;
}

export interface GeneveMessage {
  readonly protocol: 'geneve';
  readonly version: number;
  readonly control: boolean;
  readonly critical: boolean;
  /** An EtherType; 0x6558 is Ethernet. */
  readonly protocolType: number;
  readonly vni: number;
  readonly options: readonly GeneveOption[];
}

const HEADER = 8;
const BRIDGED = 0x6558;

export function decodeVxlan(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'vxlan', at, end);
  if (!cursor.has(HEADER)) return payload(at, end);
  const flags = cursor.u8();
  cursor.at++;
  packet.layers.push({ protocol: 'vxlan', flags, groupPolicy: cursor.u16(), vni: cursor.u24() });
  return { table: 'linkType', key: LinkType.ETHERNET, at: at + HEADER, end };
}

export function decodeGeneve(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'geneve', at, end);
  if (!cursor.has(HEADER)) return payload(at, end);
  const first = cursor.u8();
  const flags = cursor.u8();
  const protocolType = cursor.u16();
  const vni = cursor.u24();
  cursor.at++;
  const part = cursor.part((first & 0x3f) * 4, 'options length');
  const options: GeneveOption[] = [];
  while (part.left > 0 && part.has(4, 'option')) {
    const head = { class: part.u16(), type: part.u8() };
    options.push({ ...head, data: part.part((part.u8() & 31) * 4, 'option length').hex() });
  }
  packet.layers.push({
    protocol: 'geneve',
    version: first >> 6,
    control: (flags & 0x80) !== 0,
    critical: (flags & 0x40) !== 0,
    protocolType,
    vni,
    options,
  });
  if (protocolType === BRIDGED) return { table: 'linkType', key: LinkType.ETHERNET, at: cursor.at, end };
  return { table: 'etherType', key: protocolType, at: cursor.at, end };
}

/** Writes the header into `into` at `offset`; returns where the frame goes. */
export function encodeVxlan(message: Omit<VxlanMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  const { flags, groupPolicy, vni } = message;
  into.set(new ByteList().u8(flags).u8(0).u16(groupPolicy).u24(vni).u8(0).toBytes(), offset);
  return offset + HEADER;
}

/** Writes header and options into `into` at `offset`; returns where the payload goes. */
export function encodeGeneve(message: Omit<GeneveMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  const options = new ByteList();
  for (const { class: of, type, data } of message.options)
    options
      .u16(of)
      .u8(type)
      .u8(data.length / 8)
      .hex(data);
  const bytes = new ByteList()
    .u8((message.version << 6) | (options.length / 4))
    .u8((message.control ? 0x80 : 0) | (message.critical ? 0x40 : 0))
    .u16(message.protocolType)
    .u24(message.vni)
    .u8(0)
    .bytes(options.toBytes());
  into.set(bytes.toBytes(), offset);
  return offset + bytes.length;
}
