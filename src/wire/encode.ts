/**
 * A packet put together from its layers, the way back of dissect.ts.
 *
 * Promises: what {@link dissectExactly} has read is written as it was, to the byte, whatever it was. Fields say what a
 * header means; where the same could be written in another way (names of DNS that point elsewhere, reserved bits that
 * are set, padding that is no zeros), and for what no field says (the bodies of TLS records, what follows the end of a
 * packet in its frame), the bytes themselves are kept beside the layers. Whoever changes a layer leaves out what was
 * kept for it.
 */
import { UsageError } from '../errors.js';
import { encodeDhcp } from './application/dhcp.js';
import { encodeDhcpv6 } from './application/dhcpv6.js';
import { encodeDns } from './application/dns.js';
import { encodeHttp } from './application/http.js';
import { encodeNtp } from './application/ntp.js';
import { encodeQuic } from './application/quic.js';
import { encodeTlsHello, type TlsMessage } from './application/tls.js';
import { encodeArp } from './arp.js';
import { type DissectOptions, dissectTraced, type Extent } from './dissect.js';
import { encodeEsp } from './esp.js';
import { encodeEthernet } from './ethernet.js';
import { encodeGre } from './gre.js';
import { encodeIcmp } from './icmp.js';
import { encodeIcmpv6, Icmpv6Type } from './icmpv6.js';
import { encodeIgmp } from './igmp.js';
import { encodeIPv4 } from './ipv4.js';
import { encodeIPv6 } from './ipv6.js';
import { encodeExtension } from './ipv6-extension.js';
import type { Dissection, Layer } from './layer.js';
import { encodeLlc, encodeSnap } from './llc.js';
import { encodeLldp } from './lldp.js';
import { encodeLoopback } from './loopback.js';
import { encodeMpls } from './mpls.js';
import { encodeOspf } from './ospf.js';
import { encodeGeneve, encodeVxlan } from './overlay.js';
import { encodePpp, encodePppControl } from './ppp.js';
import { encodePppoe } from './pppoe.js';
import { encodeSctp } from './sctp.js';
import { encodeSll } from './sll.js';
import { encodeStp } from './stp.js';
import { encodeTcp } from './tcp.js';
import { encodeUdp } from './udp.js';
import { encodeVlan } from './vlan.js';
import { encodeVrrp } from './vrrp.js';

/** What the fields of a layer do not say of its bytes. */
export interface Kept {
  /** All that stands before what the layer carries, in place of what its fields would give. */
  readonly front?: Uint8Array;
  /** What stands behind it. */
  readonly back?: Uint8Array;
}

export interface ExactDissection extends Dissection {
  /** For each layer; undefined where its fields say everything. */
  readonly kept: readonly (Kept | undefined)[];
}

/** Layers to write; `kept`, one for each of them, may be left out. */
export interface PacketLayers {
  readonly layers: readonly Layer[];
  readonly kept?: readonly (Kept | undefined)[];
}

const EMPTY = new Uint8Array(0);

/**
 * Like `dissect`, with all that {@link encodePacket} needs to write the same bytes. It costs about as much as reading
 * the packet and writing it.
 */
export function dissectExactly(bytes: Uint8Array, linkType: number, options: DissectOptions = {}): ExactDissection {
  const extents: Extent[] = [];
  const dissection = dissectTraced(bytes, linkType, options, extents);
  const { layers } = dissection;
  const kept = layers.map((layer, i) => keptOf(layer, layers.slice(0, i), bytes, extents[i] as Extent));
  return { ...dissection, kept };
}

function keptOf(layer: Layer, outer: readonly Layer[], bytes: Uint8Array, extent: Extent): Kept | undefined {
  const { at, innerAt, innerEnd, end } = extent;
  const whole = bytes.subarray(at, end);
  const written = tryEncode(layer, outer, bytes.subarray(innerAt, innerEnd));
  if (written !== undefined && beginsWith(whole, written)) {
    return written.length === whole.length ? undefined : { back: whole.slice(written.length) };
  }
  const back = bytes.slice(innerEnd, end);
  return { front: bytes.slice(at, innerAt), ...(back.length > 0 ? { back } : {}) };
}

/** Undefined for what its encoder refuses: only bytes that are not as they should be come to that. */
function tryEncode(layer: Layer, outer: readonly Layer[], inner: Uint8Array): Uint8Array | undefined {
  try {
    return encodeLayer(layer, outer, inner);
  } catch {
    return undefined;
  }
}

function beginsWith(whole: Uint8Array, part: Uint8Array): boolean {
  return part.length <= whole.length && part.every((byte, i) => byte === whole[i]);
}

/**
 * The bytes of a packet: each layer written from its fields, lengths and checksums as they say, around what it carries.
 *
 * @throws AddressError, UsageError, RangeError for fields that can't be written
 */
