/** What can be written: layers, their fields, and what those may be. */
import { BYTE_MAKERS } from './kinds/bytes.js';
import { LAYERS } from './layers/table.js';

/** A field of a layer, for lists of them. */
interface FieldDescription {
  readonly name: string;
  /** Shorter names of it. */
  readonly aliases: readonly string[];
  /** What is expected: `0 to 255`, `an IPv4 address`. */
  readonly value: string;
  /** What it is unless given, where that is not plain zero: `computed`, `64`. */
  readonly unlessGiven?: string;
}

export interface LayerDescription {
  /** As it is called in records. */
  readonly protocol: string;
  /** What it may be called in an expression; the first is the shortest that is usual. */
  readonly names: readonly string[];
  readonly fields: readonly FieldDescription[];
}

/** Every layer that can be written, from the link in. */
export function describeLayers(): readonly LayerDescription[] {
  return LAYERS.map(({ protocol, names, fields }) => ({
    protocol,
    names,
    fields: Object.entries(fields).map(([name, { kind, aliases = [], unlessGiven }]) => ({
      name,
      aliases,
      value: kind.expects,
      ...(unlessGiven === undefined ? {} : { unlessGiven }),
    })),
  }));
}

/** What stands for bytes, in a layer's place and in fields, and what each is. */
export const describeBytes = (): Readonly<Record<string, string>> => BYTE_MAKERS;
