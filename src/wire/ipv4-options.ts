/**
 * Options of IPv4 (RFC 791 section 3.1; router alert: RFC 2113; IANA's registry has the rest).
 *
 *     type:1 length:1, both counted, then data; types 0 (end) and 1 (no operation) are one byte alone
 */
import { formatIPv4 } from '../sockaddr/ip-text.js';
import { ByteList } from './byte-list.js';
import type { Packet } from './packet.js';
import { hex } from './text.js';

export type IPv4Option =
  | { readonly kind: 'end' | 'nop' }
  /** Loose and strict source routes and recorded ones; `pointer` counts from the option's start, from 1. */
  | {
      readonly kind: 'recordRoute' | 'looseSourceRoute' | 'strictSourceRoute';
      readonly pointer: number;
      readonly addresses: readonly string[];
    }
  | { readonly kind: 'routerAlert'; readonly value: number }
  | {
      readonly kind: 'timestamp';
      readonly pointer: number;
      readonly overflow: number;
      /** 0 times alone, 1 addresses and times, 3 addresses given. */
      readonly flag: number;
      readonly entries: readonly { readonly address?: string; readonly timestamp: number }[];
    }
  /** Anything else, and what has another length than its type; data in hex. */
  | { readonly kind: 'unknown'; readonly type: number; readonly data: string };

const ROUTES = { 7: 'recordRoute', 131: 'looseSourceRoute', 137: 'strictSourceRoute' } as const;
const ROUTE_TYPES = { recordRoute: 7, looseSourceRoute: 131, strictSourceRoute: 137 } as const;
const TIMESTAMP = 68;
const ROUTER_ALERT = 148;

/** Reads `[start, end)`; a length that lies ends the reading, and is kept as a fault of the packet. */
export function decodeIPv4Options(packet: Packet, start: number, end: number): IPv4Option[] {
  const { bytes } = packet;
  const options: IPv4Option[] = [];
  for (let at = start; at < end; ) {
    const type = bytes[at] as number;
    if (type <= 1) {
      options.push({ kind: type === 0 ? 'end' : 'nop' });
      if (type === 0) break;
      at++;
      continue;
    }
    const length = at + 1 < end ? (bytes[at + 1] as number) : 0;
    if (length < 2 || at + length > end) {
      packet.fail('ipv4', at, Math.max(2, length), length < 2 ? length : end - at, 'option length');
      break;
    }
    options.push(readOption(packet, type, at, length));
    at += length;
  }
  return options;
}

function readOption({ bytes, view }: Packet, type: number, at: number, length: number): IPv4Option {
  if (type in ROUTES && length >= 3 && (length - 3) % 4 === 0) {
    const count = (length - 3) / 4;
    const addresses = Array.from({ length: count }, (_, i) => formatIPv4(bytes, at + 3 + 4 * i));
    return { kind: ROUTES[type as keyof typeof ROUTES], pointer: view.getUint8(at + 2), addresses };
  }
  if (type === ROUTER_ALERT && length === 4) return { kind: 'routerAlert', value: view.getUint16(at + 2) };
  if (type === TIMESTAMP && length >= 4) {
    const flag = view.getUint8(at + 3) & 15;
    const size = flag === 0 ? 4 : 8;
    if ((length - 4) % size === 0 && (flag === 0 || flag === 1 || flag === 3)) {
      const entries = Array.from({ length: (length - 4) / size }, (_, i) => {
        const from = at + 4 + i * size;
        if (flag === 0) return { timestamp: view.getUint32(from) };
        return { address: formatIPv4(bytes, from), timestamp: view.getUint32(from + 4) };
      });
      return { kind: 'timestamp', pointer: view.getUint8(at + 2), overflow: view.getUint8(at + 3) >> 4, flag, entries };
    }
  }
  return { kind: 'unknown', type, data: hex(bytes, at + 2, at + length) };
}

/** The bytes of the options, filled up with zeros to a multiple of four. */
export function encodeIPv4Options(options: readonly IPv4Option[]): Uint8Array {
  const bytes = new ByteList();
  for (const option of options) {
    switch (option.kind) {
      case 'end':
        bytes.u8(0);
        break;
      case 'nop':
        bytes.u8(1);
        break;
      case 'routerAlert':
        bytes.u8(ROUTER_ALERT).u8(4).u16(option.value);
        break;
      case 'timestamp':
        bytes.u8(TIMESTAMP).u8(4 + option.entries.length * (option.flag === 0 ? 4 : 8));
        bytes.u8(option.pointer).u8((option.overflow << 4) | option.flag);
        for (const { address, timestamp } of option.entries) {
          if (option.flag !== 0) bytes.ipv4(address ?? '0.0.0.0');
          bytes.u32(timestamp);
        }
        break;
      case 'unknown':
        bytes
          .u8(option.type)
          .u8(2 + option.data.length / 2)
          .hex(option.data);
        break;
      default:
        bytes
          .u8(ROUTE_TYPES[option.kind])
          .u8(3 + 4 * option.addresses.length)
          .u8(option.pointer);
        for (const address of option.addresses) bytes.ipv4(address);
    }
  }
  return bytes.align(4).toBytes();
}
