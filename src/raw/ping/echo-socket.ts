/** The socket that echo goes through: raw where that is allowed, the kernel's ping socket otherwise. */
import { SocketError } from '../../errors.js';
import type { IPFamily } from '../../sockaddr/ip.js';
import type { Backend, MessageSocket, OpenOptions } from '../../socket/port.js';
import { ECHO_TYPES } from './echo.js';

export interface EchoSocket {
  readonly socket: MessageSocket;
  readonly kind: 'raw' | 'dgram';
}

const ADVICE =
  "run it with sudo, grant CAP_NET_RAW ('sudo setcap cap_net_raw+ep $(readlink -f $(command -v node))'), " +
  'or allow ping sockets (\'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"\')';

/**
 * @throws SocketError EPERM with what would allow it, when neither may be opened
 */
export async function openEchoSocket(backend: Backend, family: IPFamily, options: OpenOptions): Promise<EchoSocket> {
  try {
    const protocol = family === 'ipv6' ? 58 : 1;
    return { socket: await backend.raw({ ...options, family, protocol, icmpTypes: ECHO_TYPES[family] }), kind: 'raw' };
  } catch (error) {
    if (!isPermission(error) || backend.name !== 'native') throw error;
  }
  try {
    const socket = await backend.ping({ ...options, family });
    options.logger.log('info', { event: 'fallback', message: 'no permission for a raw socket: using the ping socket' });
    return { socket, kind: 'dgram' };
  } catch (error) {
    if (!isPermission(error)) throw error;
    const { syscall, code, errno } = error;
    throw new SocketError({ syscall, code, errno, advice: ADVICE, cause: error });
  }
}

function isPermission(error: unknown): error is SocketError {
  return error instanceof SocketError && (error.code === 'EPERM' || error.code === 'EACCES');
}
