/**
 * The table of socket options: every option that Linux has for the sockets of this tool, and nothing but facts. What
 * `--opt` reads, what `options` and the log show and what setsockopt(2) is given all come from it.
 */
import { LEVELS, type LevelName, type SocketOption } from './row.js';
import { ICMP_ROWS } from './rows/icmp.js';
import { IP_ROWS } from './rows/ip.js';
import { IPV6_ROWS } from './rows/ipv6.js';
import { PACKET_ROWS } from './rows/packet.js';
import { SOCKET_ROWS } from './rows/socket.js';
import { TCP_ROWS } from './rows/tcp.js';
import { UDP_ROWS } from './rows/udp.js';

/** Every option that sockctl knows by name, in the order of the levels. */
export const SOCKET_OPTIONS: readonly SocketOption[] = [
  ...SOCKET_ROWS,
  ...IP_ROWS,
  ...IPV6_ROWS,
  ...TCP_ROWS,
  ...UDP_ROWS,
  ...ICMP_ROWS,
  ...PACKET_ROWS,
];

const byName = new Map(SOCKET_OPTIONS.map((option) => [option.name, option]));

/** The option called `name` (exactly as in the manual pages), or undefined. */
export function findOption(name: string): SocketOption | undefined {
  return byName.get(name);
}

/** The option called `name`; for names that stand in the source. */
export function option(name: string): SocketOption {
  const found = byName.get(name);
  if (found === undefined) throw new RangeError(`no socket option is called ${name}`);
  return found;
}

/** A level by its name, its other names (SOL_TCP) or its number; undefined for none. */
export function findLevel(text: string): LevelName | number | undefined {
  const name = text.toUpperCase().replace(/^SOL_(IP|IPV6|TCP|UDP|ICMPV6)$/, 'IPPROTO_$1');
  if (Object.hasOwn(LEVELS, name)) return name as LevelName;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
