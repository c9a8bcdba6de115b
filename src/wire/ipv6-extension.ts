/**
 * IPv6 extension headers (RFC 8200 section 4, RFC 4302 for AH), each a layer of its own.
 *
 *     hop-by-hop, routing, destination options   next header:1 length in 8 bytes, the first not counted:1 …
 *     fragment                                   next header:1 reserved:1 offset and M:2 identification:4
 *     authentication                             next header:1 length in 4 bytes, less 2:1 reserved:2 SPI:4 sequence:4 …
 */
import type { Next, Packet } from './packet.js';

type OptionsName = 'ipv6-hop-by-hop' | 'ipv6-routing' | 'ipv6-destination';

export type ExtensionMessage =
  | { readonly protocol: 'ipv6-hop-by-hop' | 'ipv6-destination'; readonly nextHeader: number; readonly length: number }
  | {
      readonly protocol: 'ipv6-routing';
      readonly nextHeader: number;
      readonly length: number;
      readonly routingType: number;
      readonly segmentsLeft: number;
    }
  | {
      readonly protocol: 'ipv6-fragment';
      readonly nextHeader: number;
      /** In bytes. */
      readonly fragmentOffset: number;
      readonly moreFragments: boolean;
      readonly identification: number;
    }
  | {
      readonly protocol: 'ah';
      readonly nextHeader: number;
      readonly length: number;
      readonly spi: number;
      readonly sequence: number;
    };

function decodeSized(name: OptionsName, packet: Packet, at: number, end: number): Next {
  const rest: Next = { table: 'payload', key: 0, at, end };
  if (!packet.has(name, at, end, 8)) return rest;
  const { view } = packet;
  const nextHeader = view.getUint8(at);
  const length = (view.getUint8(at + 1) + 1) * 8;
  if (end - at < length) {
    packet.fail(name, at, length, end - at, 'length');
    return rest;
  }
  if (name === 'ipv6-routing') {
    const routingType = view.getUint8(at + 2);
    const segmentsLeft = view.getUint8(at + 3);
    packet.layers.push({ protocol: name, nextHeader, length, routingType, segmentsLeft });
    finalDestination(packet, at, length, routingType, segmentsLeft);
  } else {
    packet.layers.push({ protocol: name, nextHeader, length });
  }
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end };
}

/** RFC 8200 section 8.1: the pseudo header takes the last address while segments are left. */
function finalDestination(packet: Packet, at: number, length: number, type: number, segmentsLeft: number): void {
  if (segmentsLeft === 0) return;
  // Type 0 and 2 end with the last address; type 4 (RFC 8754) begins its list with it.
  if (type === 4 && length >= 24) packet.destination = at + 8;
  else if ((type === 0 || type === 2) && length >= 24) packet.destination = at + length - 16;
}

export const decodeHopByHop = (packet: Packet, at: number, end: number): Next =>
  decodeSized('ipv6-hop-by-hop', packet, at, end);
export const decodeRouting = (packet: Packet, at: number, end: number): Next =>
  decodeSized('ipv6-routing', packet, at, end);
export const decodeDestination = (packet: Packet, at: number, end: number): Next =>
  decodeSized('ipv6-destination', packet, at, end);

export function decodeFragment(packet: Packet, at: number, end: number): Next {
  if (!packet.has('ipv6-fragment', at, end, 8)) return { table: 'payload', key: 0, at, end };
  const { view } = packet;
  const nextHeader = view.getUint8(at);
  const word = view.getUint16(at + 2);
  const fragmentOffset = word & 0xfff8;
  const moreFragments = (word & 1) !== 0;
  packet.layers.push({
    protocol: 'ipv6-fragment',
    nextHeader,
    fragmentOffset,
    moreFragments,
    identification: view.getUint32(at + 4),
  });
  if (fragmentOffset > 0) return { table: 'payload', key: 0, at: at + 8, end };
  if (moreFragments) packet.incomplete = true;
  return { table: 'ipProtocol', key: nextHeader, at: at + 8, end };
}

export function decodeAuthentication(packet: Packet, at: number, end: number): Next {
  const rest: Next = { table: 'payload', key: 0, at, end };
  if (!packet.has('ah', at, end, 12)) return rest;
  const { view } = packet;
  const nextHeader = view.getUint8(at);
  const length = (view.getUint8(at + 1) + 2) * 4;
  if (length < 12 || end - at < length) {
    packet.fail('ah', at, Math.max(12, length), end - at, 'length');
    return rest;
  }
  packet.layers.push({
    protocol: 'ah',
    nextHeader,
    length,
    spi: view.getUint32(at + 4),
    sequence: view.getUint32(at + 8),
  });
  return { table: 'ipProtocol', key: nextHeader, at: at + length, end };
}
