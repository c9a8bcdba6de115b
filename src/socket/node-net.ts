/** What both backends share of node:net: the endpoints of a socket. */
import { type Endpoint, inetEndpoint } from '../sockaddr/endpoint.js';
import { tryParseIP } from '../sockaddr/ip.js';

/** The endpoint of an address and port as node:net shows them; undefined for what has none. */
export function peerEndpoint(address: string | undefined, port: number | undefined): Endpoint | undefined {
  const ip = address === undefined ? undefined : tryParseIP(address);
  if (ip === undefined || port === undefined) return undefined;
  // A dual-stack listener shows IPv4 peers as mapped addresses; to a person they are IPv4.
  return inetEndpoint(ip.unmap(), port);
}
