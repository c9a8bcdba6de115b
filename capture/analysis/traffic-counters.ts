/**
 * Packets and bytes of so many things that are counted side by side, in all and lately, in one array: a thing's figures
 * lie in one line of the processor's cache.
 */

/**
 * Rates are over the last so many milliseconds: this window, and of the one before the part that still belongs to them,
 * as if its packets had come evenly.
 */
export const RATE_WINDOW_MS = 2000;

const PACKETS = 0;
const BYTES = 1;
const WINDOW = 2;
const PACKETS_NOW = 3;
const BYTES_NOW = 4;
const PACKETS_BEFORE = 5;
const BYTES_BEFORE = 6;
const STRIDE = 8;

export class TrafficCounters {
  readonly #figures: Float64Array;

  constructor(size: number) {
    this.#figures = new Float64Array(size * STRIDE);
  }

  /** @param window the number of the window that it is now */
  add(index: number, packets: number, bytes: number, window: number): void {
    const figures = this.#figures;
    const at = index * STRIDE;
    figures[at + PACKETS] = (figures[at + PACKETS] as number) + packets;
    figures[at + BYTES] = (figures[at + BYTES] as number) + bytes;
    const last = figures[at + WINDOW] as number;
    if (last === window) {
      figures[at + PACKETS_NOW] = (figures[at + PACKETS_NOW] as number) + packets;
      figures[at + BYTES_NOW] = (figures[at + BYTES_NOW] as number) + bytes;
      return;
    }
    const next = last === window - 1;
    figures[at + PACKETS_BEFORE] = next ? (figures[at + PACKETS_NOW] as number) : 0;
    figures[at + BYTES_BEFORE] = next ? (figures[at + BYTES_NOW] as number) : 0;
    figures[at + WINDOW] = window;
    figures[at + PACKETS_NOW] = packets;
    figures[at + BYTES_NOW] = bytes;
  }

  packets(index: number): number {
    return this.#figures[index * STRIDE + PACKETS] as number;
  }

  bytes(index: number): number {
    return this.#figures[index * STRIDE + BYTES] as number;
  }

  /** Packets a second, at a moment in milliseconds since the counting began. */
  packetRate(index: number, elapsedMs: number): number {
    return this.#rate(index, elapsedMs, PACKETS_NOW, PACKETS_BEFORE);
  }

  /** Bytes a second. */
  byteRate(index: number, elapsedMs: number): number {
    return this.#rate(index, elapsedMs, BYTES_NOW, BYTES_BEFORE);
  }

  #rate(index: number, elapsedMs: number, now: number, before: number): number {
    const figures = this.#figures;
    const at = index * STRIDE;
    const window = windowAt(elapsedMs);
    const behind = window - (figures[at + WINDOW] as number);
    if (behind > 1) return 0;
    const share = 1 - (elapsedMs - window * RATE_WINDOW_MS) / RATE_WINDOW_MS;
    const sum =
      behind === 1
        ? (figures[at + now] as number) * share
        : (figures[at + now] as number) + (figures[at + before] as number) * share;
    // In the beginning there is less than a window to divide by; what came at once is no rate of a gigabit.
    return (sum * 1000) / Math.min(RATE_WINDOW_MS, Math.max(elapsedMs, RATE_WINDOW_MS / 4));
  }

  clear(index: number): void {
    const at = index * STRIDE;
    for (let i = at; i < at + STRIDE; i++) this.#figures[i] = 0;
  }
}

/** The number of the window that a moment is in. */
export function windowAt(elapsedMs: number): number {
  return Math.floor(elapsedMs / RATE_WINDOW_MS);
}
