/**
 * Endpoints as a user writes them: `192.0.2.1:80`, `[2001:db8::1]:80`, `[fe80::1%eth0]:80` (RFC 3986 section 3.2.2
 * brackets), `unix:/path` and `unix:@name` for the abstract namespace of unix(7). Nothing is resolved here.
 */
import { AddressError } from '../errors.js';
import { parseIP, tryParseIP } from './ip.js';
import { readUnixEndpoint, type UnixEndpoint } from './unix.js';

/** An endpoint as written by a user: the host may still be a name, the port still a service. */
export type EndpointText =
  | { readonly kind: 'unix'; readonly endpoint: UnixEndpoint }
  /** `host` is undefined for the wildcard; `port` is undefined when the text names none. */
  | { readonly kind: 'inet'; readonly host: string | undefined; readonly port: string | undefined };

const FORMS = 'write HOST:PORT, [V6]:PORT, :PORT, unix:/path or unix:@name';

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
  if (text === 'unix:' || text === 'unix:@') throw new AddressError(text, text.length, 'the path is empty', FORMS);
  return { kind: 'unix', endpoint: readUnixEndpoint(text, 5) };
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
