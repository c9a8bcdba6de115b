/** The accept queue of listen(2): how long the kernel lets it be. */
import { readFileSync } from 'node:fs';
import type { ListenEvent } from '../log/events.js';

let longest: number | null | undefined;

/** net.core.somaxconn, the longest accept queue that listen(2) gives, as it was when first asked for; null elsewhere. */
export function longestAcceptQueue(): number | null {
  if (longest !== undefined) return longest;
  try {
    longest = Number.parseInt(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'), 10);
  } catch {
    longest = null;
  }
  return longest;
}

/** The event of a listen(2) that has worked, with the length that the kernel has silently made of a longer one. */
export function listenEvent(backlog: number, local: string): ListenEvent {
  const limit = longestAcceptQueue();
  return { event: 'listen', backlog, local, effective: limit !== null && limit < backlog ? limit : undefined };
}
