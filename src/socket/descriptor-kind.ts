/** What a descriptor is of, for the calls that go without memory in between. */
import { fstatSync } from 'node:fs';

/** Major number of /dev/null and its like, null(4). */
const MEMORY_DEVICES = 1;

/** Whether a write to it is over at once, whoever is on the other side: a regular file, or /dev/null. */
export function takesAll(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() || (stat.isCharacterDevice() && stat.rdev >> 8 === MEMORY_DEVICES);
  } catch {
    return false;
  }
}

/** A regular file (sendfile(2)), a pipe (splice(2)), or anything else, no descriptor included. */
export function descriptorKind(fd: unknown): 'file' | 'pipe' | 'other' {
  if (typeof fd !== 'number') return 'other';
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? 'file' : stat.isFIFO() ? 'pipe' : 'other';
  } catch {
    return 'other';
  }
}
