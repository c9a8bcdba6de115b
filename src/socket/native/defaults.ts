/** What the options of a new socket are, asked of the kernel. */
import { SocketError } from '../../errors.js';
import { silentLogger } from '../../log/events.js';
import type { SocketKind, SocketOption } from '../../options/row.js';
import type { OptionValue } from '../../options/types/type.js';
import { Descriptor, type SocketArguments } from './descriptor.js';
import { type Libc, loadLibc } from './libc.js';
import { fitsFamily, readOptions } from './sockopt.js';

/** htons(ETH_P_ALL), packet(7). */
export const ALL_PROTOCOLS = 0x0300;

function familyOf(v6: boolean): 'AF_INET' | 'AF_INET6' {
  return v6 ? 'AF_INET6' : 'AF_INET';
}

/** The arguments of socket(2) for a plain socket of `kind`. */
function socketArguments(kind: SocketKind, v6: boolean, protocol?: number): SocketArguments {
  const family = familyOf(v6);
  const icmp = v6 ? 58 : 1;
  switch (kind) {
    case 'stream':
      return { family, type: 'SOCK_STREAM', protocol: 6, protocolName: 'IPPROTO_TCP', kind };
    case 'datagram':
      return { family, type: 'SOCK_DGRAM', protocol: 17, protocolName: 'IPPROTO_UDP', kind };
    case 'packet':
      return { family: 'AF_PACKET', type: 'SOCK_RAW', protocol: ALL_PROTOCOLS, protocolName: 'ETH_P_ALL', kind };
    default:
      return {
        family,
        type: kind === 'raw' ? 'SOCK_RAW' : 'SOCK_DGRAM',
        protocol: protocol ?? icmp,
        protocolName: v6 ? 'IPPROTO_ICMPV6' : 'IPPROTO_ICMP',
        kind,
      };
  }
}

/**
 * A new descriptor of `kind` on which `option` can be set.
 *
 * @throws SocketError EPERM or EACCES where this user may not open one
 */
export function openForOption(libc: Libc, kind: SocketKind, option: SocketOption): Descriptor {
  return Descriptor.open(libc, socketArguments(kind, !fitsFamily(option, false), option.protocol), silentLogger);
}

/** A value on a new IPv4 socket and on a new IPv6 one; packet sockets have one of the two. */
export interface DefaultValue {
  readonly ipv4?: OptionValue;
  readonly ipv6?: OptionValue;
}

/**
 * The values of all options that fit `kind` on new sockets; an option that can't be read, or whose socket this user may
 * not open, has none.
 *
 * @throws SockctlError BACKEND_MISSING where system calls can't be had
 */
export async function readDefaults(kind: SocketKind): Promise<Map<SocketOption, DefaultValue>> {
  const libc = await loadLibc();
  const values = new Map<SocketOption, DefaultValue>();
  for (const v6 of kind === 'packet' ? [false] : [false, true]) {
    let descriptor: Descriptor;
    try {
      descriptor = Descriptor.open(libc, socketArguments(kind, v6), silentLogger);
    } catch (error) {
      if (error instanceof SocketError) continue;
      throw error;
    }
    for (const [option, value] of readOptions(libc, descriptor.fd, kind, v6)) {
      values.set(option, { ...values.get(option), [v6 ? 'ipv6' : 'ipv4']: value });
    }
    descriptor.close();
  }
  return values;
}
