/**
 * Probes without privileges: UDP sockets, one for each flow, whose errors come through their error queues (IP_RECVERR of
 * ip(7)), or the kernel's ping socket (icmp(7)). The IP header of what errors quote can't be seen there.
 */
import { type InetEndpoint, inetEndpoint } from '../../../sockaddr/endpoint.js';
import type { IPAddress } from '../../../sockaddr/ip.js';
import type { MessageSocket } from '../../../socket/port.js';
import { ICMPV6_PROTOCOL } from '../../../wire/icmpv6.js';
import { IPProtocol } from '../../../wire/numbers.js';
import { UDP_HEADER } from '../../../wire/udp.js';
import { receiveDatagrams, receivePackets } from '../../probes/answers.js';
import type { TracePlan } from '../plan.js';
import { read16 } from '../probe-format.js';
import { TracePort } from './trace-port.js';
import { openPathMtu, openReservations, pathMtuSetting, portOf, type TraceWorld, type WorldOptions } from './world.js';

/** @throws SocketError EACCES where the system does not allow ping sockets */
export async function openPingWorld(options: WorldOptions, plan: TracePlan, source: IPAddress): Promise<TraceWorld> {
  const { backend, logger, target, settings } = options;
  const { family } = target;
  const socket = await backend.ping({
    logger,
    family,
    errorQueue: true,
    settings: [pathMtuSetting(target.family, plan), ...settings],
    // Bound, it has its identifier.
    local: inetEndpoint(source, 0),
  });
  const to = inetEndpoint(target, 0);
  const opened: MessageSocket[] = [socket];
  try {
    const pathMtu = await openPathMtu(options, plan, source, opened);
    const port = new TracePort({
      socket: 'dgram',
      ownHeader: false,
      alarm: backend.alarm(),
      sockets: opened,
      pathMtu,
      send: ({ bytes, hopLimit, trafficClass }) => socket.send([{ bytes, to, hopLimit, trafficClass }]),
      listen: (deliver, failed) =>
        receivePackets(socket, family === 'ipv4' ? IPProtocol.icmp : ICMPV6_PROTOCOL, false, deliver, failed),
    });
    return { port, source, sourcePorts: [], identifier: portOf(socket), backend: backend.name };
  } catch (error) {
    await Promise.all(opened.map((each) => each.close()));
    throw error;
  }
}

/** @throws SocketError EADDRINUSE for a source port that somebody has */
export async function openUdpWorld(options: WorldOptions, plan: TracePlan, source: IPAddress): Promise<TraceWorld> {
  const { backend, target } = options;
  const opened: MessageSocket[] = [];
  try {
    const sockets = await openReservations(options, plan, source, opened, {
      errorQueue: true,
      settings: [pathMtuSetting(target.family, plan)],
    });
    const pathMtu = await openPathMtu(options, plan, source, opened);
    const byPort = new Map(sockets.map((socket) => [portOf(socket), socket]));
    /** The same object for the same place: encoded once. */
    const places = new Map<number, InetEndpoint>();
    const port = new TracePort({
      socket: 'dgram',
      ownHeader: false,
      alarm: backend.alarm(),
      sockets: opened,
      pathMtu,
      send: ({ bytes, hopLimit, trafficClass }) => {
        const socket = byPort.get(read16(bytes, 0)) ?? (sockets[0] as MessageSocket);
        const destinationPort = read16(bytes, 2);
        const to = places.get(destinationPort) ?? inetEndpoint(target, destinationPort);
        if (places.size < 1024) places.set(destinationPort, to);
        return socket.send([{ bytes: bytes.subarray(UDP_HEADER), to, hopLimit, trafficClass }]);
      },
      listen: (deliver, failed) => {
        for (const socket of sockets) receiveDatagrams(socket, portOf(socket), IPProtocol.udp, deliver, failed);
      },
    });
    return { port, source, sourcePorts: sockets.map(portOf), identifier: 0, backend: backend.name };
  } catch (error) {
    await Promise.all(opened.map((socket) => socket.close()));
    throw error;
  }
}
