/** Filters for sockets: what SO_ATTACH_FILTER of socket(7) takes. */
import { LinkType } from '../../src/wire/link-types.js';
import { compileFilter, type FilterOptions } from './compile.js';
import { listProgram } from './program/listing.js';

/** udp(7), the ICMP sockets of icmp(7), or raw(7). */
export type FilteredSocket =
  | { readonly kind: 'datagram' | 'ping' }
  | { readonly kind: 'raw'; readonly family: 'ipv4' | 'ipv6' };

/**
 * The value of SO_ATTACH_FILTER for an expression of pcap-filter(7), as `--opt` takes it: the program's length and its
 * instructions, with commas between.
 *
 * The kernel shows a raw socket of IPv4 the packet from its IP header on. All others are shown what stands behind that
 * header, so their programs look for it where the kernel keeps it. Datagrams in fragments are put together before.
 *
 * @throws FilterError, also for a filter that no packet of IP can pass
 */
export function socketFilter(
  expression: string,
  socket: FilteredSocket,
  { hosts }: Pick<FilterOptions, 'hosts'> = {},
): string {
  const linkType = LinkType.RAW;
  // One of IPv6 alone is a filter for a socket of IPv4 too, which lets nothing in.
  compileFilter(expression, { linkType, target: 'kernel', hosts });
  const target = socket.kind === 'raw' && socket.family === 'ipv4' ? 'kernel' : 'datagram';
  return listProgram(compileFilter(expression, { linkType, target, hosts, allowNone: true }), 'ddd').join(',');
}
