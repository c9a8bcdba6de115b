/** What is refused before the child runs, and what its failures mean. */
import { existsSync, readFileSync } from 'node:fs';
import { clip, SockctlError, SocketError, UsageError } from '../../src/errors.js';
import { noSuchInterface } from '../../src/sockaddr/interfaces.js';
import type { OpenFailure } from './cap-messages.js';

/** Devices of libpcap that are no network interfaces: pcap_findalldevs(3PCAP). */
const PSEUDO_DEVICE = /^(any|nflog|nfqueue|bluetooth|usbmon|dbus|can|netlink)/;

/**
 * @throws SocketError ENODEV where the system shows its interfaces (Linux) and this is none
 */
export function checkDevice(device: string): void {
  if (device === '' || device.includes('\0')) throw new UsageError('the interface name is empty or holds a zero byte');
  if (!existsSync('/sys/class/net') || PSEUDO_DEVICE.test(device)) return;
  if (device.includes('/') || !existsSync(`/sys/class/net/${device}`)) throw noSuchInterface(device);
}

/**
 * What cap would get wrong without a word: it passes the network where libpcap expects the netmask, so that
 * `ip broadcast` matches the wrong addresses; a zero byte would end the filter early.
 *
 * @throws UsageError
 */
export function checkFilter(filter: string): void {
  if (filter.includes('\0')) throw new UsageError('the filter holds a zero byte', undefined, 'BAD_FILTER');
  // A direction is added around the filter: it must not end early and let the rest stand outside.
  let depth = 0;
  for (const character of filter) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth < 0) throw new UsageError(`filter '${clip(filter)}': syntax error at ')'`, undefined, 'BAD_FILTER');
  }
  if (/\bip\s+broadcast\b/.test(filter)) {
    throw new UsageError(
      "cap can't tell what 'ip broadcast' is on this link",
      "write 'ip dst host ADDRESS'",
      'BACKEND_LIMIT',
    );
  }
}

const PERMISSION_ADVICE =
  'capturing needs CAP_NET_RAW: run it with sudo, or: sudo setcap cap_net_raw+ep "$(readlink -f "$(command -v node)")"';

/** The error for a child that could not open its device. */
export function openError(failure: OpenFailure, message: string, device: string, filter: string): SockctlError {
  const cause = new Error(message);
  switch (failure) {
    case 'missing':
      return new SockctlError('BACKEND_MISSING', { what: `cap does not load: ${message}`, cause });
    case 'no-device':
      return noSuchInterface(device, cause);
    case 'not-permitted': {
      const syscall = 'socket(AF_PACKET, SOCK_RAW)';
      const advice = PERMISSION_ADVICE;
      const [code, errno] = /denied|EACCES/i.test(message) ? (['EACCES', 13] as const) : (['EPERM', 1] as const);
      return new SocketError({ syscall, code, errno, address: device, advice, cause });
    }
    case 'not-up':
      return new SocketError({ syscall: 'bind', code: 'ENETDOWN', errno: 100, address: device, cause });
    case 'filter':
      return new UsageError(`filter '${filter}': ${message}`, undefined, 'BAD_FILTER');
    default:
      return new SockctlError('FAILED', { what: `capture on ${device}: ${message}`, cause });
  }
}

/** What became of the interface of a capture that died; Linux says. */
export function interfaceState(device: string): 'up' | 'down' | 'gone' | 'unknown' {
  if (!existsSync('/sys/class/net') || PSEUDO_DEVICE.test(device)) return 'unknown';
  try {
    // IFF_UP of netdevice(7).
    return (Number(readFileSync(`/sys/class/net/${device}/flags`, 'latin1')) & 1) === 1 ? 'up' : 'down';
  } catch {
    return 'gone';
  }
}
