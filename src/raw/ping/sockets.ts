/** The sockets that ping goes through: raw where that is allowed, the kernel's ping sockets (icmp(7)) otherwise. */

import { readFileSync } from 'node:fs';
import { isPermissionError, SocketError, UsageError } from '../../errors.js';
import { type OptionSetting, setting } from '../../options/settings.js';
import { inetEndpoint } from '../../sockaddr/endpoint.js';
import type { IPFamily } from '../../sockaddr/ip.js';
import { type SocketDrops, sumKnown } from '../../socket/drops.js';
import { IPPROTO_RAW, type MessageSocket, RAW_ADVICE } from '../../socket/port.js';
import { IPV4_HEADER } from '../../wire/ipv4.js';
import { answerTypes, ICMP_PROTOCOL } from './answer.js';
import { DEFAULT_SIZE, type PingPlan, type PingSocketOptions, tellsReplies } from './options.js';
import { recordRouteOption } from './record-route.js';
import type { PingSocketKind } from './records.js';
import { SEARCH_MAX } from './search-schedule.js';

export interface PingSocket {
  readonly family: IPFamily;
  readonly socket: MessageSocket;
  readonly kind: PingSocketKind;
}

/** What the sockets have dropped so far; each is null as soon as one of them does not know. */
export function socketDrops(sockets: readonly PingSocket[]): SocketDrops {
  return {
    socket: sumKnown(sockets.map(({ socket }) => socket.dropped)),
    socketAtMost: sumKnown(sockets.map(({ socket }) => socket.droppedAtMost)),
  };
}

const ADVICE =
  "run it with sudo, grant CAP_NET_RAW ('sudo setcap cap_net_raw+ep $(readlink -f $(command -v node))'), " +
  'or allow ping sockets (\'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"\')';

/** Of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, linux/in.h. */
const PMTU = { dont: 0, want: 1, do: 2, probe: 3 } as const;
/** For sweeps, whose replies come faster than they are read. */
const RECEIVE_BUFFER = 8 << 20;
/** So that a sweep goes on past those who are not there: ten thousand that are looked for at once. */
const SEND_BUFFER = 8 << 20;
/** What a reply has beyond the payload: headers and a surplus that is told of. */
const HEADROOM = 512;

type Options = PingPlan & PingSocketOptions;

/**
 * @throws SocketError EPERM or EACCES with what would allow it, when no socket may be opened that can do what is asked
 *   for; UsageError for what the family or the backend does not have
 */
export async function openPingSocket(family: IPFamily, options: Options): Promise<PingSocket> {
  const { backend, logger, interface: device, source, kind = 'echo' } = options;
  checkFamily(family, options);
  const open = async (settings: readonly OptionSetting[]): Promise<PingSocket> => {
    const common = {
      logger,
      family,
      settings: [...settings, ...(options.settings ?? [])],
      local: source === undefined ? undefined : inetEndpoint(source, 0),
      messageSize: (options.pmtuSearch === true ? SEARCH_MAX : (options.size ?? DEFAULT_SIZE)) + HEADROOM,
      receiveBuffer: RECEIVE_BUFFER,
      sendBuffer: SEND_BUFFER,
    };
    try {
      const protocol = family === 'ipv6' ? 58 : 1;
      const socket = await backend.raw({ ...common, protocol, icmpTypes: answerTypes(family, kind) });
      return { family, socket, kind: 'raw' };
    } catch (error) {
      if (!isPermissionError(error) || backend.name !== 'native') throw error;
    }
    const need =
      kind === 'timestamp' ? 'timestamp requests take' : options.recordRoute === true && 'a recorded route takes';
    if (need) throw denied('socket', `${need} a raw socket, which ${RAW_ADVICE}`);
    try {
      const socket = await backend.ping(common);
      logger.log('info', { event: 'fallback', message: 'no permission for a raw socket: using the ping socket' });
      return { family, socket, kind: 'dgram' };
    } catch (error) {
      if (isPermissionError(error) && error.syscall.startsWith('socket')) throw denied(error.syscall, ADVICE, error);
      throw error;
    }
  };
  const settings = socketSettings(family, options);
  if (device === undefined) return open(settings);
  try {
    return await open([setting('SO_BINDTODEVICE', device), ...settings]);
  } catch (error) {
    if (!isPermissionError(error) || !error.syscall.includes('SO_BINDTODEVICE')) throw error;
  }
  // What comes in by another interface is heard as well then, but what goes out leaves by this one.
  logger.log('info', { event: 'fallback', message: `no permission to bind to ${device}: only sending through it` });
  return open([setting(family === 'ipv6' ? 'IPV6_UNICAST_IF' : 'IP_UNICAST_IF', device), ...settings]);
}

