/**
 * DHCPv6 (RFC 8415).
 *
 *     client and server: type:1 transaction id:3, options        option: code:2 length:2 value …
 *     relays: type:1 hop count:1 link address:16 peer address:16, options, of which 9 holds the message relayed
 */
import { ByteList } from '../byte-list.js';
import { Cursor } from '../cursor.js';
import { readName, writeName } from '../dns-name.js';
import { type Next, NOTHING, type Packet, payload } from '../packet.js';

export interface Dhcpv6Option {
  readonly code: number;
  /** 1 and 2, hex. */
  readonly duid?: string;
  /** 3 and 25: identity association, its times in seconds. */
  readonly iaid?: number;
  readonly t1?: number;
  readonly t2?: number;
  /** 5: an address; 26: a prefix with its length. */
  readonly address?: string;
  readonly prefixLength?: number;
  /** In seconds. */
  readonly preferredLifetime?: number;
  readonly validLifetime?: number;
  /** Of options that hold options. */
  readonly options?: readonly Dhcpv6Option[];
  /** 6: codes asked for. */
  readonly codes?: readonly number[];
  /** 7 preference, 8 elapsed time in hundredths of a second, 13 status, 32 refresh time. */
  readonly number?: number;
  /** 13. */
  readonly text?: string;
  /** 23 and others: addresses of servers. */
  readonly addresses?: readonly string[];
  /** 24 and others. */
  readonly domains?: readonly string[];
  /** 9. */
  readonly message?: Dhcpv6Body;
  readonly data?: string;
}

export interface Dhcpv6Body {
  /** 1 solicit, 2 advertise, 3 request, … 7 reply, 11 information request, 12 and 13 relay. */
  readonly messageType: number;
  /** 24 bits; not of relays. */
  readonly transactionId?: number;
  readonly hopCount?: number;
  readonly linkAddress?: string;
  readonly peerAddress?: string;
  readonly options: readonly Dhcpv6Option[];
}

export interface Dhcpv6Message extends Dhcpv6Body {
  readonly protocol: 'dhcpv6';
}

const RELAY_FORWARD = 12;
const RELAY_REPLY = 13;
/** Options within options, and relayed messages within those: deeper ones are hex. */
const MAX_DEPTH = 8;

export function decodeDhcpv6(packet: Packet, at: number, end: number): Next {
  const body = readBody(new Cursor(packet, 'dhcpv6', at, end), 0);
  if (body === undefined) return payload(at, end);
  packet.layers.push({ protocol: 'dhcpv6', ...body });
  return NOTHING;
}

function readBody(cursor: Cursor, depth: number): Dhcpv6Body | undefined {
  if (!cursor.has(4)) return undefined;
  const messageType = cursor.peek8();
  if (messageType !== RELAY_FORWARD && messageType !== RELAY_REPLY) {
    cursor.at++;
    return { messageType, transactionId: cursor.u24(), options: readOptions(cursor, depth) };
  }
  if (!cursor.has(34)) return undefined;
  cursor.at++;
  const head = { messageType, hopCount: cursor.u8(), linkAddress: cursor.ipv6(), peerAddress: cursor.ipv6() };
  return { ...head, options: readOptions(cursor, depth) };
}

function readOptions(cursor: Cursor, depth: number): Dhcpv6Option[] {
  const options: Dhcpv6Option[] = [];
  while (cursor.left > 0 && cursor.has(4, 'option')) {
    const code = cursor.u16();
    const part = cursor.part(cursor.u16(), 'option length');
    options.push(readOption(code, part, depth));
  }
  return options;
}

