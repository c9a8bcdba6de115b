/** Errors that come back for datagrams, in words. */
import type { MessageFailure } from '../socket/port.js';

/** Who says what of a datagram to `target`: `HOST:PORT: ECONNREFUSED, says 192.0.2.1 (ICMP type 3, code 3)`. */
export function describeFailure(target: string, { error, reporter, icmpType, icmpCode, mtu }: MessageFailure): string {
  const icmp = icmpType === undefined ? '' : ` (ICMP type ${icmpType}, code ${icmpCode})`;
  const who = reporter === undefined ? '' : `, says ${reporter}${icmp}`;
  const narrow = mtu === undefined ? '' : `: the MTU of the path is ${mtu}`;
  return `${target}: ${error.code}${who}${narrow}`;
}
