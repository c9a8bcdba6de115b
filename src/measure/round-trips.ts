/** Round trips: their distribution, and how much one differs from the next. */
import { roundMs } from './clock.js';
import { type DistributionMs, Histogram, type HistogramBucket, NO_DISTRIBUTION } from './histogram.js';

export class RoundTrips {
  /** None for the first value: what is measured once, of hosts by the thousand, needs no buckets. */
  #histogram: Histogram | undefined;
  #jitterSum = 0;
  #first: number | undefined;
  #last = 0;

  /** In the order in which they ended. */
  add(milliseconds: number): void {
    if (this.#first === undefined) {
      this.#first = milliseconds;
    } else {
      if (this.#histogram === undefined) {
        this.#histogram = new Histogram();
        this.#histogram.add(this.#first);
      }
      this.#histogram.add(milliseconds);
      this.#jitterSum += Math.abs(milliseconds - this.#last);
    }
    this.#last = milliseconds;
  }

  /** Mean difference between one round trip and the next; null for fewer than two. */
  get jitterMs(): number | null {
    return this.#histogram === undefined ? null : roundMs(this.#jitterSum / (this.#histogram.count - 1));
  }

  summary(): DistributionMs {
    if (this.#histogram !== undefined) return this.#histogram.summary();
    if (this.#first === undefined) return NO_DISTRIBUTION;
    const only = roundMs(this.#first);
    return { min: only, mean: only, max: only, stddev: 0, p50: only, p90: only, p99: only, p999: only };
  }

  /** The distribution in buckets; see {@link Histogram.buckets}. */
  buckets(): HistogramBucket[] {
    const histogram = this.#histogram ?? new Histogram();
    if (histogram.count === 0 && this.#first !== undefined) histogram.add(this.#first);
    return histogram.buckets();
  }
}
