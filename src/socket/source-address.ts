/** The own address that packets to somewhere leave with. */
import { SocketError } from '../errors.js';
import { silentLogger } from '../log/events.js';
import { type OptionSetting, setting } from '../options/settings.js';
import { inetEndpoint } from '../sockaddr/endpoint.js';
import type { IPAddress } from '../sockaddr/ip.js';
import type { Backend } from './port.js';

/** No packet goes there: connect(2) of a datagram socket only looks the route up. */
const ANY_PORT = 9;

/**
 * What the system would choose as the source of packets to `destination`: the routing table's word (RFC 6724).
 *
 * @param settings what the packets' own socket has, where that decides about the route: SO_BINDTODEVICE, SO_MARK
 * @param wanted what it is to be instead, if that is an address of this machine
 * @throws SocketError ENETUNREACH, EHOSTUNREACH, … where there is no route, EADDRNOTAVAIL for somebody else's address
 */
export async function sourceAddressFor(
  backend: Backend,
  destination: IPAddress,
  settings: readonly OptionSetting[] = [],
  wanted?: IPAddress,
): Promise<IPAddress> {
  const remote = inetEndpoint(destination, ANY_PORT);
  // connect(2) refuses broadcast addresses without the flag.
  const socket = await backend.datagram(destination.family, {
    settings: [setting('SO_BROADCAST', true), ...settings],
    logger: silentLogger,
    remote,
    ...(wanted === undefined ? {} : { local: inetEndpoint(wanted, 0) }),
  });
  const { local } = socket;
  await socket.close();
  if (local === undefined || local.family === 'unix') {
    throw new SocketError({ syscall: 'getsockname', code: 'EADDRNOTAVAIL', address: destination.toString() });
  }
  return local.address;
}
