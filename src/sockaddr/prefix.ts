/**
 * Address prefixes: the block of addresses that share their first bits (CIDR, RFC 4632; RFC 4291 section 2.3), as an
 * immutable value, its text and its order.
 *
 * Text forms: `10.0.0.0/8`, `10.0.0.0/255.0.0.0` (IPv4 only), `2001:db8::/32`, `fe80::%eth0/64` (RFC 4007 section 11.7
 * puts the zone before the length); an address alone is a prefix of one address.
 */
import { AddressError } from '../errors.js';
import { compareIP, type IPAddress, type IPFamily, IPv4Address, IPv6Address, parseIP, parseIPv4 } from './ip.js';

const FORM = 'write ADDRESS/LENGTH: 10.0.0.0/8 or 2001:db8::/32';

/** Bits of an address: the longest prefix of the family. */
const WIDTH: Readonly<Record<IPFamily, number>> = { ipv4: 32, ipv6: 128 };

export class IPPrefix {
  readonly family: IPFamily;
  /** The lowest address of the block, whose bits beyond `length` are zero; it carries the zone, where there is one. */
  readonly first: IPAddress;
  /** How many bits the addresses share: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly length: number;
  readonly #base: bigint;

  /**
   * The prefix of `length` bits in which `address` lies.
   *
   * @throws RangeError for a length that the family does not have, and for a zone on what is not link-local
   */
  constructor(address: IPAddress, length: number) {
    const width = WIDTH[address.family];
    if (!Number.isInteger(length) || length < 0 || length > width) {
      throw new RangeError(`prefix length ${length} is outside 0 to ${width}`);
    }
    const hostBits = BigInt(width - length);
    this.#base = (toBigInt(address) >> hostBits) << hostBits;
    this.family = address.family;
    this.length = length;
    this.first = fromBigInt(this.#base, address);
    Object.freeze(this);
    if (zoneOf(address) !== '' && !this.isLinkLocal) {
      throw new RangeError(`${this.toString()} has a zone but is not link-local`);
    }
  }

  /** The highest address of the block: its bits beyond `length` are ones. */
  get last(): IPAddress {
    return this.at(this.count - 1n);
  }

  /** How many addresses the block has: 1n to 2n ** 128n. */
  get count(): bigint {
    return 1n << BigInt(WIDTH[this.family] - this.length);
  }

  /** The address whose first `length` bits are ones, which for IPv4 is the netmask. */
  get netmask(): IPAddress {
    return fromBigInt((1n << BigInt(WIDTH[this.family])) - this.count, this.first, '');
  }

  /** True when every address of the block is link-local. */
  get isLinkLocal(): boolean {
    return this.first.isLinkLocal && this.last.isLinkLocal;
  }

  /** Fit for the key of a Map: two prefixes are equal exactly when their keys are. */
  get key(): string {
    return this.toString();
  }

  /**
   * The address at `index`, 0n for the first.
   *
   * @throws RangeError for an index outside of the block
   */
  at(index: bigint): IPAddress {
    if (index < 0n || index >= this.count) {
      throw new RangeError(`address ${index} is outside of ${this.toString()}, which has ${this.count}`);
    }
    return fromBigInt(this.#base + index, this.first);
  }

  /** Where `address` stands in the block, 0n for the first; -1n for what {@link contains} says no to. */
  indexOf(address: IPAddress): bigint {
    return this.contains(address) ? toBigInt(address) - this.#base : -1n;
  }

  /** The addresses in ascending order, made one by one as they are asked for. */
  *[Symbol.iterator](): Generator<IPAddress, void, undefined> {
    const end = this.#base + this.count;
    for (let value = this.#base; value < end; value++) yield fromBigInt(value, this.first);
  }

  /**
   * True when `address` lies in the block. IPv4-mapped addresses are IPv6 addresses; a prefix with a zone holds
   * addresses of that zone alone, one without a zone those of every zone.
   */
  contains(address: IPAddress): boolean {
    if (address.family !== this.family) return false;
    const zone = zoneOf(this.first);
    return (zone === '' || zone === zoneOf(address)) && this.#sharesBits(toBigInt(address), this.length);
  }

  /** True when every address of `other` lies in this block. */
  containsPrefix(other: IPPrefix): boolean {
    return other.length >= this.length && this.contains(other.first);
  }

  /** True when some address lies in both blocks. */
  overlaps(other: IPPrefix): boolean {
    if (other.family !== this.family) return false;
    const [zone, otherZone] = [zoneOf(this.first), zoneOf(other.first)];
    if (zone !== '' && otherZone !== '' && zone !== otherZone) return false;
    return this.#sharesBits(other.#base, Math.min(this.length, other.length));
  }

  equals(other: IPPrefix): boolean {
    return other.length === this.length && other.first.equals(this.first);
  }

  toString(): string {
    return `${this.first.toString()}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }

  #sharesBits(value: bigint, bits: number): boolean {
    return (value ^ this.#base) >> BigInt(WIDTH[this.family] - bits) === 0n;
  }
}

export interface ParsePrefixOptions {
  /** What to do with an address that has bits beyond the length: `refuse` it, the default, or `clear` them. */
  readonly hostBits?: 'refuse' | 'clear';
}

/**
 * Parses a prefix of either family.
 *
 * @throws AddressError saying which part is wrong; for bits beyond the length it shows the prefix without them
 */
export function parsePrefix(text: string, options: ParsePrefixOptions = {}): IPPrefix {
  const slash = text.indexOf('/');
  const address = parseIP(slash < 0 ? text : text.slice(0, slash));
  const length = slash < 0 ? WIDTH[address.family] : readLength(text, slash + 1, address.family);
  checkZone(text, address, length);
  const prefix = new IPPrefix(address, length);
  if (options.hostBits !== 'clear' && !prefix.first.equals(address)) {
    const reason = `bits are set beyond /${length}; did you mean ${prefix.toString()}?`;
    throw new AddressError(text, slash, reason, `write ${prefix.toString()}, or ${address.toString()} for one address`);
  }
  return prefix;
}

/** Orders IPv4 before IPv6, then by first address, then the shorter length, that is the larger block, first. */
export function comparePrefix(a: IPPrefix, b: IPPrefix): number {
  return compareIP(a.first, b.first) || a.length - b.length;
}

function readLength(text: string, start: number, family: IPFamily): number {
  const part = text.slice(start);
  if (part === '') throw new AddressError(text, start, "the length after '/' is missing", FORM);
  if (part.includes('.') && family === 'ipv4') return readNetmask(text, start);
  const bad = part.search(/\D/);
  if (bad >= 0) throw new AddressError(text, start + bad, 'a prefix length is a number', FORM);
  if (part.length > 1 && part.startsWith('0')) {
    throw new AddressError(text, start, 'the prefix length has a leading zero', FORM);
  }
  if (Number(part) > WIDTH[family]) throw new AddressError(text, start, `the length is above ${WIDTH[family]}`, FORM);
  return Number(part);
}

/** The length that a netmask in dotted form stands for: ones, and then zeros to the end. */
function readNetmask(text: string, start: number): number {
  const mask = parseIPv4(text.slice(start)).value;
  const zeros = ~mask >>> 0;
  if (isAllOnesFromTheRight(zeros)) return Math.clz32(zeros);
  const swapped = new IPv4Address(zeros).toString();
  const advice = isAllOnesFromTheRight(mask) ? `a wildcard mask is the reverse: did you mean ${swapped}?` : FORM;
  throw new AddressError(text, start, 'a netmask has its ones before its zeros', advice);
}

function isAllOnesFromTheRight(bits: number): boolean {
  return (bits & (bits + 1)) === 0;
}

function checkZone(text: string, address: IPAddress, length: number): void {
  if (address.family === 'ipv4' || address.zone === '') return;
  if (new IPPrefix(address.withZone(''), length).isLinkLocal) return;
  throw new AddressError(text, text.indexOf('%'), 'a zone is for link-local prefixes', 'leave out the zone');
}

function zoneOf(address: IPAddress): string {
  return address.family === 'ipv6' ? address.zone : '';
}

function toBigInt(address: IPAddress): bigint {
  if (address.family === 'ipv4') return BigInt(address.value);
  const view = new DataView(address.toBytes().buffer);
  return (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
}

/** The address of that value in the family and, unless told otherwise, the zone of `like`. */
function fromBigInt(value: bigint, like: IPAddress, zone = zoneOf(like)): IPAddress {
  if (like.family === 'ipv4') return new IPv4Address(Number(value));
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, value >> 64n);
  view.setBigUint64(8, value);
  return new IPv6Address(bytes, zone);
}
