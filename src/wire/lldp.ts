/**
 * LLDP (IEEE 802.1AB clause 8): type-length-values, of which the first three are always there.
 *
 *     type:7 bits length:9 bits value …
 */
import { formatIPv4, formatIPv6 } from '../sockaddr/ip-text.js';
import { ByteList } from './byte-list.js';
import { Cursor } from './cursor.js';
import { type Next, NOTHING, type Packet } from './packet.js';
import { escapeText, formatHardware, hex } from './text.js';

export interface LldpTlv {
  /** 0 end, 1 chassis, 2 port, 3 time to live, 4 to 6 texts, 7 capabilities, 8 management address, 127 organization. */
  readonly type: number;
  /** Of chassis and port: what `value` is. */
  readonly subtype?: number;
  /** Texts escaped as in text.ts; addresses by their notation. */
  readonly value?: string;
  /** In seconds. */
  readonly ttl?: number;
  /** Of what the system can do, and of that what is switched on. */
  readonly capabilities?: number;
  readonly enabled?: number;
  /** 24 bits. */
  readonly organization?: number;
  /** What is not named above, in hex. */
  readonly data?: string;
}

export interface LldpMessage {
  readonly protocol: 'lldp';
  readonly tlvs: readonly LldpTlv[];
}

export function decodeLldp(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'lldp', at, end);
  const tlvs: LldpTlv[] = [];
  packet.layers.push({ protocol: 'lldp', tlvs });
  while (cursor.left > 0 && cursor.has(2, 'tlv')) {
    const head = cursor.u16();
    const type = head >> 9;
    const part = cursor.part(head & 0x1ff, 'tlv length');
    tlvs.push(readTlv(type, part));
    if (type === 0) break;
  }
  return NOTHING;
}

function readTlv(type: number, part: Cursor): LldpTlv {
  const { bytes } = part.packet;
  switch (type) {
    case 1:
    case 2: {
      if (part.left < 1) break;
      const subtype = part.u8();
      const at = part.at;
      const length = part.left;
      // Subtypes of clause 8.5.2.2 and 8.5.3.2: hardware address, then network address with its family in front.
      const hardware = subtype === (type === 1 ? 4 : 3) && length === 6;
      const network = subtype === (type === 1 ? 5 : 4);
      if (hardware) return { type, subtype, value: formatHardware(bytes, at) };
      if (network && length === 5 && bytes[at] === 1) return { type, subtype, value: formatIPv4(bytes, at + 1) };
      if (network && length === 17 && bytes[at] === 2) return { type, subtype, value: formatIPv6(bytes, at + 1) };
      if (hardware || network) break;
      return { type, subtype, value: escapeText(bytes, at, at + length) };
    }
    case 3:
      if (part.left !== 2) break;
      return { type, ttl: part.u16() };
    case 4:
    case 5:
    case 6:
      return { type, value: part.text() };
    case 7:
      if (part.left !== 4) break;
      return { type, capabilities: part.u16(), enabled: part.u16() };
    case 127:
      if (part.left < 4) break;
      return { type, organization: part.u24(), subtype: part.u8(), data: part.hex() };
  }
  const data = hex(bytes, part.at, part.end);
  return data === '' ? { type } : { type, data };
}

/** A whole message. */
export function encodeLldp(message: Omit<LldpMessage, 'protocol'>): Uint8Array {
  const bytes = new ByteList();
  for (const tlv of message.tlvs) {
    const value = tlvValue(tlv);
    bytes.u16((tlv.type << 9) | value.length).bytes(value);
  }
  return bytes.toBytes();
}

function tlvValue(tlv: LldpTlv): Uint8Array {
  const { type, subtype, value } = tlv;
  const bytes = new ByteList();
  if (tlv.ttl !== undefined) bytes.u16(tlv.ttl);
  if (tlv.capabilities !== undefined) bytes.u16(tlv.capabilities).u16(tlv.enabled ?? 0);
  if (tlv.organization !== undefined) bytes.u24(tlv.organization);
  if (subtype !== undefined) bytes.u8(subtype);
  if (value !== undefined) {
    if (type < 3 && subtype === (type === 1 ? 4 : 3)) bytes.hardware(value);
    else if (type < 3 && subtype === (type === 1 ? 5 : 4)) {
      value.includes(':') ? bytes.u8(2).ipv6(value) : bytes.u8(1).ipv4(value);
    } else bytes.text(value);
  }
  return bytes.hex(tlv.data ?? '').toBytes();
}
