/** Which sockets a trace goes through: raw ones where they are allowed, otherwise what takes no privilege. */
import { isPermissionError, SocketError, UsageError } from '../../../errors.js';
import { RAW_ADVICE } from '../../../socket/port.js';
import { sourceAddressFor } from '../../../socket/source-address.js';
import type { TraceOptions } from '../options.js';
import { replan, type TracePlan } from '../plan.js';
import { openPingWorld, openUdpWorld } from './datagram.js';
import { openRawWorld } from './raw.js';
import { routeSettings, type TraceWorld, type WorldOptions } from './world.js';

const PING_ADVICE = `${RAW_ADVICE}, allow ping sockets ('sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'), or trace with UDP`;

/**
 * Opens what there is to be had. The plan that comes back is another one where UDP has taken the place of ICMP, which
 * nobody had asked for.
 *
 * @throws SocketError EPERM with what would allow it; ENETUNREACH, EHOSTUNREACH where there is no route
 * @throws UsageError for what takes raw sockets where there are none
 */
export async function openWorld(
  options: WorldOptions,
  plan: TracePlan,
  asked: TraceOptions,
): Promise<{ readonly world: TraceWorld; readonly plan: TracePlan }> {
  const { backend, logger, target, settings } = options;
  if (backend.name === 'portable') refusePortable(options, plan);
  const source = await sourceAddressFor(backend, target, routeSettings(settings), plan.source);
  const notice = (message: string) => logger.log('info', { event: 'fallback', message });
  let denied: SocketError;
  try {
    return { world: await openRawWorld(options, plan, source), plan };
  } catch (error) {
    if (!isPermissionError(error)) throw error;
    denied = error;
  }
  if (backend.name === 'portable') throw denied;
  if (plan.protocol === 'tcp') throw withAdvice(denied, `${RAW_ADVICE}, or trace with UDP`);
  if (plan.multipath === 'dublin') {
    throw withAdvice(denied, `${RAW_ADVICE}; the strategy dublin writes headers, paris and classic do not`);
  }
  if (plan.protocol === 'udp') {
    const own = throughErrorQueue(plan);
    const world = await openUdpWorld(options, own, source);
    notice(
      `no permission for a raw socket: tracing with UDP (${own.multipath}) through the error queue, headers quoted are not seen`,
    );
    return { world, plan: own };
  }
  try {
    const world = await openPingWorld(options, plan, source);
    notice('no permission for a raw socket: tracing with the ping socket, headers quoted are not seen');
    return { world, plan };
  } catch (error) {
    if (!isPermissionError(error)) throw error;
    if (!plan.protocolIsFree) throw withAdvice(error, PING_ADVICE);
  }
  const udp = throughErrorQueue(replan(target.family, asked, 'udp'));
  const world = await openUdpWorld(options, udp, source);
  notice(`no permission for raw and ping sockets: tracing with UDP (${udp.multipath}) through the error queue`);
  return { world, plan: udp };
}

/**
 * The error queue shows ports and what is quoted behind the UDP header, but no checksum: of routers that quote eight bytes
 * (RFC 792), nothing else than ports tells which probe they are about.
 */
function throughErrorQueue(plan: TracePlan): TracePlan {
  return plan.multipathIsFree ? { ...plan, multipath: 'classic' } : plan;
}

function refusePortable({ target }: WorldOptions, plan: TracePlan): void {
  const no = (what: string) => new UsageError(`portable backend: ${what}`, 'use the native backend', 'BACKEND_LIMIT');
  if (target.family === 'ipv6') throw no('a trace over IPv6 takes headers that raw-socket does not show');
  if (plan.protocol === 'tcp') throw no('a trace with TCP takes a filter, and raw-socket has none');
}

function withAdvice({ syscall, code, errno }: SocketError, advice: string): SocketError {
  return new SocketError({ syscall, code, errno, advice });
}
