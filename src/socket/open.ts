/** Which backend opens the sockets. */
import { toSockctlError } from '../errors.js';
import type { Logger } from '../log/events.js';
import { nativeBackend } from './native/backend.js';
import type { Backend, BackendName } from './port.js';
import { portableBackend } from './portable/backend.js';

/** 'auto' takes the native backend where it works and says so when it falls back. */
export type BackendChoice = 'auto' | BackendName;

/**
 * @throws SockctlError BACKEND_MISSING when 'native' is asked for where system calls can't be had
 */
export async function selectBackend(choice: BackendChoice, logger: Logger): Promise<Backend> {
  if (choice === 'portable') return portableBackend();
  try {
    return await nativeBackend();
  } catch (error) {
    if (choice === 'native') throw error;
    logger.log('warn', { event: 'fallback', message: `portable backend: ${toSockctlError(error).message}` });
    return portableBackend();
  }
}
