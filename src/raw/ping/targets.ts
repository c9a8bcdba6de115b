/**
 * Who is to be pinged: hosts and blocks of addresses, as numbers from 0 on. A block is its two ends however large it is;
 * the host at a number, and the number of an address, are worked out.
 */
import { UsageError } from '../../errors.js';
import { compareIP, type IPAddress, type IPFamily, IPv4Address, IPv6Address } from '../../sockaddr/ip.js';
import { comparePrefix, type IPPrefix } from '../../sockaddr/prefix.js';

/** A host to ping: what the user called it, and its address. */
export interface PingTarget {
  readonly name: string;
  readonly address: IPAddress;
}

/** All hosts of a prefix, each called by its address. */
export interface PingBlock {
  readonly prefix: IPPrefix;
  /**
   * Which addresses: `hosts`, the default, leaves out an IPv4 block's network and broadcast address (RFC 1122 section
   * 3.2.1.3; blocks of one and two have neither, RFC 3021), `all` does not.
   */
  readonly addresses?: 'hosts' | 'all' | undefined;
}

/** No run gets to the end of so many; a sum of numbers up to here is exact. */
const SIZE_MAX = 2 ** 52;

export class TargetSet {
  /** Hosts in it. */
  readonly count: bigint;
  /** Numbers in it: as many as hosts, but for sets so large that nobody gets to the end. */
  readonly size: number;
  /** Of the hosts in it. */
  readonly families: readonly IPFamily[];
  /** Hosts and blocks left out: an earlier one, or a block around them, has their addresses already. */
  readonly repeated: number;
  /** Whether there are multicast addresses in it, which many may answer for. */
  readonly hasGroups: boolean;
  readonly #entries: readonly (PingTarget | PingBlock)[];
  /** The number of the first host of each entry, and at last {@link size}. */
  readonly #starts: Float64Array;
  /** By address: the entries that are hosts, IPv4 by value, IPv6 by text without a zone. */
  readonly #hosts = new Map<number | string, number>();
  /** Entries that are blocks, in ascending order of their addresses; they don't overlap. */
  readonly #blocks: readonly number[];
  /** Hosts of a block that have numbers at most. */
  readonly #blockMax: number;
  #last = 0;

  /** @throws UsageError for an empty set */
  constructor(entries: readonly (PingTarget | PingBlock)[]) {
    const blocks = outermost(entries);
    const kept: (PingTarget | PingBlock)[] = [];
    const zoned = new Set<string>();
    const sorted = [...blocks].sort(comparePrefix);
    for (const entry of entries) {
      if ('prefix' in entry) {
        if (blocks.delete(entry.prefix)) kept.push(entry);
        continue;
      }
      const { address } = entry;
      const plain = lookupKey(address);
      const known = this.#hosts.has(plain);
      const zone = address.family === 'ipv6' ? address.zone : '';
      if (zone === '' ? known : zoned.has(address.key)) continue;
      if (sorted.length > 0 && find(sorted, address) !== undefined) continue;
      if (zone !== '') zoned.add(address.key);
      // Of two zones the first is found, since errors quote addresses without theirs.
      if (!known) this.#hosts.set(plain, kept.length);
      kept.push(entry);
    }
    this.#entries = kept;
    this.families = [...new Set(kept.map((entry) => ('prefix' in entry ? entry.prefix : entry.address).family))];
    this.hasGroups = kept.some((entry) => ('prefix' in entry ? entry.prefix.first : entry.address).isMulticast);
    this.repeated = entries.length - kept.length;
    this.#blocks = kept
      .map((_, i) => i)
      .filter((i) => 'prefix' in (kept[i] as object))
      .sort((a, b) => comparePrefix((kept[a] as PingBlock).prefix, (kept[b] as PingBlock).prefix));
    this.#blockMax = 2 ** Math.floor(Math.log2(SIZE_MAX / (kept.length + 1)));
    this.#starts = new Float64Array(kept.length + 1);
    let count = 0n;
    let size = 0;
    for (const [i, entry] of kept.entries()) {
      const hosts = hostsOf(entry);
      this.#starts[i] = size;
      count += hosts;
      size += this.#numbered(hosts);
    }
    this.#starts[kept.length] = size;
    this.count = count;
    this.size = size;
    if (size === 0) throw new UsageError('ping: there is nobody to ping', 'give a host, an address or a block');
  }

  /**
   * The host at `index`.
   *
   * @param spread for a block of more hosts than have numbers: which ones have, spread over all of it; 0 is the first
   * @throws RangeError for an index outside of the set
   */
  at(index: number, spread = 0): PingTarget {
    const entry = this.#entries[this.#placeOf(index)] as PingTarget | PingBlock;
    if (!('prefix' in entry)) return entry;
    const address = this.addressAt(index, spread);
    return { name: address.toString(), address };
  }

  /** The address of {@link at} alone. */
  addressAt(index: number, spread = 0): IPAddress {
    const place = this.#placeOf(index);
    const entry = this.#entries[place] as PingTarget | PingBlock;
    if (!('prefix' in entry)) return entry.address;
    return this.#addressIn(entry, index - (this.#starts[place] as number), spread);
  }

