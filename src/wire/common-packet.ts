/**
 * What most packets are, TCP or UDP in one IP header on Ethernet with at most one VLAN tag, found without an object for
 * each layer: for whoever has a million of them to write down. Everything else, and all that is not as it should be in
 * any way, is left to {@link dissect}, which this agrees with to the field; a test holds one against the other.
 */
import { checksum, foldCarries, pseudoHeaderSum } from './checksum.js';
import { EtherType, IPProtocol } from './numbers.js';
import { isServicePort } from './registry.js';
import { TCP_HEADER } from './tcp.js';
import { UDP_HEADER } from './udp.js';

const ETHERNET = 14;
/** Two times no operation, then timestamps: the options that most segments have. */
const TIMESTAMP_OPTIONS = 0x0101_080a;
const TIMESTAMPS_LENGTH = 12;

/** One instance is filled again for each packet; its fields hold after {@link CommonPacket.read} was true. */
export class CommonPacket {
  /** Where the frame begins; all places are such in the bytes that were read. */
  start = 0;
  /** Of the tag; -1 without one. */
  vlan = -1;
  family: 4 | 6 = 4;
  /** Where the IP header and the one of TCP or UDP begin, and where the payload begins and ends. */
  ipAt = 0;
  at = 0;
  payloadAt = 0;
  end = 0;
  tcp = false;
  /** Of the IPv4 header; null where the sum was left to hardware. */
  headerChecksumValid: boolean | null = true;
  checksumValid: boolean | null = true;
  /** Whether TCP has timestamps as its only options. */
  timestamps = false;
  /** Whether its fields say all of it: not where bits of TCP are set that none has. Padding behind `end` is for the reader. */
  exact = true;

  /** `bytes[start, end)` is a whole frame, nothing of it cut. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < ETHERNET + 28) return false;
    let at = start + ETHERNET;
    let etherType = word(bytes, at - 2);
    this.start = start;
    this.vlan = -1;
    if (etherType === EtherType.vlan) {
      this.vlan = word(bytes, at);
      etherType = word(bytes, at + 2);
      at += 4;
    }
    this.ipAt = at;
    if (etherType === EtherType.ipv4) return this.#readIPv4(bytes, at, end);
    return etherType === EtherType.ipv6 && this.#readIPv6(bytes, at, end);
  }

  #readIPv4(bytes: Uint8Array, at: number, frameEnd: number): boolean {
    if (bytes[at] !== 0x45 || at + 20 > frameEnd) return false;
    const total = word(bytes, at + 2);
    // More fragments, an offset, or the reserved bit.
    if (total < 20 || at + total > frameEnd || (word(bytes, at + 6) & 0xbfff) !== 0) return false;
    this.family = 4;
    const valid = checksum(bytes, at, at + 20) === 0;
    this.headerChecksumValid = valid || word(bytes, at + 10) !== 0 ? valid : null;
    return this.#readTransport(bytes, bytes[at + 9] as number, at + 20, at + total, at + 12, 4);
  }

  #readIPv6(bytes: Uint8Array, at: number, frameEnd: number): boolean {
    if (at + 40 > frameEnd || (bytes[at] as number) >> 4 !== 6) return false;
    const payload = word(bytes, at + 4);
    if (payload === 0 || at + 40 + payload > frameEnd) return false;
    this.family = 6;
    return this.#readTransport(bytes, bytes[at + 6] as number, at + 40, at + 40 + payload, at + 8, 16);
  }

  #readTransport(bytes: Uint8Array, protocol: number, at: number, end: number, source: number, size: number): boolean {
    this.exact = true;
    this.at = at;
    this.end = end;
    let field: number;
    if (protocol === IPProtocol.tcp) {
      if (!this.#readTcp(bytes, at, end)) return false;
      field = word(bytes, at + 16);
    } else if (protocol === IPProtocol.udp) {
      if (at + UDP_HEADER > end || word(bytes, at + 4) !== end - at) return false;
      if (isServicePort(word(bytes, at)) || isServicePort(word(bytes, at + 2))) return false;
      this.tcp = false;
      this.payloadAt = at + UDP_HEADER;
      field = word(bytes, at + 6);
      if (field === 0) {
        this.checksumValid = null;
        return true;
      }
    } else return false;
    const pseudo = pseudoHeaderSum(bytes, source, source + size, size, protocol, end - at);
    const right = checksum(bytes, at, end, pseudo) === 0;
    this.checksumValid = right ? true : field === foldCarries(pseudo) ? null : false;
    return true;
  }

  #readTcp(bytes: Uint8Array, at: number, end: number): boolean {
    if (at + TCP_HEADER > end) return false;
    const offset = bytes[at + 12] as number;
    this.exact = (offset & 0x0e) === 0;
    const headerLength = (offset >> 4) * 4;
    this.timestamps = headerLength === TCP_HEADER + TIMESTAMPS_LENGTH;
    if (!this.timestamps && headerLength !== TCP_HEADER) return false;
    if (at + headerLength > end) return false;
    if (this.timestamps && long(bytes, at + TCP_HEADER) !== TIMESTAMP_OPTIONS) return false;
    this.tcp = true;
    this.payloadAt = at + headerLength;
    if (this.payloadAt === end) return true;
    // Text in capitals may be HTTP, and bytes from 20 to 23 TLS.
    const first = bytes[this.payloadAt] as number;
    const tells = (first >= 20 && first <= 23) || (first >= 65 && first <= 90) || first === 45;
    return !tells && word(bytes, at) !== 53 && word(bytes, at + 2) !== 53;
  }
}

/** Two bytes as a number. */
export function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Four bytes as a number from 0 up. */
export function long(bytes: Uint8Array, at: number): number {
  return word(bytes, at) * 0x1_0000 + word(bytes, at + 2);
}
