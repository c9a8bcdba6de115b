/**
 * Which autonomous system (RFC 1930) announces the route to an address, as name servers tell that publish the routing
 * table in TXT records. The zones and the text are those of Team Cymru's service
 * (https://www.team-cymru.com/ip-asn-mapping):
 *
 *     1.0.0.1.origin.asn.cymru.com   "13335 | 1.0.0.0/24 | AU | apnic | 2011-08-11"
 *
 * with the address in front as for a reverse lookup, and for IPv6 the same under origin6. A route that several systems
 * announce has their numbers with spaces between them; an address with a route in another has a record for each.
 */
import { AddressError } from '../errors.js';
import type { IPAddress } from './ip.js';
import { type IPPrefix, parsePrefix } from './prefix.js';

export interface RouteOrigin {
  /** Numbers of autonomous systems: 1 to 4,294,967,295 (RFC 6793), at least one. */
  readonly systems: readonly number[];
  /** The route, which the address lies in. */
  readonly prefix: string;
  /** Where it is registered: two letters (ISO 3166), and the registry's name; null where the record does not say. */
  readonly country: string | null;
  readonly registry: string | null;
}

/** Systems and records that are read; who announces one route with more is not believed. */
const SYSTEMS_MAX = 8;
const RECORDS_MAX = 16;

/** Addresses that no route of the public table leads to (RFC 6890 and the registry that it has begun). */
const SPECIAL = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '2001:2::/48',
  '2001:10::/28',
  '2001:db8::/32',
  '3fff::/20',
].map((text) => parsePrefix(text));
/** All of IPv6 that is routed (RFC 4291 section 2.4). */
const GLOBAL_IPV6 = parsePrefix('2000::/3');

/** The name to ask for the TXT records of; undefined for an address that is of no public route: nobody is asked then. */
export function originName(address: IPAddress): string | undefined {
  if (address.family === 'ipv6' && !GLOBAL_IPV6.contains(address)) return undefined;
  if (SPECIAL.some((prefix) => prefix.contains(address))) return undefined;
  const bytes = [...address.toBytes()].reverse();
  return address.family === 'ipv4'
    ? `${bytes.join('.')}.origin.asn.cymru.com`
    : `${bytes.map((byte) => `${(byte & 15).toString(16)}.${(byte >> 4).toString(16)}`).join('.')}.origin6.asn.cymru.com`;
}

/** The origin of the longest route among the records, which is the one that packets take; undefined where there is none. */
export function readOrigin(address: IPAddress, records: readonly string[]): RouteOrigin | undefined {
  let best: { readonly origin: RouteOrigin; readonly length: number } | undefined;
  for (const record of records.slice(0, RECORDS_MAX)) {
    const [numbers = '', route = '', country = '', registry = ''] = record.split('|').map((part) => part.trim());
    const systems = readSystems(numbers);
    const prefix = readPrefix(route);
    if (systems === undefined || prefix?.contains(address) !== true || prefix.length <= (best?.length ?? -1)) continue;
    const origin = {
      systems,
      prefix: prefix.toString(),
      country: /^[A-Z]{2}$/.test(country) ? country : null,
      registry: /^[a-z]{1,16}$/.test(registry) ? registry : null,
    };
    best = { origin, length: prefix.length };
  }
  return best?.origin;
}

function readSystems(text: string): number[] | undefined {
  const words = text.split(/ +/, SYSTEMS_MAX + 1);
  const numbers = words.map((word) => (/^\d{1,10}$/.test(word) ? Number(word) : 0));
  return words.length <= SYSTEMS_MAX && numbers.every((one) => one > 0 && one <= 0xffff_ffff) ? numbers : undefined;
}

function readPrefix(text: string): IPPrefix | undefined {
  try {
    return parsePrefix(text);
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}
