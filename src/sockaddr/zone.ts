/** Addresses beside those of packets, which carry no zone (RFC 4007 section 5): the kernel adds one, a user may leave it out. */
import { type IPAddress, IPv6Address } from './ip.js';

/** The address as packets have it. */
export function withoutZone(address: IPAddress): IPAddress {
  return address instanceof IPv6Address && address.zone !== '' ? address.withZone('') : address;
}

/** Whether the two are the same but for the zone. */
export function sameAddress(a: IPAddress, b: IPAddress): boolean {
  return withoutZone(a).equals(withoutZone(b));
}
