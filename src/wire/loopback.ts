/**
 * The header of BSD loopback captures: LINKTYPE_NULL, four bytes of address family in the byte order of whoever
 * captured, and LINKTYPE_LOOP, the same in network order.
 */
import type { Next, Packet } from './packet.js';

export interface LoopbackMessage {
  readonly protocol: 'loopback';
  /** AF_INET is 2 everywhere; AF_INET6 is 24, 28 or 30 by system. */
  readonly addressFamily: number;
}

const ETHERTYPE_OF_FAMILY: Readonly<Record<number, number>> = {
  2: 0x0800,
  10: 0x86dd,
  24: 0x86dd,
  28: 0x86dd,
  30: 0x86dd,
};

export function decodeLoopback(packet: Packet, at: number, end: number): Next {
  if (!packet.has('loopback', at, end, 4)) return { table: 'payload', key: 0, at, end };
  const big = packet.view.getUint32(at);
  // A family is a small number: whichever order makes it one is the right one.
  const addressFamily = big > 0xffff ? packet.view.getUint32(at, true) : big;
  packet.layers.push({ protocol: 'loopback', addressFamily });
  const etherType = ETHERTYPE_OF_FAMILY[addressFamily];
  return { table: etherType === undefined ? 'payload' : 'etherType', key: etherType ?? 0, at: at + 4, end };
}
