/**
 * Distribution of durations: mean and deviation exactly (Welford), percentiles to within 0.05 % from log-linear
 * buckets, in memory that depends on the spread of the values and not on their number.
 */

/** The `rttMs` of records; milliseconds. All null where there is no value yet. */
export interface DistributionMs {
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
  readonly stddev: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
}

/** Of no values. */
export const NO_DISTRIBUTION: DistributionMs = {
  min: null,
  mean: null,
  max: null,
  stddev: null,
  p50: null,
  p90: null,
  p99: null,
  p999: null,
};

/** So many values from `fromMs` to below `toMs`, in milliseconds. */
export interface HistogramBucket {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Buckets to each power of two. */
const PRECISION_BITS = 10;
const PRECISION = 1 << PRECISION_BITS;
const SHORT = 2 ** 31;
/** Buckets kept at most; what would need more shares every 64th from then on. Forged times must not fill the memory. */
const BUCKETS_MAX = 16_384;
const COARSE = 64;

export class Histogram {
  #count = 0;
  #mean = 0;
  #squares = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  /** Values in nanoseconds by bucket. */
  readonly #buckets = new Map<number, number>();

  get count(): number {
    return this.#count;
  }

  /**
   * @param milliseconds may be negative, where two clocks disagree
   * @param times how often it occurred
   */
  add(milliseconds: number, times = 1): void {
    if (!Number.isFinite(milliseconds)) return;
    this.#count += times;
    const delta = milliseconds - this.#mean;
    this.#mean += (delta * times) / this.#count;
    this.#squares += delta * (milliseconds - this.#mean) * times;
    if (milliseconds < this.#min) this.#min = milliseconds;
    if (milliseconds > this.#max) this.#max = milliseconds;
    let bucket = bucketOf(milliseconds * 1e6);
    let known = this.#buckets.get(bucket);
    if (known === undefined && this.#buckets.size >= BUCKETS_MAX) {
      bucket = Math.floor(bucket / COARSE) * COARSE;
      known = this.#buckets.get(bucket);
    }
    this.#buckets.set(bucket, (known ?? 0) + times);
  }

  /** The smallest value that `quantile` (0 to 1) of all values do not exceed, in milliseconds; null without values. */
  percentile(quantile: number): number | null {
    return this.#percentiles([quantile])[0] ?? null;
  }

  summary(): DistributionMs {
    if (this.#count === 0) return NO_DISTRIBUTION;
    const [p50 = null, p90 = null, p99 = null, p999 = null] = this.#percentiles([0.5, 0.9, 0.99, 0.999]);
    // The sum of squares of equal values may come out a little below zero.
    const stddev = Math.sqrt(Math.max(0, this.#squares / this.#count));
    const round = (value: number | null) => (value === null ? null : Math.round(value * 1e6) / 1e6);
    return {
      min: round(this.#min),
      mean: round(this.#mean),
      max: round(this.#max),
      stddev: round(stddev),
      p50: round(p50),
      p90: round(p90),
      p99: round(p99),
      p999: round(p999),
    };
  }

  /** The buckets that hold something, ascending: a nanosecond wide below 1 µs, a 1,024th of a power of two above. */
  buckets(): HistogramBucket[] {
    return [...this.#buckets]
      .sort(([a], [b]) => a - b)
      .map(([bucket, count]) => {
        const [from, to] = edgesOf(bucket);
        return { fromMs: Math.round(from) / 1e6, toMs: Math.round(to) / 1e6, count };
      });
  }

  /** One walk over the sorted buckets for ascending quantiles. */
  #percentiles(quantiles: readonly number[]): (number | null)[] {
    if (this.#count === 0) return quantiles.map(() => null);
    const sorted = [...this.#buckets].sort(([a], [b]) => a - b);
    const found: number[] = [];
    let seen = 0;
    let at = 0;
    for (const quantile of quantiles) {
      const rank = Math.max(1, Math.ceil(quantile * this.#count));
      while (at < sorted.length && seen + (sorted[at]?.[1] ?? 0) < rank) seen += sorted[at++]?.[1] ?? 0;
      const middle = middleOf(sorted[Math.min(at, sorted.length - 1)]?.[0] ?? 0) / 1e6;
      found.push(Math.max(this.#min, Math.min(this.#max, middle)));
    }
    return found;
  }
}

/** Below PRECISION a bucket a nanosecond; above, PRECISION buckets to each power of two. */
function bucketOf(nanoseconds: number): number {
  const value = Math.round(nanoseconds);
  if (value < 0) return -bucketOf(-value);
  if (value < PRECISION) return value;
  if (value < SHORT) {
    // The same in whole numbers, for what is below two seconds.
    const shift = 31 - Math.clz32(value) - PRECISION_BITS;
    return shift * PRECISION + (value >>> shift);
  }
  const exponent = Math.floor(Math.log2(value)) - Math.log2(PRECISION);
  return (exponent + 1) * PRECISION + Math.floor(value / 2 ** exponent) - PRECISION;
}

/** The nanoseconds at which a bucket begins and the next one does. */
function edgesOf(bucket: number): [number, number] {
  if (bucket < 0) {
    const [from, to] = edgesOf(-bucket);
    return [1 - to, 1 - from];
  }
  if (bucket < 2 * PRECISION) return [bucket, bucket + 1];
  const width = 2 ** (Math.floor(bucket / PRECISION) - 1);
  const from = ((bucket % PRECISION) + PRECISION) * width;
  return [from, from + width];
}

function middleOf(bucket: number): number {
  if (bucket < 0) return -middleOf(-bucket);
  if (bucket < 2 * PRECISION) return bucket;
  const exponent = Math.floor(bucket / PRECISION) - 1;
  const width = 2 ** exponent;
  return ((bucket % PRECISION) + PRECISION) * width + (width - 1) / 2;
}
