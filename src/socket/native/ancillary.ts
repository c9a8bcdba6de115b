/** Control messages (cmsg(3)): what the kernel tells beside a message. */
import type { Timestamp } from '../../measure/clock.js';
import type { Endpoint } from '../../sockaddr/endpoint.js';
import { type IPAddress, IPv4Address, IPv6Address } from '../../sockaddr/ip.js';
import { decodeSockaddr } from '../../sockaddr/struct.js';
import { CMSG_ALIGN, CMSGHDR_SIZE, CmsgHeader, Control, ErrorOrigin, ExtendedError, Rfc4884 } from './layout.js';
import type { PinnedMemory } from './memory.js';

/** sock_extended_err of ip(7). */
export interface ExtendedSocketError {
  readonly errno: number;
  /** True when an ICMP message caused it, false for an error of this machine. */
  readonly icmp: boolean;
  readonly icmpType: number;
  readonly icmpCode: number;
  /** The MTU for EMSGSIZE. */
  readonly info: number;
  /** Where the extensions begin in what comes with it (IP_RECVERR_RFC4884); 0 where there are none that are sound. */
  readonly extensionsAt: number;
  readonly offender: Endpoint | undefined;
}

/**
 * The control messages of one message at a time: {@link read} fills the fields anew. One object serves a socket for
 * all of its messages, which come by the million.
 */
export class Ancillary {
  timestamp: Timestamp | undefined;
  hopLimit: number | null = null;
  /** The TOS byte or traffic class: DSCP and ECN. */
  trafficClass: number | null = null;
  destination: IPAddress | null = null;
  interfaceIndex: number | null = null;
  /** Bytes of each datagram that UDP_GRO has put together; 0 when it has not. */
  segmentSize = 0;
  error: ExtendedSocketError | undefined;
  /** The last IPv4 destination: nearly always that of the next message too. */
  #ipv4: IPv4Address | undefined;
  #ipv6: { bytes: Uint8Array; address: IPAddress } | undefined;

  /** Reads the control messages in `[start, end)`. Unknown ones are passed over; a broken length ends the reading. */
  read({ bytes, view }: PinnedMemory, start: number, end: number): void {
    this.timestamp = undefined;
    this.hopLimit = null;
    this.trafficClass = null;
    this.destination = null;
    this.interfaceIndex = null;
    this.segmentSize = 0;
    this.error = undefined;
    let at = start;
    while (at + CMSGHDR_SIZE <= end) {
      const length = view.getUint32(at + CmsgHeader.length, true);
      if (length < CMSGHDR_SIZE || at + length > end) break;
      const key = (view.getInt32(at + CmsgHeader.level, true) << 16) | view.getInt32(at + CmsgHeader.type, true);
      this.#readOne(bytes, view, at + CmsgHeader.data, at + length, key);
      at += Math.ceil(length / CMSG_ALIGN) * CMSG_ALIGN;
    }
  }

  #readOne(bytes: Uint8Array, view: DataView, data: number, end: number, key: number): void {
    const size = end - data;
    switch (key) {
      case Control.timestampNs:
        if (size < 16) return;
        this.timestamp = { seconds: readSeconds(view, data), nanoseconds: view.getUint32(data + 8, true) };
        return;
      case Control.ipTtl:
      case Control.ipv6HopLimit:
        if (size >= 4) this.hopLimit = view.getInt32(data, true);
        return;
      case Control.ipTos:
        // One byte, ip(7).
        if (size >= 1) this.trafficClass = view.getUint8(data);
        return;
      case Control.ipv6TrafficClass:
        if (size >= 4) this.trafficClass = view.getInt32(data, true);
        return;
      case Control.ipPktinfo:
        if (size < 12) return;
        this.interfaceIndex = view.getInt32(data, true);
        this.destination = this.#ipv4Destination(view.getUint32(data + 8));
        return;
      case Control.ipv6Pktinfo:
        if (size < 20) return;
        this.destination = this.#ipv6Destination(bytes, data);
        this.interfaceIndex = view.getInt32(data + 16, true);
        return;
      case Control.udpGro:
        if (size >= 4) this.segmentSize = view.getInt32(data, true);
        return;
      case Control.ipRecverr:
      case Control.ipv6Recverr:
        if (size >= ExtendedError.size) this.error = readExtendedError(bytes, view, data, end);
        return;
      default:
        return;
    }
  }

  #ipv4Destination(value: number): IPv4Address {
    if (this.#ipv4?.value !== value) this.#ipv4 = new IPv4Address(value);
    return this.#ipv4;
  }

  #ipv6Destination(bytes: Uint8Array, at: number): IPAddress {
    const known = this.#ipv6;
    if (known !== undefined) {
      let same = 0;
      while (same < 16 && known.bytes[same] === bytes[at + same]) same++;
      if (same === 16) return known.address;
    }
    const address = IPv6Address.fromBytes(bytes, at).unmap();
    this.#ipv6 = { bytes: bytes.slice(at, at + 16), address };
    return address;
  }
}

/** The 64-bit seconds of a struct timespec: exact below 2^53, without a BigInt for every message. */
function readSeconds(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
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
    extensionsAt:
      icmp && (view.getUint8(data + Rfc4884.flags) & Rfc4884.invalid) === 0
        ? view.getUint16(data + Rfc4884.length, true)
        : 0,
    offender: icmp ? decodeSockaddr(bytes, end - data - ExtendedError.size, data + ExtendedError.size) : undefined,
  };
}
