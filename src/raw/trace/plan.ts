/** What a trace is asked for, checked and with all that was left out. */
import { UsageError } from '../../errors.js';
import type { IPAddress, IPFamily } from '../../sockaddr/ip.js';
import { ICMP_HEADER } from '../../wire/icmp.js';
import { IPV4_HEADER } from '../../wire/ipv4.js';
import { IPV6_HEADER } from '../../wire/ipv6.js';
import { TCP_HEADER } from '../../wire/tcp.js';
import { UDP_HEADER } from '../../wire/udp.js';
import type { TraceMultipath, TraceOptions, TraceProtocol } from './options.js';
import { PAYLOAD_MIN } from './probe-format.js';
import { DUBLIN_LENGTHS } from './udp-format.js';

const PACKET_MAX = 65_535;
const FLOWS_MAX = 64;
const QUERIES_MAX = 100;
/** RFC 8200 section 5: every link takes as much. */
const IPV6_MTU_MIN = 1280;

/** Options that raw sockets with headers of their own, or the hop limit of each message, would leave without effect. */
const OWN_FIELDS: Readonly<Record<string, string>> = {
  IP_TTL: 'ask for the first and the last hop',
  IPV6_UNICAST_HOPS: 'ask for the first and the last hop',
  IP_TOS: 'ask for a traffic class',
  IPV6_TCLASS: 'ask for a traffic class',
  IP_OPTIONS: 'trace without it',
  IP_HDRINCL: 'trace without it',
  IPV6_HDRINCL: 'trace without it',
  IPV6_CHECKSUM: 'trace without it',
};

export interface TracePlan {
  readonly protocol: TraceProtocol;
  /** Nobody has asked for it by name: another one may take its place where sockets of it can't be had. */
  readonly protocolIsFree: boolean;
  readonly multipath: TraceMultipath;
  /** Nobody has asked for it, nor for flows or a port, which take it: `classic` may take its place. */
  readonly multipathIsFree: boolean;
  /** 0 for ICMP. */
  readonly port: number;
  readonly portIsFree: boolean;
  readonly sourcePort: number | undefined;
  readonly source: IPAddress | undefined;
  readonly flows: number;
  readonly firstHop: number;
  readonly maxHops: number;
  readonly queries: number;
  readonly timeoutMs: number;
  readonly adaptive: boolean;
  readonly spacingMs: number;
  readonly window: number;
  readonly gap: number | undefined;
  readonly rounds: number;
  readonly intervalMs: number;
  readonly deadlineMs: number | undefined;
  readonly packetSize: number;
  /** Bytes behind the header of the protocol. */
  readonly payloadLength: number;
  readonly trafficClass: number;
  readonly dontFragment: boolean;
}

