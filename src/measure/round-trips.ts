/** Round trips: their distribution, and how much one differs from the next. */
import { roundMs } from './clock.js';
import { type DistributionMs, Histogram } from './histogram.js';

export class RoundTrips {
  readonly #histogram = new Histogram();
  #jitterSum = 0;
  #last: number | undefined;

  /** In the order in which they ended. */
  add(milliseconds: number): void {
    this.#histogram.add(milliseconds);
    if (this.#last !== undefined) this.#jitterSum += Math.abs(milliseconds - this.#last);
    this.#last = milliseconds;
  }

  /** Mean difference between one round trip and the next; null for fewer than two. */
  get jitterMs(): number | null {
    return this.#histogram.count < 2 ? null : roundMs(this.#jitterSum / (this.#histogram.count - 1));
  }

  summary(): DistributionMs {
    return this.#histogram.summary();
  }
}
