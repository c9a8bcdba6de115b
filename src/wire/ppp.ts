/**
 * PPP (RFC 1661) with or without the HDLC-like framing of RFC 1662, and its control protocols: LCP, IPCP (RFC 1332),
 * IPV6CP (RFC 5072), PAP (RFC 1334) and CHAP (RFC 1994).
 *
 *     [address 0xff:1 control 0x03:1] protocol:2, or 1 where it is compressed (its lowest bit is one)
 *     control protocols: code:1 identifier:1 length:2, then options (type:1 length:1 …) or data
 */
import { ByteList } from './byte-list.js';
import { Cursor } from './cursor.js';
import { type Next, NOTHING, type Packet, payload } from './packet.js';

export interface PppMessage {
  readonly protocol: 'ppp';
  /** Whether address and control are there. */
  readonly framed: boolean;
  readonly protocolId: number;
  /** Whether the protocol is one byte. */
  readonly compressed: boolean;
}

export interface PppControlMessage {
  readonly protocol: 'lcp' | 'ipcp' | 'ipv6cp' | 'pap' | 'chap';
  readonly code: number;
  readonly identifier: number;
  readonly length: number;
  /** Of configure requests, acknowledgments and rejects: type, and data in hex. */
  readonly options?: readonly { readonly type: number; readonly data: string }[];
  /** Of other codes, in hex. */
  readonly data?: string;
}

export const PppProtocol = {
  ipv4: 0x0021,
  ipv6: 0x0057,
  mpls: 0x0281,
  mplsMulticast: 0x0283,
  ipcp: 0x8021,
  ipv6cp: 0x8057,
  lcp: 0xc021,
  pap: 0xc023,
  chap: 0xc223,
} as const;

export function decodePpp(packet: Packet, start: number, end: number): Next {
  let at = start;
  const { view } = packet;
  if (!packet.has('ppp', at, end, 1)) return payload(start, end);
  const framed = view.getUint8(at) === 0xff;
  if (framed) {
    if (!packet.has('ppp', at, end, 3)) return payload(start, end);
    at += 2;
  }
  const compressed = (view.getUint8(at) & 1) === 1;
  if (!compressed && !packet.has('ppp', at, end, 2)) return payload(start, end);
  const protocolId = compressed ? view.getUint8(at) : view.getUint16(at);
  packet.layers.push({ protocol: 'ppp', framed, protocolId, compressed });
  return { table: 'pppProtocol', key: protocolId, at: at + (compressed ? 1 : 2), end };
}

/** Configure-Request, -Ack, -Nak and -Reject. */
const CONFIGURE = new Set([1, 2, 3, 4]);

function controlDecoder(protocol: PppControlMessage['protocol'], hasOptions: boolean) {
  return (packet: Packet, at: number, end: number): Next => {
    const cursor = new Cursor(packet, protocol, at, end);
    if (!cursor.has(4)) return payload(at, end);
    const head = { protocol, code: cursor.u8(), identifier: cursor.u8(), length: cursor.u16() };
    if (head.length < 4) {
      packet.fail(protocol, at, 4, head.length, 'length');
      packet.layers.push(head);
      return payload(cursor.at, end);
    }
    const body = cursor.part(head.length - 4, 'length');
    if (hasOptions && CONFIGURE.has(head.code)) packet.layers.push({ ...head, options: readOptions(body) });
    else packet.layers.push({ ...head, data: body.hex() });
    return NOTHING;
  };
}

function readOptions(body: Cursor): { type: number; data: string }[] {
  const options = [];
  while (body.left > 0 && body.has(2, 'option')) {
    const type = body.u8();
    const length = body.u8();
    if (length < 2) {
      body.packet.fail(body.layer, body.at - 2, 2, length, 'option length');
      break;
    }
    options.push({ type, data: body.part(length - 2, 'option length').hex() });
  }
  return options;
}

export const decodeLcp = controlDecoder('lcp', true);
export const decodeIpcp = controlDecoder('ipcp', true);
export const decodeIpv6cp = controlDecoder('ipv6cp', true);
export const decodePap = controlDecoder('pap', false);
export const decodeChap = controlDecoder('chap', false);

/** Writes the header into `into` at `offset`; returns where the payload goes. */
export function encodePpp(message: Omit<PppMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  let at = offset;
  if (message.framed) {
    into[at++] = 0xff;
    into[at++] = 0x03;
  }
  if (!message.compressed) into[at++] = message.protocolId >> 8;
  into[at++] = message.protocolId & 255;
  return at;
}

export interface PppControlFields extends Omit<PppControlMessage, 'protocol' | 'length'> {
  /** Left out, it is that of the message. */
  readonly length?: number;
}

/** A whole message. */
export function encodePppControl(message: PppControlFields): Uint8Array {
  const bytes = new ByteList()
    .u8(message.code)
    .u8(message.identifier)
    .u16(message.length ?? 0);
  for (const { type, data } of message.options ?? [])
    bytes
      .u8(type)
      .u8(2 + data.length / 2)
      .hex(data);
  bytes.hex(message.data ?? '');
  if (message.length === undefined) bytes.patch16(2, bytes.length);
  return bytes.toBytes();
}
