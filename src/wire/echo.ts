/** Echo requests and replies of both families, as ping writes them (RFC 792, RFC 4443 section 4). */
import type { IPFamily } from '../sockaddr/ip.js';
import { encodeIcmp, IcmpType } from './icmp.js';
import { encodeIcmpv6, Icmpv6Type } from './icmpv6.js';

export interface IcmpEcho {
  readonly family: IPFamily;
  readonly type: 'request' | 'reply';
  /** 0 to 65,535. */
  readonly identifier: number;
  /** 0 to 65,535. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/**
 * The whole ICMP message. Over IPv4 its checksum is filled in; over IPv6 it is 0, since the kernel, which chooses the
 * source address, fills it in on raw and ping sockets (RFC 3542 section 3.1).
 */
export function encodeIcmpEcho({ family, type, identifier, sequence, payload }: IcmpEcho): Uint8Array {
  if (family === 'ipv4') {
    const icmpType = type === 'request' ? IcmpType.echoRequest : IcmpType.echoReply;
    return encodeIcmp({ icmpType, identifier, sequence }, payload);
  }
  const icmpType = type === 'request' ? Icmpv6Type.echoRequest : Icmpv6Type.echoReply;
  return encodeIcmpv6({ icmpType, identifier, sequence }, payload);
}
