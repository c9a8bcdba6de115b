/**
 * Interface names and numbers, as if_nametoindex(3) and netdevice(7) have them, and what a zone (RFC 4007) stands for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { SocketError } from '../errors.js';

const SYS = '/sys/class/net';
/** Interfaces that an error names. */
const SHOWN = 12;

/** The names of the interfaces; undefined where the system does not show them as files, that is beside Linux. */
function names(): string[] | undefined {
  try {
    return readdirSync(SYS);
  } catch {
    return undefined;
  }
}

/**
 * The number of the interface called `name`; digits stand for themselves.
 *
 * @throws SocketError ENODEV when there is none
 */
export function interfaceIndex(name: string): number {
  if (/^\d{1,10}$/.test(name) && Number(name) <= 0xffffffff) return Number(name);
  return attribute(name, 'ifindex');
}

/**
 * The ARPHRD_ number (linux/if_arp.h) of the interface called `name`.
 *
 * @throws SocketError ENODEV when there is none
 */
export function interfaceHardwareType(name: string): number {
  return attribute(name, 'type');
}

function attribute(name: string, file: 'ifindex' | 'type'): number {
  try {
    // A name never holds '/', so this cannot leave the folder (netdevice(7): IFNAMSIZ 16 with its end).
    if (!/^[^/\s]{1,15}$/.test(name) || name === '.' || name === '..') throw new Error('not an interface name');
    return Number(readFileSync(`${SYS}/${name}/${file}`, 'latin1').trim());
  } catch (cause) {
    throw noSuchInterface(name, cause);
  }
}

/**
 * The error for an interface that does not exist, which names those that do.
 *
 * @param there those, where they are known
 */
export function noSuchInterface(name: string, cause?: unknown, there = names()): SocketError {
  const more = there === undefined || there.length <= SHOWN ? '' : ` and ${there.length - SHOWN} more`;
  const advice = there === undefined ? undefined : `interfaces here: ${there.slice(0, SHOWN).join(', ')}${more}`;
  return new SocketError({ syscall: 'if_nametoindex', code: 'ENODEV', errno: 19, address: name, advice, cause });
}

/** The name of interface number `index`, or undefined where there is none. */
export function interfaceName(index: number): string | undefined {
  for (const name of names() ?? []) {
    try {
      if (Number(readFileSync(`${SYS}/${name}/ifindex`, 'latin1')) === index) return name;
    } catch {
      // It went away between the listing and the look; the others still count.
    }
  }
  return undefined;
}
