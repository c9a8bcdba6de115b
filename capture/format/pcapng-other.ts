/**
 * What is carried from file to file without being looked into: blocks of names, decryption secrets, custom and unknown
 * ones, and options of packets and interfaces (draft-ietf-opsawg-pcapng, sections 3.5, 4 and 5).
 */
import type { OtherBlock, OtherOption } from '../record.js';

const NAME_RESOLUTION = 4;
const DECRYPTION_SECRETS = 10;
const CUSTOM = 0x0bad;
/** A custom block that its maker does not want in a copy: it may not be true of what was changed. */
const CUSTOM_NOT_COPIED = 0x4000_0bad;

/**
 * The body with its numbers in little-endian order; undefined for what may not be copied, and for unknown blocks of
 * big-endian sections, whose numbers nobody can tell from text.
 */
export function littleEndianBody({ type, littleEndian, body }: OtherBlock): Uint8Array | undefined {
  if (type === CUSTOM_NOT_COPIED) return undefined;
  if (littleEndian) return body;
  const copy = body.slice();
  const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
  const swap32 = (at: number): number => {
    if (at + 4 > copy.length) return 0;
    const value = view.getUint32(at);
    view.setUint32(at, value, true);
    return value;
  };
  switch (type) {
    case CUSTOM:
      swap32(0);
      return copy;
    case DECRYPTION_SECRETS: {
      swap32(0);
      const length = swap32(4);
      swapRecords(view, 8 + padded(length));
      return copy;
    }
    case NAME_RESOLUTION:
      swapRecords(view, swapRecords(view, 0));
      return copy;
    default:
      return undefined;
  }
}

/** Type and length of each record or option from `at` to the one that ends them; returns where that ended. */
function swapRecords(view: DataView, at: number): number {
  let next = at;
  while (next + 4 <= view.byteLength) {
    const type = view.getUint16(next);
    const length = view.getUint16(next + 2);
    view.setUint16(next, type, true);
    view.setUint16(next + 2, length, true);
    next += 4 + padded(length);
    if (type === 0) break;
  }
  return next;
}

/** In arithmetic that has no sign: a length may be anything up to 2^32. */
const padded = (length: number): number => Math.ceil(length / 4) * 4;

/** How many bytes of an option's value, from where on, are a number. */
type NumberAt = readonly [at: number, length: 4 | 8];

const BYTES = [] as const;
const PRIVATE_NUMBER: NumberAt = [0, 4];

/** Options whose numbers are known, of packets and of interfaces; of those without one the value is bytes or text. */
const CARRIED: Readonly<Record<'packet' | 'interface', ReadonlyMap<number, readonly NumberAt[]>>> = {
  packet: new Map<number, readonly NumberAt[]>([
    // Hash, drop count, packet id, queue, verdict.
    [3, BYTES],
    [4, [[0, 8]]],
    [5, [[0, 8]]],
    [6, [[0, 4]]],
    [7, [[1, 8]]],
  ]),
  interface: new Map<number, readonly NumberAt[]>([
    // Comment, IPv4, IPv6, MAC and EUI address, speed, time zone, filter, check sequence, speeds by direction, zone.
    [1, BYTES],
    [4, BYTES],
    [5, BYTES],
    [6, BYTES],
    [7, BYTES],
    [8, [[0, 8]]],
    [10, [[0, 4]]],
    [11, BYTES],
    [13, BYTES],
    [16, [[0, 8]]],
    [17, [[0, 8]]],
    [18, BYTES],
  ]),
};
/** Custom options: those that may be copied, text and bytes, and those that may not. */
const CUSTOM_COPIED = new Set([2988, 2989]);
const CUSTOM_NOT_TO_COPY = new Set([19_372, 19_373]);

/**
 * The option as it is written into another file; undefined for what may not be copied, and for unknown ones of
 * big-endian sections.
 *
 * @param value is kept
 */
export function carriedOption(
  of: 'packet' | 'interface',
  code: number,
  value: Uint8Array,
  littleEndian: boolean,
): OtherOption | undefined {
  if (CUSTOM_NOT_TO_COPY.has(code)) return undefined;
  if (littleEndian) return { code, value };
  const numbers = CUSTOM_COPIED.has(code) ? [PRIVATE_NUMBER] : CARRIED[of].get(code);
  if (numbers === undefined) return undefined;
  // Only the verdicts of programs are numbers; others are as long as they like.
  for (const [at, length] of numbers) {
    const fits = of === 'packet' && code === 7 ? value.length === at + length : value.length >= at + length;
    if (fits) value.subarray(at, at + length).reverse();
  }
  return { code, value };
}