/** @throws UsageError for a value out of its range, and for what contradicts itself */
export function planOf(family: IPFamily, options: TraceOptions): TracePlan {
  const { protocol = 'icmp', multipath = 'paris', source, settings = [] } = options;
  for (const { option } of settings) {
    const instead = OWN_FIELDS[option.name];
    if (instead === undefined) continue;
    throw new UsageError(`${option.name}: a trace writes this field of the IP header itself`, instead);
  }
  if (multipath === 'dublin' && protocol !== 'udp') {
    throw new UsageError(
      `multipath: dublin is a strategy of UDP, not of ${protocol.toUpperCase()}`,
      'use UDP, or paris',
    );
  }
  if (protocol === 'icmp') {
    for (const name of ['port', 'sourcePort'] as const) {
      if (options[name] === undefined) continue;
      throw new UsageError(`${WORDS[name]}: ICMP has no ports`, 'use UDP or TCP');
    }
  }
  if (source !== undefined && source.family !== family) {
    throw new UsageError(`source: ${source} is ${NAMES[source.family]}, the target is ${NAMES[family]}`);
  }
  const firstHop = whole(options, 'firstHop', 1, 1, 255);
  const maxHops = whole(options, 'maxHops', Math.max(30, firstHop), 1, 255);
  if (firstHop > maxHops) throw new UsageError(`first hop: ${firstHop} is behind the last one, ${maxHops}`);
  const flows = whole(options, 'flows', 1, 1, FLOWS_MAX);
  const rounds = options.rounds === Number.POSITIVE_INFINITY ? options.rounds : whole(options, 'rounds', 1, 1, 2 ** 31);
  const port = protocol === 'icmp' ? 0 : whole(options, 'port', protocol === 'udp' ? 33_434 : 80, 1, 65_535);
  const sourcePort = options.sourcePort === undefined ? undefined : whole(options, 'sourcePort', 0, 1, 65_535);
  if ((sourcePort ?? 0) + flows - 1 > 65_535)
    throw new UsageError(`source port: ${flows} flows do not fit behind ${sourcePort}`);
  const portIsFree = options.port === undefined;
  if (multipath === 'dublin' && portIsFree && port + flows - 1 > 65_535)
    throw new UsageError(`port: ${flows} flows do not fit`);
  const { packetSize, payloadLength } = sizes(family, protocol, multipath, options);
  return {
    protocol,
    protocolIsFree: options.protocol === undefined && options.port === undefined && options.sourcePort === undefined,
    multipath,
    multipathIsFree: options.multipath === undefined && flows === 1 && portIsFree,
    port,
    portIsFree,
    sourcePort,
    source,
    flows,
    firstHop,
    maxHops,
    queries: whole(options, 'queries', flows > 1 || rounds > 1 ? 1 : 3, 1, QUERIES_MAX),
    timeoutMs: milliseconds(options, 'timeoutMs', 3000, 1),
    adaptive: options.adaptive ?? (options.timeoutMs === undefined && rounds === 1),
    spacingMs: milliseconds(options, 'spacingMs', 1, 0),
    window: whole(options, 'window', 16, 1, 255),
    gap: options.gap === undefined ? undefined : whole(options, 'gap', 1, 1, 255),
    rounds,
    intervalMs: milliseconds(options, 'intervalMs', 1000, 1),
    deadlineMs: options.deadlineMs === undefined ? undefined : milliseconds(options, 'deadlineMs', 1, 1),
    packetSize,
    payloadLength,
    trafficClass: whole(options, 'trafficClass', 0, 0, 255),
    dontFragment: options.dontFragment ?? false,
  };
}

/** The same with another protocol, where nobody has asked for one. */
export function replan(family: IPFamily, options: TraceOptions, protocol: TraceProtocol): TracePlan {
  return { ...planOf(family, { ...options, protocol }), protocolIsFree: false };
}

const NAMES: Readonly<Record<IPFamily, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

const WORDS = {
  port: 'port',
  sourcePort: 'source port',
  flows: 'flows',
  firstHop: 'first hop',
  maxHops: 'max hops',
  queries: 'queries',
  rounds: 'rounds',
  window: 'window',
  gap: 'gap',
  packetSize: 'packet size',
  trafficClass: 'traffic class',
  timeoutMs: 'timeout',
  spacingMs: 'spacing',
  intervalMs: 'interval',
  deadlineMs: 'deadline',
} as const satisfies Partial<Record<keyof TraceOptions, string>>;

function whole(
  options: TraceOptions,
  name: keyof typeof WORDS,
  otherwise: number,
  least: number,
  most: number,
): number {
  const value = options[name] ?? otherwise;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`${WORDS[name]}: ${value} is no whole number from ${least} to ${most}`);
}

function milliseconds(options: TraceOptions, name: keyof typeof WORDS, otherwise: number, least: number): number {
  const value = options[name] ?? otherwise;
  if (value >= least && value <= 0x7fff_ffff) return value;
  throw new UsageError(`${WORDS[name]}: ${value} is not from ${least} to ${0x7fff_ffff} ms`);
}

/** How large probes are: as traceroute(8) has them, but for SYNs, which carry nothing as a rule. */
function sizes(
  family: IPFamily,
  protocol: TraceProtocol,
  multipath: TraceMultipath,
  options: TraceOptions,
): { packetSize: number; payloadLength: number } {
  const header = family === 'ipv4' ? IPV4_HEADER : IPV6_HEADER;
  const own = { icmp: ICMP_HEADER, udp: UDP_HEADER, tcp: TCP_HEADER }[protocol];
  const least = header + own + (protocol === 'tcp' ? 0 : PAYLOAD_MIN);
  // Lengths are what tells these from one another, up to what every link takes.
  const byLength = multipath === 'dublin' && family === 'ipv6';
  const most = byLength ? IPV6_MTU_MIN - DUBLIN_LENGTHS : family === 'ipv4' ? PACKET_MAX : IPV6_HEADER + PACKET_MAX;
  const usual = protocol === 'tcp' ? least : header + 40;
  const packetSize = whole(options, 'packetSize', usual, least, most);
  return { packetSize, payloadLength: packetSize - header - own };
}
