/** The native backend: streams and message sockets on Linux system calls. */
import { LET_NOTHING_IN, type OptionSetting, refuseConnected, setting } from '../../options/settings.js';
import { type Endpoint, mapEndpoint } from '../../sockaddr/endpoint.js';
import { linkEndpoint } from '../../sockaddr/link-layer.js';
import type {
  Backend,
  DatagramOptions,
  FrameOptions,
  MessageSocket,
  OpenObserver,
  RawOptions,
  RawSocket,
} from '../port.js';
import { TimerAlarm } from './alarm.js';
import { connectNative } from './connect.js';
import { Descriptor, DUAL_STACK, type Opening, type SocketArguments, withDefaults } from './descriptor.js';
import { openFrameSender } from './frame-sender.js';
import { icmp6Settings, icmpSettings } from './icmp-filter.js';
import { loadLibc } from './libc.js';
import { listenNative } from './listen.js';
import { NativeMessageSocket } from './messages.js';

/** UDP's and IP's largest packet fits into this. */
const DEFAULT_MESSAGE_SIZE = 65_536;

/** Options that say themselves how sends become datagrams, udp(7). */
const SHAPING: ReadonlySet<string> = new Set(['UDP_SEGMENT', 'UDP_CORK']);

/**
 * What keeps messages out one by one. A raw socket without room counts a packet as dropped before it asks these, and
 * does not count what they keep out while there is room.
 */
const FILTERS: ReadonlySet<string> = new Set([
  'SO_ATTACH_FILTER',
  'ICMP_FILTER',
  'ICMP6_FILTER',
  'MCAST_JOIN_SOURCE_GROUP',
  'MCAST_BLOCK_SOURCE',
  'IPV6_JOIN_SOURCE_GROUP',
  'IPV6_BLOCK_SOURCE',
  'IP_MULTICAST_ALL',
  'IPV6_MULTICAST_ALL',
]);

/** Kernels before 5.0 lack it, and nothing but speed is lost then. */
const COALESCE = setting('UDP_GRO', true);

const EXTENSIONS_V4 = setting('IP_RECVERR_RFC4884', true);
const EXTENSIONS_V6 = setting('IPV6_RECVERR_RFC4884', true);

const ICMP = 1;
/** linux/if_ether.h: packets of every protocol, in either direction. */
const ETH_P_ALL = 3;
const ICMPV6 = 58;
const NO_ICMPV6 = setting('ICMP6_FILTER', 'f'.repeat(64));

/**
 * @param onOpen is shown every socket that is opened
 * @throws SockctlError BACKEND_MISSING where system calls can't be had
 */
export async function nativeBackend(onOpen?: OpenObserver): Promise<Backend> {
  const libc = await loadLibc();
  const opening: Opening = { libc, onOpen };
  return {
    name: 'native',
    alarm: () => new TimerAlarm(libc),
    listen: async (local, options) => listenNative(opening, local, options),
    connect: (remote, options) => connectNative(opening, remote, options),
    datagram: async (family, options) => openDatagram(opening, family, options),
    raw: async (options) => openRaw(opening, options),
    ping: async (options) => openPing(opening, options),
    frames: async (options) => openFrames(opening, options),
    frameSender: async (options) => openFrameSender(opening, options),
  };
}

/** The settings that make the kernel tell of each message when, how and where it came in. */
function reception(family: Endpoint['family'], errorQueue: boolean): OptionSetting[] {
  const common = [setting('SO_TIMESTAMPNS', true)];
  const v4 = [setting('IP_RECVTTL', true), setting('IP_RECVTOS', true), setting('IP_PKTINFO', true)];
  const v6 = [setting('IPV6_RECVHOPLIMIT', true), setting('IPV6_RECVTCLASS', true), setting('IPV6_RECVPKTINFO', true)];
  if (errorQueue) {
    v4.push(setting('IP_RECVERR', true));
    v6.push(setting('IPV6_RECVERR', true));
  }
  return [...common, ...(family === 'ipv4' ? v4 : v6)];
}

function openDatagram(opening: Opening, family: Endpoint['family'], options: DatagramOptions): MessageSocket {
  const v6 = family === 'ipv6';
  const args = { type: 'SOCK_DGRAM', protocol: 17, protocolName: 'IPPROTO_UDP', kind: 'datagram' } as const;
  const errorQueue = options.errorQueue ?? options.remote !== undefined;
  const defaults = reception(family, errorQueue);
  // An IPv4 peer of a dual-stack socket sends IPv4 packets, whose TTL and TOS come as IPv4's control messages.
  if (v6) defaults.unshift(DUAL_STACK, setting('IP_RECVTTL', true), setting('IP_RECVTOS', true));
  return openMessages(opening, { ...args, family: v6 ? 'AF_INET6' : 'AF_INET' }, options, defaults, errorQueue);
}

