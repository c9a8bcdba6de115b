/** Patterns that connections send for ever: one piece of memory for all that send the same. */
import type { Libc } from './libc.js';
import { acquireMemory, type PinnedMemory } from './memory.js';

/** Bytes that one call takes of a pattern at most: fewer, larger calls keep the receiver busy. */
export const PATTERN_CHUNK = 1 << 20;

/** A pattern, repeated so often that a call which begins anywhere in the first one is still a large one. */
export interface RepeatedPattern {
  readonly memory: PinnedMemory;
  readonly length: number;
  users: number;
}

const patterns = new Map<Uint8Array, RepeatedPattern>();

/** To be given back with {@link returnPattern}. */
export function borrowPattern(libc: Libc, pattern: Uint8Array): RepeatedPattern {
  const known = patterns.get(pattern);
  if (known !== undefined) {
    known.users++;
    return known;
  }
  const memory = acquireMemory(libc, PATTERN_CHUNK + pattern.length);
  const length = PATTERN_CHUNK + pattern.length - (PATTERN_CHUNK % pattern.length);
  for (let at = 0; at < length; at += pattern.length) memory.bytes.set(pattern, at);
  const repeated = { memory, length, users: 1 };
  patterns.set(pattern, repeated);
  return repeated;
}

export function returnPattern(pattern: Uint8Array, repeated: RepeatedPattern): void {
  if (--repeated.users > 0) return;
  patterns.delete(pattern);
  repeated.memory.release();
}
