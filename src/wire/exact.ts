/**
 * A packet taken apart so that nothing of it is lost: beside the layers, the bytes that their fields do not say.
 *
 * Promises: encodePacket (encode.ts) writes the same bytes again, whatever they were.
 */
import { type DissectOptions, dissectTraced, type Extent } from './dissect.js';
import { encodeFront, encodeWhole, type Kept } from './encode.js';
import { ETHERNET_HEADER } from './ethernet.js';
import { ICMP_HEADER, IcmpType } from './icmp.js';
import { IPV4_HEADER } from './ipv4.js';
import { IPV6_HEADER } from './ipv6.js';
import type { Dissection, Layer } from './layer.js';
import { TCP_HEADER } from './tcp.js';
import { encodeTcpOptions } from './tcp-options.js';
import { UDP_HEADER } from './udp.js';
import { VLAN_TAG } from './vlan.js';

export interface ExactDissection extends Dissection {
  /** For each layer; undefined where its fields say everything. */
  readonly kept: readonly (Kept | undefined)[];
}

/** The bytes of a layer that its fields do not say, as places in the packet. */
export interface Unsaid {
  /** The index of the layer. */
  readonly layer: number;
  /** All before what it carries; absent where the fields say that. */
  readonly front?: { readonly at: number; readonly end: number };
  /** What stands behind it; absent where nothing does. */
  readonly back?: { readonly at: number; readonly end: number };
}

/**
 * Like `dissect`, with all that encodePacket needs to write the same bytes. It costs about as much as reading the packet
 * and writing it.
 */
export function dissectExactly(bytes: Uint8Array, linkType: number, options: DissectOptions = {}): ExactDissection {
  const { dissection, unsaid } = dissectUnsaid(bytes, linkType, options);
  const kept: (Kept | undefined)[] = dissection.layers.map(() => undefined);
  for (const { layer, front, back } of unsaid) {
    kept[layer] = {
      ...(front === undefined ? {} : { front: bytes.slice(front.at, front.end) }),
      ...(back === undefined ? {} : { back: bytes.slice(back.at, back.end) }),
    };
  }
  return { ...dissection, kept };
}

/** The same, with places instead of copies, of those layers alone that do not say everything. */
export function dissectUnsaid(
  bytes: Uint8Array,
  linkType: number,
  options: DissectOptions = {},
): { readonly dissection: Dissection; readonly unsaid: readonly Unsaid[] } {
  const extents: Extent[] = [];
  const dissection = dissectTraced(bytes, linkType, options, extents);
  const { layers } = dissection;
  const unsaid: Unsaid[] = [];
  for (let i = 0; i < layers.length; i++) {
    const found = unsaidOf(layers, i, bytes, extents[i] as Extent);
    if (found !== undefined) unsaid.push(found);
  }
  return { dissection, unsaid };
}

function unsaidOf(layers: readonly Layer[], index: number, bytes: Uint8Array, extent: Extent): Unsaid | undefined {
  const { at, innerAt, innerEnd, end } = extent;
  const layer = layers[index] as Layer;
  if (layer.protocol === 'payload') return undefined;
  const plain = plainUpTo(layer, bytes, extent);
  const said = plain < 0 ? saidUpTo(layer, layers, index, bytes, extent) : plain;
  if (said === end) return undefined;
  if (said >= 0) return { layer: index, back: { at: said, end } };
  const front = { at, end: innerAt };
  return innerEnd === end ? { layer: index, front } : { layer: index, front, back: { at: innerEnd, end } };
}

/**
 * The same as {@link saidUpTo}, without writing anything, for headers that most packets have: where all of their bits are
 * fields. Where it is -1, nothing is known.
 */
function plainUpTo(layer: Layer, bytes: Uint8Array, { at, innerAt, innerEnd, end }: Extent): number {
  const length = innerAt - at;
  switch (layer.protocol) {
    case 'ethernet':
      return length === ETHERNET_HEADER ? innerEnd : -1;
    case 'vlan':
      return length === VLAN_TAG ? innerEnd : -1;
    case 'ipv4':
      // The highest flag is reserved.
      if (length !== IPV4_HEADER || layer.options !== undefined) return -1;
      return ((bytes[at + 6] as number) & 0x80) === 0 ? innerEnd : -1;
    case 'ipv6':
      return length === IPV6_HEADER ? innerEnd : -1;
    case 'udp':
      return length === UDP_HEADER ? innerEnd : -1;
    case 'tcp': {
      if (layer.headerLength !== length || ((bytes[at + 12] as number) & 0x0e) !== 0) return -1;
      if (length === TCP_HEADER) return layer.options.length === 0 ? innerEnd : -1;
      const options = encodeTcpOptions(layer.options);
      return options.length === length - TCP_HEADER && stands(options, bytes, at + TCP_HEADER) ? innerEnd : -1;
    }
    case 'icmp':
      return ECHO.has(layer.icmpType) && length === ICMP_HEADER ? innerEnd : -1;
    case 'arp': {
      // It carries nothing: what stands behind its four addresses is padding.
      const stop = at + 8 + 2 * ((bytes[at + 4] as number) + (bytes[at + 5] as number));
      return innerAt === end && stop <= end ? stop : -1;
    }
    default:
      return -1;
  }
}

const ECHO: ReadonlySet<number> = new Set([IcmpType.echoRequest, IcmpType.echoReply]);

/** Where what the layer's fields say of the packet ends; -1 where they say something else. */
function saidUpTo(
  layer: Layer,
  layers: readonly Layer[],
  index: number,
  bytes: Uint8Array,
  { at, innerAt, innerEnd, end }: Extent,
): number {
  // No field has the bodies of these records: trying would end in an error each time.
  if (layer.protocol === 'tls' && layer.clientHello === undefined && layer.serverHello === undefined) return -1;
  try {
    const front = encodeFront(layer, innerEnd - innerAt);
    if (front !== undefined) {
      // A message that carries nothing may have something behind it all the same.
      const none = innerAt === innerEnd && innerAt === end;
      const fits = none ? at + front.length <= end : at + front.length === innerAt;
      if (!fits || !stands(front, bytes, at)) return -1;
      return none ? at + front.length : innerEnd;
    }
    const whole = encodeWhole(layer, layers.slice(0, index), bytes.subarray(innerAt, innerEnd));
    return at + whole.length <= end && stands(whole, bytes, at) ? at + whole.length : -1;
  } catch {
    // What its encoder refuses: only bytes that are not as they should be come to that.
    return -1;
  }
}

function stands(part: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < part.length; i++) if (part[i] !== bytes[at + i]) return false;
  return true;
}
