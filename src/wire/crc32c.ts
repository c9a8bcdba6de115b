/** CRC-32C (Castagnoli; RFC 9260 appendix A), the checksum of SCTP. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1;
  return value;
});

/** The CRC of `bytes[start, end)`, where the four bytes from `blank` on count as zeros. */
export function crc32c(bytes: Uint8Array, start: number, end: number, blank = -4): number {
  let crc = 0xffff_ffff;
  for (let i = start; i < end; i++) {
    const byte = i >= blank && i < blank + 4 ? 0 : (bytes[i] as number);
    crc = (TABLE[(crc ^ byte) & 255] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
