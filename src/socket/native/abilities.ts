/** What this user may open on this machine, found by opening it. */
import { SocketError } from '../../errors.js';
import { silentLogger } from '../../log/events.js';
import { inetEndpoint } from '../../sockaddr/endpoint.js';
import { IPv4Address } from '../../sockaddr/ip.js';
import { Descriptor, type SocketArguments } from './descriptor.js';
import { type Libc, loadLibc } from './libc.js';

export interface Ability {
  readonly name: string;
  readonly what: string;
  /** Why not; undefined where it is there. */
  readonly obstacle: string | undefined;
  /** The command that gives it. */
  readonly fix: string;
}

const GRANT = 'sudo setcap cap_net_raw,cap_net_bind_service+ep $(readlink -f $(command -v node))';

interface Attempt extends Pick<Ability, 'name' | 'what' | 'fix'> {
  readonly args: SocketArguments;
  /** Binds to a port below 1024 on top. */
  readonly lowPort?: boolean;
}

/** htons(ETH_P_ALL), packet(7). */
const ALL_PROTOCOLS = 0x0300;

const ATTEMPTS: readonly Attempt[] = [
  {
    name: 'IPv4',
    what: 'TCP over IPv4',
    fix: 'bring the loopback up: sudo ip link set lo up',
    args: { family: 'AF_INET', type: 'SOCK_STREAM', protocol: 6, protocolName: 'IPPROTO_TCP', kind: 'stream' },
  },
  {
    name: 'IPv6',
    what: 'TCP over IPv6',
    fix: 'sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0',
    args: { family: 'AF_INET6', type: 'SOCK_STREAM', protocol: 6, protocolName: 'IPPROTO_TCP', kind: 'stream' },
  },
  {
    name: 'raw sockets',
    what: 'raw ping and raw sniff',
    fix: GRANT,
    args: { family: 'AF_INET', type: 'SOCK_RAW', protocol: 1, protocolName: 'IPPROTO_ICMP', kind: 'raw' },
  },
  {
    name: 'ping sockets',
    what: 'raw ping without privileges',
    fix: 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"',
    args: { family: 'AF_INET', type: 'SOCK_DGRAM', protocol: 1, protocolName: 'IPPROTO_ICMP', kind: 'ping' },
  },
  {
    name: 'packet sockets',
    what: 'capture',
    fix: GRANT,
    args: { family: 'AF_PACKET', type: 'SOCK_RAW', protocol: ALL_PROTOCOLS, protocolName: 'ETH_P_ALL', kind: 'raw' },
  },
  {
    name: 'ports below 1024',
    what: 'tcp serve and udp recv on them',
    fix: `${GRANT}, or sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0`,
    args: { family: 'AF_INET', type: 'SOCK_DGRAM', protocol: 17, protocolName: 'IPPROTO_UDP', kind: 'datagram' },
    lowPort: true,
  },
];

/**
 * Tries each kind of socket once.
 *
 * @throws SockctlError BACKEND_MISSING where system calls can't be had
 */
export async function probeAbilities(): Promise<Ability[]> {
  const libc = await loadLibc();
  return ATTEMPTS.map(({ args, lowPort, ...ability }) => ({
    ...ability,
    obstacle: attempt(libc, args, lowPort === true),
  }));
}

function attempt(libc: Libc, args: SocketArguments, lowPort: boolean): string | undefined {
  try {
    const descriptor = Descriptor.open(libc, args, silentLogger);
    // A port of the range that hardly anything uses; one that is taken shows that it may be had.
    if (lowPort) descriptor.bind(inetEndpoint(new IPv4Address(0x7f000001), 1023));
    descriptor.close();
    return undefined;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return error.code === 'EADDRINUSE' ? undefined : error.message;
  }
}
