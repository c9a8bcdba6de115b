/** Addresses, interfaces and multicast groups. */

import { inetEndpoint } from '../../sockaddr/endpoint.js';
import { interfaceIndex, interfaceName } from '../../sockaddr/interfaces.js';
import { type IPAddress, type IPFamily, IPv4Address, IPv6Address, tryParseIP } from '../../sockaddr/ip.js';
import { encodeSockaddr } from '../../sockaddr/struct.js';
import { LITTLE, type OptionType, viewOf } from './type.js';

/** netdevice(7): IFNAMSIZ is 16 with the end; digits alone are a number. */
const INTERFACE = /^[^\s/@,]{1,15}$/;

/** The address of a family that takes no zone here; undefined for anything else. */
function address(text: string, family: IPFamily): IPAddress | undefined {
  const ip = tryParseIP(text);
  return ip !== undefined && ip.family === family && !text.includes('%') ? ip : undefined;
}

function interfaceText(index: number): string {
  return interfaceName(index) ?? String(index);
}

/**
 * An interface by name or number: an index to the kernel, in the byte order given (ip(7): IP_UNICAST_IF and its IPv6
 * sister take it in network order).
 */
export function networkInterface(order: 'host' | 'network' = 'host'): OptionType {
  const little = order === 'host' && LITTLE;
  return {
    kind: 'interface',
    describe: "an interface's name or number; 0 for none",
    parse: (text) => (INTERFACE.test(text) ? text : undefined),
    encode: (value) => {
      const bytes = new Uint8Array(4);
      viewOf(bytes).setUint32(0, interfaceIndex(String(value)), little);
      return bytes;
    },
    decode: (bytes) => {
      if (bytes.length < 4) return undefined;
      // getsockopt(2) gives IP_UNICAST_IF back as it was set.
      const index = viewOf(bytes).getUint32(0, little);
      return index === 0 ? '0' : interfaceText(index);
    },
    format: String,
  };
}

/** struct in_addr or ip_mreqn for IP_MULTICAST_IF of ip(7): an own address, or an interface. Read back as an address. */
export const multicastInterface: OptionType = {
  kind: 'interface',
  describe: 'an interface, or an IPv4 address of one',
  parse: (text) =>
    address(text, 'ipv4')?.toString() ?? (INTERFACE.test(text) && !text.includes('.') ? text : undefined),
  encode: (value) => {
    const bytes = new Uint8Array(12);
    const own = address(String(value), 'ipv4');
    if (own === undefined) viewOf(bytes).setInt32(8, interfaceIndex(String(value)), LITTLE);
    else bytes.set(own.toBytes(), 4);
    return bytes;
  },
  decode: (bytes) => (bytes.length < 4 ? undefined : IPv4Address.fromBytes(bytes).toString()),
  // An interface that was set by its number is not read back.
  same: (set, read) => set === read || read === '0.0.0.0',
  format: String,
};

/** The parts of `GROUP[,SOURCE][@INTERFACE]`; undefined for what is none. */
export function membershipParts(text: string, family: IPFamily, source: boolean) {
  const match = /^([^@,]+)(?:,([^@,]+))?(?:@(.+))?$/.exec(text);
  const group = address(match?.[1] ?? '', family);
  const from = match?.[2] === undefined ? undefined : address(match[2], family);
  const device = match?.[3];
  const sourceFits = source ? from !== undefined : match?.[2] === undefined;
  if (group === undefined || !group.isMulticast || !sourceFits) return undefined;
  return device === undefined || INTERFACE.test(device) ? { group, source: from, device } : undefined;
}

function membershipText({ group, source, device }: NonNullable<ReturnType<typeof membershipParts>>): string {
  return `${group}${source === undefined ? '' : `,${source}`}${device === undefined ? '' : `@${device}`}`;
}

/** A text that is kept as it is in its canonical form; the options that take these can't be read. */
function writeOnly(
  kind: string,
  describe: string,
  family: IPFamily,
  source: boolean,
  encode: (parts: NonNullable<ReturnType<typeof membershipParts>>) => Uint8Array,
): OptionType {
  return {
    kind,
    describe,
    parse: (text) => {
      const parts = membershipParts(text, family, source);
      return parts === undefined ? undefined : membershipText(parts);
    },
    encode: (value) =>
      encode(membershipParts(String(value), family, source) as NonNullable<ReturnType<typeof membershipParts>>),
    decode: () => undefined,
    format: String,
  };
}

