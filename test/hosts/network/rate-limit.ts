/** A token bucket, as routers limit their ICMP errors (RFC 4443 section 2.4 (f)). */
export class RateLimit {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** @param now milliseconds; a time before the last one counts as that */
  take(now: number): boolean {
    if (now > this.#filledAt) {
      const since = this.#filledAt === Number.NEGATIVE_INFINITY ? 0 : now - this.#filledAt;
      this.#tokens = Math.min(this.#burst, this.#tokens + since * this.#perMs);
      this.#filledAt = now;
    }
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
