/** Capture files that a command was given, as one source. */
import { type CaptureSource, mergeSources, openFileSource } from '../capture/reading.js';

/**
 * Several are merged by time.
 *
 * @param signal ends the waiting for a pipe
 * @throws SocketError, SockctlError for the first that can't be opened or is none; the reason of `signal`
 */
export async function openFiles(files: readonly string[], signal: AbortSignal): Promise<CaptureSource> {
  const sources: CaptureSource[] = [];
  try {
    for (const file of files) sources.push(await openFileSource(file, signal));
  } catch (error) {
    for (const source of sources) await source.close();
    throw error;
  }
  const [only] = sources;
  return sources.length === 1 && only !== undefined ? only : mergeSources(sources);
}
