/** What was received and never read, of several sockets together. */

export interface SocketDrops {
  /** For want of room in a socket; null where the kernel can't tell them from those that a filter would have kept out. */
  readonly socket: number | null;
  /** An upper bound of that; null where nothing is known. */
  readonly socketAtMost: number | null;
}

/** The sum of counts, null as soon as one is not known. */
export function sumKnown(counts: readonly (number | null)[]): number | null {
  let total = 0;
  for (const count of counts) {
    if (count === null) return null;
    total += count;
  }
  return total;
}
