/**
 * From what a user wrote to the addresses of a socket. The only place that asks the name service for addresses;
 * address-book.ts asks it about them.
 *
 * The order of the answers is getaddrinfo(3)'s: RFC 6724 section 6, with the policy table of this system (gai.conf(5)).
 * Where that file is silent, glibc may have the older table of RFC 3484, which ranks unique local IPv6 above IPv4.
 */
import { promises as dns, type LookupAddress } from 'node:dns';
import { AddressError, SockctlError } from '../errors.js';
import { type Endpoint, inetEndpoint } from './endpoint.js';
import { splitEndpoint } from './endpoint-text.js';
import { type IPAddress, type IPFamily, IPv4Address, IPv6Address, parseIP, tryParseIP } from './ip.js';
import { servicePort } from './services.js';

export interface ResolveOptions {
  /** Narrows the answer to one family. */
  readonly family?: IPFamily | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait for the name service; without it, as long as the system waits. */
  readonly timeoutMs?: number | undefined;
}

export interface ResolveEndpointOptions extends ResolveOptions {
  /** Which of the two tables a service name is looked up in. */
  readonly protocol: 'tcp' | 'udp';
  /** True for a server: a missing host means the wildcard, a bare number means a port. */
  readonly passive?: boolean;
}

/**
 * All endpoints that `text` stands for, at least one.
 *
 * A passive text without a host gives the IPv6 wildcard, which takes IPv4 as well (ipv6(7), IPV6_V6ONLY), and then
 * the IPv4 one for systems without IPv6.
 *
 * @throws AddressError for text that is no address; SockctlError EAI_* when a name can't be resolved
 */
export async function resolveEndpoint(text: string, options: ResolveEndpointOptions): Promise<Endpoint[]> {
  const parts = splitEndpoint(text, { bare: options.passive === true ? 'port' : 'host' });
  if (parts.kind === 'unix') return [parts.endpoint];
  if (parts.port === undefined && options.passive !== true) {
    throw portMissing(text, parts.host);
  }
  const port = parts.port === undefined ? 0 : resolvePort(parts.port, options.protocol);
  const addresses =
    parts.host === undefined
      ? options.passive === true
        ? wildcards(options.family)
        : loopbacks(options.family)
      : await resolveHost(parts.host, options);
  return addresses.map((address) => inetEndpoint(address, port));
}

/**
 * The host and port of `text` for somebody else to resolve, a proxy for example. A missing host means `localhost`.
 *
 * @throws AddressError for text that is no address, or a unix one; SockctlError EAI_SERVICE
 */
export function unresolvedHost(text: string, protocol: 'tcp' | 'udp'): { host: string; port: number } {
  const parts = splitEndpoint(text, { bare: 'host' });
  if (parts.kind === 'unix')
    throw new AddressError(text, 0, 'a unix socket is on this machine only', 'write HOST:PORT');
  if (parts.port === undefined) throw portMissing(text, parts.host);
  return { host: parts.host ?? 'localhost', port: resolvePort(parts.port, protocol) };
}

/**
 * All addresses of a host name or numeric address, each once, in the order in which to try them; at least one.
 *
 * @throws AddressError for what is nearly a numeric address; SockctlError EAI_NONAME, EAI_AGAIN or EAI_FAIL; the
 * signal's reason when aborted
 */
export async function resolveHost(host: string, options: ResolveOptions = {}): Promise<IPAddress[]> {
  // getaddrinfo(3) would take 10.1 and 0x0a000001 for 10.0.0.1; digits and dots alone are meant as an address too.
  const meant = host.includes(':') || /^[\d.]+$/.test(host) || tryParseIP(host, { legacy: true }) !== undefined;
  // A packet to a mapped address is one of IPv4, whatever the text looks like.
  const numeric = meant ? parseIP(host).unmap() : undefined;
  if (numeric !== undefined) {
    if (options.family === undefined || options.family === numeric.family) return [numeric];
    throw new SockctlError('EAI_NONAME', {
      what: `${host}: not an ${options.family === 'ipv4' ? 'IPv4' : 'IPv6'} address`,
      advice: `leave out -${options.family === 'ipv4' ? 4 : 6}, or give an address of that family`,
    });
  }
  const family = options.family === undefined ? 0 : options.family === 'ipv4' ? 4 : 6;
  const signals = [
    options.signal,
    options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs),
  ];
  const answers = await withSignals(dns.lookup(host, { all: true, verbatim: true, family }), signals, host);
  // A name that stands more than once in hosts(5) would be tried more than once.
  const distinct = new Map(answers.map(({ address }) => parseIP(address)).map((ip) => [ip.key, ip]));
  return [...distinct.values()];
}

async function withSignals(
  lookup: Promise<LookupAddress[]>,
  signals: readonly (AbortSignal | undefined)[],
  host: string,
): Promise<LookupAddress[]> {
  const active = signals.filter((signal) => signal !== undefined);
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(active.find((signal) => signal.aborted)?.reason);
    // On each of them: a timeout that only AbortSignal.any knows of may be collected, unfired.
    for (const signal of active) signal.addEventListener('abort', stop, { once: true });
    if (active.some((signal) => signal.aborted)) stop();
  });
  try {
    // getaddrinfo(3) itself can't be cancelled; its late answer is simply not used.
    return await Promise.race([lookup, aborted]);
  } catch (error) {
    throw lookupError(error, host);
  } finally {
    for (const signal of active) signal.removeEventListener('abort', stop);
    lookup.catch(() => undefined);
  }
}

function lookupError(error: unknown, host: string): unknown {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (name === 'TimeoutError') {
    return new SockctlError('EAI_AGAIN', { what: `${host}: no answer from the name service in time`, cause: error });
  }
  if (name === 'AbortError' || typeof code !== 'string') return error;
  const known = code === 'ENOTFOUND' || code === 'EAI_NODATA' ? 'EAI_NONAME' : code;
  const words: Record<string, string> = {
    EAI_NONAME: 'name or service not known',
    EAI_AGAIN: 'temporary failure in name resolution',
  };
  return new SockctlError(known.startsWith('EAI_') ? known : 'EAI_FAIL', {
    what: `getaddrinfo ${host}: ${words[known] ?? 'name resolution failed'} (${known})`,
    cause: error,
  });
}

function portMissing(text: string, host: string | undefined): AddressError {
  const shown = host?.includes(':') === true ? `[${host}]` : host;
  return new AddressError(text, text.length, 'the port is missing', `write ${shown}:PORT`);
}

function resolvePort(port: string, protocol: 'tcp' | 'udp'): number {
  if (/^\d+$/.test(port)) return Number(port);
  const known = servicePort(port, protocol);
  if (known !== undefined) return known;
  throw new SockctlError('EAI_SERVICE', { what: `${port}/${protocol}: service name not known (EAI_SERVICE)` });
}

function wildcards(family: IPFamily | undefined): IPAddress[] {
  const v4 = new IPv4Address(0);
  const v6 = new IPv6Address(new Uint8Array(16));
  return family === 'ipv4' ? [v4] : family === 'ipv6' ? [v6] : [v6, v4];
}

/** A client without a host means this machine, as getaddrinfo(3) has it without AI_PASSIVE. */
function loopbacks(family: IPFamily | undefined): IPAddress[] {
  const v4 = new IPv4Address(0x7f000001);
  const v6 = parseIP('::1');
  return family === 'ipv4' ? [v4] : family === 'ipv6' ? [v6] : [v6, v4];
}
