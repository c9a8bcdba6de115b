/** Changes to bytes, as fuzzers make them: single bits and bytes, lengths that lie, parts left out, twice, or of others. */

const BYTES = [0, 1, 2, 4, 5, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 192, 254, 255];
const WORDS = [0, 1, 4, 7, 8, 20, 40, 127, 128, 255, 256, 512, 1500, 0x600, 0x7fff, 0x8000, 0xfffe, 0xffff];
/** Numbers that tell one protocol from another. */
const PROTOCOLS = [0, 1, 2, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 89, 112, 132, 137, 143];
const TYPES = [0x800, 0x806, 0x8100, 0x88a8, 0x86dd, 0x8847, 0x8863, 0x8864, 0x88cc, 0x6558, 0x880b, 53, 67, 123, 443];
const MORE_TYPES = [546, 4789, 5353, 6081];

/** Numbers from a seed (xorshift32), so that a run can be had again. */
export function random(seed) {
  let state = seed >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return { below: (limit) => next() % limit, of: (list) => list[next() % list.length] };
}

/** A changed copy of `bytes`; `other` lends a part. */
export function mutate(bytes, other, { below, of }, largest) {
  let out = Uint8Array.from(bytes);
  for (let times = 1 + below(below(4) === 0 ? 12 : 3); times > 0; times--) out = change(out, other, below, of);
  return out.length > largest ? out.slice(0, largest) : out;
}

function change(bytes, other, below, of) {
  const { length } = bytes;
  if (length === 0) return other.slice(0, 1 + below(40));
  const at = below(length);
  switch (below(14)) {
    case 0:
      bytes[at] ^= 1 << below(8);
      return bytes;
    case 1:
      bytes[at] = of(BYTES);
      return bytes;
    case 2:
      bytes[at] = below(256);
      return bytes;
    case 3:
      bytes[at] += below(2) === 0 ? 1 + below(16) : -1 - below(16);
      return bytes;
    case 4:
      bytes[at] = of(PROTOCOLS);
      return bytes;
    case 5:
      return setWord(bytes, at, of(WORDS));
    case 6:
      return setWord(bytes, at, below(2) === 0 ? of(TYPES) : of(MORE_TYPES));
    case 7:
      return setWord(bytes, at, Math.max(0, length - at - below(4)));
    case 8:
      return bytes.slice(0, at);
    case 9: {
      const to = Math.min(length, at + 1 + below(24));
      return joined(bytes.subarray(0, at), bytes.subarray(to));
    }
    case 10: {
      const to = Math.min(length, at + 1 + below(24));
      return joined(bytes.subarray(0, to), bytes.subarray(at));
    }
    case 11:
      return joined(
        bytes.subarray(0, at),
        Uint8Array.from({ length: 1 + below(16) }, () => below(256)),
        bytes.subarray(at),
      );
    case 12:
      return joined(bytes.subarray(0, at), other.subarray(below(other.length + 1)));
    default: {
      const from = below(other.length + 1);
      const part = other.subarray(from, from + 1 + below(48));
      const out = Uint8Array.from(bytes);
      out.set(part.subarray(0, length - at), at);
      return out;
    }
  }
}

function setWord(bytes, at, word) {
  bytes[at] = word >> 8;
  if (at + 1 < bytes.length) bytes[at + 1] = word & 255;
  return bytes;
}

const joined = (...parts) => Uint8Array.from(Buffer.concat(parts));
