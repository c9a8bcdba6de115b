/**
 * Where a socket is: an IP address with a port, or a unix path. Immutable values and their text.
 *
 * Text forms: `192.0.2.1:80`, `[2001:db8::1]:80`, `[fe80::1%eth0]:80` (RFC 3986 section 3.2.2 brackets),
 * `unix:/path` and `unix:@name` for the abstract namespace of unix(7).
 */
import { AddressError } from '../errors.js';
import { type IPAddress, type IPv4Address, type IPv6Address, parseIP, tryParseIP } from './ip.js';

export interface InetEndpoint {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: IPAddress;
  /** 0 to 65535; 0 asks the system for any free port. */
  readonly port: number;
}

export interface UnixEndpoint {
  readonly family: 'unix';
  /** A file's path; `@name` stands for the abstract name; empty for an unnamed socket. */
  readonly path: string;
}

export type Endpoint = InetEndpoint | UnixEndpoint;

/** An endpoint as written by a user: the host may still be a name, the port still a service. */
export type EndpointText =
  | { readonly kind: 'unix'; readonly path: string }
  /** `host` is undefined for the wildcard; `port` is undefined when the text names none. */
  | { readonly kind: 'inet'; readonly host: string | undefined; readonly port: string | undefined };

/** sun_path has 108 bytes (unix(7)); a path needs one of them for its end, and an abstract name its first. */
const UNIX_PATH_MAX = 107;

const FORMS = 'write HOST:PORT, [V6]:PORT, :PORT, unix:/path or unix:@name';

export function inetEndpoint(address: IPAddress, port: number): InetEndpoint {
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new RangeError(`port ${port} is outside 0 to 65535`);
  return { family: address.family, address, port };
}

export function unixEndpoint(path: string): UnixEndpoint {
  return { family: 'unix', path };
}

/** The text that {@link splitEndpoint} reads back. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.family === 'unix') return `unix:${endpoint.path}`;
  return endpoint.family === 'ipv6'
    ? `[${endpoint.address.toString()}]:${endpoint.port}`
    : `${endpoint.address.toString()}:${endpoint.port}`;
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

/**
 * Splits an endpoint's text into its parts without resolving anything.
 *
 * @param defaults `bare` says what a text without a colon is: a server takes a bare number as a port
 * @throws AddressError naming the wrong part
 */
export function splitEndpoint(text: string, defaults: { bare: 'host' | 'port' }): EndpointText {
  if (text === '') throw new AddressError(text, 0, 'the address is empty', FORMS);
  if (text.startsWith('unix:')) return splitUnix(text);
  const control = text.search(/[\p{Cc}\s]/u);
  if (control >= 0) throw new AddressError(text, control, 'white space or a control character', FORMS);
  if (text.startsWith('[')) return splitBracketed(text);
  const colon = text.indexOf(':');
  if (colon < 0) {
    if (!/^\d+$/.test(text)) return { kind: 'inet', host: checkHost(text, text), port: undefined };
    if (defaults.bare === 'port') return { kind: 'inet', host: undefined, port: checkPort(text, 0) };
    throw new AddressError(text, 0, 'a number alone is no host', `write HOST:PORT, such as 127.0.0.1:${text}`);
  }
  if (text.indexOf(':', colon + 1) >= 0) {
    // More than one colon: an IPv6 address that forgot its brackets, or nonsense.
    if (tryParseIP(text) !== undefined) return { kind: 'inet', host: text, port: undefined };
    throw new AddressError(
      text,
      text.indexOf(':', colon + 1),
      "more than one ':'; an IPv6 address with a port needs brackets",
      FORMS,
    );
  }
  const host = text.slice(0, colon);
  return {
    kind: 'inet',
    host: host === '' || host === '*' ? undefined : checkHost(host, text),
    port: checkPort(text, colon + 1),
  };
}

function splitUnix(text: string): EndpointText {
  const path = text.slice(5);
  if (path === '' || path === '@') throw new AddressError(text, text.length, 'the path is empty', FORMS);
  if (path.includes('\0')) throw new AddressError(text, text.indexOf('\0'), 'a path cannot hold a zero byte', FORMS);
  const length = new TextEncoder().encode(path).length;
  if (length > UNIX_PATH_MAX) {
    throw new AddressError(text, 5, `the path has ${length} bytes, at most ${UNIX_PATH_MAX} fit`, 'use a shorter path');
  }
  return { kind: 'unix', path };
}

function splitBracketed(text: string): EndpointText {
  const close = text.indexOf(']');
  if (close < 0) throw new AddressError(text, text.length, "the closing ']' is missing", FORMS);
  const host = text.slice(1, close);
  if (!host.includes(':')) throw new AddressError(text, 1, 'brackets are for IPv6 addresses', FORMS);
  parseIP(host);
  if (close === text.length - 1) return { kind: 'inet', host, port: undefined };
  if (text[close + 1] !== ':') throw new AddressError(text, close + 1, "expected ':' and a port", FORMS);
  return { kind: 'inet', host, port: checkPort(text, close + 2) };
}

/** RFC 1123 section 2.1 host names, with the underscore that real names have; anything else is a mistype. */
function checkHost(host: string, text: string): string {
  if (/^[\d.]+$/.test(host)) {
    // Only digits and dots: meant as an address, so its own error is the helpful one.
    parseIP(host);
    return host;
  }
  const bad = host.search(/[^\p{L}\p{N}._-]/u);
  if (bad >= 0) throw new AddressError(text, bad, 'a host name cannot hold this character', FORMS);
  if (host.length > 253) throw new AddressError(text, 253, 'a host name has at most 253 characters', FORMS);
  const label = host
    .replace(/\.$/, '')
    .split('.')
    .find((part) => part === '' || part.length > 63);
  if (label !== undefined)
    throw new AddressError(text, text.indexOf(host), 'a label of the name is empty or too long', FORMS);
  return host;
}

function checkPort(text: string, start: number): string {
  const port = text.slice(start);
  if (port === '') throw new AddressError(text, start, "the port after ':' is missing", FORMS);
  if (/^\d+$/.test(port)) {
    if (Number(port) > 65535) throw new AddressError(text, start, 'the port is above 65535', FORMS);
    return String(Number(port));
  }
  const bad = port.search(/[^A-Za-z0-9_+*.-]/);
  if (bad >= 0 || port.startsWith('-')) {
    throw new AddressError(text, start + Math.max(bad, 0), 'a port is a number or a service name', FORMS);
  }
  return port;
}
