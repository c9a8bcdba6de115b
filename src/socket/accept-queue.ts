/** The accept queue of listen(2): how long the kernel lets it be. */
import { readFileSync } from 'node:fs';
import type { ListenEvent } from '../log/events.js';

/** net.core.somaxconn of this network namespace, the longest accept queue that listen(2) gives; undefined elsewhere. */
export function longestAcceptQueue(): number | undefined {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'), 10);
  } catch {
    return undefined;
  }
}

/** The event of a listen(2) that has worked, with the length that the kernel has silently made of a longer one. */
export function listenEvent(backlog: number, local: string): ListenEvent {
  const longest = longestAcceptQueue();
  const capped = longest !== undefined && longest < backlog;
  return { event: 'listen', backlog, local, effective: capped ? longest : undefined };
}
