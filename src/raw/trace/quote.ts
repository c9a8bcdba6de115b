/**
 * The packet that an ICMP error quotes: its IP header and at least eight bytes behind it are there (RFC 792; RFC 1812
 * section 4.3.2.3 asks for more, RFC 4443 section 3.3 for all that fits), changed by whoever had it in their hands.
 */
import { type IPAddress, type IPFamily, IPv4Address, IPv6Address } from '../../sockaddr/ip.js';
import { IPV4_HEADER } from '../../wire/ipv4.js';
import { IPV6_HEADER } from '../../wire/ipv6.js';
import { IPProtocol } from '../../wire/numbers.js';

export interface Quote {
  readonly source: IPAddress;
  readonly destination: IPAddress;
  readonly protocol: number;
  readonly ttl: number;
  readonly trafficClass: number;
  readonly totalLength: number;
  /** Null for IPv6. */
  readonly identification: number | null;
  /** What stands behind the IP header, eight bytes at least; what fills a quote up is not there. */
  readonly message: Uint8Array;
}

/** What every error quotes of a message. */
export const QUOTED_BYTES = 8;

const FRAGMENT_HEADER = 8;

/**
 * Reads what `bytes` quote; undefined for what is no IP header of this family with eight bytes behind it, and for
 * fragments that do not begin the packet.
 */
export function readQuote(family: IPFamily, bytes: Uint8Array): Quote | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return family === 'ipv4' ? readIPv4(bytes, view) : readIPv6(bytes, view);
}

function readIPv4(bytes: Uint8Array, view: DataView): Quote | undefined {
  if (bytes.length < IPV4_HEADER + QUOTED_BYTES || view.getUint8(0) >> 4 !== 4) return undefined;
  const headerLength = (view.getUint8(0) & 15) * 4;
  if (headerLength < IPV4_HEADER || bytes.length < headerLength + QUOTED_BYTES) return undefined;
  if ((view.getUint16(6) & 0x1fff) !== 0) return undefined;
  const totalLength = view.getUint16(2);
  return {
    source: IPv4Address.fromBytes(bytes, 12),
    destination: IPv4Address.fromBytes(bytes, 16),
    protocol: view.getUint8(9),
    ttl: view.getUint8(8),
    trafficClass: view.getUint8(1),
    totalLength,
    identification: view.getUint16(4),
    message: messageOf(bytes, headerLength, totalLength),
  };
}

function readIPv6(bytes: Uint8Array, view: DataView): Quote | undefined {
  if (bytes.length < IPV6_HEADER + QUOTED_BYTES || view.getUint8(0) >> 4 !== 6) return undefined;
  const totalLength = IPV6_HEADER + view.getUint16(4);
  let protocol = view.getUint8(6);
  let from = IPV6_HEADER;
  // A probe that is larger than the first link has left this machine in fragments (RFC 8200 section 4.5).
  if (protocol === IPProtocol.fragment) {
    if (view.getUint16(from + 2) >> 3 !== 0) return undefined;
    protocol = view.getUint8(from);
    from += FRAGMENT_HEADER;
    if (bytes.length < from + QUOTED_BYTES) return undefined;
  }
  return {
    source: IPv6Address.fromBytes(bytes, 8),
    destination: IPv6Address.fromBytes(bytes, 24),
    protocol,
    ttl: view.getUint8(7),
    trafficClass: (view.getUint16(0) >> 4) & 255,
    totalLength,
    identification: null,
    message: messageOf(bytes, from, totalLength),
  };
}

/** A length that is too small for what is there for certain has been spoilt on the way. */
function messageOf(bytes: Uint8Array, from: number, totalLength: number): Uint8Array {
  const end = totalLength >= from + QUOTED_BYTES ? Math.min(bytes.length, totalLength) : bytes.length;
  return bytes.subarray(from, end);
}
