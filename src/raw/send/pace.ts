/** When each packet is due, on an absolute schedule: what one is late by does not move the others. */
import { elapsedMs, type Timestamp } from '../../measure/clock.js';

export type Pace =
  /** As fast as the socket takes them. */
  | { readonly kind: 'topspeed' }
  | { readonly kind: 'packets'; readonly perSecond: number }
  /** Of whole packets, their first header included. */
  | { readonly kind: 'bits'; readonly perSecond: number }
  /** As they were captured. */
  | {
      readonly kind: 'capture';
      /** 2 for twice as fast. */
      readonly speed: number;
      /** Longer pauses of the capture are cut down to so many milliseconds of it. */
      readonly maxGapMs: number;
    };

export class Schedule {
  readonly #pace: Pace;
  #packets = 0;
  #bits = 0;
  /** Of the capture: the latest time so far, and what has gone by until then without what was cut off. */
  #latest: Timestamp | undefined;
  #elapsed = 0;
  /** Pauses that were cut down, and by how much of the capture's time in all. */
  gapsCut = 0;
  cutMs = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /**
   * When the next packet is due, in milliseconds since the first one.
   *
   * @param length in bytes
   * @param time when it was captured; null for one that goes with the packet before it
   */
  next(length: number, time: Timestamp | null): number {
    const index = this.#packets++;
    switch (this.#pace.kind) {
      case 'topspeed':
        return 0;
      case 'packets':
        return (index * 1000) / this.#pace.perSecond;
      case 'bits': {
        const due = (this.#bits * 1000) / this.#pace.perSecond;
        this.#bits += length * 8;
        return due;
      }
      case 'capture':
        return this.#elapsedAt(time, this.#pace.maxGapMs) / this.#pace.speed;
    }
  }

  /** The capture begins again, without a pause. */
  again(): void {
    this.#latest = undefined;
  }

  /** Packets that are out of order go with the latest before them. */
  #elapsedAt(time: Timestamp | null, maxGapMs: number): number {
    if (time === null) return this.#elapsed;
    const gap = this.#latest === undefined ? 0 : elapsedMs(this.#latest, time);
    if (this.#latest !== undefined && gap <= 0) return this.#elapsed;
    this.#latest = time;
    if (gap > maxGapMs) {
      this.gapsCut++;
      this.cutMs += gap - maxGapMs;
    }
    this.#elapsed += Math.min(gap, maxGapMs);
    return this.#elapsed;
  }
}
