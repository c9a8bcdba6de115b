/**
 * The Internet checksum of RFC 1071, its incremental update (RFC 1624), and the pseudo headers of RFC 9293 section 3.1
 * and RFC 8200 section 8.1. The caller of everything here has checked that the ranges lie within the bytes.
 */
import { parseIP } from '../sockaddr/ip.js';

/** RFC 1071 section 2(B): a sum of swapped words is the swapped sum, so that words may be read in the host's order. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Below this many bytes, making a view of words costs more than it saves (measured). */
const WORD_VIEW_FROM = 512;

/**
 * Adds the 16-bit words of `bytes[start, end)` to `sum`; an odd last byte counts as the high one of its word. The parts
 * of one packet may be added one by one, where each but the last is even.
 *
 * @returns an unfolded sum, exact for up to 2^37 bytes
 */
export function sumWords(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  const length = end - start;
  let total = sum;
  let at = start;
  if (LITTLE_ENDIAN && length >= WORD_VIEW_FROM && ((bytes.byteOffset + start) & 1) === 0) {
    total += swap(foldCarries(sumView(new Uint16Array(bytes.buffer, bytes.byteOffset + start, length >> 1))));
    at = end - (length & 1);
  }
  // 2^15 words stay below 2^31, so that the inner sum is a small integer.
  for (const even = end - (length & 1); at < even; ) {
    const stop = Math.min(even, at + 0x1_0000);
    let words = 0;
    for (; at < stop; at += 2) words = (words + (((bytes[at] as number) << 8) | (bytes[at + 1] as number))) | 0;
    total += words >>> 0;
  }
  return at < end ? total + ((bytes[at] as number) << 8) : total;
}

function sumView(words: Uint16Array): number {
  let total = 0;
  let at = 0;
  while (at < words.length) {
    const stop = Math.min(words.length, at + 0x8000);
    let left = 0;
    let right = 0;
    for (; at + 4 <= stop; at += 4) {
      left += (words[at] as number) + (words[at + 1] as number);
      right += (words[at + 2] as number) + (words[at + 3] as number);
    }
    for (; at < stop; at++) left += words[at] as number;
    total += left + right;
  }
  return total;
}

const swap = (word: number): number => ((word & 255) << 8) | (word >> 8);

/** An unfolded sum in 16 bits, the carries added at the low end. */
export function foldCarries(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x1_0000) + Math.floor(folded / 0x1_0000);
  return folded;
}

/** The checksum field for an unfolded sum: its one's complement in 16 bits. */
export function foldSum(sum: number): number {
  return ~foldCarries(sum) & 0xffff;
}

/** The checksum of `bytes[start, end)`, from 0 to 0xffff: 0 where the range holds its own right checksum. */
export function checksum(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  return foldSum(sumWords(bytes, start, end, sum));
}

/** The checksum after one of its 16-bit words changed from `before` to `after` (RFC 1624 section 3, equation 3). */
export function updateChecksum(field: number, before: number, after: number): number {
  return foldSum((~field & 0xffff) + (~before & 0xffff) + after);
}

/**
 * The sum of a pseudo header.
 *
 * @param sourceAt where `bytes` hold the source address, of `addressLength` (4 or 16) bytes
 * @param protocol IP protocol number of the upper layer, not that of an extension header
 * @param length bytes of the upper-layer packet, its header included
 */
export function pseudoHeaderSum(
  bytes: Uint8Array,
  sourceAt: number,
  destinationAt: number,
  addressLength: number,
  protocol: number,
  length: number,
): number {
  const sum = sumWords(bytes, sourceAt, sourceAt + addressLength, protocol + (length >>> 16) + (length & 0xffff));
  return sumWords(bytes, destinationAt, destinationAt + addressLength, sum);
}

/** The sum of a pseudo header whose two addresses are `addresses`, 8 or 32 bytes. */
export function addressSum(addresses: Uint8Array, protocol: number, length: number): number {
  const half = addresses.length / 2;
  if (half !== 4 && half !== 16) throw new RangeError(`two addresses have 8 or 32 bytes, not ${addresses.length}`);
  return pseudoHeaderSum(addresses, 0, half, half, protocol, length);
}

/**
 * Source and destination as the encoders take them for their checksums: 8 or 32 bytes.
 *
 * @throws AddressError for what is no numeric address, RangeError for two families
 */
export function pseudoAddresses(source: string, destination: string): Uint8Array {
  const from = parseIP(source).toBytes();
  const to = parseIP(destination).toBytes();
  if (from.length !== to.length) throw new RangeError(`${source} and ${destination} are of two families`);
  const bytes = new Uint8Array(2 * from.length);
  bytes.set(from);
  bytes.set(to, from.length);
  return bytes;
}
