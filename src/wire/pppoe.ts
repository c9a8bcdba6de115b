/**
 * PPP over Ethernet (RFC 2516): discovery (EtherType 0x8863) and session (0x8864).
 *
 *     +-------+-------+---------------+-------------------------------+
 *     |version| type  |     code      |          session id           |
 *     +-------+-------+---------------+-------------------------------+
 *     |        payload length         |  tags (type:2 length:2 …), or PPP
 *     +-------------------------------+-------------------------------+
 */
import { ByteList } from './byte-list.js';
import { Cursor } from './cursor.js';
import { LinkType } from './link-types.js';
import { type Next, NOTHING, type Packet, payload } from './packet.js';

export interface PppoeMessage {
  readonly protocol: 'pppoe';
  readonly version: number;
  readonly pppoeType: number;
  /** 0x09 PADI, 0x07 PADO, 0x19 PADR, 0x65 PADS, 0xa7 PADT; 0 in a session. */
  readonly code: number;
  readonly sessionId: number;
  readonly payloadLength: number;
  /** Of discovery: type, and value in hex. */
  readonly tags?: readonly { readonly type: number; readonly data: string }[];
}

export const PPPOE_HEADER = 6;

export function decodePppoeSession(packet: Packet, at: number, end: number): Next {
  const message = readHeader(packet, at, end);
  if (message === undefined) return payload(at, end);
  packet.layers.push(message);
  const to = packet.claim('pppoe', at + PPPOE_HEADER, message.payloadLength, end, 'payloadLength');
  if (to <= at + PPPOE_HEADER) return NOTHING;
  return { table: 'linkType', key: LinkType.PPP, at: at + PPPOE_HEADER, end: to };
}

export function decodePppoeDiscovery(packet: Packet, at: number, end: number): Next {
  const message = readHeader(packet, at, end);
  if (message === undefined) return payload(at, end);
  const cursor = new Cursor(packet, 'pppoe', at + PPPOE_HEADER, end).part(message.payloadLength, 'payloadLength');
  const tags = [];
  while (cursor.left > 0 && cursor.has(4, 'tag')) {
    const type = cursor.u16();
    tags.push({ type, data: cursor.part(cursor.u16(), 'tag length').hex() });
  }
  packet.layers.push({ ...message, tags });
  return NOTHING;
}

function readHeader(packet: Packet, at: number, end: number): PppoeMessage | undefined {
  const cursor = new Cursor(packet, 'pppoe', at, end);
  if (!cursor.has(PPPOE_HEADER)) return undefined;
  const first = cursor.u8();
  return {
    protocol: 'pppoe',
    version: first >> 4,
    pppoeType: first & 15,
    code: cursor.u8(),
    sessionId: cursor.u16(),
    payloadLength: cursor.u16(),
  };
}

export interface PppoeFields extends Omit<PppoeMessage, 'protocol' | 'payloadLength'> {
  /** Left out, it is that of the tags and of what follows. */
  readonly payloadLength?: number;
}

/**
 * Header and tags into `into` at `offset`; returns where PPP goes.
 *
 * @param innerLength bytes that follow
 */
export function encodePppoe(message: PppoeFields, into: Uint8Array, offset = 0, innerLength = 0): number {
  const bytes = new ByteList()
    .u8((message.version << 4) | (message.pppoeType & 15))
    .u8(message.code)
    .u16(message.sessionId)
    .u16(message.payloadLength ?? 0);
  for (const { type, data } of message.tags ?? [])
    bytes
      .u16(type)
      .u16(data.length / 2)
      .hex(data);
  if (message.payloadLength === undefined) bytes.patch16(4, bytes.length - PPPOE_HEADER + innerLength);
  into.set(bytes.toBytes(), offset);
  return offset + bytes.length;
}
