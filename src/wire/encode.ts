/**
 * A packet put together from its layers, the way back of dissect.ts.
 *
 * Promises: what dissectExactly (exact.ts) has read is written as it was, to the byte, whatever it was. Fields say what a
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
import { encodeEsp } from './esp.js';
import { encodeEthernet } from './ethernet.js';
import { encodeGre } from './gre.js';
import { encodeIcmp } from './icmp.js';
import { encodeIcmpv6, Icmpv6Type } from './icmpv6.js';
import { encodeIgmp } from './igmp.js';
import { encodeIPv4 } from './ipv4.js';
import { encodeIPv6 } from './ipv6.js';
import { encodeExtension } from './ipv6-extension.js';
import type { Layer } from './layer.js';
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

/** Layers to write; `kept`, one for each of them, may be left out. */
export interface PacketLayers {
  readonly layers: readonly Layer[];
  readonly kept?: readonly (Kept | undefined)[];
}

const EMPTY = new Uint8Array(0);

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

/** The largest header that is written into a buffer. */
const MAX_HEADER = 2100;
const scratch = new Uint8Array(MAX_HEADER);

/** What a header's encoder writes, valid until the next one. */
function header(write: (into: Uint8Array) => number): Uint8Array {
  return scratch.subarray(0, write(scratch));
}

function encodeLayer(layer: Layer, outer: readonly Layer[], inner: Uint8Array): Uint8Array {
  const front = encodeFront(layer, inner.length);
  return front === undefined ? encodeWhole(layer, outer, inner) : joined(front, inner);
}

/**
 * What stands before what a layer carries, where the layer's own fields say all of it; undefined for other layers. It is
 * valid until the next one is written.
 */
export function encodeFront(layer: Layer, innerLength: number): Uint8Array | undefined {
  switch (layer.protocol) {
    case 'ethernet':
      return header((into) => encodeEthernet(layer, into));
    case 'vlan':
      return header((into) => encodeVlan(layer, into));
    case 'llc':
      return header((into) => encodeLlc(layer, into));
    case 'snap':
      return header((into) => encodeSnap(layer, into));
    case 'sll':
      return header((into) => encodeSll(layer, into));
    case 'loopback':
      return header((into) => encodeLoopback(layer, into));
    case 'ppp':
      return header((into) => encodePpp(layer, into));
    case 'pppoe':
      return header((into) => encodePppoe(layer, into));
    case 'mpls':
      return header((into) => encodeMpls(layer, into));
    case 'arp':
      return header((into) => encodeArp(layer, into));
    case 'ipv4':
      return header((into) => encodeIPv4(layer, innerLength, into));
    case 'ipv6':
      return header((into) => encodeIPv6(layer, innerLength, into));
    case 'ipv6-hop-by-hop':
    case 'ipv6-destination':
    case 'ipv6-routing':
    case 'ipv6-fragment':
    case 'ah':
      return header((into) => encodeExtension(layer, into));
    case 'esp':
      return header((into) => encodeEsp(layer, into));
    case 'vxlan':
      return header((into) => encodeVxlan(layer, into));
    case 'geneve':
      return header((into) => encodeGeneve(layer, into));
    case 'gre':
      return encodeGre(layer, EMPTY);
    case 'tcp':
      return encodeTcp(layer, EMPTY);
    case 'udp':
      return encodeUdp(layer, EMPTY);
    case 'tcp-partial': {
      const { sourcePort, destinationPort, sequence } = layer;
      return encodeTcp({ sourcePort, destinationPort, sequence }, EMPTY).subarray(0, 8);
    }
    case 'ospf':
      return encodeOspf(layer, EMPTY);
    default:
      return undefined;
  }
}

/**
 * A layer that is no header in front of what it carries.
 *
 * @param outer the layers around it
 */
export function encodeWhole(layer: Layer, outer: readonly Layer[], inner: Uint8Array): Uint8Array {
  switch (layer.protocol) {
    case 'payload':
      return layer.data;
    case 'icmp':
      return encodeIcmp(layer, inner);
    case 'icmpv6':
      // A redirect has what it quotes among its options.
      return encodeIcmpv6(layer, layer.icmpType === Icmpv6Type.redirect ? EMPTY : inner);
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
