/** What this user may open on this machine, found by opening it. */
import { SocketError } from '../../errors.js';
import { silentLogger } from '../../log/events.js';
import { setting } from '../../options/settings.js';
import { inetEndpoint } from '../../sockaddr/endpoint.js';
import { IPv4Address } from '../../sockaddr/ip.js';
import { ALL_PROTOCOLS } from './defaults.js';
import { Descriptor, lastFailure, type SocketArguments } from './descriptor.js';
import { type Libc, loadLibc } from './libc.js';
import { acquireMemory } from './memory.js';

export interface Ability {
  readonly name: string;
  readonly what: string;
  /** Why not; undefined where it is there. */
  readonly obstacle: string | undefined;
  /** The command that gives it. */
  readonly fix: string;
}

/** setcap(8) gives to Node's program file, for every user; a second setcap takes back what the first one gave. */
const grant = (capabilities: string) => `sudo setcap ${capabilities}+ep $(readlink -f $(command -v node))`;
const GRANT = grant('cap_net_raw,cap_net_bind_service');
const GRANT_MORE = grant('cap_net_raw,cap_net_bind_service,cap_net_admin,cap_ipc_lock');

interface Attempt extends Pick<Ability, 'name' | 'what' | 'fix'> {
  readonly args: SocketArguments;
  /** What is done with the socket on top of opening it. */
  readonly use?: (descriptor: Descriptor) => void;
}

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
    args: { family: 'AF_PACKET', type: 'SOCK_RAW', protocol: ALL_PROTOCOLS, protocolName: 'ETH_P_ALL', kind: 'packet' },
  },
  {
    name: 'ports below 1024',
    what: 'tcp serve and udp recv on them',
    fix: `${GRANT}, or sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0`,
    args: { family: 'AF_INET', type: 'SOCK_DGRAM', protocol: 17, protocolName: 'IPPROTO_UDP', kind: 'datagram' },
    // A port of the range that hardly anything uses; one that is taken shows that it may be had.
    use: (descriptor) => descriptor.bind(inetEndpoint(new IPv4Address(0x7f000001), 1023)),
  },
  {
    name: 'large buffers',
    what: 'receive buffers beyond net.core.rmem_max (SO_RCVBUFFORCE), SO_MARK',
    fix: `${GRANT_MORE}, or sudo sysctl -w net.core.rmem_max=67108864`,
    args: { family: 'AF_INET', type: 'SOCK_DGRAM', protocol: 17, protocolName: 'IPPROTO_UDP', kind: 'datagram' },
    use: (descriptor) => descriptor.set(setting('SO_RCVBUFFORCE', 8 << 20)),
  },
];

/** Room for the rings of a capture and for what MSG_ZEROCOPY pins; the usual limit is 8 MiB or less. */
const LOCKED_BYTES = 16 << 20;

/**
 * Tries each kind of socket once.
 *
 * @throws SockctlError BACKEND_MISSING where system calls can't be had
 */
export async function probeAbilities(): Promise<Ability[]> {
  const libc = await loadLibc();
  return [
    ...ATTEMPTS.map(({ args, use, ...ability }) => ({ ...ability, obstacle: attempt(libc, args, use) })),
    {
      name: 'memory locks',
      what: 'buffers that are never swapped out',
      obstacle: lockObstacle(libc),
      fix: `sudo prlimit --pid $$ --memlock=unlimited, or ${GRANT_MORE}`,
    },
  ];
}

/** mlock(2) of as much as the largest ring takes. */
function lockObstacle(libc: Libc): string | undefined {
  const memory = acquireMemory(libc, LOCKED_BYTES);
  const result = libc.mlock(memory.address, LOCKED_BYTES);
  const failure = result < 0 ? lastFailure(libc, `mlock(${LOCKED_BYTES >> 20} MiB)`) : undefined;
  if (failure === undefined) libc.munlock(memory.address, LOCKED_BYTES);
  memory.release();
  if (failure === undefined) return undefined;
  // mlock(2): ENOMEM is for what goes beyond RLIMIT_MEMLOCK, EPERM for a limit of 0.
  return `${failure.syscall}: beyond the limit of locked memory, ulimit -l (${failure.code})`;
}

function attempt(libc: Libc, args: SocketArguments, use: Attempt['use']): string | undefined {
  try {
    const descriptor = Descriptor.open(libc, args, silentLogger);
    use?.(descriptor);
    descriptor.close();
    return undefined;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return error.code === 'EADDRINUSE' ? undefined : error.message;
  }
}
