/** What the routing table says of the way to somewhere: the own address that packets leave with, and the path's MTU. */
import { SocketError } from '../errors.js';
import { silentLogger } from '../log/events.js';
import { type OptionSetting, setting } from '../options/settings.js';
import { inetEndpoint } from '../sockaddr/endpoint.js';
import type { IPAddress } from '../sockaddr/ip.js';
import type { Backend, MessageSocket } from './port.js';

/** No packet goes there: connect(2) of a datagram socket only looks the route up. */
const ANY_PORT = 9;

/**
 * A datagram socket that is connected to `destination` and sends nothing: `local` is the source of packets there,
 * `pathMtu()` what is known of the path. The caller closes it.
 *
 * @param settings what the packets' own socket has, where that decides about the route: SO_BINDTODEVICE, SO_MARK
 * @param wanted what the source is to be instead, if that is an address of this machine
 * @throws SocketError ENETUNREACH, EHOSTUNREACH, … where there is no route, EADDRNOTAVAIL for somebody else's address
 */
export function openRoute(
  backend: Backend,
  destination: IPAddress,
  settings: readonly OptionSetting[] = [],
  wanted?: IPAddress,
): Promise<MessageSocket> {
  // connect(2) refuses broadcast addresses without the flag.
  return backend.datagram(destination.family, {
    settings: [setting('SO_BROADCAST', true), ...settings],
    logger: silentLogger,
    remote: inetEndpoint(destination, ANY_PORT),
    ...(wanted === undefined ? {} : { local: inetEndpoint(wanted, 0) }),
  });
}

/**
 * What the system would choose as the source of packets to `destination`, the routing table's word (RFC 6724):
 * see {@link openRoute}.
 */
export async function sourceAddressFor(
  backend: Backend,
  destination: IPAddress,
  settings: readonly OptionSetting[] = [],
  wanted?: IPAddress,
): Promise<IPAddress> {
  const socket = await openRoute(backend, destination, settings, wanted);
  const { local } = socket;
  await socket.close();
  if (local === undefined || local.family === 'unix') {
    throw new SocketError({ syscall: 'getsockname', code: 'EADDRNOTAVAIL', address: destination.toString() });
  }
  return local.address;
}
