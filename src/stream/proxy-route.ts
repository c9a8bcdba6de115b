/** A proxy as a user writes it, and where it is to connect to. */
import { clip, SockctlError, UsageError } from '../errors.js';
import { formatEndpoint } from '../sockaddr/endpoint.js';
import type { StreamConnection } from '../socket/port.js';
import type { Deadline } from './deadline.js';

/** How the proxy is spoken to: SOCKS 5 (RFC 1928), HTTP CONNECT (RFC 9110 section 9.3.6), or that inside TLS. */
export type ProxyProtocol = 'socks5' | 'http' | 'https';

export interface ProxyRoute {
  readonly protocol: ProxyProtocol;
  /** Name or numeric address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Undefined for none. */
  readonly credentials: { readonly user: string; readonly password: string } | undefined;
}

/** Where the proxy is to connect to; it resolves the name. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

export interface ProxyOptions {
  readonly credentials: ProxyRoute['credentials'];
  /** Milliseconds for the proxy to answer; half a minute where left out. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 30_000;

/** How long the proxy at the other end of `connection` is waited for. */
export function proxyDeadline(
  { remote }: StreamConnection,
  { timeoutMs = TIMEOUT_MS, signal }: ProxyOptions,
): Deadline {
  return { what: `proxy ${formatEndpoint(remote)}: no answer`, timeoutMs, signal };
}

const PORTS: Readonly<Record<ProxyProtocol, number>> = { socks5: 1080, http: 80, https: 443 };
const FORM = 'write socks5://[USER:PASSWORD@]HOST[:PORT], http://… or https://…';

/** @throws UsageError for what is no such URL; it does not repeat the text, which may hold a password */
export function parseProxyRoute(text: string): ProxyRoute {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError('--via: not a URL', FORM);
  }
  const scheme = url.protocol.replace(/:$/, '');
  // curl's name for SOCKS 5 that resolves names itself, which is what is done here anyway.
  const protocol = scheme === 'socks5h' ? 'socks5' : scheme;
  if (!Object.hasOwn(PORTS, protocol)) throw new UsageError(`--via: '${clip(scheme)}' is no kind of proxy`, FORM);
  if (url.hostname === '') throw new UsageError('--via: the host is missing', FORM);
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    throw new UsageError('--via: a proxy has no path', FORM);
  }
  const known = protocol as ProxyProtocol;
  return {
    protocol: known,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? PORTS[known] : Number(url.port),
    credentials: url.username === '' && url.password === '' ? undefined : credentials(url),
  };
}

function credentials(url: URL): { user: string; password: string } {
  try {
    return { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch {
    throw new UsageError('--via: a bad %-escape in the user or password', 'write % itself as %25');
  }
}

/** How the proxies' answers are told. */
export function proxyError(destination: Destination, reason: string, cause?: unknown): SockctlError {
  return new SockctlError('PROXY', {
    what: `proxy: no connection to ${formatDestination(destination)}: ${clip(reason, 200)}`,
    cause,
  });
}

/** `host:port`, an IPv6 address in brackets. */
export function formatDestination({ host, port }: Destination): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
