/** What every type of option value can do: text of `--opt` <-> value <-> bytes of setsockopt(2) and getsockopt(2). */
import { endianness } from 'node:os';

/**
 * A value in the form that is compared and passed around: a number for what is one (a flag is 0 or 1), otherwise the
 * canonical text, which `parse` reads back.
 */
export type OptionValue = number | string;

export interface OptionType {
  /** A word for machines: `flag`, `integer`, `enum`, … */
  readonly kind: string;
  /** What it takes, to finish the sentence 'it takes …'. */
  readonly describe: string;
  /** The value of a text, undefined for one that is none. */
  parse(text: string): OptionValue | undefined;
  /**
   * The bytes for setsockopt(2).
   *
   * @throws SocketError ENODEV for an interface that is not there
   */
  encode(value: OptionValue): Uint8Array;
  /** The value in the bytes that getsockopt(2) gave; undefined for bytes that are too few. */
  decode(bytes: Uint8Array): OptionValue | undefined;
  /** Whether what was set and what is read back are the same, where that takes more than a look. */
  same?(set: OptionValue, read: OptionValue): boolean;
  /** Bytes to ask getsockopt(2) for, where it wants to be asked for exactly so many. */
  readonly readLength?: number;
  /** The text that `parse` reads. */
  format(value: OptionValue): string;
}

/** Structures are in host order. */
export const LITTLE = endianness() === 'LE';

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** C ints, one after the other. */
export function ints(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = viewOf(bytes);
  values.forEach((value, i) => {
    view.setInt32(4 * i, value | 0, LITTLE);
  });
  return bytes;
}

/** The C int at the start; one byte where the kernel answers so, as some IP options do (ip(7)). */
export function readInt(bytes: Uint8Array): number | undefined {
  if (bytes.length === 1) return bytes[0];
  return bytes.length < 4 ? undefined : viewOf(bytes).getInt32(0, LITTLE);
}
