/** The marks of traceroute(8) for who says that a probe goes no further (RFC 792, RFC 1812 section 5.2.7.1, RFC 4443). */
import type { IPFamily } from '../../sockaddr/ip.js';
import { IcmpType } from '../../wire/icmp.js';
import { Icmpv6Type } from '../../wire/icmpv6.js';

/** By code of 'destination unreachable'; what has no letter has its number. */
const IPV4_MARKS: Readonly<Record<number, string>> = {
  0: '!N',
  1: '!H',
  2: '!P',
  3: '!p',
  5: '!S',
  6: '!N',
  7: '!H',
  8: '!I',
  9: '!A',
  10: '!Z',
  11: '!N',
  12: '!H',
  13: '!X',
  14: '!V',
  15: '!C',
};

const IPV6_MARKS: Readonly<Record<number, string>> = { 0: '!N', 1: '!X', 2: '!S', 3: '!H', 4: '!p', 5: '!X', 6: '!X' };

/**
 * `!X` for 'administratively prohibited', `!F-1280` for 'fragmentation needed' and 'packet too big', and so on; null for
 * messages that do not say that the destination can't be reached.
 *
 * @param mtu the next hop's, in bytes
 */
export function unreachableMark(family: IPFamily, icmpType: number, icmpCode: number, mtu?: number): string | null {
  const tooBig = mtu === undefined || mtu === 0 ? '!F' : `!F-${mtu}`;
  if (family === 'ipv4') {
    if (icmpType === IcmpType.parameterProblem) return '!B';
    if (icmpType !== IcmpType.destinationUnreachable) return null;
    return icmpCode === 4 ? tooBig : (IPV4_MARKS[icmpCode] ?? `!<${icmpCode}>`);
  }
  if (icmpType === Icmpv6Type.packetTooBig) return tooBig;
  if (icmpType === Icmpv6Type.parameterProblem) return '!B';
  if (icmpType !== Icmpv6Type.destinationUnreachable) return null;
  return IPV6_MARKS[icmpCode] ?? `!<${icmpCode}>`;
}
