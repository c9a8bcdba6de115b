/**
 * IP addresses as immutable values: network-order bytes, a canonical text (see ip-text.ts), a key and an order.
 *
 * An IPv4-mapped IPv6 address stays an IPv6 address until `unmap` is asked for.
 */
import { AddressError } from '../errors.js';
import { readInetAton } from './inet-aton.js';
import { formatIPv6, isMapped, readDottedQuad, readIPv6 } from './ip-text.js';

export type IPFamily = 'ipv4' | 'ipv6';

/** How an address is read; the default is strict. */
export interface ParseIPOptions {
  /** Also read the short, octal and hexadecimal forms of IPv4 that inet_aton(3) takes: `10.1`, `0x7f.1`, `017`. */
  readonly legacy?: boolean;
}

export class IPv4Address {
  readonly family = 'ipv4';
  /** The address as an unsigned 32-bit number, first byte most significant. */
  readonly value: number;

  constructor(value: number) {
    this.value = value >>> 0;
    Object.freeze(this);
  }

  static fromBytes(bytes: Uint8Array, offset = 0): IPv4Address {
    checkRoom(bytes, offset, 4);
    return new IPv4Address(new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset));
  }

  /** Four bytes in network order. */
  toBytes(): Uint8Array {
    const v = this.value;
    return Uint8Array.of(v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255);
  }

  /** The IPv4-mapped IPv6 address, as a dual-stack socket takes it (RFC 4291 section 2.5.5.2). */
  toMapped(): IPv6Address {
    const bytes = new Uint8Array(16);
    bytes.fill(0xff, 10, 12);
    bytes.set(this.toBytes(), 12);
    return new IPv6Address(bytes);
  }

  /** This address: only IPv6 ones may have another inside. */
  unmap(): IPAddress {
    return this;
  }

  equals(other: IPAddress): boolean {
    return other.family === 'ipv4' && other.value === this.value;
  }

  /** Fit for the key of a Map: two addresses, of whatever family, are equal exactly when their keys are. */
  get key(): string {
    return this.toString();
  }

  get isUnspecified(): boolean {
    return this.value === 0;
  }

  /** 127.0.0.0/8, RFC 1122 section 3.2.1.3. */
  get isLoopback(): boolean {
    return this.value >>> 24 === 127;
  }

  /** 224.0.0.0/4, RFC 5771. */
  get isMulticast(): boolean {
    return this.value >>> 28 === 0xe;
  }

  /** 169.254.0.0/16, RFC 3927. */
  get isLinkLocal(): boolean {
    return this.value >>> 16 === 0xa9fe;
  }

  toString(): string {
    const v = this.value;
    return `${v >>> 24}.${(v >>> 16) & 255}.${(v >>> 8) & 255}.${v & 255}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

export class IPv6Address {
  readonly family = 'ipv6';
  /** The zone (RFC 4007) as written: an interface name or number; empty for none. */
  readonly zone: string;
  readonly #bytes: Uint8Array;

  /** @param bytes 16 bytes in network order; they are copied */
  constructor(bytes: Uint8Array, zone = '') {
    if (bytes.length !== 16) throw new RangeError(`an IPv6 address has 16 bytes, not ${bytes.length}`);
    this.#bytes = Uint8Array.from(bytes);
    this.zone = zone;
    Object.freeze(this);
  }

  static fromBytes(bytes: Uint8Array, offset = 0, zone = ''): IPv6Address {
    checkRoom(bytes, offset, 16);
    return new IPv6Address(bytes.subarray(offset, offset + 16), zone);
  }

  /** Sixteen bytes in network order, a copy. */
  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  withZone(zone: string): IPv6Address {
    return new IPv6Address(this.#bytes, zone);
  }

  equals(other: IPAddress): boolean {
    return (
      other.family === 'ipv6' && other.zone === this.zone && this.#bytes.every((byte, i) => byte === other.#bytes[i])
    );
  }

  /** Fit for the key of a Map: two addresses, of whatever family, are equal exactly when their keys are. */
  get key(): string {
    return this.toString();
  }

  get isUnspecified(): boolean {
    return this.#bytes.every((byte) => byte === 0);
  }

  get isLoopback(): boolean {
    return this.#bytes[15] === 1 && this.#bytes.every((byte, i) => byte === 0 || i === 15);
  }

  /** ff00::/8, RFC 4291 section 2.7. */
  get isMulticast(): boolean {
    return this.#bytes[0] === 0xff;
  }

  /** fe80::/10 and the link-local multicast scope ff02::/16: addresses that mean nothing without a zone. */
  get isLinkLocal(): boolean {
    const [first = 0, second = 0] = this.#bytes;
    return (first === 0xfe && (second & 0xc0) === 0x80) || (first === 0xff && (second & 0x0f) === 2);
  }

  /** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
  get isMapped(): boolean {
    return isMapped(this.#bytes, 0);
  }

  /** The IPv4 address inside a mapped one, otherwise this address. */
  unmap(): IPAddress {
    return this.isMapped ? IPv4Address.fromBytes(this.#bytes, 12) : this;
  }

  toString(): string {
    const text = formatIPv6(this.#bytes, 0);
    return this.zone === '' ? text : `${text}%${this.zone}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

export type IPAddress = IPv4Address | IPv6Address;

/**
 * Parses a numeric address of either family.
 *
 * @throws AddressError saying which part is wrong
 */
export function parseIP(text: string, options?: ParseIPOptions): IPAddress {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text, options);
}

/** Like {@link parseIP}, but undefined for what is no numeric address. */
export function tryParseIP(text: string, options?: ParseIPOptions): IPAddress | undefined {
  try {
    return parseIP(text, options);
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** @throws AddressError saying which part is wrong */
export function parseIPv4(text: string, options: ParseIPOptions = {}): IPv4Address {
  return new IPv4Address(options.legacy === true ? readInetAton(text) : readDottedQuad(text));
}

/** @throws AddressError saying which part is wrong */
export function parseIPv6(text: string): IPv6Address {
  const { bytes, zone } = readIPv6(text);
  return new IPv6Address(bytes, zone);
}

/** Orders IPv4 before IPv6, then by address, then by zone; fit for Array.sort. */
export function compareIP(a: IPAddress, b: IPAddress): number {
  if (a.family === 'ipv4') return b.family === 'ipv4' ? a.value - b.value : -1;
  if (b.family === 'ipv4') return 1;
  const left = a.toBytes();
  const right = b.toBytes();
  for (let i = 0; i < 16; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : 0;
}

function checkRoom(bytes: Uint8Array, offset: number, need: number): void {
  if (offset < 0 || offset + need > bytes.length) {
    throw new RangeError(`${need} bytes at ${offset} do not fit into ${bytes.length}`);
  }
}
