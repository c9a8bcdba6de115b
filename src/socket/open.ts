/** Which backend opens the sockets. */
import { toSockctlError } from '../errors.js';
import type { Logger } from '../log/events.js';
import { nativeBackend } from './native/backend.js';
import type { Backend, BackendName, OpenObserver } from './port.js';
import { portableBackend } from './portable/backend.js';

/** 'auto' takes the native backend where it works and says so when it falls back. */
export type BackendChoice = 'auto' | BackendName;

/**
 * @param onOpen is shown every socket that is opened
 * @throws SockctlError BACKEND_MISSING when 'native' is asked for where system calls can't be had; UsageError
 *   BACKEND_LIMIT for an observer on the portable backend
 */
export async function selectBackend(choice: BackendChoice, logger: Logger, onOpen?: OpenObserver): Promise<Backend> {
  if (choice === 'portable') return portableBackend(onOpen);
  try {
    return await nativeBackend(onOpen);
  } catch (error) {
    if (choice === 'native' || onOpen !== undefined) throw error;
    logger.log('warn', { event: 'fallback', message: `portable backend: ${toSockctlError(error).message}` });
    return portableBackend();
  }
}
