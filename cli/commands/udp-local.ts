/** The addresses that `udp recv` may receive on. */
import { SockctlError, SocketError } from '../../src/errors.js';
import type { Endpoint } from '../../src/sockaddr/endpoint.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';

export function resolveLocal(address: string, family: FamilyOptions, signal: AbortSignal): Promise<Endpoint[]> {
  return resolveEndpoint(address, { protocol: 'udp', passive: true, family: chosenFamily(family), signal });
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
