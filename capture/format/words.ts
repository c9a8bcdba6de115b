/**
 * Packets copied by words of 32 bits: Uint8Array.set takes longer to begin than a small packet takes to copy. Little-endian
 * machines, as all that Node runs on.
 */

/** From here on Uint8Array.set is faster, in words. */
export const FEW_WORDS = 64;

/** Copies `count` words. */
export function copyWords(from: Int32Array, start: number, count: number, to: Int32Array, at: number): void {
  let source = start;
  let target = at;
  const end = at + count;
  for (; target + 7 < end; target += 8, source += 8) {
    to[target] = from[source] as number;
    to[target + 1] = from[source + 1] as number;
    to[target + 2] = from[source + 2] as number;
    to[target + 3] = from[source + 3] as number;
    to[target + 4] = from[source + 4] as number;
    to[target + 5] = from[source + 5] as number;
    to[target + 6] = from[source + 6] as number;
    to[target + 7] = from[source + 7] as number;
  }
  for (; target < end; target++, source++) to[target] = from[source] as number;
}

/**
 * Copies `count` words to a place that is no multiple of four; what stands before it in its first word stays, and the
 * rest of its last word becomes zero.
 *
 * @param at in bytes
 */
export function copyShifted(from: Int32Array, start: number, count: number, to: Int32Array, at: number): void {
  const up = (at & 3) * 8;
  const down = 32 - up;
  let source = start;
  let target = at >> 2;
  const end = target + count;
  let carried = (to[target] as number) & ((1 << up) - 1);
  for (; target + 3 < end; target += 4, source += 4) {
    const first = from[source] as number;
    const second = from[source + 1] as number;
    const third = from[source + 2] as number;
    const fourth = from[source + 3] as number;
    to[target] = carried | (first << up);
    to[target + 1] = (first >>> down) | (second << up);
    to[target + 2] = (second >>> down) | (third << up);
    to[target + 3] = (third >>> down) | (fourth << up);
    carried = fourth >>> down;
  }
  for (; target < end; target++, source++) {
    const word = from[source] as number;
    to[target] = carried | (word << up);
    carried = word >>> down;
  }
  to[target] = carried;
}
