/** Numbers for people. */

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
