/**
 * The bodies of neighbour discovery (RFC 4861 section 4), behind the four bytes that all of ICMPv6 has in common, and
 * their options: addresses, prefixes, MTU; routes (RFC 4191); name servers and search lists (RFC 8106).
 *
 *     option: type:1 length in 8 bytes:1 …
 */

import { formatIPv6 } from '../sockaddr/ip-text.js';
import { ByteList } from './byte-list.js';
import { Cursor } from './cursor.js';
import { readName, writeName } from './dns-name.js';
import type { Packet } from './packet.js';

export interface NeighborOption {
  /** IANA: 1 and 2 addresses, 3 prefix, 4 redirected header, 5 MTU, 24 route, 25 name servers, 31 search list. */
  readonly type: number;
  readonly linkLayerAddress?: string;
  /** Prefix and route. */
  readonly prefix?: string;
  readonly prefixLength?: number;
  readonly onLink?: boolean;
  readonly autonomous?: boolean;
  /** The prefix is the router's whole address (RFC 6275 section 7.2). */
  readonly routerAddress?: boolean;
  /** In seconds, 0xffffffff for ever. */
  readonly validLifetime?: number;
  readonly preferredLifetime?: number;
  /** Route: 1 high, 0 medium, -1 low (RFC 4191 section 2.1). */
  readonly preference?: number;
  /** In seconds: of routes, name servers and search lists. */
  readonly lifetime?: number;
  readonly mtu?: number;
  readonly servers?: readonly string[];
  readonly domains?: readonly string[];
  /** Of what is not named above, in hex. */
  readonly data?: string;
}

