/** Tests for the ports of TCP, UDP and SCTP, which all have them at the same place. */
import type { Direction } from '../syntax/tree.js';
import { and, type Base, type Condition, compares, equals, field, not, or } from './condition.js';
import type { LinkState } from './link-state.js';
import { Ether, IP } from './numbers.js';
import { carries } from './payload-type.js';

/** Numbers of IP's protocols that have ports. */
export type PortProtocol = typeof IP.tcp | typeof IP.udp | typeof IP.sctp;
const WITH_PORTS: readonly PortProtocol[] = [IP.sctp, IP.tcp, IP.udp];

/** Bits of the IPv4 header's third word that say which fragment it is, RFC 791. */
const FRAGMENT_OFFSET = 0x1fff;

/** Not a fragment, or the first one: what follows the header is the beginning. */
export function isFirstFragment(state: LinkState): Condition {
  return not({ type: 'field', field: field(state.networkHeader, 6, 2), comparison: 'any', value: FRAGMENT_OFFSET });
}

/**
 * Ports from `low` to `high`, over IPv6 and IPv4.
 *
 * @param protocol undefined for all that have ports
 */
export function ports(
  state: LinkState,
  protocol: PortProtocol | undefined,
  direction: Direction | undefined,
  low: number,
  high: number,
): Condition {
  return or(portsOverIPv6(state, protocol, direction, low, high), portsOverIPv4(state, protocol, direction, low, high));
}

export function portsOverIPv4(
  state: LinkState,
  protocol: PortProtocol | undefined,
  direction: Direction | undefined,
  low: number,
  high: number,
): Condition {
  const header = state.networkHeader;
  const hasPorts = (number: PortProtocol) =>
    and(
      equals(field(header, 9, 1), number),
      isFirstFragment(state),
      inDirection(state, direction, (offset) => within(state.behindIPv4, offset, low, high)),
    );
  return and(carries(state, Ether.ip), oneOf(protocol, hasPorts));
}

export function portsOverIPv6(
  state: LinkState,
  protocol: PortProtocol | undefined,
  direction: Direction | undefined,
  low: number,
  high: number,
): Condition {
  const header = state.networkHeader;
  const hasPorts = (number: PortProtocol) =>
    and(
      equals(field(header, 6, 1), number),
      inDirection(state, direction, (offset) => within(state.behindIPv6, offset, low, high)),
    );
  return and(carries(state, Ether.ip6), oneOf(protocol, hasPorts));
}

/** Each protocol with all that is asked of it: the optimiser finds what they share. */
function oneOf(protocol: PortProtocol | undefined, test: (number: PortProtocol) => Condition): Condition {
  return protocol === undefined ? or(...WITH_PORTS.map(test)) : test(protocol);
}

function inDirection(
  state: LinkState,
  direction: Direction | undefined,
  test: (offset: 0 | 2) => Condition,
): Condition {
  switch (direction) {
    case 'src':
      return test(0);
    case 'dst':
      return test(2);
    case 'src and dst':
      return and(test(0), test(2));
    case undefined:
    case 'src or dst':
      return or(test(0), test(2));
    default:
      throw state.fail(`'${direction}' has no ports`, 'write src or dst');
  }
}

function within(base: Base, offset: number, low: number, high: number): Condition {
  if (low === high) return equals(field(base, offset, 2), low);
  return and(compares(field(base, offset, 2), '>=', low), not(compares(field(base, offset, 2), '>', high)));
}
