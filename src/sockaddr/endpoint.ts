/**
 * Where a socket is: an IP address with a port, a unix name (unix.ts), or an interface (link-layer.ts). Immutable
 * values, the text that endpoint-text.ts and link-layer.ts read back, keys and an order.
 */
import { compareIP, type IPAddress, type IPv4Address, type IPv6Address } from './ip.js';
import { compareHardwareAddress, formatLinkEndpoint, type LinkEndpoint } from './link-layer.js';
import type { UnixEndpoint } from './unix.js';

export interface InetEndpoint {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: IPAddress;
  /** 0 to 65535; 0 asks the system for any free port. */
  readonly port: number;
}

export type Endpoint = InetEndpoint | UnixEndpoint;

/** Whatever a struct sockaddr can say here; packet sockets alone have link endpoints. */
export type SocketAddress = Endpoint | LinkEndpoint;

/** @throws RangeError for a port that is none */
export function inetEndpoint(address: IPAddress, port: number): InetEndpoint {
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new RangeError(`port ${port} is outside 0 to 65535`);
  return Object.freeze({ family: address.family, address, port });
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/path`, `link:eth0`. */
export function formatEndpoint(endpoint: SocketAddress): string {
  switch (endpoint.family) {
    case 'unix':
      return `unix:${endpoint.path}`;
    case 'link':
      return formatLinkEndpoint(endpoint);
    case 'ipv6':
      return `[${endpoint.address.toString()}]:${endpoint.port}`;
    case 'ipv4':
      return `${endpoint.address.toString()}:${endpoint.port}`;
  }
}

/** Fit for the key of a Map: two endpoints, of whatever families, are equal exactly when their keys are. */
export function endpointKey(endpoint: SocketAddress): string {
  switch (endpoint.family) {
    case 'unix':
      return endpoint.key;
    case 'link': {
      const { index, name, protocol, hardwareType, packetType, address } = endpoint;
      return `link:${JSON.stringify([index, name, protocol, hardwareType, packetType, address])}`;
    }
    default:
      return formatEndpoint(endpoint);
  }
}

/** True for the same place: every field counts, and an IPv4-mapped address is not its IPv4 address. */
export function equalEndpoints(a: SocketAddress, b: SocketAddress): boolean {
  return endpointKey(a) === endpointKey(b);
}

const FAMILY_ORDER = ['ipv4', 'ipv6', 'unix', 'link'];

/** Orders IPv4, IPv6, unix, link; then by address and port, by bytes, or by interface and address. For Array.sort. */
export function compareEndpoints(a: SocketAddress, b: SocketAddress): number {
  if (a.family === 'unix' && b.family === 'unix') return Buffer.compare(a.toBytes(), b.toBytes());
  if (a.family === 'link' && b.family === 'link') return compareLinkEndpoints(a, b);
  if ('port' in a && 'port' in b) return compareIP(a.address, b.address) || a.port - b.port;
  return FAMILY_ORDER.indexOf(a.family) - FAMILY_ORDER.indexOf(b.family);
}

function compareLinkEndpoints(a: LinkEndpoint, b: LinkEndpoint): number {
  return (
    a.index - b.index ||
    compareText(a.name, b.name) ||
    (a.address === undefined || b.address === undefined
      ? Number(a.address !== undefined) - Number(b.address !== undefined)
      : compareHardwareAddress(a.address, b.address)) ||
    a.protocol - b.protocol ||
    a.hardwareType - b.hardwareType ||
    a.packetType - b.packetType
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The same place without IPv4-mapped addresses: to a person, an IPv4 peer of a dual-stack socket is IPv4. */
export function unmapEndpoint(endpoint: Endpoint): Endpoint {
  if (endpoint.family !== 'ipv6') return endpoint;
  const address = (endpoint.address as IPv6Address).unmap();
  return address === endpoint.address ? endpoint : inetEndpoint(address, endpoint.port);
}

/** The same place as an IPv6 socket has to be told it: IPv4 addresses mapped. */
export function mapEndpoint(endpoint: Endpoint): Endpoint {
  return endpoint.family === 'ipv4'
    ? inetEndpoint((endpoint.address as IPv4Address).toMapped(), endpoint.port)
    : endpoint;
}

/** The `{address, port, family}` of records and logs. */
export function endpointRecord(endpoint: Endpoint): { address: string; port?: number; family: string } {
  return endpoint.family === 'unix'
    ? { address: endpoint.path, family: 'unix' }
    : { address: endpoint.address.toString(), port: endpoint.port, family: endpoint.family };
}
