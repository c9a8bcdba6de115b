/**
 * VRRP (version 2: RFC 3768, version 3: RFC 9568). CARP uses the same protocol number with another version.
 *
 *     +-------+-------+---------------+---------------+---------------+
 *     |version| type  | virtual rtr id|   priority    | address count |
 *     +-------+-------+---------------+---------------+---------------+
 *     |  version 2: auth type and interval, 3: interval of 12 bits    |  checksum (16)
 *     +---------------------------------------------------------------+
 *     |  addresses; in version 2 authentication data of 8 bytes       |
 */
import { ByteList } from './byte-list.js';
import { addressSum, checksum } from './checksum.js';
import { Cursor } from './cursor.js';
import { IPProtocol } from './numbers.js';
import { type Next, NOTHING, type Packet, payload } from './packet.js';

export interface VrrpMessage {
  readonly protocol: 'vrrp';
  readonly version: number;
  /** 1 is an advertisement. */
  readonly vrrpType: number;
  readonly routerId: number;
  readonly priority: number;
  /** Version 2. */
  readonly authenticationType?: number;
  /** In centiseconds in version 3, in seconds in version 2. */
  readonly interval: number;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  readonly addresses: readonly string[];
  /** Version 2, in hex. */
  readonly authentication?: string;
}

const HEADER = 8;

export function decodeVrrp(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'vrrp', at, end);
  if (!cursor.has(HEADER)) return payload(at, end);
  const first = cursor.u8();
  const version = first >> 4;
  if (version !== 2 && version !== 3) return payload(at, end);
  const head = {
    protocol: 'vrrp' as const,
    version,
    vrrpType: first & 15,
    routerId: cursor.u8(),
    priority: cursor.u8(),
  };
  const count = cursor.u8();
  const word = cursor.u16();
  const field = cursor.u16();
  const six = packet.addressLength === 16;
  const part = cursor.part(count * (six ? 16 : 4), 'number of addresses');
  const addresses = six ? part.ipv6s(part.left) : part.ipv4s(part.left);
  if (version === 2) {
    const authentication = cursor.left >= 8 ? { authentication: cursor.hex(8) } : {};
    const checksumValid = packet.incomplete ? null : checksum(packet.bytes, at, end) === 0;
    const times = { authenticationType: word >> 8, interval: word & 255 };
    packet.layers.push({ ...head, ...times, checksum: field, checksumValid, addresses, ...authentication });
    return NOTHING;
  }
  packet.layers.push({
    ...head,
    interval: word & 0xfff,
    checksum: field,
    checksumValid: packet.judge(IPProtocol.vrrp, at, end, field),
    addresses,
  });
  return NOTHING;
}

export interface VrrpFields extends Omit<VrrpMessage, 'protocol' | 'checksum' | 'checksumValid'> {
  /** Left out, it is computed, for version 3 where the pseudo header's addresses are given. */
  readonly checksum?: number;
}

/**
 * A whole message.
 *
 * @param pseudo source and destination of the IP header (pseudoAddresses): version 3 has them in its checksum
 */
export function encodeVrrp(message: VrrpFields, pseudo?: Uint8Array): Uint8Array {
  const { version, addresses } = message;
  const bytes = new ByteList()
    .u8((version << 4) | (message.vrrpType & 15))
    .u8(message.routerId)
    .u8(message.priority)
    .u8(addresses.length)
    .u16(version === 2 ? ((message.authenticationType ?? 0) << 8) | (message.interval & 255) : message.interval & 0xfff)
    .u16(message.checksum ?? 0);
  for (const address of addresses) address.includes(':') ? bytes.ipv6(address) : bytes.ipv4(address);
  const whole = bytes.hex(message.authentication ?? '').toBytes();
  if (message.checksum !== undefined || (version !== 2 && pseudo === undefined)) return whole;
  const sum = version === 2 || pseudo === undefined ? 0 : addressSum(pseudo, IPProtocol.vrrp, whole.length);
  return bytes.patch16(6, checksum(whole, 0, whole.length, sum)).toBytes();
}