function openRaw(opening: Opening, options: RawOptions): RawSocket {
  const v6 = options.family === 'ipv6';
  const names: Record<number, string> = {
    1: 'IPPROTO_ICMP',
    2: 'IPPROTO_IGMP',
    6: 'IPPROTO_TCP',
    17: 'IPPROTO_UDP',
    58: 'IPPROTO_ICMPV6',
  };
  const args: SocketArguments = {
    family: v6 ? 'AF_INET6' : 'AF_INET',
    type: 'SOCK_RAW',
    protocol: options.protocol,
    protocolName: names[options.protocol] ?? String(options.protocol),
    kind: 'raw',
  };
  const errorQueue = options.errorQueue ?? false;
  const { icmpTypes, protocol, ownHeader = false } = options;
  let { settings } = options;
  if (icmpTypes !== undefined && protocol === ICMP && !v6) settings = icmpSettings(icmpTypes, settings);
  if (icmpTypes !== undefined && protocol === ICMPV6 && v6) settings = icmp6Settings(icmpTypes, settings);
  const defaults = reception(options.family, errorQueue);
  if (ownHeader) defaults.push(setting(v6 ? 'IPV6_HDRINCL' : 'IP_HDRINCL', true));
  return openMessages(opening, args, { ...options, settings }, defaults, errorQueue);
}

function openPing(opening: Opening, options: Omit<RawOptions, 'protocol'>): MessageSocket {
  const v6 = options.family === 'ipv6';
  const args: SocketArguments = {
    family: v6 ? 'AF_INET6' : 'AF_INET',
    type: 'SOCK_DGRAM',
    protocol: v6 ? ICMPV6 : ICMP,
    protocolName: v6 ? 'IPPROTO_ICMPV6' : 'IPPROTO_ICMP',
    kind: 'ping',
  };
  return openMessages(opening, args, options, reception(options.family, true), true);
}

function openMessages(
  opening: Opening,
  args: SocketArguments,
  options: DatagramOptions,
  defaults: readonly OptionSetting[],
  errorQueue: boolean,
): NativeMessageSocket {
  if (options.remote === undefined) refuseConnected(options.settings, `a ${args.kind} socket without a peer`);
  const descriptor = Descriptor.open(opening.libc, args, options.logger);
  if (options.receiveBuffer !== undefined) enlarge(descriptor, 'RCV', options.receiveBuffer, options.settings);
  if (options.sendBuffer !== undefined) enlarge(descriptor, 'SND', options.sendBuffer, options.settings);
  const filtered = options.settings.some(({ option }) => option === LET_NOTHING_IN.option);
  const choosy = args.kind !== 'datagram' && options.settings.some(({ option }) => FILTERS.has(option.name));
  // A filter is asked once for a run that the kernel has put together.
  const mayCoalesce = !filtered && !options.settings.some(({ option }) => option === COALESCE.option);
  if (options.coalesce !== undefined && mayCoalesce) descriptor.wish(COALESCE);
  const settings = withDefaults(options.settings, defaults);
  let dropsBefore = 0;
  if (args.kind === 'raw') dropsBefore = prepareNarrowed(descriptor, settings, options.local);
  else descriptor.prepare(settings, options.local);
  // Kernels before 5.9 lack it, and nothing but extensions is lost then.
  if (options.errorQueue === true) descriptor.wish(args.family === 'AF_INET6' ? EXTENSIONS_V6 : EXTENSIONS_V4);
  if (options.remote !== undefined) {
    descriptor.connect(args.family === 'AF_INET6' ? mapEndpoint(options.remote) : options.remote);
    descriptor.finish(options.settings);
  }
  descriptor.show(opening.onOpen);
  return new NativeMessageSocket(descriptor, {
    logger: options.logger,
    local: descriptor.localEndpoint(),
    messageSize: options.messageSize ?? DEFAULT_MESSAGE_SIZE,
    errorQueue,
    // udp(7) counts what a filter keeps out with what there was no room for.
    drops: args.kind === 'datagram' && filtered ? 'room-or-filter' : choosy ? 'room-before-filter' : 'room',
    dropsBefore,
    dualStack: args.family === 'AF_INET6' && args.kind === 'datagram',
    // A size that the user has set, or a cork, cuts and gathers what is sent in its own way.
    coalesce: options.coalesce === true,
    receiveBuffer: descriptor.receiveBuffer(),
    segments: args.kind === 'datagram' && !options.settings.some(({ option }) => SHAPING.has(option.name)),
    ipv6: args.family === 'AF_INET6',
    single: args.kind !== 'datagram',
    // What is too long with a header of its own would be in the error queue twice.
    rehearses: args.kind === 'raw' && args.family === 'AF_INET' && !errorQueue,
    // A second ping socket would have another identifier.
    sibling: args.kind === 'raw' ? () => openSibling(opening, args, { ...options, settings }) : undefined,
  });
}

