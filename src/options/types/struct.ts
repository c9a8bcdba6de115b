/** Structures that are only read: their fields as text, `name=value` each. */
import { LITTLE, type OptionType, viewOf } from './type.js';

/** `[name, offset, bytes]` of each field; signed where bytes are negative. */
export type StructField = readonly [string, number, 1 | 2 | 4 | 8 | -4];

/** A structure of the kernel, for getsockopt(2) alone. Fields beyond what the kernel gave are left out. */
export function struct(name: string, fields: readonly StructField[]): OptionType {
  return {
    kind: 'struct',
    describe: `struct ${name}, to be read only`,
    parse: () => undefined,
    encode: () => new Uint8Array(0),
    decode: (bytes) => {
      const view = viewOf(bytes);
      const there = fields.filter(([, offset, size]) => offset + Math.abs(size) <= bytes.length);
      return there.length === 0
        ? undefined
        : there.map(([field, at, size]) => `${field}=${read(view, at, size)}`).join(' ');
    },
    format: String,
  };
}

function read(view: DataView, at: number, size: StructField[2]): number | bigint {
  switch (size) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, LITTLE);
    case 4:
      return view.getUint32(at, LITTLE);
    case -4:
      return view.getInt32(at, LITTLE);
    default:
      return view.getBigUint64(at, LITTLE);
  }
}
