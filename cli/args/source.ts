/** `--source`: HOST, :PORT or HOST:PORT. */
import type { Endpoint } from '../../src/sockaddr/endpoint.js';
import type { IPFamily } from '../../src/sockaddr/ip.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';

/** The own addresses to bind to, or undefined where none is asked for. */
export async function sourceEndpoints(
  text: string | undefined,
  protocol: 'tcp' | 'udp',
  family: IPFamily | undefined,
): Promise<Endpoint[] | undefined> {
  return text === undefined ? undefined : resolveEndpoint(text, { protocol, passive: true, family });
}
