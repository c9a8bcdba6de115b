/** setsockopt(2) and getsockopt(2) of the options of the table, with what is special about some of them. */

import { levelNumber, type SocketKind, type SocketOption } from '../../options/row.js';
import type { OptionSetting } from '../../options/settings.js';
import { SOCKET_OPTIONS } from '../../options/table.js';
import { SOCK_FILTER_SIZE } from '../../options/types/filter.js';
import type { OptionValue } from '../../options/types/type.js';
import { SOCK_FPROG_SIZE, SockFprog } from './layout.js';
import type { Libc } from './libc.js';
import { acquireMemory } from './memory.js';

/** Room for every value but a BPF program: a saved SYN with its headers is the longest. */
const VALUE_MAX = 512;
/** BPF_MAXINSNS. */
const INSTRUCTIONS_MAX = 4096;

/**
 * setsockopt(2).
 *
 * @returns its result: 0, or -1 with the reason in errno
 * @throws SocketError ENODEV for a value that names an interface that is not there
 */
export function setOption(libc: Libc, fd: number, { option, value }: OptionSetting): number {
  const bytes = option.type.encode(value);
  const level = levelNumber(option.level);
  if (option.type.kind !== 'filter') return libc.setsockopt(fd, level, option.number, bytes, bytes.length);
  // A struct sock_fprog points at its program: both lie outside of the heap while the kernel copies them.
  const memory = acquireMemory(libc, SOCK_FPROG_SIZE + bytes.length);
  memory.view.setUint16(SockFprog.length, bytes.length / SOCK_FILTER_SIZE, true);
  memory.view.setBigUint64(SockFprog.filter, memory.address + BigInt(SOCK_FPROG_SIZE), true);
  memory.bytes.set(bytes, SOCK_FPROG_SIZE);
  const result = libc.setsockopt(fd, level, option.number, memory.address, SOCK_FPROG_SIZE);
  memory.release();
  return result;
}

/** getsockopt(2): the value, or undefined where the option can't be read or has none. */
export function getOption(libc: Libc, fd: number, option: SocketOption): OptionValue | undefined {
  if (!option.readable) return undefined;
  const filter = option.type.kind === 'filter';
  // SO_GET_FILTER counts in instructions, in both directions (socket(7), linux/filter.h).
  const bytes = filter
    ? getBytes(libc, fd, option, INSTRUCTIONS_MAX * SOCK_FILTER_SIZE, SOCK_FILTER_SIZE)
    : getBytes(libc, fd, option, option.type.readLength ?? VALUE_MAX, 1);
  return bytes === undefined ? undefined : option.type.decode(bytes);
}

function getBytes(libc: Libc, fd: number, option: SocketOption, room: number, unit: number): Uint8Array | undefined {
  const value = new Uint8Array(room);
  const length = new Uint32Array([room / unit]);
  const level = levelNumber(option.level);
  const result = libc.getsockopt(fd, level, option.number, value, new Uint8Array(length.buffer));
  return result === 0 ? value.subarray(0, (length[0] ?? 0) * unit) : undefined;
}

/** Options of the IPv6 levels live on IPv6 sockets, those of IPv4 on IPv4 ones; the others on both. */
export function fitsFamily({ level }: SocketOption, v6: boolean): boolean {
  if (level === 'IPPROTO_IP' || level === 'SOL_RAW') return !v6;
  if (level === 'IPPROTO_IPV6' || level === 'IPPROTO_ICMPV6') return v6;
  return true;
}

/** Reading them takes off the socket what was read: its error, and its counters. */
const TAKEN_BY_READING: ReadonlySet<string> = new Set(['SO_ERROR', 'PACKET_STATISTICS']);

/** Every option of a socket that can be read and is there afterwards, in the order of the table. */
export function readOptions(libc: Libc, fd: number, kind: SocketKind, v6: boolean): Map<SocketOption, OptionValue> {
  const values = new Map<SocketOption, OptionValue>();
  for (const option of SOCKET_OPTIONS) {
    if (!option.sockets.includes(kind) || !fitsFamily(option, v6) || TAKEN_BY_READING.has(option.name)) continue;
    const value = getOption(libc, fd, option);
    if (value !== undefined) values.set(option, value);
  }
  return values;
}
