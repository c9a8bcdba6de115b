/**
 * struct sockaddr as Linux has it (ip(7), ipv6(7), unix(7), packet(7)), to and from socket addresses. Fields marked *
 * are in host order, the others in network order.
 *
 *     sockaddr_in   family*:2 port:2 addr:4 zero:8                                              16 bytes
 *     sockaddr_in6  family*:2 port:2 flowinfo:4 addr:16 scope_id*:4                             28 bytes
 *     sockaddr_un   family*:2 path:up to 108, '\0' first for an abstract name
 *     sockaddr_ll   family*:2 protocol:2 ifindex*:4 hatype*:2 pkttype:1 halen:1 addr:8          20 bytes
 *
 * flowinfo is written as 0 and not read: an endpoint has no flow label.
 */
import { endianness } from 'node:os';
import { type Endpoint, inetEndpoint, type SocketAddress } from './endpoint.js';
import { interfaceIndex, interfaceName } from './interfaces.js';
import { IPv4Address, IPv6Address } from './ip.js';
import { isZoneText } from './ip-text.js';
import { HardwareAddress, type LinkEndpoint, linkEndpoint } from './link-layer.js';
import { UnixEndpoint } from './unix.js';

/** Address families of socket(2), as Linux numbers them. */
export const AddressFamily = {
  AF_UNSPEC: 0,
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  AF_PACKET: 17,
} as const;
export type AddressFamilyName = keyof typeof AddressFamily;

/** Room for any sockaddr: sizeof(struct sockaddr_storage). */
export const SOCKADDR_MAX = 128;

/** Of the fields in host order: least significant byte first, or last. */
export type ByteOrder = 'LE' | 'BE';

const HOST_ORDER = endianness();

/** sizeof(sll_addr) */
const SLL_ADDR_SIZE = 8;

/** The AF_ name for an endpoint's family. */
export function addressFamilyOf(endpoint: Endpoint): 'AF_INET' | 'AF_INET6' | 'AF_UNIX' {
  return endpoint.family === 'ipv4' ? 'AF_INET' : endpoint.family === 'ipv6' ? 'AF_INET6' : 'AF_UNIX';
}

/**
 * The sockaddr bytes of `address`. Names of interfaces are looked up on this machine, whatever the byte order.
 *
 * @throws SocketError ENODEV when a zone or a link endpoint names an interface that does not exist; RangeError for a
 * hardware address of more than 8 bytes
 */
export function encodeSockaddr(address: SocketAddress, byteOrder: ByteOrder = HOST_ORDER): Uint8Array {
  const little = byteOrder === 'LE';
  switch (address.family) {
    case 'ipv4': {
      const { bytes, view } = start(16, AddressFamily.AF_INET, little);
      view.setUint16(2, address.port);
      bytes.set(address.address.toBytes(), 4);
      return bytes;
    }
    case 'ipv6': {
      const { bytes, view } = start(28, AddressFamily.AF_INET6, little);
      view.setUint16(2, address.port);
      bytes.set(address.address.toBytes(), 8);
      const zone = (address.address as IPv6Address).zone;
      if (zone !== '') view.setUint32(24, interfaceIndex(zone), little);
      return bytes;
    }
    case 'unix': {
      const path = address.toSunPath();
      const { bytes } = start(2 + path.length, AddressFamily.AF_UNIX, little);
      bytes.set(path, 2);
      return bytes;
    }
    case 'link':
      return encodeLink(address, little);
  }
}

function encodeLink(endpoint: LinkEndpoint, little: boolean): Uint8Array {
  const hardware = endpoint.address?.toBytes() ?? new Uint8Array(0);
  if (hardware.length > SLL_ADDR_SIZE) {
    throw new RangeError(`sockaddr_ll holds ${SLL_ADDR_SIZE} bytes of an address, not ${hardware.length}`);
  }
  const { bytes, view } = start(20, AddressFamily.AF_PACKET, little);
  const index = endpoint.index === 0 && endpoint.name !== '' ? interfaceIndex(endpoint.name) : endpoint.index;
  view.setUint16(2, endpoint.protocol);
  view.setUint32(4, index, little);
  view.setUint16(8, endpoint.hardwareType, little);
  bytes[10] = endpoint.packetType;
  bytes[11] = hardware.length;
  bytes.set(hardware, 12);
  return bytes;
}

