/** Single keys from a terminal, while a command draws on it. */
import type { ReadStream } from 'node:tty';

/** What the terminal would make signals of, were it not told to hand on every key. */
const SIGNAL_KEYS: Readonly<Record<string, NodeJS.Signals>> = {
  '\x03': 'SIGINT',
  '\x1a': 'SIGTSTP',
  '\x1c': 'SIGQUIT',
};

/**
 * Calls `onKey` with each character that is typed; nothing where stdin is no terminal. Ctrl-C, Ctrl-Z and Ctrl-\ are the
 * signals that they always are.
 *
 * @returns gives the terminal back
 */
export function readKeys(stdin: ReadStream, onKey: (key: string) => void): () => void {
  if (stdin.isTTY !== true) return () => undefined;
  const onData = (chunk: Buffer): void => {
    for (const key of chunk.toString('latin1')) {
      const signal = SIGNAL_KEYS[key];
      if (signal === undefined) onKey(key);
      else process.kill(process.pid, signal);
    }
  };
  const ignore = (): void => undefined;
  stdin.setRawMode(true);
  stdin.on('data', onData).on('error', ignore).resume();
  return () => {
    stdin.off('data', onData).off('error', ignore);
    stdin.pause();
    stdin.setRawMode(false);
  };
}
