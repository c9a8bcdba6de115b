/**
 * Times of IGMP version 3 and MLD version 2 that are longer than their fields: below half of what the field holds the
 * value itself, from there on a small floating-point number (RFC 3376 section 4.1.1, RFC 9777 sections 5.1.3 and 5.1.9).
 *
 *     1 | exponent:3 | mantissa:4 or 12        value = (mantissa with a 1 in front) << (exponent + 3)
 */

const mantissaBits = (width: 8 | 16): number => width - 4;

/** The value of a code of `width` bits. */
export function expandCode(code: number, width: 8 | 16): number {
  const bits = mantissaBits(width);
  const hidden = 1 << bits;
  return code < hidden << 3 ? code : ((code & (hidden - 1)) | hidden) << (((code >> bits) & 7) + 3);
}

/** The least code for at least `value`; the largest one where none is large enough. */
export function compressCode(value: number, width: 8 | 16): number {
  const bits = mantissaBits(width);
  const hidden = 1 << bits;
  if (value < hidden << 3) return value;
  for (let exponent = 0; exponent < 8; exponent++) {
    const mantissa = Math.ceil(value / 2 ** (exponent + 3));
    if (mantissa < 2 * hidden) return (hidden << 3) | (exponent << bits) | (mantissa - hidden);
  }
  return 2 ** width - 1;
}