function start(length: number, family: number, little: boolean): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, little);
  return { bytes, view };
}

/**
 * The endpoint in the first `length` bytes at `offset`, or undefined for a family or length that is none of the above
 * (a peer without a name, for example). Never throws, and never reads outside of `bytes`, whatever they hold.
 *
 * @param byteOrder of the machine that wrote the bytes. The interface numbers of another machine are not this one's, so
 * that a zone read in an order that is not this machine's stays a number.
 */
export function decodeSockaddr(
  bytes: Uint8Array,
  length: number,
  offset = 0,
  byteOrder: ByteOrder = HOST_ORDER,
): Endpoint | undefined {
  const address = decodeSocketAddress(bytes, length, offset, byteOrder);
  return address?.family === 'link' ? undefined : address;
}

/** Like {@link decodeSockaddr}, and also reads the addresses of packet sockets. */
export function decodeSocketAddress(
  bytes: Uint8Array,
  length: number,
  offset = 0,
  byteOrder: ByteOrder = HOST_ORDER,
): SocketAddress | undefined {
  // subarray takes a negative number for one from the end.
  if (!(offset >= 0 && length >= 2)) return undefined;
  const here = bytes.subarray(offset, offset + length);
  if (here.length < 2) return undefined;
  const view = new DataView(here.buffer, here.byteOffset, here.length);
  const little = byteOrder === 'LE';
  const local = byteOrder === HOST_ORDER;
  switch (view.getUint16(0, little)) {
    case AddressFamily.AF_INET:
      if (here.length < 8) return undefined;
      return inetEndpoint(IPv4Address.fromBytes(here, 4), view.getUint16(2));
    case AddressFamily.AF_INET6: {
      if (here.length < 24) return undefined;
      const scope = here.length >= 28 ? view.getUint32(24, little) : 0;
      return inetEndpoint(IPv6Address.fromBytes(here, 8, scope === 0 ? '' : zoneText(scope, local)), view.getUint16(2));
    }
    case AddressFamily.AF_UNIX:
      return decodeUnix(here.subarray(2));
    case AddressFamily.AF_PACKET:
      return decodeLink(here, view, little, local);
    default:
      return undefined;
  }
}

function decodeUnix(sunPath: Uint8Array): UnixEndpoint | undefined {
  try {
    return new UnixEndpoint(sunPath);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function decodeLink(bytes: Uint8Array, view: DataView, little: boolean, local: boolean): LinkEndpoint | undefined {
  // getsockname(2) gives as many bytes of the address as there are, not all eight. A longer one, as InfiniBand has,
  // would not fit into the structure when written again.
  const halen = bytes[11] ?? 0;
  if (bytes.length < 12 + halen || halen > SLL_ADDR_SIZE) return undefined;
  const index = view.getInt32(4, little);
  if (index < 0) return undefined;
  return linkEndpoint({
    index,
    name: index === 0 || !local ? '' : (cachedName(index) ?? ''),
    protocol: view.getUint16(2),
    hardwareType: view.getUint16(8, little),
    packetType: view.getUint8(10),
    address: halen === 0 ? undefined : new HardwareAddress(bytes.subarray(12, 12 + halen)),
  });
}

/** The interface's name where it can be read back as a zone: not one of digits, which would be another's number. */
function zoneText(scope: number, local: boolean): string {
  const name = local ? cachedName(scope) : undefined;
  return name !== undefined && isZoneText(name) && !/^\d+$/.test(name) ? name : String(scope);
}

const nameCache = new Map<number, { name: string | undefined; until: number }>();

/** Interface names by number, kept for a second: a busy link-local socket would read files for every datagram. */
function cachedName(index: number): string | undefined {
  const now = performance.now();
  const known = nameCache.get(index);
  if (known !== undefined && known.until > now) return known.name;
  if (nameCache.size > 1024) nameCache.clear();
  const name = interfaceName(index);
  nameCache.set(index, { name, until: now + 1000 });
  return name;
}
