/**
 * struct sockaddr as the kernel has it (ip(7), ipv6(7), unix(7)), to and from endpoints. sa_family is in host order,
 * port and address in network order.
 *
 *     sockaddr_in   family:2 port:2 addr:4 zero:8                          16 bytes
 *     sockaddr_in6  family:2 port:2 flowinfo:4 addr:16 scope_id:4          28 bytes
 *     sockaddr_un   family:2 path:up to 108, '\0' first for an abstract name
 */
import { endianness } from 'node:os';
import { type Endpoint, inetEndpoint, unixEndpoint } from './endpoint.js';
import { interfaceIndex, interfaceName } from './interfaces.js';
import { IPv4Address, IPv6Address } from './ip.js';

/** Address families of socket(2), as Linux numbers them. */
export const AddressFamily = { AF_UNSPEC: 0, AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_PACKET: 17 } as const;
export type AddressFamilyName = keyof typeof AddressFamily;

/** Room for any sockaddr: sizeof(struct sockaddr_storage). */
export const SOCKADDR_MAX = 128;

const LITTLE = endianness() === 'LE';

/** The AF_ name for an endpoint's family. */
export function addressFamilyOf(endpoint: Endpoint): 'AF_INET' | 'AF_INET6' | 'AF_UNIX' {
  return endpoint.family === 'ipv4' ? 'AF_INET' : endpoint.family === 'ipv6' ? 'AF_INET6' : 'AF_UNIX';
}

/**
 * The sockaddr bytes of `endpoint`.
 *
 * @throws SocketError ENODEV when a zone names an interface that does not exist
 */
export function encodeSockaddr(endpoint: Endpoint): Uint8Array {
  switch (endpoint.family) {
    case 'ipv4': {
      const bytes = new Uint8Array(16);
      header(bytes, AddressFamily.AF_INET).setUint16(2, endpoint.port);
      bytes.set(endpoint.address.toBytes(), 4);
      return bytes;
    }
    case 'ipv6': {
      const bytes = new Uint8Array(28);
      const view = header(bytes, AddressFamily.AF_INET6);
      view.setUint16(2, endpoint.port);
      bytes.set(endpoint.address.toBytes(), 8);
      const zone = (endpoint.address as IPv6Address).zone;
      if (zone !== '') view.setUint32(24, interfaceIndex(zone), LITTLE);
      return bytes;
    }
    case 'unix': {
      const path = new TextEncoder().encode(endpoint.path);
      const abstract = endpoint.path.startsWith('@');
      // A path ends with a zero byte; an abstract name, and none at all, is as long as the length says (unix(7)).
      const bytes = new Uint8Array(2 + path.length + (abstract || path.length === 0 ? 0 : 1));
      header(bytes, AddressFamily.AF_UNIX);
      bytes.set(path, 2);
      if (abstract) bytes[2] = 0;
      return bytes;
    }
  }
}

function header(bytes: Uint8Array, family: number): DataView {
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, LITTLE);
  return view;
}

/**
 * The endpoint in the first `length` bytes at `offset`, or undefined for a family or length that is none of the above
 * (a peer without a name, for example).
 */
export function decodeSockaddr(bytes: Uint8Array, length: number, offset = 0): Endpoint | undefined {
  if (length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  switch (view.getUint16(0, LITTLE)) {
    case AddressFamily.AF_INET:
      if (length < 8) return undefined;
      return inetEndpoint(IPv4Address.fromBytes(bytes, offset + 4), view.getUint16(2));
    case AddressFamily.AF_INET6: {
      if (length < 24) return undefined;
      const scope = length >= 28 ? view.getUint32(24, LITTLE) : 0;
      const zone = scope === 0 ? '' : (cachedName(scope) ?? String(scope));
      return inetEndpoint(IPv6Address.fromBytes(bytes, offset + 8, zone), view.getUint16(2));
    }
    case AddressFamily.AF_UNIX: {
      const path = bytes.subarray(offset + 2, offset + length);
      const text = new TextDecoder();
      if (path.length > 0 && path[0] === 0) return unixEndpoint(`@${text.decode(path.subarray(1))}`);
      const end = path.indexOf(0);
      return unixEndpoint(text.decode(end < 0 ? path : path.subarray(0, end)));
    }
    default:
      return undefined;
  }
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
