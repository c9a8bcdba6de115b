/**
 * What the files of a capture are called, and which comes after which: as tcpdump(1) has it.
 *
 *     by size                  FILE, FILE1, FILE2, …
 *     by size, N files         FILE0, FILE1, …, with as many digits as the last one needs, and again from the first
 *     by time                  FILE, with the time put in by strftime(3)
 *     by both                  FILE with its time, and numbers that begin again with each time
 *
 * The number stands before what says that the file is compressed: FILE1.gz.
 */
import { UsageError } from '../../../src/errors.js';
import { strftime } from './strftime.js';

/** When a file is full, and how many there are to be. */
export interface Rotation {
  /** A packet does not go into a file that is larger than this, in bytes as they are on the disk. */
  readonly size?: number | undefined;
  /** A file is complete after this time, from a second up. */
  readonly intervalMs?: number | undefined;
  /**
   * By size: so many files, and then again from the first. By time alone: after so many the capture ends. By both: the
   * files by size of one time are so many.
   */
  readonly files?: number | undefined;
}

export class FileNames {
  readonly #pattern: string;
  readonly #suffix: string;
  readonly #rotation: Rotation;
  readonly #digits: number;
  #number = 0;
  #stem: string;

  /** @throws UsageError for a time that strftime(3) does not know, and for files that would have no end or no beginning */
  constructor(path: string, rotation: Rotation, begin: Date) {
    for (const [what, value, least] of [
      ['size', rotation.size, 1],
      ['intervalMs', rotation.intervalMs, 1000],
      ['files', rotation.files, 1],
    ] as const) {
      if (value !== undefined && !(value >= least))
        throw new UsageError(`rotation.${what} is ${value}, not ${least} or more`);
    }
    this.#suffix = /\.(?:gz|zst)$/i.exec(path)?.[0] ?? '';
    this.#pattern = path.slice(0, path.length - this.#suffix.length);
    this.#rotation = rotation;
    const { size, files = 1 } = rotation;
    this.#digits = size === undefined || files === 1 ? 0 : String(files - 1).length;
    this.#stem = this.#timed(begin);
  }

  get current(): string {
    const number = this.#number === 0 && this.#digits === 0 ? '' : String(this.#number).padStart(this.#digits, '0');
    return this.#stem + number + this.#suffix;
  }

  /** The name of the file that follows one that is full. */
  nextBySize(): string {
    const { files = Number.POSITIVE_INFINITY } = this.#rotation;
    this.#number = this.#number + 1 >= files ? 0 : this.#number + 1;
    return this.current;
  }

  /** The name of the file that is begun at `time`. */
  nextByTime(time: Date): string {
    this.#number = 0;
    this.#stem = this.#timed(time);
    return this.current;
  }

  #timed(time: Date): string {
    return this.#rotation.intervalMs === undefined ? this.#pattern : strftime(this.#pattern, time);
  }
}