function readOption(code: number, part: Cursor, depth: number): Dhcpv6Option {
  const nested = depth < MAX_DEPTH;
  switch (code) {
    case 1:
    case 2:
      return { code, duid: part.hex() };
    case 3:
    case 25:
      if (part.left < 12 || !nested) break;
      return { code, iaid: part.u32(), t1: part.u32(), t2: part.u32(), options: readOptions(part, depth + 1) };
    case 4:
      if (part.left < 4 || !nested) break;
      return { code, iaid: part.u32(), options: readOptions(part, depth + 1) };
    case 5: {
      if (part.left < 24 || !nested) break;
      const head = { code, address: part.ipv6(), preferredLifetime: part.u32(), validLifetime: part.u32() };
      return { ...head, options: readOptions(part, depth + 1) };
    }
    case 26: {
      if (part.left < 25 || !nested) break;
      const times = { preferredLifetime: part.u32(), validLifetime: part.u32() };
      const head = { code, ...times, prefixLength: part.u8(), address: part.ipv6() };
      return { ...head, options: readOptions(part, depth + 1) };
    }
    case 6:
      if (part.left % 2 !== 0) break;
      return { code, codes: Array.from({ length: part.left / 2 }, () => part.u16()) };
    case 7:
      if (part.left !== 1) break;
      return { code, number: part.u8() };
    case 8:
      if (part.left !== 2) break;
      return { code, number: part.u16() };
    case 9: {
      if (!nested || part.left < 4) break;
      const from = part.at;
      const message = readBody(part, depth + 1);
      if (message !== undefined) return { code, message };
      part.at = from;
      break;
    }
    case 13:
      if (part.left < 2) break;
      return { code, number: part.u16(), text: part.text() };
    case 32:
    case 82:
    case 83:
      if (part.left !== 4) break;
      return { code, number: part.u32() };
    case 22:
    case 23:
    case 27:
    case 31:
      if (part.left % 16 !== 0) break;
      return { code, addresses: part.ipv6s(part.left) };
    case 21:
    case 24: {
      const from = part.at;
      const domains: string[] = [];
      while (part.left > 0) {
        const name = readName(part, part.at);
        if (name === undefined) break;
        domains.push(name);
      }
      if (part.left === 0) return { code, domains };
      part.at = from;
      break;
    }
  }
  return { code, data: part.hex() };
}

/** @throws AddressError, UsageError, RangeError for text of another form */
export function encodeDhcpv6(body: Dhcpv6Body): Uint8Array {
  const bytes = new ByteList().u8(body.messageType);
  if (body.linkAddress !== undefined) {
    bytes
      .u8(body.hopCount ?? 0)
      .ipv6(body.linkAddress)
      .ipv6(body.peerAddress ?? '::');
  } else bytes.u24(body.transactionId ?? 0);
  return bytes.bytes(encodeOptions(body.options)).toBytes();
}

function encodeOptions(options: readonly Dhcpv6Option[]): Uint8Array {
  const bytes = new ByteList();
  for (const option of options) {
    const value = optionValue(option);
    bytes.u16(option.code).u16(value.length).bytes(value);
  }
  return bytes.toBytes();
}

const NUMBER_SIZES: Readonly<Record<number, 1 | 2>> = { 7: 1, 8: 2, 13: 2 };

function optionValue(option: Dhcpv6Option): Uint8Array {
  const bytes = new ByteList().hex(option.duid ?? '');
  const { number, address } = option;
  if (option.iaid !== undefined) {
    bytes.u32(option.iaid);
    if (option.t1 !== undefined) bytes.u32(option.t1).u32(option.t2 ?? 0);
  }
  if (address !== undefined) {
    const { preferredLifetime = 0, validLifetime = 0, prefixLength } = option;
    if (prefixLength === undefined) bytes.ipv6(address).u32(preferredLifetime).u32(validLifetime);
    else bytes.u32(preferredLifetime).u32(validLifetime).u8(prefixLength).ipv6(address);
  }
  for (const code of option.codes ?? []) bytes.u16(code);
  if (number !== undefined) {
    const size = NUMBER_SIZES[option.code];
    if (size === 1) bytes.u8(number);
    else if (size === 2) bytes.u16(number);
    else bytes.u32(number);
  }
  bytes.text(option.text ?? '');
  for (const server of option.addresses ?? []) bytes.ipv6(server);
  for (const domain of option.domains ?? []) writeName(bytes, domain);
  if (option.message !== undefined) bytes.bytes(encodeDhcpv6(option.message));
  return bytes
    .bytes(encodeOptions(option.options ?? []))
    .hex(option.data ?? '')
    .toBytes();
}