  /** The number of the host with that address, whatever its zone; undefined where it is none of the set. */
  indexOf(address: IPAddress, spread = 0): number | undefined {
    const host = this.#hosts.get(lookupKey(address));
    if (host !== undefined) return this.#starts[host];
    const place = this.#blockWith(address);
    if (place === undefined) return undefined;
    const block = this.#entries[place] as PingBlock;
    const offset = block.prefix.indexOf(withZone(address, block.prefix)) - firstOffset(block);
    const hosts = hostsOf(block);
    if (offset < 0n || offset >= hosts) return undefined;
    const start = this.#starts[place] as number;
    const numbered = this.#numbered(hosts);
    if (hosts <= BigInt(numbered)) return start + Number(offset);
    const stride = hosts / BigInt(numbered);
    const number = spread === 0 ? offset : offset / stride;
    if (number >= BigInt(numbered)) return undefined;
    const index = Number(number);
    if (spread !== 0 && offset !== number * stride + spreadOffset(index, spread, stride)) return undefined;
    return start + index;
  }

  /** Entry that `index` lies in; mostly the one of the last time, or its neighbour. */
  #placeOf(index: number): number {
    const starts = this.#starts;
    if (!(index >= 0 && index < this.size)) throw new RangeError(`host ${index} of a set of ${this.size}`);
    const holds = (place: number) => index >= (starts[place] as number) && index < (starts[place + 1] as number);
    if (!holds(this.#last)) {
      if (holds(this.#last + 1)) this.#last++;
      else this.#last = lastWhere(this.#entries.length, (place) => (starts[place] as number) <= index);
    }
    return this.#last;
  }

  #addressIn(block: PingBlock, number: number, spread: number): IPAddress {
    const { first } = block.prefix;
    if (first.family === 'ipv4') return new IPv4Address(first.value + number + Number(firstOffset(block)));
    const hosts = hostsOf(block);
    const numbered = this.#numbered(hosts);
    if (spread === 0 || hosts <= BigInt(numbered)) return block.prefix.at(BigInt(number));
    const stride = hosts / BigInt(numbered);
    return block.prefix.at(BigInt(number) * stride + spreadOffset(number, spread, stride));
  }

  #numbered(hosts: bigint): number {
    return hosts > BigInt(this.#blockMax) ? this.#blockMax : Number(hosts);
  }

  #blockWith(address: IPAddress): number | undefined {
    const blocks = this.#blocks;
    const at = lastWhere(blocks.length, (i) => {
      const { first } = (this.#entries[blocks[i] as number] as PingBlock).prefix;
      return compareIP(withoutZone(first), withoutZone(address)) <= 0;
    });
    const place = blocks[at];
    if (place === undefined) return undefined;
    const { prefix } = this.#entries[place] as PingBlock;
    return prefix.contains(withZone(address, prefix)) ? place : undefined;
  }
}

/** The blocks that lie in no other one of them. */
function outermost(entries: readonly (PingTarget | PingBlock)[]): Set<IPPrefix> {
  const all = entries.flatMap((entry) => ('prefix' in entry ? [entry.prefix] : [])).sort(comparePrefix);
  const kept = new Set<IPPrefix>();
  let last: IPPrefix | undefined;
  for (const prefix of all) {
    if (last?.containsPrefix(prefix) === true) continue;
    kept.add(prefix);
    last = prefix;
  }
  return kept;
}

/** The block among sorted, disjoint ones in which an address lies. */
function find(sorted: readonly IPPrefix[], address: IPAddress): IPPrefix | undefined {
  const at = lastWhere(sorted.length, (i) => compareIP((sorted[i] as IPPrefix).first, address) <= 0);
  const prefix = sorted[at];
  return prefix?.contains(address) === true ? prefix : undefined;
}

/** The last index for which `holds`, which holds for the first ones and then no more; -1 for none. */
function lastWhere(length: number, holds: (index: number) => boolean): number {
  let low = -1;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function hostsOf(entry: PingTarget | PingBlock): bigint {
  if (!('prefix' in entry)) return 1n;
  return entry.prefix.count - 2n * firstOffset(entry);
}

/** Addresses that are left out at either end of a block. */
function firstOffset({ prefix, addresses }: PingBlock): bigint {
  return addresses !== 'all' && prefix.family === 'ipv4' && prefix.length < 31 ? 1n : 0n;
}

/** Which of the `stride` hosts that share a number has it: as good as random, but the same every time. */
function spreadOffset(number: number, spread: number, stride: bigint): bigint {
  const low = mix((number % 2 ** 32) ^ spread);
  const high = mix(low ^ Math.floor(number / 2 ** 32) ^ 0x9e3779b9);
  return ((BigInt(high) << 32n) | BigInt(low)) % stride;
}

/** A permutation of 32 bits in which every bit of the input matters to every bit of the result (MurmurHash3's last step). */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function lookupKey(address: IPAddress): number | string {
  return address.family === 'ipv4' ? address.value : withoutZone(address).key;
}

function withoutZone(address: IPAddress): IPAddress {
  return address instanceof IPv6Address && address.zone !== '' ? address.withZone('') : address;
}

/** The address in the zone of `prefix`: what comes off the wire has lost it, or has the kernel's word for it. */
function withZone(address: IPAddress, { first }: IPPrefix): IPAddress {
  if (address.family === 'ipv4' || first.family === 'ipv4' || address.zone === first.zone) return address;
  return address.withZone(first.zone);
}
