/** A packet taken apart, from its link header to its payload. Never throws, and ends: layers are bounded. */
import type { Dissection } from './layer.js';
import { type Next, Packet } from './packet.js';
import { DECODERS } from './registry.js';

export type { Dissection } from './layer.js';

/** Tunnels within tunnels end here; no real packet comes near. */
const MAX_LAYERS = 64;

/** RFC 8200: no next header. */
const NO_NEXT_HEADER = 59;

export interface DissectOptions {
  /** Length on the wire; above `bytes.length` the capture is cut, and no checksum over the cut part is judged. */
  readonly originalLength?: number;
}

/**
 * The layers of `bytes`, whose first header is that of `linkType` (a LINKTYPE_ number).
 *
 * Payload layers are views of `bytes`.
 */
export function dissect(bytes: Uint8Array, linkType: number, options: DissectOptions = {}): Dissection {
  const packet = new Packet(bytes, (options.originalLength ?? bytes.length) > bytes.length);
  return walk(packet, { table: 'linkType', key: linkType, at: 0, end: bytes.length });
}

/** The layers of what an IP header of protocol `protocolNumber` would carry, as message sockets deliver it. */
export function dissectProtocol(bytes: Uint8Array, protocolNumber: number): Dissection {
  return walk(new Packet(bytes, false), { table: 'ipProtocol', key: protocolNumber, at: 0, end: bytes.length });
}

function walk(packet: Packet, first: Next): Dissection {
  let next = first;
  while (next.table !== 'none' && packet.layers.length < MAX_LAYERS) {
    const { table, key, at, end } = next;
    if (table === 'ipProtocol' && key === NO_NEXT_HEADER) break;
    const decode = table === 'payload' ? undefined : DECODERS[table].get(key);
    // A header at the very end of a quoted or cut packet is no fault of the packet.
    if (decode === undefined || (at >= end && packet.incomplete)) {
      if (end > at) packet.layers.push({ protocol: 'payload', length: end - at, data: packet.bytes.subarray(at, end) });
      break;
    }
    next = decode(packet, at, end);
  }
  return packet.fault === undefined ? { layers: packet.layers } : { layers: packet.layers, malformed: packet.fault };
}
