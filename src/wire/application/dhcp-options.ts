/**
 * Options of DHCP (RFC 2132 and IANA's registry): a code, a length, and a value by the code's kind.
 *
 *     code:1 length:1 value …; codes 0 (padding) and 255 (end) are one byte alone
 */
import { ByteList } from '../byte-list.js';
import type { Cursor } from '../cursor.js';

export interface DhcpOption {
  readonly code: number;
  /** By the code: addresses, a number, text escaped as in text.ts, codes of options; otherwise hex. */
  readonly addresses?: readonly string[];
  readonly number?: number;
  readonly text?: string;
  readonly codes?: readonly number[];
  readonly data?: string;
}

const PAD = 0;
const END = 255;

type Kind = 'addresses' | 'u8' | 'u16' | 'u32' | 'text' | 'codes';

/** Codes that are met most; others are hex. */
const KINDS: Readonly<Record<number, Kind>> = {
  1: 'addresses',
  2: 'u32',
  3: 'addresses',
  4: 'addresses',
  5: 'addresses',
  6: 'addresses',
  7: 'addresses',
  9: 'addresses',
  12: 'text',
  13: 'u16',
  14: 'text',
  15: 'text',
  17: 'text',
  18: 'text',
  19: 'u8',
  22: 'u16',
  23: 'u8',
  26: 'u16',
  28: 'addresses',
  32: 'addresses',
  35: 'u32',
  37: 'u8',
  38: 'u32',
  40: 'text',
  41: 'addresses',
  42: 'addresses',
  44: 'addresses',
  45: 'addresses',
  46: 'u8',
  48: 'addresses',
  49: 'addresses',
  50: 'addresses',
  51: 'u32',
  52: 'u8',
  53: 'u8',
  54: 'addresses',
  55: 'codes',
  56: 'text',
  57: 'u16',
  58: 'u32',
  59: 'u32',
  60: 'text',
  64: 'text',
  65: 'addresses',
  66: 'text',
  67: 'text',
  69: 'addresses',
  70: 'addresses',
  72: 'addresses',
  100: 'text',
  101: 'text',
  114: 'text',
  116: 'u8',
  138: 'addresses',
  150: 'addresses',
  252: 'text',
};

const SIZES = { u8: 1, u16: 2, u32: 4 } as const;

/** Padding is left out; the end option ends the list, and is not in it. */
export function readDhcpOptions(cursor: Cursor): DhcpOption[] {
  const options: DhcpOption[] = [];
  while (cursor.left > 0) {
    const code = cursor.u8();
    if (code === PAD) continue;
    if (code === END) break;
    if (!cursor.has(1, 'option')) break;
    options.push(readOption(code, cursor.part(cursor.u8(), 'option length')));
  }
  return options;
}

function readOption(code: number, part: Cursor): DhcpOption {
  const kind = KINDS[code];
  switch (kind) {
    case 'addresses':
      if (part.left % 4 !== 0 || part.left === 0) break;
      return { code, addresses: part.ipv4s(part.left) };
    case 'text':
      return { code, text: part.text() };
    case 'codes':
      return { code, codes: Array.from({ length: part.left }, () => part.u8()) };
    case 'u8':
    case 'u16':
    case 'u32':
      if (part.left !== SIZES[kind]) break;
      return { code, number: kind === 'u8' ? part.u8() : kind === 'u16' ? part.u16() : part.u32() };
  }
  return { code, data: part.hex() };
}

/** The options with the end option behind them. */
export function encodeDhcpOptions(options: readonly DhcpOption[]): Uint8Array {
  const bytes = new ByteList();
  for (const option of options) {
    const value = optionValue(option);
    bytes.u8(option.code).u8(value.length).bytes(value);
  }
  return bytes.u8(END).toBytes();
}

function optionValue({ code, addresses, number, text, codes, data }: DhcpOption): Uint8Array {
  const bytes = new ByteList();
  for (const address of addresses ?? []) bytes.ipv4(address);
  if (number !== undefined) {
    const kind = KINDS[code];
    if (kind === 'u8') bytes.u8(number);
    else if (kind === 'u16') bytes.u16(number);
    else bytes.u32(number);
  }
  return bytes
    .text(text ?? '')
    .bytes(codes ?? [])
    .hex(data ?? '')
    .toBytes();
}
