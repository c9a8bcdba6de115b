/**
 * Clocks and the text of a moment. Wall-clock moments are whole seconds and nanoseconds since 1970 (UTC), because
 * nanoseconds since 1970 in one double lose the last two digits.
 */

/** Milliseconds of a day that no leap second is in. */
export const DAY_MS = 86_400_000;

/** A wall-clock moment, CLOCK_REALTIME of clock_gettime(2). */
export interface Timestamp {
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}

/**
 * The wall clock that every system has: microsecond steps, set once when the process starts, so that a step of the
 * system's clock afterwards does not show in it.
 */
export function portableWallClock(): Timestamp {
  const milliseconds = performance.timeOrigin + performance.now();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanoseconds: Math.floor((milliseconds - seconds * 1000) * 1000) * 1000 };
}

/** Milliseconds of the monotonic clock, with sub-microsecond fractions; for durations only. */
export function monotonicMs(): number {
  return performance.now();
}

/** Milliseconds with the digits that mean something: whole nanoseconds. */
export function roundMs(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e6;
}

/** The time from `earlier` to `later` in milliseconds, negative when the clocks disagree. */
export function elapsedMs(earlier: Timestamp, later: Timestamp): number {
  return (later.seconds - earlier.seconds) * 1000 + (later.nanoseconds - earlier.nanoseconds) / 1e6;
}

/** A wall clock that is set by less than this is not told from one that is not. */
const STEP_MS = 100;

/**
 * The time between two moments of the wall clock, unless that was set in between: then what has passed by the monotonic
 * one, which is read a little later at either end.
 */
export function steadyMs(wallMs: number, monotonicMs: number): number {
  return wallMs < 0 || wallMs > monotonicMs + STEP_MS ? Math.max(0, monotonicMs) : wallMs;
}

let cachedSecond = Number.NaN;
let cachedText = '';

/**
 * RFC 3339 in UTC with nanoseconds: `2026-01-02T03:04:05.123456789Z`.
 *
 * @param seconds since 1970; what the calendar cannot express (a corrupt file may claim any number) is clamped to the
 *   ends of what Date can hold
 * @param nanoseconds 0 to 999,999,999
 */
export function formatTime(seconds: number, nanoseconds: number): string {
  if (seconds !== cachedSecond) {
    const milliseconds = Math.max(-8.64e15, Math.min(8.64e15, seconds * 1000));
    cachedText = new Date(milliseconds).toISOString().slice(0, -5);
    cachedSecond = seconds;
  }
  return `${cachedText}.${String(nanoseconds).padStart(9, '0')}Z`;
}

/** {@link formatTime} of a {@link Timestamp}. */
export function formatTimestamp(time: Timestamp): string {
  return formatTime(time.seconds, time.nanoseconds);
}
