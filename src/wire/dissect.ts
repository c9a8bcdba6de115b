/**
 * A packet taken apart, from its link header to its payload.
 *
 * Promises: never throws, whatever the bytes are, and ends: each step goes on in the packet, layers and IP headers
 * within IP headers are bounded. Bytes beyond the bounds come as payload.
 */
import type { Dissection } from './layer.js';
import { type Next, Packet } from './packet.js';
import { findDecoder } from './registry.js';

export type { Dissection } from './layer.js';

/** No real packet comes near; the last of them is then payload. */
const MAX_LAYERS = 64;

/** IP headers in one packet, of tunnels and of what errors quote. */
const MAX_NETWORKS = 16;

export interface DissectOptions {
  /** Length on the wire; above `bytes.length` the capture is cut, and no checksum over the cut part is judged. */
  readonly originalLength?: number;
  /** The capture says that TCP's and UDP's checksums were left to the hardware (TP_STATUS_CSUMNOTREADY, packet(7)). */
  readonly checksumPending?: boolean;
}

/**
 * The layers of `bytes`, whose first header is that of `linkType` (a LINKTYPE_ number, see link-types.ts). An unknown
 * link type gives one payload layer.
 *
 * Payload layers are views of `bytes`.
 */
export function dissect(bytes: Uint8Array, linkType: number, options: DissectOptions = {}): Dissection {
  return dissectTraced(bytes, linkType, options);
}

/** Where a layer stands in the packet, and where what it carries does. */
export interface Extent {
  readonly at: number;
  readonly innerAt: number;
  readonly innerEnd: number;
  readonly end: number;
}

/** Like {@link dissect}; `extents` is given the place of each layer. */
export function dissectTraced(
  bytes: Uint8Array,
  linkType: number,
  options: DissectOptions,
  extents?: Extent[],
): Dissection {
  const packet = new Packet(bytes, options.originalLength ?? bytes.length, options.checksumPending ?? false);
  return walk(packet, { table: 'linkType', key: linkType, at: 0, end: bytes.length }, extents);
}

/** The layers of what an IP header of protocol `protocolNumber` would carry, as message sockets deliver it. */
export function dissectProtocol(bytes: Uint8Array, protocolNumber: number): Dissection {
  return walk(new Packet(bytes, bytes.length), { table: 'ipProtocol', key: protocolNumber, at: 0, end: bytes.length });
}

function walk(packet: Packet, first: Next, extents?: Extent[]): Dissection {
  const { layers } = packet;
  let next = first;
  while (next.table !== 'none') {
    const { table, key, at, end } = next;
    const bounded = layers.length < MAX_LAYERS - 1 && packet.networks < MAX_NETWORKS;
    const decode = table === 'payload' || !bounded ? undefined : findDecoder(table, key);
    if (decode === undefined) {
      if (end > at) {
        layers.push({ protocol: 'payload', length: end - at, data: packet.bytes.subarray(at, end) });
        extents?.push({ at, innerAt: end, innerEnd: end, end });
      }
      break;
    }
    next = decode(packet, at, end, key);
    // A decoder that has added no layer leaves all its bytes to the next one.
    if (extents === undefined || extents.length === layers.length) continue;
    if (next.table === 'none') extents.push({ at, innerAt: end, innerEnd: end, end });
    else extents.push({ at, innerAt: next.at, innerEnd: next.end, end });
  }
  const { fault: malformed, cut, payloadAt, payloadEnd } = packet;
  const whole: Dissection = payloadAt < 0 ? { layers } : { layers, payloadAt, payloadEnd };
  if (malformed !== undefined) return cut === undefined ? { ...whole, malformed } : { ...whole, malformed, cut };
  return cut === undefined ? whole : { ...whole, cut };
}
