/** Numbers for people. */
import type { DistributionMs } from '../../src/measure/histogram.js';

/** `1.25 Gbit/s` */
export function bitsPerSecond(bits: number): string {
  return `${scaled(bits, 1000, ['', 'k', 'M', 'G', 'T'])}bit/s`;
}

/** `4.0 KiB` */
export function byteCount(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${scaled(bytes, 1024, ['', 'Ki', 'Mi', 'Gi', 'Ti'])}B`;
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let unit = 0;
  let left = value;
  while (left >= step && unit < units.length - 1) {
    left /= step;
    unit++;
  }
  return `${unit === 0 ? Math.round(left) : left.toFixed(2)} ${units[unit]}`;
}

/** `0.123` for milliseconds, `?` for none. */
export function milliseconds(value: number | null): string {
  return value === null ? '?' : value.toFixed(3);
}

/** The line about round trips, as ping(8) has it and with percentiles; none where there were none. */
export function roundTripText(summary: { readonly rttMs: DistributionMs; readonly jitterMs: number | null }): string[] {
  const { min, mean, max, stddev, p50, p90, p99 } = summary.rttMs;
  if (mean === null) return [];
  const spread = [min, mean, max, stddev].map(milliseconds).join('/');
  const percentiles = [p50, p90, p99].map(milliseconds).join('/');
  const jitter = milliseconds(summary.jitterMs);
  return [`rtt min/mean/max/stddev ${spread} ms, p50/p90/p99 ${percentiles} ms, jitter ${jitter} ms`];
}

/** `1 error`, `2 errors`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `12,345`; the first use of Node's own way to write it takes 20 ms. */
export function grouped(count: number | bigint): string {
  if (typeof count === 'number' && !Number.isInteger(count)) return count.toLocaleString('en');
  return count.toString().replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `0:07`, `12:34`, `1:02:03`; whole seconds. */
export function clock(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