/** What sweeps send through, and what each of their probes begins with. */
export interface SweepSender {
  readonly socket: MessageSocket;
  readonly header: Uint8Array;
}

/**
 * A raw socket whose packets bring their own header (raw(7)): the kernel has less to do for each, and several threads can
 * send through it without waiting for each other. Undefined where a user's settings, or sizes that may have to be cut into
 * fragments, are better left to the kernel.
 */
export async function openSweepSender(options: Options): Promise<SweepSender | undefined> {
  const { backend, logger, settings = [], source, size = DEFAULT_SIZE, ttl, tos = 0, pmtu } = options;
  if (settings.length > 0 || size > UNCUT_SIZE) return undefined;
  let socket: MessageSocket;
  try {
    socket = await backend.raw({
      family: 'ipv4',
      protocol: IPPROTO_RAW,
      ownHeader: true,
      logger,
      settings: [...deviceSettings(options), ...socketSettings('ipv4', options)],
      local: source === undefined ? undefined : inetEndpoint(source, 0),
      sendBuffer: SEND_BUFFER,
    });
  } catch (error) {
    if (isPermissionError(error)) return undefined;
    throw error;
  }
  const header = new Uint8Array(IPV4_HEADER);
  header[0] = 0x45;
  header[1] = tos;
  header[6] = pmtu === 'dont' ? 0 : DONT_FRAGMENT;
  header[8] = ttl ?? defaultTtl();
  header[9] = ICMP_PROTOCOL;
  return { socket, header };
}

/** The flag in the byte that the fragment offset begins in (RFC 791). */
const DONT_FRAGMENT = 0x40;
/** Every path takes 576 bytes whole, less headers with options. */
const UNCUT_SIZE = 500;

function defaultTtl(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_default_ttl', 'latin1')) || 64;
  } catch {
    return 64;
  }
}

function deviceSettings({ interface: device }: Options): OptionSetting[] {
  return device === undefined ? [] : [setting('SO_BINDTODEVICE', device)];
}

function checkFamily(family: IPFamily, { kind, recordRoute, source }: Options): void {
  if (family === 'ipv6' && kind === 'timestamp') {
    throw new UsageError('ping: ICMPv6 has no timestamp request', 'use IPv4 (-4), or echo');
  }
  if (family === 'ipv6' && recordRoute === true) {
    throw new UsageError('ping: IPv6 has no record route option', "use IPv4 (-4), or 'raw trace'");
  }
  if (source !== undefined && source.family !== family) {
    throw new UsageError(`ping: source ${source} is not of the family of the targets`, 'use -4 or -6');
  }
}

function socketSettings(family: IPFamily, options: Options): OptionSetting[] {
  const { ttl, tos, pmtuSearch, interface: device, broadcast, recordRoute } = options;
  const v6 = family === 'ipv6';
  const settings: OptionSetting[] = tellsReplies(options) ? [] : UNTOLD[family].map((name) => setting(name, false));
  if (ttl !== undefined) {
    settings.push(setting(v6 ? 'IPV6_UNICAST_HOPS' : 'IP_TTL', ttl));
    settings.push(setting(v6 ? 'IPV6_MULTICAST_HOPS' : 'IP_MULTICAST_TTL', ttl));
  }
  if (tos !== undefined) settings.push(setting(v6 ? 'IPV6_TCLASS' : 'IP_TOS', tos));
  const pmtu = pmtuSearch === true ? 'probe' : options.pmtu;
  if (pmtu !== undefined) {
    settings.push(setting(v6 ? 'IPV6_MTU_DISCOVER' : 'IP_MTU_DISCOVER', PMTU[pmtu]));
    // Raw sockets of IPv6 fragment all the same otherwise (RFC 3542 section 11.2).
    if (v6 && (pmtu === 'do' || pmtu === 'probe')) settings.push(setting('IPV6_DONTFRAG', true));
  }
  if (device !== undefined) settings.push(setting(v6 ? 'IPV6_MULTICAST_IF' : 'IP_MULTICAST_IF', device));
  if (broadcast === true && !v6) settings.push(setting('SO_BROADCAST', true));
  if (recordRoute === true) settings.push(setting('IP_OPTIONS', Buffer.from(recordRouteOption()).toString('hex')));
  return settings;
}

/** What only records of single replies have of a message. */
const UNTOLD = {
  ipv4: ['IP_RECVTTL', 'IP_RECVTOS', 'IP_PKTINFO'],
  ipv6: ['IPV6_RECVHOPLIMIT', 'IPV6_RECVTCLASS', 'IPV6_RECVPKTINFO'],
} as const;

function denied(syscall: string, advice: string, cause?: SocketError): SocketError {
  const { code = 'EPERM', errno = 1 } = cause ?? {};
  return new SocketError({ syscall, code, errno, advice, cause });
}