const indexOf = (device: string | undefined) => (device === undefined ? 0 : interfaceIndex(device));

/** `GROUP[@INTERFACE]`: struct ip_mreqn of ip(7). */
export const membership4 = writeOnly(
  'membership',
  'a group such as 239.1.2.3 or 239.1.2.3@eth0',
  'ipv4',
  false,
  (parts) => {
    const bytes = new Uint8Array(12);
    bytes.set(parts.group.toBytes(), 0);
    viewOf(bytes).setInt32(8, indexOf(parts.device), LITTLE);
    return bytes;
  },
);

/** `GROUP[@INTERFACE]`: struct ipv6_mreq of ipv6(7). */
export const membership6 = writeOnly(
  'membership',
  'a group such as ff02::fb or ff02::fb@eth0',
  'ipv6',
  false,
  (parts) => {
    const bytes = new Uint8Array(20);
    bytes.set(parts.group.toBytes(), 0);
    viewOf(bytes).setUint32(16, indexOf(parts.device), LITTLE);
    return bytes;
  },
);

/** Offsets of struct group_source_req of RFC 3678 section 5.1.2: interface:4 pad:4 group:128 source:128. */
const GROUP_SOURCE_REQ = { interface: 0, group: 8, source: 136, size: 264 } as const;

/** `GROUP,SOURCE[@INTERFACE]`: struct group_source_req (RFC 3678), for both families. */
export function sourceMembership(family: IPFamily): OptionType {
  const example = family === 'ipv4' ? '232.1.2.3,192.0.2.1@eth0' : 'ff3e::1234,2001:db8::1@eth0';
  return writeOnly('source-membership', `a group and a source such as ${example}`, family, true, (parts) => {
    const bytes = new Uint8Array(GROUP_SOURCE_REQ.size);
    viewOf(bytes).setUint32(GROUP_SOURCE_REQ.interface, indexOf(parts.device), LITTLE);
    bytes.set(encodeSockaddr(inetEndpoint(parts.group, 0)), GROUP_SOURCE_REQ.group);
    if (parts.source !== undefined) bytes.set(encodeSockaddr(inetEndpoint(parts.source, 0)), GROUP_SOURCE_REQ.source);
    return bytes;
  });
}

/** struct in6_pktinfo of ipv6(7) and RFC 3542 section 6.2: `ADDRESS[@INTERFACE]`, `::` for any. */
export const packetInfo6: OptionType = {
  kind: 'packet-info',
  describe: 'a source address such as 2001:db8::1 or ::@eth0',
  parse: (text) => {
    const [ip = '', device, more] = text.split('@');
    const source = address(ip, 'ipv6');
    if (source === undefined || more !== undefined || (device !== undefined && !INTERFACE.test(device)))
      return undefined;
    return device === undefined ? source.toString() : `${source}@${device}`;
  },
  encode: (value) => {
    const [ip = '', device] = String(value).split('@');
    const bytes = new Uint8Array(20);
    bytes.set((address(ip, 'ipv6') as IPv6Address).toBytes(), 0);
    viewOf(bytes).setUint32(16, indexOf(device), LITTLE);
    return bytes;
  },
  decode: (bytes) => {
    if (bytes.length < 20) return undefined;
    const index = viewOf(bytes).getUint32(16, LITTLE);
    return `${IPv6Address.fromBytes(bytes)}${index === 0 ? '' : `@${interfaceText(index)}`}`;
  },
  format: String,
};

/** Two ports, `LOW-HIGH` (ip(7), IP_LOCAL_PORT_RANGE); 0-0 for the system's own range. */
export const portRange: OptionType = {
  kind: 'port-range',
  describe: 'two ports such as 40000-40100, or 0-0 for the range of the system',
  parse: (text) => {
    const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
    const [low, high] = [Number(match?.[1]), Number(match?.[2])];
    const fits = low <= 65_535 && high <= 65_535 && (low <= high || high === 0);
    return match !== null && fits ? `${low}-${high}` : undefined;
  },
  encode: (value) => {
    const [low, high] = String(value).split('-').map(Number);
    const bytes = new Uint8Array(4);
    viewOf(bytes).setUint32(0, (((high ?? 0) << 16) | (low ?? 0)) >>> 0, LITTLE);
    return bytes;
  },
  decode: (bytes) => {
    if (bytes.length < 4) return undefined;
    const range = viewOf(bytes).getUint32(0, LITTLE);
    return `${range & 0xffff}-${range >>> 16}`;
  },
  format: String,
};
