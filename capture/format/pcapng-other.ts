/**
 * Blocks that are carried from file to file: name resolution, decryption secrets, custom and unknown ones
 * (draft-ietf-opsawg-pcapng, section 4).
 */
import type { OtherBlock } from '../record.js';

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
