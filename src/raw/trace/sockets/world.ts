/** What a trace has of the world: a port, and what the system has chosen for it. */
import type { Logger } from '../../../log/events.js';
import { type OptionSetting, setting } from '../../../options/settings.js';
import { inetEndpoint } from '../../../sockaddr/endpoint.js';
import type { IPAddress, IPFamily } from '../../../sockaddr/ip.js';
import type { Backend, BackendName, DatagramOptions, MessageSocket } from '../../../socket/port.js';
import { openRoute } from '../../../socket/source-address.js';
import type { ProbePort } from '../../probes/port.js';
import type { TracePlan } from '../plan.js';

export interface WorldOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly target: IPAddress;
  readonly settings: readonly OptionSetting[];
}

export interface TraceWorld {
  readonly port: ProbePort;
  readonly source: IPAddress;
  /** Own ports, one for each flow; none for ICMP. */
  readonly sourcePorts: readonly number[];
  /** Of ICMP echo. */
  readonly identifier: number;
  readonly backend: BackendName;
}

/**
 * A UDP socket for each flow that has a source port of its own.
 *
 * @param opened is given each as soon as it is open, for who has to close them whatever happens
 */
export async function openReservations(
  { backend, logger, target, settings }: WorldOptions,
  plan: TracePlan,
  source: IPAddress,
  opened: MessageSocket[],
  more: Partial<DatagramOptions> = {},
): Promise<MessageSocket[]> {
  const sockets: MessageSocket[] = [];
  // What is for raw sockets alone is not for these.
  const usable = settings.filter(({ option }) => option.sockets.includes('datagram'));
  const count = plan.multipath === 'dublin' && plan.portIsFree ? 1 : plan.flows;
  for (let flow = 0; flow < count; flow++) {
    const port = plan.sourcePort === undefined ? 0 : plan.sourcePort + flow;
    const socket = await backend.datagram(target.family, {
      logger,
      local: inetEndpoint(source, port),
      ...more,
      settings: [...(more.settings ?? []), ...usable],
    });
    opened.push(socket);
    sockets.push(socket);
  }
  return sockets;
}

/** RFC 1122 section 3.3.2: what every host takes; for probes up to this nobody looks at the path's MTU. */
const SMALL_PACKET = 576;

/**
 * What the system knows of the path's MTU, now and later; null where it is not known, and for small probes.
 *
 * @param opened as for {@link openReservations}
 */
export async function openPathMtu(
  { backend, target, settings }: WorldOptions,
  { packetSize }: TracePlan,
  source: IPAddress,
  opened: MessageSocket[],
): Promise<() => number | null> {
  if (packetSize <= SMALL_PACKET) return () => null;
  const route = await openRoute(backend, target, routeSettings(settings), source);
  opened.push(route);
  return () => route.pathMtu();
}

/** Those that decide about the route. */
export function routeSettings(settings: readonly OptionSetting[]): OptionSetting[] {
  return settings.filter(({ option }) => option.name === 'SO_BINDTODEVICE' || option.name === 'SO_MARK');
}

/** IP_PMTUDISC_PROBE of ip(7) has no look at what routers have said of the path before; or packets may be fragmented. */
export function pathMtuSetting(family: IPFamily, { dontFragment }: TracePlan): OptionSetting {
  return setting(family === 'ipv6' ? 'IPV6_MTU_DISCOVER' : 'IP_MTU_DISCOVER', dontFragment ? 3 : 0);
}

export function portOf(socket: MessageSocket): number {
  return socket.local === undefined || socket.local.family === 'unix' ? 0 : socket.local.port;
}
