/** Numbers of pcapng (draft-ietf-opsawg-pcapng), its options, and its timestamps. */
import type { Timestamp } from '../../src/measure/clock.js';
import type { ByteWindow } from './bytes.js';

export const BlockType = {
  sectionHeader: 0x0a0d_0d0a,
  interfaceDescription: 1,
  /** Obsolete; written by old versions of Wireshark. */
  packet: 2,
  simplePacket: 3,
  interfaceStatistics: 5,
  enhancedPacket: 6,
} as const;

const OTHER_BLOCKS: Readonly<Record<number, string>> = {
  4: 'name resolution',
  10: 'decryption secrets',
  2989: 'custom',
  1073744813: 'custom',
};

/** What a block that is passed over is called. */
export function blockName(type: number): string {
  return OTHER_BLOCKS[type] ?? 'unknown';
}

export const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;

/** Type and length in front, the length again behind. */
export const BLOCK_OVERHEAD = 12;

/** Option codes, by the block that they belong to; end and comment belong to all. */
export const OptionCode = {
  end: 0,
  comment: 1,
  section: { hardware: 2, operatingSystem: 3, application: 4 },
  interface: { name: 2, description: 3, resolution: 9, filter: 11, operatingSystem: 12, offset: 14, hardware: 15 },
  packet: { flags: 2 },
  statistics: { received: 4, droppedInterface: 5, droppedKernel: 7, delivered: 8 },
} as const;

/** The lowest two bits of epb_flags. */
export const FLAG_INBOUND = 1;
export const FLAG_OUTBOUND = 2;

export interface BlockOption {
  readonly code: number;
  /** Where the value begins, from the start of the window. */
  readonly at: number;
  readonly length: number;
}

/**
 * The options between `at` and `end`. An option that reaches beyond `end` stops the list: the rest of the block can't
 * be told from garbage, while what the fixed fields say still holds.
 */
export function readOptions(window: ByteWindow, at: number, end: number, littleEndian: boolean): BlockOption[] {
  const options: BlockOption[] = [];
  let position = at;
  while (position + 4 <= end) {
    const code = window.u16(position, littleEndian);
    const length = window.u16(position + 2, littleEndian);
    if (code === OptionCode.end || position + 4 + length > end) break;
    options.push({ code, at: position + 4, length });
    position += 4 + ((length + 3) & ~3);
  }
  return options;
}

const UTF8 = new TextDecoder();

/** An option's text; some writers end it with a zero byte although the draft forbids it. */
export function optionText(window: ByteWindow, option: BlockOption): string {
  return UTF8.decode(window.peek(option.at, option.length)).replace(/\0+$/, '');
}

/**
 * The clock of an interface: turns the two halves of a pcapng timestamp into a moment, exactly.
 *
 * The value counts units of if_tsresol since 1970 and needs 64 bits: nanoseconds of today do not fit into a double. The
 * upper half changes every few seconds at most, so its share is worked out with bigints once and kept.
 */
export class BlockClock {
  readonly #unitsPerSecond: bigint;
  readonly #offset: bigint;
  /** Nanoseconds in a unit where that is a whole number, otherwise 0: then every value takes the slow path. */
  readonly #nanosecondsPerUnit: number;
  #cachedHigh = -1;
  #cachedSeconds = 0;
  #cachedUnits = 0;

  /**
   * @param resolution if_tsresol: a negative power of 10, or with the highest bit set of 2
   * @param offset if_tsoffset: seconds to add
   */
  constructor(resolution = 6, offset = 0n) {
    const exponent = BigInt(resolution & 0x7f);
    this.#unitsPerSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
    this.#offset = offset;
    this.#nanosecondsPerUnit = resolution <= 9 ? 10 ** (9 - resolution) : 0;
  }

  at(high: number, low: number): Timestamp {
    if (this.#nanosecondsPerUnit === 0) return this.#slow((BigInt(high) << 32n) | BigInt(low));
    if (high !== this.#cachedHigh) {
      const units = BigInt(high) << 32n;
      this.#cachedHigh = high;
      this.#cachedSeconds = Number(units / this.#unitsPerSecond + this.#offset);
      this.#cachedUnits = Number(units % this.#unitsPerSecond);
    }
    const perSecond = 1e9 / this.#nanosecondsPerUnit;
    const units = this.#cachedUnits + low;
    const seconds = Math.floor(units / perSecond);
    return {
      seconds: this.#cachedSeconds + seconds,
      nanoseconds: (units - seconds * perSecond) * this.#nanosecondsPerUnit,
    };
  }

  #slow(units: bigint): Timestamp {
    const seconds = units / this.#unitsPerSecond;
    const rest = units % this.#unitsPerSecond;
    return {
      seconds: Number(seconds + this.#offset),
      nanoseconds: Number((rest * 1_000_000_000n) / this.#unitsPerSecond),
    };
  }
}

const LARGEST = 0xffff_ffff_ffff_ffffn;

/**
 * The way back: a moment as the two halves of a block's timestamp in nanoseconds. Moments before 1970 and after 2554
 * become the nearest that fit.
 */
export class BlockTime {
  high = 0;
  low = 0;
  #cachedSeconds = Number.NaN;
  #cachedHigh = 0;
  #cachedLow = 0;

  set(seconds: number, nanoseconds: number): void {
    if (seconds !== this.#cachedSeconds) {
      const exact = BigInt(Math.trunc(seconds)) * 1_000_000_000n;
      const fits = exact < 0n ? 0n : exact > LARGEST ? LARGEST : exact;
      this.#cachedSeconds = seconds;
      this.#cachedHigh = Number(fits >> 32n);
      this.#cachedLow = Number(fits & 0xffff_ffffn);
    }
    const low = this.#cachedLow + (seconds < 0 ? 0 : nanoseconds);
    const carry = low > 0xffff_ffff ? 1 : 0;
    this.high = Math.min(this.#cachedHigh + carry, 0xffff_ffff);
    this.low = low - carry * 0x1_0000_0000;
  }
}
