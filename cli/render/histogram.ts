/** A distribution as a chart of text: a line a range, ranges with round ends. */
import type { HistogramBucket } from '../../src/measure/histogram.js';
import { grouped } from './report.js';

/** Ranges of equal width that are wanted; there are up to twice as many. */
const RANGES = 10;
/** Beyond this ratio of the ends, ranges get wider as values do. */
const WIDE = 20;
const STEPS = [1, 2, 5, 10];
const WIDE_STEPS = [1, 1.5, 2, 3, 5, 7];
const BAR = 40;

/** The lines; none where there are no values. */
export function histogramText(buckets: readonly HistogramBucket[]): string[] {
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (first === undefined || last === undefined) return [];
  const edges = edgesFor(first.fromMs, last.toMs);
  const counts = new Array<number>(edges.length - 1).fill(0);
  let at = 0;
  let total = 0;
  for (const { fromMs, toMs, count } of buckets) {
    const middle = (fromMs + toMs) / 2;
    while (at < counts.length - 1 && middle >= (edges[at + 1] ?? 0)) at++;
    counts[at] = (counts[at] ?? 0) + count;
    total += count;
  }
  const most = Math.max(...counts);
  const digits = Math.max(0, ...edges.map(digitsOf));
  const text = edges.map((edge) => edge.toFixed(digits));
  const width = Math.max(...text.map(({ length }) => length));
  const figures = Math.max(...counts.map((count) => grouped(count).length));
  return counts.map((count, i) => {
    const range = `${text[i]?.padStart(width)} to ${text[i + 1]?.padStart(width)} ms`;
    const bar = '#'.repeat(count === 0 ? 0 : Math.max(1, Math.round((count / most) * BAR)));
    const share = `${((100 * count) / total).toFixed(1)}%`.padStart(6);
    return `  ${range} ${grouped(count).padStart(figures)} ${share} ${bar}`.trimEnd();
  });
}

/** Ascending, the first at or below `low`, the last above `high` or at it. */
function edgesFor(low: number, high: number): number[] {
  if (low > 0 && high / low > WIDE) return wideEdges(low, high);
  const span = Math.max(high - low, Math.abs(high) / 1000, 1e-5);
  const decade = 10 ** Math.floor(Math.log10(span / RANGES));
  const step = decade * (STEPS.find((one) => one * decade >= span / RANGES) ?? 10);
  const edges: number[] = [];
  for (let i = Math.floor(low / step + 1e-9); ; i++) {
    edges.push(rounded(i * step));
    if (edges.length > 1 && i * step >= high - step * 1e-9) return edges;
  }
}

function wideEdges(low: number, high: number): number[] {
  const edges: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); ; exponent++) {
    for (const step of WIDE_STEPS) {
      const edge = rounded(step * 10 ** exponent);
      // What lies below the values is of no interest, but for the last one.
      if (edge <= low) edges.length = 0;
      edges.push(edge);
      if (edge >= high) return edges;
    }
  }
}

/** Without the last digits of a sum of fractions. */
function rounded(value: number): number {
  return Number(value.toPrecision(10));
}

/** Digits behind the point that a number needs, six at most: nanoseconds. */
function digitsOf(value: number): number {
  for (let digits = 0; digits < 6; digits++) if (Math.abs(Number(value.toFixed(digits)) - value) < 1e-9) return digits;
  return 6;
}
