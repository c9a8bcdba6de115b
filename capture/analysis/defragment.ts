/**
 * Puts fragmented IP packets together again (RFC 791 section 3.2, RFC 8200 section 4.5). The last fragment to arrive
 * becomes the whole packet, behind the link header that it came with; the others go on as they are.
 *
 * Bounded: so many packets, so many bytes and so much capture time at once; what a bound drops is counted. Fragments that
 * overlap with other content end the packet, as RFC 5722 demands for IPv6.
 */
import { checksum } from '../../src/wire/checksum.js';
import type { Dissection, Layer } from '../../src/wire/layer.js';

export interface DefragmentLimits {
  /** Packets that are being put together; default 1,024. */
  readonly packets?: number;
  /** Bytes of all of them; default 16 MiB. */
  readonly bytes?: number;
  /** Of capture time; RFC 8200 has 60 s, which is the default. */
  readonly ageMs?: number;
}

interface Part {
  readonly start: number;
  readonly bytes: Uint8Array;
}

interface Pending {
  readonly sinceMs: number;
  readonly parts: Part[];
  /** Bytes of the whole, once the last fragment has told. */
  total: number | undefined;
  held: number;
}

const LARGEST = 65_535;

export class Defragmenter {
  readonly #limits: Required<DefragmentLimits>;
  /** In the order of their first fragments. */
  readonly #pending = new Map<string, Pending>();
  #held = 0;
  /** Packets that were whole again. */
  completed = 0;
  /** Packets that a bound, or an overlap, has dropped. */
  dropped = 0;

  constructor({ packets = 1024, bytes = 16 << 20, ageMs = 60_000 }: DefragmentLimits = {}) {
    this.#limits = { packets, bytes, ageMs };
  }

  /** Packets of which some fragments are there. */
  get incomplete(): number {
    return this.#pending.size;
  }

  /**
   * @param bytes the packet that `dissection` is of; copied where it has to wait
   * @returns the whole packet that this fragment completes; undefined for anything else
   */
  add(bytes: Uint8Array, dissection: Dissection, timeMs: number): Uint8Array | undefined {
    const found = findFragment(dissection.layers);
    if (found === undefined || dissection.malformed !== undefined || dissection.cut !== undefined) return undefined;
    const where = locate(bytes, dissection, found);
    if (where === undefined) return undefined;
    this.#expire(timeMs);
    const { key, offset, more } = found;
    const data = bytes.subarray(where.dataAt, where.end);
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = { sinceMs: timeMs, parts: [], total: undefined, held: 0 };
      this.#pending.set(key, pending);
    }
    if (offset + data.length > LARGEST || (more && data.length % 8 !== 0) || !addPart(pending, offset, data)) {
      this.#drop(key, pending);
      return undefined;
    }
    pending.held += data.length;
    this.#held += data.length;
    if (!more) pending.total = offset + data.length;
    if (!isWhole(pending)) {
      this.#bound();
      return undefined;
    }
    this.#forget(key, pending);
    this.completed++;
    return found.ip.protocol === 'ipv4' ? rebuildIPv4(bytes, where, pending) : rebuildIPv6(bytes, where, pending);
  }

  #expire(timeMs: number): void {
    for (const [key, pending] of this.#pending) {
      if (timeMs - pending.sinceMs <= this.#limits.ageMs) break;
      this.#drop(key, pending);
    }
  }

  #bound(): void {
    while (this.#pending.size > this.#limits.packets || this.#held > this.#limits.bytes) {
      const [key, pending] = this.#pending.entries().next().value as [string, Pending];
      this.#drop(key, pending);
    }
  }

  #drop(key: string, pending: Pending): void {
    this.#forget(key, pending);
    this.dropped++;
  }

  #forget(key: string, pending: Pending): void {
    this.#pending.delete(key);
    this.#held -= pending.held;
  }
}

interface Found {
  readonly ip: Extract<Layer, { protocol: 'ipv4' | 'ipv6' }>;
  readonly key: string;
  readonly offset: number;
  readonly more: boolean;
  /** IPv6: what the fragment header is followed by. */
  readonly nextHeader: number;
  /** Bytes of IPv6 extension headers in front of the fragment header. */
  readonly before: number;
}

