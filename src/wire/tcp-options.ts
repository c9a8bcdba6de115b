/**
 * TCP options (RFC 9293 section 3.2; window scale and timestamps: RFC 7323; SACK: RFC 2018; user timeout: RFC 5482;
 * authentication: RFC 2385, RFC 5925; fast open: RFC 7413; multipath: RFC 8684).
 *
 *     kind:1 length:1, kind and length counted, then data; kinds 0 (end) and 1 (no operation) are one byte alone
 *
 * An option whose length is not that of its kind is given as unknown.
 */
import { ByteList } from './byte-list.js';
import type { Packet } from './packet.js';
import { hex } from './text.js';

export type TcpOption =
  | { readonly kind: 'end' | 'nop' | 'sackPermitted' }
  | { readonly kind: 'mss'; readonly value: number }
  | { readonly kind: 'windowScale'; readonly shift: number }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly kind: 'sack'; readonly blocks: readonly { readonly left: number; readonly right: number }[] }
  /** Hex; empty where a cookie is asked for. */
  | { readonly kind: 'fastOpen'; readonly cookie: string }
  /** `subtype` by RFC 8684 section 8: 0 MP_CAPABLE, 1 MP_JOIN, 2 DSS, …; `data` begins with its four bits. */
  | { readonly kind: 'mptcp'; readonly subtype: number; readonly data: string }
  | { readonly kind: 'md5'; readonly digest: string }
  | { readonly kind: 'authentication'; readonly keyId: number; readonly nextKeyId: number; readonly mac: string }
  /** In seconds. */
  | { readonly kind: 'userTimeout'; readonly timeout: number }
  /** Others of IANA's registry are in {@link TCP_OPTION_NAMES}. */
  | { readonly kind: 'unknown'; readonly number: number; readonly data: string };

/** IANA's registry: what is known by name and not taken apart here. */
export const TCP_OPTION_NAMES: Readonly<Record<number, string>> = {
  6: 'echo',
  7: 'echo reply',
  9: 'partial order connection permitted',
  10: 'partial order service profile',
  11: 'CC',
  12: 'CC.NEW',
  13: 'CC.ECHO',
  14: 'alternate checksum request',
  15: 'alternate checksum data',
  16: 'Skeeter',
  17: 'Bubba',
  18: 'trailer checksum',
  20: 'SCPS capabilities',
  21: 'selective negative acknowledgments',
  22: 'record boundaries',
  23: 'corruption experienced',
  24: 'SNAP',
  26: 'TCP compression filter',
  27: 'quick-start response',
  69: 'encryption negotiation',
  172: 'accurate ECN order 0',
  174: 'accurate ECN order 1',
};

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
  if (kind === 34) return { kind: 'fastOpen', cookie: hex(bytes, at + 2, at + length) };
  if (kind === 30 && length >= 3) {
    return { kind: 'mptcp', subtype: view.getUint8(at + 2) >> 4, data: hex(bytes, at + 2, at + length) };
  }
  if (kind === 19 && length === 18) return { kind: 'md5', digest: hex(bytes, at + 2, at + length) };
  if (kind === 29 && length >= 4) {
    const keys = { keyId: view.getUint8(at + 2), nextKeyId: view.getUint8(at + 3) };
    return { kind: 'authentication', ...keys, mac: hex(bytes, at + 4, at + length) };
  }
  if (kind === 28 && length === 4) {
    const word = view.getUint16(at + 2);
    return { kind: 'userTimeout', timeout: (word & 0x7fff) * ((word & 0x8000) === 0 ? 1 : 60) };
  }
  return { kind: 'unknown', number: kind, data: hex(bytes, at + 2, at + length) };
}

/** The bytes of the options, filled up with zeros to a multiple of four. */
export function encodeTcpOptions(options: readonly TcpOption[]): Uint8Array {
  const bytes = new ByteList();
  const sized = (kind: number, data: string) =>
    bytes
      .u8(kind)
      .u8(2 + data.length / 2)
      .hex(data);
  for (const option of options) {
    switch (option.kind) {
      case 'end':
        bytes.u8(0);
        break;
      case 'nop':
        bytes.u8(1);
        break;
      case 'mss':
        bytes.u8(2).u8(4).u16(option.value);
        break;
      case 'windowScale':
        bytes.u8(3).u8(3).u8(option.shift);
        break;
      case 'sackPermitted':
        bytes.u8(4).u8(2);
        break;
      case 'sack':
        bytes.u8(5).u8(2 + 8 * option.blocks.length);
        for (const { left, right } of option.blocks) bytes.u32(left).u32(right);
        break;
      case 'timestamps':
        bytes.u8(8).u8(10).u32(option.value).u32(option.echo);
        break;
      case 'fastOpen':
        sized(34, option.cookie);
        break;
      case 'mptcp':
        sized(30, option.data);
        break;
      case 'md5':
        sized(19, option.digest);
        break;
      case 'authentication':
        bytes
          .u8(29)
          .u8(4 + option.mac.length / 2)
          .u8(option.keyId)
          .u8(option.nextKeyId)
          .hex(option.mac);
        break;
      case 'userTimeout':
        // RFC 5482 section 3: beyond 15 bits of seconds, in minutes.
        bytes
          .u8(28)
          .u8(4)
          .u16(option.timeout > 0x7fff ? 0x8000 | Math.round(option.timeout / 60) : option.timeout);
        break;
      case 'unknown':
        sized(option.number, option.data);
        break;
    }
  }
  return bytes.align(4).toBytes();
}
