/**
 * Probes through raw sockets. Over IPv4 they go out with headers of our own (IP_HDRINCL, raw(7)), so that the
 * identification is known; over IPv6 with a hop limit for each. Answers come through raw sockets too: ICMP of the types
 * that matter, and of TCP what comes to our ports.
 *
 * A UDP socket holds each source port, so that nobody else gets it meanwhile and no answer is told that nobody listens.
 */
import { randomInt } from 'node:crypto';
import { LET_NOTHING_IN, type OptionSetting, setting } from '../../../options/settings.js';
import { inetEndpoint } from '../../../sockaddr/endpoint.js';
import type { IPAddress, IPFamily } from '../../../sockaddr/ip.js';
import { IPPROTO_RAW, type MessageSocket, type RawSocket } from '../../../socket/port.js';
import { IcmpType } from '../../../wire/icmp.js';
import { ICMPV6_PROTOCOL, Icmpv6Type } from '../../../wire/icmpv6.js';
import { encodeIPv4, IPV4_HEADER } from '../../../wire/ipv4.js';
import { fragmentIPv4 } from '../../../wire/ipv4-fragment.js';
import { IPProtocol } from '../../../wire/numbers.js';
import { receiveDatagrams, receivePackets } from '../../probes/answers.js';
import type { OutgoingProbe } from '../../probes/port.js';
import type { TracePlan } from '../plan.js';
import { TracePort } from './trace-port.js';
import { openPathMtu, openReservations, pathMtuSetting, portOf, type TraceWorld, type WorldOptions } from './world.js';

const ANSWER_TYPES: Readonly<Record<IPFamily, readonly number[]>> = {
  ipv4: [IcmpType.echoReply, IcmpType.destinationUnreachable, IcmpType.timeExceeded, IcmpType.parameterProblem],
  ipv6: [
    Icmpv6Type.destinationUnreachable,
    Icmpv6Type.packetTooBig,
    Icmpv6Type.timeExceeded,
    Icmpv6Type.parameterProblem,
    Icmpv6Type.echoReply,
  ],
};

/** Ports for SYNs are taken from here: IANA's dynamic ones (RFC 6335 section 6). */
const DYNAMIC = { first: 49_152, last: 65_535 };
/** Source ports that SYNs go through in turn where each probe is to have its own. */
const CLASSIC_PORTS = 256;

/** @throws SocketError EPERM without CAP_NET_RAW */
export async function openRawWorld(options: WorldOptions, plan: TracePlan, source: IPAddress): Promise<TraceWorld> {
  const { backend, logger, target, settings } = options;
  const { family } = target;
  const v6 = family === 'ipv6';
  const opened: MessageSocket[] = [];
  const open = async (protocol: number, more: Partial<Parameters<typeof backend.raw>[0]> = {}): Promise<RawSocket> => {
    const own = [...(more.settings ?? []), ...settings];
    const socket = await backend.raw({ logger, family, protocol, ...more, settings: own });
    opened.push(socket);
    return socket;
  };
  try {
    const icmpProtocol = v6 ? ICMPV6_PROTOCOL : IPProtocol.icmp;
    // Checksums of IPv6 cover the source: the kernel is not to choose another one later.
    const local = v6 ? { local: inetEndpoint(source, 0) } : {};
    const discovery = [pathMtuSetting(family, plan)];
    const icmp = await open(icmpProtocol, { icmpTypes: ANSWER_TYPES[family], settings: discovery, ...local });
    let sourcePorts: number[] = [];
    let reservations: MessageSocket[] = [];
    if (plan.protocol === 'udp') {
      reservations = await openReservations(options, plan, source, opened);
      sourcePorts = reservations.map(portOf);
    } else if (plan.protocol === 'tcp') sourcePorts = chooseTcpPorts(plan);
    const tcp =
      plan.protocol !== 'tcp'
        ? undefined
        : await open(IPProtocol.tcp, {
            settings: [...discovery, tcpFilter(family, sourcePorts)],
            ...local,
          });
    const sender = !v6
      ? await open(IPPROTO_RAW, { ownHeader: true, settings: discovery })
      : plan.protocol === 'icmp'
        ? icmp
        : (tcp ?? (await open(IPProtocol.udp, { settings: [...discovery, LET_NOTHING_IN], ...local })));
    const pathMtu = await openPathMtu(options, plan, source, opened);
    const to = inetEndpoint(target, 0);
    const port = new TracePort({
      socket: 'raw',
      ownHeader: !v6,
      alarm: backend.alarm(),
      sockets: opened,
      pathMtu,
      send: (probe) => {
        const { bytes, hopLimit, trafficClass } = probe;
        if (v6) return sender.send([{ bytes, to, hopLimit, trafficClass }]);
        const packet = withHeader(probe, source, plan);
        // With a header of our own the kernel makes no fragments (raw(7)).
        const mtu = plan.dontFragment ? null : pathMtu();
        const packets = mtu === null ? [packet] : fragmentIPv4(packet, mtu);
        return sender.send(packets.map((piece) => ({ bytes: piece, to })));
      },
      listen: (deliver, failed) => {
        receivePackets(icmp, icmpProtocol, !v6, deliver, failed);
        if (tcp !== undefined) receivePackets(tcp, IPProtocol.tcp, !v6, deliver, failed);
        for (const socket of reservations) receiveDatagrams(socket, portOf(socket), IPProtocol.udp, deliver, failed);
      },
    });
    return { port, source, sourcePorts, identifier: randomInt(0x1_0000), backend: backend.name };
  } catch (error) {
    await Promise.all(opened.map((socket) => socket.close()));
    throw error;
  }
}

function withHeader(probe: OutgoingProbe, source: IPAddress, { dontFragment }: TracePlan): Uint8Array {
  const { bytes, to, protocol, hopLimit = 64, trafficClass = 0, identification = 0 } = probe;
  const packet = new Uint8Array(IPV4_HEADER + bytes.length);
  encodeIPv4(
    {
      source: source.toString(),
      destination: to.toString(),
      protocolNumber: protocol,
      ttl: hopLimit,
      dscp: trafficClass >> 2,
      ecn: trafficClass & 3,
      identification,
      dontFragment,
    },
    bytes.length,
    packet,
  );
  packet.set(bytes, IPV4_HEADER);
  return packet;
}

function chooseTcpPorts({ sourcePort, flows, multipath }: TracePlan): number[] {
  const count = multipath === 'classic' && sourcePort === undefined ? Math.max(flows, CLASSIC_PORTS) : flows;
  const first = sourcePort ?? randomInt(DYNAMIC.first, DYNAMIC.last - count + 2);
  return Array.from({ length: count }, (_, i) => first + i);
}

/**
 * A program for SO_ATTACH_FILTER that accepts what comes to one of `ports`, which follow one another: a raw socket is
 * given every TCP packet that comes in, IPv4's from the IP header on.
 */
function tcpFilter(family: IPFamily, ports: readonly number[]): OptionSetting {
  const first = ports[0] ?? 0;
  const last = ports.at(-1) ?? first;
  // ldxb 4*([0]&0xf) or ldx #0; ldh [x + 2]; jge first; jgt last; ret 0; ret all.
  const start = family === 'ipv4' ? '177 0 0 0' : '1 0 0 0';
  return setting('SO_ATTACH_FILTER', `6,${start},72 0 0 2,53 0 1 ${first},37 0 1 ${last},6 0 0 0,6 0 0 4294967295`);
}
