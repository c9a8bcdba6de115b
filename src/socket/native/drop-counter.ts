/** What a socket has dropped, counted on beyond the 32 bits that the kernel counts in. */
import type { Descriptor } from './descriptor.js';

/** Between two looks at a counter that goes round after 2^32 drops: minutes at any rate that a link has. */
const LOOK_EVERY_MS = 10_000;

export class DropCounter {
  readonly #descriptor: Descriptor;
  #last: number;
  #total: number | undefined = 0;
  #looked = performance.now();

  /** @param before drops that are somebody else's: what the counter says when counting begins */
  constructor(descriptor: Descriptor, before: number) {
    this.#descriptor = descriptor;
    this.#last = before;
    this.read();
  }

  /** Drops by now; undefined where the kernel does not tell. */
  read(): number | undefined {
    const now = this.#total === undefined ? undefined : this.#descriptor.drops();
    if (now === undefined || this.#total === undefined) {
      this.#total = undefined;
      return undefined;
    }
    this.#total += (now - this.#last) >>> 0;
    this.#last = now;
    return this.#total;
  }

  /** To be called whenever there is traffic, so that no round of the kernel's counter is missed. */
  tick(): void {
    const now = performance.now();
    if (now - this.#looked < LOOK_EVERY_MS) return;
    this.#looked = now;
    this.read();
  }
}
