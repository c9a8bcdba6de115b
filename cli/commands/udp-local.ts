/** The addresses that `udp recv` may receive on. */
import { SockctlError, SocketError, UsageError } from '../../src/errors.js';
import type { Endpoint } from '../../src/sockaddr/endpoint.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';

export async function resolveLocal(address: string, family: FamilyOptions, signal: AbortSignal): Promise<Endpoint[]> {
  const found = await resolveEndpoint(address, {
    protocol: 'udp',
    passive: true,
    family: chosenFamily(family),
    signal,
  });
  if (found.some((endpoint) => endpoint.family === 'unix')) {
    throw new UsageError(`udp recv ${address}: not a port or an IP address and port`);
  }
  return found;
}

/** The first of the addresses that this system has; the wildcard comes as :: and then 0.0.0.0. */
export async function onFirstLocal<Result>(
  locals: readonly Endpoint[],
  use: (local: Endpoint) => Promise<Result>,
): Promise<Result> {
  let last: unknown;
  for (const local of locals) {
    try {
      return await use(local);
    } catch (error) {
      last = error;
      const other = error instanceof SocketError && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.code);
      if (!other) throw error;
    }
  }
  throw last ?? new SockctlError('EADDRNOTAVAIL', { what: 'no address to receive on' });
}
