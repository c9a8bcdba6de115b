/**
 * What a reply to an extended echo request says (RFC 8335 section 3), in its eighth byte, for both versions of ICMP.
 *
 *     state:3 reserved:2 active:1 IPv4:1 IPv6:1
 */

export interface ExtendedReply {
  /** Of the neighbour cache: 0 reserved, 1 incomplete, 2 reachable, 3 stale, 4 delay, 5 probe, 6 failed. */
  readonly state: number;
  /** The interface is up. */
  readonly active: boolean;
  readonly hasIPv4: boolean;
  readonly hasIPv6: boolean;
}

export function extendedReply(byte: number): ExtendedReply {
  return { state: byte >> 5, active: (byte & 4) !== 0, hasIPv4: (byte & 2) !== 0, hasIPv6: (byte & 1) !== 0 };
}

export function extendedReplyBits(reply: Partial<ExtendedReply>): number {
  const { state = 0, active = false, hasIPv4 = false, hasIPv6 = false } = reply;
  return (state << 5) | (active ? 4 : 0) | (hasIPv4 ? 2 : 0) | (hasIPv6 ? 1 : 0);
}
