/**
 * Record route (RFC 791 section 3.1): routers write the address that they forward from into an option of the IP header,
 * as long as there is room, and who answers an echo request goes on with it on the way back (RFC 1122 section 3.2.2.6).
 */
import { formatIPv4 } from '../../sockaddr/ip-text.js';
import { encodeIPv4Options } from '../../wire/ipv4-options.js';

const RECORD_ROUTE = 7;
/** What 40 bytes of options have room for. */
const ADDRESSES = 9;
const FIXED_HEADER = 20;

/** What IP_OPTIONS takes to ask for it. */
export function recordRouteOption(): Uint8Array {
  const addresses = Array.from({ length: ADDRESSES }, () => '0.0.0.0');
  return encodeIPv4Options([{ kind: 'recordRoute', pointer: 4, addresses }]);
}

/** The addresses that an IPv4 header has recorded; undefined where it has no such option. */
export function readRoute(header: Uint8Array): string[] | undefined {
  const end = Math.min(header.length, ((header[0] ?? 0) & 15) * 4);
  for (let at = FIXED_HEADER; at < end; ) {
    const type = header[at] as number;
    if (type === 0) return undefined;
    if (type === 1) {
      at++;
      continue;
    }
    const length = header[at + 1] ?? 0;
    if (length < 2 || at + length > end) return undefined;
    if (type === RECORD_ROUTE && length >= 3) {
      const route: string[] = [];
      // The pointer counts from the option's start, from 1, and points behind the last one written.
      const stop = Math.min(at + length, at + (header[at + 2] as number) - 1);
      for (let place = at + 3; place + 4 <= stop; place += 4) route.push(formatIPv4(header, place));
      return route;
    }
    at += length;
  }
  return undefined;
}
