/**
 * SIGUSR1 asks a running command how it stands, as it does dd(1). Node keeps this signal for its inspector, which must
 * not open a port of a process that may be root: the command line takes the signal over with its first line (main.ts).
 */
import { close, url } from 'node:inspector';

/** The signal that asks. */
const ASKING = 'SIGUSR1';

/**
 * Calls `tell` whenever somebody asks, until the function that is returned is called.
 *
 * @param also other signals that ask: SIGQUIT, which a terminal sends for Ctrl-\, is ping(8)'s
 */
export function onStatistics(tell: () => void, also: readonly NodeJS.Signals[] = []): () => void {
  const signals = [ASKING, ...also] as const;
  for (const signal of signals) process.on(signal, tell);
  if (url() !== undefined && !isDebugged()) close();
  return () => {
    for (const signal of signals) process.off(signal, tell);
  };
}

/** Whether the inspector was asked for; otherwise the signal has come while Node itself was starting. */
function isDebugged(): boolean {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((text) => text.includes('--inspect'));
}
