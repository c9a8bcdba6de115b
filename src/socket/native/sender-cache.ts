/**
 * The senders of messages as endpoints. A socket hears the same ones again and again: a struct sockaddr that was seen
 * before gives the same immutable endpoint, without a new object for every datagram.
 */
import { type Endpoint, unmapEndpoint } from '../../sockaddr/endpoint.js';
import { AddressFamily, decodeSockaddr } from '../../sockaddr/struct.js';
import type { PinnedMemory } from './memory.js';

/** IPv4 senders kept at most; beyond that the cache begins anew. */
const KEPT = 4096;
/** ::ffff:0:0/96 in the words of a sockaddr_in6, as a little-endian machine reads them. */
const MAPPED = 0xffff_0000;

export class SenderCache {
  readonly #ipv4 = new Map<number, Endpoint | undefined>();
  #lastKey = -1;
  #last: Endpoint | undefined;
  /** The last IPv6 sockaddr, in words of 32 bits. */
  readonly #words = new Uint32Array(7);
  #lastV6: Endpoint | undefined;

  /** The endpoint in the sockaddr of `length` bytes at `offset`, IPv4-mapped ones as IPv4; undefined for none. */
  decode({ bytes, view }: PinnedMemory, offset: number, length: number): Endpoint | undefined {
    if (length === 0) return undefined;
    const family = view.getUint16(offset, true);
    if (family === AddressFamily.AF_INET && length >= 16) {
      return this.#fromIPv4(bytes, view, offset, length, view.getUint32(offset + 4, true));
    }
    if (family !== AddressFamily.AF_INET6 || length < 28) return decodeSockaddr(bytes, length, offset);
    const mapped =
      view.getUint32(offset + 8, true) === 0 &&
      view.getUint32(offset + 12, true) === 0 &&
      view.getUint32(offset + 16, true) === MAPPED;
    if (mapped) return this.#fromIPv4(bytes, view, offset, length, view.getUint32(offset + 20, true));
    return this.#fromIPv6(bytes, view, offset, length);
  }

  #fromIPv4(bytes: Uint8Array, view: DataView, offset: number, length: number, address: number): Endpoint | undefined {
    // 16 bits of port and 32 of address fit into a number exactly.
    const key = view.getUint16(offset + 2, true) * 0x1_0000_0000 + address;
    if (key === this.#lastKey) return this.#last;
    let endpoint = this.#ipv4.get(key);
    if (endpoint === undefined) {
      if (this.#ipv4.size >= KEPT) this.#ipv4.clear();
      const decoded = decodeSockaddr(bytes, length, offset);
      endpoint = decoded === undefined ? undefined : unmapEndpoint(decoded);
      this.#ipv4.set(key, endpoint);
    }
    this.#lastKey = key;
    this.#last = endpoint;
    return endpoint;
  }

  #fromIPv6(bytes: Uint8Array, view: DataView, offset: number, length: number): Endpoint | undefined {
    const words = this.#words;
    let same = true;
    for (let i = 0; i < 7; i++) {
      const word = view.getUint32(offset + 4 * i, true);
      if (words[i] === word) continue;
      words[i] = word;
      same = false;
    }
    if (!same || this.#lastV6 === undefined) this.#lastV6 = decodeSockaddr(bytes, length, offset);
    return this.#lastV6;
  }
}
