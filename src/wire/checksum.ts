/** The Internet checksum of RFC 1071, and the pseudo headers of RFC 9293 section 3.1 and RFC 8200 section 8.1. */

/**
 * Adds the 16-bit words of `bytes[start, end)` to `sum`; an odd last byte counts as the high one of its word.
 *
 * @returns an unfolded sum, exact for up to 2^37 bytes
 */
export function sumWords(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  let total = sum;
  let at = start;
  for (; at + 1 < end; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (at < end) total += (bytes[at] ?? 0) << 8;
  return total;
}

/** The checksum field for an unfolded sum: its one's complement in 16 bits. */
export function foldSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x1_0000) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}

/** The checksum of `bytes[start, end)`: 0 where it holds its own right checksum. */
export function checksum(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  return foldSum(sumWords(bytes, start, end, sum));
}

/**
 * The sum of a pseudo header.
 *
 * @param source bytes that hold the source address at `sourceAt`, of 4 or 16 bytes
 * @param length bytes of the upper-layer packet
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
