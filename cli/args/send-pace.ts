/** How fast `raw send` sends, by its flags. */
import { InvalidArgumentError } from 'commander';
import { clip, UsageError } from '../../src/errors.js';
import type { Pace } from '../../src/raw/send/pace.js';
import type { Rate } from './values.js';

export interface PaceFlags {
  readonly rate?: Rate;
  readonly topspeed?: boolean;
  readonly speed?: number;
  readonly maxGap?: number;
}

/** Longer pauses of a capture are not waited for unless that is asked for. */
const MAX_GAP_MS = 3_600_000;

/** `2x`, `0.5x` or `2`: how many times as fast as it was captured. */
export function speed(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)x?$/i.exec(text);
  const factor = match === null ? Number.NaN : Number(match[1]);
  if (!(factor >= 0.001 && factor <= 1e6)) {
    throw new InvalidArgumentError(`'${clip(text)}' is not a speed such as 2x or 0.5x, from 0.001x to 1000000x.`);
  }
  return factor;
}

/**
 * @param usual the pace where no flag gives one
 * @throws UsageError for flags that contradict each other
 */
export function choosePace({ rate, topspeed, speed, maxGap }: PaceFlags, usual: 'topspeed' | 'capture'): Pace {
  const given = [
    ...(rate === undefined ? [] : ['--rate']),
    ...(topspeed === true ? ['--topspeed'] : []),
    ...(speed === undefined ? [] : ['--speed']),
  ];
  if (given.length > 1) throw new UsageError(`${given.join(' and ')}: one pace at a time`);
  const byCapture = speed !== undefined || (given.length === 0 && usual === 'capture');
  if (maxGap !== undefined && !byCapture) {
    throw new UsageError("--max-gap: it is about the capture's own times", 'leave it out, or give --speed');
  }
  if (byCapture) return { kind: 'capture', speed: speed ?? 1, maxGapMs: maxGap ?? MAX_GAP_MS };
  if (rate === undefined) return { kind: 'topspeed' };
  return { kind: rate.unit === 'bits' ? 'bits' : 'packets', perSecond: rate.value };
}
