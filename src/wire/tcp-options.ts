/**
 * TCP options (RFC 9293 section 3.2; window scale and timestamps: RFC 7323; SACK: RFC 2018).
 *
 *     kind:1 length:1, kind and length counted, then data; kinds 0 (end) and 1 (no operation) are one byte alone
 *
 * An option whose length is not that of its kind is given as unknown.
 */
import type { Packet } from './packet.js';
import { hex, hexBytes } from './text.js';

export type TcpOption =
  | { readonly kind: 'end' | 'nop' | 'sackPermitted' }
  | { readonly kind: 'mss'; readonly value: number }
  | { readonly kind: 'windowScale'; readonly shift: number }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly kind: 'sack'; readonly blocks: readonly { readonly left: number; readonly right: number }[] }
  | { readonly kind: 'unknown'; readonly number: number; readonly data: string };

const NO_OPTIONS: readonly TcpOption[] = Object.freeze([]);

/** Reads `[start, end)`; a length that lies ends the reading, and is kept as a fault of the packet. */
export function decodeTcpOptions(packet: Packet, start: number, end: number): readonly TcpOption[] {
  if (start >= end) return NO_OPTIONS;
  const { bytes } = packet;
  const options: TcpOption[] = [];
  let at = start;
  while (at < end) {
    const kind = bytes[at] as number;
    if (kind === 0) {
      options.push({ kind: 'end' });
      break;
    }
    if (kind === 1) {
      options.push({ kind: 'nop' });
      at++;
      continue;
    }
    if (!packet.has('tcp', at, end, 2, 'option')) break;
    const length = bytes[at + 1] as number;
    if (length < 2) {
      packet.fail('tcp', at, 2, length, 'option length');
      break;
    }
    if (!packet.has('tcp', at, end, length, 'option length')) break;
    options.push(readOption(packet, kind, at, length));
    at += length;
  }
  return options;
}

function readOption({ bytes, view }: Packet, kind: number, at: number, length: number): TcpOption {
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
        const data = hexBytes(option.data);
        bytes.push(option.number, 2 + data.length, ...data);
        break;
      }
    }
  }
  while (bytes.length % 4 !== 0) bytes.push(0);
  return Uint8Array.from(bytes);
}