function findFragment(layers: readonly Layer[]): Found | undefined {
  for (let i = 0; i < layers.length; i++) {
    const ip = layers[i] as Layer;
    if (ip.protocol === 'ipv4') {
      if (!ip.moreFragments && ip.fragmentOffset === 0) return undefined;
      const key = `4 ${ip.source} ${ip.destination} ${ip.protocolNumber} ${ip.identification}`;
      return { ip, key, offset: ip.fragmentOffset, more: ip.moreFragments, nextHeader: ip.protocolNumber, before: 0 };
    }
    if (ip.protocol !== 'ipv6') continue;
    let before = 0;
    for (let at = i + 1; at < layers.length; at++) {
      const header = layers[at] as Layer;
      if (header.protocol === 'ipv6-fragment') {
        const { fragmentOffset: offset, moreFragments: more, nextHeader, identification } = header;
        if (!more && offset === 0) return undefined;
        return { ip, key: `6 ${ip.source} ${ip.destination} ${identification}`, offset, more, nextHeader, before };
      }
      if (!header.protocol.startsWith('ipv6-') || !('length' in header)) return undefined;
      before += header.length as number;
    }
    return undefined;
  }
  return undefined;
}

interface Place {
  readonly headerAt: number;
  readonly dataAt: number;
  readonly end: number;
  /** IPv6: where the next header field that says 44 stands, and what comes after the fragment header. */
  readonly nextHeaderAt: number;
  readonly nextHeader: number;
}

/** Where the IP header stands: in front of it are link headers, whose lengths are fixed. */
function locate(bytes: Uint8Array, { layers }: Dissection, found: Found): Place | undefined {
  let headerAt = 0;
  for (const layer of layers) {
    if (layer === found.ip) break;
    const length = LINK_LENGTHS[layer.protocol];
    if (length === undefined && layer.protocol !== 'sll') return undefined;
    headerAt += layer.protocol === 'sll' ? (layer.version === 1 ? 16 : 20) : (length as number);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { nextHeader } = found;
  if (found.ip.protocol === 'ipv4') {
    const dataAt = headerAt + found.ip.headerLength;
    const end = headerAt + found.ip.totalLength;
    return end > bytes.length ? undefined : { headerAt, dataAt, end, nextHeaderAt: -1, nextHeader };
  }
  const fragmentAt = headerAt + 40 + found.before;
  const end = headerAt + 40 + view.getUint16(headerAt + 4);
  let nextHeaderAt = headerAt + 6;
  for (let at = headerAt + 40; at < fragmentAt; at += 8 * (view.getUint8(at + 1) + 1)) nextHeaderAt = at;
  return end > bytes.length ? undefined : { headerAt, dataAt: fragmentAt + 8, end, nextHeaderAt, nextHeader };
}

const LINK_LENGTHS: Readonly<Record<string, number>> = { ethernet: 14, vlan: 4, loopback: 4, mpls: 4, llc: 3, snap: 5 };

/** False where the part says something else of bytes that are there already. */
function addPart(pending: Pending, start: number, data: Uint8Array): boolean {
  const end = start + data.length;
  if (pending.total !== undefined && end > pending.total) return false;
  for (const part of pending.parts) {
    const from = Math.max(start, part.start);
    const to = Math.min(end, part.start + part.bytes.length);
    for (let at = from; at < to; at++) if (part.bytes[at - part.start] !== data[at - start]) return false;
  }
  pending.parts.push({ start, bytes: data.slice() });
  return true;
}

function isWhole({ parts, total }: Pending): boolean {
  if (total === undefined) return false;
  let reached = 0;
  for (const { start, bytes } of [...parts].sort((a, b) => a.start - b.start)) {
    if (start > reached) return false;
    reached = Math.max(reached, start + bytes.length);
  }
  return reached >= total;
}

function fill(into: Uint8Array, at: number, { parts }: Pending): void {
  for (const { start, bytes } of parts) into.set(bytes, at + start);
}

function rebuildIPv4(bytes: Uint8Array, { headerAt, dataAt }: Place, pending: Pending): Uint8Array {
  const total = pending.total ?? 0;
  const whole = new Uint8Array(dataAt + total);
  whole.set(bytes.subarray(0, dataAt));
  fill(whole, dataAt, pending);
  const view = new DataView(whole.buffer);
  const length = dataAt - headerAt + total;
  view.setUint16(headerAt + 2, length > LARGEST ? 0 : length);
  view.setUint16(headerAt + 6, view.getUint16(headerAt + 6) & 0x4000);
  view.setUint16(headerAt + 10, 0);
  view.setUint16(headerAt + 10, checksum(whole, headerAt, dataAt));
  return whole;
}

/** Without the fragment header, which no whole packet has. */
function rebuildIPv6(bytes: Uint8Array, place: Place, pending: Pending): Uint8Array {
  const { headerAt, dataAt, nextHeaderAt, nextHeader } = place;
  const total = pending.total ?? 0;
  const front = dataAt - 8;
  const whole = new Uint8Array(front + total);
  whole.set(bytes.subarray(0, front));
  fill(whole, front, pending);
  whole[nextHeaderAt] = nextHeader;
  const length = front - headerAt - 40 + total;
  new DataView(whole.buffer).setUint16(headerAt + 4, length > LARGEST ? 0 : length);
  return whole;
}
