/**
 * What an expression comes to on a link: tests of fields at places that are known, joined by `and`, `or` and `not`. They
 * are asked from the left to the right, and only as far as needed; a load beyond a packet's end ends the program, so the
 * order is part of the meaning.
 */

/**
 * A word of scratch memory that holds where something begins. What fills it stands at the program's beginning, for the
 * cells that something asked for, or in the condition that finds it out.
 */
export class Cell {
  /** Whether a load needs it. */
  used = false;
}

/** Where a header begins. */
export interface Base {
  /** Bytes from the packet's beginning, or beyond what `cell` says. May be negative within a sum. */
  readonly constant: number;
  readonly cell?: Cell | undefined;
  /** Behind an IPv4 header that begins there: its length is added. */
  readonly behindIPv4?: boolean;
  /** `cell` has what is asked for itself, not where it is. */
  readonly isValue?: boolean;
}

export interface Field {
  readonly base: Base;
  readonly offset: number;
  readonly width: 1 | 2 | 4;
}

/** Of the packet, on the link; kept in `cell` where it takes some finding out. */
export interface Length {
  readonly type: 'length';
  readonly cell?: Cell | undefined;
  /** Bytes of a header that the program is not shown. */
  readonly hidden: number;
}

/** A number of 32 bits. */
export type Term =
  | { readonly type: 'constant'; readonly value: number }
  | Length
  | { readonly type: 'load'; readonly base: Base; readonly index: Term; readonly width: 1 | 2 | 4 }
  | { readonly type: 'field'; readonly field: Field }
  | { readonly type: 'negative'; readonly of: Term }
  | { readonly type: 'binary'; readonly operation: number; readonly left: Term; readonly right: Term };

/** `any` of the bits of `value`. */
export type Comparison = '=' | '>' | '>=' | 'any';

export type Condition =
  | { readonly type: 'constant'; readonly value: boolean }
  | {
      readonly type: 'field';
      readonly field: Field;
      readonly mask?: number | undefined;
      /** Bits that are set before the comparison: `byte 3 | 4`. */
      readonly set?: number | undefined;
      readonly comparison: Comparison;
      readonly value: number;
    }
  | { readonly type: 'length'; readonly length: Length; readonly comparison: '>' | '>='; readonly value: number }
  | { readonly type: 'terms'; readonly comparison: '=' | '>' | '>='; readonly left: Term; readonly right: Term }
  /** Whether two cells hold different places. */
  | { readonly type: 'cells-differ'; readonly left: Cell; readonly right: Cell }
  | { readonly type: 'not'; readonly of: Condition }
  | { readonly type: 'and' | 'or'; readonly parts: readonly Condition[] }
  /** From the left: `a and b or c` is `(a and b) or c`. */
  | {
      readonly type: 'chain';
      readonly first: Condition;
      readonly rest: readonly { readonly operator: 'and' | 'or'; readonly condition: Condition }[];
    }
  /** Follows the headers behind an IP header until one is `protocol`. */
  | { readonly type: 'header-chain'; readonly version: 4 | 6; readonly protocol: number; readonly base: Base }
  /** Always true; finds out where the frame in a tunnel begins. */
  | { readonly type: 'tunnel'; readonly tunnel: TunnelPlaces }
  /** Always true; counts a VLAN tag that stands in the packet itself, before `of` is asked. */
  | { readonly type: 'tag-in-packet'; readonly cells: readonly Cell[]; readonly of: Condition }
  /** Whether a packet without its link's header has a VLAN tag; finds out which, and where what it carries begins. */
  | { readonly type: 'cooked-tag'; readonly cells: CookedTag }
  /** What the kernel knows of the packet's tag where it has one, else the packet's. */
  | { readonly type: 'vlan-tag'; readonly field: Field; readonly tag: number };

/** What is found out of the tag of a cooked packet in the kernel. */
export interface CookedTag {
  /** The EtherType that the link carries, known before; changed where the tag stands in the packet. */
  readonly protocol: Cell;
  /** Where the network's header begins. */
  readonly payload: Cell;
  /** The tag itself, where it is asked for. */
  readonly tag: Cell | undefined;
}

/** Where the frame in a tunnel is. */
export interface TunnelPlaces {
  readonly kind: 'geneve' | 'vxlan';
  /** The header of UDP; the tunnel's own begins 8 bytes behind. */
  readonly transport: Base;
  readonly linkHeader: Cell;
  readonly linkType: Cell;
  readonly payload: Cell;
}

export const ALWAYS: Condition = { type: 'constant', value: true };
export const NEVER: Condition = { type: 'constant', value: false };

export const not = (of: Condition): Condition => ({ type: 'not', of });
export const and = (...parts: Condition[]): Condition => ({ type: 'and', parts });
export const or = (...parts: Condition[]): Condition => ({ type: 'or', parts });

/** A field as `base[offset:width]`. */
export function field(base: Base, offset: number, width: 1 | 2 | 4): Field {
  if (base.cell !== undefined) base.cell.used = true;
  return { base, offset, width };
}

/** `field & mask = value`, without a mask for all bits. */
export function equals(at: Field, value: number, mask?: number): Condition {
  if (mask === 0) return value === 0 ? ALWAYS : NEVER;
  const bits = mask === undefined || mask >>> 0 === 0xffff_ffff ? undefined : mask;
  return { type: 'field', field: at, mask: bits, comparison: '=', value: value >>> 0 };
}

export function compares(at: Field, comparison: '>' | '>=', value: number): Condition {
  return { type: 'field', field: at, comparison, value };
}

export const atMost = (at: Field, value: number): Condition => not(compares(at, '>', value));

/** Whether any of the bits are set. */
export function hasAny(at: Field, bits: number): Condition {
  return { type: 'field', field: at, comparison: 'any', value: bits };
}

/** The bytes at `base + offset`: the last ones first, four at once as long as there are as many. */
export function bytesEqual(base: Base, offset: number, bytes: Uint8Array): Condition {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Condition[] = [];
  let left = bytes.length;
  for (; left >= 4; left -= 4) parts.push(equals(field(base, offset + left - 4, 4), view.getUint32(left - 4)));
  for (; left >= 2; left -= 2) parts.push(equals(field(base, offset + left - 2, 2), view.getUint16(left - 2)));
  if (left > 0) parts.push(equals(field(base, offset, 1), view.getUint8(0)));
  return parts.length === 1 ? (parts[0] as Condition) : { type: 'and', parts };
}
