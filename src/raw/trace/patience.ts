/**
 * How long an answer is waited for. A router that says nothing is given up sooner when the hops around it have answered
 * long ago, as traceroute(8) does with `-w MAX,HERE,NEAR`; what comes in later all the same is late, and not lost.
 */

/** So many times the longest round trip of this hop, and of the next hop that has answered. */
const HERE = 3;
const NEAR = 10;
/** Routers answer at their leisure: less than this is never waited, in milliseconds. */
const LEAST_MS = 200;
/** Before a hop stops holding back those behind it: while nobody has answered, and at least. */
const OVERDUE_MS = 500;
const OVERDUE_LEAST_MS = 100;

export class Patience {
  readonly #timeoutMs: number;
  readonly #adaptive: boolean;
  /** The longest round trip by TTL. */
  readonly #longest: number[] = [];
  #longestOfAll = 0;

  /** @param timeoutMs what is never waited longer than */
  constructor(timeoutMs: number, adaptive: boolean) {
    this.#timeoutMs = timeoutMs;
    this.#adaptive = adaptive;
  }

  answered(ttl: number, milliseconds: number): void {
    if (!(milliseconds >= 0) || milliseconds > this.#timeoutMs) return;
    this.#longest[ttl] = Math.max(this.#longest[ttl] ?? 0, milliseconds);
    this.#longestOfAll = Math.max(this.#longestOfAll, milliseconds);
  }

  /** Milliseconds after which a probe with this TTL is lost, by what is known now. */
  limit(ttl: number): number {
    if (!this.#adaptive) return this.#timeoutMs;
    const here = this.#longest[ttl];
    if (here !== undefined) return this.#bounded(HERE * here);
    for (let next = ttl + 1; next < this.#longest.length; next++) {
      const near = this.#longest[next];
      if (near !== undefined) return this.#bounded(NEAR * near);
    }
    return this.#timeoutMs;
  }

  #bounded(milliseconds: number): number {
    return Math.min(this.#timeoutMs, Math.max(LEAST_MS, milliseconds));
  }

  /** Milliseconds after which a silent hop no longer keeps those behind it from being tried. */
  overdue(): number {
    if (this.#longestOfAll === 0) return Math.min(this.#timeoutMs, OVERDUE_MS);
    return Math.min(this.#timeoutMs, Math.max(OVERDUE_LEAST_MS, 2 * this.#longestOfAll));
  }
}