export function encodePacket({ layers, kept = [] }: PacketLayers): Uint8Array {
  let inner: Uint8Array = EMPTY;
  for (let i = layers.length - 1; i >= 0; i--) {
    const { front, back = EMPTY } = kept[i] ?? {};
    const layer = layers[i] as Layer;
    inner =
      front === undefined ? joined(encodeLayer(layer, layers.slice(0, i), inner), back) : joined(front, inner, back);
  }
  return inner;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Room for any header that is written into a buffer. */
const MAX_HEADER = 2100;

/** A header that is written into a buffer, and what it carries. */
function headed(inner: Uint8Array, write: (into: Uint8Array) => number): Uint8Array {
  const into = new Uint8Array(MAX_HEADER);
  return joined(into.subarray(0, write(into)), inner);
}

/** @param outer the layers around it */
function encodeLayer(layer: Layer, outer: readonly Layer[], inner: Uint8Array): Uint8Array {
  switch (layer.protocol) {
    case 'payload':
      return layer.data;
    case 'ethernet':
      return headed(inner, (into) => encodeEthernet(layer, into));
    case 'vlan':
      return headed(inner, (into) => encodeVlan(layer, into));
    case 'llc':
      return headed(inner, (into) => encodeLlc(layer, into));
    case 'snap':
      return headed(inner, (into) => encodeSnap(layer, into));
    case 'sll':
      return headed(inner, (into) => encodeSll(layer, into));
    case 'loopback':
      return headed(inner, (into) => encodeLoopback(layer, into));
    case 'ppp':
      return headed(inner, (into) => encodePpp(layer, into));
    case 'pppoe':
      return headed(inner, (into) => encodePppoe(layer, into));
    case 'mpls':
      return headed(inner, (into) => encodeMpls(layer, into));
    case 'arp':
      return headed(inner, (into) => encodeArp(layer, into));
    case 'ipv4':
      return headed(inner, (into) => encodeIPv4(layer, inner.length, into));
    case 'ipv6':
      return headed(inner, (into) => encodeIPv6(layer, inner.length, into));
    case 'ipv6-hop-by-hop':
    case 'ipv6-destination':
    case 'ipv6-routing':
    case 'ipv6-fragment':
    case 'ah':
      return headed(inner, (into) => encodeExtension(layer, into));
    case 'esp':
      return headed(inner, (into) => encodeEsp(layer, into));
    case 'vxlan':
      return headed(inner, (into) => encodeVxlan(layer, into));
    case 'geneve':
      return headed(inner, (into) => encodeGeneve(layer, into));
    case 'gre':
      return encodeGre(layer, inner);
    case 'icmp':
      return encodeIcmp(layer, inner);
    case 'icmpv6':
      // A redirect has what it quotes among its options.
      return encodeIcmpv6(layer, layer.icmpType === Icmpv6Type.redirect ? EMPTY : inner);
    case 'tcp':
      return encodeTcp(layer, inner);
    case 'udp':
      return encodeUdp(layer, inner);
    case 'tcp-partial': {
      const { sourcePort, destinationPort, sequence } = layer;
      return joined(encodeTcp({ sourcePort, destinationPort, sequence }, EMPTY).subarray(0, 8), inner);
    }
    case 'ospf':
      return encodeOspf(layer, inner);
    default:
      return joined(encodeMessage(layer, outer), inner);
  }
}

/** Messages that carry nothing; what follows them stands behind. */
function encodeMessage(layer: Layer, outer: readonly Layer[]): Uint8Array {
  switch (layer.protocol) {
    case 'igmp': {
      const { version: _, group, ...fields } = layer;
      return encodeIgmp(group === null ? fields : { ...fields, group });
    }
    case 'sctp':
      return encodeSctp(layer);
    case 'vrrp':
      return encodeVrrp(layer);
    case 'stp':
      return encodeStp(layer);
    case 'lldp':
      return encodeLldp(layer);
    case 'lcp':
    case 'ipcp':
    case 'ipv6cp':
    case 'pap':
    case 'chap':
      return encodePppControl(layer);
    case 'dns':
    case 'mdns': {
      const message = encodeDns(layer);
      const stream = outer.findLast(({ protocol }) => protocol === 'tcp' || protocol === 'udp')?.protocol === 'tcp';
      return stream ? joined(Uint8Array.of(message.length >> 8, message.length & 255), message) : message;
    }
    case 'dhcp':
      return encodeDhcp(layer);
    case 'dhcpv6':
      return encodeDhcpv6(layer);
    case 'ntp':
      return encodeNtp(layer);
    case 'http':
      return encodeHttp(layer);
    case 'quic':
      return encodeQuic(layer);
    case 'tls':
      return encodeTls(layer);
    default:
      throw new UsageError(`no encoder for a layer '${layer.protocol}'`, 'keep the bytes that it was read from');
  }
}

/** A hello that is a record of its own; the bodies of other records are in no field. */
function encodeTls({ records, clientHello, serverHello }: TlsMessage): Uint8Array {
  const hello = clientHello ?? serverHello;
  if (hello === undefined)
    throw new UsageError('no field has the body of a TLS record', 'keep the bytes that it was read from');
  return encodeTlsHello(hello, hello === clientHello, records[0]?.version);
}
