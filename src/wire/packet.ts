/**
 * A packet while it is taken apart. Every decoder gets the bounds of its part, checks its fixed header once at the
 * door, adds its layer, and says what comes next; it never reads outside of its bounds and never throws.
 */
import type { Fault, Layer } from './layer.js';

/** Which table, and which row of it, reads the bytes from `at` to `end`. */
export interface Next {
  readonly table: 'etherType' | 'ipProtocol' | 'linkType' | 'payload' | 'none';
  readonly key: number;
  readonly at: number;
  readonly end: number;
}

export type Decoder = (packet: Packet, at: number, end: number) => Next;

/** Nothing follows. */
export const NOTHING: Next = { table: 'none', key: 0, at: 0, end: 0 };

export class Packet {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly layers: Layer[] = [];
  fault: Fault | undefined;
  /** Bytes of the current part are missing, so that no checksum over it can be checked. */
  incomplete: boolean;
  /** Where the addresses of the enclosing IP header stand, for the pseudo header; -1 where there is none. */
  addresses = -1;
  /** 4 or 16. */
  addressLength = 0;
  /** The final destination where a routing header holds it, in place of the header's own (RFC 8200 section 8.1). */
  destination = -1;

  constructor(bytes: Uint8Array, incomplete: boolean) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.incomplete = incomplete;
  }

  /** True when `need` bytes are there; otherwise the fault is kept. */
  has(layer: string, at: number, end: number, need: number): boolean {
    if (end - at >= need) return true;
    this.fail(layer, at, need, Math.max(0, end - at));
    return false;
  }

  /** Keeps the first fault. */
  fail(layer: string, offset: number, need: number, have: number, claimedBy?: string): void {
    this.fault ??= claimedBy === undefined ? { layer, offset, need, have } : { layer, offset, need, have, claimedBy };
  }

  /**
   * The end of a part that claims to be `length` long at `at`: at most `end`. A claim beyond what is there is a fault,
   * unless the capture itself was cut short; the part is read as far as it goes.
   */
  claim(layer: string, at: number, length: number, end: number, claimedBy: string): number {
    if (at + length <= end) return at + length;
    if (!this.incomplete) this.fail(layer, at, length, end - at, claimedBy);
    this.incomplete = true;
    return end;
  }
}

/** Bytes as hex, without separators. */
export function hex(bytes: Uint8Array, at: number, end: number): string {
  let text = '';
  for (let i = at; i < end; i++) text += (bytes[i] ?? 0).toString(16).padStart(2, '0');
  return text;
}

/** A hardware address: `00:00:5e:00:53:01`. */
export function formatHardware(bytes: Uint8Array, at: number, length = 6): string {
  let text = '';
  for (let i = 0; i < length; i++) text += `${i === 0 ? '' : ':'}${(bytes[at + i] ?? 0).toString(16).padStart(2, '0')}`;
  return text;
}

/** The bytes of a hardware address as {@link formatHardware} writes it; short ones end in zeros. */
export function hardwareBytes(text: string, length = 6): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const [i, part] of text.split(':').slice(0, length).entries()) bytes[i] = Number.parseInt(part, 16);
  return bytes;
}
