/** TCP options (RFC 9293 section 3.2, RFC 7323, RFC 2018): kind, length, data; kinds 0 and 1 are one byte. */
import { hex } from './packet.js';

export type TcpOption =
  | { readonly kind: 'end' | 'nop' | 'sackPermitted' }
  | { readonly kind: 'mss'; readonly value: number }
  | { readonly kind: 'windowScale'; readonly shift: number }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly kind: 'sack'; readonly blocks: readonly { readonly left: number; readonly right: number }[] }
  | { readonly kind: 'unknown'; readonly number: number; readonly data: string };

/** Where the options went wrong: the offset, and what was needed there. */
export interface OptionFault {
  readonly at: number;
  readonly need: number;
}

/** Reads `[start, end)`; a broken length ends the reading and is told. */
export function decodeTcpOptions(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): { options: TcpOption[]; fault: OptionFault | undefined } {
  const options: TcpOption[] = [];
  let at = start;
  while (at < end) {
    const kind = bytes[at] ?? 0;
    if (kind === 0) {
      options.push({ kind: 'end' });
      break;
    }
    if (kind === 1) {
      options.push({ kind: 'nop' });
      at++;
      continue;
    }
    const length = at + 1 < end ? (bytes[at + 1] ?? 0) : 0;
    if (length < 2 || at + length > end) return { options, fault: { at, need: Math.max(2, length) } };
    options.push(readOption(bytes, view, kind, at, length));
    at += length;
  }
  return { options, fault: undefined };
}

function readOption(bytes: Uint8Array, view: DataView, kind: number, at: number, length: number): TcpOption {
  if (kind === 2 && length === 4) return { kind: 'mss', value: view.getUint16(at + 2) };
  if (kind === 3 && length === 3) return { kind: 'windowScale', shift: view.getUint8(at + 2) };
  if (kind === 4 && length === 2) return { kind: 'sackPermitted' };
  if (kind === 5 && length >= 10 && (length - 2) % 8 === 0) {
    const blocks = [];
    for (let block = at + 2; block < at + length; block += 8) {
      blocks.push({ left: view.getUint32(block), right: view.getUint32(block + 4) });
    }
    return { kind: 'sack', blocks };
  }
  if (kind === 8 && length === 10) {
    return { kind: 'timestamps', value: view.getUint32(at + 2), echo: view.getUint32(at + 6) };
  }
  return { kind: 'unknown', number: kind, data: hex(bytes, at + 2, at + length) };
}

/** The bytes of the options, filled up with zeros to a multiple of four. */
export function encodeTcpOptions(options: readonly TcpOption[]): Uint8Array {
  const bytes: number[] = [];
  const word = (value: number) => bytes.push(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  for (const option of options) {
    switch (option.kind) {
      case 'end':
        bytes.push(0);
        break;
      case 'nop':
        bytes.push(1);
        break;
      case 'mss':
        bytes.push(2, 4, option.value >> 8, option.value & 255);
        break;
      case 'windowScale':
        bytes.push(3, 3, option.shift);
        break;
      case 'sackPermitted':
        bytes.push(4, 2);
        break;
      case 'sack':
        bytes.push(5, 2 + 8 * option.blocks.length);
        for (const { left, right } of option.blocks) {
          word(left);
          word(right);
        }
        break;
      case 'timestamps':
        bytes.push(8, 10);
        word(option.value);
        word(option.echo);
        break;
      case 'unknown': {
        const data = option.data.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
        bytes.push(option.number, 2 + data.length, ...data);
        break;
      }
    }
  }
  while (bytes.length % 4 !== 0) bytes.push(0);
  return Uint8Array.from(bytes);
}
