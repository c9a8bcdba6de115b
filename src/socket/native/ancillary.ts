/** Control messages (cmsg(3)): what the kernel tells beside a message. */
import type { Timestamp } from '../../measure/clock.js';
import { type Endpoint, formatEndpoint, unmapEndpoint } from '../../sockaddr/endpoint.js';
import { type IPAddress, IPv4Address, IPv6Address } from '../../sockaddr/ip.js';
import { decodeSockaddr } from '../../sockaddr/struct.js';
import { CMSG_ALIGN, CMSGHDR_SIZE, Control, ErrorOrigin, ExtendedError } from './layout.js';

export interface Ancillary {
  timestamp: Timestamp | undefined;
  hopLimit: number | null;
  destination: IPAddress | null;
  interfaceIndex: number | null;
  /** Messages that the socket has dropped since it was opened (SO_RXQ_OVFL). */
  overflow: number | undefined;
  error: ExtendedSocketError | undefined;
}

/** sock_extended_err of ip(7). */
export interface ExtendedSocketError {
  readonly errno: number;
  /** True when an ICMP message caused it, false for an error of this machine. */
  readonly icmp: boolean;
  readonly icmpType: number;
  readonly icmpCode: number;
  /** The MTU for EMSGSIZE. */
  readonly info: number;
  readonly offender: Endpoint | undefined;
}

/**
 * Reads the control messages in `bytes[start, end)`. Unknown ones are passed over; a broken length ends the reading.
 */
export function readAncillary(bytes: Uint8Array, view: DataView, start: number, end: number): Ancillary {
  const found: Ancillary = {
    timestamp: undefined,
    hopLimit: null,
    destination: null,
    interfaceIndex: null,
    overflow: undefined,
    error: undefined,
  };
  let at = start;
  while (at + CMSGHDR_SIZE <= end) {
    const length = view.getUint32(at, true);
    if (length < CMSGHDR_SIZE || at + length > end) break;
    readOne(
      found,
      bytes,
      view,
      at + CMSGHDR_SIZE,
      at + length,
      (view.getInt32(at + 8, true) << 16) | view.getInt32(at + 12, true),
    );
    at += Math.ceil(length / CMSG_ALIGN) * CMSG_ALIGN;
  }
  return found;
}

function readOne(found: Ancillary, bytes: Uint8Array, view: DataView, data: number, end: number, key: number): void {
  const size = end - data;
  switch (key) {
    case Control.timestampNs:
      if (size < 16) return;
      found.timestamp = { seconds: Number(view.getBigInt64(data, true)), nanoseconds: view.getUint32(data + 8, true) };
      return;
    case Control.ipTtl:
    case Control.ipv6HopLimit:
      if (size >= 4) found.hopLimit = view.getInt32(data, true);
      return;
    case Control.ipPktinfo:
      if (size < 12) return;
      found.interfaceIndex = view.getInt32(data, true);
      found.destination = IPv4Address.fromBytes(bytes, data + 8);
      return;
    case Control.ipv6Pktinfo:
      if (size < 20) return;
      found.destination = IPv6Address.fromBytes(bytes, data).unmap();
      found.interfaceIndex = view.getInt32(data + 16, true);
      return;
    case Control.rxqOverflow:
      if (size >= 4) found.overflow = view.getUint32(data, true);
      return;
    case Control.ipRecverr:
    case Control.ipv6Recverr:
      if (size >= ExtendedError.size) found.error = readExtendedError(bytes, view, data, end);
      return;
    default:
      return;
  }
}

function readExtendedError(bytes: Uint8Array, view: DataView, data: number, end: number): ExtendedSocketError {
  const origin = view.getUint8(data + ExtendedError.origin);
  const icmp = origin === ErrorOrigin.icmp || origin === ErrorOrigin.icmp6;
  return {
    errno: view.getUint32(data + ExtendedError.errno, true),
    icmp,
    icmpType: view.getUint8(data + ExtendedError.type),
    icmpCode: view.getUint8(data + ExtendedError.code),
    info: view.getUint32(data + ExtendedError.info, true),
    offender: icmp ? decodeSockaddr(bytes, end - data - ExtendedError.size, data + ExtendedError.size) : undefined,
  };
}

/** The sender of each message; a socket mostly hears the same one again, so the last is kept. */
export class SenderCache {
  #key = '';
  #endpoint: Endpoint | undefined;

  decode(bytes: Uint8Array, offset: number, length: number): Endpoint | undefined {
    if (length === 0) return undefined;
    const key = String.fromCharCode(...bytes.subarray(offset, offset + length));
    if (key === this.#key) return this.#endpoint;
    this.#key = key;
    const endpoint = decodeSockaddr(bytes, length, offset);
    this.#endpoint = endpoint === undefined ? undefined : unmapEndpoint(endpoint);
    return this.#endpoint;
  }
}

/** The text of an endpoint that may be missing. */
export function endpointText(endpoint: Endpoint | undefined): string | undefined {
  return endpoint === undefined ? undefined : formatEndpoint(endpoint);
}