export interface NeighborFields {
  /** Router advertisement. */
  readonly hopLimit?: number;
  readonly managed?: boolean;
  readonly otherConfiguration?: boolean;
  /** Mobile IPv6 (RFC 6275 section 7.1), and proxies (RFC 4389). */
  readonly homeAgent?: boolean;
  readonly proxy?: boolean;
  /** 1 high, 0 medium, -1 low (RFC 4191). */
  readonly preference?: number;
  /** In seconds. */
  readonly routerLifetime?: number;
  /** In milliseconds. */
  readonly reachableTime?: number;
  readonly retransmitTimer?: number;
  /** Neighbour advertisement. */
  readonly router?: boolean;
  readonly solicited?: boolean;
  readonly override?: boolean;
  /** Solicitation, advertisement and redirect. */
  readonly target?: string;
  /** Redirect. */
  readonly destination?: string;
  readonly options?: readonly NeighborOption[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export const NeighborType = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
  redirect: 137,
} as const;

const LIFETIME_WORDS = 2;

/** Reads the body that begins at `at`, behind the checksum, into `message`; returns where it ended. */
export function readNeighbor(
  packet: Packet,
  type: number,
  message: Writable<NeighborFields>,
  at: number,
  end: number,
): number {
  const cursor = new Cursor(packet, 'icmpv6', at, end);
  switch (type) {
    case NeighborType.routerSolicitation:
      cursor.at += 4;
      break;
    case NeighborType.routerAdvertisement: {
      if (!cursor.has(12)) return at + 4;
      message.hopLimit = cursor.u8();
      const flags = cursor.u8();
      message.managed = (flags & 0x80) !== 0;
      message.otherConfiguration = (flags & 0x40) !== 0;
      message.homeAgent = (flags & 0x20) !== 0;
      message.proxy = (flags & 0x04) !== 0;
      message.preference = preference(flags);
      message.routerLifetime = cursor.u16();
      message.reachableTime = cursor.u32();
      message.retransmitTimer = cursor.u32();
      break;
    }
    default: {
      if (!cursor.has(type === NeighborType.redirect ? 36 : 20)) return at + 4;
      const flags = cursor.u8();
      cursor.at += 3;
      if (type === NeighborType.neighborAdvertisement) {
        message.router = (flags & 0x80) !== 0;
        message.solicited = (flags & 0x40) !== 0;
        message.override = (flags & 0x20) !== 0;
      }
      message.target = cursor.ipv6();
      if (type === NeighborType.redirect) message.destination = cursor.ipv6();
    }
  }
  message.options = readOptions(cursor);
  return cursor.at;
}

/** Two bits of a sign and an amount; the value 2 is reserved, and taken for medium. */
function preference(flags: number): number {
  const bits = (flags >> 3) & 3;
  return bits === 3 ? -1 : bits === 1 ? 1 : 0;
}

function readOptions(cursor: Cursor): NeighborOption[] {
  const options: NeighborOption[] = [];
  while (cursor.left > 0 && cursor.has(2, 'option')) {
    const type = cursor.u8();
    const length = cursor.u8() * 8;
    if (length === 0) {
      cursor.packet.fail(cursor.layer, cursor.at - 2, 8, 0, 'option length');
      break;
    }
    options.push(readOption(type, cursor.part(length - 2, 'option length')));
  }
  return options;
}

function readOption(type: number, part: Cursor): NeighborOption {
  switch (type) {
    case 1:
    case 2:
      if (part.left !== 6) break;
      return { type, linkLayerAddress: part.hardware() };
    case 3: {
      if (part.left !== 30) break;
      const prefixLength = part.u8();
      const flags = part.u8();
      const times = { validLifetime: part.u32(), preferredLifetime: part.u32() };
      part.at += 4;
      const bits = {
        onLink: (flags & 0x80) !== 0,
        autonomous: (flags & 0x40) !== 0,
        routerAddress: (flags & 0x20) !== 0,
      };
      return { type, prefix: part.ipv6(), prefixLength, ...bits, ...times };
    }
    case 5:
      if (part.left !== 6) break;
      part.at += 2;
      return { type, mtu: part.u32() };
    case 24: {
      if (part.left < 6) break;
      const prefixLength = part.u8();
      const flags = part.u8();
      const lifetime = part.u32();
      const address = new Uint8Array(16);
      address.set(part.packet.bytes.subarray(part.at, Math.min(part.end, part.at + 16)));
      return { type, prefix: formatIPv6(address, 0), prefixLength, preference: preference(flags), lifetime };
    }
    case 25: {
      if (part.left < 6) break;
      part.at += LIFETIME_WORDS;
      return { type, lifetime: part.u32(), servers: part.ipv6s(part.left) };
    }
    case 31: {
      if (part.left < 6) break;
      part.at += LIFETIME_WORDS;
      const lifetime = part.u32();
      const domains: string[] = [];
      // The list is filled up with zeros, which read as names of no label.
      while (part.left > 0 && part.peek8() !== 0) {
        const name = readName(part, part.at);
        if (name === undefined) break;
        domains.push(name);
      }
      return { type, lifetime, domains };
    }
  }
  return { type, data: part.hex() };
}

/** The body of a message of `type`, from behind the checksum on. */
export function encodeNeighbor(type: number, fields: NeighborFields): Uint8Array {
  const bytes = new ByteList();
  switch (type) {
    case NeighborType.routerSolicitation:
      bytes.u32(0);
      break;
    case NeighborType.routerAdvertisement:
      bytes.u8(fields.hopLimit ?? 0);
      bytes.u8(
        (fields.managed === true ? 0x80 : 0) |
          (fields.otherConfiguration === true ? 0x40 : 0) |
          (fields.homeAgent === true ? 0x20 : 0) |
          (fields.proxy === true ? 0x04 : 0) |
          (((fields.preference ?? 0) & 3) << 3),
      );
      bytes
        .u16(fields.routerLifetime ?? 0)
        .u32(fields.reachableTime ?? 0)
        .u32(fields.retransmitTimer ?? 0);
      break;
    default:
      bytes.u8(
        (fields.router === true ? 0x80 : 0) |
          (fields.solicited === true ? 0x40 : 0) |
          (fields.override === true ? 0x20 : 0),
      );
      bytes.u24(0).ipv6(fields.target ?? '::');
      if (type === NeighborType.redirect) bytes.ipv6(fields.destination ?? '::');
  }
  for (const option of fields.options ?? []) writeOption(bytes, option);
  return bytes.toBytes();
}

function writeOption(bytes: ByteList, option: NeighborOption): void {
  const { type, lifetime = 0 } = option;
  const body = new ByteList();
  if (option.linkLayerAddress !== undefined) body.hardware(option.linkLayerAddress);
  else if (option.mtu !== undefined) body.u16(0).u32(option.mtu);
  else if (type === 3 && option.prefix !== undefined) {
    body.u8(option.prefixLength ?? 64);
    body.u8(
      (option.onLink === true ? 0x80 : 0) |
        (option.autonomous === true ? 0x40 : 0) |
        (option.routerAddress === true ? 0x20 : 0),
    );
    body
      .u32(option.validLifetime ?? 0)
      .u32(option.preferredLifetime ?? 0)
      .u32(0)
      .ipv6(option.prefix);
  } else if (type === 24 && option.prefix !== undefined) {
    const length = option.prefixLength ?? 0;
    body
      .u8(length)
      .u8(((option.preference ?? 0) & 3) << 3)
      .u32(lifetime);
    const address = new ByteList().ipv6(option.prefix).toBytes();
    body.bytes(address.subarray(0, length === 0 ? 0 : length <= 64 ? 8 : 16));
  } else if (option.servers !== undefined) {
    body.u16(0).u32(lifetime);
    for (const server of option.servers) body.ipv6(server);
  } else if (option.domains !== undefined) {
    body.u16(0).u32(lifetime);
    for (const domain of option.domains) writeName(body, domain);
    while ((body.length + 2) % 8 !== 0) body.u8(0);
  } else body.hex(option.data ?? '');
  bytes
    .u8(type)
    .u8((body.length + 2) / 8)
    .bytes(body.toBytes());
}
