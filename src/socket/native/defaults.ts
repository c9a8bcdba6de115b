/** What the options of a new socket are, asked of the kernel. */
import { SocketError } from '../../errors.js';
import { silentLogger } from '../../log/events.js';
import { LEVELS, SOCKET_OPTIONS, type SocketKind, type SocketOption } from '../../options/table.js';
import { decodeOptionValue, type OptionValue } from '../../options/value.js';
import { Descriptor, type SocketArguments } from './descriptor.js';
import { type Libc, loadLibc } from './libc.js';

const ARGUMENTS: Readonly<Record<SocketKind, (v6: boolean) => SocketArguments>> = {
  stream: (v6) => ({
    family: familyOf(v6),
    type: 'SOCK_STREAM',
    protocol: 6,
    protocolName: 'IPPROTO_TCP',
    kind: 'stream',
  }),
  datagram: (v6) => ({
    family: familyOf(v6),
    type: 'SOCK_DGRAM',
    protocol: 17,
    protocolName: 'IPPROTO_UDP',
    kind: 'datagram',
  }),
  raw: (v6) => icmpArguments(v6, 'SOCK_RAW', 'raw'),
  ping: (v6) => icmpArguments(v6, 'SOCK_DGRAM', 'ping'),
};

function familyOf(v6: boolean): 'AF_INET' | 'AF_INET6' {
  return v6 ? 'AF_INET6' : 'AF_INET';
}

function icmpArguments(v6: boolean, type: 'SOCK_RAW' | 'SOCK_DGRAM', kind: SocketKind): SocketArguments {
  return v6
    ? { family: 'AF_INET6', type, protocol: 58, protocolName: 'IPPROTO_ICMPV6', kind }
    : { family: 'AF_INET', type, protocol: 1, protocolName: 'IPPROTO_ICMP', kind };
}

/** Options of the IPv6 levels live on IPv6 sockets. */
export function isIPv6Option({ level }: SocketOption): boolean {
  return level === 'IPPROTO_IPV6' || level === 'IPPROTO_ICMPV6';
}

/** A new descriptor of `kind` on which `option` can be set. */
export function openForOption(libc: Libc, kind: SocketKind, option: SocketOption): Descriptor {
  return Descriptor.open(libc, ARGUMENTS[kind](isIPv6Option(option)), silentLogger);
}

/**
 * The values of all options that fit `kind` on a new socket, by name; an option that can't be read, or whose socket
 * this user may not open, has none.
 *
 * @throws SockctlError BACKEND_MISSING where system calls can't be had
 */
export async function readDefaults(kind: SocketKind): Promise<Map<string, OptionValue>> {
  const libc = await loadLibc();
  const values = new Map<string, OptionValue>();
  for (const v6 of [false, true]) {
    let descriptor: Descriptor;
    try {
      descriptor = Descriptor.open(libc, ARGUMENTS[kind](v6), silentLogger);
    } catch (error) {
      if (error instanceof SocketError) continue;
      throw error;
    }
    for (const option of SOCKET_OPTIONS) {
      if (!option.sockets.includes(kind) || isIPv6Option(option) !== v6) continue;
      const bytes = descriptor.getsockopt(LEVELS[option.level], option.number);
      const value = bytes === undefined ? undefined : decodeOptionValue(option.type, bytes);
      if (value !== undefined) values.set(option.name, value);
    }
    descriptor.close();
  }
  return values;
}