/** A raw socket with the same settings that is given nothing. */
function openSibling(opening: Opening, args: SocketArguments, options: DatagramOptions): Descriptor {
  const descriptor = Descriptor.open(opening.libc, args, options.logger);
  const others = options.settings.filter(({ option }) => !FILTERS.has(option.name));
  if (options.sendBuffer !== undefined) enlarge(descriptor, 'SND', options.sendBuffer, options.settings);
  descriptor.set(LET_NOTHING_IN);
  // Asked before a packet is copied for the socket, where a program is asked for the copy.
  if (args.protocol === ICMP && args.family === 'AF_INET') descriptor.wish(setting('ICMP_FILTER', 0xffff_ffff));
  if (args.protocol === ICMPV6 && args.family === 'AF_INET6') descriptor.wish(NO_ICMPV6);
  descriptor.prepare(others, options.local);
  if (options.remote !== undefined) {
    descriptor.connect(args.family === 'AF_INET6' ? mapEndpoint(options.remote) : options.remote);
    descriptor.finish(others);
  }
  descriptor.show(opening.onOpen);
  return descriptor;
}

/**
 * A packet socket without a ring. Of protocol 0, it takes nothing in before bind(2), nor after it for who only sends.
 */
function openFrames(opening: Opening, options: FrameOptions): RawSocket {
  const { receive, receiveBuffer, settings } = options;
  const args = { family: 'AF_PACKET', type: 'SOCK_RAW', protocol: 0, protocolName: '0', kind: 'packet' } as const;
  const descriptor = Descriptor.open(opening.libc, args, options.logger);
  if (receiveBuffer !== undefined) enlarge(descriptor, 'RCV', receiveBuffer, settings);
  descriptor.prepare(withDefaults(settings, receive ? [setting('SO_TIMESTAMPNS', true)] : []), undefined);
  descriptor.bind(linkEndpoint({ name: options.interface, protocol: receive ? ETH_P_ALL : 0 }));
  descriptor.show(opening.onOpen);
  return new NativeMessageSocket(descriptor, {
    logger: options.logger,
    local: undefined,
    messageSize: DEFAULT_MESSAGE_SIZE,
    errorQueue: false,
    // packet(7) asks the filter first.
    drops: 'room',
    dropsBefore: 0,
    dualStack: false,
    coalesce: false,
    receiveBuffer: descriptor.receiveBuffer(),
    segments: false,
    ipv6: false,
    single: true,
    rehearses: false,
    sibling: undefined,
  });
}

/**
 * Raw sockets take packets from socket(2) on: nothing comes in until all settings are made, and what had come before,
 * without its interface or past a filter, is thrown away.
 *
 * @returns what the kernel has counted as dropped by then
 */
function prepareNarrowed(
  descriptor: Descriptor,
  settings: readonly OptionSetting[],
  local: Endpoint | undefined,
): number {
  const isFilter = ({ option }: OptionSetting) => option === LET_NOTHING_IN.option;
  descriptor.set(LET_NOTHING_IN);
  const filters = settings.filter(isFilter);
  descriptor.prepare(
    settings.filter((one) => !isFilter(one)),
    local,
  );
  descriptor.discard();
  const before = descriptor.drops() ?? 0;
  descriptor.set(filters.at(-1) ?? setting('SO_DETACH_FILTER', true));
  return before;
}

/** The buffer beyond net.core.rmem_max or wmem_max where CAP_NET_ADMIN is there, otherwise up to it. */
function enlarge(
  descriptor: Descriptor,
  which: 'RCV' | 'SND',
  bytes: number,
  settings: readonly OptionSetting[],
): void {
  const name = `SO_${which}BUF` as const;
  if (settings.some(({ option }) => option.name.startsWith(name))) return;
  if (!descriptor.wish(setting(`${name}FORCE`, bytes))) descriptor.wish(setting(name, bytes));
}
