/**
 * The header of BSD loopback captures: LINKTYPE_NULL, four bytes of address family in the byte order of whoever
 * captured, and LINKTYPE_LOOP, the same in network order.
 */
import { EtherType } from './numbers.js';
import { type Next, type Packet, payload } from './packet.js';

export interface LoopbackMessage {
  readonly protocol: 'loopback';
  /** AF_INET is 2 everywhere; AF_INET6 is 10 (Linux), 24 (NetBSD, OpenBSD), 28 (FreeBSD) or 30 (macOS). */
  readonly addressFamily: number;
  /** Of the family: that of the machine which has captured, or, on OpenBSD, always the network's. */
  readonly byteOrder: 'little' | 'big';
}

export const LOOPBACK_HEADER = 4;

const ETHERTYPE_OF_FAMILY: Readonly<Record<number, number>> = {
  2: EtherType.ipv4,
  10: EtherType.ipv6,
  24: EtherType.ipv6,
  28: EtherType.ipv6,
  30: EtherType.ipv6,
};

export function decodeLoopback(packet: Packet, at: number, end: number): Next {
  if (!packet.has('loopback', at, end, LOOPBACK_HEADER)) return payload(at, end);
  const big = packet.view.getUint32(at);
  // A family is a small number: whichever order makes it one is the right one.
  const swapped = big > 0xffff;
  const addressFamily = swapped ? packet.view.getUint32(at, true) : big;
  packet.layers.push({ protocol: 'loopback', addressFamily, byteOrder: swapped ? 'little' : 'big' });
  const etherType = ETHERTYPE_OF_FAMILY[addressFamily];
  const from = at + LOOPBACK_HEADER;
  return etherType === undefined ? payload(from, end) : { table: 'etherType', key: etherType, at: from, end };
}

/** Writes the header in network order, which both link types may have; returns where the payload goes. */
export function encodeLoopback(message: Omit<LoopbackMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  new DataView(into.buffer, into.byteOffset + offset, LOOPBACK_HEADER).setUint32(
    0,
    message.addressFamily,
    message.byteOrder === 'little',
  );
  return offset + LOOPBACK_HEADER;
}
