/**
 * A packet while it is taken apart. Every decoder gets the bounds of its part, checks its fixed header once at the
 * door, adds its layer, and says what comes next; it never reads outside of its bounds and never throws.
 */
import { checksum, foldCarries, pseudoHeaderSum } from './checksum.js';
import type { Fault, Layer } from './layer.js';

/** The tables of decoders; see registry.ts. The keys of ports are made by {@link portKey}. */
export type Table = 'linkType' | 'etherType' | 'llc' | 'llcSap' | 'pppProtocol' | 'ipProtocol' | 'udpPort' | 'tcpPort';

/** Which table, and which row of it, reads the bytes from `at` to `end`. */
export interface Next {
  readonly table: Table | 'payload' | 'none';
  readonly key: number;
  readonly at: number;
  readonly end: number;
}

/** @param key that of {@link Next} */
export type Decoder = (packet: Packet, at: number, end: number, key: number) => Next;

/** Both ports as one key: which of them says what the payload is, the tables tell. */
export function portKey(source: number, destination: number): number {
  return source * 0x1_0000 + destination;
}

/** Nothing follows. */
export const NOTHING: Next = { table: 'none', key: 0, at: 0, end: 0 };

/** No codec reads what follows. */
export function payload(at: number, end: number): Next {
  return { table: 'payload', key: 0, at, end };
}

export class Packet {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly layers: Layer[] = [];
  fault: Fault | undefined;
  cut: Fault | undefined;
  /** The end of the current part is missing: no checksum over it can be judged, and a short header is no fault. */
  incomplete: boolean;
  /** Within a quote or a fragment: whatever a length says, this is only a piece of something. */
  piece = false;
  /** The capture says that TCP's and UDP's checksums were still to be filled in by the hardware. */
  readonly checksumPending: boolean;
  /** Where the current part ended on the wire; beyond its `end` where the capture, or a quote, is cut. */
  wireEnd: number;
  /** IP headers so far. */
  networks = 0;
  /** Where the addresses of the innermost IP header stand, for the pseudo header; -1 where there is none. */
  source = -1;
  /** The final destination, which may stand in a routing header (RFC 8200 section 8.1); -1 where it can't be told. */
  destination = -1;
  /** 4 or 16; 0 without an IP header. */
  addressLength = 0;
  /** Where the payload of an IPv6 header with length 0 begins, until a jumbo option gives its length; else -1. */
  jumboFrom = -1;

  /** The payload of the outermost TCP or UDP header; -1 until there is one. */
  payloadAt = -1;
  payloadEnd = -1;

  /** @param originalLength bytes on the wire; above `bytes.length` the capture is cut */
  constructor(bytes: Uint8Array, originalLength: number, checksumPending = false) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.incomplete = originalLength > bytes.length;
    this.wireEnd = Math.max(originalLength, bytes.length);
    this.checksumPending = checksumPending;
  }

  /** True when `need` bytes are there; otherwise {@link short} keeps why. */
  has(layer: string, at: number, end: number, need: number, claimedBy?: string): boolean {
    if (end - at >= need) return true;
    this.short(layer, at, need, Math.max(0, end - at), claimedBy);
    return false;
  }

  /** Bytes are missing: a fault of the packet, unless it is known to be cut here. */
  short(layer: string, offset: number, need: number, have: number, claimedBy?: string): void {
    if (this.incomplete) this.cut ??= faultOf(layer, offset, need, have, claimedBy);
    else this.fail(layer, offset, need, have, claimedBy);
  }

  /** A fault whatever was cut. The first one is kept. */
  fail(layer: string, offset: number, need: number, have: number, claimedBy?: string): void {
    this.fault ??= faultOf(layer, offset, need, have, claimedBy);
  }

  /**
   * The end of a part that claims to be `length` bytes long at `at`: at most `end`. A claim beyond what was there on the
   * wire is a fault; what is only not captured, or not quoted, is none. The part is read as far as it goes.
   */
  claim(layer: string, at: number, length: number, end: number, claimedBy: string): number {
    if (at + length <= end) {
      this.incomplete = this.piece;
      this.wireEnd = at + length;
      return at + length;
    }
    if (this.piece || (this.incomplete && at + length <= this.wireEnd)) {
      this.wireEnd = at + length;
    } else {
      const there = this.incomplete ? Math.max(this.wireEnd, end) : end;
      this.fail(layer, at, length, there - at, claimedBy);
      this.incomplete = true;
      this.wireEnd = there;
    }
    return end;
  }

  /** TCP or UDP ends at `at`, and what it carries at `end`; the outermost one's is kept. */
  carries(at: number, end: number): void {
    if (this.payloadAt >= 0) return;
    this.payloadAt = at;
    this.payloadEnd = Math.max(at, end);
  }

  /** From here on there is only a piece: of a fragmented packet, or of one that an error quotes. */
  enterPiece(): void {
    this.piece = true;
    this.incomplete = true;
  }

  /**
   * Whether the checksum of `[at, end)` with its pseudo header holds; null where that can't be judged.
   *
   * @param field the checksum as it stands
   */
  judge(protocol: number, at: number, end: number, field: number): boolean | null {
    if (this.incomplete || this.destination < 0 || this.checksumPending) return null;
    const { bytes, source, destination, addressLength } = this;
    const pseudo = pseudoHeaderSum(bytes, source, destination, addressLength, protocol, end - at);
    if (checksum(bytes, at, end, pseudo) === 0) return true;
    // Left to hardware, the field holds the sum of the pseudo header alone (Linux: CHECKSUM_PARTIAL).
    return field === foldCarries(pseudo) ? null : false;
  }
}

function faultOf(layer: string, offset: number, need: number, have: number, claimedBy: string | undefined): Fault {
  return claimedBy === undefined ? { layer, offset, need, have } : { layer, offset, need, have, claimedBy };
}
