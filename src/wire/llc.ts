/**
 * LLC (IEEE 802.2) of 802.3 frames, and SNAP (IEEE 802, RFC 1042) behind it.
 *
 *     LLC    DSAP:1 SSAP:1 control:1, or 2 for I and S frames
 *     SNAP   organization:3 protocol:2, where both SAPs are 0xaa
 */
import { type Next, type Packet, payload } from './packet.js';

export interface LlcMessage {
  readonly protocol: 'llc';
  /** Destination service access point; its lowest bit says that it is a group. */
  readonly destinationSap: number;
  /** Source service access point; its lowest bit says that it is a response. */
  readonly sourceSap: number;
  /** One byte for unnumbered frames (its two lowest bits are ones), otherwise two. */
  readonly control: number;
}

export interface SnapMessage {
  readonly protocol: 'snap';
  /** 24 bits; 0 where the protocol is an EtherType. */
  readonly organization: number;
  readonly protocolId: number;
}

export const LlcSap = { ip: 0x06, stp: 0x42, snap: 0xaa, ipx: 0xe0, iso: 0xfe } as const;

/** EtherTypes under organizations of their own: 0 is RFC 1042, 0xf8 is 802.1H (bridge tunnels). */
const ENCAPSULATED = new Set([0, 0xf8]);

export function decodeLlc(packet: Packet, at: number, end: number): Next {
  if (!packet.has('llc', at, end, 3)) return payload(at, end);
  const { view } = packet;
  const first = view.getUint8(at + 2);
  const unnumbered = (first & 3) === 3;
  if (!unnumbered && !packet.has('llc', at, end, 4)) return payload(at, end);
  const destinationSap = view.getUint8(at);
  packet.layers.push({
    protocol: 'llc',
    destinationSap,
    sourceSap: view.getUint8(at + 1),
    control: unnumbered ? first : view.getUint16(at + 2),
  });
  const from = at + (unnumbered ? 3 : 4);
  return first === 3 ? { table: 'llcSap', key: destinationSap, at: from, end } : payload(from, end);
}

export function decodeSnap(packet: Packet, at: number, end: number): Next {
  if (!packet.has('snap', at, end, 5)) return payload(at, end);
  const organization = (packet.view.getUint8(at) << 16) | packet.view.getUint16(at + 1);
  const protocolId = packet.view.getUint16(at + 3);
  packet.layers.push({ protocol: 'snap', organization, protocolId });
  if (!ENCAPSULATED.has(organization)) return payload(at + 5, end);
  return { table: 'etherType', key: protocolId, at: at + 5, end };
}

/** Writes the header into `into` at `offset`; returns where the payload goes. */
export function encodeLlc(message: Omit<LlcMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  into[offset] = message.destinationSap;
  into[offset + 1] = message.sourceSap;
  if (message.control <= 0xff && (message.control & 3) === 3) {
    into[offset + 2] = message.control;
    return offset + 3;
  }
  into[offset + 2] = message.control >> 8;
  into[offset + 3] = message.control & 255;
  return offset + 4;
}

/** Writes the header into `into` at `offset`; returns where the payload goes. */
export function encodeSnap(message: Omit<SnapMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  into[offset] = message.organization >> 16;
  into[offset + 1] = (message.organization >> 8) & 255;
  into[offset + 2] = message.organization & 255;
  into[offset + 3] = message.protocolId >> 8;
  into[offset + 4] = message.protocolId & 255;
  return offset + 5;
}
